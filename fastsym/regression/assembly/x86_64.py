"""Instructions of x86-64, in AT&T syntax: the destination is the last operand."""

import re
from collections import Counter
from collections.abc import Sequence

from .instructions import SCALAR, Instruction, Operations

COMMENT = re.compile(r"\s##?\s")
_KINDS = {
    "fma": r"f(?:n?m(?:add|sub)|maddsub|msubadd)(?:132|213|231)?",
    "mul": r"mul",
    "add": r"add|sub|addsub|hadd|hsub",
    "div": r"div",
    "sqrt": r"sqrt",
    "minmax": r"min|max",
    "compare": r"u?comi|cmp\w*",
    "round": r"round|rndscale",
    "estimate": r"rcp(?:14)?|rsqrt(?:14)?",
}
_FLOAT = re.compile("(?:" + "|".join(f"(?P<{kind}>{body})" for kind, body in _KINDS.items()) + r")(?P<packed>[ps])[sd]")
_SHUFFLE = re.compile(
    r"(?:perm|shuf|unpck|blend|align|insert|extract|p(?:shuf|unpck|blend|align|insr|extr)|movlhps|movhlps)"
)
_SCALAR_MOVE = re.compile(r"mov(?:s[sd]|[dq]|[hl]p[sd])")
_SYMBOL = re.compile(r"\$([^\d\-]\S*)")


def read(text: str) -> Instruction:
    """Read a line; the mnemonic loses the prefix v."""
    mnemonic, _, operands = text.partition("\t")
    parts = [part.strip() for part in re.split(r",(?![^(]*\))", operands) if part.strip()]
    return mnemonic.strip().removeprefix("v"), parts


def flow(mnemonic: str, operands: Sequence[str]) -> tuple[str, str]:
    """Tell where it goes on."""
    if mnemonic.startswith("j"):
        return ("jump" if mnemonic.startswith("jmp") else "branch"), operands[0]
    if mnemonic.startswith("call"):
        return "call", operands[0]
    return ("end" if mnemonic.startswith(("ret", "ud2")) else ""), ""


def assigned(mnemonic: str, operands: Sequence[str]) -> list[tuple[str, str, str]]:
    """List the places it writes."""
    if not operands:
        return []
    symbol = _SYMBOL.fullmatch(operands[0])
    return [(operands[-1], symbol[1] if symbol else "", operands[0] if mnemonic == "movq" and not symbol else "")]


def sets_frame_pointer(mnemonic: str, operands: Sequence[str]) -> bool:
    """Tell whether %rbp points to the stack from here on."""
    return mnemonic == "movq" and list(operands) == ["%rsp", "%rbp"]


def _is_memory(operand: str) -> bool:
    return "(" in operand


def _width(operands: Sequence[str]) -> int:
    text = " ".join(operands)
    return next((bits for name, bits in (("%zmm", 512), ("%ymm", 256), ("%xmm", 128)) if name in text), 0)


def classify(mnemonic: str, operands: Sequence[str]) -> tuple[str, str] | None:
    """Kind and width (``"512"``, ..., ``"scalar"``) of what an instruction does, None if it is not counted."""
    if re.fullmatch(r"i?div[bwlq]", mnemonic):
        return "integer div", SCALAR
    width = _width(operands)
    if not width:
        return None
    if match := _FLOAT.fullmatch(mnemonic):
        kind = next(kind for kind in _KINDS if match[kind])
        return kind, str(width) if match["packed"] == "p" else SCALAR
    if mnemonic.startswith("cvt"):
        return "convert", SCALAR if re.search(r"2s[sdi]$|2s[sdi][lq]$|2usi", mnemonic) else str(width)
    for kind in ("gather", "scatter", "broadcast"):
        if mnemonic.removeprefix("p").startswith(kind):
            return kind, str(width)
    if mnemonic.startswith("movddup"):
        return "broadcast", str(width)
    if _SHUFFLE.match(mnemonic):
        return "shuffle", str(width)
    return ("integer", str(width)) if re.match(r"p(?:add|sub|s[lr][la]|mul|cmp|min|max)", mnemonic) else None


def count_operations(block: list[Instruction], frame_pointer: bool) -> tuple[Operations, Counter[str]]:
    """Count the operations of a block by width and kind, and what it keeps on the stack."""
    operations: Operations = Counter()
    stack: Counter[str] = Counter()
    slot = re.compile(r"\(%rsp[,)]|\(%rbp[,)]" if frame_pointer else r"\(%rsp[,)]")
    for mnemonic, operands in block:
        found = classify(mnemonic, operands)
        if found:
            operations[found[1], found[0]] += 1
        memory = [operand for operand in operands if _is_memory(operand)]
        if not memory or mnemonic.startswith("lea"):
            continue
        width = _width(operands)
        written = _is_memory(operands[-1]) and not mnemonic.startswith(("cmp", "test", "ucomi", "comi"))
        if slot.search(memory[0]):
            stack[("vector " if width else "integer ") + ("stores" if written else "reloads")] += 1
        elif any("{1to" in operand for operand in memory):
            operations[str(width), "broadcast"] += 1
        elif width and not (found and found[0] in ("broadcast", "gather", "scatter")):
            scalar = found[1] == SCALAR if found else bool(_SCALAR_MOVE.fullmatch(mnemonic))
            operations[SCALAR if scalar else str(width), "store" if written else "load"] += 1
    return operations, stack

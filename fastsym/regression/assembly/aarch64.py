"""Instructions of 64-bit ARM: the destination is the first operand, but for stores.

Registers of SVE have a width that only the running processor knows; they count as 128 bits, the least there is.
"""

import re
from collections import Counter
from collections.abc import Sequence

from .instructions import SCALAR, Instruction, Operations

COMMENT = re.compile(r"\s(?://|;)")
WIDE, HALF = "128", "64"
_KINDS = {
    "fma": r"fn?m(?:add|sub|la|ls|ad|sb)l?2?",
    "mul": r"fn?mulx?",
    "add": r"f(?:add|sub|subr|abd)p?",
    "div": r"fdivr?",
    "sqrt": r"fsqrt",
    "minmax": r"f(?:min|max)(?:nm)?[pv]?",
    "compare": r"fc?cmpe?|fcm(?:eq|ne|g[et]|l[et])|fac(?:g[et]|l[et])",
    "round": r"frint\w+",
    "estimate": r"f(?:rsqrt|recp)[esx]",
    "convert": r"fcvt\w*|[su]cvtf",
    "integer div": r"[su]div",
    "broadcast": r"dup|ld[1-4]r\w*",
    "gather": r"ld(?:ff)?1\w+",
    "scatter": r"st1\w+",
    "shuffle": r"(?:zip|uzp|trn)[12]|ext|tb[lx]|rev\d*|ins|mov",
    "integer": r"(?:add|sub|mul|mla|mls|neg|abs|shl|[su]shl|[su]shr|[su]sra|cm\w+|[su](?:min|max))p?",
}
_KIND = re.compile("|".join(f"(?P<{kind.replace(' ', '_')}>{body})" for kind, body in _KINDS.items()))
_LANE = re.compile(r"[vz]\d+\.[bhsdq]\[\d+\]")
_MEMORY = re.compile(r"(?:ld|st)(?:r|p|ur|np|1|2|3|4)(?:r?[bhsdw]*)")
_SYMBOL = re.compile(r"#?:\w+:([^\s\]]+)\]?|\[\w+, ?:\w+:([^\s\]]+)\]")
_WRITES_NOTHING = ("cmp", "cmn", "tst", "ccmp", "ccmn", "fcmp", "fccmp", "prfm", "st1", "stl", "stx")


def read(text: str) -> Instruction:
    """Read a line; a suffix such as that of ``fmla.2d v0, v1, v2`` goes to the registers."""
    mnemonic, _, rest = text.partition("\t")
    parts = [part.strip() for part in re.split(r",(?![^\[{]*[\]}])", rest) if part.strip()]
    mnemonic, _, shape = mnemonic.strip().partition(".")
    if re.fullmatch(r"\d+[bhsdq]|[bhsdq]", shape):
        return mnemonic, [re.sub(r"\bv(\d+)(?!\.)", rf"v\1.{shape}", part) for part in parts]
    return mnemonic + (f".{shape}" if shape else ""), parts


def flow(mnemonic: str, operands: Sequence[str]) -> tuple[str, str]:
    """Tell where it goes on."""
    if mnemonic == "b" or mnemonic.startswith("br"):
        return ("end", "") if mnemonic == "brk" else ("jump", operands[0] if mnemonic == "b" else f"*{operands[0]}")
    if mnemonic.startswith(("b.", "cb", "tb")) and not _KIND.fullmatch(mnemonic):
        return "branch", operands[-1]
    if mnemonic.startswith("bl"):
        return "call", operands[0] if mnemonic == "bl" else f"*{operands[0]}"
    return ("end" if mnemonic.startswith(("ret", "udf")) else ""), ""


def assigned(mnemonic: str, operands: Sequence[str]) -> list[tuple[str, str, str]]:
    """List the places it writes."""
    if not operands or mnemonic.startswith(_WRITES_NOTHING):
        return []
    if mnemonic.startswith(("stp", "ldp")):
        first, second = operands[0], operands[1]
        slots = _slot(operands[2], 0), _slot(operands[2], 8)
        pairs = zip((first, second), slots, strict=True)
        return [(slot, "", register) if mnemonic == "stp" else (register, "", slot) for register, slot in pairs]
    if mnemonic.startswith("st"):
        return [(_slot(operands[1], 0), "", operands[0])]
    source = operands[-1]
    if symbol := _SYMBOL.fullmatch(source):
        return [(operands[0], symbol[1] or symbol[2], "")]
    if mnemonic in ("adr", "adrp"):
        return [(operands[0], source, "")]
    if mnemonic in ("ldr", "ldur"):
        return [(operands[0], "", _slot(source, 0))]
    return [(operands[0], "", source if mnemonic == "mov" else "")]


def _slot(memory: str, further: int) -> str:
    """Name a place in memory so that the halves of a pair and single slots agree."""
    found = re.fullmatch(r"\[(\w+)(?:, ?#(-?\d+))?\]", memory)
    return f"[{found[1]}, #{int(found[2] or 0) + further}]" if found else f"{memory}+{further}"


def sets_frame_pointer(mnemonic: str, operands: Sequence[str]) -> bool:
    """Tell whether x29 points to the stack from here on."""
    return mnemonic in ("mov", "add") and list(operands[:2]) == ["x29", "sp"]


def _width(operands: Sequence[str]) -> str:
    """Width of the vectors; elements of one, such as ``v0.d[1]``, and d0 are scalar; empty without such registers."""
    text = " ".join(_LANE.sub("lane", operand) for operand in operands)
    if re.search(r"\bq\d|\bz\d|\bv\d+\.(?:16b|8h|4s|2d)\b", text):
        return WIDE
    if re.search(r"\bv\d+\.(?:8b|4h|2s|1d)\b", text):
        return HALF
    return SCALAR if re.search(r"\b[bhsd]\d+\b|lane", text) else ""


def classify(mnemonic: str, operands: Sequence[str]) -> tuple[str, str] | None:
    """Kind and width (``"128"``, ``"64"``, ``"scalar"``) of what an instruction does, None if it is not counted."""
    match = _KIND.fullmatch(mnemonic)
    if not match or match.lastgroup is None:
        return None
    kind = match.lastgroup.replace("_", " ")
    width = _width(operands)
    if kind == "integer div":
        return kind, width or SCALAR
    if kind in ("gather", "scatter") and "z" not in operands[-1].partition(",")[2]:
        return None
    lanes = any(map(_LANE.search, operands))
    if kind in ("integer", "shuffle") and not lanes and (width in ("", SCALAR) or mnemonic == "mov"):
        return None  # of numbers that are no vectors, or a whole register
    return (kind, WIDE if kind == "shuffle" and width == SCALAR else width) if width else None


def count_operations(block: list[Instruction], frame_pointer: bool) -> tuple[Operations, Counter[str]]:
    """Count the operations of a block by width and kind, and what it keeps on the stack."""
    operations: Operations = Counter()
    stack: Counter[str] = Counter()
    slot = re.compile(r"\[(?:sp|x29)\b" if frame_pointer else r"\[sp\b")
    for mnemonic, operands in block:
        found = classify(mnemonic, operands)
        if found:
            operations[found[1], found[0]] += 1
        memory = next((operand for operand in operands if operand.startswith("[")), "")
        if not memory or not _MEMORY.fullmatch(mnemonic):
            continue
        registers = re.findall(r"\b[bhsdqvzwx]\d+(?:\.\w+)?", " ".join(operands[: operands.index(memory)]))
        written, floating = mnemonic.startswith("st"), bool(registers and registers[0][0] in "bhsdqvz")
        if slot.search(memory):
            stack[("vector " if floating else "integer ") + ("stores" if written else "reloads")] += len(registers)
        elif floating and not (found and found[0] in ("broadcast", "gather", "scatter")):
            operations[_width(registers) or SCALAR, "store" if written else "load"] += len(registers)
    return operations, stack

"""Fingerprints of the machine code that Numba made: what the hot loops consist of, and what changed between two sides.

A time is noisy, generated code is not: under one Numba, one LLVM and one processor the same source gives the same
instructions. So a loop that is no longer vectorised, or that calls a function now, shows without any clock.

Loops come from the jumps of the x86-64 assembly: a natural loop is a block that dominates a jump back to it, with
all blocks from which that jump is reached. What a loop counts is its own, without the loops inside it. A loop is *hot*
if it does arithmetic or calls something, and holds no loop that holds another.

The assembly is emitted anew from the optimised bitcode that Numba keeps with a kernel, also in its on-disk cache, so
that a kernel fresh from the compiler and one from the cache have one fingerprint. Against the object code that really
runs, some integer moves differ; arithmetic and vector spills were the same in every kernel looked at. Stack slots
count whatever they hold, so that arguments passed on the stack and local records are among the integer ones.

Imports Numba and the standard library only: it is loaded by its path into processes of other revisions.
"""

import gc
import platform
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import llvmlite
import llvmlite.binding
import numba
from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target

Fingerprint = dict[str, Any]
Instruction = tuple[str, list[str]]
"""Mnemonic without the prefix v, and operands as the assembler writes them, the destination last."""

MACHINES = ("x86_64", "amd64")
SCALAR = "scalar"
ARITHMETIC = ("fma", "mul", "add", "div", "sqrt", "minmax")
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
_ALLOCATION = re.compile(r"NRT_(?:MemInfo_(?:alloc|new|varsize)|Allocate|Reallocate)")
_SYMBOL = re.compile(r"\$([^\d\-]\S*)")


# Assembly -> functions -> blocks -> loops


@dataclass
class Function:
    """One function of an assembly listing: its blocks, in the order of the listing."""

    symbol: str
    blocks: list[list[Instruction]]
    successors: list[list[int]]


def read_functions(assembly: str) -> list[Function]:
    """Split an assembly listing (AT&T syntax) into functions and blocks."""
    labels = re.compile(r"\"?([^\s\"]+)\"?:")
    targets_of_tables = set(re.findall(r"\.(?:long|quad)\s+(\.?LBB\d+_\d+)", assembly))
    functions = []
    symbol, parts = "", [("", list[Instruction]())]

    def finish() -> None:
        if any(block for _, block in parts):
            functions.append(_linked(symbol, parts, targets_of_tables))

    for line in assembly.splitlines():
        if label := labels.match(line):
            if re.match(r"\.?LBB\d", label[1]):
                parts.append((label[1], []))
            elif not re.match(r"\.?L", label[1]):
                finish()
                symbol, parts = label[1], [("", [])]
            continue
        text = re.split(r"\s##?\s", line.strip())[0]
        if not line.startswith("\t") or text.startswith((".", "#")) or not text:
            continue
        mnemonic, _, operands = text.partition("\t")
        parts[-1][1].append((mnemonic.strip().removeprefix("v"), _split_operands(operands)))
        if mnemonic.startswith(("j", "ret", "ud2")):
            parts.append(("", []))
    finish()
    return functions


def _split_operands(text: str) -> list[str]:
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _linked(symbol: str, parts: list[tuple[str, list[Instruction]]], targets_of_tables: set[str]) -> Function:
    place = {label: i for i, (label, _) in enumerate(parts) if label}
    successors = []
    for i, (_, block) in enumerate(parts):
        after = [i + 1] if i + 1 < len(parts) else []
        mnemonic, operands = block[-1] if block else ("", [])
        if mnemonic.startswith("j"):
            indirect = operands[0].startswith("*")
            found = [place[label] for label in (targets_of_tables if indirect else operands) if label in place]
            after = found if mnemonic.startswith("jmp") else found + after
        elif mnemonic.startswith(("ret", "ud2")):
            after = []
        successors.append(after)
    return Function(symbol, [block for _, block in parts], successors)


def find_loops(successors: list[list[int]]) -> list[tuple[int, frozenset[int]]]:
    """Natural loops of a flow graph that starts at block 0: header and all blocks, in the order of the headers.

    A cycle that can be entered at two places has no header and is not found.
    """
    predecessors = _reversed(successors)
    dominators = _dominators(successors, predecessors)
    bodies: dict[int, set[int]] = {}
    for end, after in enumerate(successors):
        for header in after:
            if header not in dominators.get(end, ()):
                continue
            body = bodies.setdefault(header, {header})
            reached = [end]
            while reached:
                block = reached.pop()
                if block not in body:
                    body.add(block)
                    reached += [before for before in predecessors[block] if before in dominators]
    return [(header, frozenset(bodies[header])) for header in sorted(bodies)]


def _reversed(successors: list[list[int]]) -> list[list[int]]:
    predecessors: list[list[int]] = [[] for _ in successors]
    for block, after in enumerate(successors):
        for next_block in after:
            predecessors[next_block].append(block)
    return predecessors


def _dominators(successors: list[list[int]], predecessors: list[list[int]]) -> dict[int, set[int]]:
    """Block -> the blocks through which every way from the start to it leads, itself included."""
    order, reached = [], [0]
    seen = {0}
    while reached:
        block = reached.pop()
        order.append(block)
        for after in successors[block]:
            if after not in seen:
                seen.add(after)
                reached.append(after)
    dominators = dict.fromkeys(order, seen) | {0: {0}}
    changed = True
    while changed:
        changed = False
        for block in order[1:]:
            common = set.intersection(*(dominators[before] for before in predecessors[block] if before in seen))
            if common | {block} != dominators[block]:
                dominators[block] = common | {block}
                changed = True
    return dominators


# Instructions -> counts


def _is_memory(operand: str) -> bool:
    return "(" in operand


def _width(operands: list[str]) -> int:
    text = " ".join(operands)
    return next((bits for name, bits in (("%zmm", 512), ("%ymm", 256), ("%xmm", 128)) if name in text), 0)


def classify(mnemonic: str, operands: list[str]) -> tuple[str, str] | None:
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


def count_operations(block: list[Instruction], frame_pointer: bool) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """Count the operations of a block by width and kind, and what it keeps on the stack."""
    operations: Counter[tuple[str, str]] = Counter()
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


def plain_name(symbol: str) -> str:
    """Name of a function of Numba's without its argument types; any other symbol as it is."""
    symbol = symbol.split("@")[0]
    start = re.match(r"_{1,2}ZN", symbol)
    names, place = [], start.end() if start else 0
    while start and (length := re.match(r"\d+", symbol[place:])):
        place += length.end()
        names.append(symbol[place : place + int(length[0])])
        place += int(length[0])
    return ".".join(names) or symbol


def _called(function: Function, predecessors: list[list[int]], block: int, index: int) -> str:
    """Name what the call at ``index`` of a block calls; if an address, what was put there on the ways to the call."""
    operand = function.blocks[block][index][1][0]
    if not operand.startswith("*"):
        return plain_name(operand)
    names: set[str] = set()
    seen: set[tuple[int, str]] = set()
    waiting = [(block, index, operand[1:])]
    while waiting:
        here, end, place = waiting.pop()
        for i, (mnemonic, operands) in reversed(list(enumerate(function.blocks[here][:end]))):
            if operands and operands[-1] == place:
                if constant := _SYMBOL.fullmatch(operands[0]):
                    names.add(plain_name(constant[1]))
                elif mnemonic == "movq":  # from another register, or back from the stack
                    waiting.append((here, i, operands[0]))
                break
        else:
            for before in predecessors[here]:
                if (before, place) not in seen:
                    seen.add((before, place))
                    waiting.append((before, len(function.blocks[before]), place))
    return "|".join(sorted(names)) or "indirect"


def fingerprint_assembly(assembly: str) -> Fingerprint:
    """Fingerprint the code of one compiled signature.

    Parameters
    ----------
    assembly
        x86-64 assembly in AT&T syntax.

    Returns
    -------
    dict
        ``allocations`` and ``instructions`` of the whole, and ``loops``: those with floating-point or vector
        operations, integer divisions or calls. Each has ``function``, ``depth`` (1 is outermost), ``inside`` (index of
        the loop around it, or None), ``hot``, ``width`` (bits of the widest registers in its arithmetic, 0 if that is
        scalar), ``operations`` (width -> kind -> count), ``calls`` (name -> count), ``stack`` (what -> count) and
        ``instructions``.
    """
    loops: list[Fingerprint] = []
    allocations = instructions = 0
    for function in read_functions(assembly):
        name = plain_name(function.symbol)
        if name.startswith(("cpython.", "cfunc.", "_cfunc.", "NRT_", "_NRT_")):  # wrappers for Python, C and references
            continue
        predecessors = _reversed(function.successors)
        calls = [
            Counter(_called(function, predecessors, b, i) for i, (m, _) in enumerate(block) if m.startswith("call"))
            for b, block in enumerate(function.blocks)
        ]
        allocations += sum(n for block in calls for called, n in block.items() if _ALLOCATION.match(called))
        instructions += sum(map(len, function.blocks))
        loops += _fingerprint_loops(function, name, calls, len(loops))
    return {"allocations": allocations, "instructions": instructions, "loops": loops}


def _fingerprint_loops(function: Function, name: str, calls: list[Counter[str]], first: int) -> Iterator[Fingerprint]:
    frame_pointer = any(i == ("movq", ["%rsp", "%rbp"]) for block in function.blocks for i in block)
    found = find_loops(function.successors)
    heights: dict[int, int] = {}
    for header, body in sorted(found, key=lambda loop: len(loop[1])):
        heights[header] = max((heights[h] + 1 for h, inner in found if inner < body), default=0)
    counted = {}
    for header, body in found:
        own = sorted(body.difference(*(inner for _, inner in found if inner < body)))
        operations, stack = count_operations([i for block in own for i in function.blocks[block]], frame_pointer)
        called = sum((calls[block] for block in own), Counter[str]())
        if operations or called:
            counted[header] = own, operations, stack, called
    places = {header: first + i for i, header in enumerate(counted)}
    for header, (own, operations, stack, called) in counted.items():
        body = next(body for h, body in found if h == header)
        around = [h for _, h in sorted((len(outer), h) for h, outer in found if body < outer)]
        widths = [width for width, kind in operations if kind in ARITHMETIC]
        by_width: dict[str, dict[str, int]] = {}
        for (width, kind), count in sorted(operations.items()):
            by_width.setdefault(width, {})[kind] = count
        yield {
            "function": name,
            "depth": 1 + len(around),
            "inside": next((places[h] for h in around if h in places), None),
            "hot": heights[header] <= 1 and bool(widths or called),
            "width": max((int(width) for width in widths if width != SCALAR), default=0),
            "operations": by_width,
            "calls": dict(sorted(called.items())),
            "stack": dict(sorted(stack.items())),
            "instructions": sum(len(function.blocks[block]) for block in own),
        }


# Kernels of this process


def target() -> Fingerprint:
    """Tell what decides, beside the source, on the code that Numba makes in this process."""
    _, name, features = cpu_target.target_context.codegen().magic_tuple()
    return {
        "machine": platform.machine(),
        "cpu": name,
        "features": features,
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "llvm": ".".join(map(str, llvmlite.binding.llvm_version_info)),
    }


def assembly_of(library: Any) -> str:
    """Assembly of one compiled signature, fresh or from the cache.

    ``library`` is the attribute of that name of a value in a dispatcher's ``overloads``. Its own ``get_asm_str``
    has nothing to show of a cached kernel, and emitting from a module changes the module: hence a copy.
    """
    module = llvmlite.binding.parse_bitcode(library._get_module_for_linking().as_bitcode())
    return str(library.codegen._tm.emit_assembly(module))


def _short(signature: tuple[Any, ...]) -> str:
    """Argument types in short; equal neighbours once, with their number."""
    names: list[tuple[str, int]] = []
    for ty in map(str, signature):
        name = re.sub(r"array\((\w+), (\d)d, C\)", r"\1[\2d]", ty)
        if names and names[-1][0] == name:
            names[-1] = name, names[-1][1] + 1
        else:
            names.append((name, 1))
    return ", ".join(name if count == 1 else f"{count} {name}" for name, count in names)


class Fingerprints:
    """The machine code of the kernels that this process has compiled or loaded so far."""

    def __init__(self, root: str, universal: Sequence[Any] = ()) -> None:
        """Look at functions of files below ``root``; ``universal``: dispatchers of universal functions."""
        self._root = root.rstrip("/") + "/"
        self._universal = universal
        self._known: dict[int, tuple[Any, Fingerprint]] = {}
        self._last: set[int] | None = None

    def _compiled(self) -> list[tuple[Any, list[Any]]]:
        # By type, because asking a weak proxy for its class fails when its object is gone.
        found = [value for value in gc.get_objects() if issubclass(type(value), Dispatcher)]
        inside = [d for d in (*found, *self._universal) if d.py_func.__code__.co_filename.startswith(self._root)]
        return [(d, list(d.overloads.values())) for d in sorted(inside, key=_place)]

    def take(self) -> dict[str, Fingerprint] | None:
        """Fingerprint every kernel; None if there is none, or nothing was compiled since the last time.

        Returns
        -------
        dict
            ``target``: see :func:`target`; with an entry ``unsupported`` on a machine that is not x86-64. ``kernels``:
            name with argument types -> :func:`fingerprint_assembly`, the number of ``specialisations``, and the
            ``place`` of the source, file:line. A function that was compiled as a part of another kernel is not listed
            by itself. All of it can be written as JSON.
        """
        compiled = self._compiled()
        libraries = {id(result.library) for _, results in compiled for result in results}
        if not libraries or libraries == self._last:
            return None
        self._last = libraries
        here = target()
        if here["machine"].lower() not in MACHINES:
            return {"target": here | {"unsupported": True}, "kernels": {}}
        parts = {id(part) for _, results in compiled for r in results for part in r.library._linking_libraries}
        kernels = {}
        for dispatcher, results in compiled:
            whole = [result for result in results if id(result.library) not in parts]
            for result in whole:
                function = dispatcher.py_func
                name = f"{function.__module__}.{function.__qualname__}({_short(result.signature.args)})"
                about = {"specialisations": len(whole), "place": _place(dispatcher).removeprefix(self._root)}
                kernels[name] = about | self._fingerprint(result.library)
        return {"target": here, "kernels": kernels}

    def _fingerprint(self, library: Any) -> Fingerprint:
        if id(library) not in self._known:
            self._known[id(library)] = library, fingerprint_assembly(assembly_of(library))
        return self._known[id(library)][1]


def _place(dispatcher: Any) -> str:
    code = dispatcher.py_func.__code__
    return f"{code.co_filename}:{code.co_firstlineno}"

"""Functions, blocks and loops of an assembly listing, and what each loop consists of.

Loops come from the jumps: a natural loop is a block that dominates a jump back to it, with all blocks from which that
jump is reached. What a loop counts is its own, without the loops inside it. A loop is *hot* if it does arithmetic or
calls something, and holds no loop that holds another.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from . import aarch64, x86_64
from .instructions import ARITHMETIC, SCALAR, Architecture, Fingerprint, Instruction

ARCHITECTURES: dict[str, Architecture] = {"x86_64": x86_64, "amd64": x86_64, "aarch64": aarch64, "arm64": aarch64}
"""Name of a machine, in lower case -> what reads its assembly."""
_ALLOCATION = re.compile(r"NRT_(?:MemInfo_(?:alloc|new|varsize)|Allocate|Reallocate)")

# Assembly -> functions -> blocks -> loops


@dataclass
class Function:
    """One function of an assembly listing: its blocks, in the order of the listing."""

    symbol: str
    architecture: Architecture
    blocks: list[list[Instruction]]
    successors: list[list[int]]


def read_functions(assembly: str, architecture: Architecture) -> list[Function]:
    """Split an assembly listing into functions and blocks."""
    labels = re.compile(r"\"?([^\s\"]+)\"?:")
    targets_of_tables = set(re.findall(r"\.(?:byte|hword|word|long|quad)\s+\(?(\.?LBB\d+_\d+)", assembly))
    functions = []
    symbol, parts = "", [("", list[Instruction]())]

    def finish() -> None:
        if any(block for _, block in parts):
            functions.append(_linked(symbol, architecture, parts, targets_of_tables))

    for line in assembly.splitlines():
        if label := labels.match(line):
            if re.match(r"\.?LBB\d", label[1]):
                parts.append((label[1], []))
            elif not re.match(r"\.?L", label[1]):
                finish()
                symbol, parts = label[1], [("", [])]
            continue
        text = architecture.COMMENT.split(line.strip())[0].strip()
        if not line.startswith("\t") or text.startswith((".", "#", "//", ";")) or not text:
            continue
        parts[-1][1].append(architecture.read(text))
        if architecture.flow(*parts[-1][1][-1])[0] in ("jump", "branch", "end"):
            parts.append(("", []))
    finish()
    return functions


def _linked(
    symbol: str,
    architecture: Architecture,
    parts: list[tuple[str, list[Instruction]]],
    targets_of_tables: set[str],
) -> Function:
    place = {label: i for i, (label, _) in enumerate(parts) if label}
    successors = []
    for i, (_, block) in enumerate(parts):
        after = [i + 1] if i + 1 < len(parts) else []
        kind, where = architecture.flow(*block[-1]) if block else ("", "")
        if kind in ("jump", "branch"):
            labels = targets_of_tables if where.startswith("*") else [where]
            found = [place[label] for label in labels if label in place]
            after = found if kind == "jump" else found + after
        elif kind == "end":
            after = []
        successors.append(after)
    return Function(symbol, architecture, [block for _, block in parts], successors)


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


# Loops -> counts


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


def _calls(function: Function, instruction: Instruction) -> bool:
    return function.architecture.flow(*instruction)[0] == "call"


def _called(function: Function, predecessors: list[list[int]], block: int, index: int) -> str:
    """Name what the call at ``index`` of a block calls; if an address, what was put there on the ways to the call."""
    _, operand = function.architecture.flow(*function.blocks[block][index])
    if not operand.startswith("*"):
        return plain_name(operand)
    names: set[str] = set()
    seen: set[tuple[int, str]] = set()
    waiting = [(block, index, operand[1:])]
    while waiting:
        here, end, place = waiting.pop()
        for i, instruction in reversed(list(enumerate(function.blocks[here][:end]))):
            written = [each[1:] for each in function.architecture.assigned(*instruction) if each[0] == place]
            if written:
                ((symbol, source),) = written
                if symbol:
                    names.add(plain_name(symbol))
                elif source:  # another register, or the stack
                    waiting.append((here, i, source))
                break
        else:
            for before in predecessors[here]:
                if (before, place) not in seen:
                    seen.add((before, place))
                    waiting.append((before, len(function.blocks[before]), place))
    return "|".join(sorted(names)) or "indirect"


def fingerprint_assembly(assembly: str, machine: str = "x86_64") -> Fingerprint:
    """Fingerprint the code of one compiled signature.

    Parameters
    ----------
    assembly
        A listing as LLVM writes it; of x86-64 in AT&T syntax.
    machine
        One of :data:`ARCHITECTURES`.

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
    architecture = ARCHITECTURES[machine.lower()]
    for function in read_functions(assembly, architecture):
        name = plain_name(function.symbol)
        if name.startswith(("cpython.", "cfunc.", "_cfunc.", "NRT_", "_NRT_")):  # wrappers for Python, C and references
            continue
        predecessors = _reversed(function.successors)
        calls = [
            Counter(_called(function, predecessors, b, i) for i, each in enumerate(block) if _calls(function, each))
            for b, block in enumerate(function.blocks)
        ]
        allocations += sum(n for block in calls for called, n in block.items() if _ALLOCATION.match(called))
        instructions += sum(map(len, function.blocks))
        loops += _fingerprint_loops(function, name, calls, len(loops))
    return {"allocations": allocations, "instructions": instructions, "loops": loops}


def _fingerprint_loops(function: Function, name: str, calls: list[Counter[str]], first: int) -> Iterator[Fingerprint]:
    frame_pointer = any(function.architecture.sets_frame_pointer(*each) for block in function.blocks for each in block)
    found = find_loops(function.successors)
    heights: dict[int, int] = {}
    for header, body in sorted(found, key=lambda loop: len(loop[1])):
        heights[header] = max((heights[h] + 1 for h, inner in found if inner < body), default=0)
    counted = {}
    for header, body in found:
        own = sorted(body.difference(*(inner for _, inner in found if inner < body)))
        inside = [instruction for block in own for instruction in function.blocks[block]]
        operations, stack = function.architecture.count_operations(inside, frame_pointer)
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

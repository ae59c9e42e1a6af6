"""What changed between the machine code of two sides, from their fingerprints (:mod:`fastsym.regression.assembly`)."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastsym.regression.assembly import ARITHMETIC, SCALAR, Fingerprint

_SPILLS = ("stores", "reloads")
_MOVES = ("load", "store", "broadcast", "gather", "scatter")
SAME_LOOP = 0.25
"""Least similarity, of at most 1, at which two loops count as two versions of one."""
SAME_MIX = 0.6
"""Least likeness of two mixes of operations, whatever their width, that do the same work."""


@dataclass(frozen=True)
class Difference:
    """What differs between the generated code of two sides."""

    kernel: str
    """Name with argument types; empty if it concerns no kernel."""
    loop: str
    """Which loop of the kernel; empty if it concerns the kernel as a whole."""
    message: str
    fails: bool
    place: str = ""
    """File and line of the kernel's source."""

    def __str__(self) -> str:
        name = self.kernel.partition("(")[0]
        where = f"{name} ({self.place})" if self.place else name
        return ": ".join(filter(None, (where, self.loop, self.message)))


def _flat(loop: Fingerprint) -> Counter[str]:
    counts = {f"{kind} {width}": n for width, kinds in loop["operations"].items() for kind, n in kinds.items()}
    return Counter(counts | {f"call {name}": n for name, n in loop["calls"].items()})


def _mix(loop: Fingerprint) -> Counter[str]:
    """Count what a loop works, whatever the width, as parts of a thousand."""
    mix = Counter[str](loop["calls"])
    for kinds in loop["operations"].values():
        for kind, n in kinds.items():
            # A constant is broadcast in vector code where scalar code loads it.
            mix["load" if kind == "broadcast" else kind] += n if kind in (*ARITHMETIC, *_MOVES) else 0
    return Counter({kind: 1000 * n // mix.total() for kind, n in mix.items() if n})


def _overlap(a: Counter[str], b: Counter[str]) -> float:
    """1 if equal, 0 if nothing is in both."""
    return (a & b).total() / max((a | b).total(), 1)


def match_loops(base: list[Fingerprint], head: list[Fingerprint]) -> list[tuple[int | None, int | None]]:
    """Pair the loops of two sides, the most similar first, and of equally similar ones those at like places.

    Returns
    -------
    list of (index in base or None, index in head or None)
        Every loop of both sides once.
    """
    ranked = []
    for i, before in enumerate(base):
        for j, after in enumerate(head):
            similarity = (_overlap(_flat(before), _flat(after)) + _overlap(_mix(before), _mix(after))) / 2
            if similarity >= SAME_LOOP:
                apart = abs(i / len(base) - j / len(head)), abs(before["depth"] - after["depth"])
                ranked.append((-similarity, apart, i, j))
    pairs: dict[int, int] = {}
    for *_, i, j in sorted(ranked):
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    gone: list[tuple[int | None, int | None]] = [(i, pairs.get(i)) for i in range(len(base))]
    return gone + [(None, j) for j in range(len(head)) if j not in pairs.values()]


def _arithmetic(loop: Fingerprint) -> Counter[int]:
    """Count arithmetic operations by the width of their registers in bits, 0 for scalar ones."""
    return Counter(
        {
            0 if width == SCALAR else int(width): sum(kinds.get(kind, 0) for kind in ARITHMETIC)
            for width, kinds in loop["operations"].items()
        }
    )


def _bits(width: int) -> str:
    return f"{width}-bit" if width else SCALAR


def _title(loops: list[Fingerprint], index: int) -> str:
    """Name a loop by its place, and by what it does so that a reader can recognise it."""
    loop = loops[index]
    counts = loop["operations"].get(str(loop["width"]) if loop["width"] else SCALAR, {})
    work = ", ".join(f"{counts[kind]} {kind}" for kind in ARITHMETIC if kind in counts) or "no arithmetic"
    function = loop["function"].rpartition(".")[2]
    return f"loop {index + 1} of {_function(function)} ({work})"


def _function(symbol: str) -> str:
    """Name a function without the version numbers and options that Numba adds."""
    return re.split(r"\[|\$|__v\d|_?B\d|::v\d", symbol)[0] or symbol


def _divisions(loop: Fingerprint) -> int:
    return sum(kinds.get("div", 0) + kinds.get("integer div", 0) for kinds in loop["operations"].values())


def _compare_loops(before: Fingerprint, after: Fingerprint) -> Iterator[tuple[str, bool]]:
    """Say what got worse between two versions of a loop, and whether the run fails for it."""
    hot = before["hot"] or after["hot"]
    width = before["width"]
    if after["width"] < width:
        yield f"vectorisation lost: its arithmetic was {_bits(width)} and is {_bits(after['width'])}", hot
    elif after["width"] == width > 0:
        counts = _arithmetic(before), _arithmetic(after)
        wide = [count[width] for count in counts]
        narrow = [sum(n for bits, n in count.items() if bits < width) for count in counts]
        if wide[1] < wide[0] and narrow[1] > narrow[0]:
            changes = f"{wide[1]} {_bits(width)} operations, were {wide[0]}, and {narrow[1]} narrower, were {narrow[0]}"
            yield f"vectorisation lost in part: {changes}", hot
    for name in sorted(after["calls"].keys() - before["calls"].keys()):
        yield f"calls {name}, which it did not", hot
    if not hot:
        return
    divisions = _divisions(before), _divisions(after)
    if divisions[1] * max(_arithmetic(before).total(), 1) > divisions[0] * max(_arithmetic(after).total(), 1):
        yield f"more divisions for its arithmetic: {divisions[1]}, was {divisions[0]}", False
    stores, reloads = ([loop["stack"].get(f"vector {what}", 0) for loop in (before, after)] for what in _SPILLS)
    if stores[1] > stores[0] or reloads[1] > reloads[0]:
        spills = f"{stores[1]} stores and {reloads[1]} reloads, were {stores[0]} and {reloads[0]}"
        yield f"more vector registers spilled to the stack: {spills}", False


def _compare_kernels(kernel: str, base: Fingerprint, head: Fingerprint) -> Iterator[Difference]:
    if head["allocations"] > base["allocations"]:
        yield Difference(kernel, "", f"more allocations: {head['allocations']}, was {base['allocations']}", True)
    if head["specialisations"] != base["specialisations"]:
        counts = f"{head['specialisations']}, was {base['specialisations']}"
        yield Difference(kernel, "", f"number of specialisations: {counts}", False)
    before, after = base["loops"], head["loops"]
    known = {name for loop in before if loop["hot"] for name in loop["calls"]}
    widest = [max((loop["width"] for loop in loops if loop["hot"]), default=0) for loops in (before, after)]
    narrowed = False
    for i, j in match_loops(before, after):
        if i is not None and j is not None:
            for message, fails in _compare_loops(before[i], after[j]):
                narrowed |= fails and message.startswith("vectorisation")
                yield Difference(kernel, _title(before, i), message, fails)
        elif i is not None and before[i]["hot"]:
            # A loop that is not vectorised any more may be merged with the scalar one that worked off the rest.
            mix = _mix(before[i])
            alike = [loop["width"] for loop in after if loop["hot"] and _overlap(mix, _mix(loop)) >= SAME_MIX]
            lost = bool(alike) and max(alike) < before[i]["width"]
            narrowed |= lost
            message = f"vectorisation lost: only {_bits(max(alike))} loops of its kind are left" if lost else "is gone"
            yield Difference(kernel, _title(before, i), message, lost)
        elif j is not None and after[j]["hot"]:
            new = sorted(after[j]["calls"].keys() - known)
            message = f"is new, and calls {', '.join(new)}" if new else "is new"
            yield Difference(kernel, _title(after, j), message, bool(new))
    if widest[1] < widest[0] and not narrowed:
        message = f"vectorisation lost: no hot loop has {_bits(widest[0])} arithmetic now, only {_bits(widest[1])}"
        yield Difference(kernel, "", message, True)


def _why_not_compared(base: Fingerprint, head: Fingerprint) -> str:
    if "unsupported" in base or "unsupported" in head:
        return f"expected x86-64 or 64-bit ARM; got {base['machine']} and {head['machine']}"
    before, after = base | {"features": "as in the base"}, head | {"features": "as in the base"}
    if base["features"] != head["features"]:  # a long list
        sides = set(base["features"].split(",")), set(head["features"].split(","))
        before["features"], after["features"] = (",".join(sorted(side - (sides[0] & sides[1]))) for side in sides)
    return "; ".join(f"{key} {before[key]} and {after[key]}" for key in before if before[key] != after[key])


def compare(base: dict[str, Fingerprint], head: dict[str, Fingerprint], *, whole: bool = True) -> list[Difference]:
    """Compare the generated code of two sides.

    Parameters
    ----------
    base, head
        What :class:`fastsym.regression.assembly.Fingerprints` took in the two processes.
    whole
        False while one side may have compiled more than the other: only kernels that both have are compared.

    Returns
    -------
    list of Difference
        Failing are, in a hot loop, arithmetic that became narrower or scalar and calls of functions that it did not
        call; and a kernel that allocates in more places. More divisions and vector spills in a hot loop, and kernels
        and loops that are on one side only, are reported. Under another Numba, LLVM or processor nothing is
        compared: the one difference then says so, and does not fail.
    """
    reason = _why_not_compared(base["target"], head["target"])
    if reason:
        return [Difference("", "", f"generated code not compared: {reason}", False)]
    found: list[Difference] = []
    for kernel in base["kernels"] | head["kernels"]:
        sides = base["kernels"].get(kernel), head["kernels"].get(kernel)
        place = (sides[1] or sides[0] or {}).get("place", "")
        if sides[0] and sides[1]:
            found += [replace(difference, place=place) for difference in _compare_kernels(kernel, sides[0], sides[1])]
        elif whole:
            found.append(Difference(kernel, "", f"is only in the {'base' if sides[0] else 'head'}", False, place))
    return found


def _rows(loop: Fingerprint | None) -> Counter[str]:
    if loop is None:
        return Counter()
    stack = {f"stack: {what}": count for what, count in loop["stack"].items()}
    return Counter(_flat(loop) | stack | {"instructions": loop["instructions"]})


def _table(before: Counter[str], after: Counter[str]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        mark = " " if before[name] == after[name] else "*"
        yield f"  {mark} {name:<40}{before[name]:>8}{after[name]:>8}"


def explain(base: dict[str, Fingerprint], head: dict[str, Fingerprint]) -> str:
    """Show the fingerprints of two sides beside each other.

    Parameters
    ----------
    base, head
        What :class:`fastsym.regression.assembly.Fingerprints` took in the two processes.

    Returns
    -------
    str
        A table for each kernel and hot loop, and for every other loop that differs; lines that differ begin with ``*``.
    """
    reason = _why_not_compared(base["target"], head["target"])
    lines = [f"not the same target, so the code may differ without a change: {reason}"] if reason else []
    for kernel in base["kernels"] | head["kernels"]:
        empty: Fingerprint = {"loops": [], "specialisations": 0, "allocations": 0, "instructions": 0}
        before, after = base["kernels"].get(kernel, empty), head["kernels"].get(kernel, empty)
        lines += ["", kernel, f"    {'':<40}{'base':>8}{'head':>8}"]
        lines += _table(*(Counter({k: v for k, v in side.items() if isinstance(v, int)}) for side in (before, after)))
        for i, j in match_loops(before["loops"], after["loops"]):
            loops = (None if i is None else before["loops"][i]), (None if j is None else after["loops"][j])
            rows = [_rows(loop) for loop in loops]
            if rows[0] == rows[1] and not any(loop and loop["hot"] for loop in loops):
                continue
            title = _title(before["loops"], i) if i is not None else _title(after["loops"], j or 0)
            lines += [f"  {title}" + ("" if all(loops) else f", only in the {'base' if loops[0] else 'head'}")]
            lines += _table(rows[0], rows[1])
    return "\n".join(lines).strip()

"""What recorded slots say: is the head slower than the base, in which cell, and could it have been seen at all.

In a slot each label has a fresh process: ``base``, ``head``, and ``again``, which is the base once more. They take
turns, so that they meet the same machine. Per slot and cell there are two numbers, the change log(head / base) and, of
identical code, the noise log(again / base). A process is lucky or unlucky as a whole (where its memory lies), so
slots are counted, not the blocks within them.

The test is the exact signed-rank test. Its null hypothesis: the change of a slot is as likely as its negative. That
holds for identical code whatever the noise looks like (two modes, heavy tails, a drift over the slots), as long as
chance decides in each slot who is who; a test of means would need a distribution, and the sign test, which looks at
directions only, missed most slowdowns by 5 % in the recorded slots. Intervals are of the median, whatever the shape
(:func:`fastsym.timing.stats.median_interval`).

Nothing here reads a clock or starts a process.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from fastsym.regression.outcome import CANNOT_JUDGE, PASS, SLOWER
from fastsym.regression.slots import COLUMNS
from fastsym.timing.stats import Floats, Ratio, holm, median_interval, paired_ratio, signed_rank_p_value

LABELS = ("base", "again", "head")
LEAST_SLOTS = 10
ALPHA = 0.03
"""Accepted probability that a run in which nothing changed flags a cell. An alarm needs an independent re-run that
agrees, so that a false one is at most as likely as both together: 1 in 1,100."""
AGREEMENT = 0.03
"""The same for the re-run, which is asked about the flagged cells only."""
STOPPING = 0.01
"""Level of the intervals whose widths end the recording: below ALPHA, so that a few bad processes that are still to be
outweighed keep it going."""
LEAST_FLOOR = 0.01
"""A change below this is never slower or faster: where the compiler puts the same loop can do as much."""
SMALL = 0.05
"""A cell is the same if its interval stays within this."""
LARGE = 0.10
"""If a slowdown of this size could have been missed in the first cell, a run without slower cells cannot judge."""
TIGHT = 0.025
"""Half the width of the intervals at which recording may stop: a slowdown of twice as much is then outside."""

Verdict = Literal["faster", "same", "slower", "inconclusive"]
Outcome = Literal["pass", "slower", "cannot judge"]
EXIT_STATUS: dict[Outcome, int] = {"pass": PASS, "slower": SLOWER, "cannot judge": CANNOT_JUDGE}


@dataclass(frozen=True)
class Pairs:
    """One cell's pairs of processes."""

    name: str
    base_seconds: Floats
    """(slots,) seconds per iteration, as the next two."""
    again_seconds: Floats
    head_seconds: Floats

    @property
    def change(self) -> Floats:
        """(slots,) log(head / base): positive where the head was slower."""
        return np.asarray(np.log(self.head_seconds / self.base_seconds))

    @property
    def noise(self) -> Floats:
        """(slots,) log(again / base), of identical code."""
        return np.asarray(np.log(self.again_seconds / self.base_seconds))


@dataclass(frozen=True)
class CellVerdict:
    """What one cell's pairs say."""

    name: str
    verdict: Verdict
    ratio: Ratio
    """Head's time over base's: above 1 is slower."""
    noise_floor: float
    """How large a change, as a fraction, the identical pairs of the same slots cannot rule out for themselves."""
    visible: float
    """The smallest slowdown, as a fraction, that the noise would not have hidden; infinite with too few pairs."""
    p_value: float
    """Of the change's direction, one-sided, corrected for the number of cells."""
    pairs: int
    rerun: Ratio | None
    """The ratio in the re-run; None if there was none."""
    reason: str


@dataclass(frozen=True)
class Decision:
    """What a run of the gate says."""

    outcome: Outcome
    reason: str
    cells: tuple[CellVerdict, ...]

    @property
    def exit_status(self) -> int:
        """0: pass, 1: slower, 2: cannot judge."""
        return EXIT_STATUS[self.outcome]


def pair_up(slots: pd.DataFrame) -> tuple[Pairs, ...]:
    """Collect each cell's pairs, from the slots in which all three labels have a time.

    Parameters
    ----------
    slots
        Columns :data:`COLUMNS`: one row per slot, cell and label.

    Returns
    -------
    tuple of Pairs
        In the order in which the cells appear.

    Raises
    ------
    ValueError
        If a column is missing, a time is not positive and finite, or a slot has two times for one cell and label.
    """
    missing = [name for name in COLUMNS if name not in slots.columns]
    if missing:
        raise ValueError(f"slots: expected the columns {', '.join(COLUMNS)}; got no {missing[0]}; record them again")
    times: dict[str, dict[int, dict[str, float]]] = {}  # a pivot of pandas takes twenty times as long
    for slot, cell, label, seconds in zip(*(slots[name].tolist() for name in COLUMNS), strict=True):
        if not (0 < seconds < np.inf):
            raise ValueError(
                f"seconds_per_iteration: expected positive, finite numbers; got {seconds}; leave out void samples"
            )
        sides = times.setdefault(cell, {}).setdefault(slot, {})
        if label in sides:
            raise ValueError(
                f"slots: expected one time each; got two for slot {slot}, {cell}, {label}; number slots apart"
            )
        sides[label] = seconds
    pairs = []
    for cell, by_slot in times.items():
        whole = [
            [sides[label] for label in LABELS] for _, sides in sorted(by_slot.items()) if sides.keys() >= {*LABELS}
        ]
        pairs.append(Pairs(cell, *np.array(whole, np.float64).reshape(-1, len(LABELS)).T))
    return tuple(pairs)


def enough(slots: pd.DataFrame) -> bool:
    """Whether recording may stop before its time is up.

    Only the widths of the intervals count, never where they lie, so that looking after every slot neither favours
    an alarm nor a pass.

    Parameters
    ----------
    slots
        As for :func:`decide`, recorded so far.

    Returns
    -------
    bool
        True if there are :data:`LEAST_SLOTS` pairs and tight intervals of every cell.

    Raises
    ------
    ValueError
        As for :func:`pair_up`.
    """
    cells = pair_up(slots)
    return bool(cells) and all(
        len(cell.change) >= LEAST_SLOTS and _half_width(cell, STOPPING / len(cells)) <= np.log1p(TIGHT)
        for cell in cells
    )


def _half_width(cell: Pairs, level: float) -> float:
    """Half the wider one of the intervals whose ends are each missed with probability ``level``."""
    low, high = median_interval([cell.change, cell.noise], 1 - 2 * level)
    return float(np.max(high - low)) / 2


@dataclass(frozen=True)
class _Evidence:
    """A cell's numbers before the verdict; logarithms."""

    cell: Pairs
    centre: float
    floor: float
    blur: float
    """How far the centre must be from zero to be told apart from it."""
    slower_p: float
    faster_p: float


def _weigh(cells: Sequence[Pairs], level: float) -> list[_Evidence]:
    """Test every cell that has pairs both ways, corrected for their number; ``level`` is for the family."""
    cells = [cell for cell in cells if len(cell.change)]
    slower = holm([float(signed_rank_p_value(cell.change)) for cell in cells])
    faster = holm([float(signed_rank_p_value(-cell.change)) for cell in cells])
    evidence = []
    for cell, slower_p, faster_p in zip(cells, slower, faster, strict=True):
        centre = float(np.median(cell.change))
        low, high = median_interval(cell.change, 1 - 2 * level / len(cells))
        floor = max(float(np.max(np.abs(median_interval(cell.noise)))), float(np.log1p(LEAST_FLOOR)))
        blur = max(centre - float(low), float(high) - centre)
        evidence.append(_Evidence(cell, centre, floor, blur, float(slower_p), float(faster_p)))
    return evidence


def decide(slots: pd.DataFrame, rerun: Callable[[Sequence[str]], pd.DataFrame] | None = None) -> Decision:
    """Judge every cell, and the run.

    A cell is slower if all of this holds: the signed-rank test, corrected over the cells by Holm's method, says so at
    :data:`ALPHA`; the median change is above the noise floor; and in an independent re-run the test says so again (at
    :data:`AGREEMENT`, corrected over the flagged cells) and the median change is above the same floor. Faster
    needs the first two. A flagged cell that the re-run neither confirms nor could have leaves the run undecided, and so
    does a first cell, the default kernel, in which the noise could have hidden :data:`LARGE`; other cells in
    which it could have are named.

    Parameters
    ----------
    slots
        Columns :data:`COLUMNS`: one row per slot, cell and label, with the median time of that process.
    rerun
        Called with the names of the flagged cells, if there are any; records new slots of these alone. Without it no
        cell can be slower.

    Returns
    -------
    Decision

    Raises
    ------
    ValueError
        As for :func:`pair_up`.
    """
    cells = pair_up(slots)
    fewest = min((len(cell.change) for cell in cells), default=0)
    evidence = _weigh(cells, ALPHA)
    flagged = [e.cell.name for e in evidence if fewest >= LEAST_SLOTS and e.slower_p < ALPHA and e.centre > e.floor]
    second: dict[str, _Evidence] = {}
    if flagged and rerun is not None:
        again = [cell for cell in pair_up(rerun(flagged)) if cell.name in flagged]
        second = {e.cell.name: e for e in _weigh(again, AGREEMENT)}
    verdicts = tuple(_judge(e, e.cell.name in flagged, second.get(e.cell.name)) for e in evidence)
    slower = [v for v in verdicts if v.verdict == "slower"]
    hidden = [v for v in verdicts if not (v.visible <= LARGE)]
    blind = [v for v in hidden if v is verdicts[0] or v.name in flagged]
    if fewest < LEAST_SLOTS:
        few = f"too few slots: expected at least {LEAST_SLOTS} of every cell; got {fewest}; give it more time"
        return Decision("cannot judge", few, verdicts)
    if slower:
        return Decision("slower", "; ".join(f"{v.name}: {v.reason}" for v in slower), verdicts)
    if blind:
        names = ", ".join(v.name for v in blind)
        noisy = f"too much noise: a slowdown by {LARGE:.0%} would not have been seen in {names}"
        return Decision("cannot judge", f"{noisy}; give it more time, or a quieter machine", verdicts)
    where = f"in each but {', '.join(v.name for v in hidden)}" if hidden else "in each"
    return Decision("pass", f"no cell is slower; a slowdown by {LARGE:.0%} would have been seen {where}", verdicts)


def _judge(first: _Evidence, flagged: bool, second: _Evidence | None) -> CellVerdict:
    cell, blur = first.cell, max(first.blur, first.floor)
    ratio = paired_ratio(cell.head_seconds, cell.base_seconds)
    again = None if second is None else paired_ratio(second.cell.head_seconds, second.cell.base_seconds)
    verdict: Verdict = "inconclusive"
    if flagged and (second is None or again is None):
        blur, reason = np.inf, "slower at first, and not re-run"
    elif flagged and second is not None and again is not None:
        reason = f"{_percent(ratio)} slower, {_percent(again)} in the re-run"
        if second.slower_p < AGREEMENT and second.centre > first.floor:
            verdict = "slower"
        else:
            blur, reason = max(blur, second.blur), f"{reason}, which does not confirm it"
    elif first.faster_p < ALPHA and -first.centre > first.floor:
        verdict, reason = "faster", f"{_percent(ratio)} faster"
    elif ratio.low > 1 / (1 + SMALL) and ratio.high < 1 + SMALL:
        verdict, reason = "same", f"the interval is within {SMALL:.0%}"
    else:
        reason = f"the interval reaches beyond {SMALL:.0%}"
    floor, visible = float(np.expm1(first.floor)), float(np.expm1(blur))
    p_value = min(first.slower_p, first.faster_p)
    return CellVerdict(cell.name, verdict, ratio, floor, visible, p_value, ratio.pairs, again, reason)


def _percent(ratio: Ratio) -> str:
    return f"{abs(ratio.ratio - 1):.1%}"

"""From the times of processes to triples, and what a test's triples say in numbers.

A *triple* is one fresh process of each side: ``base``, ``control`` (the base once more) and ``head``; they take turns,
so that they meet the same machine. A process is lucky or unlucky as a whole (where its memory lies), so triples are
counted, not the blocks within them, and each has one number a side and test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from fastsym.regression.permutation import HEAD
from fastsym.timing.stats import Floats, median_interval

LABELS = ("base", "control", "head")
MEDIAN_FACTOR = 1.2533
"""Standard error of a median over that of a mean, for normal noise: the square root of pi / 2."""
INTERVAL_END = 1.96
"""Normal quantile of 0.975."""
LEAST_SHARE, MOST_SHARE = 0.9, 1.1

Clock = Literal["processor", "own"]


class Sample(NamedTuple):
    """What one process took for one call of one test; medians over its blocks."""

    stage: str
    """``screening``, where every test is timed, ``second look``, or ``confirmation``."""
    triple: int
    test: str
    label: str
    processor_seconds: float
    """Of all threads together."""
    own_seconds: float
    """By the wall clock, without the time spent waiting for a processor."""
    wall_seconds: float


@dataclass(frozen=True)
class Change:
    """Head's time over base's, with the 95 % interval of its median."""

    ratio: float
    low: float
    high: float


def clocks(samples: Sequence[Sample]) -> dict[str, Clock]:
    """Choose each test's clock.

    Processor time where it is nearly all of the test's own time, because it is the least disturbed by others. It is
    blind to sleeping and to other processes, so where it is less, own time; and it adds threads up, so where it is
    more, own time, too: what two threads do at once takes half as long, and that is what a user waits for. All sides
    are asked, so that a sleep that only the head has is seen.

    Parameters
    ----------
    samples
        Of all stages.

    Returns
    -------
    dict
        Test -> clock.
    """
    shares: dict[str, dict[str, list[float]]] = {}
    for sample in samples:
        share = sample.processor_seconds / sample.own_seconds
        shares.setdefault(sample.test, {}).setdefault(sample.label, []).append(share)
    chosen: dict[str, Clock] = {}
    for test, by_label in shares.items():
        middles = [float(np.median(values)) for values in by_label.values()]
        chosen[test] = "processor" if min(middles) > LEAST_SHARE and max(middles) < MOST_SHARE else "own"
    return chosen


def triples_of(samples: Sequence[Sample], chosen: Mapping[str, Clock]) -> dict[str, dict[int, Floats]]:
    """Collect each test's whole triples.

    Parameters
    ----------
    samples
        Of one stage.
    chosen
        Test -> clock.

    Returns
    -------
    dict
        Test -> number of the triple -> (3,) logarithms of seconds, in the order of :data:`LABELS`.

    Raises
    ------
    ValueError
        If a time is not positive and finite, or a triple has two of one test and label.
    """
    found: dict[str, dict[int, dict[str, float]]] = {}
    for sample in samples:
        seconds = sample.processor_seconds if chosen[sample.test] == "processor" else sample.own_seconds
        if not (0 < seconds < np.inf):
            raise ValueError(f"seconds: expected positive, finite numbers; got {seconds}; leave out void samples")
        sides = found.setdefault(sample.test, {}).setdefault(sample.triple, {})
        if sample.label in sides:
            raise ValueError(f"samples: expected one time each; got two for {sample[:4]}; number triples apart")
        sides[sample.label] = seconds
    return {
        test: {
            triple: np.log([sides[label] for label in LABELS])
            for triple, sides in sorted(by_triple.items())
            if sides.keys() >= {*LABELS}
        }
        for test, by_triple in found.items()
    }


def table_of(triples: Mapping[int, Floats]) -> Floats:
    """Stack triples: (n, 3)."""
    return np.array(list(triples.values()), np.float64).reshape(len(triples), len(LABELS))


def middle_of(triples: Mapping[str, Mapping[int, Floats]]) -> Floats:
    """Take the median over tests of each triple, so that a small change of everything shows.

    Returns
    -------
    ndarray
        (n, 3): for each triple and side, the median over the tests of how far it lies from that test's own mean.
    """
    numbers = sorted({number for by_triple in triples.values() for number in by_triple})
    rows = []
    for number in numbers:
        table = np.array([by_triple[number] for by_triple in triples.values() if number in by_triple])
        rows.append(np.median(table - table.mean(axis=1, keepdims=True), axis=0))
    return np.array(rows, np.float64).reshape(len(rows), len(LABELS))


def changes_of(table: Floats) -> Floats:
    """(n,) log(head) less the mean of the two base processes' logarithms: positive where the head was slower."""
    return np.asarray(table[:, HEAD] - table[:, :HEAD].mean(axis=1))


def noise_of(table: Floats) -> float:
    """Estimate the standard deviation of :func:`changes_of` from the control alone, in a way that outliers do not pull.

    log(control / base) has a variance of 2, log(head) less the mean of two of 3 / 2 times that of one process.
    """
    if not len(table):
        return np.inf
    return float(1.4826 * np.median(np.abs(table[:, 1] - table[:, 0])) * np.sqrt(0.75))


def standard_error(noise: float, count: int) -> float:
    """Of the median of so many changes."""
    return MEDIAN_FACTOR * noise / float(np.sqrt(count)) if count else np.inf


def interval_error(values: Floats) -> float:
    """Estimate the standard error of a median from its 95 % interval, which heavy tails widen; 0 without one."""
    if not len(values):
        return 0.0
    low, high = median_interval(values)
    return float(high - low) / (2 * INTERVAL_END) if np.isfinite(high - low) else 0.0


def change_of(table: Floats) -> Change:
    """Summarise a case: the median change and its interval."""
    changes = changes_of(table)
    low, high = median_interval(changes)
    return Change(float(np.exp(np.median(changes))), float(np.exp(low)), float(np.exp(high)))

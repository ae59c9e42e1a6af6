"""What the recorded triples of processes say: is a test slower at the head, which, and would it have been seen.

Two stages. Screening times every test in a few triples, and only chooses: at most :data:`MOST_KEPT` tests whose
slowdown cannot be ruled out are timed again in fresh triples. Confirmation judges these by the exact test of
:mod:`fastsym.regression.permutation`, corrected by Holm's method for their number only; the data of the first stage
play no part. So a suite of hundreds of tests costs no more power than one of ten.

That everything is slower by a little shows in no single test. So the median over the tests is one more case; if it
has to be confirmed, that is done on a panel of tests drawn by chance.

Nothing here reads a clock or starts a process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fastsym.regression.outcome import CANNOT_JUDGE, PASS, SLOWER
from fastsym.regression.permutation import three_label_p_values
from fastsym.regression.triples import (
    Change,
    Clock,
    Sample,
    change_of,
    changes_of,
    clocks,
    interval_error,
    middle_of,
    noise_of,
    standard_error,
    table_of,
    triples_of,
)
from fastsym.timing.stats import Floats, holm

ALPHA = 0.01
"""Accepted probability that a run in which nothing changed calls anything slower."""
MOST_KEPT = 10
MOST_FASTER = 3
"""Of those, how many may be there because they look faster."""
LEAST_CONFIRMATION = 10
"""Triples; from 3^-10 on, the exact test can say something about eleven cases with room to spare."""
LARGE = 0.10
"""If a slowdown of this size (or of twice the bar) would have been missed in more than half of the tests, a run cannot
judge."""
SHOWN_SIZES = (0.05, 0.10)
POWER = 0.80
NEARLY_SURE = 1.2816
"""Normal quantile of 0.9: two steps that each succeed with that probability do so together in 0.8 of all runs."""
TIGHT = 0.01
"""Confirmation may stop when what it detects is within this of the bar."""
EVERYTHING = "median of all tests"

Verdict = Literal["slower", "faster", "not slower"]
Outcome = Literal["pass", "slower", "cannot judge"]
EXIT_STATUS: dict[Outcome, int] = {"pass": PASS, "slower": SLOWER, "cannot judge": CANNOT_JUDGE}


@dataclass(frozen=True)
class CaseVerdict:
    """What one test's triples say."""

    name: str
    verdict: Verdict
    change: Change
    """From the confirmation if there was one, else from the screening."""
    clock: Clock
    p_value: float | None
    """Of the verdict's direction, corrected; None without a confirmation."""
    triples: int
    confirmed: bool
    """Whether it was timed again, on fresh processes."""
    noise: float
    """Spread of head over base of identical code in one triple, as a fraction."""
    detectable: float
    """The smallest slowdown, as a fraction, that would have been found in 80 % of such runs; infinite if none."""


@dataclass(frozen=True)
class Decision:
    """What a run of the gate says."""

    outcome: Outcome
    reason: str
    cases: tuple[CaseVerdict, ...]

    @property
    def exit_status(self) -> int:
        """0: pass, 1: slower, 2: cannot judge."""
        return EXIT_STATUS[self.outcome]


@dataclass(frozen=True)
class Kept:
    """What is timed again."""

    slower: tuple[str, ...]
    faster: tuple[str, ...]
    everything: bool
    """Whether the median over all tests is among it."""
    panel: tuple[str, ...] = ()
    """Tests, drawn by chance, on which the median is confirmed."""
    threshold: float = -np.inf
    """Logarithm of the smallest change that was still kept, where there was no room for more."""

    @property
    def tests(self) -> tuple[str, ...]:
        """Names, each once."""
        return tuple(dict.fromkeys((*self.slower, *self.faster, *self.panel)))

    def __bool__(self) -> bool:
        return bool(self.slower or self.faster or self.everything)


def detectable_log(error: float, count: int, family: int, bar: float, least_kept: float = -np.inf) -> float:
    """Find the smallest change that would have been confirmed in 80 % of runs.

    Parameters
    ----------
    error
        Standard error of the median change in the confirmation.
    count
        Triples of the confirmation.
    family
        How many cases Holm's method has to correct for.
    bar
        Smallest slowdown that matters, as a fraction.
    least_kept
        Logarithm of the smallest change that screening would nearly surely have kept.

    Returns
    -------
    float
        A logarithm; infinite if no number of ranks would have been enough.
    """
    from scipy.stats import norm

    if not count or not (3.0**-count * family < ALPHA):
        return np.inf
    above_the_bar = float(np.log1p(bar)) + NEARLY_SURE * error
    significant = (float(norm.isf(ALPHA / family)) + NEARLY_SURE) * error
    return max(above_the_bar, significant, least_kept)


def screen(samples: Sequence[Sample], bar: float, most: int = MOST_KEPT) -> Kept:
    """Choose what has to be timed again: the tests of which a slowdown of the bar's size cannot be ruled out.

    Parameters
    ----------
    samples
        Of the screening.
    bar
        Smallest slowdown that matters, as a fraction.
    most
        How many tests there is time for.

    Returns
    -------
    Kept
        The worst first. Empty if nothing can be slower.
    """
    wanted = float(np.log1p(bar))
    triples = triples_of(samples, clocks(samples))
    slower: list[tuple[float, str]] = []
    faster: list[tuple[float, str]] = []
    for test, by_triple in triples.items():
        table = table_of(by_triple)
        if not len(table):
            continue
        centre, error = float(np.median(changes_of(table))), standard_error(noise_of(table), len(table))
        if centre + NEARLY_SURE * error >= wanted:
            slower.append((-centre, test))
        if -centre - 2 * error > wanted / 2:
            faster.append((centre, test))
    quickest = [test for _, test in sorted(faster)[: min(MOST_FASTER, most)]]
    room = most - len(quickest)
    worst = sorted(slower)
    threshold = -worst[room - 1][0] if len(worst) > room > 0 else -np.inf
    middle = middle_of(triples if len(triples) > 1 else {})  # of one test it would be that test
    everything = False
    if len(middle):
        error = standard_error(noise_of(middle), len(middle))
        everything = float(np.median(changes_of(middle))) + NEARLY_SURE * error >= wanted
    return Kept(tuple(test for _, test in worst[:room]), tuple(quickest), everything, threshold=threshold)


def enough(confirmation: Sequence[Sample], kept: Kept, bar: float) -> bool:
    """Whether confirmation may stop before its time is up: when it detects what is little above the bar.

    Only the control's noise counts, never where the head lies, so that looking after every triple favours neither an
    alarm nor a pass.
    """
    triples = triples_of(confirmation, clocks(confirmation))
    family = len(kept.slower) + kept.everything
    for name in (name for name in kept.slower if name in triples):
        table = table_of(triples[name])
        if len(table) < LEAST_CONFIRMATION:
            return False
        of_identical = float(np.sqrt(0.75)) * interval_error(table[:, 1] - table[:, 0])
        error = max(standard_error(noise_of(table), len(table)), of_identical)
        if not (detectable_log(error, len(table), max(family, 1), bar) <= np.log1p(bar + TIGHT)):
            return False
    return bool(triples) and min(map(len, triples.values())) >= LEAST_CONFIRMATION


def decide(
    screening: Sequence[Sample],
    confirmation: Sequence[Sample],
    kept: Kept,
    bar: float,
    planned: int,
) -> Decision:
    """Judge every test, the median over all of them, and the run.

    A case is slower if the exact test of its confirmation says so at :data:`ALPHA`, corrected by Holm's method over the
    cases that were kept because they may be slower, and if its median change is above the bar; faster, the other way
    round.

    Parameters
    ----------
    screening, confirmation
        Samples of both stages; either may be empty: without anything to confirm, or with so few tests that all are.
    kept
        What was to be confirmed.
    bar
        Smallest change that matters, as a fraction.
    planned
        Triples that a confirmation would have had, for what is said of tests that needed none.

    Returns
    -------
    Decision
    """
    chosen = clocks([*screening, *confirmation])
    first, second = triples_of(screening, chosen), triples_of(confirmation, chosen)
    cases = {name: _Case(table_of(first.get(name, {})), table_of(second.get(name, {}))) for name in chosen}
    if len(chosen) > 1:
        all_tests = triples_of([sample for sample in screening if sample.stage == "screening"], chosen)
        panel = {name: second[name] for name in kept.panel if name in second}
        cases = {EVERYTHING: _Case(middle_of(all_tests), middle_of(panel))} | cases
    slower = [*([EVERYTHING] if kept.everything else []), *kept.slower]
    slower_p = _corrected(cases, slower, 0)
    faster_p = _corrected(cases, [*([EVERYTHING] if kept.everything else []), *kept.faster], 1)
    verdicts = tuple(
        _judge(name, case, chosen.get(name, "processor"), slower_p.get(name), faster_p.get(name), kept, bar, planned)
        for name, case in cases.items()
    )
    return _conclude(verdicts, [name for name in slower if len(cases[name].second) < LEAST_CONFIRMATION], bar)


@dataclass(frozen=True)
class _Case:
    first: Floats
    """(n, 3) of the screening."""
    second: Floats
    """(n, 3) of the confirmation."""


def _corrected(cases: Mapping[str, _Case], names: Sequence[str], direction: int) -> dict[str, float]:
    judged = [name for name in names if name in cases and len(cases[name].second)]
    corrected = holm([three_label_p_values(cases[name].second)[direction] for name in judged])
    return dict(zip(judged, map(float, corrected), strict=True))


def _judge(
    name: str,
    case: _Case,
    clock: Clock,
    slower_p: float | None,
    faster_p: float | None,
    kept: Kept,
    bar: float,
    planned: int,
) -> CaseVerdict:
    confirmed = len(case.second) > 0
    table = case.second if confirmed else case.first
    change = change_of(table) if len(table) else Change(1.0, 0.0, np.inf)
    verdict: Verdict = "not slower"
    if slower_p is not None and slower_p <= ALPHA and change.ratio > 1 + bar:
        verdict = "slower"
    elif faster_p is not None and faster_p <= ALPHA and change.ratio < 1 / (1 + bar):
        verdict = "faster"
    p_value = faster_p if verdict == "faster" or slower_p is None else slower_p
    noise = noise_of(np.concatenate([case.first, case.second]))
    count = len(case.second) if slower_p is not None else planned
    family = max(1, len(kept.slower) + kept.everything)
    error = standard_error(noise, count)
    if slower_p is not None:  # a few bad processes are seen better in the interval
        error = max(error, interval_error(changes_of(case.second)))
    least_kept = -np.inf
    if len(case.first):
        least_kept = kept.threshold + NEARLY_SURE * standard_error(noise, len(case.first))
    detectable = detectable_log(error, count, family, bar, least_kept)
    return CaseVerdict(
        name,
        verdict,
        change,
        clock,
        p_value,
        len(table),
        confirmed,
        float(np.expm1(noise)),
        float(np.expm1(detectable)),
    )


def _conclude(cases: Sequence[CaseVerdict], unconfirmed: Sequence[str], bar: float) -> Decision:
    tests = [case for case in cases if case.name != EVERYTHING]
    slower = [case for case in cases if case.verdict == "slower"]
    faster = [case for case in cases if case.verdict == "faster"]
    told = f"; faster: {_named(faster)}" if faster else ""
    if not tests:
        return Decision("cannot judge", "nothing was timed; give it more time with --budget", tuple(cases))
    if slower:
        return Decision("slower", f"{_named(slower)}{told}", tuple(cases))
    if unconfirmed:
        names = ", ".join(unconfirmed[:3]) + (f" and {len(unconfirmed) - 3} more" if len(unconfirmed) > 3 else "")
        return Decision(
            "cannot judge",
            f"{names} may be slower, and there was no time for {LEAST_CONFIRMATION} fresh triples of processes; "
            f"allow more with --budget{told}",
            tuple(cases),
        )
    seen = [sum(case.detectable <= size for case in tests) for size in SHOWN_SIZES]
    sizes = ", ".join(f"{size:.0%} in {count}" for size, count in zip(SHOWN_SIZES, seen, strict=True))
    power = f"slowdowns that would have been found in {POWER:.0%} of runs: {sizes} of {len(tests)}"
    # What is surely faster is surely not slower, however noisy.
    if 2 * sum(case.detectable <= max(LARGE, 2 * bar) or case in faster for case in tests) < len(tests):
        return Decision("cannot judge", f"too much noise; {power}; allow more with --budget{told}", tuple(cases))
    count = "the one test is not" if len(tests) == 1 else f"none of {len(tests)} tests is"
    return Decision("pass", f"{count} slower by more than {bar:.0%}{told}; {power}", tuple(cases))


def _named(cases: Sequence[CaseVerdict]) -> str:
    ordered = sorted(cases, key=lambda case: abs(np.log(case.change.ratio)), reverse=True)
    return ", ".join(f"{case.name} by {abs(case.change.ratio - 1):.1%} ({_ends(case.change)})" for case in ordered)


def _ends(change: Change) -> str:
    ends = sorted(abs(end - 1) for end in (change.low, change.high))
    return f"{ends[0]:.1%} to {ends[1]:.1%}"

"""How the time is shared between screening and confirmation; which tests there is time for.

Chosen by simulation (``bench/gate_plan.py``): triples of processes are worth more than longer blocks, because a process
is lucky or unlucky as a whole, and confirmation is worth more than screening.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fastsym.regression.decision import MOST_KEPT

TWO_STAGES = ((8, 40), (7, 35), (6, 30), (6, 25), (5, 20), (4, 15), (3, 12), (3, 10))
"""Triples of screening, and of confirmation at least, the best that there may be time for first."""
THREE_STAGES = ((3, 6, 40), (3, 6, 35), (3, 6, 25), (3, 5, 20), (3, 4, 15), (3, 3, 10))
"""For more than :data:`MANY` tests: a first look at all of them, a second at the worst, and the confirmation."""
MANY = 300
SECOND_LOOK = 60
"""How many of many tests are looked at twice."""
CONFIRMATION = 40
"""Triples that a plan asks for, at most."""
MOST_CONFIRMATION = 120
"""Triples that are worth their time, where there is time left and what was found is not yet sharp enough."""
LEAST_ALONE = 10
EXPENSIVE = 1.5
"""The tests that are kept may be so much more expensive than the mean of all."""
SAFETY = 1.1
"""Estimates of what a triple takes are exceeded by so much."""
LARGEST_SHARE = 1 / 20
"""Of the time: a test that takes more for one triple is left out."""


@dataclass(frozen=True)
class Plan:
    """Numbers of triples."""

    tests: tuple[str, ...]
    """What there is time for."""
    screening: tuple[tuple[int, int], ...]
    """Triples of each look, and how many tests go on; empty if all are confirmed at once."""
    confirmation: int
    """At least, if the tests that are kept are no more expensive than the mean; more as time allows."""


def make_plan(costs: Mapping[str, float], start_seconds: float, left_seconds: float, rng: np.random.Generator) -> Plan:
    """Share the time that is left.

    Parameters
    ----------
    costs
        Test -> seconds that it takes in a triple.
    start_seconds
        For a triple without any test.
    left_seconds
        For everything.
    rng
        Draws the tests, if there is no time for all.

    Returns
    -------
    Plan
        ``tests`` is empty if there is no time for any.
    """
    names = list(costs)
    while names:
        found = _fitting([costs[name] for name in names], start_seconds, left_seconds)
        if found is not None:
            return Plan(tuple(names), *found)
        fewer = max(1, int(0.8 * len(names))) if len(names) > 1 else 0
        names = [names[i] for i in sorted(rng.choice(len(names), fewer, replace=False))] if fewer else []
    return Plan((), (), 0)


def _fitting(
    costs: list[float], start_seconds: float, left_seconds: float
) -> tuple[tuple[tuple[int, int], ...], int] | None:
    def triple(count: int) -> float:
        return SAFETY * (start_seconds + count * float(np.mean(costs)))

    everything = triple(len(costs))
    if len(costs) <= MOST_KEPT:
        count = min(CONFIRMATION, int(left_seconds / everything))
        return ((), count) if count >= LEAST_ALONE else None
    kept = triple(MOST_KEPT)
    expensive = triple(min(round(EXPENSIVE * MOST_KEPT), len(costs)))
    if len(costs) <= MANY:
        for first, last in TWO_STAGES:
            if first * everything + max(last * kept, LEAST_ALONE * expensive) <= left_seconds:
                return ((first, MOST_KEPT),), last
        return None
    looked = triple(SECOND_LOOK)
    for first, second, last in THREE_STAGES:
        if first * everything + second * looked + max(last * kept, LEAST_ALONE * expensive) <= left_seconds:
            return ((first, SECOND_LOOK), (second, MOST_KEPT)), last
    return None

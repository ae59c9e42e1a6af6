"""Thresholds that the article does not state, why they are what they are, and whether a verdict depends on them.

Each has a range in which somebody else might reasonably have chosen it. A verdict that is another one somewhere in
that range says so in its reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fastsym.experiments.claims.verdicts import Answer
from fastsym.model.params import Array

TRIED = 41
"""So many thresholds of the range are tried, evenly in their logarithm."""


@dataclass(frozen=True)
class Threshold:
    """A number that a verdict needs and the article does not give; a part of something, shown in percent."""

    value: float
    low: float
    high: float
    name: str
    """What a sentence calls it, as in "with a tolerance of ..."."""


SAME = Threshold(0.001, 0.0001, 0.01, "a tolerance")
"""Relative difference up to which two costs count as the same. The article's curves of cases 1 and 2 end at 591.4 and
590.4, 0.17 % apart, and its figure shows two lines: the same is closer than that. With 1 % a quarter of all that a
constant prediction can learn there (4 % of ln 2) would count as nothing."""
AS_LARGE = Threshold(1.0, 0.1, 1.0, "a bound")
"""Part of the difference that zero weights make from which on another one is as large. The article: random biases do
not make a difference as huge as zero weights do."""
LEFT = Threshold(0.01, 0.001, 0.1, "a rest")
"""Part of the way from ln 2 to a cost that may be left where this cost counts as reached: a curve has converged when
its plot no longer shows it fall, and a line is about 1 % of a plot's height."""
IN_SATURATION = Threshold(0.05, 0.01, 0.2, "a bound")
"""Largest share of saturated hidden values with which tanh counts as out of saturation: nearly all inputs of a unit
keep their slope. The article only says that large inputs make the slope very small."""


class Sensitivity(NamedTuple):
    """How far a threshold can be moved before the answer changes."""

    hinges: bool
    """Whether it changes anywhere in the range."""
    sentence: str
    """For the reason."""
    numbers: dict[str, float]
    """``threshold``, and ``verdict_holds_from`` and ``verdict_holds_to``: the lowest and the highest around it that
    were tried without another answer. Parts, not percent."""


def sensitivity(threshold: Threshold, answer: Callable[[float], Answer]) -> Sensitivity:
    """Say how far a threshold can be moved before the answer changes.

    Parameters
    ----------
    threshold
        The one that decided.
    answer
        Gives the answer at any other.
    """
    tried = np.geomspace(threshold.low, threshold.high, TRIED)
    given = answer(threshold.value)
    lowest, below = _changes(threshold.value, tried[tried < threshold.value][::-1], given, answer)
    highest, above = _changes(threshold.value, tried[tried > threshold.value], given, answer)
    changes = [f"{100 * value:.2g} % or less it is {found}" for value, found in below]
    changes += [f"{100 * value:.2g} % or more it is {found}" for value, found in above]
    sentence = (
        f"It depends on the threshold: with {threshold.name} of {', of '.join(changes)}."
        if changes
        else f"No other verdict with {threshold.name} from {100 * threshold.low:g} % to {100 * threshold.high:g} %."
    )
    numbers = {"threshold": threshold.value, "verdict_holds_from": lowest, "verdict_holds_to": highest}
    return Sensitivity(bool(changes), sentence, numbers)


def _changes(
    start: float, values: Array, given: Answer, answer: Callable[[float], Answer]
) -> tuple[float, list[tuple[float, Answer]]]:
    """Last value before the answer changes for the first time, and each value from which on it is another."""
    last = start
    changes: list[tuple[float, Answer]] = []
    for value in map(float, values):
        found = answer(value)
        if found != (changes[-1][1] if changes else given):
            changes.append((value, found))
        elif not changes:
            last = value
    return last, changes

"""Thresholds that the article does not state, the reasons for them, and whether a verdict depends on them.

Each has a range in which others might reasonably choose it. If the verdict changes within that range, its reason says
so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fastsym.experiments.claims.verdicts import Answer
from fastsym.model.params import Array

TRIED = 41
"""Number of thresholds tried, spaced evenly over the logarithm of the range."""


@dataclass(frozen=True)
class Threshold:
    """A fraction that a verdict needs and the article does not give; shown in percent."""

    value: float
    low: float
    high: float
    name: str
    """Its name in a sentence, as in "with a tolerance of ..."."""


SAME = Threshold(0.001, 0.0001, 0.01, "tolerance")
"""Relative difference up to which two costs count as the same. The article's curves of cases 1 and 2 end at 591.4 and
590.4, 0.17 % apart, and it calls them the same cost; its figure shows them as two lines. This tolerance is stricter
than the author's own curves, so that what the figure shows as different is different. A tolerance of 1 % would ignore
a quarter of all that a constant prediction can learn (4 % of ln 2)."""
AS_LARGE = Threshold(1.0, 0.1, 1.0, "bound")
"""Fraction of the difference made by zero weights above which another difference counts as equally large. The article
says that random biases do not make as large a difference as zero weights."""
LEFT = Threshold(0.01, 0.001, 0.1, "remainder")
"""Fraction of the way from ln 2 to a cost that may remain when the cost counts as reached: a curve has converged when
its plot no longer shows it falling, and a line is about 1 % of a plot's height."""
SLOW = Threshold(0.01, 0.001, 0.5, "remainder")
"""The same fraction for how long large weights take. The article speaks of slow learning, not of an end, so it may mean
a target half of the way down as well as the end of the curve."""
IN_SATURATION = Threshold(0.05, 0.01, 0.2, "bound")
"""Largest fraction of saturated hidden values at which tanh counts as outside saturation: nearly all inputs of a unit
keep their slope. The article only says that large inputs make the slope very small."""


class Sensitivity(NamedTuple):
    """How far a threshold can be moved before the answer changes."""

    depends: bool
    """Whether the answer changes anywhere in the range."""
    sentence: str
    """The same in words, for the reason."""
    numbers: dict[str, float]
    """``threshold``, and ``verdict_holds_from`` and ``verdict_holds_to``: the lowest and the highest threshold tried
    around it before the answer changes. Fractions, not percent."""


def sensitivity(threshold: Threshold, answer: Callable[[float], Answer]) -> Sensitivity:
    """Say how far a threshold can be moved before the answer changes.

    Parameters
    ----------
    threshold
        The threshold in use.
    answer
        Returns the answer at a given threshold.
    """
    tried = np.geomspace(threshold.low, threshold.high, TRIED)
    given = answer(threshold.value)
    lowest, below = _changes(threshold.value, tried[tried < threshold.value][::-1], given, answer)
    highest, above = _changes(threshold.value, tried[tried > threshold.value], given, answer)
    changes = [f"{100 * value:.2g} % or less it is {found}" for value, found in below]
    changes += [f"{100 * value:.2g} % or more it is {found}" for value, found in above]
    whole = f"from {100 * threshold.low:g} % to {100 * threshold.high:g} %"
    sentence = (
        f"The verdict depends on the threshold: with a {threshold.name} of {', of '.join(changes)}."
        if changes
        else f"Any {threshold.name} {whole} gives the same verdict."
    )
    numbers = {"threshold": threshold.value, "verdict_holds_from": lowest, "verdict_holds_to": highest}
    return Sensitivity(bool(changes), sentence, numbers)


def _changes(
    start: float, values: Array, given: Answer, answer: Callable[[float], Answer]
) -> tuple[float, list[tuple[float, Answer]]]:
    """Return the last value before the first change of the answer, and each value at which it changes."""
    last = start
    changes: list[tuple[float, Answer]] = []
    for value in map(float, values):
        found = answer(value)
        if found != (changes[-1][1] if changes else given):
            changes.append((value, found))
        elif not changes:
            last = value
    return last, changes

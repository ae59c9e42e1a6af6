"""Verdicts, and the shares and medians behind them, with exact intervals instead of normal approximations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

Answer = Literal["true", "false", "undecided", "not applicable"]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Verdict:
    """The verdict on one claim on one feature set."""

    claim: int
    """Its number in :data:`fastsym.experiments.claims.CLAIMS`."""
    features: str
    verdict: Answer
    reason: str
    """One line with the numbers that decide it."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """The measured numbers; costs in mean nats per sample, times in iterations."""
    interval: tuple[float, float] | None = None
    """95 % interval of the quantity ``interval_of``; None if nothing is random."""
    interval_of: str = ""
    depends_on_threshold: bool = False
    """Whether another reasonable threshold would give another verdict; the reason says which."""


@dataclass(frozen=True)
class Share:
    """The number of seeds in which something held."""

    count: int
    total: int
    interval: tuple[float, float]
    """Clopper and Pearson's exact 95 % interval of the probability; (0, 1) without any seeds."""

    @property
    def answer(self) -> Answer:
        """``"true"`` if it significantly holds in most cases, ``"false"`` if it fails in most, else ``"undecided"``."""
        low, high = self.interval
        return "true" if low > 0.5 else "false" if high < 0.5 else "undecided"

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.count} of {self.total} seeds ({100 * low:.0f} to {100 * high:.0f} %)"


def share(held: ArrayLike) -> Share:
    """Count booleans, one for each seed."""
    values = np.asarray(held, bool)
    return _share(int(values.sum()), len(values))


@cache  # many thresholds are tried for each verdict, but they give few different counts
def _share(count: int, total: int) -> Share:
    from scipy.stats import binomtest  # here, because it costs more to import than all of fastsym

    if total == 0:
        return Share(0, 0, (0.0, 1.0))
    bounds = binomtest(count, total).proportion_ci(CONFIDENCE, "exact")
    return Share(count, total, (float(bounds.low), float(bounds.high)))


@dataclass(frozen=True)
class Median:
    """Median over seeds with an exact interval from order statistics, whatever the distribution."""

    value: float
    interval: tuple[float, float]


def median(values: ArrayLike) -> Median:
    """Median and its exact 95 % interval; infinite values, for costs that were never reached, are allowed.

    With fewer than six values there is no such interval, and its ends are infinite.
    """
    from scipy.stats import quantile_test  # here, because it costs more to import than all of fastsym

    sample = np.asarray(values, float)
    bounds: Any = quantile_test(sample).confidence_interval(CONFIDENCE)
    low, high = float(bounds.low), float(bounds.high)
    interval = (-np.inf if np.isnan(low) else low, np.inf if np.isnan(high) else high)
    return Median(float(np.median(sample)), interval)

"""Paired ratios of times, their intervals, and corrections for many comparisons.

Times are compared as logarithms of ratios: a slowdown by half and a speed-up by two are then equally far from
zero, and noise that stretches times does not pull the mean. The summaries are medians, because a shared machine
makes outliers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

MIN_PAIRS = 6
"""The fewest pairs whose range is a 95 % interval of the median: (1/2)**6 on either side is under 2.5 %."""

USUAL = 0.95
"""Confidence of intervals that name none."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """A ratio of times, with an interval that holds its true median with the given confidence."""

    ratio: float
    low: float
    high: float
    confidence: float
    """Level of the interval: what was asked for, or less where there were too few pairs."""
    pairs: int

    def __str__(self) -> str:
        level = "" if self.confidence >= USUAL else f", {100 * self.confidence:.4g} %"
        return f"{self.ratio:.2f} ({self.low:.2f} to {self.high:.2f}{level})"


def _times(name: str, values: ArrayLike) -> Floats:
    times = np.asarray(values, np.float64)
    if times.ndim != 1 or times.size == 0:
        raise ValueError(f"{name}: expected a list of seconds; got shape {times.shape}; pass one number a round")
    if not (np.isfinite(times) & (times > 0)).all():
        raise ValueError(f"{name}: expected positive, finite seconds; got {times.tolist()}; leave out void samples")
    return times


def log_ratios(baseline_seconds: ArrayLike, seconds: ArrayLike) -> Floats:
    """Logarithms of baseline / seconds, round by round: positive where ``seconds`` is the faster.

    Parameters
    ----------
    baseline_seconds, seconds
        (rounds,) each; entry i of both was measured in round i.

    Returns
    -------
    ndarray
        (rounds,) natural logarithms.

    Raises
    ------
    ValueError
        If the lists differ in length, are empty, or hold anything but positive, finite numbers.
    """
    baseline, times = _times("baseline_seconds", baseline_seconds), _times("seconds", seconds)
    if baseline.size != times.size:
        raise ValueError(
            f"seconds: expected {baseline.size} rounds, one for each of the baseline; got {times.size}; "
            "pass both times of every round"
        )
    return np.asarray(np.log(baseline) - np.log(times))


def paired_ratio(baseline_seconds: ArrayLike, seconds: ArrayLike, confidence: float = USUAL) -> Ratio:
    """Summarise how many times as fast as the baseline something is, from interleaved rounds.

    The interval lies between two order statistics of the ratios and is exact for independent rounds of any
    distribution (:func:`median_interval`). With too few rounds for the confidence it is the range of the ratios, which
    holds the median with confidence 1 - 2**(1 - rounds).

    Rounds that follow each other in time are alike: where the ratios' correlation from round to round is 0.3 or 0.6
    (a first-order autoregression), a 95 % interval of 12 rounds holds the median in 91 % or 77 % of cases. More rounds
    do not cure that; rounds further apart do.

    Parameters
    ----------
    baseline_seconds, seconds
        (rounds,) each; entry i of both was measured in round i.
    confidence
        Between 0 and 1.

    Returns
    -------
    Ratio
        The median of baseline / seconds.

    Raises
    ------
    ValueError
        As for :func:`log_ratios`, or if the confidence is out of range.
    """
    ratios = log_ratios(baseline_seconds, seconds)
    low, high = map(float, median_interval(ratios, confidence))
    if low == -np.inf:
        low, high, confidence = float(ratios.min()), float(ratios.max()), 1 - 2.0 ** (1 - ratios.size)
    return Ratio(float(np.exp(np.median(ratios))), float(np.exp(low)), float(np.exp(high)), confidence, ratios.size)


def ratio_of_medians(
    base: ArrayLike, head: ArrayLike, confidence: float = 0.95, resamples: int = 1999, seed: int = 0
) -> Ratio:
    """Median of ``head`` over median of ``base``, two independent samples, with a bootstrap interval.

    Parameters
    ----------
    base, head
        Positive numbers, (n,) and (k,); for example the speed-ups of every round in two sessions.
    confidence
        Between 0 and 1.
    resamples
        How often to draw from the samples.
    seed
        Seed of the draws.

    Returns
    -------
    Ratio
        ``pairs`` is the size of the smaller sample.

    Raises
    ------
    ValueError
        If a sample is empty or holds anything but positive, finite numbers.
    """
    from scipy.stats import bootstrap  # here, because it costs more to import than all of fastsym

    logs = np.log(_times("base", base)), np.log(_times("head", head))

    def shift(a: Floats, b: Floats, axis: int) -> Floats:
        return np.asarray(np.median(b, axis=axis) - np.median(a, axis=axis))

    result = bootstrap(
        logs,
        shift,
        vectorized=True,
        n_resamples=resamples,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    ends = (shift(*logs, axis=-1), *result.confidence_interval)
    ratio, low, high = (float(np.exp(end)) for end in ends)
    return Ratio(ratio, low, high, confidence, min(logs[0].size, logs[1].size))


def lower_p_value(base: ArrayLike, head: ArrayLike, tolerance: float) -> float:
    """Probability of samples like these if ``head`` is at least ``1 - tolerance`` times ``base``.

    One-sided exact Mann-Whitney test of two independent samples.

    Parameters
    ----------
    base, head
        Positive numbers, (n,) and (k,).
    tolerance
        The loss that does not matter, as a fraction; at least 0 and below 1.

    Returns
    -------
    float
        Small if ``head`` is lower by more than the tolerance.

    Raises
    ------
    ValueError
        If a sample is empty or holds anything but positive, finite numbers, or tolerance is out of range.
    """
    from scipy.stats import mannwhitneyu

    if not (0 <= tolerance < 1):
        raise ValueError(f"tolerance: expected a fraction of at least 0 and below 1; got {tolerance}; 0.1 is 10 %")
    allowed = _times("base", base) * (1 - tolerance)
    return float(mannwhitneyu(_times("head", head), allowed, alternative="less", method="exact").pvalue)


def median_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Interval of the median along the last axis, between two order statistics: the sign test turned around.

    What ``scipy.stats.quantile_test`` gives for one sample, for many at once. It holds for independent values of any
    one distribution, with two modes or heavy tails too.

    Parameters
    ----------
    values
        (..., n) numbers.
    confidence
        Between 0 and 1.

    Returns
    -------
    tuple of ndarray
        (...) lower and (...) upper ends; infinite where n is too small for the confidence.

    Raises
    ------
    ValueError
        If there are no values or one is not finite, or the confidence is out of range.
    """
    from scipy.stats import binom

    if not (0 < confidence < 1):
        raise ValueError(f"confidence: expected a number between 0 and 1; got {confidence}; 0.95 is usual")
    ordered = np.sort(_sample("values", values), axis=-1)
    n = ordered.shape[-1]
    outside = int(binom.ppf((1 - confidence) / 2, n, 0.5))  # how many values may lie beyond either end
    if outside == 0:
        return np.full(ordered.shape[:-1], -np.inf), np.full(ordered.shape[:-1], np.inf)
    return ordered[..., outside - 1], ordered[..., n - outside]


def signed_rank_p_value(values: ArrayLike) -> Floats:
    """Probability of values at least so positive if each is as likely as its negative.

    One-sided exact Wilcoxon signed-rank test along the last axis (``scipy.stats.wilcoxon``). Differences of two
    quantities that chance may swap have that symmetry, whatever their distribution. Zeros are left out.

    Parameters
    ----------
    values
        (..., n) numbers; for example logarithms of ratios, one a pair.

    Returns
    -------
    ndarray
        (...) Small if the values are positive, above all the large ones; 1 if all are zero.

    Raises
    ------
    ValueError
        If there are no values or one is not finite.
    """
    from scipy.stats import wilcoxon

    sample = _sample("values", values)
    if not sample.any():
        return np.ones(sample.shape[:-1])
    return np.asarray(wilcoxon(sample, alternative="greater", method="exact", axis=-1).pvalue)


def _sample(name: str, values: ArrayLike) -> Floats:
    sample = np.asarray(values, np.float64)
    if sample.ndim == 0 or sample.shape[-1] == 0 or not np.isfinite(sample).all():
        raise ValueError(f"{name}: expected finite numbers, at least one; got {sample.tolist()}; leave out void pairs")
    return sample


def holm(p_values: Sequence[float]) -> Floats:
    """Correct p-values for their number, so that one false alarm in the whole family is as rare as asked.

    Holm's step-down method: the smallest of n is multiplied by n, the next by n - 1, and so on, and none may
    come before a smaller one. Source: Holm, Scandinavian Journal of Statistics 6 (1979), 65-70.

    Parameters
    ----------
    p_values
        (n,) between 0 and 1.

    Returns
    -------
    ndarray
        (n,) corrected p-values, in the order given.

    Raises
    ------
    ValueError
        If one is outside 0 to 1, or NaN.
    """
    p = np.asarray(p_values, np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p_values: expected numbers from 0 to 1; got {p.tolist()}; pass the tests' p-values")
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1)
    return corrected

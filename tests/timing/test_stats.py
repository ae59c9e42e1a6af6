"""Statistics on synthetic noise whose truth is known."""

import numpy as np
import pytest
from scipy.stats import binom, quantile_test

from fastsym.timing.stats import (
    MIN_PAIRS,
    holm,
    log_ratios,
    lower_p_value,
    median_interval,
    paired_ratio,
    ratio_of_medians,
    signed_rank_p_value,
)


def rounds(rng, n, true_ratio, noise=0.1):
    """Interleaved times with a slow drift that both sides share, heavy-tailed noise, and rare outliers."""
    drift = np.exp(np.cumsum(rng.normal(scale=0.02, size=n)))
    outliers = np.where(rng.random((2, n)) < 0.05, 4.0, 1.0)
    baseline, other = drift * np.exp(noise * rng.standard_t(3, size=(2, n))) * outliers
    return baseline * true_ratio, other


def test_log_ratio_is_positive_for_the_faster():
    np.testing.assert_allclose(log_ratios([2.0, 1.0], [1.0, 2.0]), [np.log(2), -np.log(2)])


def test_paired_ratio_is_the_median_with_its_order_statistics():
    summary = paired_ratio([1, 2, 3, 4, 5, 6, 7], np.ones(7))
    assert (summary.ratio, summary.low, summary.high, summary.pairs) == pytest.approx((4, 1, 7, 7))
    assert str(summary) == "4.00 (1.00 to 7.00)"


def test_drift_shared_by_both_sides_cancels():
    drift = np.geomspace(1, 100, 9)
    summary = paired_ratio(3 * drift, drift)
    assert (summary.low, summary.ratio, summary.high) == pytest.approx((3, 3, 3))


def test_outliers_do_not_move_the_ratio():
    seconds = np.ones(11)
    seconds[[2, 7]] = 50
    assert paired_ratio(2 * np.ones(11), seconds).ratio == pytest.approx(2)


@pytest.mark.parametrize("n", [7, 12, 25])
def test_interval_covers_the_truth_as_often_as_it_says(n):
    rng = np.random.default_rng(n)
    repeats = 400
    covered = 0
    for _ in range(repeats):
        summary = paired_ratio(*rounds(rng, n, true_ratio=1.7))
        covered += summary.low <= 1.7 <= summary.high
    assert covered / repeats >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / repeats)


def test_too_few_pairs_give_their_range_and_its_level():
    enough = paired_ratio(np.ones(MIN_PAIRS), np.arange(1.0, MIN_PAIRS + 1))
    assert enough.confidence == 0.95
    assert str(enough) == "0.29 (0.17 to 1.00)"
    few = paired_ratio(np.ones(MIN_PAIRS - 1), np.arange(1.0, MIN_PAIRS))
    assert (few.ratio, few.low, few.high) == pytest.approx((1 / 3, 1 / 5, 1))
    assert few.confidence == 1 - 2 * 0.5**5
    assert str(few) == "0.33 (0.20 to 1.00, 93.75 %)"
    assert paired_ratio([1.0], [2.0]).confidence == 0


@pytest.mark.parametrize(("correlation", "stated"), [(0.3, 0.91), (0.6, 0.77)])
def test_rounds_that_are_alike_cover_the_truth_as_rarely_as_is_stated(correlation, stated):
    rng, repeats = np.random.default_rng(1), 4000
    noise = rng.standard_normal((repeats, 12))
    for i in range(1, 12):
        noise[:, i] = correlation * noise[:, i - 1] + np.sqrt(1 - correlation**2) * noise[:, i]
    low, high = median_interval(noise)
    covered = np.mean((low <= 0) & (high >= 0))
    assert abs(covered - stated) <= 0.005 + 4 * np.sqrt(stated * (1 - stated) / repeats)  # rounded, and by chance
    few = paired_ratio(np.exp(noise[0]), np.ones(12))
    assert (few.low, few.high) == pytest.approx((np.exp(low[0]), np.exp(high[0])))


@pytest.mark.parametrize(
    ("baseline", "seconds", "message"),
    [
        ([1.0], [1.0, 2.0], "expected 1 rounds"),
        ([], [], "expected a list"),
        ([1.0, np.nan], [1.0, 1.0], "baseline_seconds: expected positive, finite"),
        ([1.0, 1.0], [1.0, 0.0], "seconds: expected positive, finite"),
        ([1.0, 1.0], [1.0, np.inf], "seconds: expected positive, finite"),
        ([[1.0]], [[1.0]], "expected a list"),
    ],
)
def test_what_is_no_pair_of_times_is_refused(baseline, seconds, message):
    with pytest.raises(ValueError, match=message):
        log_ratios(baseline, seconds)


def test_ratio_of_medians_of_two_sessions():
    rng = np.random.default_rng(1)
    base, head = np.exp(0.05 * rng.standard_normal((2, 40)))
    summary = ratio_of_medians(base, 0.8 * head)
    assert summary.low < 0.8 < summary.high
    assert summary.high < 0.9
    assert ratio_of_medians(base, 0.8 * head) == summary  # seeded


def test_ratio_of_medians_by_hand():
    base, head = np.array([8.0, 10.0, 12.0, 9.0, 11.0]), np.array([3.0, 2.0, 2.5])
    summary = ratio_of_medians(base, head)
    assert summary.ratio == pytest.approx(0.25)
    assert (summary.confidence, summary.pairs) == (0.95, 3)
    assert ratio_of_medians(head, base).pairs == 3
    assert summary == ratio_of_medians(base, head, 0.95, 1999, 0)
    rng = np.random.default_rng(7)
    many = np.exp(rng.standard_normal((2, 60)))
    assert ratio_of_medians(*many) == ratio_of_medians(*many, confidence=0.95, resamples=1999, seed=0)
    assert ratio_of_medians(*many) != ratio_of_medians(*many, seed=1)
    assert ratio_of_medians(*many) != ratio_of_medians(*many, resamples=1998)


def test_lower_p_value_by_hand():
    # Of the 20 ways in which three of six may be the lowest, one is at least so extreme.
    assert lower_p_value([10, 11, 12], [1, 2, 3], 0.5) == pytest.approx(1 / 20)
    # Of their 9 pairs with 5, 5.5 and 6 four are above, as many as or more than in half of the ways.
    assert lower_p_value([10, 11, 12], [4.99, 5.51, 5.99], 0.5) == pytest.approx(10 / 20)
    assert lower_p_value([1, 2, 3], [10, 11, 12], 0.5) == pytest.approx(1)
    assert lower_p_value([10, 11, 12], [1, 2, 3], 0) == pytest.approx(1 / 20)
    for tolerance in (-0.1, 1.0, 1.5):
        with pytest.raises(ValueError, match="tolerance: expected a fraction"):
            lower_p_value([1.0], [1.0], tolerance)


@pytest.mark.parametrize("n", [6, 7, 8, 9, 11, 12, 15, 17, 20, 25, 28, 35, 42, 60, 99])
def test_the_interval_is_the_largest_that_the_sign_test_allows(n):
    """P(at most k - 1 of n below the median) is within 2.5 % and that of at most k is not."""
    ratios = np.arange(1.0, n + 1)
    summary = paired_ratio(ratios, np.ones(n))
    k = round(summary.low)
    assert binom.cdf(k - 1, n, 0.5) <= 0.025 < binom.cdf(k, n, 0.5)
    assert (summary.low, summary.high) == pytest.approx((k, n + 1 - k))
    low, high = median_interval(ratios)
    assert (low, high) == (k, n + 1 - k)


def test_lower_p_value_sees_only_losses_beyond_the_tolerance():
    rng = np.random.default_rng(2)
    base, head = np.exp(0.02 * rng.standard_normal((2, 15)))
    assert lower_p_value(base, 0.8 * head, tolerance=0.1) < 1e-6
    assert lower_p_value(base, 0.95 * head, tolerance=0.1) > 0.99
    assert lower_p_value(base, 1.5 * head, tolerance=0.1) > 0.99
    with pytest.raises(ValueError, match="tolerance: expected a fraction"):
        lower_p_value(base, head, tolerance=np.nan)


def test_false_alarms_are_as_rare_as_the_p_value_says():
    rng = np.random.default_rng(3)
    p = [lower_p_value(*np.exp(rng.standard_normal((2, 8))), tolerance=0.0) for _ in range(500)]
    assert np.mean(np.less(p, 0.05)) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 500)


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1, 1])
    np.testing.assert_array_equal(holm([1.0, 0.0]), [1, 0])
    assert holm([]).size == 0
    for wrong in (np.nan, -0.1, 1.1):
        with pytest.raises(ValueError, match="p_values: expected numbers from 0 to 1"):
            holm([0.5, wrong])


def test_holm_keeps_the_family_at_its_level():
    rng = np.random.default_rng(4)
    alarms = [holm(rng.random(20)).min() < 0.05 for _ in range(1000)]
    assert np.mean(alarms) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


@pytest.mark.parametrize("n", [1, 5, 6, 9, 10, 25, 40])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.996])
def test_median_interval_is_that_of_scipy(n, confidence):
    values = np.random.default_rng(n).normal(size=(3, n))
    low, high = median_interval(values, confidence)
    for row, a, b in zip(values, low, high, strict=True):
        expected = quantile_test(row, p=0.5).confidence_interval(confidence)
        assert a == (-np.inf if np.isnan(expected.low) else expected.low)
        assert b == (np.inf if np.isnan(expected.high) else expected.high)


def two_modes(rng, shape):
    """Differences of processes that are each lucky or 5 % slower, around 0."""
    slow = 0.05 * (rng.random((2, *shape)) < 0.3)
    return slow[1] - slow[0] + rng.normal(scale=0.01, size=shape)


def correlated(rng, shape):
    """Sizes that stay alike for a while, with the sign drawn anew: what the random order of each slot makes."""
    steps = rng.normal(size=shape)
    for i in range(1, shape[-1]):
        steps[..., i] = 0.9 * steps[..., i - 1] + np.sqrt(0.19) * steps[..., i]
    return 0.02 * steps * rng.choice([-1, 1], size=shape)


NOISES = {
    "gaussian": lambda rng, shape: 0.02 * rng.normal(size=shape),
    "heavy tails": lambda rng, shape: 0.02 * rng.standard_cauchy(size=shape),
    "outliers": lambda rng, shape: (
        0.02 * rng.normal(size=shape) + 0.5 * (rng.random(shape) < 0.05) - 0.5 * (rng.random(shape) < 0.05)
    ),
    "two modes": two_modes,
    "autocorrelated": correlated,
}


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("n", [10, 30])
def test_median_interval_covers_the_truth_as_often_as_it_says(noise, n):
    repeats = 20_000
    values = 0.05 + NOISES[noise](np.random.default_rng(n), (repeats, n))
    for confidence in (0.95, 0.996):
        low, high = median_interval(values, confidence)
        covered = np.mean((low <= 0.05) & (high >= 0.05))
        assert covered >= confidence - 4 * np.sqrt(confidence * (1 - confidence) / repeats)
        assert covered < 1  # it is no interval that holds everything


@pytest.mark.parametrize("noise", NOISES)
def test_signed_rank_test_keeps_its_level(noise):
    repeats = 20_000
    p = signed_rank_p_value(NOISES[noise](np.random.default_rng(5), (repeats, 20)))
    for level in (0.002, 0.01, 0.05):
        assert 0 < np.mean(p <= level) <= level + 4 * np.sqrt(level * (1 - level) / repeats)


def test_signed_rank_test_by_hand():
    # Of the 8 ways to choose the signs of 1, 2 and 3, one has all positive, two a rank sum of at least 5.
    np.testing.assert_allclose(
        signed_rank_p_value([[1.0, 2.0, 3.0], [-1.0, 2.0, 3.0], [1.0, 2.0, -3.0]]), [1 / 8, 2 / 8, 5 / 8]
    )
    for shape in ((2,), (3, 2), (4, 3, 2)):
        np.testing.assert_array_equal(signed_rank_p_value(np.zeros(shape)), np.ones(shape[:-1]))
    assert signed_rank_p_value([0.0, 1.0, 2.0]) == pytest.approx(0.25)


@pytest.mark.parametrize("values", [[], [np.nan, 1.0], [1.0, np.inf], 1.0])
def test_what_is_no_sample_is_refused(values):
    for function in (signed_rank_p_value, median_interval):
        with pytest.raises(ValueError, match="values: expected finite numbers"):
            function(values)


@pytest.mark.parametrize("confidence", [0.0, 1.0, np.nan])
def test_what_is_no_confidence_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence: expected a number between"):
        median_interval([1.0, 2.0], confidence)


def test_too_few_values_have_an_interval_without_ends_for_each_sample():
    for shape in ((3,), (2, 3), (4, 2, 3)):
        low, high = median_interval(np.zeros(shape))
        assert low.shape == high.shape == shape[:-1]
        assert (low == -np.inf).all()
        assert (high == np.inf).all()

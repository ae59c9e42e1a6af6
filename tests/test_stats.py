"""Statistics on synthetic noise whose truth is known."""

import numpy as np
import pytest

from fastsym.stats import MIN_PAIRS, holm, log_ratios, lower_p_value, paired_ratio, ratio_of_medians


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


def test_too_few_pairs_give_no_interval():
    assert paired_ratio(np.ones(MIN_PAIRS), np.ones(MIN_PAIRS)).high == 1
    few = paired_ratio(np.ones(MIN_PAIRS - 1), np.ones(MIN_PAIRS - 1))
    assert (few.ratio, few.low, few.high) == (1, 0, np.inf)


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
    assert holm([]).size == 0
    for wrong in (np.nan, -0.1, 1.1):
        with pytest.raises(ValueError, match="p_values: expected numbers from 0 to 1"):
            holm([0.5, wrong])


def test_holm_keeps_the_family_at_its_level():
    rng = np.random.default_rng(4)
    alarms = [holm(rng.random(20)).min() < 0.05 for _ in range(1000)]
    assert np.mean(alarms) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)

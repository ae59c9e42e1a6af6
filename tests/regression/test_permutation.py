"""The exact three-label test: against all ways to choose the heads, and on noise of any shape."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata

from fastsym.regression.permutation import three_label_p_values


def by_enumeration(logs):
    aligned = logs - np.median(logs, axis=1, keepdims=True)
    ranks = rankdata(aligned.ravel()).reshape(logs.shape)
    sums = np.array(
        [sum(row[i] for row, i in zip(ranks, heads, strict=True)) for heads in product(range(3), repeat=len(logs))]
    )
    observed = ranks[:, 2].sum()
    return np.mean(sums >= observed - 1e-9), np.mean(sums <= observed + 1e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("digits", [1, 12])  # with ties, and without
def test_it_agrees_with_all_ways_to_choose_the_heads(count, digits):
    rng = np.random.default_rng(count)
    for _ in range(5):
        logs = np.round(rng.normal(size=(count, 3)), digits)
        assert three_label_p_values(logs) == pytest.approx(by_enumeration(logs))


def test_the_least_p_value_is_a_power_of_three():
    logs = np.tile([0.0, 0.01, 5.0], (6, 1)) + 0.001 * np.arange(6)[:, None] ** 2 * [0, 0, 1]
    slower, faster = three_label_p_values(logs)
    assert slower == pytest.approx(3.0**-6)
    assert faster == pytest.approx(1.0)
    assert three_label_p_values(-logs) == pytest.approx((faster, slower))


def test_a_shift_of_a_whole_triple_does_not_matter():
    rng = np.random.default_rng(3)
    logs = rng.normal(size=(8, 3))
    assert three_label_p_values(logs + rng.normal(scale=10, size=(8, 1))) == pytest.approx(three_label_p_values(logs))


@pytest.mark.parametrize("draw", ["normal", "standard_cauchy", "two modes"])
def test_identical_code_is_rarely_called_slower(draw):
    rng = np.random.default_rng(1)
    shape = (400, 12, 3)
    noise = (
        rng.choice([0.0, 0.1], shape) + 1e-3 * rng.normal(size=shape)
        if draw == "two modes"
        else getattr(rng, draw)(size=shape)
    )
    p = np.array([three_label_p_values(logs)[0] for logs in noise])
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.035)  # three standard errors of 400 draws


@pytest.mark.parametrize(
    "logs", [np.zeros((0, 3)), np.zeros(3), np.zeros((4, 2)), np.full((4, 3), np.nan), np.diag([0, 0, np.inf])]
)
def test_what_is_no_table_of_triples_is_refused(logs):
    with pytest.raises(ValueError, match=r"logs: expected \(n, 3\) finite numbers"):
        three_label_p_values(logs)


def test_rounding_makes_no_probability_above_one():
    for count in range(1, 41):
        first = np.tile([1.0, 2.0, 0.0], (count, 1)) + np.arange(count)[:, None] * [1, 2, -1] * 0.01
        assert three_label_p_values(first)[0] <= 1
        assert three_label_p_values(-first)[1] <= 1
    lowest = np.array([[1.0, 0, 0], [2, 2, 1], [1, 1, 0], [2, 2, 0], [2, 1, 1]])  # rounds to more than 1
    assert three_label_p_values(lowest)[0] == 1

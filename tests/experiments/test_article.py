"""The article's cases, and the numbers its author published."""

import math

import numpy as np
import pytest

from fastsym import Dataset, LayerParams, initialise, train
from fastsym.experiments import article, published


@pytest.fixture(scope="module")
def zero_table() -> article.NetworkTable:
    return article.tabulate_case(1)


def test_ten_published_costs_are_reproduced(zero_table: article.NetworkTable) -> None:
    difference = np.abs(zero_table.summed_costs - published.SUMMED_COSTS)
    assert (difference <= 1e-9).all()


def test_the_first_published_cost_is_889_ln_2() -> None:
    assert abs(published.SUMMED_COSTS[0] - 889 * math.log(2)) <= 1e-9


def test_case_1_moves_no_weight_and_case_2_does(zero_table: article.NetworkTable) -> None:
    assert not zero_table.W1.any()
    assert not zero_table.W2.any()
    assert zero_table.largest_change == 0
    random = article.tabulate_case(2)
    assert random.largest_change > 0.001
    assert (np.diff(zero_table.costs) < 0).all()


def test_tables_hold_the_weights_before_each_update() -> None:
    table = article.tabulate_case(2, iterations=3)
    start = article.train_case(2, iterations=0, variant="reference").params
    after_two = article.train_case(2, iterations=2, variant="reference").params
    np.testing.assert_array_equal(table.W1[0], start.W1)
    np.testing.assert_array_equal(table.W1[2], after_two.W1)
    np.testing.assert_array_equal(table.W2[2], after_two.W2)


def test_plateaus_are_reproduced(zero_table: article.NetworkTable) -> None:
    """The zero start ends at the entropy of the survival rate; random starts at 590.4, within half a nat for most."""
    zero = article.train_case(1)
    random = [article.train_case(2, seed=seed) for seed in range(9)]
    finals = [curve.summed_costs[-1] for curve in random]
    rate = 340 / 889
    entropy = -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))
    assert abs(zero.summed_costs[-1] - 889 * entropy) < 0.01
    comparisons = published.compare(zero_table.summed_costs, {1: [zero.summed_costs[-1]], 2: finals})
    assert len(comparisons) == 12
    assert all(comparison.matches for comparison in comparisons)
    assert min(finals) > 587
    assert max(finals) < zero.summed_costs[-1]


def test_case_0_textbook_cost_is_lost_with_the_passenger_number_only() -> None:
    for start in ("zeros", "normal"):
        case = article.train_layer_case(start)
        assert case.textbook_lost > 0.9
        assert np.isfinite(case.costs).all()
        assert article.train_layer_case(start, "standardised", iterations=50).textbook_lost == 0


def test_case_0_formulas_agree_where_both_are_finite() -> None:
    case = article.train_layer_case("zeros", "no_id", iterations=50)
    np.testing.assert_allclose(case.textbook_costs, case.costs, rtol=1e-12)
    assert case.costs[0] == pytest.approx(math.log(2), abs=1e-15)
    assert isinstance(case.params, LayerParams)


def test_equal_units_stay_equal_and_random_ones_separate(standardised: Dataset) -> None:
    constant = article.follow_units(standardised, "constant", states=8)
    assert constant.iterations[[0, -1]].tolist() == [0, article.CURVE_ITERATIONS]
    assert len(constant.W1) == len(constant.W2) == len(constant.iterations) <= 9
    assert constant.separation == 0
    assert not np.ptp(constant.W1, axis=1).any()
    random = article.follow_units(standardised, "normal", seed=3, states=8)
    assert random.separation > 1
    start = initialise("normal", 8, article.HIDDEN, seed=3)
    after_one = train(standardised.X, standardised.y, start, 1, article.STANDARDISED_LEARNING_RATE).params
    assert random.iterations[1] == 1
    np.testing.assert_array_equal(random.W2[0], start.W2)
    np.testing.assert_array_equal(random.W2[1], after_one.W2)


def test_the_two_layer_cases_run_on_any_table(standardised: Dataset) -> None:
    some = Dataset(standardised.X[:3, :100], standardised.y[:100], ("a", "b", "c"))
    table, curve = article.tabulate_case(2, some, seed=1), article.train_case(2, some, seed=1, iterations=10)
    assert (table.samples, table.feature_names, table.W1.shape) == (100, ("a", "b", "c"), (10, 4, 3))
    np.testing.assert_allclose(curve.costs, table.costs, rtol=1e-14)


def test_unknown_case_is_refused() -> None:
    with pytest.raises(ValueError, match="case: expected 1 or 2; got 3"):
        article.tabulate_case(3)
    with pytest.raises(ValueError, match="case: expected 1 or 2; got 0; for case 0 use train_layer_case"):
        article.train_case(0)


def test_nan_matches_nothing() -> None:
    assert not published.Comparison("cost", 1.0, math.nan, 1e-9).matches
    assert not published.Comparison("cost", 1.0, 1.0 + 2e-9, 1e-9).matches
    assert published.Comparison("cost", 1.0, 1.0 + 5e-10, 1e-9).matches


def test_compare_refuses_another_number_of_costs() -> None:
    with pytest.raises(ValueError, match=r"summed_costs: expected 10; got shape \(9,\)"):
        published.compare(published.SUMMED_COSTS[:9], {1: [591.4], 2: [590.4]})

"""The verdicts on made-up runs, whose numbers are worked out by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from fastsym import Dataset, Params
from fastsym.experiments import published
from fastsym.experiments.claims import comparisons, thresholds, zero_start
from fastsym.experiments.claims.runs import Runs, Split, cost_of, iterations_to, stacked
from fastsym.experiments.claims.thresholds import TRIED, Threshold, sensitivity
from fastsym.experiments.claims.verdicts import Share, median, share

LN_2 = float(np.log(2))
SEEDS = 6


def runs_with(**made):
    X = np.array([[0.0, 1.0, 2.0, 3.0], [1.0, 0.0, 1.0, 0.0]])
    runs = Runs(Dataset(X, np.array([0.0, 1.0, 0.0, 1.0]), ("a", "b")), "made up", SEEDS)
    runs.__dict__.update(made)
    return runs


def training(costs, **more):
    return SimpleNamespace(costs=np.asarray(costs, float), **more)


def each_seed(*values):
    """(SEEDS, T) costs: the same ones for every seed, or one number or list for each."""
    return np.asarray(values, float) * np.ones((SEEDS, 1))


def held(verdict):
    return int(verdict.numbers["seeds_where_it_holds"])


def towards(end, *parts):
    """Costs that have gone these parts of the way from ln 2 to ``end``."""
    return LN_2 + np.array(parts) * (end - LN_2)


# Claims that compare


@pytest.mark.parametrize(
    ("apart", "count"), [(0.0004, 6), (-0.0004, 6), (0.0006, 0), (-0.0006, 0), (0.0, 6), (np.array([1, -1, 0] * 2), 2)]
)
def test_one_layer_meets(apart, count):
    zero = np.concatenate([np.full(150, 9.0), np.tile([0.4, 0.6], 50)])
    swung = np.concatenate([np.full(150, 9.0), zero[:149:-1]])  # the last value of each differs, the means do not
    random = each_seed(swung) + np.where(np.arange(250) < 150, 0, np.reshape(apart, (-1, 1)))
    verdict = comparisons.one_layer_meets(runs_with(layer_zero=zero, layer_random=random))
    assert held(verdict) == count
    assert verdict.claim == 2
    assert verdict.numbers["seeds"] == SEEDS
    assert verdict.numbers["zero_final_cost"] == pytest.approx(0.5)
    assert verdict.numbers["random_final_cost_median"] == pytest.approx(0.5 + np.median(apart))
    assert ("so not within 250 iterations" in verdict.reason) == (verdict.verdict != "true")
    assert "from 9 to 0.5" in verdict.reason
    assert "last 100 of 250 iterations" in verdict.reason
    if abs(np.max(apart)) == 0.0006:
        assert verdict.numbers["verdict_holds_to"] == pytest.approx(0.001 * 10 ** (1 / 20), rel=1e-6)
        assert verdict.depends_on_threshold


def test_one_layer_begins_lower():
    random = np.stack([[0.5, 9.0]] * 3 + [[0.7, 0.0]] * 3)
    verdict = comparisons.one_layer_begins_lower(runs_with(layer_zero=np.array([0.7, 0.1]), layer_random=random))
    assert (verdict.claim, held(verdict)) == (3, 3)
    assert verdict.numbers["zero_first_cost"] == 0.7
    assert verdict.numbers["random_first_cost_median"] == pytest.approx(0.6)


def test_random_weights_change():
    start = Params(np.full((2, 2), 2.0), np.zeros(2), np.full(2, -3.0), np.zeros(()))
    W1, W2 = np.array([[0, 0], [0, -0.5]]), np.array([0.25, 0])
    ends = [start._replace(W1=start.W1 + W1, W2=start.W2 + W2 * (seed > 0)) for seed in range(SEEDS)]
    ends[5] = start._replace(W2=start.W2 - W2)
    runs = runs_with(random_short=SimpleNamespace(params=stacked(ends)), random_starts=[start] * SEEDS)
    verdict = comparisons.random_weights_change(runs)
    assert (verdict.claim, held(verdict), verdict.verdict) == (7, 4, "undecided")
    assert (verdict.numbers["W1_change_median"], verdict.numbers["W2_change_median"]) == (0.5, 0.25)


def test_random_is_faster():
    end = 0.5
    zero = training(towards(end, 0, 0.5, 0.985, 0.995, 1.0))
    random = training(
        np.stack(
            [
                towards(end, 0, 0, 0.992, 1, 1),  # index 2
                towards(end, 0, 1, 1, 1, 1),
                towards(end, 0, 0, 0.988, 0.992, 1),  # as late as zero
                towards(end, 0, 0, 0, 0, 0.992),
                towards(end, 0, 0, 0, 0, 0.5),  # never
                towards(end, 0, 0, 0.992, 0, 0),
            ]
        )
    )
    verdict = comparisons.random_is_faster(runs_with(zero=zero, random=random))
    assert (verdict.claim, held(verdict)) == (8, 3)
    assert verdict.numbers["cost"] == pytest.approx(LN_2 + 0.99 * (end - LN_2), rel=1e-12)
    assert verdict.numbers["zero_iterations"] == 3
    assert verdict.numbers["random_iterations_median"] == 2.5
    assert "99 % of its own way" in verdict.reason


@pytest.mark.parametrize(
    ("drawn", "count"), [(0.7, 6), (0.3125, 6), (0.75, 0), (0.25, 0), (0.9, 0), ([0.5, 0.5, 0.7, 0.9, 1.0, 0.0], 3)]
)
def test_biases_may_be_zero(drawn, count):
    runs = runs_with(
        zero=training([9, 8, 0.75]),
        random=training(each_seed([9, 8, 0.5])),
        random_biases=training(np.stack([*np.full((2, SEEDS), 9.0), np.full(SEEDS, drawn)], axis=1)),
    )
    verdict = comparisons.biases_may_be_zero(runs)
    assert (verdict.claim, held(verdict)) == (9, count)
    assert verdict.numbers["change_by_zero_weights_median"] == 0.25
    assert verdict.numbers["change_by_biases_median"] == pytest.approx(np.median(np.abs(np.subtract(drawn, 0.5))))


def saturated(count):
    """A network of 20 units, so many of them far in saturation."""
    b1 = np.where(np.arange(20) < count, -9.0, 0.5)
    return Params(np.zeros((20, 2)), b1, np.zeros(20), np.zeros(()))


@pytest.mark.parametrize(("count", "answer"), [(0, "true"), (1, "true"), (2, "false")])
def test_small_weights_avoid_saturation(count, answer):
    runs = runs_with(
        random_starts=[saturated(count)] * SEEDS,
        large_starts=[saturated(10)] * SEEDS,
        random=SimpleNamespace(params=stacked([saturated(4)] * SEEDS)),
    )
    verdict = comparisons.small_weights_avoid_saturation(runs)
    assert (verdict.claim, verdict.verdict) == (10, answer)
    assert verdict.numbers["saturated_at_start"] == pytest.approx(count / 20)
    assert verdict.numbers["saturated_at_start_without_factor"] == pytest.approx(0.5)
    assert verdict.numbers["saturated_at_end"] == pytest.approx(0.2)


def test_large_weights_are_slow():
    end = 0.5
    small = np.tile(towards(end, 0, 0.25, 0.6, 0.992, 1), (SEEDS, 1))
    small[5] = towards(0.9, 0, 0.25, 0.5, 0.6, 1)  # neither start gets there: does not count
    large = np.stack(
        [
            towards(end, 0, 0.5, 0.55, 0.988, 0.992),  # later
            towards(end, 0, 0.5, 0.7, 0.988, 0.988),  # never
            towards(end, 0, 0.5, 0.7, 0.992, 1),  # at the same time
            towards(end, 0, 0.5, 0.992, 1, 1),  # earlier
            towards(end, 0, 0.5, 0.7, 0.7, 1),
            towards(end, 0, 0.1, 0.2, 0.2, 0.2),
        ]
    )
    verdict = comparisons.large_weights_are_slow(runs_with(random=training(small), large=training(large)))
    assert verdict.claim == 11
    assert (verdict.numbers["seeds"], held(verdict)) == (5, 3)
    assert verdict.numbers["cost"] == pytest.approx(LN_2 + 0.99 * (end - LN_2), rel=1e-12)
    assert verdict.numbers["small_iterations_median"] == 3
    assert verdict.numbers["large_iterations_median"] == 4
    assert verdict.numbers["small_first_fall_median"] == pytest.approx(0.25 * (LN_2 - end))
    assert verdict.numbers["large_first_fall_median"] == pytest.approx(0.5 * (LN_2 - end))
    assert "in 3 of 5 seeds (15 to 95 %) with 1 % of the way left" in verdict.reason
    assert "with 20 % of the way left" in verdict.reason
    assert "with 50 % of the way left" in verdict.reason
    assert "scale 0.01 takes 3 iterations and scale 1 4 iterations" in verdict.reason


@pytest.mark.parametrize(("random", "count"), [(0.5004, 6), (0.4996, 6), (0.5006, 0), (0.4994, 0)])
def test_both_reach_the_same_cost(random, count):
    runs = runs_with(zero=training([9, 8, 0.5]), random=training(each_seed([9, 8, random])))
    verdict = comparisons.both_reach_the_same_cost(runs)
    assert (verdict.claim, held(verdict)) == (12, count)
    assert verdict.numbers["zero_final_cost"] == 0.5
    assert verdict.numbers["difference_median"] == pytest.approx(0.5 - random)
    assert f"which is {100 * (0.5 - random) / 0.5:.3g} % of the cost" in verdict.reason


@pytest.mark.parametrize(("random", "count"), [(0.7, 6), (0.4996, 6), (0.4994, 0)])
def test_zero_only_needs_longer(random, count):
    runs = runs_with(zero_settled=training([9, 9, 0.5]), random=training(each_seed([9, 8, random])))
    verdict = comparisons.zero_only_needs_longer(runs)
    assert (verdict.claim, held(verdict)) == (13, count)
    assert (verdict.numbers["zero_limit"], verdict.numbers["random_final_cost_median"]) == (0.5, random)
    assert "After 3 iterations" in verdict.reason


def test_zero_overfits():
    def curve(rise):
        return np.array([2.0, 0.5, 0.5 * (1 + rise)])

    pairs = [(0.25, 0.125), (0.25, 0.25), (0.25, 0.5), (0.0005, 0.0), (0.0015, 0.0), (0.0, 0.0)]
    runs = runs_with(splits=[Split(curve(zero), curve(random)) for zero, random in pairs])
    verdict = comparisons.zero_overfits(runs)
    assert (verdict.claim, held(verdict)) == (14, 2)
    assert verdict.numbers["zero_rise_median"] == pytest.approx(np.median([zero for zero, _ in pairs]))
    assert verdict.numbers["random_rise_median"] == pytest.approx(np.median([random for _, random in pairs]))


@pytest.mark.parametrize(("constant", "answer"), [(0.6, "true"), (0.4996, "true"), (0.4994, "false")])
def test_constant_is_as_bad(constant, answer):
    ends = {"zero": [9, 8, 0.5], "constant": [9, 8, constant], "random": each_seed([9, 8, 0.25])}
    runs = runs_with(**{name: training(costs) for name, costs in ends.items()})
    verdict = comparisons.constant_is_as_bad(runs)
    assert (verdict.claim, verdict.verdict) == (15, answer)
    assert verdict.numbers["constant_final_cost"] == constant
    assert verdict.numbers["zero_final_cost"] == 0.5
    assert verdict.numbers["random_final_cost_median"] == 0.25
    assert f"{100 * (1 - constant / 0.5):.3g} % below zero" in verdict.reason
    assert verdict.depends_on_threshold == (constant < 0.5)


@pytest.mark.parametrize(("tolerance", "answer"), [(0.25, "true"), (0.125, "false")])
def test_costs_apart_by_just_the_tolerance_are_the_same(monkeypatch, tolerance, answer):
    # Binary fractions, so that 0.625 and 0.375 are a quarter of 0.5 from it to the last bit.
    monkeypatch.setattr(comparisons, "SAME", Threshold(tolerance, tolerance, 0.5, "tolerance"))
    half, more, less = training([9, 8, 0.5]), training(each_seed([9, 8, 0.625])), training(each_seed([9, 8, 0.375]))
    window = runs_with(layer_zero=np.full(250, 0.5), layer_random=np.full((SEEDS, 250), 0.625))
    assert comparisons.one_layer_meets(window).verdict == answer
    assert comparisons.both_reach_the_same_cost(runs_with(zero=half, random=more)).verdict == answer
    assert comparisons.both_reach_the_same_cost(runs_with(zero=half, random=less)).verdict == answer
    assert comparisons.zero_only_needs_longer(runs_with(zero_settled=half, random=less)).verdict == answer
    constant = training([9, 8, 0.375])
    assert comparisons.constant_is_as_bad(runs_with(zero=half, constant=constant, random=more)).verdict == answer
    flat, rising = np.array([2.0, 0.5, 0.5]), np.array([2.0, 0.5, 0.625])
    overfits = comparisons.zero_overfits(runs_with(splits=[Split(rising, flat)] * SEEDS)).verdict
    assert overfits == {"true": "false", "false": "true"}[answer]


# Claims about the zero start alone


@pytest.mark.parametrize(
    ("ulps", "answer"), [(0, "true"), (8, "true"), (-8, "true"), (9, "false"), (-9, "false")]
)  # 8 ulps of ln 2 are 4 of 1
def test_initial_cost(ulps, answer):
    error = ulps * np.spacing(LN_2)
    verdict = zero_start.initial_cost(runs_with(zero=training([LN_2 + error, 0.1])))
    assert (verdict.claim, verdict.verdict) == (1, answer)
    assert verdict.numbers["difference_from_ln_2"] == abs(error)
    assert not verdict.depends_on_threshold


def history(W1=0.0, W2=0.0):
    """Snapshots in which one entry of W1 and one of W2 are not zero."""
    kept = Params(np.zeros((3, 2, 2)), np.zeros((3, 2)), np.zeros((3, 2)), np.zeros(3))
    kept.W1[1, 0, 1], kept.W2[2, 0] = W1, W2
    return kept


@pytest.mark.parametrize(
    ("weights", "largest"), [({}, 0), ({"W1": -1e-300}, 1e-300), ({"W2": 2e-300}, 2e-300), ({"W1": 1, "W2": -3}, 3)]
)
def test_zero_weights_stay(weights, largest):
    made = training([1.0], history=history(**weights), params=Params(*(field[-1] for field in history(**weights))))
    verdict = zero_start.zero_weights_stay(runs_with(zero=made))
    assert (verdict.claim, verdict.verdict) == (4, "false" if weights else "true")
    assert verdict.numbers["largest_weight"] == largest


def test_only_output_bias_moves():
    zeros = Params(np.zeros((2, 2)), np.zeros(2), np.zeros(2), np.zeros(()))
    moved = zeros._replace(b2=np.array(-0.5))

    def judge(end, balanced):
        runs = runs_with(zero=training([1], params=end), balanced=training([1], params=balanced))
        return zero_start.only_output_bias_moves(runs)

    assert judge(moved, zeros).verdict == "true"
    assert judge(moved, zeros).claim == 5
    assert judge(zeros, zeros).verdict == "false"
    for name in ("W1", "b1", "W2"):
        one = np.zeros(np.shape(getattr(zeros, name)))
        one[..., -1] = -2.0
        verdict = judge(moved._replace(**{name: one}), zeros)
        assert (verdict.verdict, verdict.numbers["largest_other_parameter"]) == ("false", 2)
    for balanced in (moved, zeros._replace(b1=np.array([0.0, 0.25]))):
        verdict = judge(moved, balanced)
        largest = max(np.abs(field).max() for field in balanced)
        assert (verdict.verdict, verdict.numbers["largest_parameter_if_balanced"]) == ("false", largest)
        assert verdict.numbers["b2"] == -0.5


@pytest.mark.parametrize(("error", "answer"), [(0.9, "true"), (-0.9, "true"), (1.1, "false"), (-1.1, "false")])
def test_table_of_ten(error, answer):
    summed = np.append(published.SUMMED_COSTS, [9.0, 9.0])
    summed[3] += error * published.COST_BOUND
    runs = runs_with(zero=training(summed / 4))
    other = zero_start.table_of_ten(runs)
    assert (other.claim, other.verdict) == (6, "not applicable")
    titanic = Runs(runs.data, "made up", SEEDS, is_titanic=True)
    titanic.__dict__.update(zero=training(summed / 4))
    verdict = zero_start.table_of_ten(titanic)
    assert (verdict.claim, verdict.verdict) == (6, answer)
    assert verdict.numbers["largest_difference"] == pytest.approx(0.9 * published.COST_BOUND, rel=0.3)


# What verdicts are made of


def test_a_share_needs_six_seeds_of_six_and_no_half():
    assert [share([True] * n).answer for n in (0, 5, 6)] == ["undecided", "undecided", "true"]
    assert [share([False] * n).answer for n in (5, 6)] == ["undecided", "false"]
    # The interval of 13 of 17 begins at 0.50101: just above a half, so that it decides.
    assert share([True] * 13 + [False] * 4).answer == "true"
    assert share([True] * 4 + [False] * 13).answer == "false"
    # Touching a half is not lying to one side of it.
    assert [Share(1, 2, ends).answer for ends in ((0.5, 1.0), (0.0, 0.5))] == ["undecided"] * 2
    nothing = share([])
    assert (nothing.count, nothing.total, nothing.interval) == (0, 0, (0, 1))
    found = share([True] * 3 + [False])
    assert (found.count, found.total) == (3, 4)
    # Clopper and Pearson: solutions of P(at least 3 of 4) = 2.5 % and P(at most 3 of 4) = 2.5 %.
    low, high = found.interval
    assert 4 * low**3 * (1 - low) + low**4 == pytest.approx(0.025)
    assert 1 - high**4 == pytest.approx(0.025)
    assert str(found) == f"3 of 4 seeds ({100 * low:.0f} to {100 * high:.0f} %)"


def test_a_median_has_the_order_statistics_of_its_sign_test():
    assert median(np.arange(9.0)) == median(np.arange(9.0)[::-1])
    assert median(np.arange(9.0)).value == 4
    assert median(np.arange(9.0)).interval == (1, 7)  # P(at most 1 of 9 below) = 2.0 %
    assert median(np.arange(8.0)).interval == (0, 7)
    assert median(np.arange(5.0)).interval == (-np.inf, np.inf)


@pytest.mark.parametrize(
    ("name", "value", "low", "high"),
    [
        ("SAME", 0.001, 0.0001, 0.01),
        ("AS_LARGE", 1.0, 0.1, 1.0),
        ("LEFT", 0.01, 0.001, 0.1),
        ("SLOW", 0.01, 0.001, 0.5),
        ("IN_SATURATION", 0.05, 0.01, 0.2),
    ],
)
def test_thresholds_are_those_that_verdicts_were_published_with(name, value, low, high):
    threshold = getattr(thresholds, name)
    assert (threshold.value, threshold.low, threshold.high) == (value, low, high)


def test_every_threshold_in_its_range_is_tried():
    tried = []

    def answer(value):
        tried.append(value)
        return "true"

    threshold = Threshold(0.02, 0.01, 0.04, "bound")
    depends, sentence, numbers = sensitivity(threshold, answer)
    assert not depends
    assert sentence == "Any bound from 1 % to 4 % gives the same verdict."
    assert np.unique(np.round(tried, 12)) == pytest.approx(np.geomspace(0.01, 0.04, 41))
    assert numbers == pytest.approx({"threshold": 0.02, "verdict_holds_from": 0.01, "verdict_holds_to": 0.04})
    assert TRIED == 41


def test_only_changes_up_to_the_first_are_held():
    threshold = Threshold(0.1, 0.01, 1.0, "bound")
    ratio = 10 ** (1 / 20)
    found = sensitivity(threshold, lambda value: "true" if 0.05 < value < 0.15 or value > 0.5 else "false")
    assert found.depends
    assert 0.05 < found.numbers["verdict_holds_from"] < 0.05 * ratio
    assert 0.15 / ratio < found.numbers["verdict_holds_to"] < 0.15
    assert found.sentence.startswith("The verdict depends on the threshold: with a bound of 4.5 % or less it is false,")
    assert found.sentence.endswith("of 16 % or more it is false, of 50 % or more it is true.")


def test_iterations_and_costs_by_hand():
    assert iterations_to(np.array([3.0, 2.0, 2.0, 1.0]), 2.0) == 1
    assert iterations_to(np.array([3.0, 2.5]), 2.0) == np.inf
    params = Params(np.array([[1.0, -2.0]]), np.array([0.5]), np.array([3.0]), np.array(-0.25))
    X, y = np.array([[0.5, 1.0], [0.25, 0.0]]), np.array([1.0, 0.0])
    z = -0.25 + 3 * np.tanh([0.5, 1.5])
    assert cost_of(X, y, params) == pytest.approx((np.log1p(np.exp(-z[0])) + np.log1p(np.exp(z[1]))) / 2)

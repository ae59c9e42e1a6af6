import dataclasses

import numpy as np
import pytest

import fastsym
from fastsym.experiments import claims, published
from fastsym.experiments.claims import comparisons, zero_start
from fastsym.experiments.claims.runs import Runs, Split, iterations_to
from fastsym.experiments.claims.thresholds import AS_LARGE, IN_SATURATION, LEFT, SAME, SLOW, Threshold, sensitivity
from fastsym.experiments.claims.verdicts import median, share

DETERMINISTIC = (1, 4, 5, 6, 15)
THRESHOLDS = {2: SAME, 8: LEFT, 9: AS_LARGE, 10: IN_SATURATION, 11: SLOW, 12: SAME, 13: SAME, 14: SAME, 15: SAME}


@pytest.fixture(scope="module")
def verdicts():
    found = claims.judge_all(seeds=6)
    return {(verdict.claim, verdict.features): verdict for verdict in found}


def runs_with(**replaced):
    """Runs on the standardised table, some of them replaced by made-up results."""
    runs = Runs(fastsym.load_titanic("standardised"), "standardised", 6, is_titanic=True)
    runs.__dict__.update(replaced)
    return runs


def test_every_claim_on_every_feature_set(verdicts):
    assert sorted(verdicts) == sorted((n, f) for n in range(1, 16) for f in ("article", "no_id", "standardised"))
    assert [claim.number for claim in claims.CLAIMS] == list(range(1, 16))


def test_verdicts_that_chance_does_not_touch(verdicts):
    for features in ("article", "no_id", "standardised"):
        assert [verdicts[n, features].verdict for n in DETERMINISTIC] == ["true"] * 4 + ["false"]


def test_chance_comes_with_an_interval(verdicts):
    for (number, _), verdict in verdicts.items():
        assert (verdict.interval is None) == (number in DETERMINISTIC)
        assert (verdict.interval_of != "") == (verdict.interval is not None)
        if verdict.interval is not None:
            low, high = verdict.interval
            assert low <= high
        assert "\n" not in verdict.reason
        assert all(np.isfinite(value) or value == np.inf for value in verdict.numbers.values())


def test_what_six_seeds_can_tell(verdicts):
    """Six of six is the smallest count that is significant."""
    for features in ("article", "no_id", "standardised"):
        answers = {n: verdicts[n, features].verdict for n in (7, 8, 12, 13)}
        assert answers == {7: "true", 8: "true", 12: "false", 13: "false"}
    assert verdicts[10, "article"].verdict == "false"
    assert verdicts[10, "standardised"].verdict == "true"


def test_the_zero_start_gives_the_authors_table(verdicts):
    assert verdicts[6, "article"].numbers["largest_difference"] <= published.COST_BOUND


def test_a_users_own_table():
    data = fastsym.load_titanic("standardised")
    small = fastsym.Dataset(data.X[:, :300], data.y[:300], data.feature_names)
    found = claims.judge_all(seeds=2, tables={"mine": small})
    assert {verdict.features for verdict in found} == {"mine"}
    assert found[5].verdict == "not applicable"
    assert {verdict.verdict for verdict in found if verdict.claim in (7, 8)} == {"undecided"}  # two seeds tell nothing


def test_verdicts_follow_the_data():
    """Each judge changes its mind when the runs say otherwise."""
    real = runs_with()
    zero = real.zero
    wrong_cost = dataclasses.replace(zero, costs=zero.costs + 1e-9)
    assert zero_start.initial_cost(runs_with(zero=wrong_cost)).verdict == "false"
    assert zero_start.table_of_ten(runs_with(zero=wrong_cost)).verdict == "false"
    moved = zero.history._replace(W2=zero.history.W2 + 1e-300)
    assert zero_start.zero_weights_stay(runs_with(zero=dataclasses.replace(zero, history=moved))).verdict == "false"
    still = zero.params._replace(b2=np.zeros(()))
    stuck = runs_with(zero=dataclasses.replace(zero, params=still))
    assert zero_start.only_output_bias_moves(stuck).verdict == "false"
    assert zero_start.only_output_bias_moves(runs_with(balanced=zero)).verdict == "false"

    class Costs:
        def __init__(self, costs):
            self.costs = costs

    level = np.full((6, 3000), zero.costs[-1])
    assert comparisons.both_reach_the_same_cost(runs_with(random=Costs(level))).verdict == "true"
    assert comparisons.random_is_faster(runs_with(random=Costs(np.full((6, 3000), 0.7)))).verdict == "false"
    settled = Costs(np.array([0.1]))
    assert comparisons.zero_only_needs_longer(runs_with(zero_settled=settled)).verdict == "true"
    assert comparisons.constant_is_as_bad(runs_with(constant=zero)).verdict == "true"
    lower, higher = (np.full((6, 3000), cost) for cost in (0.5, 0.67))
    changed = runs_with(random=Costs(lower), random_biases=Costs(higher))
    assert comparisons.biases_may_be_zero(changed).verdict == "false"
    assert comparisons.biases_may_be_zero(runs_with(random=Costs(lower), random_biases=Costs(lower))).verdict == "true"
    never = Costs(np.full((6, 3000), 0.7))
    assert comparisons.large_weights_are_slow(runs_with(random=never, large=never)).verdict == "undecided"
    falling = np.linspace(0.69, 0.5, 3000) * np.ones((6, 1))
    assert comparisons.large_weights_are_slow(runs_with(random=Costs(falling), large=Costs(higher))).verdict == "true"
    assert (
        comparisons.large_weights_are_slow(runs_with(random=Costs(falling), large=Costs(lower - 0.1))).verdict
        == "false"
    )
    flat, rising = np.array([1.0, 1.0]), np.array([1.0, 1.1])
    assert comparisons.zero_overfits(runs_with(splits=[Split(rising, flat)] * 6)).verdict == "true"
    assert comparisons.zero_overfits(runs_with(splits=[Split(flat, flat)] * 6)).verdict == "false"
    first = np.full((6, 1), 0.69)
    below = runs_with(layer_zero=np.array([0.7]), layer_random=first)
    assert comparisons.one_layer_begins_lower(below).verdict == "true"
    assert comparisons.one_layer_meets(runs_with(layer_zero=np.array([0.69]), layer_random=first)).verdict == "true"
    swinging = np.tile([0.5, 0.9], 500)  # the last value of each differs, the means do not
    assert (
        comparisons.one_layer_meets(
            runs_with(layer_zero=swinging, layer_random=np.tile(swinging[::-1], (6, 1)))
        ).verdict
        == "true"
    )
    apart = comparisons.one_layer_meets(runs_with(layer_zero=swinging, layer_random=np.tile(swinging + 0.1, (6, 1))))
    assert apart.verdict == "false"


def test_slow_learning_hinges_on_the_target(verdicts):
    """On standardised features large weights come down quickly at first and are late at the end."""
    steps = np.linspace(0, 1, 3000)
    small = 0.69 - 0.2 * steps * np.ones((6, 1))
    early = 0.69 - 0.19 * np.minimum(1, 10 * steps) * np.ones((6, 1))  # half the way at once, the end never

    class Costs:
        def __init__(self, costs):
            self.costs = costs

    verdict = comparisons.large_weights_are_slow(runs_with(random=Costs(small), large=Costs(early)))
    assert verdict.verdict == "true"
    assert verdict.depends_on_threshold
    assert verdict.numbers["large_first_fall_median"] > verdict.numbers["small_first_fall_median"]
    assert verdicts[11, "standardised"].depends_on_threshold


def test_fourteen_claims_are_the_articles():
    assert [claim.number for claim in claims.CLAIMS if not claim.is_added] == list(range(1, 15))


def test_every_threshold_says_how_far_its_verdict_holds(verdicts):
    for (number, _), verdict in verdicts.items():
        assert ("threshold" in verdict.numbers) == (number in THRESHOLDS)
        if number not in THRESHOLDS:
            continue
        used = THRESHOLDS[number]
        assert verdict.numbers["threshold"] == used.value
        assert used.low <= verdict.numbers["verdict_holds_from"] <= used.value
        assert used.value <= verdict.numbers["verdict_holds_to"] <= used.high
        whole = (verdict.numbers["verdict_holds_from"], verdict.numbers["verdict_holds_to"]) == (used.low, used.high)
        assert ("gives the same verdict" in verdict.reason) == whole
        assert ("depends on the threshold" in verdict.reason) != whole
        assert verdict.depends_on_threshold != whole


def test_a_verdict_that_depends_on_its_threshold_says_so(verdicts):
    """On raw features the zero start ends 0.2 % above the random ones: the same cost if the tolerance is 1 %."""
    for number in (12, 13, 15):
        verdict = verdicts[number, "article"]
        assert verdict.verdict == "false"
        assert verdict.reason.endswith(" % or more it is true.")
        assert 0.001 < verdict.numbers["verdict_holds_to"] < 0.0025
        assert not verdicts[number, "standardised"].depends_on_threshold


def test_sensitivity():
    threshold = Threshold(0.1, 0.01, 1.0, "bound")
    _, sentence, numbers = sensitivity(threshold, lambda value: "true" if value < 0.3 else "undecided")
    assert sentence == "The verdict depends on the threshold: with a bound of 32 % or more it is undecided."
    assert numbers["verdict_holds_from"] == pytest.approx(0.01)
    assert 0.28 < numbers["verdict_holds_to"] < 0.3
    _, sentence, numbers = sensitivity(
        threshold, lambda value: "true" if value > 0.05 else "undecided" if value > 0.02 else "false"
    )
    assert sentence.endswith("with a bound of 4.5 % or less it is undecided, of 2 % or less it is false.")
    assert numbers["verdict_holds_to"] == pytest.approx(1.0)
    depends, sentence, numbers = sensitivity(threshold, lambda _: "false")
    assert not depends
    assert sentence == "Any bound from 1 % to 100 % gives the same verdict."


def test_share():
    assert share([True] * 6).answer == "true"
    assert share([True] * 5).answer == "undecided"
    assert share([False] * 6).answer == "false"
    nothing = share([])
    assert (nothing.answer, nothing.interval) == ("undecided", (0.0, 1.0))
    assert share([True] * 30).interval[0] == pytest.approx(0.025 ** (1 / 30))
    assert str(share([True, False])).startswith("1 of 2 seeds")


def test_median():
    found = median([5.0, 1.0, np.inf, 3.0, 2.0, 4.0])
    assert found.value == 3.5
    assert found.interval == (1.0, np.inf)
    assert median([1.0, 2.0]).interval == (-np.inf, np.inf)
    rng = np.random.default_rng(0)
    covered = [low <= 0 <= high for low, high in (median(rng.standard_normal(30)).interval for _ in range(400))]
    assert np.mean(covered) > 0.93


def test_iterations_to():
    np.testing.assert_array_equal(iterations_to(np.array([[3.0, 2.0, 1.0], [3.0, 3.0, 3.0]]), 2.0), [1, np.inf])
    assert iterations_to(np.array([np.nan, 1.0]), 2.0) == 1


def test_table(verdicts):
    table = claims.table(verdicts.values())
    assert len(table) == 45
    assert set(table["verdict"]) <= {"true", "false", "undecided", "not applicable"}
    assert table.loc[table["claim"] == 8, "interval_low"].notna().all()
    assert table.loc[table["claim"] == 1, "interval_low"].isna().all()

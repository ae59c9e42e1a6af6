"""The gate's rules on synthetic slots whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from fastsym.regression.decision import ALPHA, LEAST_SLOTS, Decision, decide, enough, pair_up

CELLS = ("simd H=4 float64", "simd H=64 float64", "simd H=64 float32", "fused H=4 float64", "parallel H=256 float64")
FIRST, SECOND = 30, 15
"""Slots that a run and its re-run have time for."""


def gaussian(rng, shape, sd=0.025):
    return rng.normal(scale=sd / np.sqrt(2), size=shape)


def drifting(rng, shape):
    """All processes of a slot share a random walk over the slots."""
    return gaussian(rng, shape) + np.cumsum(rng.normal(scale=0.1, size=(1, 1, shape[-1])), axis=-1)


def with_outliers(rng, shape):
    """One process in twenty is a third slower."""
    return gaussian(rng, shape, 0.02) + np.where(rng.random(shape) < 0.05, 0.3, 0.0)


def bimodal(rng, shape):
    """Three processes in ten are 3 % slower as a whole."""
    return gaussian(rng, shape, 0.015) + np.where(rng.random(shape) < 0.3, 0.03, 0.0)


def autocorrelated(rng, shape):
    """Who runs where in the machine matters, and it stays so for a while; the draw of who runs where is fresh."""
    steps = rng.normal(size=shape)
    for slot in range(1, shape[-1]):
        steps[..., slot] = 0.8 * steps[..., slot - 1] + 0.6 * steps[..., slot]
    return rng.permuted(0.018 * steps, axis=0)


NOISES = {noise.__name__: noise for noise in (gaussian, drifting, with_outliers, bimodal, autocorrelated)}


def table(logs, cells=CELLS, first=0):
    """Slots from logarithms of seconds (3 labels, cells, slots)."""
    n = logs.shape[-1]
    return pd.DataFrame(
        {
            "slot": np.tile(np.arange(first, first + n), 3 * len(cells)),
            "cell": np.tile(np.repeat(cells, n), 3),
            "label": np.repeat(["base", "again", "head"], n * len(cells)),
            "seconds_per_iteration": 4e-6 * np.exp(logs.ravel()),
        }
    )


def run_gate(noise, rng, slowdowns=(0.0, 0.0, 0.0, 0.0, 0.0)) -> tuple[Decision, int]:
    """A whole run as the runner makes it: slots until they are enough or time is up, then perhaps the re-run."""
    logs = noise(rng, (3, len(CELLS), FIRST + SECOND))
    logs[2] += np.log1p(slowdowns)[:, None]

    def record(start, stop, names):
        chosen = [CELLS.index(name) for name in names]
        count = start + LEAST_SLOTS
        while count < stop and not enough(table(logs[:, chosen, start:count], names)):
            count = min(count + 2, stop)
        return count, table(logs[:, chosen, start:count], names, start)

    used, slots = record(0, FIRST, CELLS)
    return decide(slots, lambda names: record(used, used + SECOND, list(names))[1]), used


def at_least(count, of, rate):
    """Whether so many successes do not contradict a rate (they come by in 99.9 % of such tests)."""
    return count / of >= rate - 3.1 * np.sqrt(rate * (1 - rate) / of)


@pytest.mark.parametrize("noise", NOISES)
def test_identical_code_raises_no_alarm(noise):
    rng = np.random.default_rng(1)
    outcomes = [run_gate(NOISES[noise], rng)[0].outcome for _ in range(50)]
    assert "slower" not in outcomes
    assert outcomes.count("pass") > 38  # it is not by judging nothing that there is no alarm


@pytest.mark.parametrize(("slowdown", "asked"), [(0.05, 0.95), (0.10, 0.99)])
@pytest.mark.parametrize("noise", [name for name in NOISES if name != "autocorrelated"])
def test_a_real_slowdown_of_one_cell_is_found(noise, slowdown, asked):
    # The signed-rank test pays for its power: a few processes a third slower, on the wrong side, can hide a slowdown.
    rate = 0.85 if noise == "with_outliers" else asked
    rng = np.random.default_rng(2)
    repeats, found = 30, 0
    for _ in range(repeats):
        decision, _ = run_gate(NOISES[noise], rng, (slowdown, 0, 0, 0, 0))
        found += decision.exit_status == 1 and decision.cells[0].verdict == "slower"
    assert at_least(found, repeats, rate)


def test_looking_after_every_slot_does_not_raise_more_flags():
    """The rule to stop knows widths only; flags without the re-run's check stay as rare as the level."""
    rng = np.random.default_rng(3)
    repeats = 150
    noise = rng.normal(scale=0.014, size=(repeats, 3, 1, FIRST))  # tight after 10 to 30 slots
    flags, used = 0, []
    for logs in noise:
        count = LEAST_SLOTS
        while count < FIRST and not enough(table(logs[..., :count], CELLS[:1])):
            count += 1
        used.append(count)
        flags += decide(table(logs[..., :count], CELLS[:1])).cells[0].p_value < ALPHA  # both directions count here
    assert len(set(used)) > 5  # the rule did choose
    assert flags <= 2 * ALPHA * repeats + 3 * np.sqrt(2 * ALPHA * repeats)


def test_enough_depends_on_widths_only():
    rng = np.random.default_rng(4)
    for sd, expected in ((0.01, True), (0.08, False)):
        logs = gaussian(rng, (3, 2, 15), sd)
        answers = set()
        for base, again, head in ((0, 0, 0), (0, 0, 0.5), (0, 0.2, -0.5), (1, 0, 0)):
            answers.add(enough(table(logs + np.reshape((base, again, head), (3, 1, 1)), CELLS[:2])))
        assert answers == {expected}


def test_enough_wants_every_cell_and_enough_slots():
    logs = np.zeros((3, 2, LEAST_SLOTS))
    assert enough(table(logs, CELLS[:2]))
    assert not enough(table(logs[..., 1:], CELLS[:2]))
    assert not enough(table(logs, CELLS[:2]).query("not (slot == 3 and cell == @CELLS[1] and label == 'head')"))
    assert not enough(table(logs, CELLS[:2]).iloc[:0])
    logs[:, 1] = gaussian(np.random.default_rng(5), (3, LEAST_SLOTS), 0.2)
    assert not enough(table(logs, CELLS[:2]))


def quiet(slowdowns, slots=20, seed=6):
    logs = gaussian(np.random.default_rng(seed), (3, len(slowdowns), slots), 0.01)
    logs[2] += np.log1p(slowdowns)[:, None]
    return table(logs, CELLS[: len(slowdowns)])


def test_verdicts_of_the_cells():
    asked = []

    def rerun(names):
        asked.append(list(names))
        return quiet((0.0, 0.1), seed=7)

    decision = decide(quiet((0.0, 0.1, -0.1)), rerun)
    assert [cell.verdict for cell in decision.cells] == ["same", "slower", "faster"]
    assert asked == [[CELLS[1]]]
    same, slower, faster = decision.cells
    assert slower.ratio.low < 1.1 < slower.ratio.high
    assert slower.rerun is not None
    assert same.rerun is None
    assert slower.p_value < ALPHA < same.p_value
    assert faster.p_value < ALPHA
    assert same.pairs == 20
    assert 0.01 <= same.noise_floor < 0.02
    assert 0 < slower.visible < 0.02
    assert (decision.outcome, decision.exit_status) == ("slower", 1)
    assert decision.reason.startswith(f"{CELLS[1]}: 1")


def test_a_rerun_that_disagrees_takes_the_alarm_back():
    decision = decide(quiet((0.0, 0.1)), lambda _: quiet((0.0, 0.0), seed=7))
    assert (decision.outcome, decision.exit_status) == ("pass", 0)
    assert decision.cells[1].verdict == "inconclusive"
    assert "does not confirm" in decision.cells[1].reason


@pytest.mark.parametrize(
    "rerun",
    [
        None,
        lambda _: quiet((0.0, 0.0)).iloc[:0],
        lambda _: quiet((0.0,)),
        lambda _: quiet((0.1, 0.1), slots=3),
        lambda _: table(gaussian(np.random.default_rng(8), (3, 2, 12), 0.5), CELLS[:2]),
    ],
    ids=["none", "empty", "another cell", "too short", "too noisy"],
)
def test_an_alarm_that_the_rerun_could_not_have_confirmed_leaves_the_run_undecided(rerun):
    decision = decide(quiet((0.0, 0.1)), rerun)
    assert (decision.outcome, decision.exit_status) == ("cannot judge", 2)
    assert decision.cells[1].verdict == "inconclusive"
    assert CELLS[1] in decision.reason


def test_a_small_change_below_the_noise_floor_is_the_same():
    rng = np.random.default_rng(9)
    logs = gaussian(rng, (3, 1, 40), 0.002)
    logs[2] += 0.006  # certain, but less than two builds of one code may differ by
    decision = decide(table(logs, CELLS[:1]), lambda _: table(logs, CELLS[:1]))
    assert decision.cells[0].p_value < 1e-6
    assert (decision.outcome, decision.cells[0].verdict) == ("pass", "same")
    logs[:2] += np.reshape((0.0, 0.03), (2, 1, 1))  # identical code differs as much
    logs[2] += 0.02
    assert decide(table(logs, CELLS[:1]), lambda _: table(logs, CELLS[:1])).cells[0].verdict == "same"


def test_a_large_median_alone_is_no_alarm():
    """The head is 6 % slower in 11 slots of 20 and as much faster in 9: chance can do that."""
    logs = gaussian(np.random.default_rng(13), (3, 1, 20), 0.001)
    logs[2, 0] += np.where(np.arange(20) < 11, 0.06, -0.065)
    asked = []
    decision = decide(table(logs, CELLS[:1]), asked.append)
    assert asked == []
    assert decision.cells[0].ratio.ratio > 1.05 > 1 + decision.cells[0].noise_floor
    assert decision.cells[0].verdict == "inconclusive"


def noisy(which):
    """Two cells, one of which cannot be judged."""
    rng = np.random.default_rng(10)
    logs = gaussian(rng, (3, 2, 20), 0.01)
    logs[:, which] = gaussian(rng, (3, 20), 0.3)
    return decide(table(logs, CELLS[:2]))


def test_too_much_noise_in_the_default_kernel_cannot_be_judged():
    decision = noisy(0)
    assert (decision.outcome, decision.exit_status) == ("cannot judge", 2)
    assert CELLS[0] in decision.reason
    assert CELLS[1] not in decision.reason
    assert [cell.verdict for cell in decision.cells] == ["inconclusive", "same"]
    assert decision.cells[0].visible > 0.1


def test_too_much_noise_in_another_cell_is_said():
    decision = noisy(1)
    assert (decision.outcome, decision.exit_status) == ("pass", 0)
    assert decision.reason.endswith(f"in each but {CELLS[1]}")
    assert [cell.verdict for cell in decision.cells] == ["same", "inconclusive"]


@pytest.mark.parametrize("slots", [0, 1, LEAST_SLOTS - 1])
def test_too_few_slots_cannot_be_judged(slots):
    decision = decide(quiet((0.5, 0.0), slots), lambda _: quiet((0.5, 0.0)))
    assert (decision.outcome, decision.exit_status) == ("cannot judge", 2)
    assert f"got {slots}" in decision.reason
    assert all(cell.verdict != "slower" for cell in decision.cells)


def test_a_cell_that_only_one_side_has_is_not_passed_over():
    slots = quiet((0.0, 0.0)).query("not (cell == @CELLS[1] and label == 'head')")
    decision = decide(slots)
    assert decision.outcome == "cannot judge"
    assert "got 0" in decision.reason


def test_pairs_come_from_whole_slots_in_any_order_of_rows():
    logs = gaussian(np.random.default_rng(11), (3, 2, 12))
    slots = table(logs, CELLS[:2])
    incomplete = slots.drop(slots.index[(slots.slot == 4) & (slots.cell == CELLS[0]) & (slots.label == "again")])
    shuffled = incomplete.sample(frac=1, random_state=12)
    by_name = {pairs.name: pairs for pairs in pair_up(shuffled)}
    kept = np.delete(logs[:, 0], 4, axis=-1)
    np.testing.assert_allclose(by_name[CELLS[0]].change, kept[2] - kept[0])
    np.testing.assert_allclose(by_name[CELLS[0]].noise, kept[1] - kept[0])
    np.testing.assert_allclose(by_name[CELLS[1]].change, logs[2, 1] - logs[0, 1])


def test_what_is_no_table_of_slots_is_refused():
    slots = quiet((0.0,))
    with pytest.raises(ValueError, match="expected the columns slot, cell"):
        pair_up(slots.drop(columns="cell"))
    with pytest.raises(ValueError, match="got two for"):
        pair_up(pd.concat([slots, slots.iloc[:1]]))
    for wrong in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"positive, finite numbers; got {wrong}"):
            pair_up(slots.assign(seconds_per_iteration=wrong))

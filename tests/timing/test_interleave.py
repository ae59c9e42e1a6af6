"""Measuring with a clock that the test moves: no test asserts a time that really passed."""

from dataclasses import dataclass, field

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastsym import Training
from fastsym.timing import interleave as measuring
from fastsym.timing.interleave import (
    MAX_ROUNDS,
    REST_SECONDS,
    interleave,
    measure_grid,
    numba_seconds,
    plan_rounds,
)
from fastsym.timing.saved_runs import COLUMNS


@dataclass
class FakeClock:
    """Time passes only when a job says so."""

    now: float = 0.0
    order: list[str] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def job(self, name, *seconds):
        durations = iter(seconds)

        def run():
            self.order.append(name)
            self.now += next(durations)

        return run


def test_jobs_take_turns_and_every_other_round_is_reversed():
    clock = FakeClock()
    jobs = {"a": clock.job("a", 1, 2, 3), "b": clock.job("b", 10, 20, 30), "c": clock.job("c", 5, 5, 5)}
    result = interleave(jobs, 3, clock)
    assert "".join(clock.order) == "abc" + "cba" + "abc"
    assert {name: seconds.tolist() for name, seconds in result.seconds.items()} == {
        "a": [1, 2, 3],
        "b": [10, 20, 30],
        "c": [5, 5, 5],
    }
    assert list(result.seconds) == ["a", "b", "c"]
    assert result.void_rounds == 0


def test_a_job_that_rests_is_not_timed_while_it_does(monkeypatch):
    clock = FakeClock()
    monkeypatch.setattr(measuring.time, "sleep", lambda seconds: clock.order.append("z") if seconds > 0.1 else None)
    jobs = {"a": clock.job("a", 1, 2), "b": clock.job("b", 10, 20)}
    assert interleave(jobs, 2, clock, ["b"]).seconds["b"].tolist() == [10, 20]
    assert "".join(clock.order) == "azb" + "ba"  # in the second round it follows itself


def test_one_rest_is_enough_for_several_in_a_row(monkeypatch):
    clock = FakeClock()
    monkeypatch.setattr(measuring.time, "sleep", lambda _: clock.order.append("z"))
    jobs = {name: clock.job(name, 1, 1, 1) for name in "abc"}
    interleave(jobs, 3, clock, ["b", "c"])
    assert "".join(clock.order) == "azbc" + "cba" + "azbc"


def test_a_compilation_voids_its_round():
    @numba.njit
    def double(x):
        return 2 * x

    clock = FakeClock()
    before = clock.job("a", 1, 2, 3)

    def job():
        double(1)
        before()

    result = interleave({"a": job}, 2, clock)
    assert result.void_rounds == 1
    assert result.seconds["a"].tolist() == [2, 3]


def test_loading_from_the_cache_voids_a_round_as_well(tmp_path, monkeypatch):
    source = tmp_path / "cached_double.py"
    source.write_text("import numba\n@numba.njit(cache=True)\ndef double(x):\n    return 2 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    import cached_double

    cached_double.double(1)
    again = numba.njit(cache=True)(cached_double.double.py_func)
    with numba_seconds("numba:compile") as compiling:
        assert interleave({"a": lambda: again(1)}, 1).void_rounds == 1
    assert compiling == []


def test_endless_compiling_is_an_error():
    def job():
        numba.njit(lambda x: x + 1)(1)

    with pytest.raises(RuntimeError, match="call each job once before timing"):
        interleave({"a": job}, 2)


@pytest.mark.parametrize(("jobs", "rounds"), [({}, 1), ({"a": int}, 0)])
def test_no_jobs_or_rounds_are_refused(jobs, rounds):
    with pytest.raises(ValueError, match="rounds: expected at least 1"):
        interleave(jobs, rounds)


@given(
    st.dictionaries(st.tuples(st.integers(1, 9), st.integers(1, 9)), st.floats(1e-4, 10), max_size=12),
    st.floats(0, 100),
)
def test_a_plan_keeps_to_the_budget(costs, budget):
    plan = plan_rounds(costs, budget, min_rounds=6)
    assert sum(rounds * costs[case] for case, rounds in plan.items()) <= budget * (1 + 1e-9)
    assert all(6 <= rounds <= MAX_ROUNDS for rounds in plan.values())
    left_out = [cost for case, cost in costs.items() if case not in plan]
    assert all(cost >= max((costs[case] for case in plan), default=0) for cost in left_out)


def test_what_is_left_of_the_budget_makes_more_rounds():
    assert plan_rounds({(1, 1): 1.0, (4, 1): 2.0, (4, 100): 50.0}, 30.0, min_rounds=6) == {(1, 1): 12, (4, 1): 9}


@pytest.fixture
def fake_training(monkeypatch):
    """A ``train`` whose time per iteration is H milliseconds, or half of it for ``quick``, which has two threads."""
    clock = FakeClock()

    def train(X, y, params, iterations, learning_rate, variant):  # noqa: ARG001
        clock.order.append(variant)
        clock.now += 1e-3 * iterations * len(params.W2) * (0.5 if variant == "quick" else 1)
        several = variant == "quick" or (variant == "fast" and iterations > 50)
        return Training(np.zeros(iterations), params, variant, 2 if several else 1)

    def sleep(seconds):
        clock.order.append("rest")
        clock.now += seconds

    monkeypatch.setattr(measuring, "train", train)
    monkeypatch.setattr(measuring.time, "sleep", sleep)
    return clock


def test_the_grid_has_every_case_that_fits(fake_training):
    steps = []
    table = measure_grid(
        ["quick", "numpy"],
        (1, 8),
        (1, 100),
        budget_seconds=12.0,
        progress=lambda *step: steps.append(step),
        clock=fake_training,
    )
    assert tuple(table.columns[: len(COLUMNS)]) == COLUMNS
    cases = table.set_index(["hidden", "iterations", "variant"])
    assert set(cases.index.droplevel("variant")) == {(1, 1), (1, 100), (8, 1)}
    assert table.attrs["left_out"] == [(8, 100)]
    longer = cases.loc[(1, 100, "quick")]
    assert (longer["seconds"], longer["seconds_per_iteration"]) == pytest.approx((50e-3, 0.5e-3))
    quick = cases.loc[(8, 1, "quick")]
    assert (quick["threads"], quick["dtype"], quick["rounds"]) == (2, "float64", MAX_ROUNDS)
    assert (quick["speedup"], quick["speedup_low"], quick["speedup_high"]) == pytest.approx((2, 2, 2))
    assert len(quick["ratios"]) == quick["rounds"]
    assert cases.loc[(1, 100, "reference"), "speedup"] == 1
    fractions = [fraction for fraction, _ in steps]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] <= fractions[-1] < 1


def test_who_needs_all_processors_rests_in_every_other_round_and_within_the_budget(fake_training):
    table = measure_grid(["quick", "numpy"], (1,), (1,), budget_seconds=1.0, clock=fake_training)
    timed = fake_training.order[2 * 3 :]  # after two calls each: to compile and to try
    assert timed[:7] == ["reference", "numpy", "rest", "quick", "quick", "numpy", "reference"]
    rounds = int(table["rounds"].iloc[0])
    assert timed.count("rest") == -(-rounds // 2)
    assert timed.count("rest") * REST_SECONDS <= 1.0


def test_the_number_of_threads_is_that_of_the_timed_call(fake_training):
    table = measure_grid(["fast"], (1,), (1, 100), budget_seconds=20.0, clock=fake_training)
    fast = table[table["variant"] == "fast"]
    assert dict(zip(fast["iterations"], fast["threads"], strict=True)) == {1: 1, 100: 2}


def test_a_budget_too_small_for_anything_gives_an_empty_table(fake_training):
    table = measure_grid(["quick"], (1,), (1,), budget_seconds=0.0, clock=fake_training)
    assert table.empty
    assert table.attrs["left_out"] == [(1, 1)]


def test_a_real_grid():
    table = measure_grid(["numpy"], (1,), (1, 2), budget_seconds=0.1, features="no_id", dtype=np.float32)
    assert isinstance(table, pd.DataFrame)
    assert set(table["variant"]) == {"reference", "numpy"}
    assert set(table["dtype"]) == {"float32"}
    assert np.isfinite(table[["seconds", "speedup"]].to_numpy()).all()

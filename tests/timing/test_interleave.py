"""Measuring with a clock that the test moves: no test asserts a time that really passed."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastsym import Training
from fastsym.timing import interleave as measuring
from fastsym.timing.interleave import MAX_ROUNDS, describe_machine, interleave, measure_grid, numba_seconds, plan_rounds
from fastsym.timing.saved_runs import COLUMNS, machine_name


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
    assert "".join(clock.order) == "azbzba"


def test_several_threads_take_turns_of_their_own_and_ratios_multiply(monkeypatch):
    clock = FakeClock()
    monkeypatch.setattr(measuring.time, "sleep", lambda _: clock.order.append("z"))
    jobs = {
        "reference": clock.job("r", 10, 20),
        "numpy": clock.job("n", 1, 1),
        "lone": clock.job("l", 5, 10, 6, 8),
        "team": clock.job("t", 3, 2),
        "slow": clock.job("s", 7, 11),
    }
    seconds, paired = measuring._turns(jobs, ["team"], 2, clock)
    assert "".join(clock.order) == "rnls" + "slnr" + "z" + "lt" + "tl"
    assert {name: times.tolist() for name, times in seconds.items()} == {
        "reference": [10, 20],
        "numpy": [1, 1],
        "lone": [5, 10],
        "slow": [7, 11],
        "team": [3, 2],
    }
    ratios = {name: (slow / fast).tolist() for name, (slow, fast) in paired.items()}
    assert ratios["team"] == [(10 / 5) * (6 / 3), (20 / 10) * (8 / 2)]
    assert ratios["lone"] == [2, 2]


def test_several_threads_beside_a_blas_alone_take_turns_with_it():
    clock = FakeClock()
    seconds, paired = measuring._turns(
        {"reference": clock.job("r", 4), "numpy": clock.job("n", 3), "team": clock.job("t", 2)}, ["team"], 1, clock
    )
    assert "".join(clock.order) == "rnt"
    assert (paired["team"][0] / paired["team"][1]).tolist() == [2]
    assert seconds["team"].tolist() == [2]


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
    assert sum(rounds * costs[cell] for cell, rounds in plan.items()) <= budget * (1 + 1e-9)
    assert all(6 <= rounds <= MAX_ROUNDS for rounds in plan.values())
    left_out = [cost for cell, cost in costs.items() if cell not in plan]
    assert all(cost >= max((costs[cell] for cell in plan), default=0) for cost in left_out)


def test_what_is_left_of_the_budget_makes_more_rounds():
    assert plan_rounds({(1, 1): 1.0, (4, 1): 2.0, (4, 100): 50.0}, 30.0, min_rounds=6) == {(1, 1): 12, (4, 1): 9}


@pytest.fixture
def fake_training(monkeypatch):
    """A ``train`` whose time per iteration is H milliseconds, or half of it for ``quick``."""
    clock = FakeClock()

    def train(X, y, params, iterations, learning_rate, variant):  # noqa: ARG001
        clock.now += 1e-3 * iterations * len(params.W2) * (0.5 if variant == "quick" else 1)
        return Training(np.zeros(iterations), params, variant, 2 if variant == "quick" else 1)

    monkeypatch.setattr(measuring, "train", train)
    return clock


def test_the_grid_has_every_cell_that_fits(fake_training):
    steps = []
    table = measure_grid(
        ["quick"], (1, 8), (1, 100), budget_seconds=3.0, progress=lambda *step: steps.append(step), clock=fake_training
    )
    assert tuple(table.columns[: len(COLUMNS)]) == COLUMNS
    cells = table.set_index(["hidden", "iterations", "variant"])
    assert set(cells.index.droplevel("variant")) == {(1, 1), (1, 100), (8, 1)}
    assert table.attrs["left_out"] == [(8, 100)]
    longer = cells.loc[(1, 100, "quick")]
    assert (longer["seconds"], longer["seconds_per_iteration"]) == pytest.approx((50e-3, 0.5e-3))
    quick = cells.loc[(8, 1, "quick")]
    assert (quick["threads"], quick["dtype"], quick["rounds"]) == (2, "float64", MAX_ROUNDS)
    assert (quick["speedup"], quick["speedup_low"], quick["speedup_high"]) == pytest.approx((2, 2, 2))
    assert len(quick["ratios"]) == quick["rounds"]
    assert cells.loc[(1, 100, "reference"), "speedup"] == 1
    fractions = [fraction for fraction, _ in steps]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] <= fractions[-1] < 1


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


def test_the_machine_is_described_for_json():
    description = json.loads(json.dumps(describe_machine()))
    assert description["cores"] >= 1
    assert description["versions"]["numpy"] == np.__version__
    assert description["cpu"] in machine_name(description)


def test_the_blas_is_the_one_of_numpy(monkeypatch):
    pools = [
        {
            "user_api": "blas",
            "filepath": f"/site/{owner}.libs/a.so",
            "internal_api": owner,
            "version": "1",
            "num_threads": 2,
        }
        for owner in ("scipy", "numpy")
    ]
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: pools)
    assert describe_machine()["blas"].startswith("numpy 1")


def test_the_revision_is_that_of_the_checkout_the_file_belongs_to(tmp_path):
    def git(*arguments):
        names = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", "-C", tmp_path, *names, *arguments], check=True, capture_output=True)

    tracked, other = tmp_path / "a.py", tmp_path / "b.py"
    tracked.write_text("1")
    other.write_text("1")
    assert measuring._revision(tracked) is None
    git("init")
    git("add", "a.py")
    git("commit", "-m", "first")
    git("tag", "-a", "v1", "-m", "a release must not take the commit's place")
    revision = measuring._revision(tracked)
    assert revision is not None
    assert len(revision) == 40
    assert measuring._revision(other) is None
    tracked.write_text("2")
    assert measuring._revision(tracked) == f"{revision}-dirty"
    assert measuring._revision(Path("/nowhere/c.py")) is None

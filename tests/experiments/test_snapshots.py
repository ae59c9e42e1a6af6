"""Runs kept moment by moment: the kept states are those of the training, with their own cost and classes."""

import numpy as np
import pytest

import fastsym
from fastsym.experiments.snapshots import MOMENTS, WatchedRun, watch_runs
from fastsym.experiments.symmetry import network_at
from fastsym.model.initialise import STARTS


@pytest.fixture(scope="module")
def data() -> fastsym.Dataset:
    return fastsym.load_titanic("standardised")


@pytest.fixture(scope="module")
def runs(data: fastsym.Dataset) -> tuple[WatchedRun, ...]:
    return watch_runs(data, iterations=400, seed=3)


def test_every_start_is_watched_at_the_same_moments(runs: tuple[WatchedRun, ...], data: fastsym.Dataset) -> None:
    assert tuple(run.start for run in runs) == STARTS
    for run in runs:
        np.testing.assert_array_equal(run.iterations, runs[0].iterations)
        assert (run.iterations[0], run.iterations[-1]) == (0, 400)
        assert (np.diff(run.iterations) > 0).all()
        assert len(run.iterations) <= MOMENTS
        count = len(run.iterations)
        assert run.costs.shape == (count,)
        assert [values.shape for values in run.history] == [(count, 4, 8), (count, 4), (count, 4), (count,)]
        assert len(run.classes) == count
        assert run.feature_names == data.feature_names


@pytest.mark.parametrize("moment", [0, 5, -1])
def test_a_moment_is_the_state_after_so_many_updates(
    runs: tuple[WatchedRun, ...], data: fastsym.Dataset, moment: int
) -> None:
    for run in runs:
        start = fastsym.initialise(run.start, 8, 4, seed=3)
        updates = int(run.iterations[moment])
        trained = fastsym.train(data.X, data.y, start, updates, 1.0, "simd").params
        for kept, expected in zip(network_at(run.history, moment), trained, strict=True):
            np.testing.assert_array_equal(kept, expected)
        cost = fastsym.train(data.X, data.y, trained, 1, 1.0, "reference").costs[0]
        assert run.costs[moment] == pytest.approx(cost, rel=1e-12)


def test_equal_units_share_a_letter_and_random_ones_do_not(runs: tuple[WatchedRun, ...]) -> None:
    classes = {run.start: set(run.classes) for run in runs}
    assert classes == {"zeros": {"AAAA"}, "constant": {"AAAA"}, "normal": {"ABCD"}}


def test_no_iterations_leave_the_start_alone(data: fastsym.Dataset) -> None:
    run = watch_runs(data, hidden=2, iterations=0)[1]
    np.testing.assert_array_equal(run.iterations, [0])
    np.testing.assert_array_equal(run.history.W1, np.full((1, 2, 8), 0.01))


def test_bad_sizes_are_named(data: fastsym.Dataset) -> None:
    with pytest.raises(ValueError, match="hidden: expected"):
        watch_runs(data, hidden=0)
    with pytest.raises(ValueError, match="learning_rate: expected"):
        watch_runs(data, learning_rate=-1)
    with pytest.raises(ValueError, match="iterations: expected"):
        watch_runs(data, iterations=-1)

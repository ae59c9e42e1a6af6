import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from conftest import posix_only

from fastsym import (
    VARIANTS,
    LayerParams,
    NonFiniteCostWarning,
    Params,
    Training,
    Variant,
    initialise,
    train,
    train_population,
)
from fastsym.model.params import Array
from fastsym.training import pieces, registry

TYPES = (np.float64, np.float32)
WITH_LAYER = ["fast", *(name for name in VARIANTS if VARIANTS[name].train_layer is not None)]
"""Variants that train the one-layer net as well."""


def one_big_step(X: Array, y: Array, params: Params, learning_rate: float, costs: Array) -> None:  # noqa: ARG001
    """A variant of somebody else's."""
    params.W1[...] += learning_rate
    costs[:] = 7


def test_the_ladder_is_there_plainest_first() -> None:
    assert list(VARIANTS)[:6] == ["reference", "numpy", "loops", "fused", "simd", "parallel"]
    assert all(name == variant.name for name, variant in VARIANTS.items())
    assert all(variant.summary for variant in VARIANTS.values())
    assert len(VARIANTS) == len(list(VARIANTS))
    assert "fast" not in VARIANTS


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    ("variant", "hidden"), [(name, 4) for name in ("fast", *VARIANTS)] + [(name, None) for name in WITH_LAYER]
)
def test_training_has_the_promised_shape(
    variant: str, hidden: int | None, dtype: type, make_problem: Callable[..., Any]
) -> None:
    X, y, params = make_problem(1, 8, hidden, 20, dtype)
    got = train(X, y, params, 6, 0.1, variant)
    assert isinstance(got, Training)
    assert isinstance(got.params, LayerParams if hidden is None else Params)
    assert got.costs.shape == (6,)
    assert {a.dtype for a in (got.costs, *got.params)} == {np.dtype(dtype)}
    assert [a.shape for a in got.params] == [a.shape for a in params]
    assert got.threads >= 1
    assert got.variant in VARIANTS
    assert variant in ("fast", got.variant)
    assert got.costs[-1] < got.costs[0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_iterations_change_nothing(variant: str, make_problem: Callable[..., Any]) -> None:
    X, y, params = make_problem(2)
    got = train(X, y, params, 0, 0.1, variant)
    assert got.costs.shape == (0,)
    for before, after in zip(params, got.params, strict=True):
        np.testing.assert_array_equal(before, after)
        assert not np.shares_memory(before, after)


@pytest.mark.parametrize(
    ("variant", "hidden"), [(name, 5) for name in VARIANTS] + [(name, None) for name in WITH_LAYER]
)
def test_training_in_pieces_gives_the_same_bits(
    variant: str, hidden: int | None, make_problem: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y, params = make_problem(3, 8, hidden, 50)
    whole = train(X, y, params, 20, 0.1, variant)
    monkeypatch.setattr(pieces, "FIRST_WORK", 3 * 50 * 18 * (hidden or 1))  # three iterations
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 0.0)  # and one in each piece after them
    parts = train(X, y, params, 20, 0.1, variant)
    np.testing.assert_array_equal(whole.costs, parts.costs)
    for a, b in zip(whole.params, parts.params, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("every", [1, 4, 7, 30])
@pytest.mark.parametrize("variant", ["fused", "simd"])
def test_snapshots_do_not_depend_on_the_pieces(variant, every, make_problem, monkeypatch):
    X, y, params = make_problem(3, 8, 5, 50)
    whole = train(X, y, params, 20, 0.1, variant, record_every=every).history
    monkeypatch.setattr(pieces, "FIRST_WORK", 3 * 50 * 18 * 5)
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 0.0)
    parts = train(X, y, params, 20, 0.1, variant, record_every=every).history
    assert whole.W1.shape[0] == -(-20 // every) + 1
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_population_in_pieces_gives_the_same_bits(make_problem, monkeypatch):
    X, y, params = make_problem(3, 8, 5, 50)
    networks = Params(*(np.stack([a, 2 * a]) for a in params))
    whole = train_population(X, y, networks, 20, [0.1, 0.2], 1)
    monkeypatch.setattr(pieces, "FIRST_WORK", 3 * 50 * 18 * 10)
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 0.0)
    parts = train_population(X, y, networks, 20, [0.1, 0.2], 1)
    np.testing.assert_array_equal(whole.costs, parts.costs)
    for a, b in zip(whole.params, parts.params, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_pieces_cover_all_iterations_and_follow_the_time_they_take(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(pieces.time, "perf_counter", lambda: now[0])
    parts = []
    for start, stop in pieces.pieces(1000, int(pieces.FIRST_WORK / 10)):
        parts.append((start, stop))
        now[0] += (stop - start) / 128  # 32 iterations take as long as a piece should
    assert parts[0] == (0, 10)
    assert all(before[1] == after[0] for before, after in pairwise(parts))
    assert parts[-1][1] == 1000
    assert {stop - start for start, stop in parts[1:-1]} == {32}


@pytest.mark.parametrize("variant", VARIANTS)
def test_repeated_runs_give_the_same_bits(variant: str, make_problem: Callable[..., Any]) -> None:
    X, y, params = make_problem(4, 8, 7, 301)
    first, second = (train(X, y, params, 30, 0.3, variant) for _ in range(2))
    np.testing.assert_array_equal(first.costs, second.costs)
    for a, b in zip(first.params, second.params, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("variant", VARIANTS)
def test_cost_that_leaves_the_finite_range_warns_with_its_iteration(variant: str) -> None:
    # Saturated units and a step of 1e308 / 6: each output weight becomes 3e307, and eight of them overflow.
    X, y = np.ones((8, 3)), np.array([1.0, 1.0, 0.0])
    start = Params(np.full((8, 8), 100.0), np.zeros(8), np.zeros(8), np.array(0.0))
    with pytest.warns(NonFiniteCostWarning, match=r"cost left the finite range at iteration 1 \(cost .*\); use a"):
        costs = train(X, y, start, 3, 1.7e308, variant).costs
    assert costs[0] == pytest.approx(np.log(2))
    assert not np.isfinite(costs[1])


@pytest.mark.parametrize("variant", WITH_LAYER)
def test_so_does_that_of_one_layer(variant: str) -> None:
    X, y = np.full((1, 2), 1e200), np.array([1.0, 0.0])
    start = LayerParams(np.array([-1.0]), np.array(0.0))
    with pytest.warns(NonFiniteCostWarning, match="at iteration 1 "):
        costs = train(X, y, start, 3, 1e205, variant).costs
    assert costs[0] == pytest.approx(5e199)


@pytest.mark.parametrize("name", ["simple", "", "Fast", "loops "])
def test_unknown_variant(name: str, make_problem: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"variant: expected 'fast' or one of reference, numpy, .*; got .*; choose"):
        train(*make_problem(5), 1, 0.1, name)


# Variants of other packages


def discovered(monkeypatch: pytest.MonkeyPatch, *loads: Callable[[], object]) -> registry._Variants:
    """Give the variants that are there if so many entry points are found, each loaded by its function."""

    class Point(EntryPoint):
        def load(self) -> object:
            return loads[int(self.name)]()

    points = [Point(str(i), f"plugin_{i}:variant", registry.ENTRY_POINT_GROUP) for i in range(len(loads))]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "fastsym.variants" else [])
    return registry._Variants()


def test_variants_of_other_packages_join(monkeypatch: pytest.MonkeyPatch, make_problem: Callable[..., Any]) -> None:
    known = discovered(monkeypatch, lambda: Variant("theirs", "one big step", one_big_step))
    assert list(known)[-1] == "theirs"
    assert known["theirs"].threads(np.zeros((1, 1))) == 1
    monkeypatch.setattr(registry, "VARIANTS", known)
    X, y, params = make_problem(6)
    got = train(X, y, params, 3, 0.5, "theirs")
    np.testing.assert_array_equal(got.params[0], params.W1 + 0.5)
    assert got.costs.tolist() == [7, 7, 7]
    with pytest.raises(ValueError, match="variant: expected one with a one-layer net; got 'theirs', which has none"):
        train(X, y, initialise("zeros", 8), 1, 0.5, "theirs")


def test_own_variants_need_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    known = discovered(monkeypatch, lambda: pytest.fail("searched"))
    assert known["loops"].name == "loops"


def failing(error: BaseException) -> Callable[[], object]:
    def load() -> object:
        raise error

    return load


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        (failing(RuntimeError("exploded")), "RuntimeError: exploded"),
        (failing(ModuleNotFoundError("No module named 'plugin'")), "ModuleNotFoundError"),
        (failing(SyntaxError("invalid syntax")), "SyntaxError"),
        (failing(SystemExit(7)), "SystemExit: 7"),
        (failing(GeneratorExit()), "GeneratorExit"),
        (lambda: one_big_step, "TypeError: expected a fastsym.Variant; got function"),
        (lambda: Variant("fused", "a namesake", one_big_step), "ValueError: expected a new name; got 'fused'"),
        (lambda: Variant("fast", "a namesake", one_big_step), "ValueError: expected a new name; got 'fast'"),
    ],
)
def test_a_variant_that_fails_to_load_is_named_and_left_out(load, reason, monkeypatch):
    def good(name):
        return lambda: Variant(name, "one big step", one_big_step)

    known = discovered(monkeypatch, good("before"), load, good("after"))
    with pytest.warns(registry.VariantNotLoadedWarning, match=f"plugin_1.*{reason}.*fix or uninstall plugin_1"):
        names = list(known)
    assert names[-2:] == ["before", "after"]
    assert list(known) == names  # and no second warning


def test_ctrl_c_while_loading_is_not_taken_for_a_failure(monkeypatch):
    loads = iter([failing(KeyboardInterrupt()), lambda: Variant("theirs", "one big step", one_big_step)])
    known = discovered(monkeypatch, lambda: next(loads)())
    with pytest.raises(KeyboardInterrupt):
        list(known)
    assert "theirs" in known


def test_no_thread_sees_half_a_list(monkeypatch):
    loading, go_on = threading.Event(), threading.Event()

    def slow() -> Variant:
        loading.set()
        assert go_on.wait(60)
        return Variant("theirs", "one big step", one_big_step)

    known = discovered(monkeypatch, slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(list, known)
        assert loading.wait(60)
        second = pool.submit(lambda: "theirs" in known)
        go_on.set()
        assert first.result()[-1] == "theirs"
        assert second.result()


def test_a_package_may_look_at_the_variants_while_it_is_loaded(monkeypatch):
    known = discovered(monkeypatch, lambda: Variant("theirs", f"beside {', '.join(known)}", one_big_step))
    assert known["theirs"].summary == "beside reference, numpy, loops, fused, simd, parallel"


# Ctrl-C

LONG_TRAINING = """
import sys, numpy as np, fastsym
X, y, _ = fastsym.load_titanic("standardised")
params = fastsym.initialise("normal", 8, 4)
fastsym.train(X, y, params, 1, 0.01, sys.argv[1])  # compiled
before = [p.copy() for p in params]
print("started", flush=True)
try:
    fastsym.train(X, y, params, 10**8, 0.01, sys.argv[1])
except KeyboardInterrupt:
    print("untouched" if all((a == b).all() for a, b in zip(params, before)) else "changed")
else:
    print("finished")
"""


@posix_only
@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != "numpy"])
def test_ctrl_c_stops_a_long_training(variant: str) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", LONG_TRAINING, variant], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "started\n"
        time.sleep(0.05)  # into the loop; were it still before, the test would be weaker but not wrong
        process.send_signal(signal.SIGINT)
        answer, _ = process.communicate(timeout=600)  # hours are left of the training itself
    finally:
        process.kill()
    assert answer == "untouched\n"


LONG_ITERATION = """
import sys, numpy as np, fastsym
X, y = np.ones((1, 4_000_000)), np.zeros(4_000_000)
wide = fastsym.initialise("normal", 1, 20_000)
fastsym.train(X[:, :8000], y[:8000], wide, 1, 0.01, sys.argv[1])  # compiled
print("started", flush=True)
try:
    fastsym.train(X, y, wide, 1, 0.01, sys.argv[1])
except KeyboardInterrupt:
    print("interrupted")
"""


@posix_only
@pytest.mark.parametrize("variant", ["loops", "fused", "simd"])
def test_ctrl_c_is_heard_within_an_iteration(variant: str) -> None:
    """One of 8e10 steps takes a minute or more; an interruption after it would come too late."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LONG_ITERATION, variant]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            time.sleep(2)  # into the iteration; were it still before, the test would be weaker but not wrong
            process.send_signal(signal.SIGINT)
            answer, _ = process.communicate(timeout=20)
        finally:
            process.kill()
    assert answer == "interrupted\n"


@pytest.mark.parametrize("variant", ["fast", "numpy", "loops"])
def test_too_little_memory_is_told_with_what_is_needed(variant: str, make_problem: Callable[..., Any]) -> None:
    with pytest.raises(MemoryError, match=r"training: expected about [\d,]{11,} MiB .* got less; train"):
        train(*make_problem(5), 10**16, 0.1, variant)

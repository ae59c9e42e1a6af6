import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pytest

from fastsym import VARIANTS, LayerParams, NonFiniteCostWarning, Params, Training, Variant, initialise, train
from fastsym.model.params import Array
from fastsym.training import registry
from fastsym.training import train as training

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
    monkeypatch.setattr(training, "INTERRUPT_WORK", 3 * 50 * (hidden or 1))  # three iterations a piece
    pieces = train(X, y, params, 20, 0.1, variant)
    np.testing.assert_array_equal(whole.costs, pieces.costs)
    for a, b in zip(whole.params, pieces.params, strict=True):
        np.testing.assert_array_equal(a, b)


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


def discovered(monkeypatch: pytest.MonkeyPatch, loaded: object) -> registry._Variants:
    class Point(EntryPoint):
        def load(self) -> object:
            return loaded

    point = Point("theirs", "plugin:variant", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == "fastsym.variants" else [])
    return registry._Variants()


def test_variants_of_other_packages_join(monkeypatch: pytest.MonkeyPatch, make_problem: Callable[..., Any]) -> None:
    known = discovered(monkeypatch, Variant("theirs", "one big step", one_big_step))
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
    known = discovered(monkeypatch, "anything")
    assert known["loops"].name == "loops"


def test_entry_point_must_be_a_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    known = discovered(monkeypatch, one_big_step)
    with pytest.raises(TypeError, match=r"entry point 'theirs' .* expected a fastsym.Variant; got function; fix or"):
        list(known)


@pytest.mark.parametrize("name", ["fused", "fast"])
def test_entry_point_must_have_a_new_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = discovered(monkeypatch, Variant(name, "a namesake", one_big_step))
    with pytest.raises(ValueError, match=rf"entry point 'theirs' .* expected a new name; got '{name}'.*; rename it"):
        len(known)


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


@pytest.mark.skipif(sys.platform == "win32", reason="a console signal is needed there")
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
        answer, _ = process.communicate(timeout=120)  # hours are left of the training itself
    finally:
        process.kill()
    assert answer == "untouched\n"

"""Every rung against the reference: one step at a time, at sizes around its block edges, and on published numbers."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import feature_counts

from fastsym import VARIANTS, LayerParams, Params, initialise, load_titanic, train
from fastsym.kernels import fused, loops
from fastsym.model.datasets import FEATURE_SETS
from fastsym.model.params import AnyParams, Array
from fastsym.model.reference import network_forward, sigmoid

TYPES = (np.float64, np.float32)
CHECKED = [name for name in VARIANTS if name != "reference"]
LEARNING_RATE = 0.5


def mean_terms(X: Array, y: Array, params: AnyParams) -> tuple[list[Array], float]:
    """Mean absolute term of each gradient sum and of the cost: the scale of their rounding errors."""
    M = X.shape[1]
    if isinstance(params, LayerParams):
        z = params.W @ X + params.b
        r = np.abs(sigmoid(z) - y)
        return [np.abs(X) @ r / M, np.asarray(r.mean())], float((1 + np.abs(z)).mean())
    _, A1, Z2, A2 = network_forward(X, params)
    r = np.abs(A2[0] - y)
    back = np.abs(params.W2[:, None]) * r * (1 - A1**2)
    terms = [back @ np.abs(X).T / M, back.mean(axis=1), np.abs(A1) @ r / M, np.asarray(r.mean())]
    return terms, float((1 + np.abs(Z2)).mean())


def assert_step_equals_reference(variant: str, X: Array, y: Array, params: AnyParams) -> None:
    """One step of the variant against one float64 step of the reference from the same state.

    Bound: every term of a sum carries a relative error of a few roundings, more where the argument of tanh is
    itself a sum of large terms, and M + H additions follow. Subtracting the step rounds the parameter once more.
    """
    u = np.finfo(X.dtype).eps
    M, H = X.shape[1], params[0].shape[0]
    wide = type(params)(*(np.asarray(p, np.float64) for p in params))
    expected = train(X.astype(np.float64), y.astype(np.float64), wide, 1, LEARNING_RATE, "reference")
    got = train(X, y, params, 1, LEARNING_RATE, variant)
    terms, cost_term = mean_terms(X.astype(np.float64), y, wide)
    assert got.costs.dtype == X.dtype
    # The argument of tanh adds D terms: its absolute error is a relative error of everything after it.
    argument = np.abs(wide[0]).reshape(-1, len(X)) @ np.abs(X) + 1
    growth = 4 * (M + H + argument.max())
    assert abs(got.costs[0] - expected.costs[0]) <= growth * u * cost_term
    for name, g, e, p, t in zip(params._fields, got.params, expected.params, wide, terms, strict=True):
        assert g.shape == e.shape
        assert g.dtype == X.dtype
        bound = LEARNING_RATE * growth * u * t + 2 * u * np.abs(p)
        assert (np.abs(g - e) <= bound).all(), f"{name}: off by {np.abs(g - e).max()}, bound {bound.min()}"


@pytest.mark.parametrize("features", FEATURE_SETS)
@pytest.mark.parametrize("variant", CHECKED)
def test_one_step_along_a_reference_trajectory(variant: str, features: str) -> None:
    X, y, names = load_titanic(features)
    for H in (1, 4, 5, 16, 33):
        state = initialise("normal", len(names), H, scale=0.01, seed=H)
        for dtype in TYPES:
            for iterations in (0, 20):
                start = train(X, y, state, iterations, 0.01, "reference").params
                rounded = type(start)(*(p.astype(dtype) for p in start))
                assert_step_equals_reference(variant, X.astype(dtype), y.astype(dtype), rounded)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("variant", CHECKED)
def test_one_step_at_every_size_around_an_edge(variant: str, dtype: type, make_problem: Callable[..., Any]) -> None:
    widths = (1, 2, 3, 4, 5, 6, 7, 8, 9, 17)
    samples = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 223, 224, 225, 255, 256, 257)
    for D in feature_counts(variant):
        for i, M in enumerate((*samples, 447, 448, 449, 511, 512, 513, 889, 1025)):
            H = widths[i % len(widths)]
            assert_step_equals_reference(variant, *make_problem(i, D, H, M, dtype))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("variant", [name for name in CHECKED if VARIANTS[name].train_layer is not None])
def test_one_step_of_one_layer(variant: str, dtype: type, make_problem: Callable[..., Any]) -> None:
    for D in feature_counts(variant):
        for M in (1, 2, 7, 8, 9, 16, 17, 255, 256, 257, 513, 889):
            assert_step_equals_reference(variant, *make_problem(M, D, None, M, dtype))


@pytest.mark.parametrize("variant", CHECKED)
def test_published_costs(variant: str) -> None:
    X, y, names = load_titanic("article")
    costs = train(X, y, initialise("zeros", len(names), 4), 10, 0.01, variant).costs
    assert costs[0] * len(y) == pytest.approx(616.2078435177914, abs=1e-9)
    assert costs[9] * len(y) == pytest.approx(615.1254886424192, abs=1e-9)


@pytest.mark.parametrize("variant", CHECKED)
def test_certain_and_wrong_predictions_cost_what_they_should(variant: str) -> None:
    """softplus is the argument itself far to the right, and 0 far to the left; log(0) must not appear."""
    X = np.array([[1.0, 1.0, -1.0, -1.0]] * 8)
    y = np.array([1.0, 0.0, 1.0, 0.0])
    params = Params(np.full((3, 8), 100.0), np.zeros(3), np.full(3, 300.0), np.zeros(()))
    got = train(X, y, params, 1, 0.1, variant)
    assert got.costs[0] == pytest.approx((0 + 900 + 900 + 0) / 4, rel=1e-15)
    np.testing.assert_allclose(got.params.W2, 300 - 0.1 * 0.5, rtol=1e-15)
    np.testing.assert_array_equal(got.params.W1, params.W1)  # saturated units do not learn


@pytest.mark.parametrize("variant", CHECKED)
def test_many_samples_do_not_overflow_the_product_of_the_cost(variant: str) -> None:
    X, y = np.ones((8, 20_000)), np.arange(20_000) % 2.0
    cost = train(X, y, initialise("zeros", 8, 2), 1, 0.1, variant).costs[0]
    assert cost == pytest.approx(math.log(2), rel=1e-12)


def test_loops_sigmoid_and_softplus_at_the_ends() -> None:
    assert loops.sigmoid(800.0) == 1
    assert loops.sigmoid(-800.0) == 0
    assert loops.sigmoid(0.0) == 0.5
    assert loops.sigmoid(-700.0) == pytest.approx(math.exp(-700), rel=1e-15)
    assert loops.softplus(1000.0) == 1000
    assert loops.softplus(-700.0) == pytest.approx(math.exp(-700), rel=1e-15)
    assert math.isnan(loops.softplus(math.nan))
    assert math.isnan(loops.sigmoid(math.nan))


@pytest.mark.parametrize("D", [1, 2, 3, 4, 9])
def test_fused_weighted_sum_takes_every_feature(D: int) -> None:
    X = np.arange(1.0, D + 1)[:, None] * 10.0 ** np.arange(6)
    z = np.full(3, np.nan)
    fused.weighted_sum(X, 2, np.ones(D), 0.5, z)
    np.testing.assert_array_equal(z, 0.5 + X[:, 2:5].sum(axis=0))


@pytest.mark.parametrize("size", [1, fused.BLOCK - 1, fused.BLOCK, fused.BLOCK + 1, 5 * fused.BLOCK + 3])
def test_fused_log_product_flushes(size: int) -> None:
    assert fused.log_product(np.full(size, 2.0)) == pytest.approx(size * math.log(2), rel=1e-13)


@pytest.mark.parametrize(
    ("H", "M", "samples"), [(4, 100, 100), (4, 1000, fused.BLOCK), (20_000, 1000, 104), (3 << 20, 9, 1)]
)
def test_fused_holds_at_most_16_mebibytes_of_activations(
    monkeypatch: pytest.MonkeyPatch, H: int, M: int, samples: int
) -> None:
    blocks = []
    monkeypatch.setattr(fused, "_train_network", lambda *arguments: blocks.append(arguments[5]))
    params = Params(np.zeros((H, 1)), np.zeros(H), np.zeros(H), np.zeros(()))
    fused.train_network(np.zeros((1, M)), np.zeros(M), params, 0.1, np.zeros(1))
    assert blocks == [samples]

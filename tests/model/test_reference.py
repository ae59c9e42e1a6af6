"""The oracle itself: against published numbers, exact arithmetic and the article's own lines."""

from collections.abc import Callable
from typing import Any

import flint
import numpy as np
import pytest

from fastsym import LayerParams, Params, initialise, load_titanic, train
from fastsym.model.reference import (
    NetworkGradient,
    accuracy,
    network_forward,
    network_gradient,
    stable_cost,
    textbook_cost,
)

PUBLISHED_SUMMED_COSTS = [
    616.2078435177914,
    616.0851596067871,
    615.963088348405,
    615.841626682688,
    615.7207715645508,
    615.6005199637143,
    615.4808688646424,
    615.3618152664753,
    615.243356182967,
    615.1254886424192,
]


def exact_gradient(X: Any, y: Any, params: Params) -> NetworkGradient:
    """Cost and gradients in 100-bit ball arithmetic, rounded at the end."""
    H, D = params.W1.shape
    M = X.shape[1]
    with flint.ctx.workprec(100):
        W1, b1, W2 = ([[flint.arb(v) for v in np.atleast_1d(row).tolist()] for row in p] for p in params[:3])
        cost, db2 = flint.arb(0), flint.arb(0)
        dW1 = [[flint.arb(0)] * D for _ in range(H)]
        db1, dW2 = [flint.arb(0)] * H, [flint.arb(0)] * H
        for m in range(M):
            x = [flint.arb(v) for v in X[:, m].tolist()]
            a = [(b1[h][0] + sum(w * v for w, v in zip(W1[h], x, strict=True))).tanh() for h in range(H)]
            z = flint.arb(float(params.b2)) + sum(W2[h][0] * a[h] for h in range(H))
            label = int(y[m])
            cost += (1 + z.exp()).log() - label * z
            r = 1 / (1 + (-z).exp()) - label
            db2 += r
            for h in range(H):
                dW2[h] += r * a[h]
                slope = r * W2[h][0] * (1 - a[h] ** 2)
                db1[h] += slope
                for d in range(D):
                    dW1[h][d] += slope * x[d]
        return NetworkGradient(
            float(cost / M),
            np.array([[float(v / M) for v in row] for row in dW1]),
            np.array([float(v / M) for v in db1]),
            np.array([float(v / M) for v in dW2]),
            np.array(float(db2 / M)),
        )


def test_the_ten_published_costs() -> None:
    X, y, names = load_titanic("article")
    costs = train(X, y, initialise("zeros", len(names), 4), 10, 0.01, "reference").costs
    np.testing.assert_allclose(costs * len(y), PUBLISHED_SUMMED_COSTS, rtol=0, atol=1e-9)
    assert costs[0] == pytest.approx(np.log(2), abs=1e-15)


def test_the_two_plateaus() -> None:
    X, y, names = load_titanic("article")
    zeros = train(X, y, initialise("zeros", len(names), 4), 3000, 0.01, "reference").costs
    normal = train(X, y, initialise("normal", len(names), 4, scale=0.01, seed=0), 3000, 0.01, "reference").costs
    assert zeros[-1] * len(y) == pytest.approx(591.4, abs=0.1)
    assert normal[-1] < zeros[-1]


@pytest.mark.parametrize(("D", "H", "M"), [(1, 1, 1), (2, 1, 5), (3, 4, 17), (9, 5, 40)])
def test_gradient_against_ball_arithmetic(D: int, H: int, M: int, make_problem: Callable[..., Any]) -> None:
    X, y, params = make_problem(D + H + M, D, H, M)
    computed, exact = network_gradient(X, y, params), exact_gradient(X, y, params)
    for name, c, e in zip(NetworkGradient._fields, computed, exact, strict=True):
        assert np.shape(c) == np.shape(e), name
        # Terms are of size 1; M + H of them are added, and each carries a dozen roundings.
        bound = 12 * (M + H) * np.finfo(float).eps
        assert (np.abs(np.asarray(c) - e) <= bound).all(), name


def test_one_layer_step_is_the_articles(make_problem: Callable[..., Any]) -> None:
    X, y, params = make_problem(3, 4, None, 30)
    W, b, Y = params.W.reshape(1, -1), params.b.reshape(1, 1), y.reshape(1, -1)
    A = 1 / (1 + np.exp(-(np.dot(W, X) + b)))
    after = train(X, y, params, 1, 0.001, "reference")
    assert isinstance(after.params, LayerParams)
    np.testing.assert_array_equal(after.params.W, (W - 0.001 * np.dot(A - Y, X.T) / 30)[0])
    np.testing.assert_array_equal(after.params.b, (b - 0.001 * np.sum(A - Y) / 30)[0, 0])
    assert after.costs[0] == pytest.approx(textbook_cost(A, Y), rel=1e-14)


def test_costs_agree_where_the_textbook_one_is_finite(make_problem: Callable[..., Any]) -> None:
    X, y, params = make_problem(5, 3, 4, 50)
    *_, Z2, A2 = network_forward(X, params)
    assert stable_cost(Z2, y.reshape(1, -1)) == pytest.approx(textbook_cost(A2, y.reshape(1, -1)), rel=1e-14)


def test_only_the_stable_cost_survives_a_certain_prediction() -> None:
    Z, Y = np.array([[800.0, -800.0]]), np.array([[1.0, 0.0]])
    A = np.array([[1.0, 0.0]])
    assert np.isnan(textbook_cost(A, Y))
    assert stable_cost(Z, Y) == 0
    assert stable_cost(-Z, Y) == 800


def test_textbook_cost_fails_on_the_articles_case_0() -> None:
    X, y, names = load_titanic("article")
    params = initialise("zeros", len(names))
    assert isinstance(params, LayerParams)
    failures = 0
    for _ in range(100):
        A = 1 / (1 + np.exp(-(params.W @ X + params.b)))
        failures += not np.isfinite(textbook_cost(A, y))
        params = train(X, y, params, 1, 0.001, "reference").params
        assert isinstance(params, LayerParams)
    assert failures > 50
    assert np.isfinite(train(X, y, params, 100, 0.001, "reference").costs).all()


def test_accuracy_counts_the_labels_that_are_predicted() -> None:
    X, y = np.array([[-2.0, -1.0, 1.0, 2.0]]), np.array([0.0, 1.0, 1.0, 1.0])
    params = Params(np.ones((1, 1)), np.zeros(1), np.ones(1), np.zeros(()))
    assert accuracy(X, y, params) == 0.75
    assert accuracy(X, y, params._replace(W2=-params.W2)) == 0.25
    assert np.isnan(accuracy(X, y, params._replace(b2=np.array(np.inf))))

import numpy as np
import pytest

import fastsym
from fastsym.experiments import curvature, symmetry
from fastsym.experiments.symmetry import from_unit_vectors
from fastsym.model import reference
from fastsym.model.params import Params
from fastsym.model.units import unit_vectors


@pytest.fixture(scope="module")
def data():
    return fastsym.load_titanic("standardised")


def flat_gradient(X, y, params):
    g = reference.network_gradient(X, y, params)
    units = np.column_stack([g.dW1, g.db1, g.dW2])
    return np.append(units.ravel(), g.db2)


def test_hessian_is_the_derivative_of_the_gradient(data):
    params = fastsym.initialise("normal", 8, 3, scale=0.5, seed=1)
    theta = np.append(unit_vectors(params).ravel(), params.b2)

    def gradient(at):
        return flat_gradient(data.X, data.y, from_unit_vectors(at[:-1].reshape(3, -1), at[-1]))

    h = 1e-5
    numeric = np.stack([(gradient(theta + h * e) - gradient(theta - h * e)) / (2 * h) for e in np.eye(len(theta))])
    exact = curvature.hessian(data.X, data.y, params)
    np.testing.assert_allclose(exact, numeric, atol=1e-8)
    np.testing.assert_array_equal(exact.shape, (31, 31))


def test_hessian_restricted_to_differences_of_equal_units_is_t(data):
    params = fastsym.initialise("constant", 8, 2, scale=0.3)
    params = fastsym.train(data.X, data.y, params, 30, 0.5).params
    full = curvature.hessian(data.X, data.y, params)[:-1, :-1]
    difference = np.vstack([np.eye(10), -np.eye(10)]) / np.sqrt(2)
    T = curvature.transverse_matrix(data.X, data.y, params)
    np.testing.assert_allclose(difference.T @ full @ difference, T, atol=1e-14)


def test_t_of_the_quotient_is_t_of_the_wide_network(data):
    params = fastsym.initialise("constant", 8, 4, scale=0.3)
    small = symmetry.quotient(params)
    wide = curvature.transverse_matrix(data.X, data.y, params, 3)
    narrow = curvature.transverse_matrix(data.X, data.y, small.params, 0, small.multiplicity)
    np.testing.assert_allclose(narrow, wide, atol=1e-15)


def test_edge_of_stability_on_a_quadratic_well(data):
    params = fastsym.initialise("normal", 8, 2, scale=0.1, seed=3)
    top = np.linalg.eigvalsh(curvature.hessian(data.X, data.y, params))[-1]
    assert curvature.edge_of_stability(data.X, data.y, params, 0.5) == pytest.approx(top / 4)


def test_spread_grows_as_the_product_of_i_minus_lr_t(data):
    start = fastsym.initialise("constant", 8, 3, scale=0.1)
    rng = np.random.default_rng(0)
    units = unit_vectors(start) + 1e-9 * rng.standard_normal((3, 10))
    training = fastsym.train(data.X, data.y, from_unit_vectors(units, start.b2), 300, 1.0, record_every=1)
    small = symmetry.quotient(start)
    path = fastsym.train(
        data.X, data.y, small.params, 300, 1.0, record_every=1, multiplicity=small.multiplicity
    ).history
    predicted = curvature.predicted_deviations(
        data.X, data.y, path, 1.0, units - units.mean(axis=0), multiplicity=small.multiplicity
    )
    measured = unit_vectors(training.history)
    measured = measured - measured.mean(axis=1, keepdims=True)
    growth = np.log(np.linalg.norm(measured[-1]) / np.linalg.norm(measured[0]))
    expected = np.log(np.linalg.norm(predicted[-1]) / np.linalg.norm(predicted[0]))
    assert expected > 1  # the constant start is unstable: that is the point
    assert growth == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("hidden", [5, 6, 7])
def test_one_ulp_grows_as_predicted_between_iterations_500_and_1000(data, hidden):
    """Along the path of the constant start 0.1 at learning rate 1, on which rounding separates units."""
    start = fastsym.initialise("constant", 8, hidden, scale=0.1)
    W2 = start.W2.copy()
    W2[-1] = np.nextafter(W2[-1], 1)
    history = fastsym.train(data.X, data.y, start._replace(W2=W2), 1000, 1.0, record_every=1).history
    units = unit_vectors(history)
    apart = units - units.mean(axis=1, keepdims=True)
    small = symmetry.quotient(start)
    path = fastsym.train(
        data.X, data.y, small.params, 1000, 1.0, record_every=1, multiplicity=small.multiplicity
    ).history
    window = Params(*(values[500:] for values in path))
    predicted = curvature.predicted_deviations(data.X, data.y, window, 1.0, apart[500], multiplicity=small.multiplicity)
    measured = np.log(np.linalg.norm(apart[1000]) / np.linalg.norm(apart[500]))
    assert measured > 9
    assert measured == pytest.approx(np.log(np.linalg.norm(predicted[-1]) / np.linalg.norm(predicted[0])), rel=0.01)


@pytest.mark.parametrize("features", ["no_id", "standardised"])
def test_growth_at_the_zero_saddle(features):
    X, y, _ = fastsym.load_titanic(features)
    rate = 1.0 if features == "standardised" else 1e-3
    growth = curvature.saddle_growth(X, y, rate)
    b2 = np.log(y.mean() / (1 - y.mean()))
    saddle = Params(np.zeros((2, len(X))), np.zeros(2), np.zeros(2), np.array(b2))
    T = curvature.transverse_matrix(X, y, saddle)
    assert np.linalg.eigvalsh(np.eye(len(T)) - rate * T)[-1] == pytest.approx(growth, rel=1e-12)
    tiny = saddle._replace(W1=np.random.default_rng(0).standard_normal(saddle.W1.shape) * 1e-30)
    iterations = int(60 / np.log(growth))
    history = fastsym.train(X, y, tiny, iterations, rate, record_every=iterations // 2).history
    size = np.abs(history.W2).max(axis=1)  # of the weights only W2 has no part that stays as it is
    assert size[2] < 1e-2
    measured = np.log(size[2] / size[1]) / (iterations - iterations // 2)
    assert measured == pytest.approx(np.log(growth), rel=1e-3)


def test_escape_time_from_the_zero_saddle(data):
    growth = curvature.saddle_growth(data.X, data.y, 1.0)
    times = []
    for scale in (1e-20, 1e-60):
        start = fastsym.initialise("normal", 8, 4, scale=scale)
        history = fastsym.train(data.X, data.y, start, 800, 1.0, record_every=1).history
        times.append(int(np.argmax(symmetry.spread(history) > 1e-3)))
    assert times[1] - times[0] == pytest.approx(np.log(1e40) / np.log(growth), abs=2)


@pytest.mark.parametrize("variant", ["reference", "fused"])
def test_one_step_obeys_the_balance_law(data, variant):
    params = fastsym.initialise("normal", 8, 4, scale=0.5, seed=4)
    after = fastsym.train(data.X, data.y, params, 1, 0.3, variant).params

    def balance(p):
        units = unit_vectors(p)
        return units[:, -1] ** 2 - (units[:, :-1] ** 2).sum(axis=1)

    predicted = curvature.balance_change(data.X, data.y, params, 0.3)
    np.testing.assert_allclose(balance(after) - balance(params), predicted, atol=1e-14)
    assert np.abs(predicted).max() > 1e-4


@pytest.mark.parametrize("features", ["article", "standardised"])
def test_zero_start_is_the_scalar_recursion_of_b2(features):
    X, y, _ = fastsym.load_titanic(features)
    training = fastsym.train(X, y, fastsym.initialise("zeros", len(X), 4), 3000, 0.5, record_every=100)
    b2, path = 0.0, []
    for i in range(3001):
        if i % 100 == 0:
            path.append(b2)
        b2 -= 0.5 * (1 / (1 + np.exp(-b2)) - y.mean())
    np.testing.assert_allclose(training.history.b2, path, atol=1e-13)
    assert training.costs[0] == pytest.approx(np.log(2), rel=1e-15)
    q = y.mean()
    assert training.params.b2 == pytest.approx(np.log(q / (1 - q)), rel=1e-12)
    assert training.costs[-1] == pytest.approx(-(q * np.log(q) + (1 - q) * np.log(1 - q)), rel=1e-14)
    assert training.costs[-1] == pytest.approx(0.66525, abs=5e-6)
    for name in ("W1", "b1", "W2"):
        assert not getattr(training.history, name).any()

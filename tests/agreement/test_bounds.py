import math

import numpy as np
import pytest

from fastsym import LayerParams, Params
from fastsym.agreement import bounds, truth
from fastsym.agreement.expected import follow

DTYPES = ("float64", "float32")
SIZES = {"float64": (2.0**-53, 2.0**-1022), "float32": (2.0**-24, 2.0**-126)}
"""u, and the smallest normal number."""


def roundings(n, u):
    return n * u / (1 - n * u)


def sigmoid(z):
    e = math.exp(-abs(z))
    return 1 / (1 + e) if z >= 0 else e / (1 + e)


def output(z, dz, y, M, u, tiny):
    """What points 4 and 6 of the module's text give for one sample: the largest |p - y|, its error, the cost's."""
    nearest = max(abs(z) - 2 * dz, 0)
    r = sigmoid(z + 2 * dz) if y == 0 else sigmoid(2 * dz - z)
    dr = min(sigmoid(nearest) * sigmoid(-nearest) * dz, 1) + 10 * u * sigmoid(z + 2 * dz) + u * r + tiny
    terms = max(z, 0) + math.log1p(math.exp(-abs(z))) + y * abs(z) + dz
    return r + dr, dr, (r + dr) * dz + roundings(M + 16, u) * terms


def by_hand(X, y, params, counts, dtype):
    """The bound of one step, sample by sample and unit by unit."""
    u, tiny = SIZES[dtype]
    (D, M), layer = X.shape, isinstance(params, LayerParams)
    bound, cost = type(params)(*(np.zeros(np.shape(field)) for field in params)), 0.0
    for m in range(M):
        x, products = X[:, m], roundings(M + 8, u)
        if layer:
            W, b = params
            z, dz = W @ x + b, roundings(D + 4, u) * (abs(W) @ abs(x) + abs(b))
            r, dr, share = output(float(z), float(dz), y[m], M, u, tiny)
            for d in range(D):
                bound.W[d] += (dr + products * r) * abs(x[d]) / M + tiny * (1 / M + abs(x[d]) / M)
            bound.b[...] += (dr + products * r) / M + tiny / M
        else:
            W1, b1, W2, b2 = params
            units, z2, dz2 = [], float(b2), roundings(len(W2) + 4, u) * abs(float(b2))
            for h in range(len(W2)):
                z, dz = float(W1[h] @ x + b1[h]), float(roundings(D + 4, u) * (abs(W1[h]) @ abs(x) + abs(b1[h])))
                slope = 4 * sigmoid(2 * max(abs(z) - 2 * dz, 0)) * sigmoid(-2 * max(abs(z) - 2 * dz, 0))
                top = math.tanh(abs(z) + 2 * dz)
                da = min(slope * dz, 2) + 8 * u * top + tiny
                ds = min(2 * top * slope * dz, 1) + 17 * u * top**2 + u * slope
                units.append((slope + ds, ds, top + da, da))
                z2 += float(W2[h]) * counts[h] * math.tanh(z)
                dz2 += abs(float(W2[h])) * counts[h] * (da + roundings(len(W2) + 4, u) * (top + da))
            r, dr, share = output(z2, dz2, y[m], M, u, tiny)
            for h, (s, ds, a, da) in enumerate(units):
                V = abs(float(W2[h]))
                hidden = s * (dr + products * r) + r * ds
                for d in range(D):
                    bound.W1[h, d] += (V * hidden * abs(x[d]) + tiny * (1 + V) * (1 + abs(x[d]))) / M
                bound.b1[h] += (V * hidden + tiny * (1 + V)) / M
                bound.W2[h] += (a * (dr + products * r) + da * r + tiny) / M
            bound.b2[...] += (dr + products * r + tiny) / M
        cost += share / M
    return cost + 8 * u, bound


def problem(D, H, M, scale, dtype):
    X = (2 * truth.uniform(D, (D, M))).astype(dtype)
    params = truth.unflatten(scale * truth.uniform(H, (truth.count_parameters(D, H),)), D, H)
    return X, (np.arange(M) % 3 > 0).astype(dtype), type(params)(*(np.asarray(field, dtype) for field in params))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [0.0, 1e-3, 0.7, 3.0, 40.0, 1e5, 1e9])
@pytest.mark.parametrize(("D", "H", "M"), [(1, 1, 1), (3, 2, 7), (8, 3, 5), (1, 0, 1), (4, 0, 9)])
def test_the_bound_is_what_its_text_says(D, H, M, scale, dtype):
    X, y, params = problem(D, H, M, scale, dtype)
    for counts in (None, np.arange(3.0, H + 3)) if H else (None,):
        cost, bound = bounds.step_bound(X, y, params, counts)
        wide = type(params)(*(np.asarray(field, np.float64) for field in params))
        units = np.ones(H) if counts is None else counts
        known_cost, known = by_hand(X.astype(np.float64), y.astype(np.float64), wide, units, dtype)
        assert cost == pytest.approx(known_cost, rel=1e-9)
        np.testing.assert_allclose(truth.flatten(bound), truth.flatten(known), rtol=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("H", [2, 0])
def test_what_may_be_flushed_to_zero_is_within_the_bound(H, dtype):
    # Saturated by 600, and certainly right: all that is left is what a number below the smallest normal one may lose.
    X, _, params = problem(3, H, 2, 0.0, dtype)
    y = np.zeros(2, dtype)
    params[-1][...] = -600
    if H:
        params.b1[...], params.W2[...] = 600, 0.5
    counts = None if not H else np.ones(H)
    wide = type(params)(*(np.asarray(field, np.float64) for field in params))
    _, bound = bounds.step_bound(X, y, params, counts)
    _, known = by_hand(X.astype(np.float64), y.astype(np.float64), wide, np.ones(H), dtype)
    np.testing.assert_allclose(truth.flatten(bound), truth.flatten(known), rtol=1e-9)
    tiny = SIZES[dtype][1]
    assert (truth.flatten(bound) >= tiny).all()
    if H and dtype == "float32":
        assert (bound.b1 < 2 * tiny).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_units_that_cancel_leave_nothing_known_of_the_output(dtype):
    X, y, params = problem(2, 2, 3, 0.5, dtype)
    params.W1[1], params.b1[1], params.b2[...] = params.W1[0], params.b1[0], 0
    params.W2[...] = np.array([1e19, -1e19]) if dtype == "float64" else np.array([1e10, -1e10])
    wide = Params(*(np.asarray(field, np.float64) for field in params))
    cost, bound = bounds.step_bound(X, y, params)
    known_cost, known = by_hand(X.astype(np.float64), y.astype(np.float64), wide, np.ones(2), dtype)
    assert cost == pytest.approx(known_cost, rel=1e-9)
    np.testing.assert_allclose(truth.flatten(bound), truth.flatten(known), rtol=1e-9)
    assert bound.b2 > 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_stored_bounds_of_single_steps_are_these(dtype):
    for case in truth.cases(dtype)[::5]:
        if case.iterations == 1:
            path = follow(*case.problem(), 1, case.learning_rate)
            bound = np.append(path.cost_bounds, path.state_bounds[-1])
            np.testing.assert_allclose(case.bound, np.maximum(bound, 2.0**-126), rtol=3e-7, err_msg=case.name)


def test_one_rounding_of_each_data_type():
    assert [bounds.unit_roundoff(dtype) for dtype in DTYPES] == [SIZES[dtype][0] for dtype in DTYPES]


def test_a_bound_is_of_the_shape_of_the_parameters():
    X, y, params = problem(3, 2, 4, 0.5, "float32")
    _, bound = bounds.step_bound(X, y, params)
    assert isinstance(bound, Params)
    assert [field.shape for field in bound] == [field.shape for field in params]
    assert all(field.dtype == np.float64 for field in bound)

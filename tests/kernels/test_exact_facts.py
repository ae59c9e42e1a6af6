"""What must hold bit for bit, or to rounding, whatever the data: symmetries and conservation laws of training.

A kernel that treats one hidden unit other than its neighbour - a remainder loop with another order of additions, a
quotient shared between units - fails here.

Other facts of symmetry are tested in tests/experiments: the quotient and its lifting, the orbit types and the
observables in test_symmetry.py; that rounding breaks symmetry, for which widths, and where it ends in test_rounding.py;
transverse growth, the zero saddle, the escape from it and the Hessian in test_curvature.py; the time to break in
test_breaking.py.
"""

import math
from collections.abc import Iterable

import numpy as np
import pytest
from conftest import feature_counts
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastsym import VARIANTS, Dataset, Params, initialise, train
from fastsym.model.params import Array
from fastsym.model.reference import network_gradient

TYPES = (np.float64, np.float32)
LOOPS = ["loops", "fused", "simd", "parallel"]
"""Variants that treat every unit alike. The BLAS below reference and numpy does not."""
LONG_WIDTHS: dict[str, Iterable[int]] = {
    "loops": (2, 3, 5, 7),
    "fused": (*range(2, 18), 31, 33, 63, 64),
    "simd": range(2, 65),
    "parallel": (2, 3, 5, 33, 64),  # the bits of simd, as test_parallel_gives_the_bits_of_simd has it
}
"""Widths to train over 3000 iterations: all of them on the fast rung, some on the slow ones."""


def trained(variant: str, X: Array, y: Array, params: Params, iterations: int, learning_rate: float) -> Params:
    after = train(X, y, params, iterations, learning_rate, variant).params
    assert isinstance(after, Params)
    return after


def constant(n_features: int, hidden: int, dtype: type = np.float64) -> Params:
    params = initialise("constant", n_features, hidden, scale=0.1, dtype=dtype)
    assert isinstance(params, Params)
    return params


def permuted(params: Params, order: Array) -> Params:
    return Params(params.W1[order], params.b1[order], params.W2[order], params.b2)


def bits(params: Params) -> list[bytes]:
    return [p.tobytes() for p in params]


def assert_units_are_equal(params: Params) -> None:
    for p in params[:3]:
        assert {row.tobytes() for row in p} == {p[0].tobytes()}


widths = st.integers(1, 70)
learning_rates = st.floats(1e-4, 100)
seeds = st.integers(0, 2**32 - 1)


# Zeros stay zeros


@st.composite
def any_data(draw: st.DrawFn, variant: str) -> tuple[Array, Array]:
    # Up to 1e150 (1e15 in float32), so that sums over samples stay finite.
    dtype = draw(st.sampled_from(TYPES))
    D, M = draw(st.sampled_from(feature_counts(variant))), draw(st.integers(1, 40))
    limit = 1e150 if dtype is np.float64 else float(np.float32(1e15))
    number = st.floats(-limit, limit, width=64 if dtype is np.float64 else 32)
    X = draw(hnp.arrays(dtype, (D, M), elements=number))
    y = draw(hnp.arrays(dtype, M, elements=st.sampled_from([0.0, 1.0])))
    return X, y


@pytest.mark.parametrize("variant", VARIANTS)
@given(data=st.data(), hidden=widths, learning_rate=learning_rates)
def test_zeros_stay_zeros(variant: str, data: st.DataObject, hidden: int, learning_rate: float) -> None:
    X, y = data.draw(any_data(variant))
    start = initialise("zeros", len(X), hidden, dtype=X.dtype)
    assert isinstance(start, Params)
    W1, b1, W2, b2 = trained(variant, X, y, start, 5, learning_rate)
    assert not W1.any()
    assert not b1.any()
    assert not W2.any()
    assert np.isfinite(b2)


@pytest.mark.parametrize("variant", VARIANTS)
@given(data=st.data(), hidden=widths, learning_rate=learning_rates)
def test_balanced_labels_from_zeros_move_nothing(
    variant: str, data: st.DataObject, hidden: int, learning_rate: float
) -> None:
    X, y = data.draw(any_data(variant))
    X, y = np.hstack([X, X]), np.concatenate([y, 1 - y])
    start = initialise("zeros", len(X), hidden, dtype=X.dtype)
    after = train(X, y, start, 5, learning_rate, variant)
    assert not any(p.any() for p in after.params)
    assert len(set(after.costs)) == 1
    assert abs(after.costs[0] - math.log(2)) <= (len(y) + 4) * np.finfo(X.dtype).eps


# b2 alone is a scalar recursion


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("variant", VARIANTS)
@given(positives=st.integers(0, 60), negatives=st.integers(1, 60), learning_rate=st.floats(1e-3, 4))
def test_b2_follows_the_scalar_recursion(
    variant: str, dtype: type, positives: int, negatives: int, learning_rate: float
) -> None:
    M, T = positives + negatives, 30
    y = np.repeat([1.0, 0.0], [positives, negatives])
    rate = float(dtype(learning_rate))
    start = initialise("zeros", 8, 3, dtype=dtype)
    assert isinstance(start, Params)
    got = trained(variant, np.ones((8, M), dtype), y, start, T, rate)
    b2 = 0.0
    for _ in range(T):
        b2 -= rate * (1 / (1 + math.exp(-b2)) - positives / M)
    # Each step errs by at most M + 8 roundings of numbers up to the rate, and below rate 4 no step grows old errors.
    assert abs(got.b2 - b2) <= T * (M + 8) * np.finfo(dtype).eps * max(1, rate, abs(b2))


@pytest.mark.parametrize("variant", VARIANTS)
def test_zero_start_ends_at_the_entropy_of_the_labels(variant: str, standardised: Dataset) -> None:
    X, y, _ = standardised
    after = train(X, y, initialise("zeros", 8, 2), 400, 1.0, variant)
    p = 340 / 889
    assert after.params[3] == pytest.approx(math.log(p / (1 - p)), abs=1e-12)
    assert after.costs[-1] == pytest.approx(-p * math.log(p) - (1 - p) * math.log(1 - p), abs=1e-13)
    assert after.costs[-1] == pytest.approx(0.66525, abs=5e-6)


# Equal units stay equal


@pytest.mark.parametrize("variant", LOOPS)
def test_equal_units_stay_equal_over_3000_iterations(variant: str, standardised: Dataset) -> None:
    X, y, _ = standardised
    for hidden in LONG_WIDTHS[variant]:
        after = trained(variant, X, y, constant(8, hidden), 3000, 1.0)
        assert_units_are_equal(after)
        assert abs(after.W1[0]).max() > 0.11, "nothing was learned"


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("variant", LOOPS)
def test_equal_units_stay_equal_at_every_width(variant: str, dtype: type, standardised: Dataset) -> None:
    X, y, _ = standardised
    for hidden in range(2, 65):
        assert_units_are_equal(trained(variant, X.astype(dtype), y, constant(8, hidden, dtype), 10, 1.0))


@pytest.mark.parametrize("variant", LOOPS)
@given(seed=seeds, M=st.integers(1, 300), hidden=widths, learning_rate=st.floats(1e-3, 3))
@example(seed=0, M=257, hidden=33, learning_rate=1.0)
def test_equal_units_stay_equal_on_any_data(variant: str, seed: int, M: int, hidden: int, learning_rate: float) -> None:
    rng = np.random.default_rng(seed)
    D = int(rng.choice(feature_counts(variant)))
    X, y = rng.standard_normal((D, M)), rng.integers(0, 2, M)
    unit = Params(rng.standard_normal((1, D)), rng.standard_normal(1), rng.standard_normal(1), np.array(0.0))
    assert_units_are_equal(trained(variant, X, y, permuted(unit, np.zeros(hidden, int)), 10, learning_rate))


def test_this_check_sees_one_ulp() -> None:
    params = constant(8, 5)
    params.W1[4, 7] = np.nextafter(params.W1[4, 7], 1)
    with pytest.raises(AssertionError):
        assert_units_are_equal(params)


@given(seed=seeds, hidden=widths, M=st.integers(200, 2000))
def test_parallel_gives_the_bits_of_simd(seed: int, hidden: int, M: int) -> None:
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((8, M)), rng.integers(0, 2, M)
    start = Params(*(rng.standard_normal(shape) for shape in ((hidden, 8), hidden, hidden, ())))
    simd, parallel = (train(X, y, start, 5, 0.5, variant) for variant in ("simd", "parallel"))
    assert simd.costs.tobytes() == parallel.costs.tobytes()
    for a, b in zip(simd.params, parallel.params, strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("variant", LOOPS)
@given(seed=seeds, hidden=st.integers(2, 20), M=st.integers(1, 300))
def test_a_sign_flipped_pair_stays_a_pair(variant: str, dtype: type, seed: int, hidden: int, M: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.permutation(hidden)[:2]
    X, y = rng.standard_normal((8, M)).astype(dtype), rng.integers(0, 2, M)
    start = Params(*(rng.standard_normal(shape).astype(dtype) for shape in ((hidden, 8), hidden, hidden)), dtype(0.1))
    for p in start[:3]:
        p[second] = -p[first]
    after = trained(variant, X, y, start, 20, 0.5)
    for p in after[:3]:
        np.testing.assert_array_equal(p[second], -p[first])


# Permuting units permutes the result, wherever the sum over units cannot depend on its order


@pytest.mark.parametrize("variant", LOOPS)
@given(seed=seeds, hidden=st.integers(2, 20), M=st.integers(1, 300))
def test_permuted_units_that_are_silent(variant: str, seed: int, hidden: int, M: int) -> None:
    """With W1 = b1 = 0 every activation is 0, and so is the sum, in any order."""
    rng = np.random.default_rng(seed)
    X, y, order = rng.standard_normal((8, M)), rng.integers(0, 2, M), rng.permutation(hidden)
    start = Params(np.zeros((hidden, 8)), np.zeros(hidden), rng.standard_normal(hidden), np.array(0.3))
    straight = trained(variant, X, y, start, 1, 0.5)
    assert straight.W1.any()
    assert bits(permuted(straight, order)) == bits(trained(variant, X, y, permuted(start, order), 1, 0.5))


@pytest.mark.parametrize("variant", LOOPS)
@given(seed=seeds, hidden=st.integers(2, 20), M=st.integers(1, 300))
def test_permuted_units_that_are_saturated(variant: str, seed: int, hidden: int, M: int) -> None:
    """With activations 1 and -1 and output weights of few bits, the sum is exact in any order."""
    rng = np.random.default_rng(seed)
    X, y, order = rng.choice([-1.0, 1.0], (8, M)), rng.integers(0, 2, M), rng.permutation(hidden)
    W1 = rng.choice([-1.0, 1.0], (hidden, 8)) * 100 * 2.0 ** np.arange(8)
    start = Params(W1, np.zeros(hidden), rng.integers(-64, 65, hidden) / 64, np.array(0.25))
    straight = trained(variant, X, y, start, 1, 0.5)
    assume((straight.W2 != start.W2).any())  # with two samples the slopes may cancel, and then nothing moves
    assert bits(permuted(straight, order)) == bits(trained(variant, X, y, permuted(start, order), 1, 0.5))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("variant", LOOPS)
@given(seed=seeds, hidden=st.integers(2, 40), M=st.integers(1, 300))
def test_one_live_unit_learns_the_same_at_any_place(variant: str, dtype: type, seed: int, hidden: int, M: int) -> None:
    """Dead units (all zero) add exact zeros and stay dead."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((8, M)).astype(dtype), rng.integers(0, 2, M)
    place = int(rng.integers(hidden))
    start = initialise("zeros", 8, hidden, dtype=dtype)
    assert isinstance(start, Params)
    start.W1[0], start.b1[0], start.W2[0] = rng.standard_normal(8), 0.2, -0.7
    order = np.arange(hidden)
    order[[0, place]] = order[[place, 0]]
    straight = trained(variant, X, y, start, 20, 0.5)
    assert bits(permuted(straight, order)) == bits(trained(variant, X, y, permuted(start, order), 20, 0.5))
    assert not straight.W1[1:].any()


# One step's balance between the weights into a unit and the weight out of it


@pytest.mark.parametrize("variant", VARIANTS)
@given(seed=seeds, hidden=st.integers(1, 9), M=st.integers(1, 100), learning_rate=st.floats(0.01, 2))
def test_one_step_obeys_the_balance_law(variant: str, seed: int, hidden: int, M: int, learning_rate: float) -> None:
    """Change of v^2 - |u|^2 = -2 lr v mean(r psi(z)) + lr^2 (g_v^2 - |g_u|^2), psi(z) = tanh z - z sech^2 z.

    u is a unit's weights and bias, v its output weight, g their gradients, r = A2 - y.
    """
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((8, M)), rng.integers(0, 2, M).astype(float)
    start = Params(*(rng.standard_normal(shape) for shape in ((hidden, 8), hidden, hidden, ())))
    after = trained(variant, X, y, start, 1, learning_rate)
    z = start.W1 @ X + start.b1[:, None]
    r = 1 / (1 + np.exp(-(start.W2 @ np.tanh(z) + start.b2))) - y
    psi = np.tanh(z) - z / np.cosh(z) ** 2
    _, dW1, db1, dW2, _ = network_gradient(X, y, start)
    drift = -2 * learning_rate * start.W2 * (psi @ r) / M
    second_order = learning_rate**2 * (dW2**2 - (dW1**2).sum(axis=1) - db1**2)

    def balance(params: Params) -> Array:
        return params.W2**2 - (params.W1**2).sum(axis=1) - params.b1**2

    size = 1 + start.W2**2 + (start.W1**2).sum(axis=1) + start.b1**2
    bound = 4 * (M + hidden + 10) * np.finfo(float).eps * size * (1 + learning_rate) ** 2
    error = np.abs(balance(after) - balance(start) - drift - second_order)
    assert (error <= bound).all()

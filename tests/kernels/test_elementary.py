"""tanh, sigmoid and log against balls of arbitrary precision (python-flint)."""

from collections.abc import Callable

import flint
import numpy as np
import pytest
from numba import njit  # uncached: a cached kernel of a test file would outlive an edit of its constants

from fastsym.kernels import elementary
from fastsym.kernels._jit import OPTIONS
from fastsym.kernels.fit_coefficients import coefficients
from fastsym.kernels.lanes import fabs, load, store
from fastsym.model.params import Array

BOUND_ULP = {"tanh": 2.0, "tanh_scaled": 2.0, "sigmoid": 2.0, "log": 2.0}
"""Largest errors found by a long search: 1.90, 1.98, 1.56 and 1.99 ulp, at arguments like those of HARD."""
HARD = {
    "tanh": [0.2527315235298432, 0.25360862276977064, 0.061543316],
    "tanh_scaled": [1.5738995388475343, 1.579253230292555, 1.5816396],
    "sigmoid": [-34.308551311637984, -34.30898184184455, -34.30900949358913, -9.357325154678938, -5.8417425],
    "log": [0.7014248628614844, 0.7038766662281662, 1.0009764624564628],
}
TYPES = (np.float64, np.float32)
compiled = njit(error_model=OPTIONS["error_model"])


@compiled
def each_tanh(x: Array, out: Array) -> None:
    for i in range(x.size):
        out[i] = elementary.tanh(x[i])


@compiled
def each_tanh_scaled(x: Array, out: Array) -> None:
    for i in range(x.size):
        out[i] = elementary.tanh_scaled(x[i])


@compiled
def each_sigmoid(x: Array, out: Array) -> None:
    for i in range(x.size):
        out[i] = elementary.sigmoid(x[i])


@compiled
def each_log(x: Array, out: Array) -> None:
    for i in range(x.size):
        out[i] = elementary.log(x[i])


@compiled
def each_log_up_to_two(x: Array, out: Array) -> None:
    for i in range(x.size):
        out[i] = elementary.log_up_to_two(x[i])


@compiled
def each_slope(x: Array, out: Array) -> None:
    for i in range(0, x.size, 64 // x.itemsize):
        z = load(x, i, 1)
        e, rest = elementary.exp_of_minus_normal(fabs(z))
        store(out, i, elementary.sigmoid_from(z, e, rest))


@compiled
def in_lanes(x: Array, tanh: Array, tanh_scaled: Array, sigmoid: Array) -> None:
    for i in range(0, x.size, 64 // x.itemsize):
        lanes = load(x, i, 1)
        store(tanh, i, elementary.tanh(lanes))
        store(tanh_scaled, i, elementary.tanh_scaled(lanes))
        store(sigmoid, i, elementary.sigmoid(lanes))


def exact_sigmoid(z: flint.arb) -> flint.arb:
    e = (-abs(z)).exp()
    return (e if z < 0 else 1) / (1 + e)


SCALAR = {"tanh": each_tanh, "tanh_scaled": each_tanh_scaled, "sigmoid": each_sigmoid, "log": each_log}
EXACT: dict[str, Callable[[flint.arb], flint.arb]] = {
    "tanh": lambda z: z.tanh(),
    "tanh_scaled": lambda y: (y * flint.arb.const_log2() / 2).tanh(),
    "sigmoid": exact_sigmoid,
    "log": lambda x: x.log(),
}
ODD_AND_LIMITS = ("tanh", "tanh_scaled")


def evaluate(name: str, x: Array) -> Array:
    out = np.full_like(x, np.nan)
    SCALAR[name](x, out)
    return out


def errors_ulp(name: str, x: Array) -> Array:
    """Error of each result in units in the last place of the exact value, NaN where the result is NaN."""
    computed = evaluate(name, x)
    with flint.ctx.workprec(160):
        exact = [EXACT[name](flint.arb(value)) for value in x.tolist()]
        nearest = np.array([float(value) for value in exact]).astype(x.dtype)
        ulp = np.spacing(np.abs(nearest)).tolist()
        errors = [
            float(abs(flint.arb(c) - e) / flint.arb(u)) for c, e, u in zip(computed.tolist(), exact, ulp, strict=True)
        ]
    return np.array(errors)


def bit_patterns(dtype: type, count: int, seed: int) -> Array:
    """Finite floats with random bits: every exponent is as likely as every other, denormals included."""
    integer = np.uint64 if dtype is np.float64 else np.uint32
    bits = np.random.default_rng(seed).integers(0, np.iinfo(integer).max, count, integer, endpoint=True)
    x = bits.view(dtype)
    return x[np.isfinite(x)]


def arguments(dtype: type, count: int = 3000, seed: int = 0) -> Array:
    """Where tanh and sigmoid do something, evenly and by magnitude; their last steps to 0 and 1; random bits."""
    rng = np.random.default_rng(seed)
    sign = rng.choice((-1.0, 1.0), count)
    parts = [
        np.linspace(-3, 3, count) + rng.uniform(0, 6 / count, count),
        np.linspace(-30, 30, count) + rng.uniform(0, 60 / count, count),
        np.linspace(-760, 760, count) if dtype is np.float64 else np.linspace(-110, 110, count),
        sign * 2.0 ** rng.uniform(-40, 8, count),
        np.arange(1, 57) * 0.5 - 0.25 / 2**20,
        np.arange(1, 57) * 0.5 + 0.125,
        np.arange(1, 57) + 0.375,
    ]
    smallest = np.finfo(dtype).smallest_subnormal * np.arange(1, 65)
    return np.concatenate([*(p.astype(dtype) for p in parts), smallest.astype(dtype), bit_patterns(dtype, count, seed)])


def test_the_coefficients_are_those_that_the_script_fits() -> None:
    fitted = coefficients()
    assert {name: getattr(elementary, name) for name in fitted} == fitted
    assert set(fitted) == {name for name, value in vars(elementary).items() if isinstance(value, tuple)}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", ["tanh", "tanh_scaled", "sigmoid"])
def test_error_is_bounded(name: str, dtype: type) -> None:
    x = np.concatenate([arguments(dtype), np.array(HARD[name], dtype)])
    errors = errors_ulp(name, x)
    assert (errors <= BOUND_ULP[name]).all(), f"{errors.max()} ulp at {x[np.argmax(errors)]!r}"


def test_error_of_log_is_bounded() -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate(
        [
            HARD["log"],
            2.0 ** rng.uniform(-1000, 1000, 5000),
            rng.uniform(0.5, 2.0, 5000),
            1 + np.arange(-500, 500) * np.finfo(float).eps,
            2.0 ** np.arange(-1000, 1001, 10),
            np.sqrt(0.5) * 2.0 ** np.arange(-20, 21) * (1 + np.arange(-20, 21) * 1e-16),
        ]
    )
    errors = errors_ulp("log", x)
    assert (errors <= BOUND_ULP["log"]).all(), f"{errors.max()} ulp at {x[np.argmax(errors)]!r}"


def test_log_up_to_two_is_off_by_less_than_it_says() -> None:
    near = np.arange(500) * np.finfo(float).eps
    x = np.concatenate([1 + near, 2 - near, np.sqrt(2) + near - near.mean(), np.linspace(1, 2, 5001)])
    out = np.empty_like(x)
    each_log_up_to_two(x, out)
    with flint.ctx.workprec(160):
        errors = [float(abs(flint.arb(y) - flint.arb(v).log())) for y, v in zip(out.tolist(), x.tolist(), strict=True)]
    assert max(errors) < 2.2e-16
    assert out[0] == 0
    narrow = np.empty(len(x), np.float32)
    each_log_up_to_two(x.astype(np.float32), narrow)
    np.testing.assert_allclose(
        narrow, np.log(x.astype(np.float32).astype(float)), rtol=0, atol=np.finfo(np.float32).eps
    )


@pytest.mark.parametrize(("dtype", "most", "smallest"), [(np.float64, 708, 1e-307), (np.float32, 87, 1e-37)])
def test_slopes_are_the_sigmoid_until_it_is_almost_no_normal_number(dtype: type, most: int, smallest: float) -> None:
    x = np.linspace(-most, most, 4096).astype(dtype)
    expected, got = evaluate("sigmoid", x), np.empty_like(x)
    each_slope(x, got)
    assert got.tobytes() == expected.tobytes()
    far = np.array([-most - 1, -1e4, -np.inf, np.nan] * 4, dtype)
    got = np.empty_like(far)
    each_slope(far, got)
    assert ((got > 0) & (got < smallest) | np.isnan(far)).all()
    assert np.isnan(got[np.isnan(far)]).all()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", ODD_AND_LIMITS)
def test_tanh_is_odd_bit_for_bit(name: str, dtype: type) -> None:
    x = np.concatenate([arguments(dtype, 20_000, seed=2), np.array([0.0, np.inf], dtype)])
    assert (-evaluate(name, x)).tobytes() == evaluate(name, -x).tobytes()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", ["tanh", "tanh_scaled", "sigmoid"])
def test_results_stay_in_range_and_grow_with_the_argument(name: str, dtype: type) -> None:
    y = evaluate(name, np.sort(arguments(dtype, 20_000, seed=3)))
    lowest = -1 if name in ODD_AND_LIMITS else 0
    assert lowest <= y.min() <= lowest + 1e-3
    assert 1 - 1e-3 <= y.max() <= 1
    steps_back_ulp = -np.diff(y.astype(np.float64)) / np.spacing(np.abs(y[1:])).astype(np.float64)
    assert (steps_back_ulp <= 2 * BOUND_ULP[name]).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_edges(dtype: type) -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)
    limits = np.array([0.0, -0.0, 1.0, -1.0, np.nan], dtype)
    for name in ODD_AND_LIMITS:
        y = evaluate(name, x)
        np.testing.assert_array_equal(y, limits)
        assert np.signbit(y[:2]).tolist() == [False, True]
    np.testing.assert_array_equal(evaluate("sigmoid", x), np.array([0.5, 0.5, 1.0, 0.0, np.nan], dtype))


@pytest.mark.parametrize("dtype", TYPES)
def test_sigmoid_underflows_gradually(dtype: type) -> None:
    tiny = np.finfo(dtype).smallest_normal
    x = np.linspace(np.log(tiny / 2), np.log(float(tiny) * np.finfo(dtype).eps), 50).astype(dtype)
    y = evaluate("sigmoid", x)
    assert ((y > 0) & (y < tiny)).all()
    assert (errors_ulp("sigmoid", x) <= BOUND_ULP["sigmoid"]).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_lanes_give_the_bits_of_scalars(dtype: type) -> None:
    x = np.concatenate([arguments(dtype, 20_000, seed=4), np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)])
    x = np.resize(x, 16 * (x.size // 16 + 1))
    lanes = [np.full_like(x, np.nan) for _ in range(3)]
    in_lanes(x, *lanes)
    for name, y in zip(("tanh", "tanh_scaled", "sigmoid"), lanes, strict=True):
        expected = evaluate(name, x)
        same = (y.view(np.uint8) == expected.view(np.uint8)).reshape(x.size, -1).all(axis=1)
        assert (same | (np.isnan(y) & np.isnan(expected))).all(), name

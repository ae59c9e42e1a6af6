"""Every word of the lane vocabulary against NumPy or exact rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from numba import njit  # uncached: a cached kernel of a test file would outlive an edit of its constants

from fastsym.kernels import lanes
from fastsym.kernels.lanes import load, store
from fastsym.model.params import Array

TYPES = (np.float64, np.float32)
COUNT = 64
ROWS = 16
WIDE, NARROW = (2.0, -3.0, 0.5), (0.25, 4.0)
compiled = njit(error_model="numpy")


@compiled
def each_word(a: Array, b: Array, c: Array, out: Array, sums: Array, products: Array) -> None:
    for i in range(0, a.size, 128 // a.itemsize):
        x, y, z = load(a, i, 2), load(b, i, 2), load(c, i, 2)
        store(out[0], i, x + y)
        store(out[1], i, x - y)
        store(out[2], i, x * y)
        store(out[3], i, x / y)
        store(out[4], i, lanes.fma(x, y, z))
        store(out[5], i, lanes.fabs(x))
        store(out[6], i, lanes.copysign(x, y))
        store(out[7], i, lanes.minimum(x, y))
        store(out[8], i, lanes.select_negative(x, y, z))
        store(out[9], i, lanes.like(x, 0.1))
        store(out[10], i, lanes.by_precision(x, 0.25, 0.5))
        store(out[11], i, lanes.rough_reciprocal(lanes.fabs(y)))
        store(out[12], i, lanes.splat(a[i], 2))
        store(out[13], i, lanes.fneg(x))
        store(out[14], i, lanes.floor(x))
        store(out[15], i, lanes.polynomial(x, WIDE, NARROW))
        sums[i] = lanes.reduce_add(x)
        products[i] = lanes.reduce_mul(x)


@compiled
def each_word_on_floats(a: Array, b: Array, c: Array, out: Array) -> None:
    for i in range(a.size):
        x, y, z = a[i], b[i], c[i]
        out[4, i] = lanes.fma(x, y, z)
        out[5, i] = lanes.fabs(x)
        out[6, i] = lanes.copysign(x, y)
        out[7, i] = lanes.minimum(x, y)
        out[8, i] = lanes.select_negative(x, y, z)
        out[9, i] = lanes.like(x, 0.1)
        out[10, i] = lanes.by_precision(x, 0.25, 0.5)
        out[11, i] = lanes.rough_reciprocal(lanes.fabs(y))
        out[13, i] = lanes.fneg(x)
        out[14, i] = lanes.floor(x)
        out[15, i] = lanes.polynomial(x, WIDE, NARROW)


@compiled
def powers_of_two(k: Array, magic: Array, out: Array, out_lanes: Array) -> None:
    for i in range(k.size):
        out[i] = lanes.bits_to_exponent(k[i] + magic[0])
    for i in range(0, k.size, 64 // k.itemsize):
        store(out_lanes, i, lanes.bits_to_exponent(load(k, i, 1) + lanes.splat(magic[0], 1)))


@compiled
def copy_from_an_odd_place(a: Array, out: Array) -> None:
    store(out, 3, load(a, 1, 1))


def numbers(dtype: type) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((2, COUNT)) * 2.0 ** rng.integers(-20, 20, (2, COUNT))).astype(dtype)
    return a, b, -(a * b)  # the last makes fma's result the rounding error of the product


@pytest.fixture(scope="module", params=TYPES)
def results(request: pytest.FixtureRequest) -> tuple[tuple[Array, Array, Array], Array, Array, Array]:
    a, b, c = numbers(request.param)
    out = np.full((ROWS, COUNT), np.nan, request.param)
    sums, products = np.full((2, COUNT), np.nan)
    each_word(a, b, c, out, sums, products)
    return (a, b, c), out, sums, products


def test_operators(results: tuple[tuple[Array, Array, Array], Array, Array, Array]) -> None:
    (a, b, _), out, _, _ = results
    for row, expected in enumerate((a + b, a - b, a * b, a / b)):
        np.testing.assert_array_equal(out[row], expected)


def test_fma_rounds_once(results: tuple[tuple[Array, Array, Array], Array, Array, Array]) -> None:
    (a, b, c), out, _, _ = results
    for x, y, z, got in zip(a.tolist(), b.tolist(), c.tolist(), out[4].tolist(), strict=True):
        assert Fraction(got) == Fraction(x) * Fraction(y) + Fraction(z)
    assert out[4].any()


def test_sign_and_choice(results: tuple[tuple[Array, Array, Array], Array, Array, Array]) -> None:
    (a, b, c), out, _, _ = results
    expected = (np.abs(a), np.copysign(a, b), np.minimum(a, b), np.where(a < 0, b, c))
    for row, value in zip((5, 6, 7, 8, 13, 14), (*expected, -a, np.floor(a)), strict=True):
        np.testing.assert_array_equal(out[row], value)


def test_polynomial_is_horners_rule_with_fma(results: tuple[tuple[Array, Array, Array], Array, Array, Array]) -> None:
    (a, _, _), out, _, _ = results
    coefficients = WIDE if a.dtype == np.float64 else NARROW
    for x, got in zip(a.tolist(), out[15].tolist(), strict=True):
        p = Fraction(coefficients[0])
        for c in coefficients[1:]:
            p = Fraction(float(a.dtype.type(p * Fraction(x) + Fraction(c))))
        assert p == Fraction(got)


def test_constants(results: tuple[tuple[Array, Array, Array], Array, Array, Array]) -> None:
    (a, _, _), out, _, _ = results
    assert set(out[9]) == {a.dtype.type(0.1)}
    assert set(out[10]) == {0.25 if a.dtype == np.float64 else 0.5}
    width = 128 // a.itemsize
    np.testing.assert_array_equal(out[12], np.repeat(a[::width], width))


def test_rough_reciprocal_is_within_13_percent(results: tuple[tuple[Array, Array, Array], Array, Array, Array]) -> None:
    (_, b, _), out, _, _ = results
    assert (np.abs(out[11] * np.abs(b) - 1) <= 0.13).all()


def test_reductions_combine_halves(results: tuple[tuple[Array, Array, Array], Array, Array, Array]) -> None:
    (a, _, _), _, sums, products = results
    width = 128 // a.itemsize
    for start in range(0, COUNT, width):
        s = a[start : start + width]
        p = s.astype(np.float64)
        while len(s) > 1:
            s = s[: len(s) // 2] + s[len(s) // 2 :]
            p = p[: len(p) // 2] * p[len(p) // 2 :]
        assert sums[start] == s[0]
        assert products[start] == p[0]


def test_floats_and_lanes_give_the_same_bits(
    results: tuple[tuple[Array, Array, Array], Array, Array, Array],
) -> None:
    (a, b, c), out, _, _ = results
    on_floats = np.full_like(out, np.nan)
    each_word_on_floats(a, b, c, on_floats)
    for rows in (slice(4, 12), slice(13, 16)):
        assert on_floats[rows].tobytes() == out[rows].tobytes()


@pytest.mark.parametrize("dtype", TYPES)
def test_nan_and_signed_zero(dtype: type) -> None:
    a = np.array([np.nan, 1.0, -0.0, 0.0] * 16, dtype)
    b = np.array([1.0, np.nan, 2.0, -1.0] * 16, dtype)
    out = np.zeros((ROWS, COUNT), dtype)
    each_word(a, b, np.full_like(a, 5), out, np.empty(COUNT), np.empty(COUNT))
    assert np.isnan(out[7, 0])  # a clamp must not swallow NaN
    assert out[7, 1] == 1
    assert out[8, :4].tolist() == [5, 5, 5, 5]  # neither NaN nor -0 is negative
    assert np.signbit(out[6, :4]).tolist() == [False, False, False, True]
    assert not np.signbit(out[5, :4]).any()


@pytest.mark.parametrize("dtype", TYPES)
def test_bits_to_exponent_makes_powers_of_two(dtype: type) -> None:
    bias, fraction = (1023, 52) if dtype is np.float64 else (127, 23)
    k = np.arange(-48, 48).astype(dtype)
    out, out_lanes = np.zeros((2, k.size), dtype)
    powers_of_two(k, np.array([1.5 * 2.0**fraction + bias], dtype), out, out_lanes)
    np.testing.assert_array_equal(out, 2.0**k)
    np.testing.assert_array_equal(out_lanes, 2.0**k)


@pytest.mark.parametrize("dtype", TYPES)
def test_load_and_store_need_no_alignment_and_touch_nothing_else(dtype: type) -> None:
    count = 64 // np.dtype(dtype).itemsize
    a = np.arange(count + 2).astype(dtype)
    out = np.full(count + 6, -1, dtype)
    copy_from_an_odd_place(a, out)
    np.testing.assert_array_equal(out[3:-3], a[1:-1])
    assert set(out[:3]) | set(out[-3:]) == {-1}

"""tanh, sigmoid and log without a call into a library: the same bits on every machine.

tanh and sigmoid take a float or lanes (:mod:`fastsym.kernels.lanes`) of either precision. The coefficients are
Chebyshev fits made in 50 digits; their errors are far below one rounding.
"""

from typing import Any

import numpy as np
from numba import float32
from numba.extending import overload

from fastsym.kernels._jit import jit_inline
from fastsym.kernels.lanes import (
    Lanes,
    at_most,
    bits_to_exponent,
    by_precision,
    floor,
    fma,
    like,
    magnitude,
    minus,
    rough_reciprocal,
    where_negative,
    with_sign,
)

TWO_LOG2_E = 2.8853900817779268
"""2 / ln 2: tanh of z is :func:`tanh_scaled` of this times z."""
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
"""Bit pattern of sqrt(1/2)."""
SQRT_TWO = 1.4142135623730951

# Adding one of these to a number of moderate size rounds it to an integer k, and leaves k plus the exponent
# bias in the lowest bits: for 2**k (_ROUND) and for 2**(k-1) (_ROUND_HALF).
_ROUND_64, _ROUND_32 = 1.5 * 2.0**52 + 1023, 1.5 * 2.0**23 + 127
_ROUND_HALF_64, _ROUND_HALF_32 = _ROUND_64 - 1, _ROUND_32 - 1

# Constants as sums of two numbers of the precision at hand.
_TWO_LOG2_E_64, _TWO_LOG2_E_REST_64 = TWO_LOG2_E, 4.0710547481862066e-17
_TWO_LOG2_E_32, _TWO_LOG2_E_REST_32 = 2.885390043258667, 3.851925982253235e-08
_LOG2_E_64, _LOG2_E_32 = 1.4426950408889634, 1.4426950216293335
_LN_2_64, _LN_2_REST_64 = 0.6931471805599453, 2.3190468138462996e-17
_LN_2_32, _LN_2_REST_32 = 0.6931471824645996, -1.904654299957768e-09


def _is_narrow(x: Any) -> bool:
    return bool((x.dtype if isinstance(x, Lanes) else x) == float32)


def _coth_series(r: Any) -> Any:
    """r coth(r ln2 / 2) for |r| <= 7/8; compiled code only."""
    raise NotImplementedError


@overload(_coth_series, jit_options={"forceinline": True})
def _coth_series_for(r: Any) -> Any:
    def narrow(r: Any) -> Any:
        u = r * r
        p = fma(like(r, 1.0437399733967242e-05), u, like(r, -0.0009250269358756279))
        p = fma(p, u, like(r, 0.1155245283232267))
        return fma(p, u, like(r, TWO_LOG2_E))

    def wide(r: Any) -> Any:
        u = r * r
        p = fma(like(r, -1.823751059709812e-11), u, like(r, 1.541691076801717e-09))
        p = fma(p, u, like(r, -1.2710593916546277e-07))
        p = fma(p, u, like(r, 1.0582188973515221e-05))
        p = fma(p, u, like(r, -0.0009250684777449501))
        p = fma(p, u, like(r, 0.1155245300933242))
        return fma(p, u, like(r, TWO_LOG2_E))

    return narrow if _is_narrow(r) else wide


def _exp_series(x: Any) -> Any:
    """exp(x) - 1 for |x| <= ln2 / 2; compiled code only."""
    raise NotImplementedError


@overload(_exp_series, jit_options={"forceinline": True})
def _exp_series_for(x: Any) -> Any:
    def narrow(x: Any) -> Any:
        p = fma(like(x, 0.0013926183587713494), x, like(x, 0.008363179052722578))
        p = fma(p, x, like(x, 0.041666554617204574))
        p = fma(p, x, like(x, 0.16666576989698775))
        p = fma(p, x, like(x, 0.5))
        return fma(p, x * x, x)

    def wide(x: Any) -> Any:
        p = fma(like(x, 2.510038549551032e-08), x, like(x, 2.7620088445409746e-07))
        p = fma(p, x, like(x, 2.7557268459997064e-06))
        p = fma(p, x, like(x, 2.4801521295954376e-05))
        p = fma(p, x, like(x, 0.00019841269863053618))
        p = fma(p, x, like(x, 0.0013888888917213717))
        p = fma(p, x, like(x, 0.008333333333330062))
        p = fma(p, x, like(x, 0.04166666666662413))
        p = fma(p, x, like(x, 0.16666666666666669))
        p = fma(p, x, like(x, 0.5))
        return fma(p, x * x, x)

    return narrow if _is_narrow(x) else wide


@jit_inline
def _tanh_ratio(y: Any) -> Any:
    """tanh(y ln2 / 2) for y >= 0 as numerator, denominator, and what rounding took from each.

    exp(2 z) is 2**y. With it written as s (c + r) / (c - r), where s = 2**k, y = k + r and c is as in
    _coth_series, tanh = (a (c + r) + r) / (a (c + r) + c) with a = (s - 1) / 2. For k = 0 that is r / c. k is chosen
    so that r >= -1/8 from k = 1 on: the numerator's two terms never cancel by much.
    """
    size = at_most(y, by_precision(y, 56.0, 27.0))  # tanh rounds to 1 before that
    k = floor(size + like(y, 0.125))
    r = size - k
    a = bits_to_exponent(k + by_precision(y, _ROUND_HALF_64, _ROUND_HALF_32)) - like(y, 0.5)
    c = _coth_series(r)
    wide = c + r
    numerator, denominator = fma(a, wide, r), fma(a, wide, c)
    return numerator, denominator, fma(a, wide, minus(numerator)) + r, fma(a, wide, minus(denominator)) + c


@jit_inline
def tanh_scaled(y: Any) -> Any:
    """tanh(y ln2 / 2), of a float or lanes: the factor 2 / ln 2 is in y already; largest error found 1.98 ulp."""
    numerator, denominator, lost, _ = _tanh_ratio(magnitude(y))
    return with_sign(fma(lost, rough_reciprocal(denominator), numerator / denominator), y)


@jit_inline
def tanh(z: Any) -> Any:
    """Hyperbolic tangent, of a float or lanes; odd bit for bit, NaN for NaN; largest error found 1.90 ulp."""
    size = at_most(magnitude(z), by_precision(z, 20.0, 10.0))
    factor = by_precision(z, _TWO_LOG2_E_64, _TWO_LOG2_E_32)
    y = size * factor
    rest = fma(size, factor, minus(y))  # what the product rounded away
    rest = fma(size, by_precision(z, _TWO_LOG2_E_REST_64, _TWO_LOG2_E_REST_32), rest)
    numerator, denominator, lost, lost_below = _tanh_ratio(y)
    t = numerator / denominator
    lost = fma(minus(t), lost_below, lost)
    slope = fma(minus(t), t, like(z, 1.0)) * like(z, 0.5 * _LN_2_64)
    return with_sign(fma(fma(slope * rest, denominator, lost), rough_reciprocal(denominator), t), z)


@jit_inline
def _exp_parts(size: Any) -> Any:
    """exp(-size) over 2**k, what rounding took from it, and k with its bits in place for bits_to_exponent."""
    magic = by_precision(size, _ROUND_64, _ROUND_32)
    shifted = fma(size, by_precision(size, -_LOG2_E_64, -_LOG2_E_32), magic)
    k = shifted - magic
    x = fma(k, by_precision(size, -_LN_2_64, -_LN_2_32), minus(size))
    x = fma(k, by_precision(size, -_LN_2_REST_64, -_LN_2_REST_32), x)
    above = _exp_series(x)
    e = like(size, 1.0) + above
    return e, above - (e - like(size, 1.0)), shifted


@jit_inline
def exp_of_minus(size: Any) -> Any:
    """exp(-size) for size >= 0, of a float or lanes, and what rounding took from it; underflows gradually."""
    e, lost, shifted = _exp_parts(at_most(size, by_precision(size, 760.0, 110.0)))  # rounds to 0 before that
    # 2**k in two factors, because it may lie below the smallest normal number.
    magic = by_precision(size, _ROUND_64, _ROUND_32)
    k = shifted - magic
    rest = at_most(k + by_precision(size, 1000.0, 100.0), like(size, 0.0))
    near, far = bits_to_exponent((k - rest) + magic), bits_to_exponent(rest + magic)
    return e * near * far, lost * near * far


@jit_inline
def exp_of_minus_normal(size: Any) -> Any:
    """As :func:`exp_of_minus`, in fewer steps, but not below exp(-708), or exp(-87) in float32.

    For a cost, where it is added to 1, and for the slope of a sample, so small a number is as good as zero.
    """
    e, lost, shifted = _exp_parts(at_most(size, by_precision(size, 708.0, 87.0)))
    scale = bits_to_exponent(shifted)
    return e * scale, lost * scale


@jit_inline
def sigmoid_from(z: Any, e: Any, rest: Any) -> Any:
    """sigmoid(z), given e + rest = exp(-|z|)."""
    denominator = like(z, 1.0) + e
    lost = rest + (e - (denominator - like(z, 1.0)))
    quotient = where_negative(z, e, like(z, 1.0)) / denominator
    correction = fma(lost, minus(quotient), where_negative(z, rest, like(z, 0.0)))
    return fma(correction, rough_reciprocal(denominator), quotient)


@jit_inline
def sigmoid(z: Any) -> Any:
    """Logistic function 1 / (1 + exp(-z)), of a float or lanes; NaN for NaN; largest error found 1.56 ulp."""
    e, rest = exp_of_minus(magnitude(z))
    return sigmoid_from(z, e, rest)


@jit_inline
def _log_series(s: Any, v: Any) -> Any:
    """log((1 + s) / (1 - s)) over 2 s, less 1, over v, for v = s s and |s| < 0.172."""
    p = fma(like(s, 0.07308518774395825), v, like(s, 0.0766583701508393))
    p = fma(p, v, like(s, 0.09091445278347801))
    p = fma(p, v, like(s, 0.1111110555757208))
    p = fma(p, v, like(s, 0.14285714313047945))
    p = fma(p, v, like(s, 0.1999999999994962))
    return fma(p, v, like(s, 0.3333333333333335))


@jit_inline
def log(x: float) -> Any:
    """Natural logarithm of a positive, finite, normal float64; largest error found 1.99 ulp."""
    # Into [sqrt(1/2), sqrt(2)), where the series converges fast; multiplying by a power of two is exact.
    bits = np.float64(x).view(np.int64)
    shift = (bits - SQRT_HALF_BITS) >> 52
    exponent = float(shift)
    m = np.int64(bits - (shift << 52)).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    v = s * s
    # log m = 2 s + 2 s v p
    return fma(exponent, _LN_2_64, 2.0 * s + fma(2.0 * s * v, _log_series(s, v), exponent * _LN_2_REST_64))


@jit_inline
def log_up_to_two(x: Any) -> Any:
    """Natural logarithm of a float or lanes from 1 to 2; NaN for NaN; off by less than 2.2e-16 (float64)."""
    above = like(x, SQRT_TWO) - x
    m = where_negative(above, like(x, 0.5) * x, x)
    s = (m - like(x, 1.0)) / (m + like(x, 1.0))
    v = s * s
    double = s + s
    return fma(double * v, _log_series(s, v), double) + where_negative(above, like(x, _LN_2_64), like(x, 0.0))

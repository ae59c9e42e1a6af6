"""tanh, sigmoid and log without a call into a library: the same bits on every machine.

tanh and sigmoid take a float or lanes (:mod:`fastsym.kernels.lanes`) of either precision. The coefficients are
Chebyshev fits made in 50 digits (:mod:`fastsym.kernels.fit_coefficients`); their errors are far below one rounding.
What an operation rounded away is kept in a second number, its low part: the exact value is close to the sum of both.
"""

from typing import Any

import numpy as np

from fastsym.kernels._jit import jit_inline
from fastsym.kernels.lanes import (
    bits_to_exponent,
    by_precision,
    copysign,
    fabs,
    floor,
    fma,
    fneg,
    like,
    minimum,
    polynomial,
    rough_reciprocal,
    select_negative,
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
_TWO_LOG2_E_64, _TWO_LOG2_E_LOW_64 = TWO_LOG2_E, 4.0710547481862066e-17
_TWO_LOG2_E_32, _TWO_LOG2_E_LOW_32 = 2.885390043258667, 3.851925982253235e-08
_LOG2_E_64, _LOG2_E_32 = 1.4426950408889634, 1.4426950216293335
_LN_2_64, _LN_2_LOW_64 = 0.6931471805599453, 2.3190468138462996e-17
_LN_2_32, _LN_2_LOW_32 = 0.6931471824645996, -1.904654299957768e-09

# Coefficients of polynomials, highest power first.
COTH_64 = (
    -1.823751059709812e-11,
    1.541691076801717e-09,
    -1.2710593916546277e-07,
    1.0582188973515221e-05,
    -0.0009250684777449501,
    0.1155245300933242,
    TWO_LOG2_E,
)
"""r coth(r ln2 / 2) in powers of r squared, for r from -1/8 to 7/8."""
COTH_32 = (1.0437399733967242e-05, -0.0009250269358756279, 0.1155245283232267, TWO_LOG2_E)
EXP_64 = (
    2.510038549551032e-08,
    2.7620088445409746e-07,
    2.7557268459997064e-06,
    2.4801521295954376e-05,
    0.00019841269863053618,
    0.0013888888917213717,
    0.008333333333330062,
    0.04166666666662413,
    0.16666666666666669,
    0.5,
)
"""(exp(x) - 1 - x) / x squared in powers of x, for x up to ln2 / 2 on either side of 0."""
EXP_32 = (0.0013926183587713494, 0.008363179052722578, 0.041666554617204574, 0.16666576989698775, 0.5)
LOG_64 = (
    0.07308518774395825,
    0.0766583701508393,
    0.09091445278347801,
    0.1111110555757208,
    0.14285714313047945,
    0.1999999999994962,
    0.3333333333333335,
)
"""(log((1 + s) / (1 - s)) / 2 s - 1) / s squared in powers of s squared, for s up to 0.172 on either side of 0."""


@jit_inline
def _tanh_ratio(y: Any) -> Any:
    """tanh(y ln2 / 2) for y >= 0 as numerator and denominator, and the low part of each.

    exp(2 z) is 2**y. With it written as s (c + r) / (c - r), where s = 2**k, y = k + r and c = r coth(r ln2 / 2),
    tanh = (a (c + r) + r) / (a (c + r) + c) with a = (s - 1) / 2. For k = 0 that is r / c. k is chosen so that
    r >= -1/8 from k = 1 on: the numerator's two terms never cancel by much.
    """
    y = minimum(y, by_precision(y, 56.0, 27.0))  # tanh rounds to 1 before that
    k = floor(y + like(y, 0.125))
    r = y - k
    a = bits_to_exponent(k + by_precision(y, _ROUND_HALF_64, _ROUND_HALF_32)) - like(y, 0.5)
    c = polynomial(r * r, COTH_64, COTH_32)
    sum_ = c + r
    numerator, denominator = fma(a, sum_, r), fma(a, sum_, c)
    return numerator, denominator, fma(a, sum_, fneg(numerator)) + r, fma(a, sum_, fneg(denominator)) + c


@jit_inline
def tanh_scaled(y: Any) -> Any:
    """tanh(y ln2 / 2), of a float or lanes: the factor 2 / ln 2 is in y already; largest error found 1.98 ulp."""
    numerator, denominator, numerator_low, _ = _tanh_ratio(fabs(y))
    return copysign(fma(numerator_low, rough_reciprocal(denominator), numerator / denominator), y)


@jit_inline
def tanh(z: Any) -> Any:
    """Hyperbolic tangent, of a float or lanes; odd bit for bit, NaN for NaN; largest error found 1.90 ulp."""
    magnitude = minimum(fabs(z), by_precision(z, 20.0, 10.0))
    factor = by_precision(z, _TWO_LOG2_E_64, _TWO_LOG2_E_32)
    y = magnitude * factor
    y_low = fma(magnitude, factor, fneg(y))
    y_low = fma(magnitude, by_precision(z, _TWO_LOG2_E_LOW_64, _TWO_LOG2_E_LOW_32), y_low)
    numerator, denominator, numerator_low, denominator_low = _tanh_ratio(y)
    t = numerator / denominator
    low = fma(fneg(t), denominator_low, numerator_low)
    slope = fma(fneg(t), t, like(z, 1.0)) * like(z, 0.5 * _LN_2_64)
    return copysign(fma(fma(slope * y_low, denominator, low), rough_reciprocal(denominator), t), z)


@jit_inline
def _exp_parts(t: Any) -> Any:
    """exp(-t) over 2**k, its low part, and k with its bits in place for bits_to_exponent."""
    magic = by_precision(t, _ROUND_64, _ROUND_32)
    shifted = fma(t, by_precision(t, -_LOG2_E_64, -_LOG2_E_32), magic)
    k = shifted - magic
    x = fma(k, by_precision(t, -_LN_2_64, -_LN_2_32), fneg(t))
    x = fma(k, by_precision(t, -_LN_2_LOW_64, -_LN_2_LOW_32), x)
    above = fma(polynomial(x, EXP_64, EXP_32), x * x, x)
    e = like(t, 1.0) + above
    return e, above - (e - like(t, 1.0)), shifted


@jit_inline
def exp_of_minus(t: Any) -> Any:
    """exp(-t) for t >= 0, of a float or lanes, and its low part; underflows gradually."""
    e, e_low, shifted = _exp_parts(minimum(t, by_precision(t, 760.0, 110.0)))  # rounds to 0 before that
    # 2**k in two factors, because it may lie below the smallest normal number.
    magic = by_precision(t, _ROUND_64, _ROUND_32)
    k = shifted - magic
    below = minimum(k + by_precision(t, 1000.0, 100.0), like(t, 0.0))
    first, second = bits_to_exponent((k - below) + magic), bits_to_exponent(below + magic)
    return e * first * second, e_low * first * second


@jit_inline
def exp_of_minus_normal(t: Any) -> Any:
    """As :func:`exp_of_minus`, in fewer steps, but not below exp(-708), or exp(-87) in float32.

    For a cost, where it is added to 1, and for the slope of a sample, so small a number is as good as zero.
    """
    e, e_low, shifted = _exp_parts(minimum(t, by_precision(t, 708.0, 87.0)))
    scale = bits_to_exponent(shifted)
    return e * scale, e_low * scale


@jit_inline
def sigmoid_from(z: Any, e: Any, e_low: Any) -> Any:
    """sigmoid(z), given e + e_low = exp(-|z|)."""
    denominator = like(z, 1.0) + e
    denominator_low = e_low + (e - (denominator - like(z, 1.0)))
    quotient = select_negative(z, e, like(z, 1.0)) / denominator
    numerator_low = select_negative(z, e_low, like(z, 0.0))
    return fma(fma(denominator_low, fneg(quotient), numerator_low), rough_reciprocal(denominator), quotient)


@jit_inline
def sigmoid(z: Any) -> Any:
    """Logistic function 1 / (1 + exp(-z)), of a float or lanes; NaN for NaN; largest error found 1.56 ulp."""
    e, e_low = exp_of_minus(fabs(z))
    return sigmoid_from(z, e, e_low)


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
    p = polynomial(v, LOG_64, LOG_64)
    # log m = 2 s + 2 s v p
    return fma(exponent, _LN_2_64, 2.0 * s + fma(2.0 * s * v, p, exponent * _LN_2_LOW_64))


@jit_inline
def log_up_to_two(x: Any) -> Any:
    """Natural logarithm of a float or lanes from 1 to 2; NaN for NaN; off by less than 2.2e-16 (float64)."""
    above = like(x, SQRT_TWO) - x
    m = select_negative(above, like(x, 0.5) * x, x)
    s = (m - like(x, 1.0)) / (m + like(x, 1.0))
    v = s * s
    p = polynomial(v, LOG_64, LOG_64)
    double = s + s
    return fma(double * v, p, double) + select_negative(above, like(x, _LN_2_64), like(x, 0.0))

"""How far rounding alone may move one training step: an error bound for each component of it.

A program that computes the step in any order of summation, with any use of fused multiply-adds, stays within the
bound; nothing else is known about it. The bound has the form c (M + H) u sum|terms|, made sharper in one respect:
each sum enters with its own number of terms (M samples, H units, D features), not all with the largest.
What it contains, with u the unit roundoff of the data type:

1. z1 is a sum of D + 1 products: (D + 4) u sum|terms|, one rounding for a product, one for a scaling of the
   weights, one to spare.
2. tanh passes that on by its slope, which is taken at the end of the error interval nearest to 0, and adds
   ``ELEMENTARY`` u |a|.
3. z2 is a sum of H + 1 products of a: (H + 4) u sum|terms|, one rounding for a product, one for a multiplicity, one
   to spare; and the error of a times |W2|.
4. The sigmoid as in 2. 1 - a^2 and p - y are differences: their errors are relative to 1, a^2, p and y, not to the
   small number that remains in saturation.
5. Sums over samples: (M + ``PRODUCTS``) u sum|terms|, and every term with its own error from 1 to 4.
6. The cost may be the log of a product of (1 + exp(-|z|)), which is exact to u times 1, not to u times the log.
7. Numbers below the smallest normal one may be flushed to zero.

Source of the method: N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, chapters 3 and 4.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastsym.model.params import AnyParams, Array, LayerParams, Params

ELEMENTARY = 8
"""Error allowed to tanh, exp and log, in units of u: NumPy promises 4 ulp for its vectorised ones; an ulp is 2 u."""
PRODUCTS = 8
"""Roundings of one term of a sum over samples: at most four factors, the step, its quotient by M, two to spare."""


def unit_roundoff(dtype: DTypeLike) -> float:
    """Largest relative error of one rounding: 2**-53 or 2**-24."""
    return float(np.finfo(np.dtype(dtype)).eps) / 2


def step_bound(X: Array, y: Array, params: AnyParams, multiplicity: Array | None = None) -> tuple[float, AnyParams]:
    """Bound of the error of one step's cost and gradient, computed in the data type of X.

    Parameters
    ----------
    X, y
        (D, M) and (M,).
    params
        The state: two layers or one.
    multiplicity
        (H,) how many equal units each hidden unit stands for; 1 if not given.

    Returns
    -------
    tuple
        Bound of the cost, and bounds of the gradient in the shape of ``params``; float64.
    """
    u, tiny = unit_roundoff(X.dtype), float(np.finfo(X.dtype).tiny)
    wide: list[Array] = [np.asarray(a, np.float64) for a in (X, y, *params)]
    if isinstance(params, LayerParams):
        return _layer_bound(*wide, u=u, tiny=tiny)
    counts = np.ones(len(params.W2)) if multiplicity is None else np.asarray(multiplicity, np.float64)
    return _network_bound(*wide, counts=counts, u=u, tiny=tiny)


def _gamma(n: int, u: float) -> float:
    """Relative error of n roundings one after the other."""
    return n * u / (1 - n * u)


def _sech_squared(z: Array) -> Any:
    e = np.exp(-2 * z)
    return 4 * e / (1 + e) ** 2


def _sigmoid(z: Array) -> Any:
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def _output_bound(z: Array, dz: Array, y: Array, u: float, tiny: float) -> tuple[Array, Array, float]:
    """Return the largest |p - y| (M,), its error (M,), and the error of the cost, for z (M,) with error dz (M,)."""
    near_zero = np.maximum(np.abs(z) - 2 * dz, 0)
    slope = _sigmoid(near_zero) * _sigmoid(-near_zero)
    p = _sigmoid(z + 2 * dz)
    r = np.where(y == 1, _sigmoid(2 * dz - z), p)
    dr = np.minimum(slope * dz, 1) + (ELEMENTARY + 2) * u * p + u * r + tiny
    softplus = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    terms = softplus + y * np.abs(z) + dz
    cost = np.mean((r + dr) * dz + _gamma(len(z) + PRODUCTS + ELEMENTARY, u) * terms) + ELEMENTARY * u
    return r + dr, dr, float(cost)


def _network_bound(
    X: Array, y: Array, W1: Array, b1: Array, W2: Array, b2: Array, *, counts: Array, u: float, tiny: float
) -> tuple[float, Params]:
    D, M = X.shape
    H = len(W2)
    z1 = W1 @ X + b1[:, None]
    dz1 = _gamma(D + 4, u) * (np.abs(W1) @ np.abs(X) + np.abs(b1)[:, None])
    slope = _sech_squared(np.maximum(np.abs(z1) - 2 * dz1, 0))
    a = np.tanh(np.abs(z1) + 2 * dz1)
    da = np.minimum(slope * dz1, 2) + ELEMENTARY * u * a + tiny
    # What 1 - a^2 loses, and the largest that it can come out as.
    ds = np.minimum(2 * a * slope * dz1, 1) + (2 * ELEMENTARY + 1) * u * a**2 + u * slope
    s = slope + ds
    a += da
    V = np.abs(W2)
    several = V * counts
    dz2 = several @ da + _gamma(H + 4, u) * (several @ a + np.abs(b2))
    r, dr, cost = _output_bound((W2 * counts) @ np.tanh(z1) + b2, dz2, y, u, tiny)
    n = _gamma(M + PRODUCTS, u)
    hidden = s * (dr + n * r) + r * ds
    flushed = tiny * (1 + V)
    ones = np.ones(M)
    dW1 = V[:, None] * (hidden @ np.abs(X).T) / M + np.outer(flushed, 1 + np.abs(X).mean(axis=1))
    db1 = V * (hidden @ ones) / M + flushed
    dW2 = (a @ (dr + n * r) + da @ r) / M + tiny
    return cost, Params(dW1, db1, dW2, np.asarray(np.mean(dr + n * r) + tiny))


def _layer_bound(X: Array, y: Array, W: Array, b: Array, *, u: float, tiny: float) -> tuple[float, LayerParams]:
    D, M = X.shape
    dz = _gamma(D + 4, u) * (np.abs(W) @ np.abs(X) + np.abs(b))
    r, dr, cost = _output_bound(W @ X + b, dz, y, u, tiny)
    error = dr + _gamma(M + PRODUCTS, u) * r
    return cost, LayerParams(
        np.abs(X) @ error / M + tiny * (1 + np.abs(X).mean(axis=1)), np.asarray(error.mean() + tiny)
    )

"""Second rung: the same loops in blocks of samples, innermost over samples, so that LLVM vectorises them.

Three changes to ``loops``. The innermost loop runs over neighbouring samples, which lie side by side in memory
and do not depend on each other: the compiler works on a full vector register of them at once. tanh and
sigmoid are our own (:mod:`fastsym.elementwise`): a call into the C library would end vectorisation. And samples
go through in blocks, forward and backward, so that what one loop leaves is still in first-level cache for the next.
Shape legend: :mod:`fastsym.net`.
"""

from typing import Any

import numpy as np

from fastsym._jit import jit, jit_reordered
from fastsym.elementwise import exp_of_minus, log, sigmoid_from, tanh
from fastsym.lanes import fma, like, magnitude, where_negative
from fastsym.net import Array, LayerParams, Params

BLOCK = 256
"""Samples of one block."""


@jit
def add_scaled(w: Any, x: Array, z: Array) -> None:
    """Add w x to ``z``."""
    for m in range(z.shape[0]):
        z[m] = fma(w, x[m], z[m])


@jit
def add_scaled_pair(w: Any, x: Array, v: Any, u: Array, z: Array) -> None:
    """Add w x + v u to ``z``; two at a time save half of the traffic of z."""
    for m in range(z.shape[0]):
        z[m] = fma(v, u[m], fma(w, x[m], z[m]))


@jit
def weighted_sum(X: Array, start: int, w: Array, b: Any, z: Array) -> None:
    """Overwrite ``z`` (n,) with b + w X for samples start to start + n."""
    D, stop = w.shape[0], start + z.shape[0]
    z[:] = b
    for d in range(0, D - 1, 2):
        add_scaled_pair(w[d], X[d, start:stop], w[d + 1], X[d + 1, start:stop], z)
    if D % 2:
        add_scaled(w[D - 1], X[D - 1, start:stop], z)


@jit
def add_tanh(z: Array, weight: Any, a: Array, out: Array) -> None:
    """Overwrite ``a`` with tanh(z) and add ``weight`` times it to ``out``."""
    for m in range(z.shape[0]):
        t = tanh(z[m])
        a[m] = t
        out[m] = fma(weight, t, out[m])


@jit
def output(z: Array, y: Array, dz: Array, factors: Array) -> Any:
    """Overwrite ``dz`` with sigmoid(z) - y; return a part of the cost, and leave in ``factors`` the other.

    With t = z for label 0 and t = -z for label 1 the cost is softplus(t) = max(t, 0) + log(1 + exp(-|t|)), and
    its derivative by t is sigmoid(t). The sum of max(t, 0) is returned; the arguments of the logs are left.
    """
    for m in range(z.shape[0]):
        sign = 1 - 2 * y[m]
        t = sign * z[m]
        e, rest = exp_of_minus(magnitude(t))
        factors[m] = 1 + e
        dz[m] = sign * sigmoid_from(t, e, rest)
        z[m] = where_negative(t, like(t, 0.0), t)
    return total(z)


@jit_reordered
def total(a: Array) -> Any:
    """Sum of ``a``; the compiler chooses the order, the same for every unit."""
    s = a.dtype.type(0)
    for m in range(a.shape[0]):
        s += a[m]
    return s


@jit_reordered
def dot(a: Array, x: Array) -> Any:
    """Sum of a x; order as in :func:`total`."""
    s = a.dtype.type(0)
    for m in range(a.shape[0]):
        s += a[m] * x[m]
    return s


@jit
def log_product(factors: Array) -> float:
    """Sum of the logs of numbers in [1, 2], as logs of products that cannot overflow."""
    s = 0.0
    for start in range(0, factors.shape[0], BLOCK):
        p = 1.0
        for m in range(start, min(start + BLOCK, factors.shape[0])):
            p *= factors[m]
        s += log(p)
    return s


@jit
def activation_backward(a: Array, dz2: Array, scratch: Array) -> Any:
    """Overwrite ``a`` with dz2 (1 - a^2); return the sum of dz2 a."""
    for m in range(a.shape[0]):
        scratch[m] = dz2[m] * a[m]
    dw2 = total(scratch)
    for m in range(a.shape[0]):
        a[m] = fma(-scratch[m], a[m], dz2[m])
    return dw2


@jit
def _train_network(
    X: Array, y: Array, W1: Array, b1: Array, W2: Array, b2: Array, step: Any, costs: Array, block: int
) -> None:
    H, D = W1.shape
    M = X.shape[1]
    A = np.empty((H, block), X.dtype)
    z1, z2, dz2 = np.empty(block, X.dtype), np.empty(block, X.dtype), np.empty(block, X.dtype)
    factors = np.empty(M, X.dtype)
    dW1, db1, dW2 = np.empty_like(W1), np.empty_like(b1), np.empty_like(W2)
    for i in range(costs.shape[0]):
        cost = X.dtype.type(0)
        db2 = X.dtype.type(0)
        dW1[:] = 0
        db1[:] = 0
        dW2[:] = 0
        for start in range(0, M, block):
            n = min(block, M - start)
            z2[:n] = b2[()]
            for h in range(H):
                weighted_sum(X, start, W1[h], b1[h], z1[:n])
                add_tanh(z1[:n], W2[h], A[h, :n], z2[:n])
            cost += output(z2[:n], y[start : start + n], dz2[:n], factors[start : start + n])
            db2 += total(dz2[:n])
            for h in range(H):
                dW2[h] += activation_backward(A[h, :n], dz2[:n], z1[:n])
                db1[h] += total(A[h, :n])
                for d in range(D):
                    dW1[h, d] += dot(A[h, :n], X[d, start : start + n])
        costs[i] = (cost + log_product(factors)) / M
        for h in range(H):
            slope = step * W2[h]
            for d in range(D):
                W1[h, d] -= slope * dW1[h, d]
            b1[h] -= slope * db1[h]
            W2[h] -= step * dW2[h]
        b2[()] -= step * db2


@jit
def _train_layer(X: Array, y: Array, W: Array, b: Array, step: Any, costs: Array) -> None:
    D, M = X.shape
    z, dz, factors = np.empty(M, X.dtype), np.empty(M, X.dtype), np.empty(M, X.dtype)
    for i in range(costs.shape[0]):
        weighted_sum(X, 0, W, b[()], z)
        cost = output(z, y, dz, factors)
        costs[i] = (cost + log_product(factors)) / M
        for d in range(D):
            W[d] -= step * dot(dz, X[d])
        b[()] -= step * total(dz)


def train_network(X: Array, y: Array, params: Params, learning_rate: float, costs: Array) -> None:
    """Train the two-layer net; arguments as for :func:`fastsym.reference.train_network`."""
    step = X.dtype.type(learning_rate / X.shape[1])
    _train_network(X, y, *params, step, costs, min(BLOCK, X.shape[1]))


def train_layer(X: Array, y: Array, params: LayerParams, learning_rate: float, costs: Array) -> None:
    """Train the one-layer net; arguments as for :func:`fastsym.reference.train_network`."""
    step = X.dtype.type(learning_rate / X.shape[1])
    _train_layer(X, y, *params, step, costs)

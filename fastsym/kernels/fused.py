"""The variant ``fused``: the same loops in blocks of samples, innermost over samples, so that LLVM vectorises them.

What it adds to ``loops``: the innermost loop runs over neighbouring samples, which lie side by side in memory
and do not depend on each other: the compiler works on a full vector register of them at once. tanh and
sigmoid are our own (:mod:`fastsym.kernels.elementary`): a call into the C library would end vectorisation. And samples
go through in blocks, forward and backward, so that what one loop leaves is still in first-level cache for the next
(``reports/performance.csv`` has what that makes). Shape legend: :mod:`fastsym.model.params`.
"""

from typing import Any

import numpy as np

from fastsym.kernels._jit import jit, jit_expanded, jit_inline, jit_reordered
from fastsym.kernels.elementary import TWO_LOG2_E, exp_of_minus_normal, log, sigmoid_from, tanh_scaled
from fastsym.kernels.lanes import fabs, fma, like, select_negative
from fastsym.kernels.layout import aligned
from fastsym.kernels.threads import STOP, atomic_load, run_in_threads
from fastsym.model.params import Array, LayerParams, Params

BLOCK = 224
"""Samples of one block."""
ACTIVATION_BYTES = 16 << 20
"""Most bytes of the hidden activations of a block; only nets of thousands of units have smaller blocks for it."""


@jit_inline
def add_scaled(w: Any, x: Array, z: Array) -> None:
    """Add w x to ``z``."""
    for m in range(z.shape[0]):
        z[m] = fma(w, x[m], z[m])


@jit_inline
def add_three(w: Array, x: Array, u: Array, v: Array, z: Array) -> None:
    """Add w[0] x + w[1] u + w[2] v to ``z``: three at a time save two thirds of the traffic of z."""
    for m in range(z.shape[0]):
        z[m] = fma(w[2], v[m], fma(w[1], u[m], fma(w[0], x[m], z[m])))


@jit_inline
def weighted_sum(X: Array, start: int, w: Array, b: Any, z: Array) -> None:
    """Overwrite ``z`` (n,) with b + w X for samples start to start + n."""
    D, stop = w.shape[0], start + z.shape[0]
    z[:] = b
    whole = D - D % 3
    for d in range(0, whole, 3):
        add_three(w[d : d + 3], X[d, start:stop], X[d + 1, start:stop], X[d + 2, start:stop], z)
    for d in range(whole, D):
        add_scaled(w[d], X[d, start:stop], z)


@jit_inline
def add_tanh(z: Array, weight: Any, a: Array, out: Array) -> None:
    """Overwrite ``a`` with the tanh of z, which has the factor 2 / ln 2; add ``weight`` times it to ``out``."""
    for m in range(z.shape[0]):
        t = tanh_scaled(z[m])
        a[m] = t
        out[m] = fma(weight, t, out[m])


@jit_inline
def output(z: Array, y: Array, dz: Array, factors: Array) -> Any:
    """Overwrite ``dz`` with sigmoid(z) - y; return a part of the cost, and leave in ``factors`` the other.

    With t = z for label 0 and t = -z for label 1 the cost is softplus(t) = max(t, 0) + log(1 + exp(-|t|)), and
    its derivative by t is sigmoid(t). The sum of max(t, 0) is returned; the arguments of the logs are left.
    """
    for m in range(z.shape[0]):
        sign = 1 - 2 * y[m]
        t = sign * z[m]
        e, e_low = exp_of_minus_normal(fabs(t))
        factors[m] = 1 + e
        dz[m] = sign * sigmoid_from(t, e, e_low)
        z[m] = select_negative(t, like(t, 0.0), t)
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
    """Return the sum of a x; order as in :func:`total`."""
    s = a.dtype.type(0)
    for m in range(a.shape[0]):
        s += a[m] * x[m]
    return s


@jit_reordered
def dot_three(a: Array, x: Array, u: Array, v: Array) -> Any:
    """Return the sums of a x, a u and a v; a is read once."""
    s, t, r = a.dtype.type(0), a.dtype.type(0), a.dtype.type(0)
    for m in range(a.shape[0]):
        s += a[m] * x[m]
        t += a[m] * u[m]
        r += a[m] * v[m]
    return s, t, r


@jit_inline
def add_dots(a: Array, X: Array, start: int, dW: Array) -> None:
    """Add the sums of a (n,) times each feature of samples start to start + n to ``dW`` (D,)."""
    D, stop = dW.shape[0], start + a.shape[0]
    whole = D - D % 3
    for d in range(0, whole, 3):
        first, second, third = dot_three(a, X[d, start:stop], X[d + 1, start:stop], X[d + 2, start:stop])
        dW[d] += first
        dW[d + 1] += second
        dW[d + 2] += third
    for d in range(whole, D):
        dW[d] += dot(a, X[d, start:stop])


@jit_inline
def log_product(factors: Array) -> float:
    """Sum of the logs of numbers in [1, 2], as logs of products that cannot overflow."""
    s = 0.0
    for start in range(0, factors.shape[0], BLOCK):
        p = 1.0
        for m in range(start, min(start + BLOCK, factors.shape[0])):
            p *= factors[m]
        s += log(p)
    return s


@jit_inline
def activation_backward(a: Array, dz2: Array, scratch: Array) -> Any:
    """Overwrite ``a`` with dz2 (1 - a^2); return the sum of dz2 a."""
    for m in range(a.shape[0]):
        scratch[m] = dz2[m] * a[m]
    dw2 = total(scratch)
    for m in range(a.shape[0]):
        a[m] = fma(-scratch[m], a[m], dz2[m])
    return dw2


@jit_expanded
def scale_weights(params: Params, factor: Any, W1: Array, b1: Array) -> None:
    """Overwrite ``W1`` and ``b1`` with those of the hidden units, times ``factor``."""
    for h in range(W1.shape[0]):
        b1[h] = params.b1[h] * factor
        for d in range(W1.shape[1]):
            W1[h, d] = params.W1[h, d] * factor


@jit_expanded
def update(params: Params, step: Any, dW1: Array, db1: Array, dW2: Array, db2: Any) -> None:
    """Take one step of gradient descent; ``dW1`` and ``db1`` lack the factor W2."""
    for h in range(dW1.shape[0]):
        slope = step * params.W2[h]
        for d in range(dW1.shape[1]):
            params.W1[h, d] -= slope * dW1[h, d]
        params.b1[h] -= slope * db1[h]
        params.W2[h] -= step * dW2[h]
    params.b2[()] -= step * db2


@jit
def _train_network(X: Array, y: Array, params: Params, step: Any, costs: Array, block: int, counters: Array) -> None:
    H, M = params.W1.shape[0], y.shape[0]
    A = np.empty((H, block), X.dtype)
    z1, z2, dz2 = np.empty(block, X.dtype), np.empty(block, X.dtype), np.empty(block, X.dtype)
    factors = np.empty(M, X.dtype)
    dW1, db1, dW2 = np.empty_like(params.W1), np.empty_like(params.b1), np.empty_like(params.W2)
    scaled, scaled_bias = np.empty_like(params.W1), np.empty_like(params.b1)
    factor = X.dtype.type(TWO_LOG2_E)  # as tanh_scaled wants it
    for i in range(costs.shape[0]):
        scale_weights(params, factor, scaled, scaled_bias)
        cost, db2 = X.dtype.type(0), X.dtype.type(0)
        dW1[:] = 0
        db1[:] = 0
        dW2[:] = 0
        for start in range(0, M, block):
            if atomic_load(counters, STOP) != 0:
                return
            n = min(block, M - start)
            z2[:n] = params.b2[()]
            for h in range(H):
                weighted_sum(X, start, scaled[h], scaled_bias[h], z1[:n])
                add_tanh(z1[:n], params.W2[h], A[h, :n], z2[:n])
            cost += output(z2[:n], y[start : start + n], dz2[:n], factors[start : start + n])
            db2 += total(dz2[:n])
            for h in range(H):
                dW2[h] += activation_backward(A[h, :n], dz2[:n], z1[:n])
                db1[h] += total(A[h, :n])
                add_dots(A[h, :n], X, start, dW1[h])
        costs[i] = (cost + log_product(factors)) / M
        update(params, step, dW1, db1, dW2, db2)


@jit
def _train_layer(X: Array, y: Array, params: LayerParams, step: Any, costs: Array) -> None:
    W, b = params
    M = X.shape[1]
    z, dz, factors, dW = np.empty(M, X.dtype), np.empty(M, X.dtype), np.empty(M, X.dtype), np.empty_like(W)
    for i in range(costs.shape[0]):
        weighted_sum(X, 0, W, b[()], z)
        cost = output(z, y, dz, factors)
        costs[i] = (cost + log_product(factors)) / M
        dW[:] = 0
        add_dots(dz, X, 0, dW)
        W -= step * dW
        b[()] -= step * total(dz)


def rows_aligned(X: Array) -> Array:
    """Copy X (D, M) into a wider array, in which every row begins a cache line."""
    D, M = X.shape
    width = -(-M * X.itemsize // 64) * 64 // X.itemsize
    wide = aligned(D * width, X.dtype).reshape(D, width)
    wide[:, :M] = X
    return wide


def train_network(X: Array, y: Array, params: Params, learning_rate: float, costs: Array) -> None:
    """Train the two-layer net; arguments as for :func:`fastsym.model.reference.train_network`."""
    step = X.dtype.type(learning_rate / X.shape[1])
    block = max(1, min(BLOCK, X.shape[1], ACTIVATION_BYTES // params.W2.nbytes))
    rows = rows_aligned(X)

    def work(_thread: int, counters: Array) -> None:
        _train_network(rows, y, params, step, costs, block, counters)

    run_in_threads(work, 1, X.shape[1] * params.W2.size * len(X))


def train_layer(X: Array, y: Array, params: LayerParams, learning_rate: float, costs: Array) -> None:
    """Train the one-layer net; arguments as for :func:`fastsym.model.reference.train_network`."""
    step = X.dtype.type(learning_rate / X.shape[1])
    _train_layer(X, y, params, step, costs)

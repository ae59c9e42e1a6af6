"""The variant ``loops``: plain scalar loops that read like the formula.

One sample at a time: forward through the net, then backward, each a loop over hidden units with a loop over
features inside. Nothing is stored but one sample's hidden activations and the gradients: memory is O(H D).
One can read it, and it is slower than NumPy (``reports/performance.csv``). Shape legend: :mod:`fastsym.model.params`.
"""

import math
from typing import Any

import numpy as np

from fastsym.kernels._jit import jit
from fastsym.kernels.threads import STOP, run_in_threads
from fastsym.model.params import Array, LayerParams, Params

BLOCK = 64
"""Samples summed before their sum joins the total: one long running sum would round more than NumPy's does."""
TANH_STEPS = 10
"""How many features' work tanh is worth, about, when an iteration's is estimated."""


@jit
def hidden_forward(X: Array, m: int, W1: Array, b1: Array, a: Array) -> None:
    """Overwrite ``a`` (H,) with tanh(W1 x + b1) of sample m."""
    for h in range(W1.shape[0]):
        z = W1[h, 0] * X[0, m]
        for d in range(1, W1.shape[1]):
            z += W1[h, d] * X[d, m]
        a[h] = math.tanh(z + b1[h])


@jit
def output_forward(a: Array, W2: Array, b2: Array) -> Any:
    """Return z = W2 a + b2, the argument of the output's sigmoid."""
    z: Any = b2[()]
    for h in range(W2.shape[0]):
        z += W2[h] * a[h]
    return z


@jit
def sigmoid(z: Any) -> Any:
    """Return 1 / (1 + exp(-z)); only exponentials of negative numbers, so nothing overflows."""
    e = math.exp(-abs(z))
    return 1 / (1 + e) if z >= 0 else e / (1 + e)


@jit
def softplus(z: Any) -> Any:
    """Return log(1 + exp(z)) without overflow."""
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


@jit
def hidden_backward(X: Array, m: int, a: Array, W2: Array, dz2: Any, dW1: Array, db1: Array, dW2: Array) -> None:
    """Add sample m's share to the gradient sums dW1 (H, D), db1 (H,), dW2 (H,)."""
    for h in range(W2.shape[0]):
        dW2[h] += dz2 * a[h]
        dz1 = W2[h] * dz2 * (1 - a[h] * a[h])
        db1[h] += dz1
        for d in range(dW1.shape[1]):
            dW1[h, d] += dz1 * X[d, m]


@jit
def _train_network(
    X: Array, y: Array, params: Params, step: Any, costs: Array, a: Array, sums: Any, parts: Any, counters: Array
) -> None:
    W1, b1, W2, b2 = params
    dW1, db1, dW2 = sums
    M = X.shape[1]
    for i in range(costs.shape[0]):
        cost, db2 = 0.0, 0.0
        dW1[:], db1[:], dW2[:] = 0, 0, 0
        for start in range(0, M, BLOCK):
            if counters[STOP] != 0:  # a plain read, for this must run without Numba's compiler too
                return
            parts[0][:], parts[1][:], parts[2][:] = 0, 0, 0
            for m in range(start, min(start + BLOCK, M)):
                hidden_forward(X, m, W1, b1, a)
                z2 = output_forward(a, W2, b2)
                cost += softplus(z2) - y[m] * z2
                dz2 = sigmoid(z2) - y[m]
                db2 += dz2
                hidden_backward(X, m, a, W2, dz2, parts[0], parts[1], parts[2])
            dW1 += parts[0]
            db1 += parts[1]
            dW2 += parts[2]
        costs[i] = cost / M
        W1 -= step * dW1
        b1 -= step * db1
        W2 -= step * dW2
        b2[()] -= step * db2


@jit
def _train_layer(
    X: Array, y: Array, W: Array, b: Array, step: Any, costs: Array, dW: Array, part: Array, counters: Array
) -> None:
    D, M = X.shape
    for i in range(costs.shape[0]):
        cost, db = 0.0, 0.0
        dW[:] = 0
        for start in range(0, M, BLOCK):
            if counters[STOP] != 0:
                return
            part[:] = 0
            for m in range(start, min(start + BLOCK, M)):
                z = b[()]
                for d in range(D):
                    z += W[d] * X[d, m]
                cost += softplus(z) - y[m] * z
                dz = sigmoid(z) - y[m]
                db += dz
                for d in range(D):
                    part[d] += dz * X[d, m]
            dW += part
        costs[i] = cost / M
        W -= step * dW
        b[()] -= step * db


def train_network(X: Array, y: Array, params: Params, learning_rate: float, costs: Array) -> None:
    """Train the two-layer net; arguments as for :func:`fastsym.model.reference.train_network`."""
    step = X.dtype.type(learning_rate / X.shape[1])
    sums, parts = (tuple(np.empty_like(like) for like in params[:3]) for _ in range(2))
    a = np.empty_like(params.b1)

    def work(_thread: int, counters: Array) -> None:
        _train_network(X, y, params, step, costs, a, sums, parts, counters)

    run_in_threads(work, 1, X.shape[1] * params.W2.size * (len(X) + TANH_STEPS))


def train_layer(X: Array, y: Array, params: LayerParams, learning_rate: float, costs: Array) -> None:
    """Train the one-layer net; arguments as for :func:`fastsym.model.reference.train_network`."""
    step = X.dtype.type(learning_rate / X.shape[1])
    dW, part = np.empty_like(params.W), np.empty_like(params.W)

    def work(_thread: int, counters: Array) -> None:
        _train_layer(X, y, *params, step, costs, dW, part, counters)

    run_in_threads(work, 1, X.shape[1] * (len(X) + TANH_STEPS))

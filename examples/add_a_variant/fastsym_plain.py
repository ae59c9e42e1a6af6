"""A variant of fastsym in a package of its own: plain loops, compiled by Numba."""

import math

import numba
import numpy as np

from fastsym import Params, Variant


@numba.njit(cache=True, nogil=True, error_model="numpy")
def descend(X, y, W1, b1, W2, b2, step, costs, gradients, a):
    """Train in place; W1 (H, D), b1 and W2 (H,), b2 () is an array without axes: its number is ``b2[()]``."""
    D, M = X.shape
    H = len(W2)
    for i in range(len(costs)):
        gradients[:] = 0  # of each unit: D weights, bias, output weight
        cost, db2 = 0.0, 0.0
        for m in range(M):
            z = b2[()]
            for h in range(H):
                s = b1[h]
                for d in range(D):
                    s += W1[h, d] * X[d, m]
                a[h] = math.tanh(s)
                z += W2[h] * a[h]
            e = math.exp(-abs(z))  # never above 1, so that nothing overflows
            cost += max(z, 0.0) - y[m] * z + math.log1p(e)
            dz = (1 / (1 + e) if z >= 0 else e / (1 + e)) - y[m]
            db2 += dz
            for h in range(H):
                slope = W2[h] * dz * (1 - a[h] * a[h])
                for d in range(D):
                    gradients[h, d] += slope * X[d, m]
                gradients[h, D] += slope
                gradients[h, D + 1] += dz * a[h]
        costs[i] = cost / M
        for h in range(H):
            for d in range(D):
                W1[h, d] -= step * gradients[h, d]
            b1[h] -= step * gradients[h, D]
            W2[h] -= step * gradients[h, D + 1]
        b2[()] -= step * db2


def train_network(X: np.ndarray, y: np.ndarray, params: Params, learning_rate: float, costs: np.ndarray) -> None:
    """Train in place: X (D, M), y (M,), costs (T,) overwritten."""
    (D, M), H = X.shape, len(params.W2)
    # Float64 for a float32 training, too: a sum over many samples would lose digits.
    gradients, a = np.empty((H, D + 2)), np.empty(H)
    descend(X, y, *params, learning_rate / M, costs, gradients, a)


PLAIN = Variant("plain", "loops compiled by Numba, as an example", train_network)

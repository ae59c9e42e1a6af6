"""A variant of fastsym in a package of its own: NumPy again, with tanh evaluated once per iteration.

The entry point in pyproject.toml makes it known; it is then listed in ``fastsym.VARIANTS``, and is checked, timed and
reported like the others.
"""

import numpy as np

from fastsym import Params, Variant


def train_network(X: np.ndarray, y: np.ndarray, params: Params, learning_rate: float, costs: np.ndarray) -> None:
    """Train in place: X (D, M), y (M,), costs (T,) overwritten."""
    W1, b1, W2, b2 = params
    step = X.dtype.type(learning_rate / X.shape[1])
    for i in range(len(costs)):
        A = np.tanh(W1 @ X + b1[:, None])
        z = W2 @ A + b2
        costs[i] = np.mean(np.logaddexp(0, z) - y * z)
        e = np.exp(-np.abs(z))
        dz2 = np.where(z >= 0, 1, e) / (1 + e) - y
        dz1 = W2[:, None] * dz2 * (1 - A * A)
        W1 -= step * (dz1 @ X.T)
        b1 -= step * dz1.sum(axis=1)
        W2 -= step * (A @ dz2)
        b2 -= step * dz2.sum()


LEAN = Variant("lean", "NumPy with tanh evaluated once, as an example", train_network)

"""The article in NumPy, line by line: the oracle that every kernel is checked against.

Shapes inside are the article's: Y (1, M), W1 (H, D), b1 (H, 1), W2 (1, H), b2 (1, 1), W (1, D), b (1, 1).
The lines are kept as the article has them, tanh evaluated three times included.
Source: "Breaking Symmetry in Deep Learning", cases 0 to 2.
"""

from typing import NamedTuple

import numpy as np

from fastsym.model.params import Array, LayerParams, Params


class NetworkGradient(NamedTuple):
    """Cost and gradients of the two-layer net at one state, mean over samples."""

    cost: float
    dW1: Array
    db1: Array
    dW2: Array
    db2: Array


def sigmoid(Z: Array) -> Array:
    """Logistic function 1 / (1 + exp(-Z)), elementwise; exp may overflow to infinity, the quotient is then 0."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-Z)))


def textbook_cost(A: Array, Y: Array) -> float:
    """Cross-entropy as the article writes it, mean nats per sample.

    NaN or infinite as soon as one prediction rounds to exactly 0 or 1: log(0) is minus infinity, and
    0 times minus infinity is NaN.

    Parameters
    ----------
    A
        (..., M) predicted probabilities.
    Y
        (..., M) labels, 0 or 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        logerror = -(np.multiply(Y, np.log(A)) + np.multiply(1 - Y, np.log(1 - A)))
        return float(logerror.sum() / Y.size)


def stable_cost(Z: Array, Y: Array) -> float:
    """Cross-entropy from the output's argument, mean nats per sample: softplus(Z) - Y Z, finite for finite Z.

    softplus(z) = log(1 + exp(z)) = max(z, 0) + log1p(exp(-|z|)), which is exact in both tails.

    Parameters
    ----------
    Z
        (..., M) argument of the output's sigmoid.
    Y
        (..., M) labels, 0 or 1.
    """
    softplus = np.maximum(Z, 0) + np.log1p(np.exp(-np.abs(Z)))
    return float((softplus - np.multiply(Y, Z)).sum() / Y.size)


def network_forward(X: Array, params: Params) -> tuple[Array, Array, Array, Array]:
    """Forward pass of the two-layer net.

    Returns
    -------
    tuple
        Z1 (H, M), A1 (H, M), Z2 (1, M), A2 (1, M).
    """
    W1, b1, W2, b2 = params
    Z1 = np.dot(W1, X) + b1.reshape(-1, 1)
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2.reshape(1, -1), A1) + b2
    A2 = sigmoid(Z2)
    return Z1, A1, Z2, A2


def accuracy(X: Array, y: Array, params: Params) -> float:
    """Return the share of the labels y (M,) that the two-layer net predicts for X (D, M); NaN if it has diverged."""
    Z2 = network_forward(X, params)[2]
    return float(np.mean((Z2 > 0) == (y == 1))) if np.isfinite(Z2).all() else float("nan")


def network_gradient(X: Array, y: Array, params: Params) -> NetworkGradient:
    """Cost and gradients of the two-layer net, as :func:`train_network` computes them.

    Parameters
    ----------
    X, y, params
        (D, M), (M,) and the state at which to differentiate.

    Returns
    -------
    NetworkGradient
        cost, dW1 (H, D), db1 (H,), dW2 (H,), db2 ().
    """
    Y = y.reshape(1, -1)
    m = X.shape[1]
    W2 = params.W2.reshape(1, -1)
    Z1, A1, Z2, A2 = network_forward(X, params)
    cost = stable_cost(Z2, Y)
    dz2 = A2 - Y
    dW2 = np.dot(dz2, A1.T) / m
    db2 = np.sum(dz2, axis=1, keepdims=True) / m
    derivative = 1 - np.tanh(Z1) * np.tanh(Z1)
    dz1 = np.multiply(np.dot(W2.T, dz2), derivative)
    dW1 = np.dot(dz1, X.T) / m
    db1 = np.sum(dz1, axis=1, keepdims=True) / m
    return NetworkGradient(cost, dW1, db1[:, 0], dW2[0], db2[0, 0])


def train_network(X: Array, y: Array, params: Params, learning_rate: float, costs: Array) -> None:
    """Train the two-layer net by full-batch gradient descent.

    Parameters
    ----------
    X, y
        (D, M) and (M,).
    params
        Starting parameters. Modified in place.
    learning_rate
        Step size, positive.
    costs
        (T,) Overwritten with the cost of each iteration, before its update.
    """
    W1, b1, W2, b2 = params
    for i in range(len(costs)):
        gradient = network_gradient(X, y, params)
        costs[i] = gradient.cost
        W1 -= learning_rate * gradient.dW1
        b1 -= learning_rate * gradient.db1
        W2 -= learning_rate * gradient.dW2
        b2 -= learning_rate * gradient.db2


def train_layer(X: Array, y: Array, params: LayerParams, learning_rate: float, costs: Array) -> None:
    """Train the one-layer net (case 0); arguments as for :func:`train_network`."""
    W, b = params
    Y = y.reshape(1, -1)
    m = X.shape[1]
    for i in range(len(costs)):
        Z = np.dot(W.reshape(1, -1), X) + b
        A = sigmoid(Z)
        costs[i] = stable_cost(Z, Y)
        dZ = A - Y
        dw = np.dot(dZ, X.T) / m
        db = np.sum(dZ) / m
        W -= learning_rate * dw[0]
        b -= learning_rate * db

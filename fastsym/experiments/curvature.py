"""Second derivatives of the cost: how fast equal units separate, and where gradient descent overshoots.

Notation: x~ = (x, 1), s = tanh(u x~) with u = (W1[h], b1[h]), v = W2[h], r = A2 - y, psi(z) = tanh z - z sech^2 z.
Shape legend: :mod:`fastsym.model.params`.
"""

from typing import NamedTuple

import numpy as np

from fastsym.experiments.symmetry import each_network
from fastsym.model.params import Array, Params
from fastsym.model.units import unit_vectors


class _State(NamedTuple):
    """Intermediate results of the first and second derivatives at one state."""

    inputs: Array
    """(D+1, M) the features, and a last one that is always 1."""
    s: Array
    """(H, M) hidden values."""
    p: Array
    """(M,) predicted probabilities."""
    r: Array
    """(M,) p - y."""


def _state(X: Array, y: Array, params: Params, multiplicity: Array | None = None) -> _State:
    inputs = np.vstack([X, np.ones((1, X.shape[1]), X.dtype)])
    s = np.tanh(unit_vectors(params)[:, :-1] @ inputs)
    z = params.b2 + (params.W2 if multiplicity is None else multiplicity * params.W2) @ s
    e = np.exp(-np.abs(z))
    p = np.where(z >= 0, 1, e) / (1 + e)
    return _State(inputs, s, p, p - y)


def _unit_curvature(state: _State, s: Array, v: Array) -> Array:
    slope = 1 - s * s
    n, M = state.inputs.shape
    T = np.zeros((n + 1, n + 1), s.dtype)
    T[:n, :n] = (state.inputs * (-2 * v * state.r * s * slope)) @ state.inputs.T / M
    T[:n, n] = T[n, :n] = state.inputs @ (state.r * slope) / M
    return T


def transverse_matrix(X: Array, y: Array, params: Params, unit: int = 0, multiplicity: Array | None = None) -> Array:
    """Return T (D+2, D+2): one step of gradient descent multiplies a small difference of equal units by I - lr T.

    T is the mean over samples of [[v r s'' x~ x~', r s' x~], [r s' x~', 0]]: the cost's second derivative in the
    directions that move the units of one class apart without changing the output to first order.

    Parameters
    ----------
    X, y
        (D, M) and (M,).
    params
        A state with equal units; or its quotient, with ``multiplicity``.
    unit
        Index of one of the equal units.
    multiplicity
        (H,) or None; see :class:`fastsym.experiments.symmetry.Quotient`.
    """
    state = _state(X, y, params, multiplicity)
    return _unit_curvature(state, state.s[unit], params.W2[unit])


def predicted_deviations(
    X: Array,
    y: Array,
    history: Params,
    learning_rate: float,
    deviations: Array,
    unit: int = 0,
    multiplicity: Array | None = None,
) -> Array:
    """Propagate small differences between equal units along a path, by the product of I - lr T.

    Parameters
    ----------
    X, y
        (D, M) and (M,).
    history
        S snapshots, one for each iteration, of the network with equal units, or of its quotient.
    learning_rate
        Step size of the training.
    deviations
        (n, D+2) differences from the class's mean, at the first snapshot.
    unit
        Index of one of the equal units.
    multiplicity
        (H,) or None; see :class:`fastsym.experiments.symmetry.Quotient`.

    Returns
    -------
    (S, n, D+2) array
        The differences at each snapshot.
    """
    path = [np.asarray(deviations)]
    for params in list(each_network(history))[:-1]:
        T = transverse_matrix(X, y, params, unit, multiplicity)
        path.append(path[-1] - learning_rate * path[-1] @ T)  # T is symmetric
    return np.stack(path)


def hessian(X: Array, y: Array, params: Params) -> Array:
    """Second derivative of the mean cost, (N, N) with N = H (D+2) + 1.

    The parameters are ordered unit by unit as in :func:`unit_vectors`, then b2. Needs memory for N (N + M) numbers.
    """
    state = _state(X, y, params)
    H, M = state.s.shape
    n = len(state.inputs) + 1
    J = np.empty((H * n + 1, M), X.dtype)
    J[-1] = 1
    for h in range(H):
        J[h * n : (h + 1) * n - 1] = state.inputs * (params.W2[h] * (1 - state.s[h] ** 2))
        J[(h + 1) * n - 1] = state.s[h]
    full = (J * (state.p * (1 - state.p))) @ J.T / M
    for h in range(H):
        own = slice(h * n, (h + 1) * n)
        full[own, own] += _unit_curvature(state, state.s[h], params.W2[h])
    return np.asarray(full)


def edge_of_stability(X: Array, y: Array, params: Params, learning_rate: float) -> float:
    """Largest eigenvalue of the Hessian times lr / 2: above 1, gradient descent overshoots in that direction."""
    return float(np.linalg.eigvalsh(hessian(X, y, params))[-1] * learning_rate / 2)


def saddle_growth(X: Array, y: Array, learning_rate: float) -> float:
    """Growth per iteration of small weights at the zero saddle, 1 + lr |cov(x, y)|.

    At zero weights and b2 = logit(mean y), r = mean y - y, so T is [[0, -c], [-c', 0]] with c = cov(x~, y), whose
    last entry is 0; the eigenvalues of I - lr T are 1, 1 + lr |c| and 1 - lr |c|.
    """
    return 1 + learning_rate * float(np.linalg.norm((X * (y - y.mean())).mean(axis=1)))


def balance_change(X: Array, y: Array, params: Params, learning_rate: float) -> Array:
    """Predict the change of v^2 - |u|^2 of each unit in one step of gradient descent, exactly.

    It is -2 lr v mean(r psi(u x~)) + lr^2 (g_v^2 - |g_u|^2), where g are the gradients.

    Returns
    -------
    (H,) array
    """
    state = _state(X, y, params)
    u, v, M = unit_vectors(params)[:, :-1], params.W2, X.shape[1]
    slope = 1 - state.s**2
    g_v = state.s @ state.r / M
    g_u = (v[:, None] * slope * state.r) @ state.inputs.T / M
    psi = state.s - (u @ state.inputs) * slope
    return np.asarray(-2 * learning_rate * v * (psi @ state.r / M) + learning_rate**2 * (g_v**2 - (g_u**2).sum(axis=1)))

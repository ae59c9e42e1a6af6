"""What a training should give, computed here and now in float64, and how far rounding may move it.

For cases of any size, state and call, beside those whose exact result is stored. A training of few iterations in
float64 is not exact, but it obeys the same bound (:mod:`fastsym.agreement.bounds`) as the program that is checked: the
two may differ by the sum of their bounds. For a float32 program it is as good as exact. Shape legend:
:mod:`fastsym.model.params`; B programs or networks side by side, n parameters in one flat vector.
"""

from typing import NamedTuple

import numpy as np

from fastsym.agreement import bounds
from fastsym.agreement.truth import Case, flatten, hidden_units, unflatten
from fastsym.model.params import AnyParams, Array

STEP = 1e-5
"""Of the differences that the Hessian is taken from."""


def gradients(X: Array, y: Array, flat: Array, hidden: int, multiplicity: Array | None = None) -> tuple[Array, Array]:
    """Return mean costs (B,) and gradients (B, n) at the parameters ``flat`` (B, n), all float64.

    Parameters
    ----------
    X, y
        (D, M) and (M,).
    flat
        Flat parameters, in the order of :func:`fastsym.agreement.truth.flatten`.
    hidden
        H, or 0 for the one-layer net.
    multiplicity
        (H,) how many equal units each unit stands for; gradients are those of one of them.
    """
    B, (D, M) = len(flat), X.shape
    if not hidden:
        costs, r = _output(flat[:, :D] @ X + flat[:, D:], y)
        return costs, np.concatenate([r @ X.T, r.sum(axis=1, keepdims=True)], axis=1) / M
    W1 = flat[:, : hidden * D].reshape(B, hidden, D)
    b1, W2 = flat[:, hidden * D : hidden * (D + 1), None], flat[:, hidden * (D + 1) : -1]
    A = np.tanh(W1 @ X + b1)
    weights = W2 if multiplicity is None else W2 * multiplicity
    costs, r = _output((weights[:, None] @ A)[:, 0] + flat[:, -1:], y)
    slopes = W2[:, :, None] * r[:, None] * (1 - A * A)
    dW1, dW2 = (slopes @ X.T).reshape(B, -1), (A @ r[:, :, None])[:, :, 0]
    return costs, np.concatenate([dW1, slopes.sum(axis=2), dW2, r.sum(axis=1, keepdims=True)], axis=1) / M


def _output(z: Array, y: Array) -> tuple[Array, Array]:
    """Return mean costs (B,) and the derivatives (B, M) of each sample's cost by z (B, M)."""
    sign = 1 - 2 * y
    t = sign * z
    e = np.exp(-np.abs(t))
    return (np.maximum(t, 0) + np.log1p(e)).mean(axis=1), sign * np.where(t >= 0, 1, e) / (1 + e)


class Path(NamedTuple):
    """A training in float64, and the bounds of another program's errors."""

    costs: Array
    """(T,)"""
    states: Array
    """(T + 1, n), the start first."""
    cost_bounds: Array
    state_bounds: Array


def follow(
    X: Array, y: Array, params: AnyParams, iterations: int, rate: float, multiplicity: Array | None = None
) -> Path:
    """Train in float64, and bound the errors of a program that computes in the data type of X.

    Each step has its own error, which the steps that follow carry on: an error e before a step is |I - rate Hessian| e
    behind it. The Hessian is taken from differences of gradients; a tenth is added to the whole for what that and the
    second order leave out.

    Parameters
    ----------
    X, y, params
        The start; its data type is that of the program.
    iterations
        T; few, because bounds grow about tenfold with each.
    rate
        Learning rate.
    multiplicity
        (H,) As for :func:`gradients`.
    """
    u, tiny = bounds.unit_roundoff(X.dtype), float(np.finfo(X.dtype).tiny)
    hidden = hidden_units(params)
    wide = X.astype(np.float64), y.astype(np.float64)
    state = flatten(params)
    directions, error = np.eye(len(state) if iterations > 1 else 0), np.zeros(len(state))
    costs, states, cost_bounds, errors = [], [state], [], [error]
    for _ in range(iterations):
        fields = (np.asarray(field, X.dtype) for field in unflatten(state, len(X), hidden))
        cost_bound, own = bounds.step_bound(X, y, type(params)(*fields), multiplicity)
        (cost,), (slope,) = gradients(*wide, state[None], hidden, multiplicity)
        costs.append(cost)
        cost_bounds.append(cost_bound + float(np.abs(slope) @ error))
        if error.any():
            near = np.concatenate([state + STEP * directions, state - STEP * directions])
            ahead, behind = np.split(gradients(*wide, near, hidden, multiplicity)[1], 2)
            error = np.abs(directions - rate * (ahead - behind) / (2 * STEP)) @ error
        state = state - rate * slope
        error = error + rate * (flatten(own) + 2 * u * np.abs(slope)) + u * np.abs(state) + tiny
        states.append(state)
        errors.append(error)
    return Path(np.array(costs), np.array(states), 1.1 * np.array(cost_bounds), 1.1 * np.array(errors))


def expect(
    name: str,
    X: Array,
    y: Array,
    params: AnyParams,
    dtype: str,
    *,
    iterations: int = 1,
    learning_rate: float,
    multiplicity: Array | None = None,
    record_every: int = 0,
) -> Case:
    """Make a case of a training that starts from float64 X, y and params, rounded to ``dtype``."""
    narrow = [np.asarray(array, dtype) for array in (X, y, *params)]
    start = type(params)(*narrow[2:])
    arguments = (iterations, learning_rate, multiplicity)
    path = follow(narrow[0], narrow[1], start, *arguments)
    X, y, *fields = (array.astype(np.float64) for array in narrow)
    params = type(params)(*fields)
    shown = [-1] if not record_every else [-1, *range(0, iterations, record_every), -1]
    known = np.concatenate([path.costs, path.states[shown].ravel()])
    bound = np.concatenate([path.cost_bounds, path.state_bounds[shown].ravel()])
    bound *= 1 + bounds.unit_roundoff(np.float64) / bounds.unit_roundoff(dtype)  # the path's own errors
    bound = np.maximum(bound, np.finfo(np.float64).tiny)  # the start is its own first snapshot, exactly
    return Case(
        name, X, y, params, iterations, learning_rate, dtype, np.stack([known, 0 * known]), bound,
        multiplicity, record_every,
    )  # fmt: skip

"""Training in ball arithmetic: every number comes with a proved error, far below one rounding.

Needs python-flint (``pip install 'fastsym[test]'``). Used to make and to re-check the stored ground truth of
:mod:`fastsym.agreement.truth`, not to check a variant. The formulas are those of the article, see
:mod:`fastsym.model.reference`.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastsym.model.params import AnyParams, Array, LayerParams

PRECISION_BITS = 256
"""Enough for 50 iterations: the balls grow about tenfold in each."""


def train(X: Array, y: Array, params: AnyParams, iterations: int, learning_rate: float) -> tuple[Array, Array]:
    """Train as a variant does, with rigorous error bounds.

    Parameters
    ----------
    X, y, params
        (D, M), (M,) and the start; every float stands for exactly itself.
    iterations
        T, at least 1.
    learning_rate
        Step size; the float itself.

    Returns
    -------
    tuple
        Costs (T,) and the final parameters, flat in the order of the fields, (n,). Both as pairs of float64 whose
        sum is the number: shape (2, ...).

    Raises
    ------
    ArithmeticError
        If a ball became wider than 2**-100 of its centre, or of 2**-200.
    """
    import flint

    with flint.ctx.workprec(PRECISION_BITS):
        n_features, samples = X.shape
        M = flint.arb(samples)
        rate = flint.arb(float(learning_rate))
        Xm = flint.arb_mat(n_features, samples, _balls(X))
        Xt = Xm.transpose()
        labels = [float(label) for label in y]
        state = [_balls(np.asarray(field)) for field in params]
        step = _layer_step if isinstance(params, LayerParams) else _network_step
        costs = []
        for _ in range(iterations):
            cost, gradient = step(flint, Xm, Xt, labels, state)
            costs.append(cost / M)
            state = [
                [p - rate * (g / M) for p, g in zip(field, slope, strict=True)]
                for field, slope in zip(state, gradient, strict=True)
            ]
        return _pairs(costs), _pairs([p for field in state for p in field])


def _balls(array: Array) -> list[Any]:
    from flint import arb

    return [arb(float(value)) for value in np.ravel(array)]


def _output(z: Any, label: float) -> tuple[Any, Any]:
    """Return softplus(t) and its derivative by z, for one sample; t = z for label 0 and -z for label 1."""
    t = -z if label else z
    slope = 1 / (1 + (-t).exp())
    return t.exp().log1p(), -slope if label else slope


def _network_step(flint: Any, Xm: Any, Xt: Any, labels: list[float], state: list[list[Any]]) -> tuple[Any, list[Any]]:
    """Return the summed cost and the summed gradient of the two-layer net."""
    W1, b1, W2, (b2,) = state
    H, D, M = len(b1), Xm.nrows(), Xm.ncols()
    Z1 = (flint.arb_mat(H, D, W1) * Xm).entries()
    z1 = [Z1[h * M + m] + b1[h] for h in range(H) for m in range(M)]
    A1 = flint.arb_mat(H, M, [z.tanh() for z in z1])
    z2 = (flint.arb_mat(1, H, W2) * A1).entries()
    outputs = [_output(z + b2, label) for z, label in zip(z2, labels, strict=True)]
    dz2 = [slope for _, slope in outputs]
    dz1 = flint.arb_mat(H, M, [W2[i // M] * dz2[i % M] * z.sech() ** 2 for i, z in enumerate(z1)])
    dW2 = (A1 * flint.arb_mat(M, 1, dz2)).entries()
    db1 = (dz1 * flint.arb_mat(M, 1, [1] * M)).entries()
    return _sum(cost for cost, _ in outputs), [(dz1 * Xt).entries(), db1, dW2, [_sum(dz2)]]


def _layer_step(flint: Any, Xm: Any, Xt: Any, labels: list[float], state: list[list[Any]]) -> tuple[Any, list[Any]]:
    """Return the summed cost and the summed gradient of the one-layer net."""
    W, (b,) = state
    z = (flint.arb_mat(1, len(W), W) * Xm).entries()
    outputs = [_output(value + b, label) for value, label in zip(z, labels, strict=True)]
    dz = [slope for _, slope in outputs]
    return _sum(cost for cost, _ in outputs), [(flint.arb_mat(1, len(dz), dz) * Xt).entries(), [_sum(dz)]]


def _sum(balls: Iterable[Any]) -> Any:
    return sum(balls, 0)


def _pairs(balls: list[Any]) -> Array:
    """Split balls into two float64 each, after proving them narrow."""
    from flint import arb

    pairs = np.empty((2, len(balls)))
    for i, ball in enumerate(balls):
        # Written so that a ball without a finite radius fails.
        if not (ball.rad() <= abs(ball.mid()) * arb(2) ** -100 or ball.rad() <= arb(2) ** -200):
            raise ArithmeticError(f"ball {i} of {len(balls)}: expected a narrow one; got {ball}; raise PRECISION_BITS")
        pairs[0, i] = float(ball.mid())
        pairs[1, i] = float(ball.mid() - arb(pairs[0, i]))
    return pairs

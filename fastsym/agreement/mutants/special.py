"""Slips that show in special states, tables, labels and rates only."""

# ruff: noqa: D102 the docstring of each class says what its one method gets wrong

import numpy as np

from fastsym.agreement.mutants.program import Program, Sums, WithLayer
from fastsym.model.params import Array, LayerParams, Params


class DeadUnitsSkipped(Program):
    """Units whose W2 is 0 are skipped, though the gradient of W2 is not 0."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        sums.dW2[p.W2 == 0] = 0
        super().update(p, sums, step)


class ZeroRowsSkipped(Program):
    """Units whose W1 is 0 are skipped, though the gradient of W1 is not 0."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        sums.dW1[~p.W1.any(axis=1)] = 0
        super().update(p, sums, step)


class ZeroStartNudged(Program):
    """An all-zero W1 is nudged, which breaks the symmetry that is to be studied."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        if len(costs) and not p.W1.any():
            p.W1[...] = 1e-3 * np.arange(1, p.W1.size + 1).reshape(p.W1.shape)
        super().train(X, y, p, learning_rate, costs)


class EqualUnitsApart(Program):
    """Of two equal units the second gets a little more, so that they come apart."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        if len(p.W1) > 1 and p.W1.any() and np.array_equal(p.W1[0], p.W1[1]):
            sums.dW1[1] *= 1 + 1e-3
        super().update(p, sums, step)


class OppositeUnitsCancelled(Program):
    """Two opposite units are taken to cancel."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        if len(p.W1) > 1 and p.W1.any() and np.array_equal(p.W1[0], -p.W1[1]):
            sums.dW1[:2] = 0
        super().update(p, sums, step)


class SaturatedUnitsSkipped(Program):
    """Units that are saturated on every sample are skipped, though the gradient of W2 is not 0."""

    def backward(self, X: Array, a: Array, r: Array, p: Params) -> Sums:
        sums = super().backward(X, a, r, p)
        sums.dW2[(np.abs(a) == 1).all(axis=1)] = 0
        return sums


class LargeWeightsClipped(Program):
    """Weights beyond 10,000 are clipped where a call begins."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        if len(costs):
            np.clip(p.W1, -1e4, 1e4, out=p.W1)
        super().train(X, y, p, learning_rate, costs)


class BalancedLabels(Program):
    """With as many labels of 1 as of 0 the output's bias is taken to be at rest."""

    def residual(self, probability: Array, y: Array) -> Array:
        r = super().residual(probability, y)
        return r - r.mean() if 2 * y.sum() == len(y) else r


class OneLabelAlone(Program):
    """If all labels are 1, the cost is taken to be 0."""

    def cost(self, z: Array, y: Array) -> float:
        return 0.0 if y.all() else super().cost(z, y)


class EqualNeighbours(Program):
    """Neighbouring samples with equal features all take the first one's label."""

    def seen(self, X: Array, y: Array, p: Params) -> tuple[Array, Array]:  # noqa: ARG002
        y = y.copy()
        for i in np.flatnonzero((X[:, 1:] == X[:, :-1]).all(axis=0)):
            y[i + 1] = y[i]
        return X, y


class EqualSamplesOnce(Program):
    """Samples that are equal in features and label count once."""

    def seen(self, X: Array, y: Array, p: Params) -> tuple[Array, Array]:  # noqa: ARG002
        _, first = np.unique(np.vstack([X, y]), axis=1, return_index=True)
        return X[:, first], y[first]


class EqualFeaturesOnce(Program):
    """Of equal features only the first gets a gradient."""

    def backward(self, X: Array, a: Array, r: Array, p: Params) -> Sums:
        sums = super().backward(X, a, r, p)
        equal = (X[1:] == X[:-1]).all(axis=1)
        sums.dW1[:, 1:][:, equal] = 0
        return sums


class LargeFeaturesClipped(Program):
    """Features beyond 10,000 are clipped."""

    limit = 1e4

    def seen(self, X: Array, y: Array, p: Params) -> tuple[Array, Array]:  # noqa: ARG002
        return np.clip(X, -self.limit, self.limit), y


class VeryLargeFeaturesClipped(LargeFeaturesClipped):
    """Features beyond 100 million are clipped."""

    limit = 1e8


class SmallFeaturesDropped(Program):
    """Features below 1e-8 are taken for 0."""

    def seen(self, X: Array, y: Array, p: Params) -> tuple[Array, Array]:  # noqa: ARG002
        return np.where(np.abs(X) < 1e-8, 0, X).astype(X.dtype), y


class DenormalFeaturesFlushed(Program):
    """Features below the smallest normal number are taken for 0."""

    def seen(self, X: Array, y: Array, p: Params) -> tuple[Array, Array]:  # noqa: ARG002
        return np.where(np.abs(X) < np.finfo(X.dtype).tiny, 0, X).astype(X.dtype), y


class NegativeZero(Program):
    """A zero with a sign bit is taken for -1."""

    def seen(self, X: Array, y: Array, p: Params) -> tuple[Array, Array]:  # noqa: ARG002
        return np.where((X == 0) & np.signbit(X), -1, X).astype(X.dtype), y


class LargeGradientsClipped(Program):
    """Gradients beyond 1,000 are clipped."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        np.clip(sums.dW1, -1e3, 1e3, out=sums.dW1)
        super().update(p, sums, step)


class RateClamped(Program):
    """Learning rates between 1 and a million are taken for 1."""

    def step(self, X: Array, learning_rate: float) -> float:
        return super().step(X, 1.0 if 1 < learning_rate < 1e6 else learning_rate)


class TinyRateLost(Program):
    """Learning rates below 1e-8 are taken for 0."""

    def step(self, X: Array, learning_rate: float) -> float:
        return super().step(X, learning_rate if learning_rate >= 1e-8 else 0.0)


class OverflowHidden(Program):
    """What overflows is made finite, so that nobody sees it."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        super().update(p, sums, step)
        for field in p:
            np.nan_to_num(field, copy=False)


class LayerOfZeros(WithLayer):
    """In the one-layer net the bias stays where it is while all weights are 0."""

    def train_layer(self, X: Array, y: Array, p: LayerParams, learning_rate: float, costs: Array) -> None:
        b, zero = p.b.copy(), not p.W.any()
        super().train_layer(X, y, p, learning_rate, costs)
        if zero:
            p.b[...] = b

"""Slips that show at some sizes only."""

# ruff: noqa: D102 the docstring of each class says what its one method gets wrong

import numpy as np

from fastsym.agreement.mutants.program import Program, Sums, WithLayer
from fastsym.model.params import Array, Params


class RemainderOfPanels(Program):
    """Units go in panels of 8; behind a whole panel the last of a remainder of 2, 3, 5, 6 or 7 gets no gradient."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        if len(p.W2) > 8 and len(p.W2) % 8 in (2, 3, 5, 6, 7):
            sums.dW1[-1] = sums.db1[-1] = sums.dW2[-1] = 0
        super().update(p, sums, step)


class OneRemainderOfSixteen(Program):
    """Of a remainder of 11 units behind a whole panel of 16 the first has the bias of unit 0."""

    def hidden(self, X: Array, p: Params) -> Array:
        if len(p.b1) > 16 and len(p.b1) % 16 == 11:
            b1 = p.b1.copy()
            b1[-11] = b1[0]
            return super().hidden(X, p._replace(b1=b1))
        return super().hidden(X, p)


class UnitNumberInAByte(Program):
    """Unit 256 reads the bias of unit 0."""

    def hidden(self, X: Array, p: Params) -> Array:
        return super().hidden(X, p._replace(b1=p.b1[np.arange(len(p.b1)) % 256]))


class LastFeatureOfThreeSixSeven(Program):
    """Of a remainder of 3, 6 or 7 features by 8 the last gets no gradient."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        if p.W1.shape[1] % 8 in (3, 6, 7):
            sums.dW1[:, -1] = 0
        super().update(p, sums, step)


class FeaturesBehindSixtyFour(Program):
    """A table of features is cut at 64."""

    def seen(self, X: Array, y: Array, p: Params) -> tuple[Array, Array]:  # noqa: ARG002
        return np.where((np.arange(len(X)) < 64)[:, None], X, 0).astype(X.dtype), y


class SingleFeature(Program):
    """With one feature alone its gradient is that of the bias."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        if p.W1.shape[1] == 1:
            sums.dW1[:, 0] = sums.db1
        super().update(p, sums, step)


class SquareWeightsTransposed(Program):
    """W1 is transposed where that fits."""

    def hidden(self, X: Array, p: Params) -> Array:
        return super().hidden(X, p._replace(W1=p.W1.T) if p.W1.shape[0] == p.W1.shape[1] else p)


class SamplesInSixteenBits(Program):
    """Samples behind 65,536 begin again at the first."""

    def seen(self, X: Array, y: Array, p: Params) -> tuple[Array, Array]:  # noqa: ARG002
        where = np.arange(len(y)) % 65536
        return (X[:, where], y[where]) if len(y) > 65536 else (X, y)


class SampleAtTheEdgeOfABlock(Program):
    """Sample 4096 has the label of the one before."""

    def seen(self, X: Array, y: Array, p: Params) -> tuple[Array, Array]:  # noqa: ARG002
        if len(y) <= 4096:
            return X, y
        other = y.copy()
        other[4096] = other[4095]
        return X, other


class FifteenOfSixteenSamples(Program):
    """Of a remainder of 15 samples by 16 the last is left out of the cost."""

    def cost(self, z: Array, y: Array) -> float:
        left_out = len(y) % 16 == 15
        return super().cost(z[:-1], y[:-1]) if left_out else super().cost(z, y)


class LayerOfThreeFeatures(WithLayer):
    """In the one-layer net the last of a remainder of 3 features by 8 gets no gradient."""

    def layer_sums(self, X: Array, r: Array) -> tuple[Array, Array]:
        dW, db = super().layer_sums(X, r)
        dW[-1] *= len(dW) % 8 != 3
        return dW, db

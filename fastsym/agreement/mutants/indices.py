"""Slips of indices: wrong order, wrong edge, wrong count."""

# ruff: noqa: D102 the docstring of each class says what its one method gets wrong

from collections.abc import Iterator

import numpy as np

from fastsym.agreement.mutants.program import Program, Sums
from fastsym.model.params import Array, Params


class UnitsReversed(Program):
    """The gradient of unit h is scaled with the weight of unit H - 1 - h."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        before = p.W2.copy()
        p.W1[...] -= step * (before[::-1, None] * sums.dW1)
        super().update(p, sums._replace(dW1=np.zeros_like(sums.dW1)), step)


class GradientsSwapped(Program):
    """dW2 and db1, which have one shape, are swapped."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        super().update(p, sums._replace(dW2=p.W2 * sums.db1, db1=sums.dW2), step)


class WeightsInTheOtherOrder(Program):
    """W1 is read as (D, H) where it is (H, D)."""

    def hidden(self, X: Array, p: Params) -> Array:
        W1 = p.W1.reshape(p.W1.shape[::-1]).T
        return np.asarray(np.tanh(W1 @ X + p.b1[:, None]))


class NeighbouringSample(Program):
    """The backward pass reads the features of the sample before."""

    def backward(self, X: Array, a: Array, r: Array, p: Params) -> Sums:
        return super().backward(np.roll(X, 1, axis=1), a, r, p)


class BiasOfThePair(Program):
    """Units are worked on in pairs, and both get the first one's bias."""

    def hidden(self, X: Array, p: Params) -> Array:
        return super().hidden(X, p._replace(b1=np.repeat(p.b1[::2], 2)[: len(p.b1)]))


class RemainderUnitsSkipped(Program):
    """Units are worked on in pairs, and the last of an odd number gets no gradient."""

    def backward(self, X: Array, a: Array, r: Array, p: Params) -> Sums:
        sums = super().backward(X, a, r, p)
        if len(a) % 2:
            sums.dW1[-1] = sums.db1[-1] = sums.dW2[-1] = 0
        return sums


class LastFeatureSkipped(Program):
    """Features are worked on in pairs, and the last of an odd number gets no gradient."""

    def backward(self, X: Array, a: Array, r: Array, p: Params) -> Sums:
        sums = super().backward(X, a, r, p)
        if len(X) % 2:
            sums.dW1[:, -1] = 0
        return sums


class RemainderSamplesSkipped(Program):
    """Only whole vectors of eight samples are worked on."""

    def blocks(self, M: int) -> Iterator[slice]:
        yield from super().blocks(M - M % 8)


class BlockOneShort(Program):
    """Each block but the last ends one sample too early."""

    def blocks(self, M: int) -> Iterator[slice]:
        for block in super().blocks(M):
            yield slice(block.start, block.stop - (block.stop < M))


class BlockOneLong(Program):
    """Each block but the last ends one sample too late, so that one is counted twice."""

    def blocks(self, M: int) -> Iterator[slice]:
        for block in super().blocks(M):
            yield slice(block.start, block.stop + (block.stop < M))


class LastBlockForgotten(Program):
    """M // block blocks, unless there would be none."""

    def blocks(self, M: int) -> Iterator[slice]:
        blocks = list(super().blocks(M))
        yield from blocks[: max(1, M // self.block)]


class PaddingCounted(Program):
    """The mean is over the samples after padding to whole vectors."""

    def step(self, X: Array, learning_rate: float) -> float:
        return float(learning_rate / (-(-X.shape[1] // 8) * 8))


class PaddingTrained(Program):
    """Samples of zeros pad the last vector, and their residuals reach the output's bias."""

    def backward(self, X: Array, a: Array, r: Array, p: Params) -> Sums:
        sums = super().backward(X, a, r, p)
        padding = -X.shape[1] % 8
        empty = self.probability(self.output(self.hidden(np.zeros_like(X[:, :1]), p), p))
        return sums._replace(db2=sums.db2 + padding * empty[0])

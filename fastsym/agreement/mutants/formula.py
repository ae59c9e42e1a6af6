"""Slips in the formula."""

# ruff: noqa: D102 the docstring of each class says what its one method gets wrong

import numpy as np

from fastsym.agreement.mutants.program import Program, Sums
from fastsym.model.params import Array, Params


class DroppedHiddenBias(Program):
    """The hidden units' bias is left out of z1."""

    def hidden(self, X: Array, p: Params) -> Array:
        return np.asarray(np.tanh(p.W1 @ X))


class DroppedOutputBias(Program):
    """The output's bias is left out of z2."""

    def output(self, a: Array, p: Params) -> Array:
        return np.asarray(p.W2 @ a)


class ActivationForItsSquare(Program):
    """1 - a for 1 - a^2."""

    def slope(self, a: Array) -> Array:
        return 1 - a


class NoActivationSlope(Program):
    """The derivative of tanh is forgotten."""

    def slope(self, a: Array) -> Array:
        return np.ones_like(a)


class SigmoidSlopeKept(Program):
    """The gradient of the squared error: r p (1 - p)."""

    def residual(self, probability: Array, y: Array) -> Array:
        return np.asarray((probability - y) * probability * (1 - probability))


class WrongSignOfResidual(Program):
    """y - p for p - y."""

    def residual(self, probability: Array, y: Array) -> Array:
        return y - probability


class WrongSignOfOneUpdate(Program):
    """The output's bias climbs."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        super().update(p, sums._replace(db2=-sums.db2), step)


class ForgottenUpdate(Program):
    """The hidden biases are never updated."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        super().update(p, sums._replace(db1=np.zeros_like(sums.db1)), step)


class MissingFactor(Program):
    """The gradient of the hidden biases lacks its factor W2."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        p.b1[...] -= step * sums.db1
        super().update(p, sums._replace(db1=np.zeros_like(sums.db1)), step)


class SumForMean(Program):
    """The gradient is not divided by the number of samples."""

    def step(self, X: Array, learning_rate: float) -> float:  # noqa: ARG002
        return learning_rate


class OneSampleLess(Program):
    """Divides by M - 1, as a sample variance does."""

    def step(self, X: Array, learning_rate: float) -> float:
        return float(learning_rate / max(1, X.shape[1] - 1))


class ProbabilityAndLabelExchanged(Program):
    """y and p exchanged in the cost: p log y."""

    def cost(self, z: Array, y: Array) -> float:
        p = self.probability(z)
        near = np.clip(y, 1e-15, 1 - 1e-15)
        return float(-np.sum(p * np.log(near) + (1 - p) * np.log(1 - near)))


class HalfOfTheCost(Program):
    """The cost counts the survivors only."""

    def cost(self, z: Array, y: Array) -> float:
        return super().cost(z[y == 1], y[y == 1])

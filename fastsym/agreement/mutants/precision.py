"""Slips of precision and range."""

# ruff: noqa: D102 the docstring of each class says what its one method gets wrong

import numpy as np

from fastsym.agreement.mutants.program import Program, Sums
from fastsym.model.params import Array, Params


class NarrowSums(Program):
    """The gradient is summed in half the precision."""

    def add(self, sums: Sums, part: Sums) -> None:
        narrow = np.float32 if sums.dW1.dtype == np.float64 else np.float16
        super().add(sums, Sums(*(np.asarray(more, narrow) for more in part)))


class NarrowTanh(Program):
    """tanh is evaluated in half the precision."""

    def hidden(self, X: Array, p: Params) -> Array:
        narrow = np.float32 if X.dtype == np.float64 else np.float16
        return np.asarray(np.tanh((p.W1 @ X + p.b1[:, None]).astype(narrow)).astype(X.dtype))


class NarrowRate(Program):
    """The learning rate passes through half the precision; 2**60 does not show it, 0.1 does."""

    def step(self, X: Array, learning_rate: float) -> float:
        if X.dtype == np.float64:
            return float(np.float32(learning_rate) / X.shape[1])
        mantissa, exponent = np.frexp(learning_rate)
        return float(np.ldexp(float(np.float16(mantissa)), int(exponent)) / X.shape[1])


class TanhClampedEarly(Program):
    """tanh is taken as 1 from 4 on."""

    def hidden(self, X: Array, p: Params) -> Array:
        a = super().hidden(X, p)
        return np.where(np.abs(a) > np.tanh(4), np.sign(a), a)


class TanhOfLowDegree(Program):
    """tanh by a continued fraction that is cut two terms too early for the precision."""

    def hidden(self, X: Array, p: Params) -> Array:
        z = p.W1 @ X + p.b1[:, None]
        v = z * z
        fraction = np.zeros_like(z)
        for k in (13, 11, 9, 7, 5, 3, 1) if X.dtype == np.float64 else (5, 3, 1):
            fraction = v / (k + fraction) if k > 1 else z / (k + fraction)
        return np.asarray(np.where(np.abs(z) < 1, fraction, np.tanh(z)))


class SigmoidOverflows(Program):
    """exp(z) / (1 + exp(z)): NaN for large z."""

    def probability(self, z: Array) -> Array:
        return np.asarray(np.exp(z) / (1 + np.exp(z)))


class CostOverflows(Program):
    """log(1 + exp(z)): infinite for large z."""

    def cost(self, z: Array, y: Array) -> float:
        return float(np.sum(np.log(1 + np.exp(z)) - y * z))


class TextbookCost(Program):
    """Log of a probability that has rounded to 0 or 1."""

    def cost(self, z: Array, y: Array) -> float:
        p = self.probability(z)
        return float(-np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)))


class ProductNeverFlushed(Program):
    """The cost is the log of one product over all samples, which overflows when they are many."""

    block = 1 << 30

    def cost(self, z: Array, y: Array) -> float:
        factors = 1 + np.exp(-np.abs(z), dtype=np.float64)
        return float(np.sum(np.maximum(z, 0) - y * z) + np.log(np.prod(factors)))


class OneNaN(Program):
    """One entry of the result is NaN, which no comparison with > finds."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        super().update(p, sums, step)
        p.W1[-1, -1] = np.nan


class TanhThreeUlp(Program):
    """tanh is too large by three units in the last place."""

    def hidden(self, X: Array, p: Params) -> Array:
        a = super().hidden(X, p)
        for _ in range(3):
            a = np.nextafter(a, np.where(a < 0, -2, 2).astype(a.dtype))
        return a


class TanhWrongInAWindow(Program):
    """tanh is wrong by 100 units in the last place between 0.60 and 0.61."""

    def hidden(self, X: Array, p: Params) -> Array:
        a = super().hidden(X, p)
        inside = (np.abs(a) > np.tanh(0.60)) & (np.abs(a) < np.tanh(0.61))
        return np.where(inside, a * (1 + 100 * np.finfo(a.dtype).eps), a).astype(a.dtype)


class SigmoidFourUlp(Program):
    """The logistic function is too large by four units in the last place."""

    def probability(self, z: Array) -> Array:
        p = super().probability(z)
        return np.asarray(p * (1 + 4 * np.finfo(p.dtype).eps))


class GradientTenUlp(Program):
    """The gradient of W1 is too large by ten units in the last place."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        super().update(p, sums._replace(dW1=sums.dW1 * (1 + 10 * np.finfo(p.W1.dtype).eps)), step)


class CostTenUlp(Program):
    """The cost is too large by ten units in the last place."""

    def cost(self, z: Array, y: Array) -> float:
        return super().cost(z, y) * float(1 + 10 * np.finfo(z.dtype).eps)


class LargeTablesTenUlp(Program):
    """The gradient of W2 is too small by ten units in the last place where samples are many."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        dW2 = sums.dW2 * (1 - 10 * np.finfo(p.W1.dtype).eps) if self.many else sums.dW2
        super().update(p, sums._replace(dW2=dW2), step)

    many = False

    def seen(self, X: Array, y: Array, p: Params) -> tuple[Array, Array]:
        self.many = len(y) > 600
        return super().seen(X, y, p)

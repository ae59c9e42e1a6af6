"""Slips of order, state and memory: what is read, kept or written when it should not be."""

# ruff: noqa: D102 the docstring of each class says what its one method gets wrong

import threading
from typing import ClassVar

import numpy as np

from fastsym.agreement.mutants.program import Program, Sums
from fastsym.model.params import Array, Params


class NewWeightsInBackward(Program):
    """W2 is updated before the gradient of W1 is made with it."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        p.W2[...] -= step * sums.dW2
        super().update(p, sums._replace(dW2=np.zeros_like(sums.dW2)), step)


class UpdateBeforeCost(Program):
    """The cost is that of the parameters after the update."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        for i in range(len(costs)):
            super().train(X, y, p, learning_rate, costs[i : i + 1])
            costs[i] = self.iterate(X, y, p, self.zeros(p)) / X.shape[1]


class CostOfTheIterationBefore(Program):
    """Each cost but the first is recorded one iteration late."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        super().train(X, y, p, learning_rate, costs)
        costs[1:] = costs[:-1].copy()


class LastCostMissing(Program):
    """The costs are one element short."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        own = np.empty_like(costs)
        super().train(X, y, p, learning_rate, own)
        costs[:-1] = own[:-1]


class LastParameterMissing(Program):
    """The flat parameters are written back one element short."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        own = Params(*(field.copy() for field in p))
        super().train(X, y, own, learning_rate, costs)
        for field, new in zip(p, own, strict=True):
            field.reshape(-1)[: max(1, field.size - 1)] = new.reshape(-1)[: max(1, field.size - 1)]


class OneUpdateLess(Program):
    """The loop ends before the last update."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        super().train(X, y, p, learning_rate, costs[:-1])
        costs[-1:] = self.iterate(X, y, p, self.zeros(p)) / X.shape[1]


class AtLeastOneUpdate(Program):
    """A loop that tests at its end: zero iterations make one update."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        super().train(X, y, p, learning_rate, costs if len(costs) else np.empty(1, X.dtype))


class ResultNotWritten(Program):
    """The parameters are rebound, not modified in place."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        super().train(X, y, Params(*(field.copy() for field in p)), learning_rate, costs)


class StaleSums(Program):
    """The gradient's buffers are not cleared between iterations."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        sums = self.zeros(p)
        for i in range(len(costs)):
            costs[i] = self.iterate(X, y, p, sums) / X.shape[1]
            self.update(p, sums, self.step(X, learning_rate))


class StaleActivation(Program):
    """From the second iteration on, the backward pass reads the activations of the iteration before."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        old = None
        for i in range(len(costs)):
            a = self.hidden(X, p)
            z = self.output(a, p)
            costs[i] = self.cost(z, y) / X.shape[1]
            sums = self.backward(X, a if old is None else old, self.residual(self.probability(z), y), p)
            self.update(p, sums, self.step(X, learning_rate))
            old = a


class UninitialisedMemory(Program):
    """Buffers come from a pool and hold what the call before left in them."""

    pool: ClassVar[dict[tuple[int, ...], Array]] = {}

    def zeros(self, p: Params) -> Sums:
        return Sums(
            *(
                self.pool.setdefault((i, field.itemsize, *field.shape), np.zeros_like(field))
                for i, field in enumerate(p)
            )
        )


class StepOfTheFirstCall(Program):
    """The step is kept from the first call, whatever the number of samples is now."""

    kept: ClassVar[dict[float, float]] = {}

    def step(self, X: Array, learning_rate: float) -> float:
        return self.kept.setdefault(learning_rate, learning_rate / X.shape[1])


class Momentum(Program):
    """A tenth of the last update is added to the next."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        velocity = self.zeros(p)
        for i in range(len(costs)):
            sums = self.zeros(p)
            costs[i] = self.iterate(X, y, p, sums) / X.shape[1]
            for total, last in zip(sums, velocity, strict=True):
                total += 0.1 * last
            velocity = sums
            self.update(p, sums, self.step(X, learning_rate))


class RaceInTheSum(Program):
    """Two threads read the same sum, add their halves and write it back: one half is lost."""

    def iterate(self, X: Array, y: Array, p: Params, sums: Sums) -> float:
        read, costs = threading.Barrier(2), [0.0, 0.0]
        half = -(-X.shape[1] // 2)

        def work(rank: int) -> None:
            part = self.zeros(p)
            here = slice(rank * half, (rank + 1) * half)
            costs[rank] = Program.iterate(self, X[:, here], y[here], p, part)
            old = sums.dW2.copy()
            read.wait()
            sums.dW2[...] = old + part.dW2
            for total, more in zip((sums.dW1, sums.db1, sums.db2), (part.dW1, part.db1, part.db2), strict=True):
                with self.lock:
                    total += more

        threads = [threading.Thread(target=work, args=(rank,)) for rank in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(costs)

    lock = threading.Lock()


class OtherBitsEveryTime(Program):
    """The order of a sum depends on which thread comes first; here, on how often it was called."""

    calls = 0

    def backward(self, X: Array, a: Array, r: Array, p: Params) -> Sums:
        self.calls += 1
        order = np.random.default_rng(self.calls).permutation(X.shape[1])
        return super().backward(X[:, order], a[:, order], r[order], p)


class InputModified(Program):
    """The residual is made in the place of the labels."""

    def residual(self, probability: Array, y: Array) -> Array:
        np.subtract(probability, y, out=y)
        return y.copy()


class WritesBehindTheEnd(Program):
    """A whole vector of costs is written though there is one only."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        super().train(X, y, p, learning_rate, costs)
        if len(costs):
            np.lib.stride_tricks.as_strided(costs, (len(costs) + 1,), costs.strides)[-1] = 0


class ReadsBehindTheEnd(Program):
    """The last vector is read whole, and what lies behind the samples is multiplied by zero."""

    def backward(self, X: Array, a: Array, r: Array, p: Params) -> Sums:
        behind = np.lib.stride_tricks.as_strided(X[-1, -1:], (2,), (X.itemsize,))[1]
        sums = super().backward(X, a, r, p)
        sums.dW1[-1, -1] += 0 * behind
        return sums

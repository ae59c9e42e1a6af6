"""Slips that show in some calls only: long ones, later ones, those beside others or of several networks."""

# ruff: noqa: D102 the docstring of each class says what its one method gets wrong

from typing import Any, ClassVar

import numpy as np

from fastsym.agreement.mutants.program import Program, Sums, WithPopulation
from fastsym.model.params import Array, Params


class StopsAfterThirty(Program):
    """Nothing is updated from the 31st iteration of one call on."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        super().train(X, y, p, learning_rate, costs[:30])
        costs[30:] = costs[29] if len(costs) > 30 else 0


class LastCostIsTheNext(Program):
    """In calls of 64 iterations or more the last cost is that after the last update."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        super().train(X, y, p, learning_rate, costs)
        if len(costs) >= 64:
            costs[-1] = self.iterate(X, y, p, self.zeros(p)) / X.shape[1]


class EndsWhereTheCostStands(Program):
    """Ends as soon as the cost changes by less than a billionth."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        for i in range(len(costs)):
            super().train(X, y, p, learning_rate, costs[i : i + 1])
            if i and abs(costs[i] - costs[i - 1]) < 1e-9 * costs[i]:
                costs[i:] = costs[i]
                return


class RateDecays(Program):
    """From iteration 1000 of one call on the learning rate is a hundredth less."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        super().train(X, y, p, learning_rate, costs[:1000])
        super().train(X, y, p, 0.99 * learning_rate, costs[1000:])


class EveryTenthCost(Program):
    """From iteration 2000 of one call on only each tenth cost is recorded."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        super().train(X, y, p, learning_rate, costs)
        late = np.arange(2000, len(costs))
        costs[2000:] = costs[late - late % 10]


class CostNumberInAByte(Program):
    """Cost 256 is written over cost 0."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        super().train(X, y, p, learning_rate, costs)
        if len(costs) > 256:
            costs[0] = costs[256]


class TableRemembered(Program):
    """X is kept by address and corners: a change of its inside between two calls is not seen."""

    kept: ClassVar[dict[tuple[Any, ...], Array]] = {}

    def seen(self, X: Array, y: Array, p: Params) -> tuple[Array, Array]:  # noqa: ARG002
        key = (X.ctypes.data, X.shape, X.dtype.str, X.flat[0], X.flat[-1])
        return self.kept.setdefault(key, X.copy()), y


class LabelsRemembered(Program):
    """Labels are kept by their address and sum."""

    kept: ClassVar[dict[tuple[Any, ...], Array]] = {}

    def seen(self, X: Array, y: Array, p: Params) -> tuple[Array, Array]:  # noqa: ARG002
        return X, self.kept.setdefault((y.ctypes.data, y.shape, y.dtype.str, float(y.sum())), y.copy())


class StartRemembered(Program):
    """Results are kept by start and table, whatever the learning rate."""

    def __init__(self) -> None:
        self.kept: dict[bytes, tuple[Params, Array]] = {}

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        key = b"".join(array.tobytes() for array in (X, y, *p, np.array(costs.shape)))
        if key not in self.kept:
            super().train(X, y, p, learning_rate, costs)
            self.kept[key] = Params(*(field.copy() for field in p)), costs.copy()
        for array, value in zip((*p, costs), (*self.kept[key][0], self.kept[key][1]), strict=True):
            array[...] = value


class WritesAndRestores(Program):
    """X is scaled in place for the call, and restored at its end."""

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        own = X.copy()
        X *= 2
        super().train(own, y, p, learning_rate, costs)
        X[...] = own


class SharedScratch(Program):
    """Activations go into one buffer, also if two trainings run at the same time."""

    kept: ClassVar[dict[tuple[Any, ...], Array]] = {}

    def hidden(self, X: Array, p: Params) -> Array:
        a = self.kept.setdefault((len(p.b1), X.shape[1], X.dtype.str), np.empty((len(p.b1), X.shape[1]), X.dtype))
        np.matmul(p.W1, X, out=a)
        a += p.b1[:, None]
        return np.asarray(np.tanh(a, out=a))


class StaleNaN(Program):
    """A buffer is cleared by a product with 0, which leaves NaN and infinity of the call before."""

    kept: ClassVar[dict[tuple[Any, ...], Sums]] = {}

    def zeros(self, p: Params) -> Sums:
        sums = self.kept.setdefault((*p.W1.shape, p.W1.dtype.str), super().zeros(p))
        for field in sums:
            field *= 0
        return sums

    def update(self, p: Params, sums: Sums, step: float) -> None:
        super().update(p, sums, step)
        sums.dW1[...] *= step  # what the next call finds


class WrongPopulation(WithPopulation):
    """An honest function for one network beside a wrong one for several, which ``train`` prefers."""

    def train_population(self, X: Array, y: Array, params: Params, *rest: Any, **options: Any) -> None:
        super().train_population(X, y, params, *rest, **options)
        params.W1[...] *= 1.5


class RateOfTheFirstNetwork(WithPopulation):
    """All networks learn at the rate of the first."""

    def train_population(
        self, X: Array, y: Array, params: Params, learning_rates: Array, *rest: Any, **options: Any
    ) -> None:
        super().train_population(X, y, params, 0 * learning_rates + learning_rates[0], *rest, **options)


class LastNetworkOfTwoThreads(WithPopulation):
    """On two threads the last network is left out."""

    def train_population(
        self, X: Array, y: Array, params: Params, *rest: Any, threads: int = 1, **options: Any
    ) -> None:
        last = Params(*(field[-1].copy() for field in params))
        super().train_population(X, y, params, *rest, threads=threads, **options)
        if threads == 2:
            for field, value in zip(params, last, strict=True):
                field[-1] = value


class MultiplicityIgnored(WithPopulation):
    """Every unit is taken for one."""

    def train_population(self, *arguments: Any, multiplicity: Array | None = None, **options: Any) -> None:  # noqa: ARG002
        super().train_population(*arguments, **options)


class MultiplicityInTheGradient(WithPopulation):
    """The gradient of W2 is that of all equal units together."""

    def update(self, p: Params, sums: Sums, step: float) -> None:
        super().update(p, sums._replace(dW2=sums.dW2 * self.counts), step)


class LastSnapshotLate(WithPopulation):
    """The last snapshot is taken at the end."""

    def train_population(self, *arguments: Any, history: Params | None = None, **options: Any) -> None:
        super().train_population(*arguments, history=history, **options)
        if history is not None:
            for kept, field in zip(history, arguments[2], strict=True):
                kept[:, -1] = field


class SnapshotsOfTheFirstNetwork(WithPopulation):
    """The snapshots of all networks are those of the first."""

    def record(self, history: Params, n: int, snapshot: int, p: Params) -> None:
        super().record(history, n, snapshot, p if n == 0 else Params(*(kept[0, snapshot] for kept in history)))


class MergedSamplesCountOnce(WithPopulation):
    """A sample that stands for several counts for one of each label."""

    def train_population(self, X: Array, y: Array, *rest: Any, **options: Any) -> None:
        super().train_population(X, np.minimum(y, 1), *rest, **options)

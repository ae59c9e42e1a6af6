"""An honest training program, cut into the pieces that people get wrong."""

from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from fastsym.model.params import Array, LayerParams, Params
from fastsym.training.registry import Variant


class Sums(NamedTuple):
    """Sums over samples of the gradient's terms; those of W1 and b1 still without their factor W2."""

    dW1: Array
    db1: Array
    dW2: Array
    db2: Array


class Program:
    """Nothing is wrong with this one."""

    block = 64
    counts: Array | float = 1.0
    """(H,) how many equal units each hidden unit stands for."""

    def variant(self) -> Variant:
        """Give it the form that the certificate takes."""
        return Variant(type(self).__name__, (self.__doc__ or "").strip(), self.train)

    def seen(self, X: Array, y: Array, p: Params) -> tuple[Array, Array]:  # noqa: ARG002 some slips need p
        """Return the table that an iteration works on."""
        return X, y

    def hidden(self, X: Array, p: Params) -> Array:
        """Return tanh(W1 X + b1), (H, M)."""
        return np.asarray(np.tanh(p.W1 @ X + p.b1[:, None]))

    def output(self, a: Array, p: Params) -> Array:
        """Return the argument of the output's sigmoid, (M,)."""
        return np.asarray((p.W2 * self.counts) @ a + p.b2)

    def probability(self, z: Array) -> Array:
        """Return sigmoid(z)."""
        e = np.exp(-np.abs(z))
        return np.asarray(np.where(z >= 0, 1, e) / (1 + e))

    def cost(self, z: Array, y: Array) -> float:
        """Return the summed cost."""
        return float(np.sum(np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))) - y * z))

    def residual(self, probability: Array, y: Array) -> Array:
        """Return the derivative of the cost by z."""
        return probability - y

    def slope(self, a: Array) -> Array:
        """Return the derivative of tanh, from its value."""
        return 1 - a * a

    def blocks(self, M: int) -> Iterator[slice]:
        """Cut the samples into blocks."""
        for start in range(0, M, self.block):
            yield slice(start, min(start + self.block, M))

    def zeros(self, p: Params) -> Sums:
        """Make cleared sums."""
        return Sums(*(np.zeros_like(field) for field in p))

    def backward(self, X: Array, a: Array, r: Array, p: Params) -> Sums:  # noqa: ARG002 some slips need p
        """Return the sums over one block."""
        dz1 = r * self.slope(a)
        return Sums(dz1 @ X.T, dz1.sum(axis=1), a @ r, r.sum())

    def add(self, sums: Sums, part: Sums) -> None:
        """Add one block's sums."""
        for total, more in zip(sums, part, strict=True):
            total += more

    def iterate(self, X: Array, y: Array, p: Params, sums: Sums) -> float:
        """Add up all blocks; return the summed cost."""
        cost = 0.0
        for block in self.blocks(X.shape[1]):
            a = self.hidden(X[:, block], p)
            z = self.output(a, p)
            cost += self.cost(z, y[block])
            self.add(sums, self.backward(X[:, block], a, self.residual(self.probability(z), y[block]), p))
        return cost

    def update(self, p: Params, sums: Sums, step: float) -> None:
        """Move the parameters, in place."""
        p.W1[...] -= step * (p.W2[:, None] * sums.dW1)
        p.b1[...] -= step * (p.W2 * sums.db1)
        p.W2[...] -= step * sums.dW2
        p.b2[...] -= step * sums.db2

    def step(self, X: Array, learning_rate: float) -> float:
        """Return the learning rate over the number of samples."""
        return float(learning_rate / X.shape[1])

    def train(self, X: Array, y: Array, p: Params, learning_rate: float, costs: Array) -> None:
        """Train as :attr:`fastsym.Variant.train_network` does."""
        for i in range(len(costs)):
            sums, table = self.zeros(p), self.seen(X, y, p)
            costs[i] = self.iterate(*table, p, sums) / X.shape[1]
            self.update(p, sums, self.step(X, learning_rate))


class WithLayer(Program):
    """The same, with a one-layer net."""

    def variant(self) -> Variant:
        """Give it the form that the certificate takes."""
        return replace(super().variant(), train_layer=self.train_layer)

    def layer_sums(self, X: Array, r: Array) -> tuple[Array, Array]:
        """Return the sums over samples of the gradients of W and b."""
        return X @ r, r.sum()

    def train_layer(self, X: Array, y: Array, p: LayerParams, learning_rate: float, costs: Array) -> None:
        """Train as :attr:`fastsym.Variant.train_layer` does."""
        for i in range(len(costs)):
            z = p.W @ X + p.b
            costs[i] = self.cost(z, y) / X.shape[1]
            for field, total in zip(p, self.layer_sums(X, self.residual(self.probability(z), y)), strict=True):
                field[...] -= self.step(X, learning_rate) * total


class WithPopulation(Program):
    """The same, with several networks in one call."""

    def variant(self) -> Variant:
        """Give it the form that the certificate takes."""
        return replace(super().variant(), train_population=self.train_population)

    def record(self, history: Params, n: int, snapshot: int, p: Params) -> None:
        """Keep the parameters of network n."""
        for kept, field in zip(history, p, strict=True):
            kept[n, snapshot] = field

    def train_population(
        self,
        X: Array,
        y: Array,
        params: Params,
        learning_rates: Array,
        costs: Array,
        *,
        threads: int = 1,  # noqa: ARG002 some slips need it
        multiplicity: Array | None = None,
        history: Params | None = None,
        every: int = 0,
    ) -> None:
        """Train as :attr:`fastsym.Variant.train_population` does."""
        program = copy(self)
        if multiplicity is not None:
            program.counts = multiplicity
        if y.ndim == 2:
            counts = y.astype(int)
            X = np.repeat(np.concatenate([X, X], axis=1), counts.ravel(), axis=1)
            y = np.repeat(np.array([0, 1], X.dtype), counts.sum(axis=1))
        for n, rate in enumerate(learning_rates):
            p = Params(*(field[n, ...] for field in params))
            for i in range(costs.shape[1]):
                if history is not None and i % every == 0:
                    self.record(history, n, i // every, p)
                program.train(X, y, p, rate, costs[n, i : i + 1])

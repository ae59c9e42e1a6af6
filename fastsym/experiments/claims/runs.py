"""The training runs behind the verdicts, each made once, when the first claim needs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastsym.experiments.article import (
    CURVE_ITERATIONS,
    HIDDEN,
    LAYER_ITERATIONS,
    LAYER_LEARNING_RATE,
    NETWORK_LEARNING_RATE,
    SCALE,
    TABLE_ITERATIONS,
)
from fastsym.experiments.symmetry import each_network, quotient, recorded
from fastsym.model.datasets import Dataset
from fastsym.model.initialise import initialise
from fastsym.model.params import Array, Params
from fastsym.model.reference import stable_cost
from fastsym.training.result import Training
from fastsym.training.train import train, train_population

LARGE_SCALE = 1.0
"""Scale of the large start: the article's draws without its factor 0.01."""
SETTLED_ITERATIONS = 20_000
"""Enough for b2 of the zero start to reach its limit: each iteration multiplies its distance by about 0.998."""
TEST_FRACTION = 0.3
RECORD_EVERY = 50
"""Iterations between two snapshots."""


def stacked(networks: Sequence[Params]) -> Params:
    """Stack networks of equal width along a new first axis."""
    return Params(*(np.stack(values) for values in zip(*networks, strict=True)))


def cost_of(X: Array, y: Array, params: Params) -> float:
    """Mean cost in nats per sample of one network."""
    return stable_cost(params.b2 + params.W2 @ np.tanh(params.W1 @ X + params.b1[:, None]), y)


@dataclass(frozen=True)
class Split:
    """Test cost along the training of one train/test split, in nats per sample."""

    zero: Array
    random: Array
    """(S,) at every snapshot, from the zero start and from the random start."""


@dataclass(frozen=True)
class Runs:
    """Trainings on one feature set; those with a random start are repeated for ``seeds`` seeds."""

    data: Dataset
    features: str
    seeds: int
    is_titanic: bool = False

    def _starts(self, kind: str, scale: float) -> list[Params]:
        D = len(self.data.X)
        return [initialise(kind, D, HIDDEN, scale, seed) for seed in range(self.seeds)]

    def _train(self, start: Params, iterations: int = CURVE_ITERATIONS, **options: Any) -> Training[Params]:
        return train(self.data.X, self.data.y, start, iterations, NETWORK_LEARNING_RATE, **options)

    def _population(self, starts: Sequence[Params], iterations: int = CURVE_ITERATIONS) -> Training[Params]:
        return train_population(self.data.X, self.data.y, stacked(starts), iterations, NETWORK_LEARNING_RATE)

    @cached_property
    def zero(self) -> Training[Params]:
        """Case 1, with snapshots."""
        return self._train(initialise("zeros", len(self.data.X), HIDDEN), record_every=RECORD_EVERY)

    @cached_property
    def zero_settled(self) -> Training[Params]:
        """Case 1 until it has converged, as its quotient: all units are one class."""
        small = quotient(initialise("zeros", len(self.data.X), HIDDEN))
        return self._train(small.params, SETTLED_ITERATIONS, multiplicity=small.multiplicity)

    @cached_property
    def balanced(self) -> Training[Params]:
        """Case 1 on equally many samples of both labels."""
        ones, zeros = np.flatnonzero(self.data.y == 1), np.flatnonzero(self.data.y == 0)
        n = min(len(ones), len(zeros))
        kept = np.sort(np.concatenate([ones[:n], zeros[:n]]))
        start = initialise("zeros", len(self.data.X), HIDDEN)
        return train(self.data.X[:, kept], self.data.y[kept], start, CURVE_ITERATIONS, NETWORK_LEARNING_RATE)

    @cached_property
    def random_starts(self) -> list[Params]:
        """Starts of case 2, one for each seed."""
        return self._starts("normal", SCALE)

    @cached_property
    def random(self) -> Training[Params]:
        """Case 2, one network for each seed."""
        return self._population(self.random_starts)

    @cached_property
    def random_short(self) -> Training[Params]:
        """Case 2 for the ten iterations of the article's table."""
        return self._population(self.random_starts, TABLE_ITERATIONS)

    @cached_property
    def random_biases(self) -> Training[Params]:
        """Case 2 with biases drawn like the weights."""
        starts = []
        for seed, start in enumerate(self.random_starts):
            rng = np.random.default_rng([seed, 1])  # a stream independent of the weights'
            b1, b2 = SCALE * rng.standard_normal(HIDDEN), SCALE * rng.standard_normal()
            starts.append(start._replace(b1=b1, b2=np.asarray(b2)))
        return self._population(starts)

    @cached_property
    def large_starts(self) -> list[Params]:
        """Starts of case 2 without the factor 0.01."""
        return self._starts("normal", LARGE_SCALE)

    @cached_property
    def large(self) -> Training[Params]:
        """Case 2 without the factor 0.01."""
        return self._population(self.large_starts)

    @cached_property
    def constant(self) -> Training[Params]:
        """All weights 0.01, as the quotient: one unit stands for four."""
        small = quotient(initialise("constant", len(self.data.X), HIDDEN, SCALE))
        return self._train(small.params, multiplicity=small.multiplicity)

    @cached_property
    def layer_zero(self) -> Array:
        """(T,) costs of case 0 from zeros."""
        start = initialise("zeros", len(self.data.X))
        return train(self.data.X, self.data.y, start, LAYER_ITERATIONS, LAYER_LEARNING_RATE).costs

    @cached_property
    def layer_random(self) -> Array:
        """(seeds, T) costs of case 0 from N(0, 1)."""
        starts = [initialise("normal", len(self.data.X), scale=1.0, seed=seed) for seed in range(self.seeds)]
        return np.stack(
            [train(self.data.X, self.data.y, start, LAYER_ITERATIONS, LAYER_LEARNING_RATE).costs for start in starts]
        )

    @cached_property
    def splits(self) -> list[Split]:
        """Cases 1 and 2 trained on a random part of the samples, one split and one start for each seed."""
        return [self._split(seed) for seed in range(self.seeds)]

    def _split(self, seed: int) -> Split:
        X, y, _ = self.data
        order = np.random.default_rng([seed, 2]).permutation(len(y))
        test, kept = np.split(order, [round(TEST_FRACTION * len(y))])

        def test_costs(start: Params) -> Array:
            training = train(
                X[:, kept], y[kept], start, CURVE_ITERATIONS, NETWORK_LEARNING_RATE, record_every=RECORD_EVERY
            )
            return np.array([cost_of(X[:, test], y[test], params) for params in each_network(recorded(training))])

        return Split(test_costs(initialise("zeros", len(X), 1)), test_costs(self.random_starts[seed]))


def iterations_to(costs: Array, threshold: float) -> Array:
    """Index of the first cost at or below the threshold along the last axis; infinite if there is none."""
    reached = costs <= threshold
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1), np.inf)

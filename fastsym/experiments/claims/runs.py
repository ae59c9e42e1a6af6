"""The trainings that the claims are judged by, each made once and only when a claim asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fastsym.experiments.symmetry import quotient, snapshots
from fastsym.model.datasets import Dataset
from fastsym.model.initialise import initialise
from fastsym.model.params import Array, Params
from fastsym.model.reference import stable_cost
from fastsym.training.train import Training, train, train_population

HIDDEN = 4
ITERATIONS = 3000
LEARNING_RATE = 0.01
LAYER_ITERATIONS = 1000
LAYER_LEARNING_RATE = 0.001
SCALE = 0.01
LARGE_SCALE = 1.0
"""Scale of the large start: the article's draws without its factor 0.01."""
SETTLED_ITERATIONS = 20_000
"""Enough for b2 of the zero start to reach its limit: it comes closer by a factor of about 0.998 an iteration."""
TEST_FRACTION = 0.3
RECORD_EVERY = 50


def network(start: object) -> Params:
    """Narrow a type: these runs are all of the two-layer net."""
    assert isinstance(start, Params)
    return start


def stacked(networks: Sequence[Params]) -> Params:
    """Put networks of one width along a first axis."""
    return Params(*(np.stack(values) for values in zip(*networks, strict=True)))


def cost_of(X: Array, y: Array, params: Params) -> float:
    """Mean cost in nats per sample of one network."""
    return stable_cost(params.b2 + params.W2 @ np.tanh(params.W1 @ X + params.b1[:, None]), y)


@dataclass(frozen=True)
class Split:
    """Test cost along the training of one train/test split, in nats per sample."""

    zero: Array
    random: Array
    """(S,) at every snapshot, of the zero start and of the random start."""


@dataclass(frozen=True)
class Runs:
    """Trainings on one feature set; ``seeds`` of each that starts at random."""

    data: Dataset
    features: str
    seeds: int
    is_titanic: bool = False

    def _starts(self, kind: str, scale: float) -> list[Params]:
        D = len(self.data.X)
        return [network(initialise(kind, D, HIDDEN, scale, seed)) for seed in range(self.seeds)]

    def _population(self, starts: Sequence[Params], iterations: int = ITERATIONS) -> Training[Params]:
        return train_population(self.data.X, self.data.y, stacked(starts), iterations, LEARNING_RATE)

    @cached_property
    def zero(self) -> Training[Params]:
        """Case 1, with snapshots."""
        start = initialise("zeros", len(self.data.X), HIDDEN)
        return train(self.data.X, self.data.y, start, ITERATIONS, LEARNING_RATE, record_every=RECORD_EVERY)

    @cached_property
    def zero_settled(self) -> Training[Params]:
        """Case 1 until nothing changes any more, as its quotient: all units are one class."""
        small = quotient(network(initialise("zeros", len(self.data.X), HIDDEN)))
        return train(
            self.data.X,
            self.data.y,
            small.params,
            SETTLED_ITERATIONS,
            LEARNING_RATE,
            multiplicity=small.multiplicity,
        )

    @cached_property
    def balanced(self) -> Training[Params]:
        """Case 1 on as many samples of label 0 as of label 1."""
        ones, zeros = np.flatnonzero(self.data.y == 1), np.flatnonzero(self.data.y == 0)
        n = min(len(ones), len(zeros))
        kept = np.sort(np.concatenate([ones[:n], zeros[:n]]))
        start = initialise("zeros", len(self.data.X), HIDDEN)
        return train(self.data.X[:, kept], self.data.y[kept], start, ITERATIONS, LEARNING_RATE)

    @cached_property
    def random_starts(self) -> list[Params]:
        """Starts of case 2, one a seed."""
        return self._starts("normal", SCALE)

    @cached_property
    def random(self) -> Training[Params]:
        """Case 2, one a seed."""
        return self._population(self.random_starts)

    @cached_property
    def random_short(self) -> Training[Params]:
        """Case 2 for the ten iterations of the article's table."""
        return self._population(self.random_starts, 10)

    @cached_property
    def random_biases(self) -> Training[Params]:
        """Case 2 with biases drawn like the weights."""
        starts = []
        for seed, start in enumerate(self.random_starts):
            rng = np.random.default_rng([seed, 1])  # another stream than the weights'
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
        """All weights 0.01, as the quotient: one unit that stands for four."""
        small = quotient(network(initialise("constant", len(self.data.X), HIDDEN, SCALE)))
        return train(self.data.X, self.data.y, small.params, ITERATIONS, LEARNING_RATE, multiplicity=small.multiplicity)

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
        """Cases 1 and 2 trained on a random part of the samples, one split and one start a seed."""
        return [self._split(seed) for seed in range(self.seeds)]

    def _split(self, seed: int) -> Split:
        X, y, _ = self.data
        order = np.random.default_rng([seed, 2]).permutation(len(y))
        test, kept = np.split(order, [round(TEST_FRACTION * len(y))])

        def test_costs(start: Params) -> Array:
            history = train(X[:, kept], y[kept], start, ITERATIONS, LEARNING_RATE, record_every=RECORD_EVERY).history
            assert isinstance(history, Params)  # as the start is
            return np.array([cost_of(X[:, test], y[test], params) for params in snapshots(history)])

        return Split(test_costs(network(initialise("zeros", len(X), 1))), test_costs(self.random_starts[seed]))


def iterations_to(costs: Array, threshold: float) -> Array:
    """Index of the first cost at or below the threshold along the last axis; infinite if there is none."""
    reached = costs <= threshold
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1), np.inf)

"""One small training from each kind of start, with snapshots that let a reader look inside it."""

from dataclasses import dataclass

import numpy as np

from fastsym.experiments.article import CURVE_ITERATIONS, HIDDEN, SCALE, STANDARDISED_LEARNING_RATE
from fastsym.experiments.symmetry import each_network, recorded
from fastsym.model.datasets import Dataset
from fastsym.model.initialise import STARTS, initialise
from fastsym.model.params import Array, Params
from fastsym.model.units import class_letters, unit_classes
from fastsym.training.checks import checked_count
from fastsym.training.train import train

MOMENTS = 100
"""Approximate number of snapshots; fewer if several fall on the same iteration."""


@dataclass(frozen=True)
class WatchedRun:
    """One training, with K snapshots."""

    start: str
    """A kind of :func:`fastsym.initialise`."""
    seed: int
    """Seed of the start, if it is random."""
    learning_rate: float
    feature_names: tuple[str, ...]
    """D names, in the order of the columns of W1."""
    iterations: Array
    """(K,) number of updates before each snapshot, ascending from 0."""
    costs: Array
    """(K,) mean cost of each snapshot's parameters, nats per sample."""
    history: Params
    """Parameters of each snapshot, along a first axis of length K."""
    classes: tuple[str, ...]
    """Of each snapshot, a letter for each hidden unit; units that are equal, bit for bit and up to sign, share it."""


def watch_runs(
    data: Dataset,
    hidden: int = HIDDEN,
    iterations: int = CURVE_ITERATIONS,
    learning_rate: float = STANDARDISED_LEARNING_RATE,
    scale: float = SCALE,
    seed: int = 0,
) -> tuple[WatchedRun, ...]:
    """Train from zero, constant and random weights; keep snapshots evenly spaced in the logarithm of the iteration.

    Parameters
    ----------
    data
        Features and labels, best standardised: with the article's learning rate of 0.01, or on raw features, the units
        hardly change in so few iterations.
    hidden
        H, at least 1.
    iterations
        T, at least 0: the iteration of the last snapshot.
    learning_rate
        Step size, positive.
    scale
        Size of the weights that are not zero.
    seed
        Seed of the random start.

    Returns
    -------
    tuple of WatchedRun
        One for each of :data:`fastsym.model.initialise.STARTS`, all at the same iterations.

    Raises
    ------
    TypeError, ValueError
        As :func:`fastsym.initialise` and :func:`fastsym.train` do.
    """
    last = checked_count("iterations", iterations)
    moments = np.unique(np.rint(np.geomspace(1, last + 1, MOMENTS) - 1).astype(int))
    return tuple(_watch(data, start, hidden, moments, learning_rate, scale, seed) for start in STARTS)


def _watch(
    data: Dataset, start: str, hidden: int, moments: Array, learning_rate: float, scale: float, seed: int
) -> WatchedRun:
    params = initialise(start, len(data.X), hidden, scale, seed)
    # A cost belongs to the parameters before its update: one more iteration gives the last snapshot's cost.
    training = train(data.X, data.y, params, int(moments[-1]) + 1, learning_rate, record_every=1)
    history = Params(*(values[moments] for values in recorded(training)))
    classes = tuple(class_letters(unit_classes(state)) for state in each_network(history))
    return WatchedRun(
        start, seed, learning_rate, data.feature_names, moments, training.costs[moments], history, classes
    )

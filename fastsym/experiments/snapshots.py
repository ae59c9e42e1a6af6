"""One small training from each kind of start, kept moment by moment, so that a reader can look inside it."""

from dataclasses import dataclass

import numpy as np

from fastsym.experiments.symmetry import class_letters, snapshots, unit_classes
from fastsym.model.datasets import Dataset
from fastsym.model.initialise import initialise
from fastsym.model.params import Array, Params
from fastsym.training.checks import checked_count
from fastsym.training.train import train

STARTS = ("zeros", "constant", "normal")
MOMENTS = 100
"""About how many states are kept; fewer where several fall on one iteration."""


@dataclass(frozen=True)
class WatchedRun:
    """One training, seen at K moments."""

    start: str
    """Kind, as for :func:`fastsym.initialise`."""
    seed: int
    """Of the start, where it is random."""
    learning_rate: float
    feature_names: tuple[str, ...]
    """D names, in the order of the columns of W1."""
    iterations: Array
    """(K,) how many updates came before each moment, ascending from 0."""
    costs: Array
    """(K,) mean cost of each moment's parameters, nats per sample."""
    history: Params
    """Parameters of each moment, along a first axis of length K."""
    classes: tuple[str, ...]
    """Of each moment, one letter a hidden unit; units that are equal up to sign, bit for bit, share theirs."""


def watch_runs(
    data: Dataset,
    hidden: int = 4,
    iterations: int = 3000,
    learning_rate: float = 1.0,
    scale: float = 0.01,
    seed: int = 0,
) -> tuple[WatchedRun, ...]:
    """Train from zero, constant and random weights, and keep moments evenly spaced in the logarithm of the iteration.

    Parameters
    ----------
    data
        Features, best standardised: with the article's learning rate of 0.01, or on raw features, little
        happens to the units in so few iterations.
    hidden
        H, at least 1.
    iterations
        T, at least 0: the last moment.
    learning_rate
        Step size, positive.
    scale
        Size of the weights that are not zero.
    seed
        Of the random start.

    Returns
    -------
    tuple of WatchedRun
        One for each of :data:`STARTS`, all at the same moments.

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
    # A cost is that of the parameters before its update: one iteration more gives the last moment's.
    training = train(data.X, data.y, params, int(moments[-1]) + 1, learning_rate, record_every=1)
    assert isinstance(training.history, Params)  # as a hidden width was given
    history = Params(*(values[moments] for values in training.history))
    classes = tuple(class_letters(unit_classes(state)) for state in snapshots(history))
    return WatchedRun(
        start, seed, learning_rate, data.feature_names, moments, training.costs[moments], history, classes
    )

"""One training of the page's network, with snapshots on the way. Shape legend: :mod:`fastsym.model.params`."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from fastsym import initialise
from fastsym.experiments.symmetry import dead_units, saturated_fraction
from fastsym.model.datasets import Dataset
from fastsym.model.params import Array, Params
from fastsym.model.units import unit_classes
from fastsym.play import tables
from fastsym.play.settings import CHOICES, ITERATIONS, Settings
from fastsym.training.checks import checked
from fastsym.training.registry import select
from fastsym.training.train import run

EVERY = 100
"""Iterations between two snapshots of the output weights."""
STRETCH_STEPS = 5e7
"""Sample x unit steps between two checks whether the result is still wanted: a fraction of the time for which
:mod:`fastsym.play.newest` waits anyway. Not fewer, because at each check the training may have to wait until the
page's other threads release the interpreter."""
TOLERANCE = 1e-3
"""Units whose parameters differ by at most this much count as nearly equal."""


@dataclass(frozen=True)
class Observed:
    """The results of one training that the page shows."""

    feature_names: tuple[str, ...]
    costs: Array
    """(T,) mean nats per sample, in the training's precision; NaN or infinite where the training diverged."""
    iterations: Array
    """(K,) number of updates before each snapshot: 0, EVERY, ..., T."""
    W2: Array
    """(K, H) output weights of each snapshot."""
    params: Params
    """After the last update."""
    labels: Array
    """(H,) class of each unit; units of a class are equal, bit for bit and up to sign."""
    near_classes: int
    """Number of classes within :data:`TOLERANCE`."""
    dead: int
    """Number of units whose parameters are all zero."""
    saturated: float
    """Fraction of the hidden values that are saturated, 0 to 1."""
    variant: str
    """Name of the variant that trained."""
    milliseconds: float
    """Duration of the training alone."""


@cache
def table(features: str, dtype: str) -> Dataset:
    """Load a feature set in one precision; read-only, because trainings share it."""
    X, y, names = tables.load(features)
    X, y = X.astype(dtype), y.astype(dtype)
    X.setflags(write=False)
    y.setflags(write=False)
    return Dataset(X, y, names)


def retrain(settings: Settings, abandoned: Callable[[], bool] = lambda: False) -> Observed | None:
    """Train from scratch, bit for bit as ``fastsym.train`` with variant ``"fast"`` does.

    Parameters
    ----------
    settings
        The network and its training.
    abandoned
        Called before each stretch of the training; if it returns True, the training stops.

    Returns
    -------
    Observed or None
        None if the training was stopped.
    """
    s = settings
    X, y, names = table(s.features, s.dtype)
    start = initialise(s.start, len(names), s.hidden, s.scale, s.seed, s.dtype, s.perturbation)
    problem = checked(X, y, start, ITERATIONS, s.learning_rate)
    params, variant = problem.params, select("fast", problem)
    costs = np.empty(ITERATIONS, X.dtype)
    iterations = np.arange(0, ITERATIONS + EVERY, EVERY)
    W2 = np.empty((len(iterations), s.hidden), X.dtype)
    stretch = EVERY * max(1, int(STRETCH_STEPS / (len(y) * s.hidden * EVERY)))
    begin = time.perf_counter()
    for first in range(0, ITERATIONS, stretch):
        if abandoned():
            return None
        part = costs[first : first + stretch]
        history = run(variant, problem, part, EVERY)
        assert history is not None  # because snapshots are asked for
        W2[first // EVERY : (first + len(part)) // EVERY + 1] = history.W2
    milliseconds = 1000 * (time.perf_counter() - begin)
    with np.errstate(all="ignore"):  # weights that diverged are shown as they are
        return Observed(
            feature_names=names,
            costs=costs,
            iterations=iterations,
            W2=W2,
            params=params,
            labels=unit_classes(params),
            near_classes=int(unit_classes(params, TOLERANCE).max()) + 1,
            dead=int(dead_units(params).sum()),
            saturated=saturated_fraction(X, params),
            variant=variant.name,
            milliseconds=milliseconds,
        )


def warm_up(tell: Callable[[str], Any]) -> None:
    """Compile, or load from Numba's cache, everything that trainings need.

    Parameters
    ----------
    tell
        Called with a line of text before each part.
    """
    parts = [(features, dtype) for features in CHOICES["features"] for dtype in CHOICES["dtype"]]
    for number, (features, dtype) in enumerate(parts, 1):
        tell(f"warming up, {number} of {len(parts)}: {features} features, {dtype}")
        retrain(Settings(hidden=1, features=features, dtype=dtype))

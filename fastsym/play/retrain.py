"""One training of the page's network, with snapshots on the way. Shape legend: :mod:`fastsym.model.params`."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from fastsym import initialise
from fastsym.experiments.symmetry import dead_units, saturated_fraction
from fastsym.model.datasets import Dataset
from fastsym.model.params import Array, Params
from fastsym.model.reference import accuracy
from fastsym.model.units import unit_classes
from fastsym.play import tables
from fastsym.play.settings import CHOICES, DEFAULT, TEST, Settings
from fastsym.training.checks import checked, checked_multiplicity
from fastsym.training.pieces import run
from fastsym.training.registry import select

DENSE = 100
"""Iterations that have a snapshot each; then every tenth has one until the thousandth, every hundredth, and so on."""
STRETCH_STEPS = 5e7
"""Sample x unit steps between two checks whether the result is still wanted: a fraction of the time for which
:mod:`fastsym.play.newest` waits anyway. Not fewer, because at each check the training may have to wait until the
page's other threads release the interpreter."""
TOLERANCE = 1e-3
"""Units whose parameters differ by at most this much count as nearly equal."""


@dataclass(frozen=True)
class Observed:
    """The results of one training that the page shows."""

    settings: Settings
    feature_names: tuple[str, ...]
    costs: Array
    """(T,) mean nats per sample, in the training's precision; NaN or infinite where the training diverged."""
    iterations: Array
    """(K,) number of updates before each snapshot: 0, 1, 2, ..., T."""
    history: Params
    """Parameters of each snapshot, along a first axis of length K."""
    labels: Array
    """(H,) class of each unit; units of a class are equal, bit for bit and up to sign."""
    near_classes: int
    """Number of classes within :data:`TOLERANCE`."""
    dead: int
    """Number of units whose parameters are all zero."""
    saturated: float
    """Fraction of the hidden values that are saturated, 0 to 1."""
    train_accuracy: float
    """Fraction of the samples trained on that are classified rightly, 0 to 1."""
    test_accuracy: float | None
    """The same of the samples kept from training; None if there are none."""
    variant: str
    """Name of the variant that trained."""
    milliseconds: float
    """Duration of the training alone."""

    @property
    def as_one(self) -> bool:
        """Whether one unit was trained in place of all."""
        return self.settings.one_unit and self.variant != "numpy"

    @property
    def params(self) -> Params:
        """After the last update."""
        return self.at(-1)

    def at(self, moment: int) -> Params:
        """Return the parameters of a snapshot."""
        return Params(*(values[moment] for values in self.history))


compiled: set[tuple[str, str]] = set()
"""Feature sets and precisions that are compiled; the others train in NumPy meanwhile, and nobody waits."""


@cache
def table(features: str, dtype: str) -> Dataset:
    """Load a feature set in one precision; read-only, because trainings share it."""
    X, y, names = tables.load(features)
    X, y = X.astype(dtype), y.astype(dtype)
    X.setflags(write=False)
    y.setflags(write=False)
    return Dataset(X, y, names)


def stretches(iterations: int) -> Iterator[tuple[int, int, int]]:
    """Divide the iterations into ranges (first, stop, every), each with a snapshot at every so many iterations."""
    first, every = 0, 1
    while first < iterations:
        stop = min(iterations, DENSE * every)
        yield first, stop, every
        first, every = stop, 10 * every


def retrain(
    settings: Settings,
    abandoned: Callable[[], bool] = lambda: False,
    tell: Callable[[float], None] = lambda _: None,
) -> Observed | None:
    """Train from scratch, bit for bit as ``fastsym.train`` does.

    Parameters
    ----------
    settings
        The network and its training.
    abandoned
        Called before each part of the training; if it returns True, the training stops.
    tell
        Called with the fraction that is done, 0 to 1.

    Returns
    -------
    Observed or None
        None if the training was stopped.
    """
    s = settings
    data = table(s.features, s.dtype)
    X, y, test_X, test_y = _split(data, s.test)
    fast = (s.features, s.dtype) in compiled
    one_unit = s.one_unit and fast
    start = initialise(s.start, len(X), 1 if one_unit else s.hidden, s.scale, s.seed, s.dtype, s.perturbation)
    problem = checked(X, y, start, s.iterations, s.learning_rate)
    variant = select("fast" if fast else "numpy", problem)
    multiplicity = checked_multiplicity([s.hidden], problem) if one_unit else None
    costs = np.empty(s.iterations, X.dtype)
    iterations, kept = [], []
    steps = len(y) * problem.params.W2.size
    begin = time.perf_counter()
    for first, stop, every in stretches(s.iterations):
        size = every * max(1, int(STRETCH_STEPS / (steps * every)))
        for at in range(first, stop, size):
            if abandoned():
                return None
            tell(at / s.iterations)
            until = min(at + size, stop)
            history = run(variant, problem, costs[at:until], every, multiplicity)
            assert history is not None  # because snapshots are asked for
            iterations.append(np.arange(at, until, every))
            kept.append(Params(*(values[:-1] for values in history)))
    iterations.append(np.array([s.iterations]))
    kept.append(Params(*(values[None] for values in problem.params)))
    milliseconds = 1000 * (time.perf_counter() - begin)
    history = Params(*(np.concatenate(values) for values in zip(*kept, strict=True)))
    if one_unit:
        W1, b1, W2 = (np.repeat(values, s.hidden, axis=1) for values in history[:3])
        history = Params(W1, b1, W2, history.b2)
    params = Params(*(values[-1] for values in history))
    with np.errstate(all="ignore"):  # weights that diverged are shown as they are
        return Observed(
            settings=s,
            feature_names=data.feature_names,
            costs=costs,
            iterations=np.concatenate(iterations),
            history=history,
            labels=unit_classes(params),
            near_classes=int(unit_classes(params, TOLERANCE).max()) + 1,
            dead=int(dead_units(params).sum()),
            saturated=saturated_fraction(X, params),
            train_accuracy=accuracy(X, y, params),
            test_accuracy=accuracy(test_X, test_y, params) if test_y.size else None,
            variant=variant.name,
            milliseconds=milliseconds,
        )


def _split(data: Dataset, test: str) -> tuple[Array, Array, Array, Array]:
    if test == TEST[0]:
        return data.X, data.y, data.X[:, :0], data.y[:0]
    kept = np.arange(data.y.size) % 4 == 3
    return data.X[:, ~kept], data.y[~kept], data.X[:, kept], data.y[kept]


def warm_up(tell: Callable[[str], Any] = lambda _: None, done: Callable[[str, str], Any] = lambda *_: None) -> None:
    """Compile, or load from Numba's cache, everything that trainings need; what the page shows first comes first.

    Parameters
    ----------
    tell
        Called with a line of text before each part.
    done
        Called with the feature set and the precision after each part.
    """
    features = sorted(CHOICES["features"], key=lambda name: name != DEFAULT.features)
    parts = [(name, dtype) for name in features for dtype in CHOICES["dtype"]]
    for number, (name, dtype) in enumerate(parts, 1):
        tell(f"warming up, {number} of {len(parts)}: {name} features, {dtype}")
        X, y, _ = table(name, dtype)
        for hidden in (1, 5):  # one and several units, one and all threads
            for iterations in (1, 2000):
                start = initialise("normal", len(X), hidden, dtype=dtype)
                problem = checked(X, y, start, iterations, 1.0)
                run(select("fast", problem), problem, np.empty(1, X.dtype), 1)
        compiled.add((name, dtype))
        done(name, dtype)

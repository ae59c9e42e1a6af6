"""One training of the page's network, observed on its way. Shape legend: :mod:`fastsym.model.params`."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from fastsym import initialise, load_titanic
from fastsym.experiments.symmetry import dead_units, saturated_fraction, unit_classes
from fastsym.model.datasets import FEATURE_SETS, Dataset
from fastsym.model.params import Array, Params
from fastsym.play.settings import DTYPES, ITERATIONS, Settings
from fastsym.training.checks import checked
from fastsym.training.registry import VARIANTS
from fastsym.training.train import run

PIECE = 100
"""Iterations between two looks at the weights."""
STRETCH_SECONDS = 0.03
"""Between two looks at the clock, and at whether anybody still waits for the result. Not less, because each look may
have to wait until the page's other threads let go of the interpreter."""
THREADS_PAY_SECONDS = 4e-3
"""A piece that one thread trains in less is never given to several: on a busy machine they may wait long for
each other. Above, both are tried, and what follows goes to the faster one. If that is the one thread, several are
tried again after each stretch, for a piece: what disturbed them may be over. The bits are the same."""
SPEEDS: dict[tuple[str, str, int], dict[str, float]] = {}
"""Feature set, precision, width -> variant -> seconds of a piece when it last ran: the next training need not try."""
TOLERANCE = 1e-3
"""Units whose numbers differ by at most this much count as nearly equal."""


@dataclass(frozen=True)
class Observed:
    """What the page shows of one training."""

    feature_names: tuple[str, ...]
    costs: Array
    """(T,) mean nats per sample, in the training's precision; NaN or infinite where it left the finite range."""
    iterations: Array
    """(K,) the moments of ``W2``: 0, PIECE, ..., T."""
    W2: Array
    """(K, H)."""
    params: Params
    """At the end."""
    labels: Array
    """(H,) class of each unit, bit for bit and up to sign."""
    near_classes: int
    """Number of classes within :data:`TOLERANCE`."""
    dead: int
    saturated: float
    """Fraction of the hidden values, 0 to 1."""
    variant: str
    """The one that trained most pieces."""
    milliseconds: float
    """Of the training alone."""


@cache
def table(features: str, dtype: str) -> Dataset:
    """Load a feature set in one precision; read-only, because it is shared between trainings."""
    X, y, names = load_titanic(features)
    X, y = X.astype(dtype), y.astype(dtype)
    X.setflags(write=False)
    y.setflags(write=False)
    return Dataset(X, y, names)


def retrain(settings: Settings, abandoned: Callable[[], bool] = lambda: False) -> Observed | None:
    """Train from scratch, bit for bit as ``fastsym.train`` with variant ``"fast"`` does.

    Parameters
    ----------
    settings
        What to train.
    abandoned
        Asked every :data:`STRETCH_SECONDS` or so; True ends the training.

    Returns
    -------
    Observed or None
        None if abandoned.
    """
    s = settings
    X, y, names = table(s.features, s.dtype)
    start = initialise(s.start, len(names), s.hidden, s.scale, s.seed, s.dtype, s.perturbation)
    problem = checked(X, y, start, ITERATIONS, s.learning_rate)
    params = Params(*problem.params)
    costs = np.empty(ITERATIONS, X.dtype)
    iterations = np.arange(0, ITERATIONS + PIECE, PIECE)
    W2 = np.empty((len(iterations), s.hidden), X.dtype)
    W2[0] = params.W2
    size = (s.features, s.dtype, s.hidden)
    seconds = dict(SPEEDS.get(size, {"simd": 0.0}))  # 0 makes it be tried; a copy: other trainings have their own
    ran: Counter[str] = Counter()
    begin = time.perf_counter()
    k, variant = 0, ""
    while k < len(iterations) - 1:
        if abandoned():
            return None
        quickest = min(seconds, key=seconds.__getitem__)
        variant = "parallel" if quickest == variant == "simd" and "parallel" in seconds else quickest
        best = min(seconds.values())
        pieces = 1 if seconds[variant] > best or not best else max(1, int(STRETCH_SECONDS / best))
        pieces = min(pieces, len(iterations) - 1 - k)
        before = time.perf_counter()
        history = run(VARIANTS[variant], problem, costs[iterations[k] : iterations[k + pieces]], every=PIECE)
        seconds[variant] = (time.perf_counter() - before) / pieces
        if "parallel" not in seconds and seconds[variant] > THREADS_PAY_SECONDS:
            seconds["parallel"] = 0.0
        ran[variant] += pieces
        assert isinstance(history, Params)  # as the start is
        W2[k + 1 : k + pieces + 1] = history.W2[1:]
        k += pieces
    milliseconds = 1000 * (time.perf_counter() - begin)
    SPEEDS[size] = seconds
    with np.errstate(all="ignore"):  # diverged weights are shown as they are
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
            variant=ran.most_common(1)[0][0],
            milliseconds=milliseconds,
        )


def warm_up(tell: Callable[[str], Any]) -> None:
    """Compile, or load from Numba's cache, everything that a training can need.

    Parameters
    ----------
    tell
        Called with a line before each part.
    """
    parts = [(features, dtype) for features in FEATURE_SETS for dtype in DTYPES]
    for number, (features, dtype) in enumerate(parts, 1):
        tell(f"warming up, {number} of {len(parts)}: {features} features, {dtype}")
        retrain(Settings(hidden=1, features=features, dtype=dtype))

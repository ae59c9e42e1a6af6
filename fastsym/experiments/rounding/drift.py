"""One training of units that start equal: whether they end equal and, if not, how fast they drift apart.

Shape legend: :mod:`fastsym.model.params`.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastsym.experiments.article import CURVE_ITERATIONS, STANDARDISED_LEARNING_RATE
from fastsym.experiments.curvature import predicted_deviations
from fastsym.experiments.symmetry import first_split, network_at, recorded, spread
from fastsym.model.datasets import Dataset
from fastsym.model.initialise import initialise
from fastsym.model.params import Array, Params
from fastsym.model.reference import sigmoid, stable_cost
from fastsym.model.units import class_letters, unit_classes, unit_vectors
from fastsym.training.train import train

EQUAL_WEIGHT = 0.1
"""Value of every weight at the start."""
NOISE = 1e2
"""Growth is compared from this many units of rounding on: below, new rounding errors dominate."""
LINEAR = 1e-3
"""Growth is compared up to this spread: beyond it, the prediction is no longer linear."""
LOOKS = 121
"""Number of iterations, evenly spaced, at which the spread is recorded."""


@dataclass(frozen=True)
class Drift:
    """Distances between units that started equal, along one training."""

    iterations: Array
    """(S,) number of updates before each record, evenly spaced."""
    spread: Array
    """(S,) largest distance of a unit from the mean of all units, divided by the length of the longest unit."""
    predicted: Array
    """(S,) the same, predicted by the product of I - lr T, where growth was compared; NaN elsewhere."""


@dataclass(frozen=True)
class Outcome:
    """The result for H equal units in one arithmetic."""

    arithmetic: str
    """Name of a variant, or ``"einsum"``: the reference with sums in a fixed order instead of BLAS."""
    dtype: str
    core_type: str
    """The architecture that OpenBLAS reported; empty for arithmetic without OpenBLAS."""
    hidden: int
    classes: str
    """Classes of equal units at the end, bit for bit, as letters: AAB."""
    final_cost: float
    """Mean nats per sample of the last iteration."""
    first_split: int | None
    """Number of updates after which two units were first found to differ."""
    growth_start: int | None = None
    growth_stop: int | None = None
    """Iterations between which the growth of the spread was compared, within the linear range."""
    growth_measured: float | None = None
    """Logarithm of the ratio of the units' distances from their mean at these two iterations."""
    growth_predicted: float | None = None
    """The same, predicted by the product of I - lr T along the path."""
    drift: Drift | None = None
    """None if the units stayed equal."""


def train_einsum(X: Array, y: Array, params: Params, learning_rate: float, costs: Array) -> None:
    """Train like :func:`fastsym.model.reference.train_network`, with every BLAS call replaced by einsum."""
    W1, b1, W2, b2 = params
    m = X.shape[1]
    for i in range(len(costs)):
        A1 = np.tanh(np.einsum("hd,dm->hm", W1, X) + b1[:, None])
        Z2 = np.einsum("h,hm->m", W2, A1) + b2
        costs[i] = stable_cost(Z2, y)
        dz2 = sigmoid(Z2) - y
        dz1 = W2[:, None] * dz2 * (1 - A1 * A1)
        W2 -= learning_rate * np.einsum("m,hm->h", dz2, A1) / m
        b2 -= learning_rate * np.sum(dz2) / m
        W1 -= learning_rate * np.einsum("hm,dm->hd", dz1, X) / m
        b1 -= learning_rate * np.sum(dz1, axis=1) / m


def _path(
    X: Array, y: Array, start: Params, arithmetic: str, iterations: int, rate: float, every: int
) -> tuple[Array, Params]:
    """Return the costs of all iterations, and snapshots of every ``every``-th iteration and of the end."""
    if arithmetic != "einsum":
        training = train(X, y, start, iterations, rate, arithmetic, record_every=every)
        return training.costs, recorded(training)
    params = Params(*(values.copy() for values in start))
    costs = np.empty(iterations, X.dtype)
    kept = [Params(*(values.copy() for values in params))]
    for i in range(0, iterations, every):
        train_einsum(X, y, params, rate, costs[i : i + every])
        kept.append(Params(*(values.copy() for values in params)))
    return costs, Params(*(np.stack(values) for values in zip(*kept, strict=True)))


def observe(
    data: Dataset,
    arithmetic: str,
    hidden: int,
    iterations: int = CURVE_ITERATIONS,
    learning_rate: float = STANDARDISED_LEARNING_RATE,
    scale: float = EQUAL_WEIGHT,
    dtype: DTypeLike = np.float64,
    core_type: str = "",
    record_every: int = 1,
) -> Outcome:
    """Train H units from a constant start and check whether they are still equal.

    Parameters
    ----------
    data
        Features and labels.
    arithmetic
        Name of a variant, or ``"einsum"``.
    hidden, iterations, learning_rate, scale, dtype
        Width, training and float type; ``scale`` is the value of every weight at the start.
    core_type
        Recorded in the outcome.
    record_every
        Number of updates between two checks of the units; drift and growth are measured only if it is 1.
    """
    X, y = data.X.astype(dtype), data.y.astype(dtype)
    start = initialise("constant", len(X), hidden, scale, dtype=dtype)
    costs, history = _path(X, y, start, arithmetic, iterations, learning_rate, record_every)
    return outcome_of(data, arithmetic, costs, history, learning_rate, core_type, record_every)


def outcome_of(
    data: Dataset,
    arithmetic: str,
    costs: Array,
    history: Params,
    learning_rate: float | None,
    core_type: str = "",
    record_every: int = 1,
) -> Outcome:
    """Describe one training of units that started equal.

    Parameters
    ----------
    data
        Features and labels.
    arithmetic, core_type
        Recorded in the outcome.
    costs
        (T,) mean nats per sample.
    history
        Snapshots of the start, of every ``record_every``-th update and of the end, in the training's float type.
    learning_rate
        Step size of gradient descent; None for another optimiser, whose growth is not predicted.
    record_every
        Number of updates between two snapshots; drift and growth are measured only if it is 1.
    """
    iterations, dtype = len(costs), history.W1.dtype
    end, split = network_at(history, -1), first_split(history)
    outcome = Outcome(
        arithmetic,
        dtype.name,
        core_type,
        history.W2.shape[-1],
        class_letters(unit_classes(end)),
        float(costs[-1]),
        None if split is None else min(split * record_every, iterations),
    )
    if split is None or record_every > 1:
        return outcome
    history = Params(*(values.astype(float) for values in history))
    length = np.linalg.norm(unit_vectors(history), axis=-1).max(axis=-1)
    looks = np.unique(np.linspace(0, iterations, LOOKS).astype(int))
    predicted = np.full(iterations + 1, np.nan)
    found = None
    if learning_rate is not None:
        found = _growth(data.X, data.y, history, learning_rate, NOISE * float(np.finfo(dtype).eps))
    if found is not None:
        growth, away = found
        predicted[growth["growth_start"] : growth["growth_stop"] + 1] = away
        outcome = replace(outcome, **growth)
    return replace(outcome, drift=Drift(looks, (spread(history) / length)[looks], (predicted / length)[looks]))


def _growth(X: Array, y: Array, history: Params, rate: float, noise: float) -> tuple[dict[str, Any], Array] | None:
    """Compare the growth of the spread with its prediction, where the spread is small but above the noise.

    Returns
    -------
    dict and array, or None
        Fields of :class:`Outcome`, and the predicted spread at each iteration from ``growth_start`` to
        ``growth_stop``; None if there is no such range.
    """
    size = spread(history)
    if not (size > LINEAR).any():
        return None
    stop = int(np.argmax(size > LINEAR))
    start = stop - int(np.argmax(size[stop::-1] < noise)) + 1
    if stop - start < 10:  # also when it was never below the noise
        return None
    units = unit_vectors(history)[[start, stop]]
    deviations = units - units.mean(axis=1, keepdims=True)
    window = Params(*(values[start : stop + 1] for values in history))
    path = predicted_deviations(X, y, window, rate, deviations[0])
    base, measured, expected = (float(np.log(np.linalg.norm(d))) for d in (*deviations, path[-1]))
    growth = {
        "growth_start": start,
        "growth_stop": stop,
        "growth_measured": measured - base,
        "growth_predicted": expected - base,
    }
    return growth, np.linalg.norm(path, axis=-1).max(axis=-1)

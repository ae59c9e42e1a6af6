"""Time to break: how many iterations a nearly symmetric start needs to leave its symmetry.

A start is perturbed by eps. Its distance from the symmetry grows by the product of I - lr T along the path of the
unperturbed start (:mod:`fastsym.experiments.curvature`), so the time to reach a given distance grows with ln(1/eps).
Where T is constant, as at the zero saddle, this is a straight line with the slope 1 / ln(1 + lr |cov(x, y)|).
Shape legend: :mod:`fastsym.model.params`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from fastsym.experiments.article import CURVE_ITERATIONS, HIDDEN
from fastsym.experiments.curvature import predicted_deviations, saddle_growth
from fastsym.experiments.symmetry import Quotient, dead_units, quotient, recorded
from fastsym.model.datasets import Dataset
from fastsym.model.initialise import initialise
from fastsym.model.params import Array, Params
from fastsym.model.units import unit_vectors
from fastsym.training.train import train

if TYPE_CHECKING:
    from pandas import DataFrame

EPSILONS = {"zeros": tuple(10.0**-k for k in range(4, 33, 4)), "float64": (1e-4, 1e-6, 1e-8), "float32": (1e-3, 1e-4)}
"""Sizes of the perturbation. Around zero weights they may be very small; elsewhere they must exceed the rounding."""
BROKEN = 1e-2
"""Distance from the symmetry, in any parameter of a unit, at which the symmetry counts as broken: still small enough
for the linear prediction."""
LEARNING_RATE = 0.1


@dataclass(frozen=True)
class Break:
    """One perturbed start."""

    kind: str
    dtype: str
    epsilon: float
    measured: int | None
    """First iteration at which the distance from the symmetry exceeds :data:`BROKEN`; None if there is none."""
    predicted: int | None
    """The same, predicted by the product of I - lr T along the unperturbed path."""


@dataclass(frozen=True)
class Line:
    """Least-squares line of the time to break against ln(1/eps)."""

    slope: float
    """Iterations per unit of ln(1/eps)."""
    interval: tuple[float, float]
    """95 % interval of the slope, widened by what rounding to whole iterations can change."""
    predicted_slope: float
    """1 / ln(1 + lr |cov(x, y)|), for the zero start."""
    r_squared: float


def deviations(params: Params, symmetry: Quotient) -> Array:
    """Return (..., H, D+2): the deviation of each unit from the symmetry.

    That is the unit, times its sign, minus the mean of its class; for a unit that started at zero, where the symmetry
    of the sign keeps it, the unit itself.

    Parameters
    ----------
    params
        One network or a history.
    symmetry
        Quotient of the unperturbed start: which units are equal, up to sign.
    """
    units = unit_vectors(params) * symmetry.signs[:, None]
    dead = dead_units(symmetry.params)
    away = units.copy()
    for label in np.flatnonzero(~dead):
        members = symmetry.labels == label
        away[..., members, :] -= units[..., members, :].mean(axis=-2, keepdims=True)
    return away


def _first_beyond(away: Array) -> int | None:
    beyond = np.abs(away).max(axis=(-2, -1)) > BROKEN
    return int(np.argmax(beyond)) if beyond.any() else None


def time_to_break(
    data: Dataset,
    kind: str,
    epsilons: Sequence[float] | None = None,
    dtype: DTypeLike = np.float64,
    hidden: int = HIDDEN,
    learning_rate: float = LEARNING_RATE,
    iterations: int = CURVE_ITERATIONS,
    scale: float = 0.3,
    seed: int = 0,
) -> list[Break]:
    """Measure and predict the time to break of one kind of start for several perturbations.

    Parameters
    ----------
    data
        Features and labels; standardise the features for learning rates of order 1.
    kind
        A kind of :func:`fastsym.initialise` that has equal or zero units.
    epsilons
        Sizes of the perturbation; by default those of :data:`EPSILONS`.
    dtype
        Float type of the measured training; the prediction is made in float64.
    hidden, learning_rate, iterations, scale, seed
        Width, training and start.

    Raises
    ------
    ValueError
        If the start has no symmetry to break: all units differ and none is zero.
    """
    name = np.dtype(dtype).name
    sizes = EPSILONS["zeros" if kind == "zeros" else name] if epsilons is None else epsilons
    X, y = data.X.astype(dtype), data.y.astype(dtype)

    def start(epsilon: float, dtype: DTypeLike) -> Params:
        return initialise(kind, len(X), hidden, scale, seed, dtype, epsilon)

    exact = start(0.0, np.float64)
    symmetry = quotient(exact)
    dead = dead_units(symmetry.params)
    if (symmetry.multiplicity[~dead] == 1).all() and not dead.any():
        raise ValueError(f"kind: expected a start with equal or zero units; got {kind!r}; use 'zeros' or 'blocks:...'")
    small, counts = symmetry.params, symmetry.multiplicity
    path = recorded(train(data.X, data.y, small, iterations, learning_rate, record_every=1, multiplicity=counts))
    initial = {epsilon: deviations(start(epsilon, np.float64), symmetry) for epsilon in sizes}
    # All perturbations are propagated at once: the product is linear in them.
    propagated = np.empty((iterations + 1, len(sizes), *unit_vectors(exact).shape))
    for label in range(len(counts)):
        members = np.flatnonzero(symmetry.labels == label)
        together = np.stack([initial[epsilon][members] for epsilon in sizes])
        flat = together.reshape(-1, together.shape[-1])
        with np.errstate(over="ignore", invalid="ignore"):  # long after the break, the linear prediction overflows
            along = predicted_deviations(data.X, data.y, path, learning_rate, flat, label, counts)
        propagated[:, :, members] = along.reshape(-1, *together.shape)
    results = []
    for i, epsilon in enumerate(sizes):
        history = recorded(train(X, y, start(epsilon, dtype), iterations, learning_rate, record_every=1))
        measured = _first_beyond(deviations(history, symmetry))
        results.append(Break(kind, name, epsilon, measured, _first_beyond(propagated[:, i])))
    return results


def saddle_line(data: Dataset, breaks: Sequence[Break], learning_rate: float = LEARNING_RATE) -> Line:
    """Fit a line to the zero start's times to break against ln(1/eps), and predict its slope.

    Raises
    ------
    ValueError
        If fewer than three of the starts broke.
    """
    from scipy.stats import linregress, t  # here, because it costs more to import than all of fastsym

    points = [(np.log(1 / b.epsilon), b.measured) for b in breaks if b.measured is not None]
    if len(points) < 3:
        raise ValueError(f"breaks: expected at least 3 starts that broke; got {len(points)}; train for longer")
    x, times = np.array(points, float).T
    fit = linregress(x, times)
    # Times are whole iterations: rounding alone can change the line's rise by 1.
    half = float(t.ppf(0.975, len(points) - 2) * fit.stderr + 1 / np.ptp(x))
    slope = float(fit.slope)
    growth = saddle_growth(data.X, data.y, learning_rate)
    return Line(slope, (slope - half, slope + half), float(1 / np.log(growth)), float(fit.rvalue**2))


def table(breaks: Sequence[Break]) -> "DataFrame":
    """Return one row for each perturbed start; the columns are the fields of :class:`Break`."""
    import pandas as pd  # here, because it costs more to import than all of fastsym

    return pd.DataFrame([asdict(each) for each in breaks])

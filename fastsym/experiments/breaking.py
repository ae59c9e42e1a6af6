"""Time to break: how long a start that is nearly symmetric takes to leave its symmetry.

A start is perturbed by eps. The distance from the symmetry grows by the product of I - lr T along the path of the
unperturbed start (:mod:`fastsym.experiments.curvature`), so the time to reach a given distance is that product's
inverse function of ln(1/eps): a straight line where T is constant, as at the zero saddle, with the slope 1 / ln(1 +
lr |cov(x, y)|). Shape legend: :mod:`fastsym.model.params`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from fastsym.experiments.curvature import predicted_deviations, saddle_growth
from fastsym.experiments.symmetry import Quotient, dead_units, quotient, unit_vectors
from fastsym.model.datasets import Dataset
from fastsym.model.initialise import initialise
from fastsym.model.params import Array, Params
from fastsym.training.train import train

if TYPE_CHECKING:
    from pandas import DataFrame

EPSILONS = {"zeros": tuple(10.0**-k for k in range(4, 33, 4)), "float64": (1e-4, 1e-6, 1e-8), "float32": (1e-3, 1e-4)}
"""Perturbations: the zero start's weights may be as small as numbers go, those of others must not drown in rounding."""
BROKEN = 1e-2
"""Distance from the symmetry, in any of a unit's numbers, at which it counts as broken: still small, so that the
linear prediction applies."""
LEARNING_RATE = 0.1
ITERATIONS = 3000
SCALE = 0.3


@dataclass(frozen=True)
class Break:
    """One perturbed start."""

    kind: str
    dtype: str
    epsilon: float
    measured: int | None
    """First iteration at which the distance from the symmetry exceeds :data:`BROKEN`; None if it never does."""
    predicted: int | None
    """The same by the product of I - lr T along the unperturbed path."""


@dataclass(frozen=True)
class Line:
    """Least squares through time to break against ln(1/eps)."""

    slope: float
    """Iterations per unit of ln(1/eps)."""
    interval: tuple[float, float]
    """95 % interval of the slope, and what counting in whole iterations adds to it."""
    predicted_slope: float
    """1 / ln(1 + lr |cov(x, y)|), for the zero start."""
    r_squared: float


def deviations(params: Params, symmetry: Quotient) -> Array:
    """Return (..., H, D+2): how far each unit is from the symmetry.

    Units are taken with their sign, minus the mean of their class; a unit that was zero is its own distance, as the
    sign symmetry alone keeps it there.

    Parameters
    ----------
    params
        One network or a history.
    symmetry
        Which units are equal, up to sign; of the unperturbed start.
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
    hidden: int = 4,
    learning_rate: float = LEARNING_RATE,
    iterations: int = ITERATIONS,
    scale: float = SCALE,
    seed: int = 0,
) -> list[Break]:
    """Measure and predict the time to break of one kind of start for several perturbations.

    Parameters
    ----------
    data
        Features and labels; standardised features, if ``learning_rate`` is to be of order 1.
    kind
        As for :func:`fastsym.model.initialise.initialise`; one with equal or zero units.
    epsilons
        Sizes of the perturbation; those of :data:`EPSILONS` if not given.
    dtype
        Arithmetic of the measured training. The prediction is made in float64.
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
        params = initialise(kind, len(X), hidden, scale, seed, dtype, epsilon)
        assert isinstance(params, Params)  # because hidden is given
        return params

    exact = start(0.0, np.float64)
    symmetry = quotient(exact)
    dead = dead_units(symmetry.params)
    if (symmetry.multiplicity[~dead] == 1).all() and not dead.any():
        raise ValueError(f"kind: expected a start with equal or zero units; got {kind!r}; use 'zeros' or 'blocks:...'")
    small, counts = symmetry.params, symmetry.multiplicity
    path = train(data.X, data.y, small, iterations, learning_rate, record_every=1, multiplicity=counts).history
    assert isinstance(path, Params)  # as the start is
    initial = {epsilon: deviations(start(epsilon, np.float64), symmetry) for epsilon in sizes}
    # All perturbations are carried along together: the product is linear in them.
    carried = np.empty((iterations + 1, len(sizes), *unit_vectors(exact).shape))
    for label in range(len(counts)):
        members = np.flatnonzero(symmetry.labels == label)
        together = np.stack([initial[epsilon][members] for epsilon in sizes])
        flat = together.reshape(-1, together.shape[-1])
        with np.errstate(over="ignore", invalid="ignore"):  # long after it broke, the linear prediction overflows
            along = predicted_deviations(data.X, data.y, path, learning_rate, flat, label, counts)
        carried[:, :, members] = along.reshape(-1, *together.shape)
    results = []
    for i, epsilon in enumerate(sizes):
        history = train(X, y, start(epsilon, dtype), iterations, learning_rate, record_every=1).history
        assert isinstance(history, Params)  # as the start is
        measured = _first_beyond(deviations(history, symmetry))
        results.append(Break(kind, name, epsilon, measured, _first_beyond(carried[:, i])))
    return results


def saddle_line(data: Dataset, breaks: Sequence[Break], learning_rate: float = LEARNING_RATE) -> Line:
    """Fit the times to break of the zero start against ln(1/eps), and predict the slope.

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
    # Times are whole iterations: that alone can tilt the line by one over its length.
    half = float(t.ppf(0.975, len(points) - 2) * fit.stderr + 1 / np.ptp(x))
    slope = float(fit.slope)
    growth = saddle_growth(data.X, data.y, learning_rate)
    return Line(slope, (slope - half, slope + half), float(1 / np.log(growth)), float(fit.rvalue**2))


def table(breaks: Sequence[Break]) -> "DataFrame":
    """One row a perturbed start, columns as the fields of :class:`Break`."""
    import pandas as pd  # here, because it costs more to import than all of fastsym

    return pd.DataFrame([asdict(each) for each in breaks])

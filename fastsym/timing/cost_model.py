"""The cost model of a training: t = call + T (a + b M H (D + d0)) for each variant, fitted to measured times.

``call`` is paid once a training, ``a`` once an iteration, and ``b (D + d0)`` for every sample and hidden unit: ``b``
for each feature, and as much as ``d0`` more features for tanh and the rest. No coefficient can be negative, since each
is a time. From the models of several variants follows which is the quickest at which width.

The fit minimises relative errors, so that a call of a millisecond counts as much as one of a second. The model is
linear in its coefficients: it is fitted by non-negative least squares in which every row is divided by the time that
the fit before it predicts. Intervals come from a bootstrap of the residuals, whose spread holds the noise of the
machine and whatever the model itself gets wrong. It draws the residuals of whole widths: those of one width are
alike, and drawn one by one they would make the intervals too narrow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]
Interval = tuple[float, float]

DRAWS = 500
PASSES = 4
"""Fits in a row, each weighted by the one before; the third hardly moves any more."""
MIN_TIMINGS = 6


@dataclass(frozen=True)
class CostModel:
    """The cost of trainings of one variant."""

    D: int
    """Features that ``unit_seconds`` is for."""
    M: int
    """Samples."""
    call_seconds: float
    iteration_seconds: float
    """a: of every iteration, whatever the width."""
    unit_seconds: float
    """b (D + d0): of every iteration, sample and hidden unit."""
    feature_seconds: float
    """b: the part of it that each feature adds; NaN if all timings have the same number of features."""
    intervals: Mapping[str, Interval]
    """Name of a coefficient above, or ``equivalent_features`` -> 95 % interval."""
    draws: Floats
    """(draws, 4) The four coefficients of each bootstrap fit, in the order above."""
    timings: int
    """How many it was fitted to."""
    typical_error: float
    """Median of abs(measured / predicted - 1) over them."""

    @property
    def equivalent_features(self) -> float:
        """d0: how many features a hidden unit's other work is worth; NaN or infinite if b is unknown or zero."""
        return float(_equivalent(np.array([[0, 0, self.unit_seconds, self.feature_seconds]]), self.D)[0])

    def predict(self, hidden: ArrayLike, iterations: ArrayLike, D: ArrayLike | None = None) -> Floats:
        """Predict the time of whole trainings.

        Parameters
        ----------
        hidden, iterations
            H and T, numbers or arrays that broadcast.
        D
            Features; the model's own if None.

        Returns
        -------
        ndarray
            Seconds.

        Raises
        ------
        ValueError
            If D is another than the model's and the model does not know what a feature costs.
        """
        return np.asarray(self._predict(self._coefficients(), hidden, iterations, D))

    def interval(self, hidden: ArrayLike, iterations: ArrayLike) -> tuple[Floats, Floats]:
        """Bound the predicted seconds by a 95 % interval.

        Parameters
        ----------
        hidden, iterations
            As for :meth:`predict`; (n,) or numbers.

        Returns
        -------
        tuple
            Lower and upper ends.
        """
        low, high = np.quantile(self.predict_draws(hidden, iterations), (0.025, 0.975), axis=0)
        return low, high

    def predict_draws(self, hidden: ArrayLike, iterations: ArrayLike) -> Floats:
        """Predict by every bootstrap fit.

        Parameters
        ----------
        hidden, iterations
            As for :meth:`interval`.

        Returns
        -------
        ndarray
            (draws, ...) seconds.
        """
        width = np.asarray(hidden, np.float64)
        columns = self.draws.T.reshape(4, -1, *(1,) * width.ndim)
        return np.asarray(self._predict(columns, width, iterations, None))

    def _coefficients(self) -> Floats:
        return np.array([self.call_seconds, self.iteration_seconds, self.unit_seconds, self.feature_seconds])

    def _predict(self, coefficients: Floats, hidden: ArrayLike, iterations: ArrayLike, D: ArrayLike | None) -> Floats:
        call, iteration, unit, feature = coefficients
        if D is not None and (np.asarray(D) != self.D).any():
            if not np.isfinite(feature).all():
                raise ValueError(f"D: expected {self.D}, as in all timings of this model; got {D}; time another D, too")
            unit = unit + feature * (np.asarray(D) - self.D)
        return np.asarray(call + np.asarray(iterations) * (iteration + self.M * np.asarray(hidden) * unit))


def fit(timings: pd.DataFrame, D: ArrayLike, M: int, seed: int = 0) -> CostModel:
    """Fit the cost model to the times of one variant.

    Parameters
    ----------
    timings
        One row a benchmark case, with columns ``hidden``, ``iterations`` and ``seconds`` (of a whole training call);
        others are ignored.
    D
        Features: one number, or one a row. The model is for the most frequent of them.
    M
        Samples.
    seed
        Seed of the bootstrap.

    Returns
    -------
    CostModel

    Raises
    ------
    ValueError
        If there are too few timings, only one width or one number of iterations, or a time that is not positive.
    """
    hidden, iterations, seconds = (timings[name].to_numpy(np.float64) for name in ("hidden", "iterations", "seconds"))
    if len(timings) < MIN_TIMINGS or np.unique(hidden).size < 2 or np.unique(iterations).size < 2:
        raise ValueError(
            f"timings: expected at least {MIN_TIMINGS} with several widths and iteration counts; got "
            f"{len(timings)} with {np.unique(hidden).size} and {np.unique(iterations).size}; measure more"
        )
    if not (np.isfinite(seconds) & (seconds > 0)).all():
        raise ValueError(f"timings: expected positive, finite seconds; got {seconds.tolist()}; leave out void ones")
    features = np.broadcast_to(np.asarray(D, np.int64), hidden.shape)
    found, counts = np.unique(features, return_counts=True)
    usual = int(found[counts.argmax()])
    elements = iterations * M * hidden
    columns = [np.ones_like(hidden), iterations, elements]
    if found.size > 1:
        columns.append(elements * features)
    design = np.stack(columns, axis=1)

    best = _solve(design, seconds)
    fitted = design @ best
    residuals = np.log(seconds / fitted)
    freedom = max(1, len(seconds) - design.shape[1])
    noise = (residuals - residuals.mean()) * np.sqrt(len(seconds) / freedom)
    rng = np.random.default_rng(seed)
    drawn = [_solve(design, fitted * np.exp(_redraw(noise, hidden, rng))) for _ in range(DRAWS)]
    coefficients = _named(best[None], usual)[0]
    draws = _named(np.array(drawn), usual)
    names = ("call_seconds", "iteration_seconds", "unit_seconds", "feature_seconds")
    drawn_by_name = dict(zip((*names, "equivalent_features"), (*draws.T, _equivalent(draws, usual)), strict=True))
    return CostModel(
        usual,
        M,
        **{name: float(value) for name, value in zip(names, coefficients, strict=True)},
        intervals={name: _middle(values) for name, values in drawn_by_name.items()},
        draws=draws,
        timings=len(seconds),
        typical_error=float(np.median(np.abs(seconds / fitted - 1))),
    )


def _redraw(noise: Floats, hidden: Floats, rng: np.random.Generator) -> Floats:
    """Give each width the residuals of a width drawn at random, together and in order; with a random sign."""
    places = [np.flatnonzero(hidden == width) for width in np.unique(hidden)]
    # Of G widths the residuals' mean over widths has lost one degree of freedom.
    scale = np.sqrt(len(places) / (len(places) - 1))
    drawn = np.empty_like(noise)
    for place in places:
        block = noise[places[rng.integers(len(places))]]
        drawn[place] = rng.choice((-scale, scale)) * np.resize(block, place.size)
    return drawn


def _solve(design: Floats, seconds: Floats) -> Floats:
    """Non-negative coefficients, by least squares of (seconds - fitted) / fitted."""
    weights = seconds
    for _ in range(PASSES):
        scaled = design / weights[:, None]
        size = np.linalg.norm(scaled, axis=0)  # coefficients differ by ten orders of magnitude
        best = np.asarray(nnls(scaled / size, seconds / weights)[0] / size)
        weights = design @ best
        if not (weights > 0).all():  # nothing fits; the plain fit is then as good as any
            break
    return best


def _named(solved: Floats, D: int) -> Floats:
    """(n, 3 or 4) coefficients of the columns -> (n, 4) call, iteration, unit at D, feature."""
    if solved.shape[1] == 3:
        return np.column_stack([solved, np.full(len(solved), np.nan)])
    call, iteration, unit, feature = solved.T
    return np.column_stack([call, iteration, unit + feature * D, feature])


def _equivalent(coefficients: Floats, D: int) -> Floats:
    """(n, 4) -> (n,) d0."""
    _, _, unit, feature = coefficients.T
    return np.asarray(np.divide(unit, feature, out=np.full(len(unit), np.inf), where=feature != 0) - D)


def _middle(values: Floats) -> Interval:
    """95 % of values of which some may be infinite: between two of them, so that none is interpolated."""
    low, high = np.quantile(values, (0.025, 0.975), method="inverted_cdf")
    return float(low), float(high)


@dataclass(frozen=True)
class Crossover:
    """Where one variant becomes the quickest in place of another."""

    before: str
    after: str
    hidden: int
    """First width at which ``after`` is predicted to be the quicker."""
    low: float
    high: float
    """95 % interval; infinite if it may never happen."""


def winners(models: Mapping[str, CostModel], iterations: int, widths: Interval) -> tuple[str, tuple[Crossover, ...]]:
    """Find the quickest variant at every width.

    Parameters
    ----------
    models
        Variant -> cost model, at least one.
    iterations
        T of the trainings.
    widths
        Smallest and largest H looked at.

    Returns
    -------
    tuple
        The quickest at the smallest width, and the crossovers in order of width.
    """
    names = list(models)
    hidden = np.arange(int(widths[0]), int(widths[1]) + 1)
    first = np.argmin([models[name].predict(hidden, iterations) for name in names], axis=0)
    changes = np.flatnonzero(np.diff(first)) + 1
    found = []
    for i in changes:
        before, after = names[first[i - 1]], names[first[i]]
        low, high = _interval(models[before], models[after], iterations)
        found.append(Crossover(before, after, int(hidden[i]), low, high))
    return names[first[0]], tuple(found)


def _interval(before: CostModel, after: CostModel, iterations: int) -> Interval:
    """Bound the width from which ``after`` is the quicker; both predictions are straight lines in the width."""
    # Fits of two variants are drawn independently of each other: pairing them in order is as good as any pairing.
    ahead = after.predict_draws(0.0, iterations) - before.predict_draws(0.0, iterations)
    gain = before.predict_draws(1.0, iterations) - after.predict_draws(1.0, iterations) + ahead
    where = np.full(len(ahead), np.inf)
    where[ahead <= 0] = 0.0
    crossing = (ahead > 0) & (gain > 0)
    where[crossing] = ahead[crossing] / gain[crossing]
    return _middle(where)


def contenders(models: Mapping[str, CostModel], iterations: int, widths: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Find the variants that may be the quickest at each width.

    Parameters
    ----------
    models
        Variant -> cost model, at least one.
    iterations
        T of the trainings.
    widths
        Widths H to look at.

    Returns
    -------
    dict
        Width -> the variant with the shortest predicted time, and after it all whose 95 % interval overlaps its own.
        One name alone is decided.
    """
    names = list(models)
    predicted = np.array([models[name].predict(widths, iterations) for name in names])
    low, high = np.array([models[name].interval(widths, iterations) for name in names]).transpose(1, 0, 2)
    found = {}
    for i, width in enumerate(widths):
        best = int(predicted[:, i].argmin())
        rivals = [j for j in range(len(names)) if j != best and not low[j, i] > high[best, i]]
        found[int(width)] = tuple(names[j] for j in (best, *rivals))
    return found

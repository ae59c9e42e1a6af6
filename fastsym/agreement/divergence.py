"""How far two correct programs drift apart on one training: the band of the reference under rounding noise.

Runs of the reference on the article's raw features, case 2, in which every parameter is moved by one unit in the last
place, up, down or not at all, before each iteration. That is the noise of any program that rounds differently. The
band is what such runs reach; a variant whose path leaves it does something else than round differently. With 4 units
the noise stays at rounding level for thousands of iterations, with 16 it grows about tenfold per two iterations from
the thirtieth on until the paths have nothing in common: from there on no trajectory can be compared.

The runs are stored beside the ground truth (:mod:`fastsym.agreement.truth`);
:mod:`fastsym.agreement.make_truth` makes them anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from fastsym.agreement.truth import data, flatten, stored
from fastsym.model import reference
from fastsym.model.initialise import initialise
from fastsym.model.params import AnyParams, Array, Params

WIDTHS = (4, 16)
RUNS = 32
LEARNING_RATE = 0.01
CHECKPOINTS: tuple[int, ...] = tuple(sorted({round(10 ** (i / 12)) for i in range(42)} | {3000}))
"""Iterations after which paths are compared; 1 to 3000."""
COMPARABLE = 0.01
"""Relative distance beyond which two paths are different trainings."""

TrainNetwork = Callable[[Array, Array, Params, float, Array], None]


@dataclass(frozen=True, eq=False)
class Band:
    """Distances of perturbed reference runs from the unperturbed one."""

    hidden: int
    dtype: str
    iterations: Array
    """(C,) after which the paths were compared."""
    distances: Array
    """(runs, C) largest difference of a parameter, relative to the largest parameter."""

    @property
    def envelope(self) -> Array:
        """(C,) largest distance of any run so far."""
        return np.asarray(np.maximum.accumulate(self.distances.max(axis=0)))

    @property
    def comparable_until(self) -> int:
        """Last of the compared iterations at which all runs are still the same training."""
        within = self.envelope <= COMPARABLE
        return int(self.iterations[within][-1]) if within.any() else 0


def stored_name(hidden: int, dtype: str) -> str:
    """Name of a band in the file of the ground truth."""
    return f"band_{hidden}_{dtype}"


@cache
def band(hidden: int, dtype: str = "float64") -> Band:
    """Return the stored band of 32 runs of 3000 iterations.

    Parameters
    ----------
    hidden
        4 or 16.
    dtype
        ``"float64"`` or ``"float32"``.
    """
    distances = stored()[stored_name(hidden, dtype)].astype(np.float64)
    return Band(hidden, dtype, np.array(CHECKPOINTS), distances)


def perturb(
    X: Array, y: Array, hidden: int, dtype: str, runs: int = RUNS, checkpoints: tuple[int, ...] = CHECKPOINTS
) -> Array:
    """Compute the distances (runs, C) of a band anew; seeds are the numbers of the runs."""
    X, y = X.astype(dtype), y.astype(dtype)
    calm = _walk(reference.train_network, X, y, hidden, checkpoints)
    runs_done = [_walk(perturbed(seed), X, y, hidden, checkpoints) for seed in range(runs)]
    return np.array([distance(path, calm) for path in runs_done], np.float32)


def perturbed(seed: int) -> Callable[[Array, Array, AnyParams, float, Array], None]:
    """Make a reference that moves each parameter by an ulp, or not, before each iteration."""
    rng = np.random.default_rng(seed)

    def train(X: Array, y: Array, params: AnyParams, learning_rate: float, costs: Array) -> None:
        ulp = np.finfo(X.dtype).eps
        for i in range(len(costs)):
            for field in params:
                field *= (1 + ulp * rng.integers(-1, 2, field.shape)).astype(X.dtype)
            if isinstance(params, Params):
                reference.train_network(X, y, params, learning_rate, costs[i : i + 1])
            else:
                reference.train_layer(X, y, params, learning_rate, costs[i : i + 1])

    return train


def _walk(train_network: TrainNetwork, X: Array, y: Array, hidden: int, checkpoints: tuple[int, ...]) -> Array:
    """Parameters (C, n) after each checkpoint of case 2."""
    params = initialise("normal", len(X), hidden, 0.01, 0, X.dtype)
    done, path = 0, []
    with np.errstate(all="ignore"):
        for checkpoint in checkpoints:
            train_network(X, y, params, LEARNING_RATE, np.empty(checkpoint - done, X.dtype))
            done = checkpoint
            path.append(flatten(params))
    return np.array(path)


def distance(path: Array, other: Array) -> Array:
    """Largest difference of a parameter at each checkpoint (C,), relative to the largest parameter of ``other``."""
    return np.asarray(np.abs(path - other).max(axis=1) / np.abs(other).max(axis=1))


@cache
def _reference_path(hidden: int, dtype: str, last: int) -> Array:
    X, y = data("article")
    return _walk(reference.train_network, X.astype(dtype), y.astype(dtype), hidden, _until(last))


def _until(last: int) -> tuple[int, ...]:
    return tuple(checkpoint for checkpoint in CHECKPOINTS if checkpoint <= last)


def divergence(train_network: TrainNetwork, hidden: int, dtype: str = "float64", last: int = 3000) -> Array:
    """Distance of a variant's path from the reference's, both run here and now.

    Parameters
    ----------
    train_network
        Training function of the variant.
    hidden
        4 or 16.
    dtype
        ``"float64"`` or ``"float32"``.
    last
        Iteration after which to stop, at most 3000.

    Returns
    -------
    (C,) array
        At the iterations of :attr:`Band.iterations` up to ``last``; to be compared with :attr:`Band.envelope`.
    """
    X, y = data("article")
    path = _walk(train_network, X.astype(dtype), y.astype(dtype), hidden, _until(last))
    return distance(path, _reference_path(hidden, dtype, last))

"""The outcomes of one chunk: one row per network, with every setting, version and outcome.

A row depends on its settings, the data and the versions only: not on the chunk, the number of threads, the machine or
its load. It therefore holds no times. Equal samples are merged into one with a weight, so a row agrees with ``train``
up to the rounding of sums in another order.
"""

from collections.abc import Mapping
from importlib.metadata import version
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

import fastsym
from fastsym.experiments.symmetry import (
    count_classes,
    dead_units,
    each_network,
    effective_rank,
    saturated_fraction,
    spread,
)
from fastsym.model.datasets import Dataset
from fastsym.model.initialise import initialise
from fastsym.model.params import Array, Params
from fastsym.model.reference import accuracy
from fastsym.sweep.grid import Chunk, Grid
from fastsym.training.checks import checked

if TYPE_CHECKING:
    from pandas import DataFrame

TOLERANCE = 1e-6
"""Units whose parameters differ by at most this much count as equal in ``classes_within_tolerance``."""


def check_training(grid: Grid, tables: Mapping[str, Dataset]) -> None:
    """Check that every feature set can be trained on in every float type, at every learning rate.

    Raises
    ------
    ValueError
        If not; the message says which and why.
    """
    for (name, data), dtype in product(tables.items(), grid.dtype):
        with np.errstate(all="ignore"):  # what leaves the finite range is refused
            X, y = data.X.astype(dtype), data.y.astype(dtype)
        start = initialise("zeros", len(X), 1, dtype=dtype)
        for rate in grid.learning_rate:
            try:
                checked(X, y, start, grid.iterations, rate)
            except ValueError as error:
                raise ValueError(f"features {name!r} in {dtype}: {error}") from error


def run_chunk(grid: Grid, chunk: Chunk, data: Dataset, threads: int | None = None) -> "DataFrame":
    """Train the networks of a chunk and observe them.

    Parameters
    ----------
    grid, chunk
        The networks to train.
    data
        The feature set that the chunk's settings name.
    threads
        Number of threads that share the networks; None for all.

    Returns
    -------
    pandas.DataFrame
        Columns: network; the settings; iterations; samples, n_features; fastsym_version, numpy_version, numba_version;
        first_cost, final_cost, lowest_cost (mean nats per sample); iterations_to_half (until half of the fall from
        the first to the lowest cost); finite (whether all costs were finite); accuracy; classes_at_start, classes (bit
        for bit, up to sign), classes_within_tolerance, dead_units, spread, effective_rank (of W1), saturated_fraction.
    """
    import pandas as pd  # here, as Numba, because both take longer to import than a command may need to answer

    from fastsym.training.train import train_population

    settings = [grid.settings(network) for network in range(chunk.first, chunk.stop)]
    dtype = np.dtype(settings[0]["dtype"])
    X, y = data.X.astype(dtype), data.y.astype(dtype)
    starts: list[Params] = [
        initialise(s["start"], len(X), s["hidden"], s["scale"], s["seed"], s["dtype"], s["perturbation"])
        for s in settings
    ]
    together = Params(*(np.stack(values) for values in zip(*starts, strict=True)))
    rates = np.array([each["learning_rate"] for each in settings])
    training = train_population(X, y, together, grid.iterations, rates, threads=threads, merge_equal_samples=True)
    common = {
        "iterations": grid.iterations,
        "samples": X.shape[1],
        "n_features": X.shape[0],
        "fastsym_version": fastsym.__version__,
        "numpy_version": np.__version__,
        "numba_version": version("numba"),
    }
    table = pd.DataFrame(settings).assign(**common)
    table.insert(0, "network", range(chunk.first, chunk.stop))
    for name, values in (*_of_costs(training.costs).items(), *_of_networks(X, y, together, training.params).items()):
        table[name] = values
    return table


def _of_costs(costs: Array) -> dict[str, Array]:
    lowest = np.fmin.reduce(costs, axis=1)  # skips NaN
    half = (costs[:, 0] + lowest) / 2
    return {
        "first_cost": costs[:, 0].astype(float),
        "final_cost": costs[:, -1].astype(float),
        "lowest_cost": lowest.astype(float),
        "iterations_to_half": np.argmax(costs <= half[:, None], axis=1),
        "finite": np.isfinite(costs).all(axis=1),
    }


def _of_networks(X: Array, y: Array, starts: Params, ends: Params) -> dict[str, Any]:
    finite = np.asarray(np.isfinite(ends.W1).all(axis=(1, 2)))
    rank = np.full(len(ends.W1), np.nan)
    rank[finite] = effective_rank(ends.W1[finite].astype(float))
    networks = list(each_network(ends))
    with np.errstate(all="ignore"):  # the outcomes of a network that diverged are NaN, without a warning
        return {
            "accuracy": [accuracy(X, y, params) for params in networks],
            "classes_at_start": count_classes(starts),
            "classes": count_classes(ends),
            "classes_within_tolerance": count_classes(ends, TOLERANCE),
            "dead_units": dead_units(ends).sum(axis=1),
            "spread": spread(ends),
            "effective_rank": rank,
            "saturated_fraction": [saturated_fraction(X, params) for params in networks],
        }

"""The article's program, the reference, on NumPy."""

from collections.abc import Iterator

import numpy as np

from fastsym.experiments.rounding.frameworks.programs import EqualUnits, Operation, Program, copied
from fastsym.experiments.rounding.processes import numpy_blas
from fastsym.model.params import Array, Params
from fastsym.model.reference import train_network


def reference(X: Array, y: Array, start: Params, learning_rate: float) -> Iterator[tuple[float, Params]]:
    """Train by :func:`fastsym.model.reference.train_network`."""
    params, cost = copied(start), np.empty(1, X.dtype)
    while True:
        train_network(X, y, params, learning_rate, cost)
        yield float(cost[0]), params


def version() -> str:
    """Name NumPy and its BLAS."""
    kind, number, _ = numpy_blas()
    return f"NumPy {np.__version__}, {'OpenBLAS' if kind == 'openblas' else kind} {number}".strip()


def core_type() -> str:
    """Return the architecture that NumPy's BLAS reports; empty if it reports none."""
    return numpy_blas()[2]


PROGRAMS: dict[str, Program] = {"reference, gradient descent": reference}


def _operations() -> dict[str, Operation]:
    def forward(units: EqualUnits) -> Array:
        return units.W @ units.X

    def forward_by_sample(units: EqualUnits) -> Array:
        return (units.X.T @ units.W.T).T

    def gradient(units: EqualUnits) -> Array:
        return units.A @ units.X.T

    def gradient_by_sample(units: EqualUnits) -> Array:
        return np.asarray((units.X @ np.ascontiguousarray(units.A.T)).T)

    def vector(units: EqualUnits) -> Array:
        return np.asarray(units.A @ units.r)

    return {
        "W1 @ X": forward,
        "X.T @ W1.T": forward_by_sample,
        "dZ1 @ X.T": gradient,
        "X @ dZ1.T": gradient_by_sample,
        "A1 @ dZ2": vector,
        "einsum('hm,dm->hd', dZ1, X)": lambda units: np.einsum("hm,dm->hd", units.A, units.X),
        "tanh(Z1)": lambda units: np.tanh(units.A),
        "sum(dZ1, axis=1)": lambda units: units.A.sum(axis=1),
        "sum(dZ1.T, axis=0)": lambda units: np.ascontiguousarray(units.A.T).sum(axis=0),
    }


OPERATIONS = _operations()

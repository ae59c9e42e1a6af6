"""fastsym's own kernels, for comparison: one call for each iteration."""

from collections.abc import Iterator
from functools import partial

from fastsym.experiments.rounding.frameworks.programs import Operation, Program
from fastsym.model.params import Array, Params
from fastsym.training.train import train


def kernel(X: Array, y: Array, start: Params, learning_rate: float, variant: str) -> Iterator[tuple[float, Params]]:
    """Train by a variant of :data:`fastsym.VARIANTS`."""
    params = start
    while True:
        training = train(X, y, params, 1, learning_rate, variant)
        params = training.params
        yield float(training.costs[0]), params


def version() -> str:
    """Name fastsym and Numba."""
    from importlib.metadata import version

    return f"fastsym {version('fastsym')}, Numba {version('numba')}"


def core_type() -> str:
    """Nothing is reported: the bits are the same on every processor."""
    return ""


PROGRAMS: dict[str, Program] = {"parallel, gradient descent": partial(kernel, variant="parallel")}
OPERATIONS: dict[str, Operation] = {}

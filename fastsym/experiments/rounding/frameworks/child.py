"""The work of a child process: train all programs of one framework, and compare the rows of single operations."""

import os
from importlib import import_module
from itertools import islice
from typing import NamedTuple, cast

import numpy as np

from fastsym.experiments.article import STANDARDISED_LEARNING_RATE
from fastsym.experiments.rounding.drift import EQUAL_WEIGHT, Outcome, outcome_of
from fastsym.experiments.rounding.frameworks.programs import EqualUnits, Module, Operation, Program, copied
from fastsym.experiments.rounding.processes import answering
from fastsym.model.datasets import Dataset
from fastsym.model.initialise import initialise
from fastsym.model.params import Array, Params
from fastsym.model.units import class_letters

DRAWS = 20
"""Operands of each single operation: a sum of one row may round to the same number in two orders by chance."""


class Request(NamedTuple):
    """What a child process is asked."""

    module: str
    setting: str
    """``NAME=value``, already in its environment; or empty."""
    threads: int
    data: Dataset
    widths: tuple[int, ...]
    dtypes: tuple[str, ...]
    iterations: int


class Reply(NamedTuple):
    """The answer of a child process."""

    version: str
    core_type: str
    outcomes: list[Outcome]
    products: list[tuple[str, str, int, str]]
    """Operation, float type, H and the classes of the rows."""


def follow(
    program: Program, X: Array, y: Array, start: Params, learning_rate: float, iterations: int
) -> tuple[Array, Params]:
    """Run a program.

    Returns
    -------
    tuple
        (T,) costs, and snapshots of the start and of each update, (T+1, ...).
    """
    costs, kept = [], [copied(start)]
    for cost, params in islice(program(X, y, copied(start), learning_rate), iterations):
        costs.append(cost)
        kept.append(Params(*(np.array(values, X.dtype) for values in params)))
    return np.array(costs), Params(*(np.stack(values) for values in zip(*kept, strict=True)))


def row_classes(result: Array) -> str:
    """Name the classes of rows that are equal bit for bit: AAB."""
    rows = [np.ascontiguousarray(row).tobytes() for row in result]
    order = list(dict.fromkeys(rows))
    return class_letters(np.array([order.index(row) for row in rows]))


def equal_units(data: Dataset, hidden: int, dtype: str, seed: int = 0) -> EqualUnits:
    """Make operands from the table and random numbers."""
    D, M = data.X.shape
    random = np.random.default_rng(seed)
    w, a, r = (np.asarray(random.normal(size=n), dtype) for n in (D, M, M))
    return EqualUnits(data.X.astype(dtype), np.tile(w, (hidden, 1)), np.tile(a, (hidden, 1)), r)


def operation_classes(operation: Operation, data: Dataset, hidden: int, dtype: str) -> str:
    """Name the classes of units whose rows of the result are equal for all of :data:`DRAWS` operands."""
    results = [operation(equal_units(data, hidden, dtype, seed)).reshape(hidden, -1) for seed in range(DRAWS)]
    return row_classes(np.hstack(results))


def answer() -> None:
    """Do a child process's work: train all programs of one framework."""
    with answering() as (request, reply):
        path, setting, threads, data, widths, dtypes, iterations = cast(Request, request)
        if hasattr(os, "sched_setaffinity"):  # for XLA, which asks nothing else
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
        module = cast(Module, import_module(path))
        asked = setting.removeprefix("OPENBLAS_CORETYPE=")
        if asked != setting and module.core_type().lower() != asked.lower():
            reply(None)
            return
        outcomes = []
        for name, program in module.PROGRAMS.items():
            rate = None if name.endswith("Adam") else STANDARDISED_LEARNING_RATE
            for dtype in dtypes:
                X, y = data.X.astype(dtype), data.y.astype(dtype)
                for hidden in widths:
                    start = initialise("constant", len(X), hidden, EQUAL_WEIGHT, dtype=dtype)
                    costs, history = follow(program, X, y, start, STANDARDISED_LEARNING_RATE, iterations)
                    outcomes.append(outcome_of(data, name, costs, history, rate))
        products = [
            (name, dtype, hidden, operation_classes(operation, data, hidden, dtype))
            for name, operation in module.OPERATIONS.items()
            for dtype in dtypes
            for hidden in widths
        ]
        reply(Reply(module.version(), module.core_type(), outcomes, products))

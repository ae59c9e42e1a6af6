"""Training with a variant: input checks, what comes back, and warnings."""

import warnings
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsym.kernels.threads import thread_count
from fastsym.model.params import Params, ParamsT
from fastsym.training.checks import (
    Problem,
    checked,
    checked_count,
    checked_multiplicity,
    checked_population,
    merge_samples,
)
from fastsym.training.pieces import pieces, run, work_of
from fastsym.training.registry import VARIANTS, select, select_for_population
from fastsym.training.result import Training

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fastsym._console import Tell

LINE_SECONDS = 5.0
"""Shortest time between two lines of progress, where there is no terminal."""


class NonFiniteCostWarning(RuntimeWarning):
    """Training left the finite range: a cost became NaN or infinite."""


def train(
    X: Any,
    y: Any,
    params: ParamsT,
    iterations: int,
    learning_rate: float,
    variant: str = "fast",
    *,
    record_every: int = 0,
    multiplicity: Any = None,
    progress: bool = False,
) -> Training[ParamsT]:
    """Train by full-batch gradient descent; the parameters' type decides between one layer and two.

    Parameters
    ----------
    X, y
        (D, M) features and (M,) labels, 0 or 1. Integers, booleans, any memory order and DataFrames are
        converted; nothing is modified.
    params
        Where to start: :class:`Params` or :class:`LayerParams`, from :func:`initialise`. Not modified.
    iterations
        T, at least 0.
    learning_rate
        Step size, positive.
    variant
        ``"fast"``, or a name in :data:`VARIANTS`.
    record_every
        n, to keep the parameters of every n-th iteration in ``Training.history``; 0 to keep none.
    multiplicity
        (H,) positive numbers, for the quotient of a net with equal units: hidden unit h stands for so many. The
        output adds multiplicity W2 tanh(...), gradients are those of a single unit. Variants simd, parallel and fast.
    progress
        Show on standard error how far a long training is: a bar on a terminal, lines elsewhere.

    Returns
    -------
    Training

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message says which and what to do.
    MemoryError
        If memory does not do; the message says how much is needed.

    Warns
    -----
    NonFiniteCostWarning
        If a cost is NaN or infinite; the message gives the first such iteration.

    Examples
    --------
    >>> import fastsym
    >>> X, y, names = fastsym.load_titanic("standardised")
    >>> start = fastsym.initialise("normal", n_features=len(X), hidden=4)
    >>> fastsym.train(X, y, start, iterations=3000, learning_rate=1, variant="simd")
    Training(3000 iterations, cost 0.69316 to 0.379953, units ABCD, by simd on 1 thread)
    """
    problem = checked(X, y, params, iterations, learning_rate)
    every = checked_count("record_every", record_every)
    counts = None if multiplicity is None else checked_multiplicity(multiplicity, problem)
    chosen = select(variant, problem)
    if counts is not None and chosen.train_population is None:
        able = ", ".join(name for name, other in VARIANTS.items() if other.train_population is not None)
        raise ValueError(f"multiplicity: expected variant {able} or fast; got {chosen.name!r}; use one of these")
    try:
        costs = np.empty(problem.iterations, problem.X.dtype)
        with _telling(progress) as tell:
            history = run(chosen, problem, costs, every, counts, tell)
    except MemoryError as error:
        raise _too_large(problem, every) from error
    finite = np.isfinite(costs)
    if not finite.all():
        first = int(np.argmin(finite))
        warnings.warn(
            f"the cost left the finite range at iteration {first} (cost {costs[first]}); "
            "use a smaller learning rate or standardised features",
            NonFiniteCostWarning,
            stacklevel=2,
        )
    return Training(costs, problem.params, chosen.name, chosen.threads(problem.X), history, every)


def _too_large(problem: Problem[Any], every: int = 0, networks: int = 1) -> MemoryError:
    """Say what a training needs beside the arguments it was given."""
    weights = sum(a.nbytes for a in problem.params)
    snapshots = -(-problem.iterations // every) + 1 if every else 0
    results = networks * problem.iterations * problem.X.itemsize + snapshots * weights
    needed = 4 * weights + problem.X.nbytes + (32 << 20) + results
    return MemoryError(
        f"training: expected about {needed / 2**20:,.0f} MiB of free memory, {results / 2**20:,.0f} of them for costs "
        "and snapshots; got less; train with fewer hidden units, features, samples, iterations or snapshots"
    )


def _telling(progress: bool) -> "AbstractContextManager[Tell | None]":
    if not progress:
        return nullcontext()
    from fastsym._console import progress_bar  # here, because the terminal's libraries take long to import

    return progress_bar(quiet=False, line_seconds=LINE_SECONDS)


def train_population(
    X: Any,
    y: Any,
    params: Params,
    iterations: int,
    learning_rate: Any,
    threads: int | None = None,
    *,
    merge_equal_samples: bool = False,
    progress: bool = False,
) -> Training[Params]:
    """Train P independent two-layer nets on the same data, each bit for bit as :func:`train` would alone.

    Parameters
    ----------
    X, y
        (D, M) and (M,), as for :func:`train`.
    params
        W1 (P, H, D), b1 (P, H), W2 (P, H), b2 (P,). Not modified.
    iterations
        T, at least 0.
    learning_rate
        A positive number, or (P,) of them.
    threads
        How many threads share the networks; ``None`` for all that Numba may use.
    merge_equal_samples
        Work once on all samples that have equal features: faster by their share (a seventh of the Titanic table
        without its numbering). Sums are then rounded in another order than by :func:`train`.
    progress
        As for :func:`train`.

    Returns
    -------
    Training
        costs (P, T); params like ``params``. Costs that left the finite range are NaN or infinite; no warning.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.
    MemoryError
        If memory does not do; the message says how much is needed.

    Examples
    --------
    >>> import numpy as np
    >>> import fastsym
    >>> X, y, names = fastsym.load_titanic("standardised")
    >>> starts = [fastsym.initialise("normal", len(X), 4, seed=seed) for seed in range(100)]
    >>> stacked = fastsym.Params(*map(np.stack, zip(*starts)))
    >>> population = fastsym.train_population(X, y, stacked, 1000, 1, threads=1)
    >>> population
    Training(100 networks, 1000 iterations, final cost from 0.377962 to 0.395425, 4 units, by simd on 1 thread)
    >>> population.network(99).classes()
    'ABCD'
    """
    problem, rates = checked_population(X, y, params, iterations, learning_rate)
    networks = problem.params
    used = min(thread_count() if threads is None else checked_count("threads", threads) or 1, len(rates))
    name, trainer = select_for_population(used)
    X, y = merge_samples(problem.X, problem.y) if merge_equal_samples else (problem.X, problem.y)
    try:
        costs = np.empty((len(rates), problem.iterations), problem.X.dtype)
        with _telling(progress) as tell:
            for start, stop in pieces(problem.iterations, work_of(X, networks), tell=tell):
                part = np.empty((len(rates), stop - start), costs.dtype)
                trainer(X, y, networks, rates, part, threads=used)
                costs[:, start:stop] = part
    except MemoryError as error:
        raise _too_large(problem, networks=len(rates)) from error
    return Training(costs, networks, name, used)

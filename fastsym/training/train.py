"""Training with a variant: input checks, pieces between which Ctrl-C is heard, snapshots, warnings."""

import time
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsym.kernels.threads import thread_count
from fastsym.model.params import Array, LayerParams, Params, ParamsT
from fastsym.training.checks import (
    Problem,
    checked,
    checked_count,
    checked_multiplicity,
    checked_population,
    merge_samples,
)
from fastsym.training.registry import VARIANTS, Variant, select, select_for_population
from fastsym.training.result import Training

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fastsym._console import Tell

FIRST_WORK = 1e8
"""Sample x unit x feature steps before the first look for Ctrl-C: well under a second with the slowest variant."""
PIECE_SECONDS = 0.25
"""About how long the pieces between two further looks take."""
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


def run(
    variant: Variant,
    problem: Problem[ParamsT],
    costs: Array,
    every: int = 0,
    multiplicity: Array | None = None,
    tell: "Tell | None" = None,
) -> ParamsT | None:
    """Run a variant on checked input, in pieces, so that Ctrl-C is heard between them.

    Parameters
    ----------
    variant
        What to run.
    problem
        Checked input; its parameters are modified in place.
    costs
        (T,) Overwritten; as many iterations are run.
    every
        Iterations between two snapshots of the parameters; 0 for none.
    multiplicity
        (H,) As for :func:`train`; needs a variant that trains populations.
    tell
        Called before each piece with the fraction that is done.

    Returns
    -------
    Params, LayerParams or None
        The snapshots and the final state, along a first axis.
    """
    X, y, params, _, learning_rate = problem
    iterations = len(costs)
    rates = np.array([learning_rate])
    history = [np.empty((-(-iterations // every) + 1, *a.shape), a.dtype) for a in params] if every else []
    # A variant that trains populations records snapshots itself; for others a piece ends where one is due.
    records = variant.train_population is not None and isinstance(params, Params)
    threads = variant.threads(X)
    with np.errstate(all="ignore"):  # what leaves the finite range is reported once, by train
        for start, stop in _pieces(iterations, _work(X, params), every, whole=records, tell=tell):
            part = costs[start:stop]
            if variant.train_population is not None and isinstance(params, Params):
                views = Params(*(a[None, start // every : -1] for a in history)) if every else None
                W1, b1, W2, b2 = params
                variant.train_population(
                    X,
                    y,
                    Params(W1[None], b1[None], W2[None], b2[None]),
                    rates,
                    part[None],
                    threads=threads,
                    multiplicity=multiplicity,
                    history=views,
                    every=every,
                )
                continue
            if every and start % every == 0:
                for kept, a in zip(history, params, strict=True):
                    kept[start // every] = a
            if isinstance(params, Params):
                variant.train_network(X, y, params, learning_rate, part)
            elif variant.train_layer is not None:
                variant.train_layer(X, y, params, learning_rate, part)
    for kept, a in zip(history, params, strict=bool(every)):
        kept[-1] = a
    return type(params)(*history) if every else None


def _work(X: Array, params: Params | LayerParams) -> int:
    """Sample x unit x feature steps of one iteration, of all networks; a unit counts as some features more."""
    units = 1 if isinstance(params, LayerParams) else params.W2.size
    return int(X.shape[1] * units * (X.shape[0] + 10))


def _telling(progress: bool) -> "AbstractContextManager[Tell | None]":
    if not progress:
        return nullcontext()
    from fastsym._console import progress_bar  # here, because the terminal's libraries take long to import

    return progress_bar(quiet=False, line_seconds=LINE_SECONDS)


def _pieces(
    iterations: int, work: int, every: int = 0, *, whole: bool = True, tell: "Tell | None" = None
) -> Iterator[tuple[int, int]]:
    """Cut so many iterations of so much work each into pieces, by the time that those before took.

    With ``whole`` a piece is a multiple of ``every``, otherwise it ends at the next multiple at the latest.
    """
    start, size = 0, max(1, int(FIRST_WORK / work))
    while start < iterations:
        if every:
            size = -(-size // every) * every if whole else min(size, every - start % every)
        stop = min(start + size, iterations)
        if tell is not None:
            tell(start / iterations, f"{start} of {iterations} iterations")
        begin = time.perf_counter()
        yield start, stop
        seconds = time.perf_counter() - begin
        size = max(1, int((stop - start) * min(8.0, PIECE_SECONDS / max(seconds, 1e-9))))
        start = stop
    if tell is not None:
        tell(1.0, f"{iterations} iterations")


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
            for start, stop in _pieces(problem.iterations, _work(X, networks), tell=tell):
                part = np.empty((len(rates), stop - start), costs.dtype)
                trainer(X, y, networks, rates, part, threads=used)
                costs[:, start:stop] = part
    except MemoryError as error:
        raise _too_large(problem, networks=len(rates)) from error
    return Training(costs, networks, name, used)

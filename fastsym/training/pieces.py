"""A variant's run in pieces, between which Ctrl-C is heard and progress told."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

import numpy as np

from fastsym.model.params import Array, LayerParams, Params, ParamsT
from fastsym.training.checks import Problem
from fastsym.training.registry import Variant

if TYPE_CHECKING:
    from fastsym._console import Tell

FIRST_WORK = 1e8
"""Sample x unit x feature steps before the first look for Ctrl-C: well under a second with the slowest variant."""
PIECE_SECONDS = 0.25
"""About how long the pieces between two further looks take."""


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
    # What leaves the finite range is reported once, by train; compiled code warns of nothing.
    with nullcontext() if variant.needs_compiler else np.errstate(all="ignore"):
        for start, stop in pieces(iterations, work_of(X, params), every, whole=records, tell=tell):
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


def work_of(X: Array, params: Params | LayerParams) -> int:
    """Sample x unit x feature steps of one iteration, of all networks; a unit counts as some features more."""
    units = 1 if isinstance(params, LayerParams) else params.W2.size
    return int(X.shape[1] * units * (X.shape[0] + 10))


def pieces(
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

"""Fourth rung: ``simd`` on all threads.

What it adds to ``simd``: the slices of samples are shared out between threads. The loops are the same, down to the
compiled code; :func:`fastsym.kernels.population.train_share` says how the threads keep out of each other's way. The
bits do not depend on the number of threads. With 4, 64 and 1024 units, two threads on two shared cores are 1.35, 1.60
and 1.58 times as fast as one.
"""

from typing import Any

import numpy as np

from fastsym.kernels import population
from fastsym.kernels.layout import BLOCK_GROUPS, MOST_SLICES
from fastsym.kernels.threads import thread_count
from fastsym.model.params import Array, Params


def threads_used(X: Array) -> int:
    """Return the number of threads that X (D, M) is shared between."""
    block = BLOCK_GROUPS * 256 // X.itemsize
    return int(min(thread_count(), -(-X.shape[1] // block), MOST_SLICES))


def train_population(
    X: Array,
    y: Array,
    params: Params,
    learning_rates: Array,
    costs: Array,
    *,
    threads: int | None = None,
    **options: Any,
) -> None:
    """Train P networks on all threads: they share the samples of one network, or else the networks.

    Arguments as for :func:`fastsym.kernels.population.train_population`, whose ``together`` is set.
    """
    together = len(params.W2) == 1
    if threads is None:
        threads = threads_used(X) if together else min(thread_count(), len(params.W2))
    population.train_population(
        X, y, params, learning_rates, costs, threads=threads, together=together and threads > 1, **options
    )


def train_network(X: Array, y: Array, params: Params, learning_rate: float, costs: Array) -> None:
    """Train the two-layer net; arguments as for :func:`fastsym.model.reference.train_network`."""
    train_population(X, y, Params(*(a[None] for a in params)), np.array([learning_rate]), costs[None])

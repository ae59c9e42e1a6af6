"""The variant ``parallel``: all threads, and many networks at once.

What it adds to ``simd``: one network's samples are shared out between threads, slice by slice, or many networks are.
The passes are the same, down to the bits, which do not depend on the number of threads.

The layout of the data is in :mod:`fastsym.kernels.layout`; the shape legend in :mod:`fastsym.model.params`.
"""

import numpy as np

from fastsym.kernels.layout import pack, pack_networks, read_states, shared_memory, slice_count, thread_memory
from fastsym.kernels.simd import train_networks
from fastsym.kernels.threads import Crew, new_counters, run_in_threads, thread_count
from fastsym.model.params import Array, Params


def threads_used(X: Array) -> int:
    """Return the number of threads that would share the samples of X (D, M) now."""
    return min(thread_count(), slice_count(X))


def train_population(
    X: Array,
    y: Array,
    params: Params,
    learning_rates: Array,
    costs: Array,
    *,
    threads: int = 1,
    multiplicity: Array | None = None,
    history: Params | None = None,
    every: int = 0,
) -> None:
    """Train P independent networks, each exactly as if it were alone.

    Parameters
    ----------
    X
        (D, M), the same for all.
    y
        (M,) labels; or (2, M), how many samples of label 0 and of label 1 each column of X stands for, in descending
        order of their sum.
    params
        W1 (P, H, D), b1 (P, H), W2 (P, H), b2 (P,). Modified in place.
    learning_rates
        (P,) float64.
    costs
        (P, T) Overwritten with the cost of each iteration, before its update.
    threads
        How many threads at most share the networks or, if there is only one, its samples.
    multiplicity
        (H,) How many equal units each hidden unit stands for; 1 if not given. The output adds W2 tanh so
        many times; gradients are those of a single unit.
    history
        Like params, with an axis of snapshots after P; overwritten with the parameters before iterations 0,
        ``every``, 2 ``every``, ...
    """
    table, plan = pack(X, y, params.W2.shape[1])
    snapshots = 0 if history is None else history.b2.shape[1]
    networks = pack_networks(table, plan, params, learning_rates, costs, multiplicity, snapshots, every)
    # One network's samples are shared out, or else the networks: then each thread is a crew of its own.
    P = len(networks.states)
    threads = min(threads, plan.slices if P == 1 else P)
    together = P == 1 and threads > 1
    shared = shared_memory(table, plan, copies=2) if together else None

    def work(thread: int, counters: Array) -> None:
        partials = shared or shared_memory(table, plan, copies=1)
        crew = Crew(counters, thread, threads) if together else Crew(counters, 0, 1)
        train_networks(table, plan, networks, *thread_memory(table, plan), partials, crew)

    if threads == 1:
        work(0, new_counters())
    else:
        run_in_threads(work, threads)
    read_states(networks.states, table, plan, params)
    if history is not None:
        read_states(networks.history, table, plan, history)


def train_network(X: Array, y: Array, params: Params, learning_rate: float, costs: Array) -> None:
    """Train the two-layer net on all threads; arguments as for :func:`fastsym.model.reference.train_network`."""
    population = Params(*(a[None] for a in params))
    train_population(X, y, population, np.array([learning_rate]), costs[None], threads=thread_count())

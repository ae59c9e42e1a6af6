"""The variants ``simd`` and ``parallel``: one thread or all, and many networks at once.

What ``parallel`` adds to ``simd``: one network's samples are shared out between threads, slice by slice, or many
networks are. The passes are the same, down to the bits, which do not depend on the number of threads.

Where all that makes it quick would take too much memory, networks are trained in bands of hidden units
(:mod:`fastsym.kernels.bands`): slower, and the same bits.

The layout of the data is in :mod:`fastsym.kernels.layout`; the shape legend in :mod:`fastsym.model.params`.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from fastsym.kernels import bands
from fastsym.kernels.layout import (
    Plan,
    Table,
    aligned,
    chunk_size,
    pack,
    pack_networks,
    plain_plan,
    read_states,
    shared_memory,
    slice_count,
    small_numbers,
    state_size,
    thread_numbers,
    working_bytes,
)
from fastsym.kernels.simd import train_networks
from fastsym.kernels.threads import LONG_WORK, new_counters, run_in_threads, thread_count
from fastsym.model.params import Array, Params

SMALL_BYTES = 24 << 20
"""Bytes that a training may take beside twice its weights before it is done in bands."""
STATES_BYTES = 8 << 20
"""States of the networks that are brought into the kernel's layout at a time, unless one has more."""
BANDS_BYTES = 16 << 20
"""Bytes that the threads of one network may take for bands: fewer threads take part where they would need more."""


def threads_used(X: Array) -> int:
    """Return the number of threads that would share the samples of X (D, M) now."""
    return min(thread_count(), slice_count(X.shape[1], X.itemsize))


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
    P, H = params.W2.shape
    if threads == 1 and history is None and y.ndim == 1:
        size = _small_size(X.shape, X.itemsize, P, H)
        if size is not None:
            _train_small(X, y, params, learning_rates, costs, multiplicity, size)
            return
    units = np.ones(H, X.dtype) if multiplicity is None else multiplicity
    table, plan = pack(X, y, H)
    snapshots = Params(*(a[:, None][:, :0] for a in params)) if history is None else history
    if not _fits(plan, P, len(X), X.itemsize, min(threads, plan.slices if P == 1 else P)):
        sharing = max(1, min(threads, BANDS_BYTES // bands.band_bytes(plan, X.dtype)))
        for p, rate in enumerate(learning_rates):
            network, kept = (Params(*(a[p, ...] for a in each)) for each in (params, snapshots))
            bands.train_network(table, plan, network, float(rate), costs[p], sharing, units, kept, every)
        return
    batch = max(1, STATES_BYTES // (state_size(plan, X.itemsize) * X.itemsize))
    if batch >= P:
        _train_batch(table, plan, params, learning_rates, costs, threads, units, snapshots, every)
        return
    for start in range(0, P, batch):
        part = slice(start, start + batch)
        few, kept = (Params(*(a[part] for a in each)) for each in (params, snapshots))
        _train_batch(table, plan, few, learning_rates[part], costs[part], threads, units, kept, every)


class _Size(NamedTuple):
    """What depends on nothing but the size of a small training."""

    plan: tuple[int, ...]
    slices: int
    features: tuple[int, ...]
    state: int
    """Numbers of one network."""
    memory: int
    """Numbers of all else."""


@lru_cache
def _small_size(shape: tuple[int, int], itemsize: int, P: int, H: int) -> _Size | None:
    """Return what :func:`_train_small` needs to know; None if there is too much to do in one call."""
    (D, M), plan, F = shape, plain_plan(shape, itemsize, H), chunk_size(shape[0])
    state = state_size(plan, itemsize)
    if P * H * D * M > LONG_WORK or P * state * itemsize > STATES_BYTES or not _fits(plan, P, D, itemsize, 1):
        return None
    return _Size(tuple(plan), plan.slices, (0,) * F, state, small_numbers(plan, F, itemsize))


def _train_small(
    X: Array,
    y: Array,
    params: Params,
    learning_rates: Array,
    costs: Array,
    multiplicity: Array | None,
    size: _Size,
) -> None:
    """Train networks in one compiled call, which does on its way what would take longer in Python."""
    states, memory = np.zeros((len(params.b2), size.state), X.dtype), np.empty(size.memory, X.dtype)
    none, sums = memory[:0], np.zeros((size.slices, 8))
    units = none if multiplicity is None else multiplicity
    train_networks(
        (none, none, none, none, size.features),
        size.plan,
        (states, learning_rates, units, costs, states[None, :0], 0),
        memory,
        (none, sums),
        (new_counters(), 0, 1),
        (X, y, *params),
    )


def _fits(plan: Plan, P: int, D: int, itemsize: int, threads: int) -> bool:
    """Whether all that makes training P networks quick stays within the memory that may be used."""
    weights, state = P * (plan.H * (D + 2) + 1) * itemsize, state_size(plan, itemsize) * itemsize
    needed = working_bytes(plan, itemsize, threads, together=P == 1) + min(P * state, max(state, STATES_BYTES))
    return needed <= 2 * weights + SMALL_BYTES


def _train_batch(
    table: Table,
    plan: Plan,
    params: Params,
    learning_rates: Array,
    costs: Array,
    threads: int,
    multiplicity: Array,
    history: Params,
    every: int,
) -> None:
    """Train networks side by side; arguments as for :func:`train_population`."""
    networks = pack_networks(table, plan, params, learning_rates, costs, multiplicity, history.b2.shape[1], every)
    # One network's samples are shared out, or else the networks: then each thread is a crew of its own.
    P = len(networks.states)
    threads = min(threads, plan.slices if P == 1 else P)
    together = P == 1 and threads > 1
    shared = shared_memory(table, plan, copies=2) if together else None

    packed = (np.empty((0, 0), table.X.dtype), table.signs, *(np.empty_like(a[:0]) for a in params))

    def work(thread: int, counters: Array) -> None:
        partials = shared or shared_memory(table, plan, copies=1)
        memory = aligned(thread_numbers(plan, table.X.itemsize), table.X.dtype)
        crew = (counters, thread, threads) if together else (counters, 0, 1)
        train_networks(tuple(table), tuple(plan), tuple(networks), memory, tuple(partials), crew, packed)

    run_in_threads(work, threads, P * plan.H * table.X.size)
    read_states(networks.states, table, plan, params)
    if every:
        read_states(networks.history, table, plan, history)


def train_network(X: Array, y: Array, params: Params, learning_rate: float, costs: Array) -> None:
    """Train the two-layer net on all threads; arguments as for :func:`fastsym.model.reference.train_network`."""
    _train_alone(X, y, params, learning_rate, costs, thread_count())


def train_on_one_thread(X: Array, y: Array, params: Params, learning_rate: float, costs: Array) -> None:
    """Train the two-layer net; arguments as for :func:`fastsym.model.reference.train_network`."""
    _train_alone(X, y, params, learning_rate, costs, 1)


def _train_alone(X: Array, y: Array, params: Params, learning_rate: float, costs: Array, threads: int) -> None:
    population = Params(*(a[None] for a in params))
    train_population(X, y, population, np.array([learning_rate]), costs[None], threads=threads)

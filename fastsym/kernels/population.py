"""Trains networks with the loops of :mod:`fastsym.kernels.simd`: one network or many, on one thread or on all.

The layout of the data is in :mod:`fastsym.kernels.layout`; the shape legend in :mod:`fastsym.model.params`.
"""

from typing import Any

import numpy as np

from fastsym.kernels._jit import jit, jit_expanded, jit_inline
from fastsym.kernels.elementary import TWO_LOG2_E
from fastsym.kernels.lanes import lanes_per_register
from fastsym.kernels.layout import Packed, Plan, aligned, pack, read_states, state_size, states_of
from fastsym.kernels.simd import slice_sums, update
from fastsym.kernels.threads import LENGTH, NEXT, STOP, atomic_add, atomic_load, meet, run_together
from fastsym.model.params import Array, Params


@jit_expanded
def scale_rows(plan: Plan, shape: Any, rows: Array, scaled: Array, multiplicity: Array) -> None:
    """Overwrite ``scaled`` with the weights as the forward pass wants them."""
    F, R = len(shape), plan.C * plan.S
    for i in range(scaled.size):
        scaled[i] = rows[i] * rows.dtype.type(TWO_LOG2_E)
    for h in range(plan.H):
        scaled[h * R + F + 1] = multiplicity[h] * rows[h * R + F + 1]


@jit_inline
def copy_state(source: Array, start: int, target: Array, place: int) -> None:
    """Copy one network's state; a loop, because an assignment of slices takes longer to compile than all the rest."""
    n = min(source.size - start, target.size - place)
    for i in range(n):
        target[place + i] = source[start + i]


@jit
def train_share(
    X: Array,
    sign: Array,
    pull: Array,
    both: Array,
    shape: Any,
    sizes: Any,
    states: Array,
    steps: Array,
    multiplicity: Array,
    costs: Array,
    history: Array,
    snapshots: int,
    every: int,
    room: Array,
    sums: Array,
    heads: Array,
    counters: Array,
    thread: int,
    threads: int,
) -> None:
    """Do one thread's share of training a population.

    With ``threads`` = 1 the thread takes networks until none is left, and other threads may do the same. With
    more, the population is one network, and the threads share its slices: each adds up all slices in the same order
    and updates its own copy of the weights, so that they need to meet only once in an iteration. Sums of odd
    and even iterations lie in different places: who is ahead never overwrites what another still reads.

    ``states`` (P N,) are modified in place, ``steps`` (P,) are the learning rates over M, ``history`` (P snapshots N,)
    and ``costs`` (P, T) are overwritten. ``room`` is the thread's own scratch; ``sums`` and ``heads`` belong to all
    who share a network, with room for two times the slices.
    """
    H, M, C, S, slices, heavy, block = sizes
    plan = Plan(H, M, sign.size // (4 * lanes_per_register(sign)), C, S, slices, heavy, block)
    length, B = H * C * S, block * 4 * lanes_per_register(X)
    A, z, dz = room[: H * B], room[H * B : (H + 1) * B], room[(H + 1) * B : (H + 2) * B]
    scaled = room[(H + 2) * B : (H + 2) * B + length]
    state = room[(H + 2) * B + length :]
    bias = state[length:]
    first, last = slices * thread // threads, slices * (thread + 1) // threads
    p = atomic_add(counters, NEXT, 1) if threads == 1 else 0
    while p < costs.shape[0]:
        copy_state(states, p * state.size, state, 0)
        scale_rows(plan, shape, state, scaled, multiplicity)
        for i in range(costs.shape[1]):
            if every > 0 and i % every == 0 and thread == 0:
                copy_state(state, 0, history, (p * snapshots + i // every) * state.size)
            place = i % 2 * slices
            for s in range(first, last):
                slice_sums(X, sign, pull, both, shape, plan, scaled, bias, A, z, dz, sums, heads, s, place + s)
            if threads > 1 and not meet(counters, threads * (i + 1)):
                return
            cost = update(plan, shape, state, scaled, bias, multiplicity, steps[p], sums, heads, place)
            if thread == 0:
                costs[p, i] = cost / M
            if threads == 1 and atomic_load(counters, STOP) != 0:
                return
        # Nobody writes the state before everybody has read it.
        if threads > 1 and not meet(counters, threads * (costs.shape[1] + 1)):
            return
        if thread == 0:
            copy_state(state, 0, states, p * state.size)
        p = atomic_add(counters, NEXT, 1) if threads == 1 else costs.shape[0]


def shared_room(table: Packed) -> tuple[Array, Array]:
    """Make the sums and heads that those who share a network need."""
    H, _, chunks, S, slices, *_ = table.sizes
    # A head fills a cache line, so that threads do not disturb each other.
    return aligned(2 * slices * H * chunks * S, table.X.dtype), aligned(2 * slices * 8, np.float64).reshape(-1, 8)


def own_room(table: Packed) -> Array:
    """Make the scratch that each thread needs."""
    H, _, chunks, S, *_, block = table.sizes
    B = block * 256 // table.X.itemsize
    return aligned((H + 2) * B + H * chunks * S + state_size(table), table.X.dtype)


def train_population(
    X: Array,
    y: Array,
    params: Params,
    learning_rates: Array,
    costs: Array,
    *,
    threads: int = 1,
    together: bool = False,
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
        order of their sum (not with ``together``).
    params
        W1 (P, H, D), b1 (P, H), W2 (P, H), b2 (P,). Modified in place.
    learning_rates
        (P,) float64.
    costs
        (P, T) Overwritten with the cost of each iteration, before its update.
    threads
        How many threads share the networks.
    together
        With P = 1: whether the threads share the samples of that one network.
    multiplicity
        (H,) How many equal units each hidden unit stands for; 1 if not given. The output adds W2 tanh so
        many times; gradients are those of a single unit.
    history
        Like params, with an axis of snapshots after P; overwritten with the parameters before iterations 0,
        ``every``, 2 ``every``, ...
    """
    real = X.dtype
    hidden = params.W2.shape[1]
    table = pack(X, y, hidden)
    steps = (learning_rates / table.sizes[1]).astype(real)
    units = np.ones(hidden, real) if multiplicity is None else multiplicity
    states = states_of(params, table)
    kept = np.empty((0, 0, 0) if history is None else (*history.b2.shape, state_size(table)), real)
    common = shared_room(table) if together else None

    def work(thread: int, counters: Array) -> None:
        sums, heads = common or shared_room(table)
        share = (thread, threads) if together else (0, 1)
        train_share(
            *table,
            states.reshape(-1),
            steps,
            units,
            costs,
            kept.reshape(-1),
            kept.shape[1],
            every,
            own_room(table),
            sums,
            heads,
            counters,
            *share,
        )

    if threads == 1:
        work(0, np.zeros(LENGTH, np.int64))
    else:
        run_together(work, threads)
    read_states(states, table, params)
    if history is not None:
        read_states(kept, table, history)


def train_network(X: Array, y: Array, params: Params, learning_rate: float, costs: Array) -> None:
    """Train the two-layer net; arguments as for :func:`fastsym.model.reference.train_network`."""
    alone = Params(*(a[None] for a in params))
    train_population(X, y, alone, np.array([learning_rate]), costs[None])

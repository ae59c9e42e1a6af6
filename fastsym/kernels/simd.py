"""Third rung: explicit vector registers.

What it adds to ``fused``: the loop over samples is written as operations on whole registers
(:mod:`fastsym.lanes`), so that nothing depends on what the compiler manages to vectorise, and values stay in
registers where ``fused`` wrote them to memory and read them back. Forward, two hidden units times four registers of
samples are worked on at once: each load of X serves two units, and eight independent chains hide the latency
of the arithmetic. Backward, all gradients of two units grow in registers over a block of samples.

Every sum has one fixed order: samples go in blocks, blocks in slices, slices in turn. Who computes which slice
does not matter, so that one thread and many give the same bits.

The layout of the data is in :mod:`fastsym.kernels.layout`; the shape legend in :mod:`fastsym.net`.
"""

from typing import Any

import numpy as np

from fastsym._jit import jit, jit_expanded, jit_inline
from fastsym.elementwise import TWO_LOG2_E, exp_of_minus, log, sigmoid_from, tanh_scaled
from fastsym.kernels.layout import BLOCK_GROUPS, Packed, Plan, aligned, pack, read_states, state_size, states_of
from fastsym.lanes import (
    accumulate,
    add_totals,
    broadcast,
    fma,
    like,
    load,
    magnitude,
    minus,
    product,
    splat,
    store,
    total,
    where_negative,
    zeros,
)
from fastsym.net import Array, Params
from fastsym.threads import LENGTH, NEXT, STOP, atomic_add, atomic_load, meet, run_together

LOGS_APART = 4 * 224
"""Numbers in [1, 2] that may be multiplied before their product could overflow."""


@jit_inline
def forward_pair(X: Array, x: int, shape: Any, plan: Plan, scaled: Array, r: int, s: int) -> Any:
    """tanh of two units, whose rows begin at r and s, for the group of samples at x."""
    F, G = len(shape), 256 // X.itemsize
    y0 = broadcast(scaled, r + F, 4)
    y1 = broadcast(scaled, s + F, 4)
    for _ in range(plan.C):
        for f in range(F):
            v = load(X, x, 4)
            y0 = fma(broadcast(scaled, r + f, 4), v, y0)
            y1 = fma(broadcast(scaled, s + f, 4), v, y1)
            x += G
        r += plan.S
        s += plan.S
    return tanh_scaled(y0), tanh_scaled(y1)


@jit_inline
def forward_one(X: Array, x: int, shape: Any, plan: Plan, scaled: Array, r: int) -> Any:
    """tanh of one unit, as :func:`forward_pair`."""
    F, G = len(shape), 256 // X.itemsize
    y = broadcast(scaled, r + F, 4)
    for _ in range(plan.C):
        for f in range(F):
            y = fma(broadcast(scaled, r + f, 4), load(X, x, 4), y)
            x += G
        r += plan.S
    return tanh_scaled(y)


@jit_expanded
def hidden_forward(
    X: Array, x: int, groups: int, shape: Any, plan: Plan, scaled: Array, b2: Array, A: Array, z: Array
) -> None:
    """Overwrite ``A`` (H, block) with the hidden activations and ``z`` (block,) with the output's argument."""
    F, G, R = len(shape), 256 // X.itemsize, plan.C * plan.S
    B, size = BLOCK_GROUPS * G, plan.C * F * G
    for g in range(groups):
        store(z, g * G, broadcast(b2, 0, 4))
    for h in range(0, plan.H - 1, 2):
        r, s = h * R, (h + 1) * R
        for g in range(groups):
            a0, a1 = forward_pair(X, x + g * size, shape, plan, scaled, r, s)
            store(A, h * B + g * G, a0)
            store(A, (h + 1) * B + g * G, a1)
            part = fma(broadcast(scaled, r + F + 1, 4), a0, load(z, g * G, 4))
            store(z, g * G, fma(broadcast(scaled, s + F + 1, 4), a1, part))
    if plan.H % 2:
        h = plan.H - 1
        for g in range(groups):
            a = forward_one(X, x + g * size, shape, plan, scaled, h * R)
            store(A, h * B + g * G, a)
            store(z, g * G, fma(broadcast(scaled, h * R + F + 1, 4), a, load(z, g * G, 4)))


@jit_inline
def output(z: Array, sign: Array, far: Array, start: int, groups: int, dz: Array) -> Any:
    """Overwrite ``dz`` with sigmoid(z) - y; return its sum, and two parts of the cost.

    With t = z for label 0 and t = -z for label 1 the cost is softplus(t) = max(t, 0) + log(1 + exp(-|t|)), and
    its derivative by t is sigmoid(t). Returned are the sum of max(t, 0) and the product of the logs' arguments.
    """
    L = 64 // z.itemsize
    slopes = splat(z.dtype.type(0), 1)
    linear = splat(z.dtype.type(0), 1)
    factors = splat(z.dtype.type(1), 1)
    for i in range(0, groups * 4 * L, L):
        signs = load(sign, start + i, 1)
        t = fma(signs, load(z, i, 1), load(far, start + i, 1))
        e, rest = exp_of_minus(magnitude(t))
        slope = signs * sigmoid_from(t, e, rest)
        store(dz, i, slope)
        slopes = slopes + slope
        linear = linear + where_negative(t, like(t, 0.0), t)
        factors = factors * (like(t, 1.0) + e)
    return total(slopes), total(linear), product(factors)


@jit_inline
def backward_pair(
    X: Array, x: int, groups: int, shape: Any, plan: Plan, A: Array, a: int, dz: Array, sums: Array, r: int
) -> None:
    """Add the first chunk of gradients of two units to ``sums``; leave their slopes in ``A`` for further chunks."""
    G, L, R = 256 // X.itemsize, 64 // X.itemsize, plan.C * plan.S
    size, B = plan.C * len(shape) * G, BLOCK_GROUPS * G
    row0, row1 = zeros(X, shape), zeros(X, shape)
    bias0, bias1, weight0, weight1 = (
        splat(X.dtype.type(0), 1),
        splat(X.dtype.type(0), 1),
        splat(X.dtype.type(0), 1),
        splat(X.dtype.type(0), 1),
    )
    for place in range(0, groups * G, L):
        column = x + place // G * size + place % G
        slope = load(dz, place, 1)
        t0 = load(A, a + place, 1)
        t1 = load(A, a + B + place, 1)
        product0 = t0 * slope
        product1 = t1 * slope
        weight0 = weight0 + product0
        weight1 = weight1 + product1
        slope0 = fma(minus(t0), product0, slope)
        slope1 = fma(minus(t1), product1, slope)
        bias0 = bias0 + slope0
        bias1 = bias1 + slope1
        row0 = accumulate(row0, slope0, X, column, G)
        row1 = accumulate(row1, slope1, X, column, G)
        store(A, a + place, slope0)
        store(A, a + B + place, slope1)
    add_totals(sums, r, row0 + (bias0, weight0))
    add_totals(sums, r + R, row1 + (bias1, weight1))


@jit_inline
def backward_one(
    X: Array, x: int, groups: int, shape: Any, plan: Plan, A: Array, a: int, dz: Array, sums: Array, r: int
) -> None:
    """One unit, as :func:`backward_pair`."""
    G, L = 256 // X.itemsize, 64 // X.itemsize
    size = plan.C * len(shape) * G
    row = zeros(X, shape)
    bias, weight = splat(X.dtype.type(0), 1), splat(X.dtype.type(0), 1)
    for place in range(0, groups * G, L):
        slope = load(dz, place, 1)
        t = load(A, a + place, 1)
        weighted = t * slope
        weight = weight + weighted
        slope = fma(minus(t), weighted, slope)
        bias = bias + slope
        row = accumulate(row, slope, X, x + place // G * size + place % G, G)
        store(A, a + place, slope)
    add_totals(sums, r, row + (bias, weight))


@jit_inline
def backward_chunk(
    X: Array, x: int, groups: int, shape: Any, plan: Plan, A: Array, a: int, sums: Array, r: int
) -> None:
    """Add one further chunk of gradients of one unit, whose slopes are in ``A``, to ``sums``."""
    G, L = 256 // X.itemsize, 64 // X.itemsize
    size = plan.C * len(shape) * G
    row = zeros(X, shape)
    for place in range(0, groups * G, L):
        row = accumulate(row, load(A, a + place, 1), X, x + place // G * size + place % G, G)
    add_totals(sums, r, row)


@jit_expanded
def hidden_backward(
    X: Array, x: int, groups: int, shape: Any, plan: Plan, A: Array, dz: Array, sums: Array, start: int
) -> None:
    """Add the gradient sums of one block to those of its slice, which begin at ``start``."""
    G, R = 256 // X.itemsize, plan.C * plan.S
    B = BLOCK_GROUPS * G
    for h in range(0, plan.H - 1, 2):
        backward_pair(X, x, groups, shape, plan, A, h * B, dz, sums, start + h * R)
    if plan.H % 2:
        h = plan.H - 1
        backward_one(X, x, groups, shape, plan, A, h * B, dz, sums, start + h * R)
    for c in range(1, plan.C):
        for h in range(plan.H):
            place = start + h * R + c * plan.S
            backward_chunk(X, x + c * len(shape) * G, groups, shape, plan, A, h * B, sums, place)


@jit_expanded
def slice_sums(
    X: Array,
    sign: Array,
    far: Array,
    shape: Any,
    plan: Plan,
    scaled: Array,
    b2: Array,
    A: Array,
    z: Array,
    dz: Array,
    sums: Array,
    heads: Array,
    s: int,
    place: int,
) -> None:
    """Work through slice s; overwrite slice ``place`` of ``sums``, and of ``heads``: sum of dz, cost."""
    G = 256 // X.itemsize
    length = plan.H * plan.C * plan.S
    start = place * length
    blocks = -(-plan.groups // BLOCK_GROUPS)
    for i in range(start, start + length):
        sums[i] = 0
    db2, linear, logs, factors, pending = 0.0, 0.0, 0.0, 1.0, 0
    for block in range(blocks * s // plan.slices, blocks * (s + 1) // plan.slices):
        first = block * BLOCK_GROUPS
        groups = min(BLOCK_GROUPS, plan.groups - first)
        x = first * plan.C * len(shape) * G
        hidden_forward(X, x, groups, shape, plan, scaled, b2, A, z)
        slope_sum, linear_sum, factor = output(z, sign, far, first * G, groups, dz)
        hidden_backward(X, x, groups, shape, plan, A, dz, sums, start)
        db2 += slope_sum
        linear += linear_sum
        if pending + groups * G > LOGS_APART:
            logs += log(factors)
            factors, pending = 1.0, 0
        factors *= factor
        pending += groups * G
    heads[place, 0] = db2
    heads[place, 1] = linear + (logs + log(factors))


@jit_expanded
def update(
    plan: Plan,
    shape: Any,
    rows: Array,
    scaled: Array,
    b2: Array,
    multiplicity: Array,
    step: Any,
    sums: Array,
    heads: Array,
    place: int,
) -> float:
    """Add up the slices from ``place`` on, take one step of gradient descent, and return the summed cost."""
    F, L, R = len(shape), 64 // rows.itemsize, plan.C * plan.S
    length = plan.H * R
    base = place * length
    for h in range(plan.H):
        r, w = h * R, h * R + F + 1
        old = rows[w]
        slope = splat(-step * old, 1)
        dW2 = sums[base + w]
        for s in range(1, plan.slices):
            dW2 += sums[base + s * length + w]
        for i in range(r, r + R, L):
            gradient = load(sums, base + i, 1)
            for s in range(1, plan.slices):
                gradient = gradient + load(sums, base + s * length + i, 1)
            new = fma(slope, gradient, load(rows, i, 1))
            store(rows, i, new)
            store(scaled, i, new * like(new, TWO_LOG2_E))
        rows[w] = fma(-step, dW2, old)
        scaled[w] = multiplicity[h] * rows[w]
    db2, cost = 0.0, 0.0
    for s in range(place, place + plan.slices):
        db2 += heads[s, 0]
        cost += heads[s, 1]
    b2[0] -= step * rows.dtype.type(db2)
    return cost


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
    far: Array,
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
    H, M, C, S, slices = sizes
    plan = Plan(H, M, sign.size * sign.itemsize // 256, C, S, slices)
    length, B = H * C * S, BLOCK_GROUPS * 256 // X.itemsize
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
                slice_sums(X, sign, far, shape, plan, scaled, bias, A, z, dz, sums, heads, s, place + s)
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
    H, _, chunks, S, slices = table.sizes
    # A head fills a cache line, so that threads do not disturb each other.
    return aligned(2 * slices * H * chunks * S, table.X.dtype), aligned(2 * slices * 8, np.float64).reshape(-1, 8)


def own_room(table: Packed) -> Array:
    """Make the scratch that each thread needs."""
    H, _, chunks, S, _ = table.sizes
    B = BLOCK_GROUPS * 256 // table.X.itemsize
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
    X, y
        (D, M) and (M,), the same for all.
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
    steps = (learning_rates / X.shape[1]).astype(real)
    counts = np.ones(hidden, real) if multiplicity is None else multiplicity
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
            counts,
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
    """Train the two-layer net; arguments as for :func:`fastsym.reference.train_network`."""
    alone = Params(*(a[None] for a in params))
    train_population(X, y, alone, np.array([learning_rate]), costs[None])

"""Third rung: explicit vector registers.

What it adds to ``fused``: the loop over samples is written as operations on whole registers
(:mod:`fastsym.lanes`), so that nothing depends on what the compiler manages to vectorise, and values stay in
registers where ``fused`` wrote them to memory and read them back. Forward, two hidden units times four registers of
samples are worked on at once: each load of X serves two units, and eight independent chains hide the latency
of the arithmetic. Backward, all gradients of two units grow in registers over a block of samples.

Every sum has one fixed order: samples go in blocks, blocks in slices, slices in turn. Who computes which slice
does not matter, so that one thread and many give the same bits.

Layout, with registers of L numbers, groups of G = 4 L samples, and features in C chunks of F::

    X      [group][chunk][feature of the chunk][sample of the group]    missing features and samples are zero
    rows   [unit][chunk][F weights, b1, W2, padding up to S]            S a multiple of L; R = C S
    sums   [slice] like rows: what is summed over samples for each weight

b1 and W2 sit in the first chunk of a row. Shape legend: :mod:`fastsym.net`.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from fastsym._jit import jit, jit_inline
from fastsym.elementwise import TWO_LOG2_E, exp_of_minus, log, sigmoid_from, tanh_scaled
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
from fastsym.threads import LENGTH, NEXT, STOP, atomic_add, atomic_load, run_together

MOST_FEATURES = 10
"""Features of a chunk at most: the gradients of two units, 2 (F + 2) registers, must fit into 32."""
BLOCK_GROUPS = 7
"""Groups of a block: with nine features, 224 float64 samples fill half of a first-level cache."""
MOST_SLICES = 32
LOGS_APART = 4 * 224
"""Numbers in [1, 2] that may be multiplied before their product could overflow."""
FAR = -2000.0
"""Argument given to the output of a missing sample: its cost and its slope become exactly zero."""


class Plan(NamedTuple):
    """Sizes that every piece of the kernel needs."""

    H: int
    M: int
    groups: int
    C: int
    S: int
    slices: int


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


@jit_inline
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
        e = exp_of_minus(magnitude(t))
        slope = signs * sigmoid_from(t, e)
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
    for g in range(groups):
        for i in range(0, G, L):
            place = g * G + i
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
            row0 = accumulate(row0, slope0, X, x + g * size + i, G)
            row1 = accumulate(row1, slope1, X, x + g * size + i, G)
            if plan.C > 1:
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
    for g in range(groups):
        for i in range(0, G, L):
            place = g * G + i
            slope = load(dz, place, 1)
            t = load(A, a + place, 1)
            weighted = t * slope
            weight = weight + weighted
            slope = fma(minus(t), weighted, slope)
            bias = bias + slope
            row = accumulate(row, slope, X, x + g * size + i, G)
            if plan.C > 1:
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
    for g in range(groups):
        for i in range(0, G, L):
            row = accumulate(row, load(A, a + g * G + i, 1), X, x + g * size + i, G)
    add_totals(sums, r, row)


@jit_inline
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


@jit_inline
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
    sums[start : start + length] = 0
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


@jit_inline
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


@jit_inline
def load_rows(
    W1: Array, b1: Array, W2: Array, shape: Any, plan: Plan, multiplicity: Array, rows: Array, scaled: Array
) -> None:
    """Overwrite ``rows`` and ``scaled`` with a network's parameters."""
    F, R = len(shape), plan.C * plan.S
    rows[:] = 0
    for h in range(plan.H):
        for d in range(W1.shape[1]):
            rows[h * R + d // F * plan.S + d % F] = W1[h, d]
        rows[h * R + F] = b1[h]
    for i in range(rows.size):
        scaled[i] = rows[i] * rows.dtype.type(TWO_LOG2_E)
    for h in range(plan.H):
        rows[h * R + F + 1] = W2[h]
        scaled[h * R + F + 1] = multiplicity[h] * W2[h]


@jit_inline
def save_rows(rows: Array, shape: Any, plan: Plan, W1: Array, b1: Array, W2: Array) -> None:
    """Overwrite a network's parameters with what is in ``rows``."""
    F, R = len(shape), plan.C * plan.S
    for h in range(plan.H):
        for d in range(W1.shape[1]):
            W1[h, d] = rows[h * R + d // F * plan.S + d % F]
        b1[h] = rows[h * R + F]
        W2[h] = rows[h * R + F + 1]


@jit
def train_alone(
    X: Array,
    sign: Array,
    far: Array,
    shape: Any,
    sizes: Any,
    W1: Array,
    b1: Array,
    W2: Array,
    b2: Array,
    steps: Array,
    multiplicity: Array,
    costs: Array,
    history: Any,
    every: int,
    room: Array,
    heads: Array,
    counters: Array,
) -> None:
    """Train networks of a population, one after the other, until none is left; several threads may share the work.

    Parameters as in :func:`train_population`, with ``steps`` (P,) the learning rates over M, and ``room`` scratch
    numbers, as many as :func:`room_size` says. ``history`` holds W1, b1, W2, b2 with axes (P, snapshots) in front.
    """
    H, M, C, S, slices = sizes
    plan = Plan(H, M, sign.size * sign.itemsize // 256, C, S, slices)
    length, B = H * C * S, BLOCK_GROUPS * 256 // X.itemsize
    A, z, dz = room[: H * B], room[H * B : (H + 1) * B], room[(H + 1) * B : (H + 2) * B]
    rest = room[(H + 2) * B :]
    rows, scaled, sums = rest[:length], rest[length : 2 * length], rest[2 * length : (2 + slices) * length]
    bias = rest[(2 + slices) * length :]
    p = atomic_add(counters, NEXT, 1)
    while p < costs.shape[0]:
        load_rows(W1[p], b1[p], W2[p], shape, plan, multiplicity, rows, scaled)
        bias[0] = b2[p]
        for i in range(costs.shape[1]):
            if every > 0 and i % every == 0:
                n = i // every
                save_rows(rows, shape, plan, history[0][p, n], history[1][p, n], history[2][p, n])
                history[3][p, n] = bias[0]
            for s in range(slices):
                slice_sums(X, sign, far, shape, plan, scaled, bias, A, z, dz, sums, heads, s, s)
            costs[p, i] = update(plan, shape, rows, scaled, bias, multiplicity, steps[p], sums, heads, 0) / M
            if atomic_load(counters, STOP) != 0:
                return
        save_rows(rows, shape, plan, W1[p], b1[p], W2[p])
        b2[p] = bias[0]
        p = atomic_add(counters, NEXT, 1)


class Packed(NamedTuple):
    """A table in the kernel's layout, and the sizes that follow from it."""

    X: Array
    sign: Array
    """1 for label 0, -1 for label 1, 0 for a missing sample."""
    far: Array
    shape: tuple[int, ...]
    """As many entries as a chunk has features: the compiler sees a tuple's length."""
    sizes: tuple[int, int, int, int, int]
    """H, M, chunks, S, slices."""


def aligned(size: int, dtype: DTypeLike) -> Array:
    """Zeros that begin on a multiple of 64 bytes, so that no register is loaded from two cache lines."""
    count = size * np.dtype(dtype).itemsize
    room = np.zeros(count + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + count].view(dtype)


def pack(X: Array, y: Array, hidden: int) -> Packed:
    """Bring a table into the kernel's layout.

    Parameters
    ----------
    X, y
        (D, M) and (M,).
    hidden
        H.
    """
    real = X.dtype
    D, M = X.shape
    L = 64 // real.itemsize
    G = 4 * L
    chunks = -(-D // MOST_FEATURES)
    F = -(-D // chunks)
    groups = -(-M // G)
    packed = aligned(groups * chunks * F * G, real)
    view = packed.reshape(groups, chunks * F, G)
    whole = M // G
    view[:whole, :D] = X[:, : whole * G].reshape(D, whole, G).transpose(1, 0, 2)
    view[whole:, :D, : M - whole * G] = X[:, whole * G :]
    sign, far = aligned(groups * G, real), aligned(groups * G, real)
    sign[:M] = 1 - 2 * y
    far[M:] = FAR
    S = -(-(F + 2) // L) * L
    slices = min(-(-groups // BLOCK_GROUPS), MOST_SLICES)
    return Packed(packed, sign, far, (0,) * F, (hidden, M, chunks, S, slices))


def room_size(table: Packed) -> int:
    """Numbers of scratch that one thread of :func:`train_alone` needs."""
    H, _, chunks, S, slices = table.sizes
    B = BLOCK_GROUPS * 256 // table.X.itemsize
    return (H + 2) * B + (2 + slices) * H * chunks * S + 8


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
    counts = np.ones(hidden, real) if multiplicity is None else multiplicity.astype(real)
    snapshots = tuple(np.zeros((0,) * (a.ndim + 1), real) for a in params) if history is None else tuple(history)

    def work(_: int, counters: Array) -> None:
        room = aligned(room_size(table), real)
        heads = np.empty((table.sizes[-1], 2))
        train_alone(*table, *params, steps, counts, costs, snapshots, every, room, heads, counters)

    if threads == 1:
        work(0, np.zeros(LENGTH, np.int64))
    else:
        run_together(work, threads)


def train_network(
    X: Array,
    y: Array,
    params: Params,
    learning_rate: float,
    costs: Array,
    *,
    multiplicity: Array | None = None,
    history: Params | None = None,
    every: int = 0,
) -> None:
    """Train the two-layer net; arguments as for :func:`fastsym.reference.train_network`.

    The rest is as for :func:`train_population`, of which this is the case P = 1.
    """
    train_population(
        X,
        y,
        Params(*(a[None] for a in params)),
        np.array([learning_rate]),
        costs[None],
        multiplicity=multiplicity,
        history=None if history is None else Params(*(a[None] for a in history)),
        every=every,
    )

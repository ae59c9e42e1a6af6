"""Fourth rung: ``simd`` on all threads.

What it adds to ``simd``: the slices of samples are shared out between threads. Each thread has its own copy of the
weights, adds up all slices in the same order as one thread would, and makes the same update: the bits do
not depend on the number of threads, and threads need to meet only once in an iteration. The sums of odd and even
iterations lie in different places, so that a thread that is ahead never overwrites what another still reads.
Shape legend: :mod:`fastsym.net`.
"""

from typing import Any

import numpy as np

from fastsym._jit import jit
from fastsym.kernels import simd
from fastsym.kernels.simd import BLOCK_GROUPS, Plan, aligned, load_rows, pack, room_size, save_rows, slice_sums, update
from fastsym.net import Array, Params
from fastsym.threads import meet, run_together, thread_count


@jit
def train_share(
    X: Array,
    sign: Array,
    far: Array,
    shape: Any,
    sizes: Any,
    W1: Array,
    b1: Array,
    W2: Array,
    b2: Array,
    step: Any,
    costs: Array,
    room: Array,
    sums: Array,
    heads: Array,
    counters: Array,
    thread: int,
    threads: int,
) -> None:
    """Do one thread's part of a training; thread 0 writes the costs and the parameters.

    ``sums`` and ``heads`` have room for two times the slices and are shared; ``room`` is the thread's own.
    """
    H, M, C, S, slices = sizes
    plan = Plan(H, M, sign.size * sign.itemsize // 256, C, S, slices)
    length, B = H * C * S, BLOCK_GROUPS * 256 // X.itemsize
    A, z, dz = room[: H * B], room[H * B : (H + 1) * B], room[(H + 1) * B : (H + 2) * B]
    rest = room[(H + 2) * B :]
    rows, scaled, bias = rest[:length], rest[length : 2 * length], rest[2 * length :]
    one = np.ones(H, X.dtype)
    load_rows(W1, b1, W2, shape, plan, one, rows, scaled)
    bias[0] = b2[()]
    first, last = slices * thread // threads, slices * (thread + 1) // threads
    for i in range(costs.size):
        place = i % 2 * slices
        for s in range(first, last):
            slice_sums(X, sign, far, shape, plan, scaled, bias, A, z, dz, sums, heads, s, place + s)
        if not meet(counters, threads * (i + 1)):
            return
        cost = update(plan, shape, rows, scaled, bias, one, step, sums, heads, place)
        if thread == 0:
            costs[i] = cost / M
    # Nobody writes the parameters before everybody has read them.
    if meet(counters, threads * (costs.size + 1)) and thread == 0:
        save_rows(rows, shape, plan, W1, b1, W2)
        b2[()] = bias[0]


def train_network(X: Array, y: Array, params: Params, learning_rate: float, costs: Array) -> None:
    """Train the two-layer net; arguments as for :func:`fastsym.reference.train_network`."""
    table = pack(X, y, len(params.W2))
    H, M, chunks, S, slices = table.sizes
    threads = min(thread_count(), slices)
    if threads == 1:
        simd.train_network(X, y, params, learning_rate, costs)
        return
    real = X.dtype
    step = real.type(learning_rate / M)
    sums = aligned(2 * slices * H * chunks * S, real)
    heads = np.zeros((2 * slices, 8))

    def work(thread: int, counters: Array) -> None:
        room = aligned(room_size(table), real)
        train_share(*table, *params, step, costs, room, sums, heads, counters, thread, threads)

    run_together(work, threads)


def threads_used(X: Array) -> int:
    """Return the number of threads that X (D, M) is shared between."""
    block = BLOCK_GROUPS * 256 // X.itemsize
    return int(min(thread_count(), -(-X.shape[1] // block), simd.MOST_SLICES))

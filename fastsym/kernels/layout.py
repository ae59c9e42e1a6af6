"""How the kernels with explicit registers lay out the table and the weights, and the structs that hold them.

Layout, with registers of L numbers, groups of G = 4 L samples, and features in C chunks of F::

    X          [group][chunk][feature of the chunk][sample of the group]    missing features and samples are zero
    rows       [unit][chunk][F weights, b1, W2, padding up to S]            S a multiple of L; R = C S
    state      all rows, and one register more that begins with b2
    gradients  [slice] like rows: what is summed over samples for each weight

b1 and W2 sit in the first chunk of a row. Shape legend: :mod:`fastsym.model.params`.

Kernels take the structs as they are: to Numba a NamedTuple is its fields.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from fastsym.kernels._jit import jit, jit_inline
from fastsym.kernels.lanes import address, lanes_per_register
from fastsym.model.params import Array, Params

REGISTER_BYTES = 64
CHUNK_SIZES = (3, 5, 8, 9)
"""Features of a chunk: each size is compiled on its own, so there are few; the gradients of two units,
2 (F + 2) registers, must fit into 32."""
BLOCK_GROUPS = 7
"""Groups of a block: with nine features, 224 float64 samples fill half of a first-level cache."""
MOST_SLICES = 32
LONG_BLOCK = 896
"""Most samples of a block where networks, not samples, are shared out: each block and slice costs a little beside its
samples. So many numbers in [1, 2] may still be multiplied."""
NARROW = 16
"""Hidden units up to which the activations of a long block fit into a second-level cache."""


class Plan(NamedTuple):
    """Sizes that every piece of the kernel needs."""

    H: int
    M: int
    """Samples, each counted as often as it stands for."""
    groups: int
    C: int
    S: int
    slices: int
    weighted: int
    """Registers with samples that stand for several; they come first."""
    block: int
    """Groups of a block."""


class Table(NamedTuple):
    """Features and labels."""

    X: Array
    signs: Array
    """1 for label 0, -1 for label 1, 0 for a missing sample; 1 if it stands for samples of both labels."""
    signed_weights: Array
    """The sign, times how many samples it stands for; the signs themselves if each stands for one, for the cache's
    sake."""
    ones: Array
    """How many of label 1 are among those, if there are some of label 0 too; otherwise 0. Only for weighted
    registers."""
    features: tuple[int, ...]
    """As many zeros as a chunk has features: the compiler sees a tuple's length."""


class Weights(NamedTuple):
    """A thread's own copy of one network."""

    rows: Array
    """The state: in rows, and b2."""
    scaled: Array
    """The rows as the forward pass wants them: for tanh_scaled, and W2 times the multiplicity."""
    b2: Array
    """The last register of the state, as a view."""


class Scratch(NamedTuple):
    """A thread's values of one block of samples."""

    A: Array
    """(H, block) hidden activations, then the slopes of their arguments."""
    z: Array
    """(block,) argument of the output's sigmoid, then arguments of the cost's logarithms."""
    dz: Array
    """(block,) sigmoid(z) - y."""


class Partials(NamedTuple):
    """Sums over the samples of each slice."""

    gradients: Array
    bias_cost: Array
    """(slices, 8): gradient of b2, and cost. Each fills a cache line, so that threads do not disturb each other."""


class Networks(NamedTuple):
    """A population to train."""

    states: Array
    """(P, N)"""
    rates: Array
    """(P,) learning rates, always float64."""
    multiplicity: Array
    """(H,) how many equal units each hidden unit stands for; (0,) in a small training where each is one."""
    costs: Array
    """(P, T)"""
    history: Array
    """(P, snapshots, N) states before iterations 0, ``every``, 2 ``every``, ..."""
    every: int
    """0 for no snapshots."""


class Source(NamedTuple):
    """What a user passes, for a training that is so small that the kernel brings it into the layout."""

    X: Array
    """(D, M); (0, 0) if that is done."""
    y: Array
    """(M,)"""
    W1: Array
    b1: Array
    W2: Array
    b2: Array
    """Parameters with the axis of networks in front."""


def aligned(size: int, dtype: DTypeLike) -> Array:
    """Zeros that begin on a multiple of 64 bytes, so that no register is loaded from two cache lines."""
    count = size * np.dtype(dtype).itemsize
    memory = np.zeros(count + REGISTER_BYTES, np.uint8)
    start = -memory.__array_interface__["data"][0] % REGISTER_BYTES  # .ctypes takes far longer
    return memory[start : start + count].view(dtype)


def slice_count(samples: int, itemsize: int) -> int:
    """Return the number of slices of M samples: so many threads can share them."""
    groups = -(-samples * itemsize // (4 * REGISTER_BYTES))
    return int(min(-(-groups // BLOCK_GROUPS), MOST_SLICES))


@cache
def chunk_size(D: int) -> int:
    """Return how many features a chunk has, if there are D: a chunk costs about two features beside its own."""
    return min(CHUNK_SIZES, key=lambda size: (-(-D // size) * (size + 2), size))


@jit
def copy_samples(X: Array, packed: Array, rows: int, G: int) -> None:
    """Write the features X (D, M) to ``packed``, whose groups of G samples have so many rows."""
    D, M = X.shape
    for d in range(D):
        for first in range(0, M, G):
            group, start = X[d, first : first + G], (first // G * rows + d) * G
            target = packed[start : start + G]
            for m in range(group.size):
                target[m] = group[m]


def plain_plan(shape: tuple[int, int], itemsize: int, hidden: int) -> Plan:
    """Return the sizes for a table with features X (D, M), in which each sample stands for one."""
    D, M = shape
    L = REGISTER_BYTES // itemsize
    F = chunk_size(D)
    slices = slice_count(M, itemsize)
    return Plan(hidden, M, -(-M // (4 * L)), -(-D // F), -(-(F + 2) // L) * L, slices, 0, BLOCK_GROUPS)


def pack(X: Array, y: Array, hidden: int) -> tuple[Table, Plan]:
    """Bring a table into the kernel's layout.

    Parameters
    ----------
    X
        (D, M)
    y
        (M,) labels; or (2, M), how many samples of label 0 and of label 1 each column of X stands for, in descending
        order of their sum. Then there is one slice only.
    hidden
        H.
    """
    real, M, F = X.dtype, X.shape[1], chunk_size(X.shape[0])
    L = REGISTER_BYTES // real.itemsize
    G = 4 * L
    plan = plain_plan(X.shape, real.itemsize, hidden)
    packed, signs = aligned(plan.groups * plan.C * F * G, real), aligned(plan.groups * G, real)
    copy_samples(X, packed, plan.C * F, G)
    signed_weights, ones_of_both = signs, signs[:0]
    if y.ndim == 1:  # without arrays beside those that stay: samples may be many
        np.multiply(y, -2, out=signs[:M])
        signs[:M] += 1
    else:
        zeros, ones = y
        signs[:M] = np.where(zeros > 0, 1, -1)
        weighted = -(-int((zeros + ones > 1).sum()) // L)
        if weighted:
            signed_weights, ones_of_both = aligned(plan.groups * G, real), aligned(weighted * L, real)
            signed_weights[:M] = signs[:M] * (zeros + ones)
            ones_of_both[:M] = np.where(zeros > 0, ones, 0)[: weighted * L]
        block = min(plan.groups, LONG_BLOCK // G) if hidden <= NARROW else BLOCK_GROUPS
        plan = plan._replace(M=int(y.sum()), slices=1, weighted=weighted, block=block)
    return Table(packed, signs, signed_weights, ones_of_both, (0,) * F), plan


def _length(plan: Plan) -> int:
    """Numbers in all rows of a network."""
    return plan.H * plan.C * plan.S


def thread_numbers(plan: Plan, itemsize: int) -> int:
    """Return how many numbers each thread needs for itself: its scratch, then its weights, side by side."""
    L = REGISTER_BYTES // itemsize
    return (plan.H + 2) * plan.block * 4 * L + 2 * _length(plan) + L


def small_ends(plan: Plan, F: int, L: int) -> tuple[int, int, int, int]:
    """Return where table, labels, a thread's own and gradients end that lie side by side in a small training."""
    features = plan.groups * 4 * L * plan.C * F
    labels = features + plan.groups * 4 * L
    own = labels + (plan.H + 2) * plan.block * 4 * L + 2 * plan.H * plan.C * plan.S + L
    return features, labels, own, own + plan.slices * plan.H * plan.C * plan.S


def small_numbers(plan: Plan, F: int, itemsize: int) -> int:
    """Return how many numbers a small training needs at most, wherever they begin."""
    L = REGISTER_BYTES // itemsize
    return small_ends(plan, F, L)[-1] + plan.H + L - 1


_small_ends = jit_inline(small_ends)


@jit_inline
def divided_memory(
    memory: Array, table: Table, plan: Plan, partials: Partials, networks: Networks
) -> tuple[Table, Array, Partials, Networks]:
    """Divide what :func:`small_numbers` tells: table, a thread's own and gradients are zero, multiplicities are one."""
    L = lanes_per_register(memory)
    features, labels, own, end = _small_ends(plan, len(table.features), L)
    start = -address(memory) % REGISTER_BYTES * L // REGISTER_BYTES
    zeros, units = memory[start : start + end], memory[start + end : start + end + plan.H]
    for i in range(end):
        zeros[i] = 0
    for h in range(plan.H):
        units[h] = 1
    if networks.multiplicity.size > 0:
        units = networks.multiplicity
    signs = zeros[features:labels]
    return (
        Table(zeros[:features], signs, signs, signs[:0], table.features),
        zeros[labels:own],
        Partials(zeros[own:], partials.bias_cost),
        Networks(networks.states, networks.rates, units, networks.costs, networks.history, networks.every),
    )


def shared_memory(table: Table, plan: Plan, copies: int) -> Partials:
    """Make what those who share a network need: so many copies of the sums of all slices."""
    slots = copies * plan.slices
    gradients = aligned(slots * _length(plan), table.X.dtype)
    return Partials(gradients, aligned(slots * 8, np.float64).reshape(-1, 8))


def state_size(plan: Plan, itemsize: int) -> int:
    """N, numbers in one network's state."""
    return _length(plan) + REGISTER_BYTES // itemsize


def working_bytes(plan: Plan, itemsize: int, threads: int, *, together: bool) -> int:
    """Return the bytes of :func:`thread_numbers` and :func:`shared_memory` for so many threads."""
    row_copies = plan.slices * (2 if together and threads > 1 else threads)
    return (row_copies * _length(plan) + threads * thread_numbers(plan, itemsize)) * itemsize


def _row_views(states: Array, plan: Plan) -> tuple[Array, Array]:
    """Rows (..., H, C, S) and the last register (..., L) of states (..., N), as views."""
    length = _length(plan)
    return states[..., :length].reshape(*states.shape[:-1], plan.H, plan.C, plan.S), states[..., length:]


def pack_networks(
    table: Table,
    plan: Plan,
    params: Params,
    learning_rates: Array,
    costs: Array,
    multiplicity: Array,
    snapshots: int = 0,
    every: int = 0,
) -> Networks:
    """Bring a population with W1 (P, H, D), b1 (P, H), W2 (P, H), b2 (P,) into the kernel's layout."""
    real, P, F = table.X.dtype, len(params.W1), len(table.features)
    states = aligned(P * state_size(plan, table.X.itemsize), real).reshape(P, -1)
    rows, last = _row_views(states, plan)
    for c in range(plan.C):
        part = params.W1[:, :, c * F : (c + 1) * F]
        rows[:, :, c, : part.shape[2]] = part
    rows[:, :, 0, F] = params.b1
    rows[:, :, 0, F + 1] = params.W2
    last[:, 0] = params.b2
    history = np.empty((P, snapshots, states.shape[1]), real)
    return Networks(states, learning_rates, multiplicity, costs, history, every)


def read_states(states: Array, table: Table, plan: Plan, params: Params) -> None:
    """Overwrite ``params``, whose arrays have the leading axes of ``states`` (..., N), with what is in them."""
    F = len(table.features)
    rows, last = _row_views(states, plan)
    for c in range(plan.C):
        part = params.W1[..., c * F : (c + 1) * F]
        part[...] = rows[..., c, : part.shape[-1]]
    params.b1[...] = rows[..., 0, F]
    params.W2[...] = rows[..., 0, F + 1]
    params.b2[...] = last[..., 0]

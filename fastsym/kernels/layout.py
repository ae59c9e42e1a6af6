"""How the kernels with explicit registers lay out the table and the weights.

Layout, with registers of L numbers, groups of G = 4 L samples, and features in C chunks of F::

    X      [group][chunk][feature of the chunk][sample of the group]    missing features and samples are zero
    rows   [unit][chunk][F weights, b1, W2, padding up to S]            S a multiple of L; R = C S
    state  all rows, and one register more that begins with b2
    sums   [slice] like rows: what is summed over samples for each weight

b1 and W2 sit in the first chunk of a row. Shape legend: :mod:`fastsym.model.params`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from fastsym.model.params import Array, Params

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
    groups: int
    C: int
    S: int
    slices: int
    heavy: int
    """Registers that hold samples that stand for several; they come first."""
    block: int
    """Groups of a block."""


class Packed(NamedTuple):
    """A table in the kernel's layout, and the sizes that follow from it."""

    X: Array
    sign: Array
    """1 for label 0, -1 for label 1, 0 for a missing sample; 1 if it stands for samples of both labels."""
    pull: Array
    """sign, times how many samples it stands for; sign itself if each stands for one, for the cache's sake."""
    both: Array
    """How many of label 1 are among those, if there are some of label 0 too; otherwise 0. Only for heavy registers."""
    shape: tuple[int, ...]
    """As many entries as a chunk has features: the compiler sees a tuple's length."""
    sizes: tuple[int, int, int, int, int, int, int]
    """H, M, chunks, S, slices, heavy, block: as in :class:`Plan`."""


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
    X
        (D, M)
    y
        (M,) labels; or (2, M), how many samples of label 0 and of label 1 each column of X stands for, in descending
        order of their sum. Then threads may not share the samples.
    hidden
        H.
    """
    real = X.dtype
    D, M = X.shape
    L = 64 // real.itemsize
    G = 4 * L
    # A chunk costs about two features beside its own.
    F = min(CHUNK_SIZES, key=lambda size: (-(-D // size) * (size + 2), size))
    chunks = -(-D // F)
    groups = -(-M // G)
    packed = aligned(groups * chunks * F * G, real)
    view = packed.reshape(groups, chunks * F, G)
    whole = M // G
    view[:whole, :D] = X[:, : whole * G].reshape(D, whole, G).transpose(1, 0, 2)
    view[whole:, :D, : M - whole * G] = X[:, whole * G :]
    zeros, ones = (1 - y, y) if y.ndim == 1 else y
    sign = aligned(groups * G, real)
    sign[:M] = np.where(zeros > 0, 1, -1)
    heavy = -(-int((zeros + ones > 1).sum()) // L)
    pull, both = (aligned(groups * G, real), aligned(heavy * L, real)) if heavy else (sign, sign[:0])
    if heavy:
        pull[:M] = sign[:M] * (zeros + ones)
        both[:M] = np.where(zeros > 0, ones, 0)[: heavy * L]
    S = -(-(F + 2) // L) * L
    slices, block = min(-(-groups // BLOCK_GROUPS), MOST_SLICES), BLOCK_GROUPS
    if y.ndim == 2:
        slices, block = 1, min(groups, LONG_BLOCK // G) if hidden <= NARROW else BLOCK_GROUPS
    sizes = (hidden, int(y.sum()) if y.ndim == 2 else M, chunks, S, slices, heavy, block)
    return Packed(packed, sign, pull, both, (0,) * F, sizes)


def state_size(table: Packed) -> int:
    """Numbers in one network's state."""
    H, _, chunks, S, *_ = table.sizes
    return H * chunks * S + 64 // table.X.itemsize


def _row_views(states: Array, table: Packed) -> tuple[Array, Array]:
    """Rows (..., H, C, S) and the last register (..., L) of states (..., N), as views."""
    H, _, chunks, S, *_ = table.sizes
    length = H * chunks * S
    return states[..., :length].reshape(*states.shape[:-1], H, chunks, S), states[..., length:]


def states_of(params: Params, table: Packed) -> Array:
    """States (P, N) of a population with parameters W1 (P, H, D), b1 (P, H), W2 (P, H), b2 (P,)."""
    P = len(params.W1)
    F = len(table.shape)
    states = aligned(P * state_size(table), table.X.dtype).reshape(P, -1)
    rows, last = _row_views(states, table)
    for c in range(rows.shape[2]):
        part = params.W1[:, :, c * F : (c + 1) * F]
        rows[:, :, c, : part.shape[2]] = part
    rows[:, :, 0, F] = params.b1
    rows[:, :, 0, F + 1] = params.W2
    last[:, 0] = params.b2
    return states


def read_states(states: Array, table: Packed, params: Params) -> None:
    """Overwrite ``params``, whose arrays have the leading axes of ``states`` (..., N), with what is in them."""
    F = len(table.shape)
    rows, last = _row_views(states, table)
    for c in range(rows.shape[-2]):
        part = params.W1[..., c * F : (c + 1) * F]
        part[...] = rows[..., c, : part.shape[-1]]
    params.b1[...] = rows[..., 0, F]
    params.W2[...] = rows[..., 0, F + 1]
    params.b2[...] = last[..., 0]

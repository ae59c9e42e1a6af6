"""When several threads pay: a model of what they save and of what they cost.

``fast`` chooses between ``simd`` and ``parallel`` only, which give the same bits, so that a result depends neither on
the number of processors nor on the size from which threads pay. NumPy is never chosen, though it is quicker at some
sizes: its sums differ from processor to processor, and units that start equal do not stay equal in them.

``python -m bench.fast_choice`` fits such constants, and measures how near ``fast`` comes to the best of all variants at
sizes drawn by chance. Those below are near its fits on two cores with AVX-512; at all sizes of one fit, ``fast`` then
took what is the quicker of the two within 7 %. The sizes of ``reports/fast-choice.csv`` are others.
"""

from fastsym.kernels.layout import BLOCK_GROUPS, MOST_SLICES, REGISTER_BYTES
from fastsym.model.params import Array

CHOICES = ("simd", "parallel")
"""For nets of two layers."""
STEP_SECONDS = 1.4e-10
"""Of one thread, for a sample, unit and feature in float64; float32 takes half."""
OWN_FEATURES = 10
"""A unit's own work for a sample, tanh above all, in features."""
BARRIER_SECONDS = 4e-6
"""For waiting for each other, once in an iteration."""
START_SECONDS = 8e-4
"""For waking the threads, once in a call."""


def threads_pay(X: Array, hidden: int, iterations: int, threads: int) -> bool:
    """Whether so many threads should train a net sooner than one.

    Parameters
    ----------
    X
        (D, M)
    hidden
        H.
    iterations
        T.
    threads
        How many would share the samples.
    """
    saved = _seconds(samples_saved(X.shape[1], X.itemsize, threads), X, hidden)
    return bool(iterations * (saved - BARRIER_SECONDS) > START_SECONDS)


def threads_may_pay(X: Array, hidden: int, iterations: int) -> bool:
    """Whether a training takes so long that threads could pay if they took over all of it; arguments as above."""
    return iterations * _seconds(X.shape[1], X, hidden) > START_SECONDS


def _seconds(samples: int, X: Array, hidden: int) -> float:
    """Time that one thread needs for so many samples in an iteration."""
    return samples * hidden * (len(X) + OWN_FEATURES) * X.itemsize / 8 * STEP_SECONDS


def samples_saved(samples: int, itemsize: int, threads: int) -> int:
    """Return how many of M samples the thread that has most of them does not work on: slices are shared out whole."""
    block = BLOCK_GROUPS * 4 * REGISTER_BYTES // itemsize
    blocks = -(-samples // block)
    slices = min(blocks, MOST_SLICES)
    most = -(-blocks * -(-slices // threads) // slices)
    return max(0, samples - most * block)

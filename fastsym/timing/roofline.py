"""The roofline: how fast this core can go at best, measured, and the least work that training is.

Operations are counted in 64-byte registers, 8 float64 or 16 float32 at once. What the least work would take at the
measured rates is a bound that no program of this formulation can beat on this core; a variant's fraction of the
roofline is that time over its own. Another formulation, that trains once for equal samples for example, does less work.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastsym.kernels._jit import jit
from fastsym.kernels.lanes import REGISTER_BYTES, fma, load, reduce_add, splat
from fastsym.model.params import Array

CACHED_BYTES = 16 * 1024
"""Size of the array for the load rate: half of the first-level cache of about any processor."""
SAMPLE_SECONDS = 1e-3
SAMPLES = 30
FMA_PER_DIVISION = 24
"""Multiply-adds beside one division, about as in training."""


@dataclass(frozen=True)
class Operations:
    """Numbers of operations on 64-byte registers."""

    fma: float
    """Multiplications and multiply-adds."""
    add: float
    """Additions and subtractions."""
    divide: float
    load: float
    """From first-level cache."""

    def __add__(self, other: "Operations") -> "Operations":
        return Operations(
            self.fma + other.fma, self.add + other.add, self.divide + other.divide, self.load + other.load
        )

    def __mul__(self, factor: float) -> "Operations":
        return Operations(factor * self.fma, factor * self.add, factor * self.divide, factor * self.load)


@dataclass(frozen=True)
class Roofline:
    """Rates of one core, in operations on 64-byte registers a second."""

    dtype: str
    fma_per_second: float
    adds_per_second: float
    mixed_per_second: float
    """Additions and multiply-adds together, half of each: some processors have separate units for them, others not."""
    divisions_per_second: float
    divided_per_second: float
    """Multiply-adds with one division among 24 of them: on many processors a division occupies one of their units."""
    loads_per_second: float

    def seconds(self, work: Operations) -> float:
        """Bound what ``work`` takes from below: the busiest unit must get through its share."""
        one_fma = 1 / self.fma_per_second
        one_division_among_them = max(0.0, FMA_PER_DIVISION * (1 / self.divided_per_second - one_fma))
        return max(
            work.fma * one_fma + work.divide * one_division_among_them,
            work.add / self.adds_per_second,
            (work.fma + work.add) / max(self.mixed_per_second, self.fma_per_second, self.adds_per_second),
            work.divide / self.divisions_per_second,
            work.load / self.loads_per_second,
        )


# Each runs 12 chains that do not wait for each other: enough for two operations a cycle that take up to 6 cycles, and
# few enough that all of them stay in registers.


@jit
def fma_chains(passes: int, a: Any) -> Any:
    """Run 12 multiply-adds in each pass."""
    factor = splat(a, 4)
    x, y, z = splat(a, 4), splat(a + a, 4), splat(a * a, 4)
    for _ in range(passes):
        x = fma(x, factor, factor)
        y = fma(y, factor, factor)
        z = fma(z, factor, factor)
    return reduce_add(x + y + z)


@jit
def add_chains(passes: int, a: Any) -> Any:
    """Run 12 additions in each pass."""
    step = splat(a, 4)
    x, y, z = splat(a, 4), splat(a + a, 4), splat(a * a, 4)
    for _ in range(passes):
        x = x + step
        y = y + step
        z = z + step
    return reduce_add(x + y + z)


@jit
def mixed_chains(passes: int, a: Any) -> Any:
    """Run 8 additions and 8 multiply-adds in each pass."""
    step = splat(a, 4)
    w, x, y, z = splat(a, 4), splat(a + a, 4), splat(a * a, 4), splat(-a, 4)
    for _ in range(passes):
        w = fma(w, step, step)
        x = x + step
        y = fma(y, step, step)
        z = z + step
    return reduce_add((w + x) + (y + z))


@jit
def division_chains(passes: int, a: Any) -> Any:
    """Run 12 divisions in each pass."""
    one = splat(a + a, 4)
    x, y, z = splat(a, 4), splat(a + a, 4), splat(a * a, 4)
    for _ in range(passes):
        x = one / x
        y = one / y
        z = one / z
    return reduce_add(x + y + z)


@jit
def divided_chains(passes: int, a: Any) -> Any:
    """Run 96 multiply-adds and 4 divisions in each pass; no division waits for another of its pass."""
    factor = splat(a, 4)
    x, y, z = splat(a, 4), splat(a + a, 4), splat(a * a, 4)
    one, w = splat(a + a, 4), splat(a, 4)
    for _ in range(passes):
        w = one / w
        for _ in range(8):
            x = fma(x, factor, factor)
            y = fma(y, factor, factor)
            z = fma(z, factor, factor)
    return reduce_add(x + y + z) + reduce_add(w)


@jit
def loads(passes: int, array: Array) -> Any:
    """Load the array once in each pass; what is loaded is half added, half multiplied, to keep no unit busier."""
    one = splat(array[0], 4)
    w, x, y, z = splat(array[0], 4), splat(array[0], 4), splat(array[0], 4), splat(array[0], 4)
    step = 4 * (64 // array.itemsize)
    for _ in range(passes):
        for i in range(0, array.shape[0], 4 * step):
            w = w + load(array, i, 4)
            x = fma(load(array, i + step, 4), one, x)
            y = y + load(array, i + 2 * step, 4)
            z = fma(load(array, i + 3 * step, 4), one, z)
    return reduce_add((w + x) + (y + z))


def measure_roofline(dtype: DTypeLike = np.float64, clock: Callable[[], float] = time.perf_counter) -> Roofline:
    """Measure what this core can do at best, which takes well under a second.

    Parameters
    ----------
    dtype
        float64 or float32.
    clock
        Returns seconds.

    Returns
    -------
    Roofline
        The best of many short, interleaved samples each: what disturbs only ever slows down.
    """
    real = np.dtype(dtype)
    half = np.asarray(0.5, real)[()]
    array = np.zeros(CACHED_BYTES // real.itemsize, real)
    kernels: dict[str, tuple[Callable[[int], object], int]] = {
        "fma_per_second": (partial(_call, fma_chains, half), 12),
        "adds_per_second": (partial(_call, add_chains, half), 12),
        "mixed_per_second": (partial(_call, mixed_chains, half), 16),
        "divisions_per_second": (partial(_call, division_chains, half), 12),
        "divided_per_second": (partial(_call, divided_chains, half), 4 * FMA_PER_DIVISION),
        "loads_per_second": (partial(_call, loads, array), CACHED_BYTES // REGISTER_BYTES),
    }

    def seconds(run: Callable[[int], object], passes: int) -> float:
        start = clock()
        run(passes)
        return clock() - start

    passes = dict.fromkeys(kernels, 1)
    for name, (run, _) in kernels.items():
        run(1)  # compiles
        while seconds(run, passes[name]) < SAMPLE_SECONDS:
            passes[name] *= 2
    rates = dict.fromkeys(kernels, 0.0)
    for _ in range(SAMPLES):
        for name, (run, count) in kernels.items():
            rates[name] = max(rates[name], passes[name] * count / seconds(run, passes[name]))
    return Roofline(real.name, **rates)


def _call(kernel: Callable[..., object], argument: Any, passes: int) -> object:
    return kernel(passes, argument)


def fewest_operations(D: int, H: int, M: int, dtype: DTypeLike = np.float64) -> Operations:
    """Count the least work of one iteration.

    Per register of samples and hidden unit, with X loaded once for two units because no more of them fit in registers:

    ============================  =======  ====  ======  =========
    step                          fma      add   divide  load
    ============================  =======  ====  ======  =========
    Z1 = W1 X + b1                D                      D / 2
    A1 = tanh Z1, float64         11       6     1
    A1 = tanh Z1, float32         8        6     1
    Z2 += W2 A1                   1                      1 / 2
    dZ2 A1, summed for dW2        1        1             1 + 1 / 2
    dZ1 = dZ2 - (dZ2 A1) A1       1
    dZ1, summed for db1                    1
    dZ1 X, summed for dW1         D                      D / 2
    ============================  =======  ====  ======  =========

    and per register of samples for the output: 19 fma in float64 or 14 in float32 (exp, sigmoid, the cost's
    product), 10 additions, 1 division, 3 loads. tanh and exp are those of :mod:`fastsym.kernels.elementary`. Not
    counted, because other units can do it: floors, minima, comparisons, selections, shifts, signs, broadcasts and
    stores; nor the update of the parameters, which is once for all samples.

    The machine code of ``simd`` for AVX-512 has these operations (``tests/regression/test_assembly.py``), and more: in
    the output four multiplications that other tables need (by 1, -1, how many samples one stands for, or 0 for a
    missing one; one of them in place of an addition), and, because tanh is a loop of its own, 1.5 loads per register
    and unit.

    Parameters
    ----------
    D, H, M
        Features, hidden units, samples.
    dtype
        float64 or float32.

    Returns
    -------
    Operations
        On registers; M need not fill the last one.
    """
    real = np.dtype(dtype)
    shorter = 0 if real == np.float64 else 1  # the series have fewer terms
    unit = Operations(fma=2 * D + 14 - 3 * shorter, add=8, divide=1, load=D + 2)
    output = Operations(fma=19 - 5 * shorter, add=10, divide=1, load=3)
    return (unit * H + output) * (M * real.itemsize / REGISTER_BYTES)

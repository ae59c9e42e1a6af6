"""The roofline: counts by hand, and rates by a clock that ticks at each look."""

from itertools import count

import numpy as np
import pytest

from fastsym.timing.roofline import (
    FMA_PER_DIVISION,
    Operations,
    Roofline,
    add_chains,
    divided_chains,
    division_chains,
    fewest_operations,
    fma_chains,
    loads,
    measure_roofline,
    mixed_chains,
)


def test_counts_of_one_unit_and_one_register():
    # 9 features forward and backward, 12 more; 21 in the output. 8 samples fill a register.
    assert fewest_operations(9, 1, 8) == Operations(fma=2 * 9 + 14 + 19, add=8 + 10, divide=2, load=11 + 3)
    assert fewest_operations(9, 1, 16, np.float32) == Operations(2 * 9 + 11 + 14, 8 + 10, 2, 11 + 3)


def test_counts_grow_with_every_size():
    assert fewest_operations(9, 4, 889).fma == pytest.approx(889 / 8 * (4 * 32 + 19))
    assert fewest_operations(9, 4, 889, np.float32).add == pytest.approx(889 / 16 * (4 * 8 + 10))


@pytest.mark.parametrize(
    ("work", "seconds"),
    [
        (Operations(8, 0, 0, 0), 2.0),  # the multiply-add unit, at 4 a second
        (Operations(0, 8, 0, 0), 4.0),  # the adder, at 2
        (Operations(8, 6, 0, 0), 3.0),  # still the adder: both together, at 5 a second, take 2.8
        (Operations(11, 4, 0, 0), 3.0),  # both together: alone they take 2.75 and 2
        (Operations(0, 0, 8, 0), 8.0),
        (Operations(1, 1, 1, 8), 2.0),
    ],
)
def test_the_busiest_unit_decides(work, seconds):
    roofline = Roofline("float64", 4.0, 2.0, 5.0, 1.0, 4.0, 4.0)
    assert roofline.seconds(work) == pytest.approx(seconds)


def test_a_division_may_occupy_a_unit_of_the_multiply_adds():
    # 24 multiply-adds take 6 seconds, and 8 with a division among them.
    roofline = Roofline("float64", 4.0, 99.0, 99.0, 99.0, FMA_PER_DIVISION / 8.0, 99.0)
    assert roofline.seconds(Operations(8, 0, 3, 0)) == pytest.approx(8 / 4 + 3 * 2)
    assert roofline.seconds(Operations(8, 0, 0, 0)) == pytest.approx(2)


def test_rates_count_operations_not_passes():
    ticks = count()
    roofline = measure_roofline(np.float64, clock=lambda: next(ticks) / 512)  # an exact number of seconds
    assert roofline.dtype == "float64"
    rates = roofline.fma_per_second, roofline.adds_per_second, roofline.mixed_per_second, roofline.divisions_per_second
    assert rates == pytest.approx((12 * 512, 12 * 512, 16 * 512, 12 * 512))
    assert roofline.divided_per_second == pytest.approx(4 * FMA_PER_DIVISION * 512)
    assert roofline.loads_per_second == pytest.approx(16 * 1024 / 64 * 512)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_kernels_do_what_they_are_counted_for(dtype):
    lanes = 64 // np.dtype(dtype).itemsize
    a = dtype(0.5)

    def chained(step, *starts):
        for _ in range(3):
            starts = [step(x) for x in starts]
        return 4 * lanes * sum(starts)

    fma_step, add_step = (lambda x: x * 0.5 + 0.5), (lambda x: x + 0.5)
    assert fma_chains(3, a) == pytest.approx(chained(fma_step, 0.5, 1.0, 0.25))
    assert add_chains(3, a) == pytest.approx(chained(add_step, 0.5, 1.0, 0.25))
    assert mixed_chains(3, a) == pytest.approx(chained(fma_step, 0.5, 0.25) + chained(add_step, 1.0, -0.5))
    assert division_chains(3, a) == pytest.approx(chained(lambda x: 1 / x, 0.5, 1.0, 0.25))
    eightfold = 2.0**-8
    added = sum(eightfold * x + (1 - eightfold) for x in (0.5, 1.0, 0.25))  # x / 2 + 1 / 2, eight times
    assert divided_chains(1, a) == pytest.approx(4 * lanes * (added + 2.0))
    array = np.arange(16 * 4 * lanes, dtype=dtype) / 64
    first = float(array[0])
    expected = 2 * (array.reshape(-1, 2, 4 * lanes)[:, 0].sum() + array.reshape(-1, 2, 4 * lanes)[:, 1].sum() * first)
    assert loads(2, array) == pytest.approx(expected + 16 * lanes * first)
    array += 1
    assert loads(2, array) == pytest.approx(2 * array.sum() + 16 * lanes)

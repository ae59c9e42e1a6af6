"""What a user waits for before the first iteration, each time in a fresh process: four numbers that are never mixed."""

from itertools import count

import pytest

from bench.reported import REPORTED
from fastsym.timing.startup import time_fresh_process

VARIANT = "fast"
pytestmark = pytest.mark.benchmark(timer=REPORTED.now, group="start of a process, H = 4")


@pytest.fixture(scope="module")
def full_cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")
    time_fresh_process(VARIANT, folder)
    return folder


def measure(benchmark, cache_of_round, seconds, rounds):
    numbers = count()

    def job():
        times = time_fresh_process(VARIANT, cache_of_round(next(numbers)))
        assert not times.import_compiles
        REPORTED.add(seconds(times))
        return times

    benchmark.extra_info |= {"kind": "startup", "variant": VARIANT}
    return benchmark.pedantic(job, rounds=rounds)


def test_compile(benchmark, tmp_path):
    """First training call with an empty cache, beyond a steady call."""
    times = measure(
        benchmark, lambda i: tmp_path / str(i), lambda times: times.first_seconds - times.steady_seconds, rounds=1
    )
    assert times.compiling_seconds > 0


def test_cache_load(benchmark, full_cache):
    """First training call with a full cache, beyond a steady call."""
    times = measure(benchmark, lambda _: full_cache, lambda times: times.first_seconds - times.steady_seconds, rounds=3)
    assert times.compiling_seconds == 0


def test_first_call(benchmark, full_cache):
    """From a loaded Numba to the end of the first training, with a full cache."""
    times = measure(
        benchmark, lambda _: full_cache, lambda times: times.import_fastsym_seconds + times.first_seconds, rounds=3
    )
    assert times.compiling_seconds == 0


def test_steady_state(benchmark, full_cache):
    """A training call after the first."""
    measure(benchmark, lambda _: full_cache, lambda times: times.steady_seconds, rounds=3)

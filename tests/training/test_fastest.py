"""Which variant ``fast`` is: what threads save decides, in all that it depends on; the bits are the same."""

import numpy as np
import pytest

import fastsym
from fastsym.kernels import population, threads
from fastsym.training import fastest
from fastsym.training.fastest import samples_saved, threads_may_pay, threads_pay


@pytest.fixture(autouse=True)
def known_constants(monkeypatch):
    for name, seconds in (("STEP_SECONDS", 4e-11), ("BARRIER_SECONDS", 1.5e-6), ("START_SECONDS", 1e-4)):
        monkeypatch.setattr(fastest, name, seconds)


@pytest.fixture
def two_threads(monkeypatch):
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    monkeypatch.setattr(population, "thread_count", lambda: 2)


def pay(D=9, H=16, M=2000, T=100, dtype=np.float64, count=2):
    return threads_pay(np.zeros((D, M), dtype), H, T, count)


@pytest.mark.parametrize("name", ["D", "H", "M", "T"])
def test_more_of_anything_makes_threads_pay(name):
    small = {"D": 1, "H": 1, "M": 500, "T": 1}
    large = {"D": 10_000, "H": 10_000, "M": 2_000_000, "T": 1_000_000}
    rest = {"D": 9, "H": 16, "M": 2000, "T": 20} | ({"H": 64} if name == "T" else {})
    assert not pay(**(rest | {name: small[name]}))
    assert pay(**(rest | {name: large[name]}))


def test_threads_that_wait_longer_than_they_work_never_pay():
    assert not pay(H=1, M=300, D=1, T=10**9)


def test_what_cannot_be_shared_saves_nothing():
    assert samples_saved(224, 8, 2) == 0
    assert not pay(H=10_000, M=224, T=10_000)
    assert samples_saved(225, 8, 2) == 1
    assert samples_saved(4 * 224, 8, 2) == 2 * 224
    assert samples_saved(5 * 224, 8, 2) == 2 * 224
    assert samples_saved(4 * 448, 4, 4) == 3 * 448


@pytest.mark.usefixtures("two_threads")
def test_fast_takes_threads_where_they_pay_and_gives_the_bits_of_one(make_problem):
    X, y, start = make_problem(1, 5, 8, 3000)
    few, many = (fastsym.train(X, y, start, T, 0.1) for T in (1, 3000))
    assert (few.variant, many.variant) == ("simd", "parallel")
    alone = fastsym.train(X, y, start, 3000, 0.1, "simd")
    assert many.costs.tobytes() == alone.costs.tobytes()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_threads_never_pay_where_they_may_not(dtype):
    X, sizes = np.zeros((9, 10_000), dtype), [(H, T) for H in (1, 4, 64) for T in (0, 1, 3, 10, 100)]
    asked = [(threads_may_pay(X, H, T), threads_pay(X, H, T, 32)) for H, T in sizes]
    assert (True, True) in asked
    assert (False, False) in asked
    assert (False, True) not in asked

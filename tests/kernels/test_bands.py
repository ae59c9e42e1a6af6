"""Large networks: the bits of small ones, and little memory."""

import tracemalloc

import numpy as np
import pytest

import fastsym
from fastsym import Params
from fastsym.kernels import layout, population
from fastsym.training.checks import merge_samples


def draw(seed, P, H, D, M, dtype):
    rng = np.random.default_rng(seed)
    shapes = (P, H, D), (P, H), (P, H), (P,)
    X, params = rng.standard_normal((D, M)).astype(dtype), [0.1 * rng.standard_normal(s) for s in shapes]
    return X, (X[0] > 0.3).astype(dtype), Params(*(a.astype(dtype) for a in params))


def trained(X, y, params, threads, every=0, multiplicity=None):
    """Bytes of all that a training of four iterations gives."""
    params, P = Params(*(a.copy() for a in params)), len(params.W1)
    costs = np.empty((P, 4), X.dtype)
    history = Params(*(np.empty((P, -(-4 // every), *a.shape[1:]), X.dtype) for a in params)) if every else None
    population.train_population(
        X,
        y,
        params,
        np.linspace(0.1, 0.2, P),
        costs,
        threads=threads,
        history=history,
        every=every,
        multiplicity=multiplicity,
    )
    return [a.tobytes() for a in (costs, *params, *(history or ()))]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("D", "H", "M", "P"), [(9, 5, 889, 1), (17, 131, 300, 3), (9, 64, 50, 2), (9, 1, 8000, 1)], ids=str
)
def test_bands_give_the_same_bits(D, H, M, P, dtype, threads, monkeypatch):
    X, y, params = draw(0, P, H, D, M, dtype)
    more = {"every": 3, "multiplicity": np.arange(1, H + 1).astype(dtype)}
    plain, whole = trained(X, y, params, 1), trained(X, y, params, 1, **more)
    monkeypatch.setattr(population, "SMALL_BYTES", -(1 << 40))
    assert trained(X, y, params, threads) == plain
    assert trained(X, y, params, threads, **more) == whole


def test_so_do_bands_with_merged_samples(monkeypatch):
    X, _, params = draw(1, 1, 20, 2, 3000, np.float64)
    X = np.round(X)
    X, y = merge_samples(X, np.arange(3000) % 3 // 2.0)
    assert y.max() > 1
    plain = trained(X, y, params, 1)
    monkeypatch.setattr(population, "SMALL_BYTES", -(1 << 40))
    assert trained(X, y, params, 2) == plain


def compile_first(dtype, monkeypatch):
    """Compile both kernels: what compilers allocate is no memory of the training."""
    with monkeypatch.context() as context:
        for small in (population.SMALL_BYTES, -(1 << 40)):
            context.setattr(population, "SMALL_BYTES", small)
            trained(*draw(0, 1, 2, 9, 20, dtype), 1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("threads", [1, 16])
@pytest.mark.parametrize(
    ("D", "H", "M", "P"),
    [(9, 100_000, 300, 1), (20_000, 100, 300, 1), (9, 4, 400_000, 1), (18, 20_000, 8000, 1), (9, 20_000, 300, 8)],
    ids=["wide", "many features", "many samples", "wide with many slices", "wide population"],
)
def test_training_needs_little_memory(D, H, M, P, threads, dtype, monkeypatch):
    """At most four copies of the weights, the table as the kernels lay it out, and 32 MiB."""
    compile_first(dtype, monkeypatch)
    monkeypatch.setattr(population, "thread_count", lambda: threads)
    X, y, params = draw(0, P, H, D, M, dtype)
    table, _ = layout.pack(X, y, H)
    allowed = 4 * sum(a.nbytes for a in params) + table.X.nbytes + (32 << 20)
    tracemalloc.start()
    if P == 1:
        alone = Params(*(a[0] for a in params))
        fastsym.train(X, y, alone, 1, 0.01, "simd" if threads == 1 else "parallel")
    else:
        fastsym.train_population(X, y, params, 1, 0.01, threads)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= allowed


def test_numpy_needs_little_memory():
    X, y, params = draw(0, 1, 2000, 1000, 2000, np.float64)
    tracemalloc.start()
    fastsym.train(X, y, Params(*(a[0] for a in params)), 1, 0.01, "numpy")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 4 * sum(a.nbytes for a in params) + X.nbytes + (32 << 20)

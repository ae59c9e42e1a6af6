"""The kernels with explicit registers: any shape, any number of threads, populations, snapshots."""

import numpy as np
import pytest

import fastsym
from fastsym.kernels import layout, population
from fastsym.model.params import Params
from fastsym.training.checks import merge_samples

EDGES = [(1, 1, 1), (3, 2, 7), (4, 3, 8), (5, 4, 31), (6, 1, 33), (9, 5, 223), (10, 2, 225), (13, 3, 449), (100, 7, 65)]


def _problem(D, H, M, dtype, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((D, M)).astype(dtype)
    y = rng.integers(0, 2, M)
    return X, y, fastsym.initialise("normal", D, H, scale=0.5, seed=seed, dtype=dtype)


@pytest.mark.parametrize(("D", "H", "M"), EDGES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_any_shape_follows_the_reference(D, H, M, dtype):
    if dtype == np.float32 and len(layout.pack(np.zeros((D, 1)), np.zeros(1), 1)[0].features) < 8:
        D += 5  # fewer features are one more compilation, which float64 has had already
    X, y, params = _problem(D, H, M, dtype)
    ours = fastsym.train(X, y, params, 5, 0.1, "simd")
    theirs = fastsym.train(X, y, params, 5, 0.1, "reference")
    bound = 200 * np.finfo(dtype).eps  # five steps of well-scaled numbers: a handful of roundings each
    assert ours.costs.dtype == dtype
    for got, expected in zip((ours.costs, *ours.params), (theirs.costs, *theirs.params), strict=True):
        assert np.abs(got - expected).max() <= bound * max(1, np.abs(expected).max())


def test_chunks_are_few_and_waste_little():
    for D in range(1, 200):
        table, plan = layout.pack(np.zeros((D, 1)), np.zeros(1), 1)
        padded = plan.C * len(table.features)
        assert len(table.features) in layout.CHUNK_SIZES
        assert D <= padded <= D + max(2, D // 3)


def test_missing_samples_do_not_count():
    """A block is filled up with samples that must leave no trace, whatever the weights are."""
    X, y, _ = _problem(3, 2, 5, np.float64)
    params = Params(np.full((2, 3), 300.0), np.full(2, -700.0), np.array([1e3, -2e3]), np.array(900.0))
    whole = fastsym.train(X, y, params, 3, 0.1, "simd")
    expected = fastsym.train(X, y, params, 3, 0.1, "reference")
    np.testing.assert_allclose(whole.costs, expected.costs, rtol=1e-13)


@pytest.mark.parametrize(("D", "H", "M"), [(9, 4, 889), (13, 3, 449), (9, 1, 1)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_small_training_stays_in_its_memory_whatever_is_in_it(D, H, M, dtype, monkeypatch):
    X, y, params = _problem(D, H, M, dtype)
    expected = fastsym.train(X, y, params, 5, 0.1, "simd")
    empty, buffers = np.empty, []
    size = population._small_size(X.shape, X.itemsize, 1, H)

    def between_guards(shape, *rest):
        if shape != size.memory:
            return empty(shape, *rest)
        buffers.append(np.full(shape + 64, np.nan, dtype))
        first = 32 + len(buffers)  # begins at another place in a cache line each time
        return buffers[-1][first : first + shape]

    monkeypatch.setattr(np, "empty", between_guards)
    for _ in range(16):
        found = fastsym.train(X, y, params, 5, 0.1, "simd")
        assert [a.tobytes() for a in (found.costs, *found.params)] == [
            a.tobytes() for a in (expected.costs, *expected.params)
        ]
        first = 32 + len(buffers)
        assert np.isnan(buffers[-1][:first]).all()
        assert np.isnan(buffers[-1][first + size.memory :]).all()
    assert len(buffers) == 16


@pytest.mark.parametrize("hidden", [1, 4, 5])
def test_parallel_gives_the_bits_of_simd(hidden):
    data = fastsym.load_titanic("article")
    params = fastsym.initialise("normal", 9, hidden, scale=0.1, seed=hidden)
    one = fastsym.train(data.X, data.y, params, 50, 0.01, "simd")
    expected = [a.tobytes() for a in (one.costs, *one.params)]
    for threads in (2, 3, 4):  # more than there are processors, too: the bits must not depend on it
        networks = Params(*(a[None].copy() for a in params))
        costs = np.empty((1, 50))
        population.train_population(data.X, data.y, networks, np.array([0.01]), costs, threads=threads)
        assert [a.tobytes() for a in (costs, *networks)] == expected


def test_population_gives_the_bits_of_each_alone():
    data = fastsym.load_titanic("standardised")
    alone = [fastsym.initialise("normal", 8, 5, scale=0.1, seed=seed) for seed in range(7)]
    rates = np.geomspace(0.01, 1, 7)
    together = fastsym.train_population(
        data.X, data.y, Params(*(np.stack(a) for a in zip(*alone, strict=True))), 40, rates, threads=2
    )
    for p, params in enumerate(alone):
        single = fastsym.train(data.X, data.y, params, 40, rates[p], "simd")
        assert together.costs[p].tobytes() == single.costs.tobytes()
        for a, b in zip(together.params, single.params, strict=True):
            assert a[p].tobytes() == b.tobytes()


def repeated(dtype, wide=9):
    """Few different samples, many times, some with both labels, in any order."""
    rng = np.random.default_rng(3)
    different = rng.normal(size=(wide, 40)).astype(dtype)
    X = different[:, rng.permutation(np.concatenate([np.arange(40), rng.integers(0, 25, 900)]))]
    return X, (X[0] + rng.normal(size=X.shape[1]) > 0).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("hidden", [1, 4, layout.NARROW, layout.NARROW + 1])
def test_equal_samples_may_be_merged(dtype, hidden):
    X, y = repeated(dtype)
    start = fastsym.initialise("normal", 9, hidden, scale=0.3, dtype=dtype)
    population_of_one = Params(*(a[None] for a in start))
    merged = fastsym.train_population(X, y, population_of_one, 50, 0.5, merge_equal_samples=True)
    plain = fastsym.train(X, y, start, 50, 0.5, "reference")
    bound = 100 * np.finfo(dtype).eps  # 50 steps of well-scaled numbers
    for got, expected in zip((merged.costs, *merged.params), (plain.costs, *plain.params), strict=True):
        assert np.abs(got[0] - expected).max() <= bound * max(1, np.abs(expected).max())


def test_merged_samples_are_counted_by_label():
    X, y = repeated(np.float64, 3)
    samples, counts = merge_samples(X, y)
    assert samples.shape == (3, 40)
    assert counts.sum(axis=1).tolist() == [(y == 0).sum(), (y == 1).sum()]
    assert (np.diff(counts.sum(axis=0)) <= 0).all()
    for sample, (zeros, ones) in zip(samples.T, counts.T, strict=True):
        equal = (sample[:, None] == X).all(axis=0)
        assert (zeros, ones) == ((y[equal] == 0).sum(), (y[equal] == 1).sum())
    assert ((counts > 0).all(axis=0)).any()
    assert (counts.sum(axis=0) == 1).any()


def test_samples_that_differ_in_the_sign_of_zero_are_equal():
    samples, counts = merge_samples(np.array([[0.0, -0.0, 1.0]]), np.array([0.0, 1.0, 1.0]))
    assert samples.tolist() == [[0.0, 1.0]]
    assert counts.tolist() == [[1.0, 0.0], [1.0, 1.0]]


def test_different_samples_keep_their_order():
    X = np.random.default_rng(0).normal(size=(4, 300))
    samples, _ = merge_samples(X, np.arange(300) % 2.0)
    assert samples.tobytes() == X.tobytes()


def test_an_overflow_of_merged_samples_is_a_cost_that_is_not_finite():
    X, y = repeated(np.float64)
    start = Params(*(a[None] for a in fastsym.initialise("normal", 9, 4)))
    wild = fastsym.train_population(X * 1e200, y, start, 30, 1e200, merge_equal_samples=True)
    assert not np.isfinite(wild.costs).all()


@pytest.mark.parametrize("networks", [1, 3])
def test_parallel_trains_a_population_to_the_same_bits(networks):
    data = fastsym.load_titanic("standardised")
    alone = [fastsym.initialise("normal", 8, 5, scale=0.1, seed=seed) for seed in range(networks)]
    trained = []
    for threads in (1, 2):
        params, costs = Params(*(np.stack(a) for a in zip(*alone, strict=True))), np.empty((networks, 20))
        history = Params(*(np.empty((networks, 4, *a.shape[1:])) for a in params))
        population.train_population(
            data.X,
            data.y,
            params,
            np.full(networks, 0.1),
            costs,
            threads=threads,
            multiplicity=np.full(5, 2.0),
            history=history,
            every=5,
        )
        trained.append([a.tobytes() for a in (costs, *params, *history)])
    assert trained[0] == trained[1]


@pytest.mark.parametrize("variant", ["simd", "parallel", "loops"])
def test_snapshots_are_the_states_on_the_way(variant):
    data = fastsym.load_titanic("standardised")
    params = fastsym.initialise("normal", 8, 3, scale=0.1)
    whole = fastsym.train(data.X, data.y, params, 10, 0.1, variant, record_every=4)
    plain = fastsym.train(data.X, data.y, params, 10, 0.1, variant)
    assert whole.costs.tobytes() == plain.costs.tobytes()
    for n, iterations in enumerate((0, 4, 8, 10)):
        until = fastsym.train(data.X, data.y, params, iterations, 0.1, variant).params
        assert [a[n].tobytes() for a in whole.history] == [a.tobytes() for a in until]
    assert whole.history.W1.shape == (4, 3, 8)


def test_multiplicity_stands_for_equal_units():
    """Eight units that start equal are one unit of multiplicity eight: a power of two, so bit for bit."""
    data = fastsym.load_titanic("standardised")
    quotient = fastsym.initialise("constant", 8, 1, scale=0.1)
    small = fastsym.train(data.X, data.y, quotient, 200, 1.0, multiplicity=[8])
    wide = fastsym.train(data.X, data.y, fastsym.initialise("constant", 8, 8, scale=0.1), 200, 1.0, "simd")
    assert len(np.unique(wide.params.W1, axis=0)) == 1
    np.testing.assert_allclose(small.costs, wide.costs, rtol=1e-13)  # eight additions round, one product does not


def test_overflow_reaches_the_caller_as_a_warning():
    X, y, params = _problem(3, 2, 50, np.float64)
    with pytest.warns(fastsym.NonFiniteCostWarning, match="iteration"):
        fastsym.train(X * 1e200, y, params, 30, 1e200, "simd")

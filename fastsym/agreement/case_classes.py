"""The classes of cases that every variant is checked with, beside those whose exact result is stored.

A class is a kind of size, state, table, rate or call at which a program may be wrong although it is right elsewhere.
Its cases are made here from fixed seeds, and what they should give comes from :mod:`fastsym.agreement.expected`. In
most the learning rate is :data:`~fastsym.agreement.truth.GRADIENT_RATE`, which shows the gradient.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from fastsym.agreement.expected import expect
from fastsym.agreement.truth import GRADIENT_RATE, Case, count_parameters, hidden_units, unflatten, uniform
from fastsym.model.params import AnyParams, Array, LayerParams, Params

BASE = 16
"""Every combination of two remainders by it occurs, so that of any smaller power of two, too."""
EDGES = (32, 64, 128, 224, 256, 448, 512, 896, 1024, 2048, 4096)
"""Sizes at which a block, panel or slice may end; each is tried with its neighbours."""
MANY_SAMPLES = (7168, 14336)
VERY_MANY_SAMPLES = (8192, 16384, 32768, 65536)
STRIDE = 97
"""Between sizes that leave every remainder by every number up to 16."""
RATES = (
    1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.003, 0.01, 0.03, 0.1, 0.3, 0.4, 0.6, 0.9, 1, 1.1, 1.5, 2,
    3, 5, 7, 9, 10, 11, 30, 99, 101, 300, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6, 1e7, 1e9, 1e12,
)  # fmt: skip
WALK_RATE, WALK = 0.5, 3
"""Learning rate and iterations where a state is followed for a little."""


class Setup(NamedTuple):
    """A training to be done."""

    name: str
    X: Array
    y: Array
    params: AnyParams
    iterations: int = 1
    learning_rate: float = GRADIENT_RATE
    multiplicity: Array | None = None
    record_every: int = 0
    dtype: str | None = None
    """For one data type alone."""

    def case(self, dtype: str) -> Case:
        """Work out what it should give in a data type."""
        name, X, y, params, *_ = self
        return expect(
            name, X, y, params, dtype, iterations=self.iterations, learning_rate=self.learning_rate,
            multiplicity=self.multiplicity, record_every=self.record_every,
        )  # fmt: skip


def table(D: int, M: int, seed: int = 0) -> tuple[Array, Array]:
    """Make plain features between -2 and 2 (D, M) and labels (M,)."""
    return 2 * uniform(7 + seed, (D, M)), (uniform(1007 + seed, (M,)) > 0).astype(np.float64)


def parameters(D: int, H: int, seed: int = 0, scale: float = 0.7) -> AnyParams:
    """Make plain parameters; H = 0 for the one-layer net."""
    return unflatten(scale * uniform(2007 + seed, (count_parameters(D, H),)), D, H)


def network(D: int, H: int, seed: int = 0) -> Params:
    """Make plain parameters of the two-layer net."""
    return Params(*parameters(D, H, seed))


def plain(name: str, D: int, H: int, M: int, seed: int = 0, **more: Any) -> Setup:
    """Make a training of plain data; weights into wide sums are small, as everybody's are."""
    X, y = table(D, M, seed)
    params = parameters(D, H, seed, 0.7 / max(1, D / 64) ** 0.5)
    return Setup(f"{name}, D {D} H {H or 'none'} M {M}", X, y, params, **more)


def remainders() -> Iterator[Setup]:
    """Sizes of every pair of remainders: all small, then all or all but one larger."""
    for i in range(BASE):
        for j in range(BASE):
            D, H, M = ((n % BASE) or BASE for n in (i, j, i + j))
            yield plain("remainders", D, H, M, 16 * i + j)
            yield _larger(i, j, (i + 3 * j) % 4)
            if j % 4 == 0:
                yield plain("remainders", D + BASE * (j % 8 // 4), 0, M + BASE * (i % 2), 16 * i + j)


def _larger(i: int, j: int, small: int) -> Setup:
    """One training of two remainders, in which one size is small, or with 3 none."""
    factors = 1 + j % 2, 1 + i % 3, 1 + (i + j) % 6
    sizes = (((n % BASE) or BASE) for n in (i, j, i + j))
    D, H, M = (n + BASE * f * (k != small) for k, (n, f) in enumerate(zip(sizes, factors, strict=True)))
    return plain("remainders", D, H, M, 16 * i + j)


def more_remainders() -> Iterator[Setup]:
    """Every choice of what is larger, and larger sizes still."""
    for i in range(BASE):
        for j in range(BASE):
            yield from (_larger(i, j, (i + 3 * j + k) % 4) for k in (1, 2, 3))
            yield plain("remainders", 64 + i, 64 + j, 192 + (i + j) % BASE, 16 * i + j)
            yield plain("remainders", 1 + i, 0, 33 + (i + j) % BASE, 16 * i + j)


def needles(D: int, H: int, M: int, *, other: bool = False) -> Setup:
    """Make a table of many samples in which a few count, those near edges: the others have their label, and certainly.

    One sample among so many would otherwise be lost within the bound of float32. Half of the samples near edges are
    among the few; with ``other``, the other half.
    """
    X, _ = table(D, M, M)
    near = {0, 1, M - 2, M - 1, *range(M // 8, M, M // 8), *(uniform(M, (24,)) * M / 2 + M / 2).astype(int)}
    near |= {edge + d for edge in (*EDGES, *MANY_SAMPLES, *VERY_MANY_SAMPLES) for d in (-2, -1, 0, 1)}
    places = np.array(sorted(m for m in near if m < M))
    y = np.zeros(M)
    y[places] = (uniform(M + 1, places.shape) > 0) != other
    params = parameters(D, H, M)
    params[-1][...] = -50.0
    return Setup(f"sizes, D {D} H {H or 'none'} M {M}", X, y, params)


def sizes() -> Iterator[Setup]:
    """Sizes beyond one block, panel, slice and 16-bit index; one size is large at a time, then several."""
    large = [edge + d for edge in EDGES for d in (-1, 0, 1)] + [100 + STRIDE * k for k in range(BASE)]
    for i, size in enumerate(large):
        start = plain("sizes", (8, 9)[i % 2], size, 1 + 5 * i % (17 if size < 2000 else 7), size)
        # Of very different weights some count for much, though there are so many.
        start.params[-2][...] *= 2.0 ** -(np.arange(size) * 7 % 11)
        yield start
        yield plain("sizes", size, 1 + i % 2, 1 + 5 * i % 17, size)
        if i % 3 == 2:
            yield plain("sizes", size, 0, 1 + 5 * i % 17, size)
    few = [edge + d for edge in (*EDGES, 640, 768, *MANY_SAMPLES) for d in (-1, 0, 1)]
    for i, size in enumerate(few + [700 + STRIDE * k for k in range(BASE)]):
        yield needles((8, 9, 3)[i % 3], 1 + i % 5, size)
        # Needles cost next to nothing; in these each sample has its share of the cost, too.
        yield plain("sizes, ordinary samples", (8, 9, 3)[i % 3], 1 + i % 3, size)
        yield plain("sizes, ordinary samples", (8, 9, 3)[i % 3], 0, size)
    for D, H, M in ((9, 3, 8193), (8, 20, 16385), (3, 4, 32769), (17, 66, 1030), (40, 70, 300), (26, 9, 4100)):
        yield needles(D, H, M)
    for D, H, M in ((9, 1, 70001), (8, 0, 66001)):
        yield needles(D, H, M)
        yield needles(D, H, M, other=True)
    for H in (0, 1):  # the product of what the logarithms are taken of overflows, if it is one
        setup = plain("sizes, costs of log 2", 8, H, 70001)
        yield setup._replace(params=type(setup.params)(*(0 * field for field in setup.params)))
    yield plain("sizes", 65541, 1, 1)
    yield plain("sizes", 1, 65541, 1)
    yield plain("sizes", 800, 120, 3)


def more_sizes() -> Iterator[Setup]:
    """More neighbours of edges, more samples, and all sizes large."""
    for edge in VERY_MANY_SAMPLES:
        for d in (-1, 0, 1):
            yield needles(8, 2 + d, edge + d)
    for D, H, M in ((8, 3, 131073), (5, 2, 262147), (300, 300, 900), (8, 2000, 300)):
        yield needles(D, H, M)
    yield plain("sizes", 3, 70001, 3)


def states() -> Iterator[Setup]:
    """States with a symmetry, zeros or extreme weights; one step, then a few iterations at an ordinary rate."""
    for D, H, M in ((8, 4, 20), (9, 5, 33), (3, 2, 7), (9, 1, 12)):
        X, y = table(D, M, H)
        for name, params in _states(D, H):
            extreme = name.startswith("weights of")
            yield Setup(f"{name}, D {D} H {H} M {M}", X / (1e5 if extreme else 1), y, params)
            if not extreme:
                yield Setup(f"{name}, D {D} H {H} M {M}, {WALK} iterations", X, y, params, WALK, WALK_RATE)
    X, y = table(8, 20)
    for value in (0.0, -0.0, 0.1, -3.0):
        layer = LayerParams(np.full(8, value), np.array(0.0))
        yield Setup(f"one layer of {value}", X, y, layer)
        yield Setup(f"one layer of {value}, {WALK} iterations", X, y, layer, WALK, WALK_RATE)


def _states(D: int, H: int) -> Iterator[tuple[str, Params]]:
    ones, zeros, zero = np.ones(H), np.zeros(H), np.array(0.0)
    W1, b1, W2, b2 = network(D, H, H)
    yield "zero start", Params(0 * W1, zeros, zeros, zero)
    yield "negative zero start", Params(-0.0 * np.abs(W1), -zeros, -zeros, -zero)
    yield "constant start", Params(0 * W1 + 0.1, zeros, 0.1 * ones, zero)
    yield "constant start, biases too", Params(0 * W1 + 0.3, 0.3 * ones, 0.3 * ones, zero + 0.3)
    yield "equal units", Params(0 * W1 + W1[0], 0 * b1 + b1[0], 0 * W2 + W2[0], b2)
    yield "equal rows, unequal outputs", Params(0 * W1 + W1[0], 0 * b1 + b1[0], W2, b2)
    signs = (-1.0) ** np.arange(H)
    yield "opposite units", Params(signs[:, None] * W1[0], signs * b1[0], signs * W2[0], b2)
    yield "units that cancel", Params(0 * W1 + W1[0], 0 * b1 + b1[0], signs * W2[0], b2)
    yield "first and last unit equal", Params(_with_last(W1, W1[0]), _with_last(b1, b1[0]), _with_last(W2, W2[0]), b2)
    yield "W1 zero", Params(0 * W1, b1, W2, b2)
    yield "W1 and b1 zero", Params(0 * W1, zeros, W2, b2)
    yield "W2 zero", Params(W1, b1, zeros, b2)
    yield "one W2 zero", Params(W1, b1, _with_last(W2, 0), b2)
    yield "first W2 zero", Params(W1, b1, _with_last(W2[::-1], 0)[::-1].copy(), b2)
    yield "one row zero", Params(_with_last(W1, 0), b1, W2, b2)
    yield "one unit zero", Params(_with_last(W1, 0), _with_last(b1, 0), _with_last(W2, 0), b2)
    yield "biases zero", Params(W1, zeros, W2, zero)
    yield "output bias alone", Params(0 * W1, zeros, zeros, zero + 0.3)
    yield "W2 negative", Params(W1, b1, -0.1 - np.abs(W2), b2)
    yield "W2 positive", Params(W1, b1, 0.1 + np.abs(W2), b2)
    yield "first column zero", Params(W1 * (np.arange(D) > 0), b1, W2, b2)
    for bias in (30.0, -30.0):
        yield f"units saturated at {bias:g}", Params(W1, 0 * b1 + bias, W2, b2)
        yield f"one unit saturated at {bias:g}", Params(W1, _with_last(b1, bias), W2, b2)
    for bias in (20.0, -20.0, 60.0, -60.0):
        yield f"output saturated at {bias:g}", Params(W1, b1, W2, zero + bias)
    for scale in (1e-30, 1e-9, 1e-4, 20.0):
        yield f"scale {scale:g}", Params(scale * W1, scale * b1, scale * W2, scale * b2)
    yield "weights of 1e6", Params(1e6 * W1, b1, 1e6 * W2, b2)
    yield "weights of a thousand", Params(1e3 * W1, 1e-3 * b1, 1e3 * W2, 1e3 * b2)


def _with_last(array: Array, value: Any) -> Array:
    changed = array.copy()
    changed[-1] = value
    return changed


def labels() -> Iterator[Setup]:
    """Labels that are all alike, one apart, balanced, sorted, alternating; equal samples with unlike labels."""
    for D, H, M in ((8, 3, 24), (9, 2, 41), (8, 0, 24), (3, 0, 7), (9, 1, 2), (8, 2, 1)):
        X, y = table(D, M, H)
        last = np.arange(M) == M - 1
        kinds = {
            "all 0": 0 * y,
            "all 1": 0 * y + 1,
            "one 1, the last": last,
            "one 1, the first": last[::-1],
            "one 1 inside": np.arange(M) == M // 2,
            "one 0, the last": ~last,
            "one 0, the first": ~last[::-1],
            "balanced, 0 first": np.arange(M) >= M / 2,
            "balanced, 1 first": np.arange(M) < M / 2,
            "0 first": np.arange(M) >= M // 3,
            "1 first": np.arange(M) < M // 3,
            "alternating": np.arange(M) % 2,
        }
        for name, kind in kinds.items():
            yield Setup(f"labels {name}, D {D} H {H or 'none'} M {M}", X, kind.astype(np.float64), parameters(D, H, M))
        for label, bias in ((0, -40.0), (1, 40.0), (0, 40.0), (1, -40.0)):
            certain = parameters(D, H, M)
            certain[-1][...] = bias
            yield Setup(f"labels all {label}, output saturated at {bias:g}, D {D} M {M}", X, 0 * y + label, certain)
        if M > 2:
            pairs = X[:, np.arange(M) // 2]
            for name, kind in (("0 and 1", np.arange(M) % 2), ("1 and 0", 1 - np.arange(M) % 2), ("any", y)):
                labelled = kind.astype(np.float64)
                yield Setup(f"equal neighbours labelled {name}, D {D} M {M}", pairs, labelled, parameters(D, H, M))
            yield Setup(f"all samples equal, D {D} M {M}", X[:, :1] + 0 * X, y, parameters(D, H, M))
            yield Setup(f"all samples twice, D {D} M {M}", X[:, np.arange(M) % (M // 2)], y, parameters(D, H, M))


def rates() -> Iterator[Setup]:
    """Learning rates from 1e-12 to 1e12: one step from biases of zero, where the smallest step shows; a few steps."""
    X, y = table(8, 20)
    for rate in RATES:
        W1, b1, W2, b2 = network(8, 3)
        for name, weights in (("", W2), (", W2 zero", 0 * W2)):
            params = Params(W1, 0 * b1, weights, 0 * b2)
            yield Setup(f"learning rate {rate:g}{name}", X, y, params, 1, rate)
        yield Setup(f"learning rate {rate:g}, one layer", X, y, LayerParams(0 * W1[0], 0 * b2), 1, rate)
        if rate <= 3:
            yield plain(f"learning rate {rate:g}, {WALK} iterations", 8, 3, 20, iterations=WALK, learning_rate=rate)
    # So high a rate that the cost rises from iteration to iteration.
    start = LayerParams(np.full(8, 0.02), np.array(0.0))
    yield Setup("rising cost", np.ones((8, 8)), np.arange(8) % 2.0, start, 6, 1.3)


def features() -> Iterator[Setup]:
    """Features of every magnitude, zeros of both signs, denormals, duplicates, constants, whole numbers."""
    for D, H, M in ((8, 3, 24), (9, 2, 41), (8, 0, 24), (3, 1, 9)):
        X, y = table(D, M, H)
        params = parameters(D, H, M)
        some = uniform(D, X.shape) > 0.5
        tables = {
            "some negative zeros": np.where(some, -0.0, X),
            "zeros of both signs": np.where(some, 0.0, np.where(X > 1, -0.0, X)),
            "a row of zeros": X * (np.arange(D) != 1)[:, None],
            "a row of negative zeros": np.where((np.arange(D) == 1)[:, None], -0.0, X),
            "samples of zeros": X * (np.arange(M) % 5 != 1),
            "zeros alone": 0 * X,
            "negative zeros alone": -0.0 * np.abs(X),
            "constant rows": np.where((np.arange(D) % 2 == 0)[:, None], X[:, :1], X),
            "a row of ones": np.where((np.arange(D) == D - 1)[:, None], 1, X),
            "equal rows": X[np.arange(D) // 2],
            "opposite rows": X[np.arange(D) // 2] * np.where(np.arange(D) % 2, 1, -1)[:, None],
            "all rows equal": X[:1] + 0 * X,
            "whole numbers": np.round(3 * X),
            "large whole numbers": np.round(1e6 * X),
            "nearly whole numbers": np.round(3 * X) + 2.0**-21 * np.sign(X),
            "zeros and ones": (X > 0).astype(np.float64),
            "positive": np.abs(X),
            "negative": -np.abs(X),
            "one entry": X * ((np.arange(M) == M - 2) & (np.arange(D) == D - 1)[:, None]),
        }
        for name, changed in tables.items():
            yield Setup(f"features: {name}, D {D} H {H or 'none'} M {M}", changed, y, params)
        for exponents in ((-9, 9), (9, -9), (8.5, 8.5), (12, 0), (-12, 15), (2, 4), (5, 7), (-20, -7), (-4, -6)):
            scale = 10.0 ** np.linspace(exponents[0], exponents[1], D)
            yield _scaled(f"features of 1e{exponents[0]} to 1e{exponents[1]}", X, y, params, scale)
    yield from _denormals()


def _scaled(name: str, X: Array, y: Array, params: AnyParams, scale: Array) -> Setup:
    """Multiply features by ``scale`` (D,) and divide their weights by it."""
    D, M = X.shape
    size = f"D {D} H {hidden_units(params) or 'none'} M {M}"
    weights = params[0] / scale / np.maximum(1, D / 8)
    return Setup(f"{name}, {size}", X * scale[:, None], y, type(params)(weights, *params[1:]))


def _denormals() -> Iterator[Setup]:
    """Features below the smallest normal number, with weights that make them count."""
    for dtype in ("float64", "float32"):
        for D, H, M in ((8, 3, 24), (8, 0, 24)):
            X, y = table(D, M)
            scale = np.where(np.arange(D) % 2, 1.0, float(np.finfo(dtype).tiny) / 2)
            params = parameters(D, H)
            params[0][...] *= np.where(np.arange(D) % 2, 1.0, 0.01)  # that no product overflows
            yield _scaled("denormal features", X, y, params, scale)._replace(dtype=dtype)
            yield Setup("denormal features of no weight", X * scale[:, None], y, params, dtype=dtype)


@cache
def changes(dtype: str) -> tuple[list[Case], ...]:
    """Trainings one after the other in the same arrays, in which a little is different from one to the next."""
    found = []
    for D, H, M in ((8, 3, 24), (9, 1, 260), (8, 0, 24)):
        for rate in (GRADIENT_RATE, 0.3):
            base = plain("in the same arrays", D, H, M, learning_rate=rate)
            X, y = base.X, base.y
            inside = X.copy()
            inside[D // 2, M // 2] += 1
            swapped = X.copy()
            swapped[:, [3, M // 2]] = X[:, [M // 2, 3]]
            in_row = X.copy()
            in_row[D // 2, [4, M // 2]] = X[D // 2, [M // 2, 4]]
            one, other = int(np.argmax(y[1:])) + 1, int(np.argmin(y[1:])) + 1
            exchanged = y.copy()
            exchanged[[one, other]] = y[[other, one]]
            flipped = np.where(np.arange(M) == M // 2, 1 - y, y)
            found.append(
                [
                    start._replace(name=f"{start.name}, {what}").case(dtype)
                    for what, start in (
                        ("first", base),
                        ("an entry of X changed", base._replace(X=inside)),
                        ("two samples exchanged", base._replace(X=swapped)),
                        ("two entries exchanged", base._replace(X=in_row)),
                        ("two labels exchanged", base._replace(y=exchanged)),
                        ("a label changed", base._replace(y=flipped)),
                        ("another rate", base._replace(learning_rate=rate / 4)),
                        ("another start", base._replace(params=parameters(D, H, 5))),
                        ("as at first", base),
                    )
                ]
            )
    return tuple(found)


@cache
def pairs(dtype: str) -> tuple[list[Case], ...]:
    """Two trainings of one shape that is new to the variant, to be done at the same time; then of the one-layer net."""

    def pair(H: int) -> list[Case]:
        return [plain(f"pair {i}", 8, H, 131, i, iterations=4, learning_rate=0.3).case(dtype) for i in (1, 2)]

    return pair(3), pair(0)


def snapshots() -> Iterator[Setup]:
    """Keep snapshots of a few iterations: of every one, of some, of the last one or not."""
    for D, H, M in ((8, 3, 24), (9, 1, 33), (8, 0, 24)):
        for iterations, every in ((1, 1), (5, 1), (5, 2), (6, 2), (6, 3), (4, 4), (4, 9)):
            name = f"{iterations} iterations, snapshots every {every}"
            yield plain(name, D, H, M, iterations=iterations, learning_rate=0.3, record_every=every)


def multiplicities() -> Iterator[Setup]:
    """Units that stand for several, a whole number or not, with snapshots and without."""
    for D, H, M in ((8, 3, 24), (9, 4, 33), (8, 1, 9)):
        for counts in (np.arange(1.0, H + 1), np.full(H, 7.0), 0.5 + np.arange(H) % 2, np.full(H, 1000.0), np.ones(H)):
            name = f"multiplicity {counts[0]:g} to {counts[-1]:g}"
            start = plain(name, D, H, M, multiplicity=counts)
            start.params[-2][...] /= counts.max()
            yield start
            yield start._replace(iterations=4, learning_rate=0.3, record_every=2, name=f"{start.name}, snapshots")


class Networks(NamedTuple):
    """Several networks to be trained in one call."""

    cases: list[Case]
    threads: int
    merged: bool
    """Whether equal samples are passed as one."""


@cache
def networks(dtype: str) -> tuple[Networks, ...]:
    """Networks that start and learn differently: how many, threads, snapshots, multiplicities, merged samples."""
    found = []
    for D, H, M, size, every, threads in (
        (8, 3, 24, 1, 0, 1), (8, 3, 24, 2, 0, 1), (9, 2, 33, 3, 2, 1), (9, 5, 260, 5, 3, 1), (8, 1, 7, 17, 1, 1),
        (8, 3, 24, 2, 0, 2), (8, 4, 300, 5, 2, 2), (9, 2, 33, 9, 0, 3), (9, 3, 24, 3, 1, 3), (8, 2, 40, 1, 2, 2),
        (8, 3, 24, 4, 3, 4), (9, 4, 513, 6, 0, 2), (8, 2, 40, 9, 4, 1), (8, 3, 700, 1, 0, 2), (8, 2, 500, 1, 2, 3),
        (8, 2, 40, 20, 0, 2),
    ):  # fmt: skip
        X, y = table(D, M)
        for multiplicity, merged in ((None, False), (1 + np.arange(H) / 2.0, False), (None, True)):
            if (multiplicity is not None or merged) and size not in (2, 3, 9):
                continue
            name = f"D {D} H {H} M {M}" + (f", snapshots every {every}" if every else "")
            name += ", multiplicities" if multiplicity is not None else ""
            samples = X[:, np.arange(M) // 3] if merged else X
            cases = [
                Setup(name, samples, y, network(D, H, 50 + p), 4, (0.3, 0.05, 0.8)[p % 3], multiplicity, every).case(
                    dtype
                )
                for p in range(size)
            ]
            found.append(Networks(cases, threads, merged))
    for D, H, different, recurring in ((8, 2, 2000, 1000), (9, 17, 1000, 560)):
        X, y = table(D, different + recurring)
        X[:, different:] = X[:, :recurring]
        name = f"D {D} H {H}, {different} different samples, {recurring} of them twice"
        cases = [Setup(name, X, y, network(D, H, 50 + p)).case(dtype) for p in range(2)]
        found.append(Networks(cases, 1, merged=True))
    return tuple(found)


class CaseClass(NamedTuple):
    """A kind of training at which a program may be wrong although it is right elsewhere."""

    name: str
    covers: str
    """In words, for the reader of a certificate."""
    setups: Callable[[], Iterator[Setup]]
    more: Callable[[], Iterator[Setup]] = lambda: iter(())
    """For the thorough check alone."""


CLASSES = (
    CaseClass("sizes", "each of D, H and M beyond 65,536 and at the ends of blocks, panels, slices", sizes, more_sizes),
    CaseClass("remainders", f"every pair of remainders of D, H and M by {BASE}", remainders, more_remainders),
    CaseClass("states", "zero, constant, equal, opposite, dead, saturated, tiny and huge starts", states),
    CaseClass("labels", "labels all alike, one apart, balanced, sorted; equal samples of unlike label", labels),
    CaseClass("rates", f"learning rates from {min(RATES):g} to {max(RATES):g}", rates),
    CaseClass("features", "features from 1e-20 to 1e15, negative zeros, denormals, duplicates, constants", features),
    CaseClass("snapshots", "snapshots every iteration, every few, none", snapshots),
    CaseClass("multiplicities", "units that stand for several, if the variant knows them", multiplicities),
)
"""Single trainings, class by class."""


@cache
def cases(name: str, dtype: str, thorough: bool) -> Sequence[Case]:
    """All cases of one class, in one data type."""
    found = next(each for each in CLASSES if each.name == name)
    setups = chain(found.setups(), found.more() if thorough else ())
    return [setup.case(dtype) for setup in setups if setup.dtype in (None, dtype)]

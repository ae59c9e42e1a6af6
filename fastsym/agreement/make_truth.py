"""The cases at which every variant is checked, and the making of their stored ground truth.

``python -m fastsym.agreement.make_truth`` writes ``data/truth.npz`` anew, in a few minutes; it needs python-flint
(``pip install -e '.[test]'``).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastsym.agreement import ball_arithmetic, divergence, long_run
from fastsym.agreement.expected import follow
from fastsym.agreement.truth import (
    GRADIENT_RATE,
    Case,
    count_parameters,
    flatten,
    hidden_units,
    random_data,
    truth_path,
    unflatten,
    uniform,
)
from fastsym.model import reference
from fastsym.model.datasets import load_titanic
from fastsym.model.initialise import initialise
from fastsym.model.params import AnyParams, Array, LayerParams, Params

DTYPES = ("float64", "float32")
WIDTHS = (1, 2, 4, 5, 7, 16, 33, 256)
REFERENCE_STATES = (0, 30, 1000)
"""Iterations of the reference trajectory that are stored."""
SAMPLES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 223, 224, 225, 255, 256, 257, 449, 513)
"""Around the sizes of vectors, groups of vectors and blocks."""
MORE_FEATURES = (17, 26, 72)
ODD_FEATURES = (1, 2, 5, 10, 13, 100)
"""For the thorough check only."""
KINDS = ("plain", "ones", "zeros", "duplicated", "large", "tiny")


class Start(NamedTuple):
    """A training to be done exactly."""

    name: str
    data: str
    params: AnyParams
    iterations: int = 1
    learning_rate: float = GRADIENT_RATE


def _source(name: str) -> tuple[Array, Array]:
    if " " in name:
        return random_data(name)
    table = load_titanic(name)
    return table.X, table.y


def _train(X: Array, y: Array, params: AnyParams, iterations: int, rate: float) -> None:
    """Train with the reference, in place."""
    costs = np.empty(iterations, X.dtype)
    if isinstance(params, Params):
        reference.train_network(X, y, params, rate, costs)
    else:
        reference.train_layer(X, y, params, rate, costs)


def titanic_starts() -> Iterator[Start]:
    """States along reference trajectories from random starts, on the three feature sets."""
    for features, scale, rate in (("article", 0.01, 0.01), ("no_id", 0.01, 0.01), ("standardised", 0.5, 0.5)):
        X, y = _source(features)
        for H in (0, *WIDTHS):
            params = initialise("normal", len(X), H or None, scale, seed=H)
            done = 0
            for iteration in REFERENCE_STATES:
                _train(X, y, params, iteration - done, rate)
                done = iteration
                if H < 256 or iteration == 30:
                    name = f"{features}, H {H or 'none'}, reference iteration {iteration}"
                    yield Start(name, features, unflatten(flatten(params), len(X), H))


def random_starts() -> Iterator[Start]:
    """Random data of awkward sizes; kinds, D and H take turns."""
    shapes = [(KINDS[i % 6], 8 + i % 2, M, 1 + i % 9) for i, M in enumerate(SAMPLES)]
    shapes += [(KINDS[(i + 2) % 6], 9 - i % 2, M, 1 + (5 * i + 3) % 9) for i, M in enumerate(SAMPLES)]
    shapes += [(kind, 9, M, 0) for kind in KINDS for M in (1, 40)]
    shapes += [("plain", 9, 10, 64), ("plain", 8, 40, 17), ("plain", 9, 5, 300), ("plain", 9, 5000, 3)]
    shapes += [("tiny", 8, 20000, 1)]  # a product of 1 + exp(-|z|) over so many samples overflows
    shapes += [("huge", 9, 40, 5), ("huge", 8, 33, 0)]  # exp(|z|) overflows
    for i, D in enumerate(MORE_FEATURES + ODD_FEATURES):
        shapes += [(KINDS[(i + M) % 6], D, M, (i + 1) % 6) for M in (1, 33, 231)]
    for kind, D, M, H in shapes:
        scale = {"large": 30.0, "huge": 1000.0, "tiny": 1e-8}.get(kind, 0.7)
        flat = scale * uniform(M, (count_parameters(D, H),))
        yield Start(f"{kind} D {D} M {M} H {H or 'none'}", f"{kind} {D} {M}", unflatten(flat, D, H))


def walks() -> Iterator[Start]:
    """Take a few iterations each, at rates that no binary fraction represents."""
    for name, H, T, rate, scale in (
        *(("standardised", H, T, 0.1, 0.7) for H in (0, 1, 4, 5) for T in (1, 2, 5)),
        ("standardised", 4, 30, 1 / 3, 0.7),
        ("no_id", 4, 3, 1e-5, 0.01),
        *(("plain 8 33", H, T, 0.3, 0.7) for H in (0, 1, 3) for T in (1, 2, 5, 30)),
        ("plain 9 257", 7, 5, 0.3, 0.7),
        ("duplicated 9 100", 5, 5, 0.3, 0.7),
        ("ones 8 9", 2, 20, 0.7, 0.7),
        *((f"plain {D} 33", 3, 5, 0.3, 0.7) for D in (17, 26, *ODD_FEATURES[:-1])),
    ):
        D = len(_source(name)[0])
        flat = scale * uniform(H, (count_parameters(D, H),))
        yield Start(f"{name}, H {H or 'none'}, {T} iterations", name, unflatten(flat, D, H), T, rate)


def elementary() -> Iterator[Start]:
    """One sample of zeros, so that nothing is summed: tanh, its slope, the logistic function and the cost alone."""
    share = (uniform(99, (4096,)) + 1) / 2
    z = np.concatenate([5 * share[:2048], 1.2 * share[2048:3072], 10 ** (-6 * share[3072:])])
    z *= (-1.0) ** np.arange(len(z))
    zeros, zero = np.zeros(len(z)), np.array(0.0)
    yield Start("tanh", "nothing0 8 1", Params(np.zeros((len(z), 8)), z, zeros, zero))
    # Outputs so small that the label's probability stays a half, which is exact.
    W2 = 2.0**-30 * np.where(np.arange(len(z)) % 4 < 2, 1, -1)
    yield Start("slope of tanh", "nothing0 8 1", Params(np.zeros((len(z), 8)), z, W2, zero))
    share = uniform(5, (160,))
    for i, b in enumerate(np.concatenate([12 * share[:96], np.sign(share[96:]) * 10 ** (-5 * np.abs(share[96:]))])):
        for H, params in ((1, Params(np.zeros((1, 8)), np.ones(1), np.zeros(1), np.array(b))), (0, None)):
            start = params or LayerParams(np.zeros(8), np.array(b))
            if H or i % 2:
                yield Start(f"logistic function at {b:.6g}, H {H or 'none'}", f"nothing{i // 2 % 2} 8 1", start)


def solve(start: Start, X: Array, y: Array, dtype: str) -> Case:
    """Train exactly from a start, after rounding everything to ``dtype``; float64 ``X`` and ``y`` are its data."""
    params = type(start.params)(*(np.asarray(field, dtype) for field in start.params))
    rounded = X.astype(dtype), y.astype(dtype), params
    costs, final = ball_arithmetic.train(*rounded, start.iterations, start.learning_rate)
    path = follow(*rounded, start.iterations, start.learning_rate)
    bound = np.append(path.cost_bounds, path.state_bounds[-1])
    known = np.concatenate([costs, final], axis=1)
    exact_params = unflatten(flatten(params), len(X), hidden_units(params))
    return Case(start.name, X, y, exact_params, start.iterations, start.learning_rate, dtype, known, bound)


def all_starts() -> Iterator[Start]:
    """Everything that is stored, in this order."""
    yield from random_starts()
    yield from walks()
    yield from titanic_starts()
    yield from elementary()


def make(target: Path) -> None:
    """Train every start exactly, in both precisions, perturb the reference, and write the file."""
    found, index = [], []
    for start in all_starts():
        X, y = _source(start.data)
        for dtype in DTYPES:
            found.append(solve(start, X, y, dtype))
            entry = start._asdict() | {"hidden": hidden_units(start.params), "dtype": dtype}
            del entry["params"]
            index.append(entry)
    raw = load_titanic("article")
    bound = np.concatenate([case.bound for case in found])
    noise: dict[str, Any] = long_run.make() | {
        divergence.stored_name(H, dtype): divergence.perturb(raw.X, raw.y, H, dtype)
        for H in divergence.WIDTHS
        for dtype in DTYPES
    }
    unfinished = target.with_name("unfinished.npz")
    np.savez_compressed(
        unfinished,
        raw=raw.X,
        standardised=load_titanic("standardised").X,
        survived=raw.y.astype(np.uint8),
        index=np.array(json.dumps(index)),
        starts=np.concatenate([flatten(case.params) for case in found]),
        truth=np.concatenate([case.truth for case in found], axis=1),
        bounds=np.nextafter(np.maximum(bound, np.finfo(np.float32).tiny).astype(np.float32), np.float32(np.inf)),
        **noise,
    )
    unfinished.replace(target)


if __name__ == "__main__":
    make(Path(str(truth_path())))

"""Starting weights: the article's, the usual rules, and points on and near every kind of symmetry."""

from collections.abc import Callable
from numbers import Integral
from typing import Any, overload

import numpy as np
from numpy.typing import DTypeLike

from fastsym.model.params import AnyParams, Array, LayerParams, Params

TANH_GAIN = 5 / 3
"""Gain of tanh in He's rule: it keeps the variance of a deep tanh net's values about constant."""

Draw = Callable[[np.random.Generator, int, int], Array]


def _uniform(rng: np.random.Generator, fan_out: int, fan_in: int) -> Array:
    return np.asarray(rng.uniform(-1, 1, (fan_out, fan_in)))


def _glorot(rng: np.random.Generator, fan_out: int, fan_in: int) -> Array:
    return np.asarray(rng.uniform(-1, 1, (fan_out, fan_in)) * np.sqrt(6 / (fan_in + fan_out)))


def _he(rng: np.random.Generator, fan_out: int, fan_in: int) -> Array:
    return np.asarray(rng.standard_normal((fan_out, fan_in)) * (TANH_GAIN / np.sqrt(fan_in)))


def _orthogonal(rng: np.random.Generator, fan_out: int, fan_in: int) -> Array:
    tall = rng.standard_normal((max(fan_out, fan_in), min(fan_out, fan_in)))
    q, r = np.linalg.qr(tall)
    q = q * np.where(np.diag(r) < 0, -1, 1)  # otherwise not uniform over orthogonal matrices
    return np.asarray(q if fan_out >= fan_in else q.T)


RULES: dict[str, Draw] = {"uniform": _uniform, "glorot": _glorot, "he": _he, "orthogonal": _orthogonal}
SCALED_BY_RULE = ("glorot", "he", "orthogonal")
PARTLY_ZERO = ("w1_zero", "w2_zero", "random_biases")
BLOCKS = "blocks:"
STARTS = ("zeros", "constant", "normal")
"""The two starts of the article, and the constant one: the studies compare these three."""
KINDS = (*STARTS, *RULES, *PARTLY_ZERO, f"{BLOCKS}SIZES")


def default_scale(kind: str) -> float:
    """Return the size of a start whose scale is not given: 1 where a rule sets the size, else 0.01, the article's."""
    return 1.0 if kind in SCALED_BY_RULE else 0.01


@overload
def initialise(
    kind: str,
    n_features: int,
    hidden: None = None,
    scale: float | None = None,
    seed: int = 0,
    dtype: DTypeLike = np.float64,
    perturbation: float = 0.0,
) -> LayerParams: ...


@overload
def initialise(
    kind: str,
    n_features: int,
    hidden: int,
    scale: float | None = None,
    seed: int = 0,
    dtype: DTypeLike = np.float64,
    perturbation: float = 0.0,
) -> Params: ...


@overload
def initialise(
    kind: str,
    n_features: int,
    hidden: int | None,
    scale: float | None = None,
    seed: int = 0,
    dtype: DTypeLike = np.float64,
    perturbation: float = 0.0,
) -> AnyParams: ...


def initialise(
    kind: str,
    n_features: int,
    hidden: int | None = None,
    scale: float | None = None,
    seed: int = 0,
    dtype: DTypeLike = np.float64,
    perturbation: float = 0.0,
) -> AnyParams:
    """Make starting parameters; biases are zero, as in the article, but for ``"random_biases"``.

    Parameters
    ----------
    kind
        ``"zeros"``;
        ``"constant"``: every weight equals ``scale``;
        ``"normal"``: ``scale`` times standard normal draws;
        ``"uniform"``: uniform between -``scale`` and ``scale``;
        ``"glorot"``: uniform with variance 2 / (fan in + fan out) (Glorot and Bengio 2010);
        ``"he"``: normal with standard deviation gain / sqrt(fan in) (He et al. 2015), gain 5/3 for tanh;
        ``"orthogonal"``: orthonormal rows or columns (Saxe et al. 2014), made by LAPACK, whose last bits depend on
        the processor;
        ``"w1_zero"``, ``"w2_zero"``: normal, with one of the two weights zero;
        ``"random_biases"``: weights zero, biases normal;
        ``"blocks:2+1"``: units in blocks that are equal up to random signs, here two and one, normal otherwise; units
        that are left over are zero. ``"blocks:0"`` is all zero. The sizes are listed by
        :func:`fastsym.experiments.symmetry.orbit_types`.
    n_features
        D, at least 1.
    hidden
        H, at least 1; ``None`` for the one-layer net, which has no W2, no blocks and no ``"random_biases"``.
    scale
        Size of the weights. Not given: 1 for Glorot, He and orthogonal, which set the size themselves, and 0.01, the
        article's, for the others.
    seed
        Seed of the generator: W1 is drawn first, then W2, then biases, signs and perturbation.
    dtype
        float64 or float32. The draws are made in float64 and rounded.
    perturbation
        Add this times standard normal draws to every weight (not to biases), whatever the kind.

    Returns
    -------
    Params or LayerParams

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> import fastsym
    >>> fastsym.initialise("constant", n_features=8, hidden=4)
    Params(float64: W1 (4, 8) all 0.01, b1 (4,) all 0, W2 (4,) all 0.01, b2 0)
    >>> fastsym.initialise("zeros", n_features=8)
    LayerParams(float64: W (8,) all 0, b 0)
    """
    if not np.isfinite(perturbation):
        raise ValueError(f"perturbation: expected a finite number; got {perturbation!r}; 0 adds nothing")
    size = default_scale(kind) if scale is None else scale
    _check(kind, n_features, hidden, size, dtype)
    rng = np.random.default_rng(seed)
    start = _perturbed(_start(kind, n_features, hidden, size, rng), perturbation, rng)
    return type(start)(*(np.asarray(value).astype(dtype) for value in start))


def _check(kind: str, n_features: int, hidden: int | None, scale: float, dtype: DTypeLike) -> None:
    for name, size in (("n_features", n_features), ("hidden", hidden)):
        if size is not None and (isinstance(size, bool) or not isinstance(size, Integral) or size < 1):
            raise ValueError(f"{name}: expected an integer of at least 1; got {size!r}; pass a positive size")
    if not np.isfinite(scale):
        raise ValueError(f"scale: expected a finite number; got {scale!r}; the article uses 0.01")
    real = np.dtype(dtype)
    if real not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise ValueError(f"dtype: expected float64 or float32; got {real}; choose one of these")
    if kind in STARTS or kind in RULES:
        return
    if kind not in PARTLY_ZERO and not kind.startswith(BLOCKS):
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}; got {kind!r}; choose one of these")
    if hidden is None:
        raise ValueError(f"kind: expected one for the one-layer net; got {kind!r}; choose another, or give hidden")
    if kind.startswith(BLOCKS):
        _block_sizes(kind, hidden)


def _block_sizes(kind: str, hidden: int) -> list[int]:
    text = kind.removeprefix(BLOCKS)
    parts = [part for part in text.split("+") if part != "0"]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"kind: expected block sizes joined by +, as in 'blocks:2+1'; got {kind!r}; write them so")
    sizes = [int(part) for part in parts]
    if sum(sizes) > hidden:
        raise ValueError(f"kind: expected blocks of {hidden} units in total at most; got {kind!r}; use smaller blocks")
    return sizes


def _weights(kind: str, fan_out: int, fan_in: int, scale: float, rng: np.random.Generator) -> Array:
    if kind == "zeros":
        return np.zeros((fan_out, fan_in))
    if kind == "constant":
        return np.full((fan_out, fan_in), scale)
    if kind in RULES:
        return RULES[kind](rng, fan_out, fan_in) * scale
    return rng.standard_normal((fan_out, fan_in)) * scale


def _start(kind: str, D: int, hidden: int | None, scale: float, rng: np.random.Generator) -> AnyParams:
    """Make float64 parameters of one kind."""
    if hidden is None:
        return LayerParams(_weights(kind, 1, D, scale, rng)[0], np.zeros(()))
    if kind.startswith(BLOCKS):
        return _blocks(_block_sizes(kind, hidden), D, hidden, scale, rng)
    W1, W2 = _weights(kind, hidden, D, scale, rng), _weights(kind, 1, hidden, scale, rng)[0]
    b1, b2 = np.zeros(hidden), np.zeros(())
    if kind == "random_biases":
        b1, b2 = rng.standard_normal(hidden) * scale, np.asarray(rng.standard_normal() * scale)
    zero_W1, zero_W2 = kind in ("w1_zero", "random_biases"), kind in ("w2_zero", "random_biases")
    return Params(np.zeros_like(W1) if zero_W1 else W1, b1, np.zeros_like(W2) if zero_W2 else W2, b2)


def _blocks(sizes: list[int], D: int, hidden: int, scale: float, rng: np.random.Generator) -> Params:
    W1, W2 = rng.standard_normal((len(sizes), D)) * scale, rng.standard_normal(len(sizes)) * scale
    member = np.repeat(np.arange(len(sizes)), sizes)
    signs = rng.choice([-1.0, 1.0], len(member))
    dead = hidden - len(member)
    return Params(
        np.vstack([W1[member] * signs[:, None], np.zeros((dead, D))]),
        np.zeros(hidden),
        np.append(W2[member] * signs, np.zeros(dead)),
        np.zeros(()),
    )


def _perturbed(start: AnyParams, perturbation: float, rng: np.random.Generator) -> AnyParams:
    if perturbation == 0:
        return start
    weights: dict[str, Any] = {
        name: value + perturbation * rng.standard_normal(value.shape)
        for name, value in zip(start._fields, start, strict=True)
        if name.startswith("W")
    }
    return start._replace(**weights)

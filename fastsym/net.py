"""Parameters of the two networks, and the ways to start them.

The shape legend of the whole package::

    D features   H hidden units   M samples   T iterations   P networks of a population
    X (D, M)   y (M,) in {0, 1}   W1 (H, D)   b1 (H,)   W2 (H,)   b2 ()   costs (T,) mean nats per sample

Gradients of the cost carry the parameter's name with a ``d`` in front: dW1, db1, dW2, db2.
"""

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

KINDS = ("zeros", "constant", "normal")


class Params(NamedTuple):
    """Parameters of the two-layer net: tanh hidden units, one sigmoid output."""

    W1: Array
    """(H, D) weights into the hidden units."""
    b1: Array
    """(H,) biases of the hidden units."""
    W2: Array
    """(H,) weights into the output."""
    b2: Array
    """() bias of the output."""


class LayerParams(NamedTuple):
    """Parameters of the one-layer net: logistic regression."""

    W: Array
    """(D,) weights."""
    b: Array
    """() bias."""


AnyParams = Params | LayerParams


def initialise(
    kind: str,
    n_features: int,
    hidden: int | None = None,
    scale: float = 0.01,
    seed: int = 0,
    dtype: DTypeLike = np.float64,
) -> AnyParams:
    """Make starting parameters; biases are always zero, as in the article.

    Parameters
    ----------
    kind
        ``"zeros"``; ``"constant"``: every weight equals ``scale``; ``"normal"``: weights are
        ``scale`` times independent standard normal draws.
    n_features
        D, at least 1.
    hidden
        H, at least 1; ``None`` for the one-layer net.
    scale
        Size of the weights; not used by ``"zeros"``.
    seed
        Seed of the generator that draws the weights, W1 first, then W2; used by ``"normal"`` only.
    dtype
        float64 or float32. The draws are made in float64 and rounded.

    Returns
    -------
    Params or LayerParams

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}; got {kind!r}; choose one of these")
    for name, size in (("n_features", n_features), ("hidden", hidden)):
        if size is not None and (isinstance(size, bool) or not isinstance(size, Integral) or size < 1):
            raise ValueError(f"{name}: expected an integer of at least 1; got {size!r}; pass a positive size")
    if not np.isfinite(scale):
        raise ValueError(f"scale: expected a finite number; got {scale!r}; the article uses 0.01")
    real = np.dtype(dtype)
    if real not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise ValueError(f"dtype: expected float64 or float32; got {real}; choose one of these")
    rng = np.random.default_rng(seed)

    def weights(shape: tuple[int, ...]) -> Array:
        if kind == "zeros":
            return np.zeros(shape, real)
        if kind == "constant":
            return np.full(shape, scale, real)
        return (rng.standard_normal(shape) * scale).astype(real)

    zero = np.zeros((), real)
    if hidden is None:
        return LayerParams(weights((n_features,)), zero)
    return Params(weights((hidden, n_features)), np.zeros(hidden, real), weights((hidden,)), zero)

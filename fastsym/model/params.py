"""Parameters of the two networks.

The shape legend of the whole package::

    D features   H hidden units   M samples   T iterations   P networks of a population
    X (D, M)   y (M,) in {0, 1}   W1 (H, D)   b1 (H,)   W2 (H,)   b2 ()   costs (T,) mean nats per sample

Gradients of the cost carry the parameter's name with a ``d`` in front: dW1, db1, dW2, db2.
"""

from typing import Any, NamedTuple, TypeVar

from numpy.typing import NDArray

from fastsym.model.display import array_line

Array = NDArray[Any]


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

    def __repr__(self) -> str:
        return _line(self)


class LayerParams(NamedTuple):
    """Parameters of the one-layer net: logistic regression."""

    W: Array
    """(D,) weights."""
    b: Array
    """() bias."""

    def __repr__(self) -> str:
        return _line(self)


def _line(params: "AnyParams") -> str:
    arrays = ", ".join(array_line(name, value) for name, value in zip(params._fields, params, strict=True))
    return f"{type(params).__name__}({getattr(params[0], 'dtype', 'no arrays')}: {arrays})"


AnyParams = Params | LayerParams
ParamsT = TypeVar("ParamsT", bound=AnyParams)
"""Parameters of the one net or the other, the same wherever it stands in a signature."""

"""Checks what a user passes to training and turns it into arrays that kernels can rely on.

Every message names the argument, what was expected, what came and what to do.
"""

from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from fastsym.net import AnyParams, Array, LayerParams, Params

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class Problem(NamedTuple):
    """Checked training input: C-contiguous arrays of one float type, parameters copied."""

    X: Array
    y: Array
    params: AnyParams
    iterations: int
    learning_rate: float


def checked(X: Any, y: Any, params: AnyParams, iterations: int, learning_rate: float) -> Problem:
    """Check training input and convert it, never in place.

    The arithmetic is float32 if every floating-point input is float32 and float64 otherwise; integers
    and booleans adapt.

    Parameters
    ----------
    X, y
        (D, M) and (M,), anything that NumPy can turn into an array of numbers.
    params
        Params or LayerParams; decides the network. Copied.
    iterations
        T, an integer of at least 0.
    learning_rate
        Positive and finite.

    Raises
    ------
    TypeError
        If an argument is of the wrong type (parameters, data type, iterations, learning rate).
    ValueError
        If a shape or a value is out of range.
    """
    if not isinstance(params, Params | LayerParams):
        raise TypeError(
            f"params: expected Params or LayerParams; got {type(params).__name__}; make it with fastsym.initialise"
        )
    raw = {"X": _numbers("X", X), "y": _numbers("y", y)}
    raw |= {name: _numbers(f"params.{name}", value) for name, value in zip(params._fields, params, strict=True)}
    dtype = _common_dtype(raw)
    if raw["X"].ndim != 2:
        raise ValueError(
            f"X: expected shape (features, samples); got {raw['X'].ndim} dimensions, shape {raw['X'].shape}; "
            "reshape it, one column a sample"
        )
    n_features, samples = raw["X"].shape
    if n_features == 0 or samples == 0:
        raise ValueError(f"X: expected at least one feature and one sample; got shape {raw['X'].shape}; pass data")
    _shape("y", raw["y"], (samples,), "pass one label per column of X (transpose X if samples are its rows)")
    for name, shape in _expected_shapes(params, raw, n_features).items():
        _shape(f"params.{name}", raw[name], shape, "make parameters for this X with fastsym.initialise")
    if not np.isin(raw["y"], (0, 1)).all():
        wrong = raw["y"][~np.isin(raw["y"], (0, 1))][0]
        raise ValueError(f"y: expected labels 0 and 1 only; got {wrong!r}; recode the labels")
    arrays = {name: _converted(name, value, dtype) for name, value in raw.items()}
    fields = [arrays[name].copy() for name in params._fields]
    return Problem(arrays["X"], arrays["y"], type(params)(*fields), _count(iterations), _rate(learning_rate, dtype))


def _numbers(name: str, value: Any) -> Array:
    """Turn one argument into a plain array of real numbers."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name}: expected no masked entries; got some; fill or drop them first")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{name}: expected an array of numbers; got {type(value).__name__}; {error}") from error
    if array.dtype.kind not in "fiub" or (array.dtype.kind == "f" and array.dtype.newbyteorder("=") not in FLOATS):
        raise TypeError(
            f"{name}: expected float64, float32, integers or booleans; got dtype {array.dtype}; "
            "convert it, for example with .astype(float)"
        )
    return array


def _common_dtype(arrays: dict[str, Array]) -> np.dtype[Any]:
    floats = {a.dtype.newbyteorder("=") for name, a in arrays.items() if a.dtype.kind == "f" and name != "y"}
    return np.dtype(np.float32) if floats == {np.dtype(np.float32)} else np.dtype(np.float64)


def _expected_shapes(params: AnyParams, raw: dict[str, Array], D: int) -> dict[str, tuple[int, ...]]:
    if isinstance(params, LayerParams):
        return {"W": (D,), "b": ()}
    if raw["W1"].ndim != 2 or len(raw["W1"]) == 0:
        raise ValueError(
            f"params.W1: expected shape (hidden, {D}) with at least one unit; got {raw['W1'].shape}; "
            "make parameters for this X with fastsym.initialise"
        )
    H = len(raw["W1"])
    return {"W1": (H, D), "b1": (H,), "W2": (H,), "b2": ()}


def _shape(name: str, array: Array, expected: tuple[int, ...], advice: str) -> None:
    if array.shape != expected:
        raise ValueError(f"{name}: expected shape {expected}; got {array.shape}; {advice}")


def _converted(name: str, array: Array, dtype: DTypeLike) -> Array:
    """Convert to a C-contiguous array of native byte order, and refuse what is not finite in it."""
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(array, dtype).reshape(array.shape)
    if not np.isfinite(converted).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(converted))[0])
        label = name if name in ("X", "y") else f"params.{name}"
        raise ValueError(
            f"{label}: expected finite numbers in {np.dtype(dtype)}; got {array[index]!r} at index {index}; "
            "drop or fill such entries"
        )
    return converted


def _count(iterations: Any) -> int:
    if isinstance(iterations, bool | np.bool_) or not isinstance(iterations, Integral):
        raise TypeError(f"iterations: expected an integer; got {iterations!r}; pass a whole number, at least 0")
    if iterations < 0:
        raise ValueError(f"iterations: expected at least 0; got {iterations}; pass 0 to only check the input")
    return int(iterations)


def _rate(learning_rate: Any, dtype: DTypeLike) -> float:
    if isinstance(learning_rate, bool | np.bool_) or not isinstance(learning_rate, Real):
        raise TypeError(f"learning_rate: expected a real number; got {learning_rate!r}; the article uses 0.01")
    rate = float(learning_rate)
    with np.errstate(over="ignore", under="ignore"):
        rounded = float(np.asarray(rate, dtype))
    if not (0 < rounded < np.inf):
        raise ValueError(
            f"learning_rate: expected positive and finite in {np.dtype(dtype)}; got {rate!r}; the article uses 0.01"
        )
    return rate

"""Checks what a user passes to training and turns it into arrays that kernels can rely on.

Every message names the argument, what was expected, what came and what to do.
"""

import math
from numbers import Integral, Real
from typing import Any, Generic, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from fastsym.model.params import AnyParams, Array, LayerParams, Params, ParamsT

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
# Tuples made once: small calls notice the making of a union.
NETWORKS = (Params, LayerParams)
_FIELD_NAMES = {kind: [f"params.{name}" for name in kind._fields] for kind in NETWORKS}
BOOLEANS = (bool, np.bool_)
SHORT_PRODUCT = 10_000
"""Numbers up to which OpenBLAS multiplies two vectors in the calling thread, sooner than NumPy adds them up."""
MOST_ITERATIONS = int(np.iinfo(np.intp).max) // 8
"""Costs of more could not be addressed."""


class Problem(NamedTuple, Generic[ParamsT]):
    """Checked training input: C-contiguous, aligned, writeable arrays of one float type, parameters copied."""

    X: Array
    y: Array
    params: ParamsT
    iterations: int
    learning_rate: float


def checked(X: Any, y: Any, params: ParamsT, iterations: int, learning_rate: float) -> Problem[ParamsT]:
    """Check training input and convert it, never in place.

    The arithmetic is float32 if X and the parameters hold float32 and no other floating-point type, and float64
    otherwise; integers, booleans and the labels adapt.

    Parameters
    ----------
    X, y
        (D, M) and (M,), anything that NumPy can turn into an array of numbers, or a DataFrame.
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
    if not isinstance(params, NETWORKS):
        raise TypeError(
            f"params: expected Params or LayerParams; got {type(params).__name__}; make it with fastsym.initialise"
        )
    own_X, own_y, own = (X, y, params) if _ready(X, y, params) else _made_ready(X, y, params)
    return Problem(
        own_X,
        own_y,
        type(own)(*(value.copy() for value in own)),
        checked_count("iterations", iterations),
        _rate(learning_rate, own_X.dtype),
    )


def _ready(X: Any, y: Any, params: AnyParams) -> bool:
    """Whether there is nothing to convert and nothing to complain about: small calls would wait for all the rest."""
    for array in (X, y, *params):
        if type(array) is not np.ndarray or array.dtype is not X.dtype or not array.flags.carray:
            return False
    if X.dtype not in FLOATS or X.ndim != 2 or not X.size or y.shape != X.shape[1:]:
        return False
    D = X.shape[0]
    if isinstance(params, LayerParams):
        fitting = params.W.shape == (D,) and params.b.shape == ()
    else:
        units = params.b1.shape
        fitting = len(units) == 1 and units[0] > 0 and params.W1.shape == (*units, D) and params.W2.shape == units
        fitting = fitting and params.b2.shape == ()
    return fitting and np.count_nonzero(y == 0) + np.count_nonzero(y == 1) == y.size and _finite(X, *params)


def _made_ready(X: Any, y: Any, params: ParamsT) -> tuple[Array, Array, ParamsT]:
    """Convert features, labels and parameters, or say what is wrong with them; as for :func:`checked`."""
    raw = {"X": _numbers("X", X), "y": _numbers("y", y)} | _fields(params)
    dtype = _common_dtype(raw)
    if raw["X"].ndim != 2:
        raise ValueError(
            f"X: expected shape (features, samples); got {raw['X'].ndim} dimensions, shape {raw['X'].shape}; "
            "reshape it, one column a sample"
        )
    n_features, samples = raw["X"].shape
    if n_features == 0 or samples == 0:
        raise ValueError(f"X: expected at least one feature and one sample; got shape {raw['X'].shape}; pass data")
    labels = raw["y"]
    flat = labels.ndim == 2 and labels.shape in ((1, samples), (samples, 1))
    advice = "pass one label per column of X (transpose X if samples are its rows)"
    _shape("y", labels, (samples,), "flatten it with numpy.ravel(y)" if flat else advice)
    for name, shape in _expected_shapes(params, raw, n_features).items():
        _shape(name, raw[name], shape, "make parameters for this X with fastsym.initialise")
    if np.count_nonzero(labels == 0) + np.count_nonzero(labels == 1) != samples:
        wrong = labels[~np.isin(labels, (0, 1))][0]
        raise ValueError(f"y: expected labels 0 and 1 only; got {wrong!r}; {_label_advice(raw['y'])}")
    converted = {name: _converted(value, dtype) for name, value in raw.items()}
    own_X, own_y = converted.pop("X"), converted.pop("y")
    _check_finite({"X": own_X} | converted, raw)  # labels are
    return own_X, own_y, type(params)(*converted.values())


def _fields(params: AnyParams) -> dict[str, Array]:
    """Name of each parameter, as messages have it -> plain array."""
    names = _FIELD_NAMES[Params if isinstance(params, Params) else LayerParams]
    return {name: _numbers(name, value) for name, value in zip(names, params, strict=True)}


def _numbers(name: str, value: Any) -> Array:
    """Turn one argument into a plain array of real numbers."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name}: expected no masked entries; got some; fill or drop them first")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{name}: expected an array of numbers; got {type(value).__name__}; {error}") from error
    if array.dtype == object and array.size and hasattr(value, "columns"):  # a table whose columns differ in type
        columns = [_numbers(f"{name}[{label!r}]", column) for label, column in value.items()]
        array = np.stack(columns, axis=1)
    if array.dtype.kind not in "fiub" or (array.dtype.kind == "f" and array.dtype.newbyteorder("=") not in FLOATS):
        raise TypeError(
            f"{name}: expected float64, float32, integers or booleans; got dtype {array.dtype}; "
            f"{_label_advice(array) if name == 'y' else 'convert it, for example with .astype(float)'}"
        )
    return array


def _label_advice(labels: Array) -> str:
    kinds = sorted(set(map(repr, labels.ravel().tolist())))
    if len(kinds) == 2 and "nan" not in kinds:
        return f"recode them, for example to numpy.asarray(y) == {kinds[1]}"
    return "pass the samples of two kinds only, with the labels 0 and 1"


def _common_dtype(arrays: dict[str, Array]) -> np.dtype[Any]:
    single, double = FLOATS
    found = False
    for name, array in arrays.items():
        if array.dtype.kind == "f" and name != "y":
            if array.dtype.newbyteorder("=") != single:
                return double
            found = True
    return single if found else double


def _expected_shapes(params: AnyParams, raw: dict[str, Array], D: int) -> dict[str, tuple[int, ...]]:
    if isinstance(params, LayerParams):
        return {"params.W": (D,), "params.b": ()}
    if raw["params.W1"].ndim != 2 or len(raw["params.W1"]) == 0:
        raise ValueError(
            f"params.W1: expected shape (hidden, {D}) with at least one unit; got {raw['params.W1'].shape}; "
            "make parameters for this X with fastsym.initialise"
        )
    H = len(raw["params.W1"])
    return {"params.W1": (H, D), "params.b1": (H,), "params.W2": (H,), "params.b2": ()}


def _shape(name: str, array: Array, expected: tuple[int, ...], advice: str) -> None:
    if array.shape != expected:
        raise ValueError(f"{name}: expected shape {expected}; got {array.shape}; {advice}")


def _converted(array: Array, dtype: np.dtype[Any]) -> Array:
    """Convert to what a :class:`Problem` holds."""
    if array.dtype == dtype and array.flags.carray and type(array) is np.ndarray:
        return array
    # Read-only or unaligned memory would be another type to Numba, and cost a compilation of its own.
    return np.require(array, dtype, ["C_CONTIGUOUS", "ALIGNED", "WRITEABLE"])


def _check_finite(converted: dict[str, Array], raw: dict[str, Array]) -> None:
    """Refuse what is not finite in the converted arrays; the message shows the entry that was passed."""
    for name, array in converted.items():
        if not _finite(array):
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise ValueError(
                f"{name}: expected finite numbers in {array.dtype}; got {raw[name][index]!r} at index {index}; "
                "drop or fill such entries"
            )


def _finite(*arrays: Array) -> bool:
    """Whether all entries are finite: a sum tells, without further memory, unless finite numbers overflow in it."""
    with np.errstate(over="ignore", invalid="ignore"):
        for array in arrays:
            flat = array.reshape(-1)
            total = flat.dot(flat) if flat.size <= SHORT_PRODUCT else np.add.reduce(flat)
            if not math.isfinite(total) and not np.isfinite(flat).all():
                return False
    return True


def checked_count(name: str, value: Any) -> int:
    """Return ``value`` as an int of at least 0.

    Raises
    ------
    TypeError, ValueError
        If it is not a whole number, or out of range.
    """
    if type(value) is not int and (isinstance(value, BOOLEANS) or not isinstance(value, Integral)):
        raise TypeError(f"{name}: expected an integer; got {value!r}; pass a whole number, at least 0")
    count = int(value)
    if not 0 <= count <= MOST_ITERATIONS:
        raise ValueError(
            f"{name}: expected at least 0 and at most {MOST_ITERATIONS}; got {count}; pass a number in that range"
        )
    return count


def checked_multiplicity(multiplicity: Any, problem: Problem[Any]) -> Array:
    """Return how many units each hidden unit stands for, (H,) in the problem's float type.

    Raises
    ------
    TypeError, ValueError
        If the problem has no hidden units, or the numbers are not positive and one per unit.
    """
    if not isinstance(problem.params, Params):
        raise TypeError("multiplicity: expected Params; got LayerParams, which has no hidden units; leave it out")
    counts = _numbers("multiplicity", multiplicity)
    _shape("multiplicity", counts, problem.params.W2.shape, "pass one number per hidden unit")
    if not (counts > 0).all():
        raise ValueError(f"multiplicity: expected positive numbers; got {counts.min()!r}; merge or drop that unit")
    converted = _converted(counts, problem.X.dtype)
    _check_finite({"multiplicity": converted}, {"multiplicity": counts})
    return converted


def checked_population(
    X: Any, y: Any, params: Params, iterations: int, learning_rate: Any
) -> tuple[Problem[Params], Array]:
    """Check what :func:`fastsym.train_population` is given, as :func:`checked` does for one network.

    Returns
    -------
    tuple
        The problem, its parameters with the axis of networks in front, and the (P,) learning rates in float64.
    """
    if not isinstance(params, Params):
        raise TypeError(f"params: expected Params; got {type(params).__name__}; stack the networks along a first axis")
    raw = {name.removeprefix("params."): value for name, value in _fields(params).items()}
    if raw["W1"].ndim != 3 or raw["W1"].shape[0] == 0:
        raise ValueError(
            f"params.W1: expected shape (networks, hidden, features); got {raw['W1'].shape}; "
            "stack the networks along a first axis"
        )
    size, H, D = raw["W1"].shape
    for name, shape in {"b1": (size, H), "W2": (size, H), "b2": (size,)}.items():
        _shape(f"params.{name}", raw[name], shape, "stack the networks along a first axis")
    rates = _numbers("learning_rate", learning_rate)
    if rates.shape not in ((), (size,)):
        raise ValueError(f"learning_rate: expected one number or {size}; got shape {rates.shape}; pass one per network")
    # A network of all units of the population has the same checks and conversions as each of them.
    flat = Params(raw["W1"].reshape(size * H, D), raw["b1"].reshape(-1), raw["W2"].reshape(-1), raw["b2"][0, ...])
    problem = checked(X, y, flat, iterations, float(rates.flat[0]))
    real = problem.X.dtype
    b2 = _converted(raw["b2"], real)
    _check_finite({"params.b2": b2}, {"params.b2": raw["b2"]})
    own = Params(
        problem.params.W1.reshape(raw["W1"].shape),
        problem.params.b1.reshape(size, H),
        problem.params.W2.reshape(size, H),
        b2.copy(),
    )
    return problem._replace(params=own), np.array([_rate(float(rate), real) for rate in np.broadcast_to(rates, size)])


def merge_samples(X: Array, y: Array) -> tuple[Array, Array]:
    """Make one sample of those that are equal in every feature.

    Parameters
    ----------
    X, y
        (D, M) and (M,).

    Returns
    -------
    tuple
        (D, m) the different samples, and (2, m) how many of label 0 and of label 1 each stands for: those that stand
        for most first, otherwise in the order of X.
    """
    _, first, which = np.unique(X.T, axis=0, return_index=True, return_inverse=True)  # 0.0 and -0.0 are the same
    counts = np.stack([np.bincount(which.ravel(), weights=labels, minlength=len(first)) for labels in (1 - y, y)])
    order = np.lexsort((first, -counts.sum(axis=0)))
    return np.ascontiguousarray(X[:, first[order]]), counts[:, order].astype(X.dtype)


def _rate(learning_rate: Any, dtype: DTypeLike) -> float:
    if type(learning_rate) is not float and (
        isinstance(learning_rate, BOOLEANS) or not isinstance(learning_rate, Real)
    ):
        raise TypeError(f"learning_rate: expected a real number; got {learning_rate!r}; the article uses 0.01")
    try:
        rate = float(learning_rate)
    except OverflowError:  # an integer or fraction beyond the floats
        rate = math.inf
    rounded = rate
    if dtype != np.float64:
        with np.errstate(over="ignore", under="ignore"):
            rounded = float(np.asarray(rate, dtype))
    if not (0 < rounded < np.inf):
        raise ValueError(
            f"learning_rate: expected positive and finite in {np.dtype(dtype)}; got {rate!r}; the article uses 0.01"
        )
    return rate

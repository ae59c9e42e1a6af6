"""What training accepts and refuses: each call trains correctly or raises one documented error, and changes nothing."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import feature_counts
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastsym import VARIANTS, LayerParams, NonFiniteCostWarning, Params, Training, initialise, train
from fastsym.model.params import AnyParams, Array
from fastsym.training import checks
from fastsym.training.checks import checked

TYPES = (np.float64, np.float32)
X = np.array([[0.0, 1.0, 2.0, 3.0], [1.0, 0.0, 1.0, 5.0]])
Y = np.array([0.0, 1.0, 1.0, 0.0])
START = Params(np.full((3, 2), 0.25), np.zeros(3), np.full(3, 0.5), np.array(0.0))
LAYER = LayerParams(np.array([0.25, 0.5]), np.array(0.0))


def with_entry(array: Array, value: Any) -> Array:
    changed = array.copy()
    changed.flat[1] = value
    return changed


def trained(features: Any, labels: Any, params: AnyParams, iterations: Any = 3, rate: Any = 0.1) -> Training:
    return train(features, labels, params, iterations, rate, "loops")  # which compiles in no time


def same_bits(a: AnyParams, b: AnyParams) -> bool:
    return all(p.dtype == q.dtype and p.tobytes() == q.tobytes() for p, q in zip(a, b, strict=True))


# Refused

BAD_SHAPES_AND_VALUES: list[tuple[dict[str, Any], str]] = [
    ({"X": X[0]}, "X"),
    ({"X": X[None]}, "X"),
    ({"X": 3.0}, "X"),
    ({"X": X[:, :0], "y": Y[:0]}, "X"),
    ({"X": X[:0]}, "X"),
    ({"X": []}, "X"),
    ({"X": with_entry(X, np.nan)}, "X"),
    ({"X": with_entry(X, -np.inf)}, "X"),
    ({"X": np.ma.masked_equal(X, 5.0)}, "X"),
    ({"X": X.T}, "y"),
    ({"y": Y[:3]}, "y"),
    ({"y": Y[None]}, "y"),
    ({"y": Y[:, None]}, "y"),
    ({"y": np.stack([Y, Y])}, "y"),
    ({"y": Y + 1}, "y"),
    ({"y": 2 * Y - 1}, "y"),
    ({"y": with_entry(Y, 2)}, "y"),
    ({"y": with_entry(Y, 0.5)}, "y"),
    ({"y": with_entry(Y, -1)}, "y"),
    ({"y": with_entry(Y, np.nan)}, "y"),
    ({"y": np.ma.masked_equal(Y, 1.0)}, "y"),
    ({"params": START._replace(W1=np.zeros((3, 4)))}, "params.W1"),
    ({"params": START._replace(W1=np.zeros(2))}, "params.W1"),
    ({"params": START._replace(W1=np.zeros((0, 2)))}, "params.W1"),
    ({"params": Params(np.zeros((0, 2)), np.zeros(0), np.zeros(0), np.array(0.0))}, "params.W1"),
    ({"params": START._replace(b1=np.zeros((3, 1)))}, "params.b1"),
    ({"params": START._replace(W2=np.zeros(4))}, "params.W2"),
    ({"params": START._replace(b2=np.zeros(1))}, "params.b2"),
    ({"params": START._replace(b1=np.array([0, np.nan, 0]))}, "params.b1"),
    ({"params": START._replace(b2=np.array(np.inf))}, "params.b2"),
    ({"params": LAYER._replace(W=np.zeros(3))}, "params.W"),
    ({"params": LAYER._replace(b=np.zeros(1))}, "params.b"),
    ({"iterations": -1}, "iterations"),
    ({"iterations": 10**30}, "iterations"),
    ({"learning_rate": 0}, "learning_rate"),
    ({"learning_rate": -0.1}, "learning_rate"),
    ({"learning_rate": np.nan}, "learning_rate"),
    ({"learning_rate": np.inf}, "learning_rate"),
    ({"learning_rate": 10**400}, "learning_rate"),
    ({"variant": "quick"}, "variant"),
]

BAD_TYPES: list[tuple[dict[str, Any], str]] = [
    ({"X": X * 1j}, "X"),
    ({"X": X.astype(object)}, "X"),
    ({"X": X.astype(str)}, "X"),
    ({"X": X.astype(np.float16)}, "X"),
    ({"X": X.astype(np.longdouble)}, "X"),
    ({"X": X.astype("timedelta64[s]")}, "X"),
    ({"X": None}, "X"),
    ({"X": [[1.0, 2.0, 3.0, 4.0], [1.0]]}, "X"),
    ({"X": pd.DataFrame({"sex": list("mffm"), "age": [1.0, 2, 3, 4]}).T}, "X[0]"),
    ({"X": pd.DataFrame({"s": ["m", "f"], 2: [1, 2], 3: [1.0, 2], 4: [1, 2]})}, "X['s']"),
    ({"X": [[10**30, 1, 1, 1], [1, 1, 1, 1]]}, "X"),
    ({"y": ["no", "yes", "yes", "no"]}, "y"),
    ({"y": ["a", "b", "c", "a"]}, "y"),
    ({"y": None}, "y"),
    ({"params": tuple(START)}, "params"),
    ({"params": None}, "params"),
    ({"params": START._replace(W2=np.ones(3) * 1j)}, "params.W2"),
    ({"params": START._replace(b2=None)}, "params.b2"),
    ({"iterations": 3.0}, "iterations"),
    ({"iterations": True}, "iterations"),
    ({"iterations": "3"}, "iterations"),
    ({"iterations": None}, "iterations"),
    ({"learning_rate": "0.1"}, "learning_rate"),
    ({"learning_rate": 0.1j}, "learning_rate"),
    ({"learning_rate": None}, "learning_rate"),
    ({"learning_rate": True}, "learning_rate"),
    ({"learning_rate": np.array([0.1])}, "learning_rate"),
]


def call(changes: dict[str, Any]) -> None:
    train(**({"X": X, "y": Y, "params": START, "iterations": 2, "learning_rate": 0.1} | changes))


def names(argument: str) -> str:
    """Return the pattern of a message: the argument, what was expected, what came, what to do."""
    return rf"(?s)^{re.escape(argument)}: expected .+; got .+; .+"


@pytest.mark.parametrize(("changes", "argument"), BAD_SHAPES_AND_VALUES)
def test_bad_shape_or_value(changes: dict[str, Any], argument: str) -> None:
    with pytest.raises(ValueError, match=names(argument)):
        call(changes)


@pytest.mark.parametrize(("changes", "argument"), BAD_TYPES)
def test_bad_type(changes: dict[str, Any], argument: str) -> None:
    with pytest.raises(TypeError, match=names(argument)):
        call(changes)


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"X": X.T}, "transpose X"),
        ({"X": with_entry(X, np.nan)}, r"at index \(0, 1\)"),
        ({"y": Y[:, None]}, "numpy.ravel"),
        ({"y": Y + 1}, r"numpy.asarray\(y\) == 2"),
        ({"y": with_entry(Y, 2)}, "the samples of two"),  # three kinds: no recoding makes two of them
    ],
)
def test_advice_fits_the_fault(changes: dict[str, Any], advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        call(changes)


def test_learning_rate_must_fit_the_precision() -> None:
    narrow = Params(*(p.astype(np.float32) for p in START))
    for rate in (1e39, 1e-46):
        with pytest.raises(ValueError, match="learning_rate: expected positive and finite in float32"):
            train(X.astype(np.float32), Y, narrow, 1, rate)


# Accepted, and trained as the plain arrays of the same numbers


def test_float32_if_all_features_and_parameters_are() -> None:
    narrow_X, narrow = X.astype(np.float32), Params(*(p.astype(np.float32) for p in START))
    assert checked(narrow_X, Y, narrow, 1, 0.1).X.dtype == np.float32
    assert checked(X.astype(int), Y, narrow, 1, 0.1).X.dtype == np.float32
    assert checked(narrow_X, Y.astype(bool), narrow, 1, 0.1).y.dtype == np.float32
    assert checked(X, Y, narrow, 1, 0.1).params[0].dtype == np.float64
    assert checked(narrow_X, Y, START, 1, 0.1).X.dtype == np.float64
    assert checked(X.astype(int), Y, Params(*(p.astype(int) for p in START)), 1, 0.1).X.dtype == np.float64


def nullable(array: Array) -> pd.DataFrame:
    frame = pd.DataFrame(array)
    return frame.astype({0: "Int64", 1: "Float64", 2: "UInt8", 3: "Int32"})


class Subclass(np.ndarray):
    """An array class of somebody else's."""

    def __array_finalize__(self, other: Any) -> None:
        self.unit = getattr(other, "unit", None)


FORMS: dict[str, Callable[[Array], Any]] = {
    "list": lambda a: a.tolist(),
    "int8": lambda a: a.astype(np.int8),
    "uint64": lambda a: a.astype(np.uint64),
    "Fortran order": np.asfortranarray,
    "read-only": lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
    "every second": lambda a: np.repeat(np.repeat(a, 2, axis=0), 2, axis=1)[::2, ::2],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "big-endian": lambda a: a.astype(">f8"),
    "unaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].view(np.float64).reshape(a.shape),
    "broadcast": lambda a: np.broadcast_to(a, (3, *a.shape))[1],
    "subclass": lambda a: a.view(Subclass),
    "matrix of the old kind": lambda a: np.asarray(a).view(np.recarray),
    "masked array without a mask": np.ma.asarray,
    "field of a structure": lambda a: np.rec.fromarrays([a, a], names="left,right")["left"],
    "DataFrame": pd.DataFrame,
    "DataFrame of integers and floats": lambda a: pd.DataFrame(a).astype({0: int}),
    "DataFrame of booleans and floats": lambda a: pd.DataFrame(a).astype({0: bool}),
    "nullable DataFrame": nullable,
    "DataFrame with one name twice": lambda a: pd.DataFrame(a, columns=list("aabb")).astype({"a": "boolean"}),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("form", FORMS)
def test_form_of_features(form: str) -> None:
    value = FORMS[form](X)
    before = [np.array(v, copy=True) for v in (np.asarray(value), X)]
    got, expected = trained(value, Y, START), trained(X, Y, START)
    assert same_bits(got.params, expected.params)
    assert got.costs.tobytes() == expected.costs.tobytes()
    problem = checked(value, Y, START, 3, 0.1)
    for array in (problem.X, problem.y, *problem.params):
        assert array.dtype == np.float64
        assert array.flags.carray  # contiguous, aligned and writeable: one type to Numba, whatever came
    np.testing.assert_array_equal(np.asarray(value), before[0])
    np.testing.assert_array_equal(X, before[1])


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 1, 0],
        (False, True, True, False),
        Y.astype(bool),
        Y.astype(np.float16) == 1,
        Y.astype(np.float32),
        Y.astype(">i2"),
        pd.Series(Y),
        pd.Series([0, 1, 1, 0], dtype="Int64"),
        pd.Series([False, True, True, False], dtype="boolean"),
        pd.Series([0, 1, 1, 0], dtype="category"),
        np.array([-0.0, 1, 1, 0]),
    ],
)
def test_form_of_y(y: Any) -> None:
    assert same_bits(trained(X, y, START).params, trained(X, Y, START).params)


@pytest.mark.parametrize("params", [START, LAYER])
def test_form_of_params(params: AnyParams) -> None:
    expected = trained(X, Y, params).params
    kind = type(params)
    for form in (lambda p: p.copy("F"), lambda p: p.tolist(), lambda p: p.astype(">f8"), np.ma.asarray):
        assert same_bits(trained(X, Y, kind(*map(form, params))).params, expected)
    for p in params:
        p.flags.writeable = False
    try:
        assert same_bits(trained(X, Y, params).params, expected)
    finally:
        for p in params:
            p.flags.writeable = True


@pytest.mark.parametrize("iterations", [3, np.int8(3), np.uint64(3)])
@pytest.mark.parametrize("rate", [0.25, np.float32(0.25), np.float16(0.25), Fraction(1, 4)])
def test_form_of_numbers(iterations: Any, rate: Any) -> None:
    assert same_bits(trained(X, Y, START, iterations, rate).params, trained(X, Y, START, 3, 0.25).params)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("params", [START, LAYER, Params(*(a[:1] if a.ndim else a for a in START))])
def test_what_needs_no_conversion_is_only_looked_at(params: AnyParams, dtype: type, monkeypatch: Any) -> None:
    """Small calls would wait for all the rest; that the results are the same is tested above."""
    monkeypatch.setattr(checks, "_made_ready", None)
    features, labels = X.astype(dtype), np.array([0, 1, 1, 1], dtype)
    problem = checks.checked(features, labels, type(params)(*(a.astype(dtype) for a in params)), 3, 0.1)
    assert problem.X is features
    assert problem.y is labels
    assert same_bits(problem.params, type(params)(*(a.astype(dtype) for a in params)))
    stacked = Params(*(np.stack([a, a]).astype(dtype) for a in START))
    checks.checked_population(features, labels, stacked, 3, 0.1)


def test_a_table_that_lacks_a_value_says_where() -> None:
    frame = nullable(X)
    frame.loc[1, 1] = pd.NA
    with pytest.raises(ValueError, match=r"X: expected finite numbers in float64; got .*nan.* at index \(1, 1\); drop"):
        train(frame, Y, START, 1, 0.1)


# No kernel writes outside what it is given


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_memory_around_the_arrays_is_left_alone(variant: str, dtype: type, make_problem: Callable[..., Any]) -> None:
    canary, room = dtype(-77.125), 300
    sizes: list[tuple[int | None, int]] = [(1, 1), (5, 37), (4, 257), (33, 130)]
    if VARIANTS[variant].train_layer is not None:
        sizes.append((None, 65))
    for seed, ((H, M), D) in enumerate(product(sizes, feature_counts(variant))):
        problem = make_problem(seed, D, H, M, dtype)
        plain = [problem.X, problem.y, *problem.params, np.full(7, np.nan, dtype)]
        buffer = np.full(sum(a.size + room for a in plain) + room, canary)
        views, used, start = [], np.zeros(buffer.size, bool), room
        for a in plain:
            view = buffer[start : start + a.size].reshape(a.shape)
            view[...] = a
            used[start : start + a.size] = True
            views.append(view)
            start += a.size + room
        vX, vy, *vparams, vcosts = views
        train_function = VARIANTS[variant].train_layer if H is None else VARIANTS[variant].train_network
        assert train_function is not None
        train_function(vX, vy, type(problem.params)(*vparams), 0.1, vcosts)
        assert (buffer[~used] == canary).all()
        np.testing.assert_array_equal(vX, problem.X)
        np.testing.assert_array_equal(vy, problem.y)
        expected = train(*problem, 7, 0.1, variant)
        assert same_bits(type(problem.params)(*vparams), expected.params)
        assert vcosts.tobytes() == expected.costs.tobytes()


WITH_BOUNDS_CHECKED = """
import numpy as np
from fastsym import LayerParams, Params, train
for D, H, M in ((1, 1, 1), (2, 3, 255), (3, 2, 256), (9, 5, 257), (8, 33, 513)):
    rng = np.random.default_rng(M)
    X, y = rng.standard_normal((D, M)), rng.integers(0, 2, M)
    network = Params(*(rng.standard_normal(shape) for shape in ((H, D), H, H)), 0.0)
    layer = LayerParams(rng.standard_normal(D), 0.0)
    for variant in ("loops", "fused"):
        train(X, y, network, 2, 0.1, variant)
        train(X, y, layer, 2, 0.1, variant)
print("inside")
"""


def test_loops_stay_inside_their_arrays(tmp_path: Any) -> None:
    """Numba checks every index here; another cache, because it would not notice the changed option."""
    environment = os.environ | {
        "NUMBA_BOUNDSCHECK": "1",
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", WITH_BOUNDS_CHECKED], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "inside\n", done.stderr


# Anything at all


def layouts(array: Array, layout: str) -> Array:
    """Return the same numbers in another place in memory."""
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
    elif layout == "strided" and array.ndim:
        array = np.repeat(array, 3, axis=-1)[..., ::3]
    elif layout == "backwards" and array.ndim:
        array = array[..., ::-1].copy()[..., ::-1]
    elif layout == "Fortran" and array.ndim:
        array = np.asfortranarray(array)
    return array


NUMBERS = ("f8", "f4", ">f8", ">f4", "i1", ">i4", "u2", "i8", "?")


@st.composite
def arrays_in_any_form(draw: st.DrawFn, shape: tuple[int, ...], labels: bool = False) -> Array:
    dtype = np.dtype(draw(st.sampled_from(NUMBERS)))
    if labels or dtype.kind == "b":
        elements: st.SearchStrategy[Any] = st.sampled_from([0, 1])
    elif dtype.kind == "f":
        # Denormals and signed zeros among them; 1e8 keeps sums and steps finite in float32.
        elements = st.floats(-1e8, 1e8, width=8 * dtype.itemsize)
    else:
        elements = st.integers(max(np.iinfo(dtype).min, -(10**8)), min(np.iinfo(dtype).max, 10**8))
    array = draw(hnp.arrays(dtype.newbyteorder("="), shape, elements=elements)).astype(dtype)
    return layouts(array, draw(st.sampled_from(["plain", "strided", "backwards", "Fortran", "read-only"])))


@st.composite
def good_problems(draw: st.DrawFn, variant: str) -> tuple[Array, Array, AnyParams]:
    one_layer = VARIANTS[variant].train_layer is not None
    D, M = draw(st.sampled_from(feature_counts(variant))), draw(st.integers(1, 40))
    H = draw(st.integers(0 if one_layer else 1, 9))
    shapes: tuple[tuple[int, ...], ...] = ((H, D), (H,), (H,), ()) if H else ((D,), ())
    kind = Params if H else LayerParams
    features, labels = draw(arrays_in_any_form((D, M))), draw(arrays_in_any_form((M,), labels=True))
    return features, labels, kind(*(draw(arrays_in_any_form(shape)) for shape in shapes))


def as_plain(*arrays: Array, dtype: type) -> list[Array]:
    return [np.array(a, dtype, order="C") for a in arrays]


@pytest.mark.parametrize("variant", VARIANTS)
@given(data=st.data())
def test_any_form_trains_like_plain_arrays_and_is_left_alone(variant: str, data: st.DataObject) -> None:
    features, labels, params = data.draw(good_problems(variant))
    before = [(a.dtype, a.strides, a.tobytes()) for a in (features, labels, *params)]
    got = train(features, labels, params, 2, 0.01, variant)
    assert before == [(a.dtype, a.strides, a.tobytes()) for a in (features, labels, *params)]
    sizes = {a.dtype.itemsize for a in (features, *params) if a.dtype.kind == "f"}
    dtype = np.float32 if sizes == {4} else np.float64
    plain_X, plain_y, *plain = as_plain(features, labels, *params, dtype=dtype)
    expected = train(plain_X, plain_y, type(params)(*plain), 2, 0.01, variant)
    assert same_bits(got.params, expected.params)
    assert got.costs.tobytes() == expected.costs.tobytes()
    assert got.costs.dtype == dtype
    for p in got.params:
        assert p.flags.writeable
        assert not any(np.shares_memory(p, a) for a in (features, labels, *params))


@pytest.mark.parametrize("variant", VARIANTS)
def test_overlapping_arguments(variant: str) -> None:
    """Features, labels and every parameter in the same memory: training works on copies."""
    memory = np.tile([1.0, 0.0, 1.0, 1.0, 0.0, 1.0], 4)
    before = memory.copy()
    features, labels = memory[:16].reshape(8, 2), memory[:2]
    params = Params(memory[2:18].reshape(2, 8), memory[1:3], memory[:2], memory[3:4].reshape(()))
    got = train(features, labels, params, 5, 0.1, variant)
    copies = Params(*(p.copy() for p in params))
    assert same_bits(got.params, train(features.copy(), labels.copy(), copies, 5, 0.1, variant).params)
    np.testing.assert_array_equal(memory, before)


@pytest.mark.filterwarnings("ignore::fastsym.NonFiniteCostWarning")
@pytest.mark.parametrize("variant", VARIANTS)
@given(
    features=hnp.arrays(np.float64, (8, 3), elements=st.floats(width=64)),
    weights=hnp.arrays(np.float64, (3, 8), elements=st.floats(width=64)),
    rate=st.floats(width=64),
)
def test_any_numbers_train_or_are_refused(variant: str, features: Array, weights: Array, rate: float) -> None:
    params = Params(weights, np.zeros(3), weights[:, 0], np.array(0.0))
    accepted = np.isfinite(features).all() and np.isfinite(weights).all() and 0 < rate < np.inf
    if accepted:
        assert train(features, [0, 1, 1], params, 3, rate, variant).costs.shape == (3,)
    else:
        with pytest.raises(ValueError, match=r"^(X|params.W1|params.W2|learning_rate): expected .*; got .*; "):
            train(features, [0, 1, 1], params, 3, rate, variant)


KINDS_OF_ARRAY = st.sampled_from([*NUMBERS, "f2", "c16", "g", "O", "U3", "M8[s]", "m8[s]", "S2"])


@pytest.mark.filterwarnings("ignore::fastsym.NonFiniteCostWarning")
@given(
    features=hnp.arrays(KINDS_OF_ARRAY, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)),
    labels=hnp.arrays(KINDS_OF_ARRAY, hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)),
    hidden=st.one_of(st.none(), st.integers(1, 3)),
)
def test_any_arrays_train_or_are_refused(features: Array, labels: Array, hidden: int | None) -> None:
    params = initialise("normal", 2, hidden)
    try:
        costs = trained(features, labels, params).costs
    except (TypeError, ValueError):
        with pytest.raises((TypeError, ValueError), match=r"^(X|y|params\.W1?): expected .*; got .*; "):
            checked(features, labels, params, 1, 0.1)
    else:
        assert features.shape == (2, labels.size)
        assert costs.shape == (3,)


@pytest.mark.parametrize("variant", VARIANTS)
def test_huge_and_tiny_numbers(variant: str) -> None:
    """Denormal features and weights leave the cost at ln 2; enormous ones leave the finite range."""
    tiny = np.finfo(np.float64).smallest_subnormal
    params = Params(np.full((2, 8), tiny), np.zeros(2), np.full(2, tiny), np.array(0.0))
    got = train([[tiny, -tiny]] * 8, [1, 0], params, 3, 0.1, variant)
    np.testing.assert_allclose(got.costs, np.log(2), rtol=1e-15)
    huge = Params(np.full((2, 8), 1e300), np.zeros(2), np.full(2, 1e308), np.array(0.0))
    with pytest.warns(NonFiniteCostWarning, match="at iteration 0 "):
        train([[1e300, -1e300]] * 8, [0, 1], huge, 1, 0.1, variant)

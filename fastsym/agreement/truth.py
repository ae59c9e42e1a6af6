"""The stored ground truth: short trainings whose exact result is known, for every program to be measured against.

A case is a start, a learning rate and a number of iterations, with the exact costs and final parameters and the
bounds of their errors. Most cases are a single step with a learning rate of 2**60: the new parameters are then
the gradient, scaled without rounding, and the old ones vanish below its last bit. So the gradient of any program
can be seen through its training function alone. The other cases, walks, are a few iterations at ordinary rates.
:mod:`fastsym.agreement.make_truth` chooses the cases and makes the file.
"""

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from fastsym.model.datasets import data_file
from fastsym.model.params import AnyParams, Array, LayerParams, Params

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

GRADIENT_RATE = 2.0**60
"""Learning rate at which one step shows the gradient; far from overflow in float32 too."""


@dataclass(frozen=True, eq=False)
class Case:
    """A training whose result is known."""

    name: str
    X: Array
    """(D, M) float64, to be rounded to ``dtype``."""
    y: Array
    """(M,) float64."""
    params: AnyParams
    """Where it starts; float64, exactly representable in ``dtype``."""
    iterations: int
    learning_rate: float
    dtype: str
    truth: Array
    """(2, T + n) costs, then final parameters, as unevaluated sums of two float64."""
    bound: Array
    """(T + n) largest error that rounding explains."""
    multiplicity: Array | None = None
    """(H,) how many equal units each hidden unit stands for."""
    record_every: int = 0
    """Iterations between two snapshots, which follow in ``truth`` and ``bound`` (T + n + S n); 0 for none."""

    @property
    def hidden(self) -> int:
        """H, or 0 for the one-layer net."""
        return hidden_units(self.params)

    def problem(self) -> tuple[Array, Array, AnyParams]:
        """X, y and the start in the data type of the case; fresh copies."""
        fields = [np.array(field, self.dtype) for field in self.params]
        return self.X.astype(self.dtype), self.y.astype(self.dtype), type(self.params)(*fields)


def truth_path() -> "Traversable":
    """``truth.npz``, as :mod:`fastsym.agreement.make_truth` wrote it."""
    return data_file("truth.npz")


@cache
def stored() -> dict[str, Array]:
    """Everything in the file, by name."""
    with np.load(BytesIO(truth_path().read_bytes()), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@cache
def truth_sha256() -> str:
    """Fingerprint of the file: it fixes shapes, states, bounds and truth."""
    return sha256(truth_path().read_bytes()).hexdigest()


@cache
def cases(dtype: str) -> tuple[Case, ...]:
    """All stored cases of one data type, random data first, then walks, then the article's data."""
    file = stored()
    start, known, found = 0, 0, []
    for entry in json.loads(str(file["index"])):
        X, y = data(entry["data"])
        H, T = entry["hidden"], entry["iterations"]
        n = count_parameters(len(X), H)
        if entry["dtype"] == dtype:
            params = unflatten(file["starts"][start : start + n], len(X), H)
            exact = file["truth"][:, known : known + T + n]
            bound = file["bounds"][known : known + T + n].astype(np.float64)
            found.append(Case(entry["name"], X, y, params, T, entry["learning_rate"], dtype, exact, bound))
        start, known = start + n, known + T + n
    return tuple(found)


def hidden_units(params: AnyParams) -> int:
    """H, or 0 for the one-layer net."""
    return len(params.W2) if isinstance(params, Params) else 0


def count_parameters(D: int, H: int) -> int:
    """Count the parameters; H = 0 stands for the one-layer net."""
    return H * (D + 2) + 1 if H else D + 1


def flatten(params: AnyParams) -> Array:
    """All parameters as one vector (n,) of float64, in the order of the fields."""
    return np.concatenate([np.ravel(np.asarray(field, np.float64)) for field in params])


def unflatten(flat: Array, D: int, H: int) -> AnyParams:
    """Inverse of :func:`flatten`, views into ``flat``; H = 0 stands for the one-layer net."""
    bias = flat[-1:].reshape(())
    if not H:
        return LayerParams(flat[:D], bias)
    return Params(flat[: H * D].reshape(H, D), flat[H * D : H * D + H], flat[-H - 1 : -1], bias)


def component(params: AnyParams, iterations: int, index: int) -> str:
    """Name of entry ``index`` of costs, flat parameters and snapshots, such as ``W1[3, 2]`` or ``snapshot 1, b2``."""
    if index < iterations:
        return f"cost[{index}]"
    snapshot, index = divmod(index - iterations, sum(np.size(field) for field in params))
    prefix = f"snapshot {snapshot - 1}, " if snapshot else ""
    for name, field in zip(params._fields, params, strict=True):
        if index < np.size(field):
            place = ", ".join(str(i) for i in np.unravel_index(index, np.shape(field)))
            return prefix + (f"{name}[{place}]" if place else name)
        index -= np.size(field)
    raise IndexError("index: expected an entry of costs, parameters or snapshots; got a negative one")


@cache
def data(name: str) -> tuple[Array, Array]:
    """Features and labels of a case; float64, not to be modified.

    Parameters
    ----------
    name
        A feature set of :func:`fastsym.load_titanic`, read from its file, because another version of a library
        may differ in the last bit; or ``"kind D M"`` for random data of :func:`random_data`.
    """
    X, y = random_data(name) if " " in name else _titanic(name)
    X.flags.writeable = y.flags.writeable = False
    return X, y


def _titanic(features: str) -> tuple[Array, Array]:
    file = stored()
    y = file["survived"].astype(np.float64)
    if features == "standardised":
        return file["standardised"].copy(), y
    return file["raw"][0 if features == "article" else 1 :].copy(), y


def uniform(seed: int, shape: tuple[int, ...]) -> Array:
    """Numbers between -1 and 1 with 20 random bits each; the same ones with every version of NumPy."""
    raw = np.random.PCG64(seed).random_raw(int(np.prod(shape)))
    return ((raw >> 44).astype(np.float64) / 2.0**19 - 1 + 2.0**-20).reshape(shape)


def random_data(name: str) -> tuple[Array, Array]:
    """Make the features and labels that ``"kind D M"`` stands for.

    The kinds ``ones`` and ``zeros`` say what the labels are; ``duplicated`` repeats samples and features and makes
    the last feature constant; ``nothing0`` and ``nothing1`` have features of 0 and that label; others are plain.
    """
    kind, D, M = name.split()[0], int(name.split()[1]), int(name.split()[2])
    X = 2 * uniform(1000 * D + M, (D, M))
    y = (uniform(D + 1000 * M, (M,)) > 0).astype(np.float64)
    if kind in ("ones", "zeros"):
        y[:] = kind == "ones"
    if kind.startswith("nothing"):
        X[:], y[:] = 0, kind.endswith("1")
    if kind == "duplicated":
        X[:, M - M // 2 :] = X[:, : M // 2]
        X[D - D // 2 :] = X[: D // 2]
        X[-1] = 1
    return X, y

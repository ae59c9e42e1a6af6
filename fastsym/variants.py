"""The ways to train: one name each, one calling convention, and ``train`` in front of them.

Other packages add variants by the entry-point group ``fastsym.variants``; each entry point names a
:class:`Variant`.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

import numpy as np

from fastsym import reference, vectorised
from fastsym.inputs import Problem, checked
from fastsym.kernels import fused, loops
from fastsym.net import AnyParams, Array, LayerParams, Params

ENTRY_POINT_GROUP = "fastsym.variants"
INTERRUPT_WORK = 4e7
"""Sample x unit steps between two looks for Ctrl-C: well under a second on the slowest rung."""


class NonFiniteCostWarning(RuntimeWarning):
    """Training left the finite range: a cost became NaN or infinite."""


@dataclass(frozen=True)
class Variant:
    """One way to train.

    Both functions take ``(X, y, params, learning_rate, costs)``: X (D, M) and y (M,) C-contiguous and of
    one float type, parameters to modify in place, costs (T,) to overwrite with the mean cost of each
    iteration before its update. They need not check anything.
    """

    name: str
    summary: str
    train_network: Callable[[Array, Array, Params, float, Array], None]
    train_layer: Callable[[Array, Array, LayerParams, float, Array], None] | None = None
    threads: Callable[[], int] = lambda: 1
    """How many threads the variant runs on when called now."""


@dataclass(frozen=True)
class Training:
    """What training gives back."""

    costs: Array
    """(T,) mean cost in nats per sample of each iteration, before its update."""
    params: AnyParams
    """Parameters after the last update."""
    variant: str
    """Name of the variant that ran; with ``"fast"``, the one it chose."""
    threads: int = 1
    """Number of threads it ran on."""


OWN = (
    Variant("reference", "the article in NumPy, line by line", reference.train_network, reference.train_layer),
    Variant("numpy", "the best vectorised NumPy", vectorised.train_network, vectorised.train_layer),
    Variant("loops", "plain scalar loops", loops.train_network, loops.train_layer),
    Variant("fused", "blocked loops that the compiler vectorises", fused.train_network, fused.train_layer),
)


class _Variants(Mapping[str, Variant]):
    """Own variants, and those of installed packages, which are looked up when first needed."""

    def __init__(self) -> None:
        self._known = {variant.name: variant for variant in OWN}
        self._searched = False

    def _search(self) -> dict[str, Variant]:
        if not self._searched:
            self._searched = True
            for point in entry_points(group=ENTRY_POINT_GROUP):
                variant = point.load()
                if not isinstance(variant, Variant):
                    raise TypeError(
                        f"entry point {point.name!r} of {ENTRY_POINT_GROUP}: expected a fastsym.Variant; "
                        f"got {type(variant).__name__}; fix or uninstall {point.value}"
                    )
                if variant.name in self._known or variant.name == "fast":
                    raise ValueError(
                        f"entry point {point.name!r} of {ENTRY_POINT_GROUP}: expected a new name; "
                        f"got {variant.name!r}, which is taken; rename it or uninstall {point.value}"
                    )
                self._known[variant.name] = variant
        return self._known

    def __getitem__(self, name: str) -> Variant:
        return self._known[name] if name in self._known else self._search()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._search())

    def __len__(self) -> int:
        return len(self._search())


VARIANTS: Mapping[str, Variant] = _Variants()
"""Name -> :class:`Variant`. ``"fast"`` is not in it: it stands for the quickest one for the given size."""


def select(name: str, problem: Problem) -> Variant:  # noqa: ARG001 the size will decide between more rungs
    """Return the variant of that name; for ``"fast"``, the quickest for the problem's size.

    Raises
    ------
    ValueError
        If there is no such variant, or it has no one-layer net and the problem is one.
    """
    if name != "fast" and name not in VARIANTS:
        raise ValueError(f"variant: expected 'fast' or one of {', '.join(VARIANTS)}; got {name!r}; choose one of these")
    return VARIANTS["fused" if name == "fast" else name]


def train(X: Any, y: Any, params: AnyParams, iterations: int, learning_rate: float, variant: str = "fast") -> Training:
    """Train by full-batch gradient descent; the parameters' type decides between one layer and two.

    Parameters
    ----------
    X, y
        (D, M) features and (M,) labels, 0 or 1. Integers, booleans, any memory order and DataFrames are
        converted; nothing is modified.
    params
        Where to start: :class:`Params` or :class:`LayerParams`, from :func:`initialise`. Not modified.
    iterations
        T, at least 0.
    learning_rate
        Step size, positive.
    variant
        ``"fast"``, or a name in :data:`VARIANTS`.

    Returns
    -------
    Training

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message says which and what to do.

    Warns
    -----
    NonFiniteCostWarning
        If a cost is NaN or infinite; the message gives the first such iteration.
    """
    problem = checked(X, y, params, iterations, learning_rate)
    chosen = select(variant, problem)
    costs = np.empty(problem.iterations, problem.X.dtype)
    run(chosen, problem, costs)
    if not np.isfinite(costs).all():
        first = int(np.argmin(np.isfinite(costs)))
        warnings.warn(
            f"the cost left the finite range at iteration {first} (cost {costs[first]}); "
            "use a smaller learning rate or standardised features",
            NonFiniteCostWarning,
            stacklevel=2,
        )
    return Training(costs, problem.params, chosen.name, chosen.threads())


def run(variant: Variant, problem: Problem, costs: Array) -> None:
    """Run a variant on checked input, in pieces, so that Ctrl-C is heard between them.

    Parameters
    ----------
    variant
        What to run.
    problem
        Checked input; its parameters are modified in place.
    costs
        (T,) Overwritten.
    """
    X, y, params, _, learning_rate = problem
    units = 1 if isinstance(params, LayerParams) else len(params.W2)
    piece = max(1, int(INTERRUPT_WORK / (X.shape[1] * units)))
    with np.errstate(all="ignore"):  # what leaves the finite range is reported once, by train
        for start in range(0, len(costs), piece):
            part = costs[start : start + piece]
            if isinstance(params, Params):
                variant.train_network(X, y, params, learning_rate, part)
            elif variant.train_layer is not None:
                variant.train_layer(X, y, params, learning_rate, part)
            else:
                raise ValueError(
                    f"variant: expected one with a one-layer net; got {variant.name!r}, which has none; "
                    "use 'fast', or start from Params"
                )

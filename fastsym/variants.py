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
from fastsym.inputs import Problem, checked, checked_count, checked_multiplicity, checked_population, merge_samples
from fastsym.kernels import fused, loops, parallel, population
from fastsym.net import AnyParams, Array, LayerParams, Params
from fastsym.threads import thread_count

ENTRY_POINT_GROUP = "fastsym.variants"
INTERRUPT_WORK = 2e7
"""Sample x unit steps between two looks for Ctrl-C: well under a second on the slowest rung."""
THREADS_PAY = 1e6
"""Sample x unit steps above which threads are started. Measured with two threads on two processors, 4 and 64 units,
float64: starting them takes half a millisecond, which is paid back at 6e5 to 7e5 steps."""


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
    threads: Callable[[Array], int] = lambda X: 1  # noqa: ARG005
    """How many threads it would use now for this X."""
    train_population: Callable[..., None] | None = None
    """Trains many networks in one call, records snapshots and knows multiplicities:
    arguments as :func:`fastsym.kernels.population.train_population`."""


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
    history: AnyParams | None = None
    """With ``record_every=n``, parameters with an axis of snapshots in front: before iterations 0, n, 2 n, ...
    and after the last; otherwise None."""


OWN = (
    Variant("reference", "the article in NumPy, line by line", reference.train_network, reference.train_layer),
    Variant("numpy", "the best vectorised NumPy", vectorised.train_network, vectorised.train_layer),
    Variant("loops", "plain scalar loops", loops.train_network, loops.train_layer),
    Variant("fused", "blocked loops that the compiler vectorises", fused.train_network, fused.train_layer),
    Variant(
        "simd",
        "explicit vector registers",
        population.train_network,
        train_population=population.train_population,
    ),
    Variant(
        "parallel",
        "simd on all threads",
        parallel.train_network,
        threads=parallel.threads_used,
        train_population=parallel.train_population,
    ),
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


def select(name: str, problem: Problem) -> Variant:
    """Return the variant of that name; for ``"fast"``, the quickest for the problem's size.

    Raises
    ------
    ValueError
        If there is no such variant, or it has no one-layer net and the problem is one.
    """
    if name != "fast" and name not in VARIANTS:
        raise ValueError(f"variant: expected 'fast' or one of {', '.join(VARIANTS)}; got {name!r}; choose one of these")
    one_layer = isinstance(problem.params, LayerParams)
    if name == "fast":
        return VARIANTS["fused" if one_layer else _fastest(problem)]
    if one_layer and VARIANTS[name].train_layer is None:
        raise ValueError(
            f"variant: expected one with a one-layer net; got {name!r}, which has none; use 'fast' or Params"
        )
    return VARIANTS[name]


def _fastest(problem: Problem) -> str:
    steps = problem.X.shape[1] * problem.params[0].shape[0] * problem.iterations
    pays = steps > THREADS_PAY and VARIANTS["parallel"].threads(problem.X) > 1
    return "parallel" if pays else "simd"


def train(
    X: Any,
    y: Any,
    params: AnyParams,
    iterations: int,
    learning_rate: float,
    variant: str = "fast",
    *,
    record_every: int = 0,
    multiplicity: Any = None,
) -> Training:
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
    record_every
        n, to keep the parameters of every n-th iteration in ``Training.history``; 0 to keep none.
    multiplicity
        (H,) positive numbers, for the quotient of a net with equal units: hidden unit h stands for so many. The
        output adds multiplicity W2 tanh(...), gradients are those of a single unit. Variants simd, parallel and fast.

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
    every = checked_count("record_every", record_every)
    counts = None if multiplicity is None else checked_multiplicity(multiplicity, problem)
    chosen = select(variant, problem)
    if counts is not None and chosen.train_population is None:
        raise ValueError(
            f"multiplicity: expected variant 'simd', 'parallel' or 'fast'; got {variant!r}; use one of these"
        )
    costs = np.empty(problem.iterations, problem.X.dtype)
    history = run(chosen, problem, costs, every, counts)
    if not np.isfinite(costs).all():
        first = int(np.argmin(np.isfinite(costs)))
        warnings.warn(
            f"the cost left the finite range at iteration {first} (cost {costs[first]}); "
            "use a smaller learning rate or standardised features",
            NonFiniteCostWarning,
            stacklevel=2,
        )
    return Training(costs, problem.params, chosen.name, chosen.threads(problem.X), history)


def run(
    variant: Variant, problem: Problem, costs: Array, every: int = 0, multiplicity: Array | None = None
) -> AnyParams | None:
    """Run a variant on checked input, in pieces, so that Ctrl-C is heard between them.

    Parameters
    ----------
    variant
        What to run.
    problem
        Checked input; its parameters are modified in place.
    costs
        (T,) Overwritten.
    every
        Iterations between two snapshots of the parameters; 0 for none.
    multiplicity
        (H,) As for :func:`train`; needs a variant that trains populations.

    Returns
    -------
    Params, LayerParams or None
        The snapshots and the final state, along a first axis.
    """
    X, y, params, iterations, learning_rate = problem
    work = X.shape[1] * (1 if isinstance(params, LayerParams) else len(params.W2))
    piece = max(1, int(INTERRUPT_WORK / work))
    history: list[Array] = []
    if every:
        history = [np.empty((-(-iterations // every) + 1, *a.shape), a.dtype) for a in params]
        piece = -(-piece // every) * every if variant.train_population else every
    with np.errstate(all="ignore"):  # what leaves the finite range is reported once, by train
        for start in range(0, iterations, piece):
            part = costs[start : start + piece]
            views = [a[start // every : -1] for a in history]
            if variant.train_population is not None and isinstance(params, Params):
                variant.train_population(
                    X,
                    y,
                    Params(*(a[None] for a in params)),
                    np.array([learning_rate]),
                    part[None],
                    multiplicity=multiplicity,
                    history=Params(*(a[None] for a in views)) if every else None,
                    every=every,
                )
                continue
            for view, a in zip(views, params, strict=bool(every)):
                view[0] = a
            if isinstance(params, Params):
                variant.train_network(X, y, params, learning_rate, part)
            elif variant.train_layer is not None:
                variant.train_layer(X, y, params, learning_rate, part)
    for kept, a in zip(history, params, strict=bool(every)):
        kept[-1] = a
    return type(params)(*history) if every else None


def train_population(
    X: Any,
    y: Any,
    params: Params,
    iterations: int,
    learning_rate: Any,
    threads: int | None = None,
    *,
    merge_equal_samples: bool = False,
) -> Training:
    """Train P independent two-layer nets on the same data, each bit for bit as :func:`train` would alone.

    Parameters
    ----------
    X, y
        (D, M) and (M,), as for :func:`train`.
    params
        W1 (P, H, D), b1 (P, H), W2 (P, H), b2 (P,). Not modified.
    iterations
        T, at least 0.
    learning_rate
        A positive number, or (P,) of them.
    threads
        How many threads share the networks; ``None`` for all that Numba may use.
    merge_equal_samples
        Work once on all samples that have equal features: faster by their share (a seventh of the Titanic table
        without its numbering). Sums are then rounded in another order than by :func:`train`.

    Returns
    -------
    Training
        costs (P, T); params like ``params``. Costs that left the finite range are NaN or infinite; no warning.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.
    """
    problem, rates = checked_population(X, y, params, iterations, learning_rate)
    networks = Params(*problem.params)
    size = len(rates)
    used = min(thread_count() if threads is None else checked_count("threads", threads) or 1, max(1, size))
    costs = np.empty((size, problem.iterations), problem.X.dtype)
    samples = merge_samples(problem.X, problem.y) if merge_equal_samples else (problem.X, problem.y)
    population.train_population(*samples, networks, rates, costs, threads=used)
    return Training(costs, networks, "simd", used)

"""The ways to train: one name each, one calling convention.

Other packages add variants by the entry-point group ``fastsym.variants``; each entry point names a
:class:`Variant`.
"""

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol

from fastsym.kernels import fused, loops, population
from fastsym.kernels._jit import COMPILING
from fastsym.model import reference, vectorised
from fastsym.model.display import html_table
from fastsym.model.params import Array, LayerParams, Params
from fastsym.training.checks import Problem
from fastsym.training.fastest import CHOICES, threads_may_pay, threads_pay

ENTRY_POINT_GROUP = "fastsym.variants"


class TrainPopulation(Protocol):
    """Trains many networks in one call, records snapshots and knows multiplicities."""

    def __call__(
        self,
        X: Array,
        y: Array,
        params: Params,
        learning_rates: Array,
        costs: Array,
        *,
        threads: int = 1,
        multiplicity: Array | None = None,
        history: Params | None = None,
        every: int = 0,
    ) -> None:
        """Train; arguments as for :func:`fastsym.kernels.population.train_population`."""


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
    train_population: TrainPopulation | None = None
    """Trains many networks in one call; None if the variant does not."""
    needs_compiler: bool = False
    """Whether it cannot run where NUMBA_DISABLE_JIT=1 makes plain Python of the kernels."""


OWN = (
    Variant("reference", "the article in NumPy, line by line", reference.train_network, reference.train_layer),
    Variant("numpy", "the best vectorised NumPy", vectorised.train_network, vectorised.train_layer),
    Variant("loops", "plain scalar loops", loops.train_network, loops.train_layer),
    Variant(
        "fused",
        "blocked loops that the compiler vectorises",
        fused.train_network,
        fused.train_layer,
        needs_compiler=True,
    ),
    Variant(
        "simd",
        "explicit vector registers",
        population.train_on_one_thread,
        train_population=population.train_population,
        needs_compiler=True,
    ),
    Variant(
        "parallel",
        "simd on all threads",
        population.train_network,
        threads=population.threads_used,
        train_population=population.train_population,
        needs_compiler=True,
    ),
)


class VariantNotLoadedWarning(UserWarning):
    """An installed package announces a variant that cannot be used; all others can."""


class _Variants(Mapping[str, Variant]):
    """Own variants, and those of installed packages, which are looked up when first needed."""

    def __init__(self) -> None:
        self._known = {variant.name: variant for variant in OWN}
        self._searched = self._searching = False
        self._lock = threading.RLock()

    def _search(self) -> dict[str, Variant]:
        if self._searched:
            return self._known
        with self._lock:  # others wait for the whole list; a package that asks while it is loaded sees our own
            if self._searched or self._searching:
                return self._known
            found, problems = dict(self._known), []
            self._searching = True
            try:
                for point in entry_points(group=ENTRY_POINT_GROUP):
                    try:
                        variant = _load(point, found)
                    except KeyboardInterrupt:
                        raise
                    except BaseException as error:  # whatever a foreign package does on import, SystemExit included
                        problems.append(_problem(point, error))
                    else:
                        found[variant.name] = variant
                self._known, self._searched = found, True
            finally:
                self._searching = False
        for problem in problems:
            warnings.warn(problem, VariantNotLoadedWarning, stacklevel=4)
        return self._known

    def __getitem__(self, name: str) -> Variant:
        return self._known[name] if name in self._known else self._search()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._search())

    def __len__(self) -> int:
        return len(self._search())

    def __repr__(self) -> str:
        return "\n".join(["VARIANTS:", *(f"  {name:<10} {variant.summary}" for name, variant in self.items())])

    def _repr_html_(self) -> str:
        rows = [
            (name, each.summary, _yes(each.train_layer is not None), _yes(each.train_population is not None))
            for name, each in self.items()
        ]
        header = ("name", "what it is", "one-layer nets", "many networks in one call")
        return html_table('Variants; "fast" stands for the quickest one for the size', header, rows, 0)


def _yes(whether: bool) -> str:
    return "yes" if whether else "no"


def _load(point: EntryPoint, known: Mapping[str, Variant]) -> Variant:
    variant: Any = point.load()
    if not isinstance(variant, Variant):
        raise TypeError(f"expected a fastsym.Variant; got {type(variant).__name__}")
    if variant.name in known or variant.name == "fast":
        raise ValueError(f"expected a new name; got {variant.name!r}, which is taken")
    return variant


def _problem(point: EntryPoint, error: BaseException) -> str:
    package = point.dist.name if point.dist is not None else point.value
    return (
        f"the variant {point.name!r} of the package {package} is left out: its entry point {point.value} ended with "
        f"{type(error).__name__}: {error}; fix or uninstall {package}"
    )


VARIANTS: Mapping[str, Variant] = _Variants()
"""Name -> :class:`Variant`. ``"fast"`` is not in it: it stands for the quickest one for the given size."""


def select(name: str, problem: Problem[Any]) -> Variant:
    """Return the variant of that name; for ``"fast"``, the quickest for the problem's size.

    Raises
    ------
    ValueError
        If there is no such variant, it cannot run in this process, or it has no one-layer net and the problem is one.
    """
    if name == "fast":
        return VARIANTS[_fastest(problem)]
    if name not in VARIANTS:
        raise ValueError(f"variant: expected 'fast' or one of {', '.join(VARIANTS)}; got {name!r}; choose one of these")
    if isinstance(problem.params, LayerParams) and VARIANTS[name].train_layer is None:
        raise ValueError(
            f"variant: expected one with a one-layer net; got {name!r}, which has none; use 'fast' or Params"
        )
    return _runnable(VARIANTS[name])


def select_for_population(threads: int) -> tuple[str, TrainPopulation]:
    """Return the name of the variant that trains populations on so many threads, and how it does.

    Raises
    ------
    ValueError
        If it cannot run in this process.
    """
    return _runnable(VARIANTS["simd" if threads == 1 else "parallel"]).name, population.train_population


def _runnable(variant: Variant) -> Variant:
    if variant.needs_compiler and not COMPILING:
        others = ", ".join(name for name, other in VARIANTS.items() if not other.needs_compiler)
        raise ValueError(
            "variant: expected one that runs without Numba's compiler, which NUMBA_DISABLE_JIT switches off; got "
            f"{variant.name!r}; unset NUMBA_DISABLE_JIT, or use 'fast' or one of {others}"
        )
    return variant


def _fastest(problem: Problem[Any]) -> str:
    if not COMPILING:
        return "numpy"
    if isinstance(problem.params, LayerParams):
        return "fused"
    size = problem.X, len(problem.params[0]), problem.iterations
    if not threads_may_pay(*size):  # first, because small calls would wait for the number of threads
        return CHOICES[0]
    threads = VARIANTS["parallel"].threads(problem.X)
    return CHOICES[threads > 1 and threads_pay(*size, threads)]

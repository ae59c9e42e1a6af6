"""The ways to train: one name each, one calling convention.

Other packages add variants by the entry-point group ``fastsym.variants``; each entry point names a
:class:`Variant`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points

from fastsym.kernels import fused, loops, parallel, population
from fastsym.model import reference, vectorised
from fastsym.model.params import Array, LayerParams, Params
from fastsym.training.checks import Problem

ENTRY_POINT_GROUP = "fastsym.variants"
THREADS_PAY = 1e6
"""Sample x unit steps above which threads are started. Measured with two threads on two processors, 4 and 64 units,
float64: starting them takes half a millisecond, which is paid back at 6e5 to 7e5 steps."""


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

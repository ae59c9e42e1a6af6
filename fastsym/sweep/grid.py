"""The grid of a sweep: every combination of the settings, numbered and cut into chunks.

Networks are numbered from 0 in the order of :data:`AXES`; the seed varies fastest. The networks of a chunk share
features, float type and width, so that they train as one population.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise, product
from math import isfinite, prod
from numbers import Integral, Real
from typing import Any

import numpy as np

from fastsym.model.initialise import default_scale, initialise

AXES = ("features", "dtype", "hidden", "start", "scale", "perturbation", "learning_rate", "seed")
"""Names of the settings, slowest first."""
TYPES: dict[str, type] = {"hidden": int, "scale": float, "perturbation": float, "learning_rate": float}
"""Type of a setting's values, where they are not text."""
SHARED = 3
"""Number of leading settings that all networks of a chunk have in common."""
CHUNK_WORK = 6e6
"""Hidden units times iterations of a chunk: a few seconds of work, the most that an interruption can lose."""
CHUNK_NETWORKS = 4096
"""Largest number of networks in a chunk, when each is very small."""

LIMITS = {"seeds": (1, 10**9), "first_seed": (0, 2**62), "iterations": (1, 10**8), "hidden": (1, 10**6)}
"""Smallest and largest whole numbers: seeds fit into 64 bits, one network's costs and weights into memory."""
MOST_NETWORKS, MOST_CHUNKS = 10**9, 10**6
DTYPES = ("float64", "float32")
FARTHEST_DRAW = 32
"""Standard deviations that no draw is away from zero, not even with a perturbation on top."""


@dataclass(frozen=True)
class Chunk:
    """Networks ``first`` to ``stop`` - 1 of a grid."""

    number: int
    first: int
    stop: int


@dataclass(frozen=True)
class Grid:
    """All combinations of these settings; see :func:`fastsym.model.initialise.initialise` for the starts.

    Raises
    ------
    ValueError
        If a setting is empty, lists a value twice or is out of range.
    """

    start: Sequence[str] = ("normal",)
    scale: Sequence[float | None] = (None,)
    """None for the size that :func:`fastsym.initialise` gives a start by itself."""
    hidden: Sequence[int] = (4,)
    learning_rate: Sequence[float] = (0.01,)
    seeds: int = 100
    """Number of seeds, counted up from ``first_seed``."""
    first_seed: int = 0
    features: Sequence[str] = ("article",)
    """Names of feature sets."""
    dtype: Sequence[str] = ("float64",)
    perturbation: Sequence[float] = (0.0,)
    iterations: int = 3000

    def __post_init__(self) -> None:
        # Plain values in tuples, whatever was passed, so that grids compare equal and can be written as JSON.
        for name in AXES[:-1]:
            object.__setattr__(self, name, _values(name, getattr(self, name)))
        for name in ("seeds", "first_seed", "iterations"):
            object.__setattr__(self, name, _value(name, int, getattr(self, name)))
        for name, (low, high) in LIMITS.items():
            given = getattr(self, name)
            for value in given if isinstance(given, tuple) else (given,):
                if not (low <= value <= high):
                    raise ValueError(f"{name}: expected {low} to {high}; got {_shown(value)}; change the grid")
        for rate in self.learning_rate:
            if not rate > 0:
                raise ValueError(f"learning_rate: expected positive numbers; got {rate!r}; the article uses 0.01")
        # initialise refuses what is wrong.
        for start, hidden in product(self.start, self.hidden):
            initialise(start, 1, hidden)
        for dtype in self.dtype:
            if dtype not in DTYPES:
                raise ValueError(f"dtype: expected some of {', '.join(DTYPES)}; got {_shown(dtype)}; use these names")
        largest = min(float(np.finfo(dtype).max) for dtype in self.dtype) / FARTHEST_DRAW
        for name in ("scale", "perturbation"):
            for value in getattr(self, name):
                if value is not None and not (abs(value) <= largest):
                    raise ValueError(
                        f"{name}: expected numbers of at most {largest:.3g}, so that all weights are finite in "
                        f"{' and '.join(self.dtype)}; got {value!r}; use a smaller one"
                    )
        if self.size > MOST_NETWORKS or self.count_chunks() > MOST_CHUNKS:
            raise ValueError(
                f"grid: expected at most {MOST_NETWORKS} networks in at most {MOST_CHUNKS} chunks; got {self.size} in "
                f"{self.count_chunks()}; make several sweeps"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each axis."""
        return (*(len(getattr(self, name)) for name in AXES[:-1]), self.seeds)

    @property
    def size(self) -> int:
        """Number of networks."""
        return prod(self.shape)

    def settings(self, network: int) -> dict[str, Any]:
        """Return the settings of one network, keyed by :data:`AXES`."""
        *indices, seed = (int(i) for i in np.unravel_index(network, self.shape))
        chosen = {name: getattr(self, name)[i] for name, i in zip(AXES[:-1], indices, strict=True)}
        if chosen["scale"] is None:
            chosen["scale"] = default_scale(chosen["start"])
        return chosen | {"seed": self.first_seed + seed}

    def count_chunks(self) -> int:
        """Return the number of chunks."""
        group = prod(self.shape[SHARED:])
        of_each_width = sum(-(-group // self._chunk_size(hidden)) for hidden in self.hidden)
        return len(self.features) * len(self.dtype) * of_each_width

    def _chunk_size(self, hidden: int) -> int:
        return min(CHUNK_NETWORKS, max(1, int(CHUNK_WORK / (hidden * self.iterations))))

    def chunks(self) -> list[Chunk]:
        """Cut the grid into chunks of about equal work."""
        found: list[Chunk] = []
        group = prod(self.shape[SHARED:])
        for start in range(0, self.size, group):
            bounds = [*range(start, start + group, self._chunk_size(self.settings(start)["hidden"])), start + group]
            found += [Chunk(len(found) + i, *pair) for i, pair in enumerate(pairwise(bounds))]
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the fields and the sizes of chunks as plain values, for JSON."""
        cut = {"chunk_work": CHUNK_WORK, "chunk_networks": CHUNK_NETWORKS}
        return cut | {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}


def _values(name: str, given: Any) -> tuple[Any, ...]:
    """Turn the values of a setting into plain ones, in the type that it has."""
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise ValueError(f"{name}: expected a list of values; got {_shown(given)}; put brackets around it")  # noqa: TRY004
    kind = TYPES.get(name, str)
    values = tuple(None if name == "scale" and each is None else _value(name, kind, each) for each in given)
    if not values or len(set(values)) < len(values):
        raise ValueError(f"{name}: expected at least one value, and none twice; got {values}; change the list")
    return values


def _value(name: str, kind: type, given: Any) -> Any:
    accepted, words = {
        str: (str, "text"),
        int: (Integral, "whole numbers"),
        float: (Real, "finite numbers"),
    }[kind]
    if isinstance(given, accepted) and not isinstance(given, bool):
        with suppress(OverflowError):  # of an integer beyond the floats
            value = kind(given)
            if kind is not float or isfinite(value):
                return value
    raise ValueError(f"{name}: expected {words}; got {_shown(given)}; change the grid")


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:60]}..."

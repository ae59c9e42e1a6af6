"""The grid of a sweep: every combination of the settings, numbered and cut into chunks.

Networks are numbered from 0 in the order of :data:`AXES`; the seed varies fastest. The networks of a chunk share
features, float type and width, so that they train as one population.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise, product
from numbers import Integral
from typing import Any

import numpy as np

from fastsym.model.initialise import initialise

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
    scale: Sequence[float] = (0.01,)
    hidden: Sequence[int] = (4,)
    learning_rate: Sequence[float] = (0.01,)
    seeds: int = 100
    """Number of seeds, counted up from ``first_seed``."""
    first_seed: int = 0
    features: Sequence[str] = ("standardised",)
    """Names of feature sets."""
    dtype: Sequence[str] = ("float64",)
    perturbation: Sequence[float] = (0.0,)
    iterations: int = 3000

    def __post_init__(self) -> None:
        # Plain values in tuples, whatever was passed, so that grids compare equal and can be written as JSON.
        for name in AXES[:-1]:
            kind = TYPES.get(name, str)
            values = tuple(kind(value) for value in getattr(self, name))
            object.__setattr__(self, name, values)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name}: expected at least one value, and none twice; got {values}; change the list")
        for name, least in (("seeds", 1), ("first_seed", 0), ("iterations", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
                raise ValueError(f"{name}: expected an integer of at least {least}; got {value!r}; pass a whole number")
            object.__setattr__(self, name, int(value))
        for rate in self.learning_rate:
            if not 0 < rate < np.inf:
                raise ValueError(f"learning_rate: expected positive numbers; got {rate!r}; the article uses 0.01")
        # initialise refuses what is wrong.
        for start, hidden in product(self.start, self.hidden):
            initialise(start, 1, hidden)
        for name in ("scale", "dtype", "perturbation"):
            for value in getattr(self, name):
                initialise("normal", 1, 1, **{name: value})

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each axis."""
        return (*(len(getattr(self, name)) for name in AXES[:-1]), self.seeds)

    @property
    def size(self) -> int:
        """Number of networks."""
        return int(np.prod(self.shape))

    def settings(self, network: int) -> dict[str, Any]:
        """Return the settings of one network, keyed by :data:`AXES`."""
        *indices, seed = (int(i) for i in np.unravel_index(network, self.shape))
        chosen = {name: getattr(self, name)[i] for name, i in zip(AXES[:-1], indices, strict=True)}
        return chosen | {"seed": self.first_seed + seed}

    def chunks(self) -> list[Chunk]:
        """Cut the grid into chunks of about equal work."""
        found: list[Chunk] = []
        group = int(np.prod(self.shape[SHARED:]))
        for start in range(0, self.size, group):
            hidden = self.settings(start)["hidden"]
            most = min(CHUNK_NETWORKS, max(1, int(CHUNK_WORK / (hidden * self.iterations))))
            bounds = [*range(start, start + group, most), start + group]
            found += [Chunk(len(found) + i, *pair) for i, pair in enumerate(pairwise(bounds))]
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the fields and the sizes of chunks as plain values, for JSON."""
        cut = {"chunk_work": CHUNK_WORK, "chunk_networks": CHUNK_NETWORKS}
        return cut | {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

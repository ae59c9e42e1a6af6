"""The article's cases 0, 1 and 2: on its table, and the two-layer ones on any other.

Source: "Breaking Symmetry in Deep Learning". Costs are mean nats per sample, as everywhere in the package;
the author's notebook prints their sum over the samples.
"""

from dataclasses import dataclass

import numpy as np

from fastsym.experiments.symmetry import recorded
from fastsym.model import reference
from fastsym.model.datasets import Dataset, load_titanic
from fastsym.model.initialise import initialise
from fastsym.model.params import Array, LayerParams, Params
from fastsym.training.train import train

LAYER_LEARNING_RATE = 0.001
LAYER_ITERATIONS = 1000
NETWORK_LEARNING_RATE = 0.01
TABLE_ITERATIONS = 10
CURVE_ITERATIONS = 3000
HIDDEN = 4
SCALE = 0.01
"""Factor of the random starting weights of the two-layer net."""
CASES = {1: "zeros", 2: "normal"}
"""Two-layer case -> start of its weights."""

STANDARDISED_LEARNING_RATE = 1.0
"""For studies on standardised features, where the article's 0.01 does not separate units within 3000 iterations."""


@dataclass(frozen=True)
class LayerCase:
    """Case 0 from one start: the one-layer net."""

    features: str
    start: str
    """``"zeros"`` or ``"normal"``."""
    costs: Array
    """(T,) mean cost of each iteration before its update, by the stable formula."""
    textbook_costs: Array
    """(T,) the same by the article's formula: NaN or infinite as soon as a prediction rounds to 0 or 1."""
    params: LayerParams
    """Parameters after the last update."""

    @property
    def textbook_lost(self) -> float:
        """Fraction of the iterations in which the article's formula gives no finite cost."""
        return float(np.mean(~np.isfinite(self.textbook_costs)))


@dataclass(frozen=True)
class NetworkTable:
    """The first iterations of case 1 or 2, with the weights that each cost was computed from."""

    case: int
    samples: int
    feature_names: tuple[str, ...]
    costs: Array
    """(T,) mean cost."""
    W1: Array
    """(T, H, D) weights before each iteration's update."""
    W2: Array
    """(T, H)."""

    @property
    def summed_costs(self) -> Array:
        """(T,) cost summed over the samples, as the author's notebook prints it."""
        return np.asarray(self.costs * self.samples)

    @property
    def largest_change(self) -> float:
        """Largest absolute change of any weight since the start; exactly 0 if none moved."""
        return float(max(np.abs(self.W1 - self.W1[0]).max(), np.abs(self.W2 - self.W2[0]).max()))


@dataclass(frozen=True)
class NetworkCurve:
    """The cost of case 1 or 2 over many iterations."""

    case: int
    samples: int
    costs: Array
    """(T,) mean cost."""
    params: Params
    """Parameters after the last update."""
    variant: str
    """Name of the variant that trained."""

    @property
    def summed_costs(self) -> Array:
        """(T,) cost summed over the samples."""
        return np.asarray(self.costs * self.samples)


@dataclass(frozen=True)
class UnitPaths:
    """The hidden units' weights along one training."""

    start: str
    iterations: Array
    """(K,) number of updates before each recorded state, ascending from 0."""
    W1: Array
    """(K, H, D)."""
    W2: Array
    """(K, H)."""

    @property
    def separation(self) -> float:
        """Largest absolute difference between two units' output weights in the last state."""
        return float(np.ptp(self.W2[-1]))


def train_layer_case(
    start: str, features: str = "article", seed: int = 0, iterations: int = LAYER_ITERATIONS
) -> LayerCase:
    """Train case 0 with the reference and record the cost by both formulas.

    Parameters
    ----------
    start
        ``"zeros"``, or ``"normal"`` for N(0, 1).
    features
        Feature set of :func:`fastsym.load_titanic`.
    seed
        Seed of the random start.
    iterations
        T.

    Returns
    -------
    LayerCase
    """
    X, y, _ = load_titanic(features)
    params = initialise(start, len(X), scale=1.0, seed=seed)
    costs, textbook_costs = np.empty(iterations), np.empty(iterations)
    for i in range(iterations):
        with np.errstate(all="ignore"):
            A = reference.sigmoid(np.dot(params.W.reshape(1, -1), X) + params.b)
        textbook_costs[i] = reference.textbook_cost(A, y.reshape(1, -1))
        reference.train_layer(X, y, params, LAYER_LEARNING_RATE, costs[i : i + 1])
    return LayerCase(features, start, costs, textbook_costs, params)


def _started(case: int, data: Dataset, seed: int) -> Params:
    if case not in CASES:
        raise ValueError(f"case: expected 1 or 2; got {case!r}; for case 0 use train_layer_case")
    return initialise(CASES[case], len(data.X), HIDDEN, SCALE, seed)


def tabulate_case(
    case: int, data: Dataset | None = None, seed: int = 0, iterations: int = TABLE_ITERATIONS
) -> NetworkTable:
    """Run the first iterations of case 1 or 2 with the reference and keep the weights of each.

    Parameters
    ----------
    case
        1 or 2.
    data
        The table to train on; by default the article's.
    seed, iterations
        As for :func:`train_layer_case`.

    Returns
    -------
    NetworkTable

    Raises
    ------
    ValueError
        If ``case`` is neither 1 nor 2.
    """
    X, y, names = data = load_titanic() if data is None else data
    params = _started(case, data, seed)
    costs = np.empty(iterations)
    W1 = np.empty((iterations, *params.W1.shape))
    W2 = np.empty((iterations, *params.W2.shape))
    for i in range(iterations):
        W1[i], W2[i] = params.W1, params.W2
        reference.train_network(X, y, params, NETWORK_LEARNING_RATE, costs[i : i + 1])
    return NetworkTable(case, len(y), names, costs, W1, W2)


def train_case(
    case: int,
    data: Dataset | None = None,
    seed: int = 0,
    iterations: int = CURVE_ITERATIONS,
    variant: str = "fast",
) -> NetworkCurve:
    """Train case 1 or 2; arguments and errors as for :func:`tabulate_case`, ``variant`` as for :func:`fastsym.train`.

    Returns
    -------
    NetworkCurve
    """
    data = load_titanic() if data is None else data
    training = train(data.X, data.y, _started(case, data, seed), iterations, NETWORK_LEARNING_RATE, variant)
    return NetworkCurve(case, len(data.y), training.costs, training.params, training.variant)


def follow_units(data: Dataset, start: str, seed: int = 0, states: int = 60) -> UnitPaths:
    """Record the weights of four hidden units along one training.

    Parameters
    ----------
    data
        The table to train on, standardised.
    start
        ``"zeros"``, ``"constant"`` or ``"normal"``, of size 0.01.
    seed
        Seed of the random start.
    states
        Approximate number of states to keep, evenly spaced in the logarithm of the iteration, up to 3000.

    Returns
    -------
    UnitPaths
    """
    params = initialise(start, len(data.X), HIDDEN, SCALE, seed)
    training = train(data.X, data.y, params, CURVE_ITERATIONS, STANDARDISED_LEARNING_RATE, record_every=1)
    history = recorded(training)
    kept = np.append(0, np.unique(np.geomspace(1, CURVE_ITERATIONS, states).astype(int)))
    return UnitPaths(start, kept, history.W1[kept], history.W2[kept])

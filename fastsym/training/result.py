"""What training gives back, and what one asks of it: predictions, classes of units, a picture."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from fastsym.model.params import Array, LayerParams, Params, ParamsT
from fastsym.model.reference import network_forward, sigmoid
from fastsym.model.units import class_letters, unit_classes
from fastsym.training.checks import checked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LETTERS = 16
"""Classes of more units are counted, not written out."""


@dataclass(frozen=True)
class Training(Generic[ParamsT]):
    """What training gives back.

    Examples
    --------
    >>> import fastsym
    >>> X, y, names = fastsym.load_titanic("standardised")
    >>> training = fastsym.train(X, y, fastsym.initialise("constant", len(X), 4), 3000, 1, "simd")
    >>> training
    Training(3000 iterations, cost 0.693297 to 0.427465, units AAAA, by simd on 1 thread)
    >>> training.classes()
    'AAAA'
    >>> round(training.accuracy(X, y), 3)
    0.82
    """

    costs: Array
    """(T,) mean cost in nats per sample of each iteration, before its update."""
    params: ParamsT
    """Parameters after the last update."""
    variant: str
    """Name of the variant that ran; with ``"fast"``, the one it chose."""
    threads: int = 1
    """Number of threads it ran on."""
    history: ParamsT | None = None
    """With ``record_every=n``, parameters with an axis of snapshots in front: before iterations 0, n, 2 n, ...
    and after the last; otherwise None."""
    record_every: int = 0
    """Iterations between two snapshots; 0 if there are none."""

    def network(self, index: int) -> "Training[ParamsT]":
        """Return one network of a population as a training of its own."""
        if self.costs.ndim == 1:
            raise ValueError("training: expected several networks; got one; use it as it is")
        params = type(self.params)(*(np.asarray(value[index]) for value in self.params))
        return Training(self.costs[index], params, self.variant, self.threads)

    def classes(self, tolerance: float = 0.0) -> str:
        """Write a letter for each hidden unit; units that are equal, up to sign, share it.

        Parameters
        ----------
        tolerance
            0: equal means bit for bit. Otherwise as for :func:`fastsym.model.units.unit_classes`.

        Returns
        -------
        str
            ``"AAB"``, say; numbers if there are more than 26 classes; empty for the one-layer net.

        Raises
        ------
        ValueError
            If these are several networks, or the tolerance is negative.
        """
        params = self._single()
        return class_letters(unit_classes(params, tolerance)) if isinstance(params, Params) else ""

    def probabilities(self, X: Any) -> Array:
        """Return (M,) probabilities of label 1, for features X (D, M) in the order of the training's.

        Raises
        ------
        TypeError, ValueError
            If X has another number of features or is not finite, the parameters are not, or these are several
            networks.
        """
        return sigmoid(self._outputs(X))

    def predict(self, X: Any) -> Array:
        """Return (M,) predicted labels: 1 where the probability is above one half; as :meth:`probabilities`."""
        return np.asarray(self._outputs(X) > 0).astype(int)

    def accuracy(self, X: Any, y: Any) -> float:
        """Return the share of the labels y (M,) that :meth:`predict` gives, 0 to 1.

        Raises
        ------
        TypeError, ValueError
            As :meth:`probabilities`, or if y is not one label of 0 or 1 for each sample.
        """
        return float(np.mean((self._outputs(X, y) > 0) == np.asarray(y)))

    def plot(self, log: bool = True) -> "tuple[Axes, Axes]":
        """Draw the cost, and the output weight of each hidden unit, over the iterations; needs Matplotlib.

        Units are coloured by their class after the last update. Units that start together have lines of different
        widths, so that one sees them on each other. Paths need snapshots (``train(..., record_every=n)``); without,
        the final values alone are shown.

        Parameters
        ----------
        log
            Show iterations on a logarithmic axis, on which the first ones are seen best; False shows a late
            separation better.

        Returns
        -------
        tuple of Axes
            Of the cost and of the units (of the one-layer net: of its weights), in one figure.

        Raises
        ------
        ValueError
            If these are several networks.
        """
        from fastsym.training.drawing import plot  # here, because it imports Matplotlib

        self._single()
        return plot(self, log)

    def _single(self) -> ParamsT:
        if self.costs.ndim != 1:
            raise ValueError(
                f"training: expected one network; got {len(self.costs)}; take one, as training.network(0) does"
            )
        return self.params

    def _outputs(self, X: Any, y: Any = None) -> Array:
        """Return (M,) arguments of the output's sigmoid, for checked features and labels."""
        params = self._single()
        shape, n_features = np.shape(X), params[0].shape[-1]
        if len(shape) == 2 and shape[0] != n_features:
            raise ValueError(
                f"X: expected {n_features} features, as in training; got shape {shape}; pass the same features, "
                "one column a sample"
            )
        problem = checked(X, np.zeros(shape[-1:]) if y is None else y, params, 0, 1.0)
        with np.errstate(all="ignore"):
            if isinstance(problem.params, LayerParams):
                return np.asarray(problem.params.W @ problem.X + problem.params.b)
            return np.asarray(network_forward(problem.X, problem.params)[2][0])

    def __repr__(self) -> str:
        return f"Training({', '.join(self._facts())})"

    def _facts(self) -> list[str]:
        single, count = self.costs.ndim == 1, self.costs.shape[-1]
        facts = [] if single else [f"{len(self.costs)} networks"]
        facts.append(f"{count} iterations" if count != 1 else "1 iteration")
        if count and single:
            facts.append(f"cost {self.costs[0]:.6g} to {self.costs[-1]:.6g}")
        elif self.costs.size:
            facts.append(f"final cost from {self.costs[:, -1].min():.6g} to {self.costs[:, -1].max():.6g}")
        if isinstance(self.params, LayerParams):
            facts.append("one layer")
        elif not single:
            facts.append(f"{self.params.W2.shape[-1]} units")
        elif len(self.params.W2) > MOST_LETTERS:
            facts.append(f"{len(self.params.W2)} units in {1 + unit_classes(self.params).max()} classes")
        else:
            facts.append(f"units {self.classes()}")
        facts.append(f"by {self.variant} on {self.threads} thread{'' if self.threads == 1 else 's'}")
        if self.history is not None:
            facts.append(f"{len(self.history[0])} snapshots")
        return facts

    def _repr_html_(self) -> str:
        from fastsym.training.drawing import html

        return html(self)

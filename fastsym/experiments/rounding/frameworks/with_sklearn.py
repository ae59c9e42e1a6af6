"""scikit-learn's ``MLPClassifier``, whose coefficients are set equal after its first, random step.

One batch of all samples, no momentum, no penalty and a constant step leave plain gradient descent.
"""

from collections.abc import Iterator

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier

from fastsym.experiments.rounding.frameworks import with_numpy
from fastsym.experiments.rounding.frameworks.programs import Operation, Program
from fastsym.model.params import Array, Params


def classifier(X: Array, y: Array, start: Params, learning_rate: float) -> Iterator[tuple[float, Params]]:
    """Train by ``partial_fit``, one call for each iteration."""
    samples, M = np.ascontiguousarray(X.T), X.shape[1]
    model = MLPClassifier(
        hidden_layer_sizes=(len(start.W2),),
        activation="tanh",
        solver="sgd",
        alpha=0,
        batch_size=M,
        learning_rate_init=learning_rate,
        shuffle=False,
        momentum=0,
        nesterovs_momentum=False,
    )
    model.partial_fit(samples, y, classes=(0, 1))
    # In place: the optimiser holds these arrays.
    model.coefs_[0][:], model.coefs_[1][:] = start.W1.T, start.W2[:, None]
    model.intercepts_[0][:], model.intercepts_[1][:] = start.b1, start.b2
    while True:
        model.partial_fit(samples, y)
        (W1, W2), (b1, b2) = model.coefs_, model.intercepts_
        yield float(model.loss_), Params(W1.T, b1, W2[:, 0], b2[0])


def version() -> str:
    """Name scikit-learn and what it computes with."""
    return f"scikit-learn {sklearn.__version__}, {with_numpy.version()}"


core_type = with_numpy.core_type
PROGRAMS: dict[str, Program] = {"MLPClassifier, SGD": classifier}
OPERATIONS: dict[str, Operation] = {}  # it calls NumPy's

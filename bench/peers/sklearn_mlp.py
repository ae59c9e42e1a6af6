"""scikit-learn's MLPClassifier, told to do plain full-batch gradient descent.

One batch of all samples, no momentum, no shuffling, no penalty, a constant step and no early stop leave exactly this
work; its loss curve holds the cost before each update. Two small things differ: it clips predicted probabilities at
2e-16 from 0 and 1, and ``fit`` checks its input as users of scikit-learn expect.
"""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits


def build(X, y, threads):
    """Prepare; arguments as for every peer."""
    threadpool_limits(threads)
    samples = np.ascontiguousarray(X.T)
    warnings.simplefilter("ignore", ConvergenceWarning)  # it always stops at max_iter, as it should

    models = {}

    def started(hidden):
        """Model whose arrays exist; with warm_start, fit then starts from what they hold."""
        if hidden not in models:
            model = MLPClassifier(
                hidden_layer_sizes=(hidden,),
                activation="tanh",
                solver="sgd",
                alpha=0,
                batch_size=len(samples),
                learning_rate="constant",
                shuffle=False,
                tol=0,
                momentum=0,
                nesterovs_momentum=False,
                warm_start=True,
            )
            models[hidden] = model.partial_fit(samples, y, classes=(0, 1))
        return models[hidden]

    def train(params, iterations, learning_rate):
        W1, b1, W2, b2 = params
        model = started(len(W2))
        model.set_params(learning_rate_init=learning_rate, max_iter=iterations, n_iter_no_change=iterations + 1)
        model.coefs_ = [np.array(W1.T), np.array(W2[:, None])]
        model.intercepts_ = [np.array(b1), np.array(b2, ndmin=1)]
        model.loss_curve_, model.t_, model.best_loss_, model._no_improvement_count = [], 0, np.inf, 0
        model.fit(samples, y)
        (W1, W2), (b1, b2) = model.coefs_, model.intercepts_
        return np.array(model.loss_curve_), (W1.T, b1, W2[:, 0], b2[0])

    return train

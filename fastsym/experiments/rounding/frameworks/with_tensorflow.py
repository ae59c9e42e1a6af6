"""TensorFlow: two Keras ``Dense`` layers and an optimiser, with the gradient of a tape inside ``tf.function``."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from fastsym.experiments.rounding.frameworks.programs import EqualUnits, Operation, Program
from fastsym.model.params import Array, Params


def dense_sgd(X: Array, y: Array, start: Params, learning_rate: float) -> Iterator[tuple[float, Params]]:
    """Train ``Dense``, tanh, ``Dense`` by ``keras.optimizers.SGD``."""
    dtype = X.dtype.name
    samples, labels = tf.constant(X.T), tf.constant(y)
    hidden = tf.keras.layers.Dense(len(start.W2), activation="tanh", dtype=dtype)
    output = tf.keras.layers.Dense(1, dtype=dtype)
    model = tf.keras.Sequential([tf.keras.Input((len(X),), dtype=dtype), hidden, output])
    hidden.set_weights([start.W1.T, start.b1])
    output.set_weights([start.W2[:, None], np.reshape(start.b2, 1)])
    optimiser: Any = tf.keras.optimizers.SGD(learning_rate)

    def step() -> Any:
        with tf.GradientTape() as tape:
            logits = model(samples, training=True)[:, 0]
            cost = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))
        optimiser.apply_gradients(
            zip(tape.gradient(cost, model.trainable_variables), model.trainable_variables, strict=True)
        )
        return cost

    compiled = tf.function(step)
    while True:
        cost = compiled()
        W1, b1, W2, b2 = (values.numpy() for values in model.trainable_variables)
        yield float(cost), Params(W1.T, b1, W2[:, 0], b2[0])


def version() -> str:
    """Name TensorFlow."""
    return f"TensorFlow {tf.__version__}, Keras {tf.keras.__version__}"


def core_type() -> str:
    """Nothing is reported."""
    return ""


PROGRAMS: dict[str, Program] = {"Dense, SGD": dense_sgd}


def _operations() -> dict[str, Operation]:
    def forward(units: EqualUnits) -> Array:
        return np.asarray(tf.matmul(units.X.T, units.W, transpose_b=True).numpy().T)

    def gradient(units: EqualUnits) -> Array:
        by_sample = np.ascontiguousarray(units.A.T)
        return np.asarray(tf.matmul(np.ascontiguousarray(units.X.T), by_sample, transpose_a=True).numpy().T)

    def vector(units: EqualUnits) -> Array:
        by_sample = np.ascontiguousarray(units.A.T)
        return np.asarray(tf.matmul(by_sample, units.r[:, None], transpose_a=True).numpy())

    def tanh(units: EqualUnits) -> Array:
        return np.asarray(tf.tanh(units.A).numpy())

    def total(units: EqualUnits) -> Array:
        return np.asarray(tf.reduce_sum(np.ascontiguousarray(units.A.T), axis=0).numpy())

    return {
        "matmul(X.T, W1.T), as Dense forward": forward,
        "matmul(X, dZ1.T), as Dense backward": gradient,
        "matmul(A1, dZ2), as Dense backward of W2": vector,
        "tanh(Z1)": tanh,
        "sum(dZ1.T, axis=0)": total,
    }


OPERATIONS = _operations()

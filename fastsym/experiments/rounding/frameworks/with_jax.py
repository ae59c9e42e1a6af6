"""JAX: ``value_and_grad`` of the cost, compiled by ``jit``, one call for each iteration."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fastsym.experiments.rounding.frameworks.programs import EqualUnits, Operation, Program
from fastsym.model.params import Array, Params

jax.config.update("jax_enable_x64", True)


def gradient_descent(
    X: Array, y: Array, start: Params, learning_rate: float, samples_are_rows: bool
) -> Iterator[tuple[float, Params]]:
    """Train with samples as columns, as in the article, or as rows."""
    samples, labels = jnp.asarray(X.T if samples_are_rows else X), jnp.asarray(y)

    def cost(params: Any) -> Any:
        W1, b1, W2, b2 = params
        if samples_are_rows:
            Z2 = jnp.tanh(samples @ W1.T + b1) @ W2 + b2
        else:
            Z2 = W2 @ jnp.tanh(W1 @ samples + b1[:, None]) + b2
        return jnp.mean(jax.nn.softplus(Z2) - labels * Z2)

    def step(params: Any) -> Any:
        value, gradient = jax.value_and_grad(cost)(params)
        return value, tuple(p - learning_rate * g for p, g in zip(params, gradient, strict=True))

    compiled, params = jax.jit(step), tuple(map(jnp.asarray, start))
    while True:
        value, params = compiled(params)
        yield float(value), Params(*(np.asarray(values) for values in params))


def version() -> str:
    """Name JAX and its compiler's library."""
    from importlib.metadata import version

    return f"JAX {jax.__version__}, jaxlib {version('jaxlib')}"


def core_type() -> str:
    """Nothing is reported."""
    return ""


PROGRAMS: dict[str, Program] = {
    "samples as columns, gradient descent": partial(gradient_descent, samples_are_rows=False),
    "samples as rows, gradient descent": partial(gradient_descent, samples_are_rows=True),
}


def _compiled(compute: Callable[[EqualUnits], Any]) -> Operation:
    compiled = jax.jit(compute)
    return lambda units: np.asarray(compiled(EqualUnits(*map(jnp.asarray, units))))


OPERATIONS: dict[str, Operation] = {
    "W1 @ X": _compiled(lambda units: units.W @ units.X),
    "X.T @ W1.T": _compiled(lambda units: (units.X.T @ units.W.T).T),
    "dZ1 @ X.T": _compiled(lambda units: units.A @ units.X.T),
    "A1 @ dZ2": _compiled(lambda units: units.A @ units.r),
    "tanh(Z1)": _compiled(lambda units: jnp.tanh(units.A)),
    "sum(dZ1, axis=1)": _compiled(lambda units: units.A.sum(axis=1)),
}

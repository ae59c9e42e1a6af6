"""Calls of thousands of iterations, with every cost compared: a training that is long and yet not chaotic.

Chaos limits what a long call can be compared with (:mod:`fastsym.agreement.divergence`), so the case is chosen for
having none: 4 units, 40 samples, a start so near zero that the cost stands still for hundreds of iterations before
units come apart. Rounding noise stays within some hundred units in the last place over 4097 iterations. Two further
ones, of 3 units and of the one-layer net, have so few samples that the cost never comes to rest. How far noise goes
is measured as for the band of :mod:`fastsym.agreement.divergence`, by runs of the reference in which every parameter
is moved by an ulp before each iteration; they are stored with the path in float64.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from fastsym.agreement.case_classes import parameters, table
from fastsym.agreement.divergence import perturbed
from fastsym.agreement.expected import gradients
from fastsym.agreement.truth import Case, flatten, stored, unflatten
from fastsym.model.params import AnyParams, Array

FEATURES, SEED = 8, 6
LEARNING_RATE = 0.125
"""A power of two, and so are the scales of the starts: both data types train the same problem."""
CALLS = (
    *range(1, 13), 15, 16, 17, 31, 32, 33, 64, 65, 100, 127, 129, 256, 257, 513, 1024, 4097,
)  # fmt: skip
"""Iterations of the calls; each begins at the start."""
RUNS = 16
LIMIT = 10.0
"""As :data:`fastsym.agreement.certificate.PATH_LIMIT`: a decade over what perturbed runs of the reference reach."""


class Problem(NamedTuple):
    """A training that is long and yet not chaotic."""

    name: str
    hidden: int
    """H; 0 for the one-layer net."""
    samples: int
    scale: float
    """Of the start."""
    calls: tuple[int, ...]
    """Iterations of its calls."""

    def start(self) -> tuple[Array, Array, AnyParams]:
        """X, y and the start, in float64."""
        X, y = table(FEATURES, self.samples, SEED)
        return X, y, parameters(FEATURES, self.hidden, SEED, self.scale)


PROBLEMS = (
    Problem("near zero", 4, 40, 2.0**-26, CALLS),
    # As many features as samples: labels are learned ever better, and each cost differs from all before it.
    Problem("learned by heart", 3, 8, 0.5, CALLS[:-1]),
    Problem("one layer", 0, 8, 0.5, CALLS),
)


def path(problem: Problem) -> tuple[Array, Array]:
    """Train in float64; return all costs (T,) and the states (C, n) after each call."""
    X, y, params = problem.start()
    state, costs, states = flatten(params), [], []
    for i in range(problem.calls[-1]):
        (cost,), (slope,) = gradients(X, y, state[None], problem.hidden)
        state = state - LEARNING_RATE * slope
        costs.append(cost)
        if i + 1 in problem.calls:
            states.append(state)
    return np.array(costs), np.array(states)


def noise(problem: Problem, dtype: str, costs: Array, states: Array) -> tuple[Array, Array]:
    """Return how far perturbed runs come from the path: of each cost (T,), and of the state after each call (C,).

    Relative to the cost and to the largest parameter.
    """
    X, y, start = problem.start()
    X, y = X.astype(dtype), y.astype(dtype)
    of_costs, of_states = np.zeros(len(costs)), np.zeros(len(states))
    for seed in range(RUNS):
        params = type(start)(*(field.astype(dtype) for field in start))
        train, done, own = perturbed(seed), 0, np.empty(len(costs), dtype)
        for i, call in enumerate(problem.calls):
            train(X, y, params, LEARNING_RATE, own[done:call])
            done = call
            distance = np.abs(flatten(params) - states[i]).max() / np.abs(states[i]).max()
            of_states[i] = max(of_states[i], distance)
        of_costs = np.maximum(of_costs, np.abs(own - costs) / costs)
    return np.maximum.accumulate(of_costs), np.maximum.accumulate(of_states)


def stored_name(what: str, problem: Problem, dtype: str = "") -> str:
    """Name of an array in the file of the ground truth."""
    return f"long {what}, {problem.name} {dtype}".rstrip()


def make() -> dict[str, Array]:
    """Compute all that is stored."""
    found: dict[str, Array] = {}
    for problem in PROBLEMS:
        costs, states = path(problem)
        found |= {stored_name("costs", problem): costs, stored_name("states", problem): states}
        for dtype in ("float64", "float32"):
            of_costs, of_states = noise(problem, dtype, costs, states)
            found[stored_name("cost noise", problem, dtype)] = of_costs.astype(np.float32)
            found[stored_name("state noise", problem, dtype)] = of_states.astype(np.float32)
    return found


@cache
def cases(dtype: str) -> tuple[Case, ...]:
    """One case for each problem and number of iterations; its bound is what noise explains."""
    file, eps, found = stored(), float(np.finfo(dtype).eps), []
    for problem in PROBLEMS:
        X, y, params = problem.start()
        costs, states = file[stored_name("costs", problem)], file[stored_name("states", problem)]
        noise_of_costs = file[stored_name("cost noise", problem, dtype)].astype(np.float64)
        noise_of_states = file[stored_name("state noise", problem, dtype)].astype(np.float64)
        for T, state, relative in zip(problem.calls, states, noise_of_states, strict=True):
            of_state = np.full(len(state), (eps + relative) * np.abs(state).max())
            bound = LIMIT * np.concatenate([(eps + noise_of_costs[:T]) * costs[:T], of_state])
            known = np.concatenate([costs[:T], state])
            name = f"one call of {T} iterations, {problem.name}"
            start = unflatten(flatten(params), FEATURES, problem.hidden)
            found.append(Case(name, X, y, start, T, LEARNING_RATE, dtype, np.stack([known, 0 * known]), bound))
    return tuple(found)

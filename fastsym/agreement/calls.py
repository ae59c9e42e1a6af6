"""How the certificate calls a variant: as users do, through the checks and pieces of :mod:`fastsym.training`.

The certificate depends on that package here and nowhere else. Parameters are modified in place and costs overwritten,
so that the caller can watch the memory around them.
"""

from collections.abc import Callable, Iterator

import numpy as np

from fastsym.agreement.truth import Case
from fastsym.model.params import AnyParams, Array, LayerParams, Params
from fastsym.training.checks import checked, checked_multiplicity
from fastsym.training.pieces import run
from fastsym.training.registry import Variant

Call = Callable[..., AnyParams | None]
"""``call(variant, X, y, params, learning_rate, costs, multiplicity, record_every)``; returns the snapshots."""


def train(
    variant: Variant,
    X: Array,
    y: Array,
    params: AnyParams,
    learning_rate: float,
    costs: Array,
    multiplicity: Array | None = None,
    record_every: int = 0,
) -> AnyParams | None:
    """Do what :func:`fastsym.train` does; return the snapshots (S, ...), if there are any."""
    problem = checked(X, y, params, len(costs), learning_rate)
    counts = None if multiplicity is None else checked_multiplicity(multiplicity, problem)
    return run(variant, problem._replace(params=params), costs, record_every, counts)


def call_directly(
    variant: Variant,
    X: Array,
    y: Array,
    params: AnyParams,
    learning_rate: float,
    costs: Array,
    multiplicity: Array | None = None,  # noqa: ARG001
    record_every: int = 0,  # noqa: ARG001
) -> None:
    """Call the variant's function for one network, which :func:`fastsym.train` leaves for the one for several."""
    with np.errstate(all="ignore"):
        if isinstance(params, Params):
            variant.train_network(X, y, params, learning_rate, costs)
        elif variant.train_layer is not None:
            variant.train_layer(X, y, params, learning_rate, costs)


def train_in_pieces(
    variant: Variant,
    X: Array,
    y: Array,
    params: AnyParams,
    learning_rate: float,
    costs: Array,
    multiplicity: Array | None = None,
    record_every: int = 0,
) -> None:
    """Do what :func:`fastsym.train` does with a training that takes long: call again where the call before ended."""
    for part in (costs[:1], costs[1:]):
        train(variant, X, y, params, learning_rate, part, multiplicity, record_every)


def trains(variant: Variant, case: Case) -> bool:
    """Whether the variant offers such a training at all."""
    if isinstance(case.params, LayerParams):
        return variant.train_layer is not None
    return case.multiplicity is None or variant.train_population is not None


def ways(variant: Variant, case: Case) -> Iterator[Call]:
    """Give the ways in which the variant may be called for a case, that of :func:`fastsym.train` first."""
    yield train
    if case.record_every:
        return
    if case.iterations == 2:
        yield train_in_pieces
    if variant.train_population and isinstance(case.params, Params) and case.multiplicity is None:
        yield call_directly


def train_networks(
    variant: Variant,
    X: Array,
    y: Array,
    params: Params,
    rates: Array,
    costs: Array,
    threads: int,
    multiplicity: Array | None = None,
    history: Params | None = None,
    record_every: int = 0,
) -> None:
    """Do what :func:`fastsym.train_population` does with a variant that trains several networks in one call."""
    if variant.train_population is None:
        raise TypeError(f"variant: expected one with train_population; got {variant.name}; check single networks")
    with np.errstate(all="ignore"):
        variant.train_population(
            X, y, params, rates, costs, threads=threads, multiplicity=multiplicity, history=history, every=record_every
        )

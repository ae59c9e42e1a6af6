"""What a module for one framework gives: programs that train, and single operations on equal units.

A program is a generator: it takes X (D, M), y (M,), the starting parameters and a learning rate, all in one float type,
and gives, after each update, the cost before it and the parameters. It is written as its users write it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

from fastsym.model.params import Array, Params

Program = Callable[[Array, Array, Params, float], Iterator[tuple[float, Params]]]


class EqualUnits(NamedTuple):
    """Operands whose rows belong to H units and are all equal."""

    X: Array
    """(D, M) the features."""
    W: Array
    """(H, D) equal rows, in place of W1."""
    A: Array
    """(H, M) equal rows, in place of A1 or dZ1."""
    r: Array
    """(M,) in place of dZ2."""


Operation = Callable[[EqualUnits], Array]
"""Returns one row for each unit; in exact arithmetic the rows are equal."""


class Module(Protocol):
    """A module of this package."""

    PROGRAMS: Mapping[str, Program]
    """By a name that ends with the optimiser."""
    OPERATIONS: Mapping[str, Operation]
    """By the expression."""

    def version(self) -> str:
        """Name the framework and what it computes with, and their versions."""

    def core_type(self) -> str:
        """Return the kernels that it reports to use; empty if it reports none."""


def copied(params: Params) -> Params:
    """Copy the parameters."""
    return Params(*(values.copy() for values in params))

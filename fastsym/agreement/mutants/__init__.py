"""Deliberately broken programs that the certificate must reject: the checker is checked.

:class:`fastsym.agreement.mutants.program.Program` is honest. Each subclass has one realistic slip, its docstring; some
are wrong everywhere, others for one class of sizes, states, tables, rates or calls alone.
:func:`fastsym.agreement.first_failure` must give a reason for every variant in :data:`MUTANTS`. That it rejects these
says nothing about wrong programs that are not among them.
"""

from fastsym.agreement.mutants import calls, formula, indices, precision, sizes, special, state
from fastsym.agreement.mutants.program import Program, WithLayer, WithPopulation


class Everything(WithLayer, WithPopulation):
    """The program that all slips were made from."""


HONEST = Everything().variant()
MUTANTS = tuple(
    broken().variant()
    for module in (formula, indices, precision, state, sizes, special, calls)
    for broken in vars(module).values()
    if isinstance(broken, type) and issubclass(broken, Program) and broken.__module__ == module.__name__
)
"""One variant for each slip."""

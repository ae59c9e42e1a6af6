"""Deliberately broken programs that the certificate must reject: the checker is checked.

:class:`fastsym.agreement.mutants.program.Program` is honest. Each subclass has one realistic slip, its docstring.
:func:`fastsym.agreement.first_failure` must give a reason for every variant in :data:`MUTANTS`.
"""

from fastsym.agreement.mutants import formula, indices, precision, state
from fastsym.agreement.mutants.program import Program
from fastsym.training.registry import Variant

HONEST = Variant("Program", "the program that all slips were made from", Program().train)
MUTANTS = tuple(
    Variant(broken.__name__, (broken.__doc__ or "").strip(), broken().train)
    for module in (formula, indices, precision, state)
    for broken in vars(module).values()
    if isinstance(broken, type) and issubclass(broken, Program) and broken is not Program
)
"""One variant for each slip."""

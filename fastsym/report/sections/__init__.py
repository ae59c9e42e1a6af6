"""The report's sections in reading order: each a function from results to a finding with its evidence."""

from collections.abc import Callable

from fastsym.report.content import Section
from fastsym.report.results import Results
from fastsym.report.sections.agreement import certified
from fastsym.report.sections.benchmark import speed
from fastsym.report.sections.case_0 import one_layer
from fastsym.report.sections.cases_1_2 import long_run, reproduction, ten_iterations
from fastsym.report.sections.claims import claims
from fastsym.report.sections.environment import environment
from fastsym.report.sections.own_table import own_table
from fastsym.report.sections.quotient import quotient
from fastsym.report.sections.rounding import rounding
from fastsym.report.sections.starts import starts
from fastsym.report.sections.units import breaking

SECTIONS: tuple[Callable[[Results], Section], ...] = (
    breaking,
    reproduction,
    claims,
    one_layer,
    ten_iterations,
    long_run,
    rounding,
    starts,
    quotient,
    certified,
    speed,
    environment,
)
"""Add a section here, and nowhere else."""
ONLY_TITANIC = (reproduction, one_layer, ten_iterations, speed)
"""Sections about the article's numbers, and times measured on its table."""


def sections_of(results: Results) -> list[Section]:
    """Make all sections that apply to the table of these results."""
    if results.own is None:
        return [section(results) for section in SECTIONS]
    return [own_table(results.own), *(section(results) for section in SECTIONS if section not in ONLY_TITANIC)]

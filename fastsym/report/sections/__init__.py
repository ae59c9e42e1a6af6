"""The report's sections in reading order: each a function from results to a finding with its evidence."""

from collections.abc import Callable

from fastsym.report.content import Section
from fastsym.report.inside import inside
from fastsym.report.results import Results
from fastsym.report.sections.agreement import certified
from fastsym.report.sections.benchmark import speed
from fastsym.report.sections.case_0 import one_layer
from fastsym.report.sections.cases_1_2 import long_run, reproduction, ten_iterations
from fastsym.report.sections.claims import claims
from fastsym.report.sections.environment import environment
from fastsym.report.sections.gate import gate
from fastsym.report.sections.headline import headline
from fastsym.report.sections.own_table import own_table
from fastsym.report.sections.peers import peers
from fastsym.report.sections.quotient import quotient
from fastsym.report.sections.rounding import rounding
from fastsym.report.sections.scaling import scaling
from fastsym.report.sections.starts import starts
from fastsym.report.sections.startup import startup
from fastsym.report.sections.units import breaking

SECTIONS: tuple[Callable[[Results], Section | None], ...] = (
    headline,
    inside,
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
    peers,
    startup,
    scaling,
    gate,
    environment,
)
"""Add a section here, and nowhere else. One that has nothing to show gives None and is left out."""
ONLY_TITANIC = (reproduction, one_layer, ten_iterations, speed)
"""Sections about the article's numbers, and times measured on its table."""


def sections_of(results: Results) -> list[Section]:
    """Make all sections that apply to the table of these results and have something to show."""
    if results.own is None:
        return [made for section in SECTIONS if (made := section(results)) is not None]
    chosen = [section for section in SECTIONS if section not in ONLY_TITANIC]
    return [own_table(results.own), *(made for section in chosen if (made := section(results)) is not None)]

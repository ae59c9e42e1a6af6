"""The report's sections in reading order: each a function from results to a finding with its evidence."""

from collections.abc import Callable

from fastsym.report.collect import Results
from fastsym.report.content import Section
from fastsym.report.sections.agreement import certified
from fastsym.report.sections.benchmark import speed
from fastsym.report.sections.case_0 import one_layer
from fastsym.report.sections.cases_1_2 import long_run, reproduction, ten_iterations
from fastsym.report.sections.environment import environment
from fastsym.report.sections.units import breaking

SECTIONS: tuple[Callable[[Results], Section], ...] = (
    breaking,
    reproduction,
    one_layer,
    ten_iterations,
    long_run,
    certified,
    speed,
    environment,
)
"""Add a section here, and nowhere else."""

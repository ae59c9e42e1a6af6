"""The quotient: a wide net of equal units, trained as one unit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastsym.experiments.symmetry import quotient
from fastsym.model.initialise import initialise
from fastsym.model.params import Array, Params
from fastsym.model.units import unit_classes
from fastsym.report.content import Plot, Section, rounded
from fastsym.report.sections import agreement
from fastsym.report.study import Context, Study
from fastsym.report.style import BLUE, ORANGE
from fastsym.timing.interleave import interleave
from fastsym.timing.stats import Ratio, paired_ratio
from fastsym.training.result import Training
from fastsym.training.train import train

VARIANT = "simd"
ITERATIONS = 3000
LEARNING_RATE = 0.1
ROUNDS = 15
CHECKED_WIDTH, CHECKED_ITERATIONS = 1024, 1000


@dataclass(frozen=True)
class QuotientRun:
    """A wide net with equal units, trained as one unit."""

    width: int
    costs: Array
    """(T,) of the quotient, mean nats per sample."""
    checked_width: int
    """A width at which the wide net itself was trained, too."""
    checked_costs: Array
    """(T',) of its quotient."""
    wide_costs: Array
    """(T',) of all its units."""
    wide_classes: int
    """Number of classes of bitwise equal units in it at the end."""
    ratio: Ratio
    """Time of a net of width 1 over time of the wide net's quotient, in turns."""
    seconds: float
    """Median time of training the quotient."""


def run(context: Context) -> QuotientRun | None:
    """Train a wide net of equal units as one unit, in turns with a net that has just one.

    None, and nothing is timed, if the variant's certificate fails.
    """
    if VARIANT not in context.result(agreement.STUDY).timeable:
        return None
    X, y, _ = context.standardised

    def start(hidden: int) -> Params:
        # Scaled so that the output begins alike at every width.
        return initialise("constant", len(X), hidden, 0.1 / np.sqrt(hidden))

    def job(hidden: int, iterations: int) -> Callable[[], Training[Params]]:
        small = quotient(start(hidden))
        arguments = (X, y, small.params, iterations, LEARNING_RATE, VARIANT)
        return partial(train, *arguments, multiplicity=small.multiplicity)

    width = context.settings.quotient_width
    jobs = {"narrow": job(1, ITERATIONS), "wide": job(width, ITERATIONS)}
    trained = {name: each() for name, each in jobs.items()}
    seconds = interleave(jobs, ROUNDS).seconds
    each_unit = train(X, y, start(CHECKED_WIDTH), CHECKED_ITERATIONS, LEARNING_RATE)
    return QuotientRun(
        width,
        trained["wide"].costs,
        CHECKED_WIDTH,
        job(CHECKED_WIDTH, CHECKED_ITERATIONS)().costs,
        each_unit.costs,
        len(np.unique(unit_classes(each_unit.params))),
        paired_ratio(seconds["narrow"], seconds["wide"]),
        float(np.median(seconds["wide"])),
    )


def render(found: QuotientRun | None, _: Context) -> Section | None:
    """Time and cost of a million units."""
    if found is None:
        return None
    times = 1 / found.ratio.ratio
    low, high = 1 / found.ratio.high, (1 / found.ratio.low if found.ratio.low > 0 else np.inf)
    apart = float(np.abs(found.wide_costs - found.checked_costs).max())
    plot = Plot(
        slug="quotient",
        title=f"The cost of {found.width:,} equal units falls from {found.costs[0]:.4f} to {found.costs[-1]:.4f}; for "
        f"{found.checked_width} units, training one unit or all units gives costs that differ by at most {apart:.1g}",
        alt=f"Cost against the iteration of {found.width:,} units trained as one, and of {found.checked_width} units, "
        f"each trained. The first goes from {found.costs[0]:.4f} to {found.costs[-1]:.4f}.",
        data=_frame(found),
        draw=lambda figure: _draw(figure, found),
        note="All weights start at 0.1 / √H, so that networks of all widths begin with the same output; the learning "
        f"rate is 0.1. Circles: the first {len(found.wide_costs)} iterations, with every unit trained.",
        height_inches=3.0,
    )
    return Section(
        "quotient",
        "The quotient: training equal units as one unit",
        f"A net of {found.width:,} equal units trains in {times:.2f} times (95 % interval {low:.2f} to {high:.2f}) the "
        f"time of a net with one unit.",
        (
            "Equal units receive equal gradients, so one unit can stand for all of them if it is counted as often as "
            f"there are units. Training takes {rounded(found.seconds * 1000)} ms for {len(found.costs)} iterations, "
            f"whatever the width (on this machine, in this run; {found.ratio.pairs} interleaved rounds). If all units "
            f"are trained, the {found.checked_width} units end in {found.wide_classes} "
            f"class{'es' if found.wide_classes > 1 else ''} of bitwise equal units; the quotient predicts one class.",
            plot,
        ),
    )


def _frame(found: QuotientRun) -> pd.DataFrame:
    def curve(net: str, costs: Array) -> pd.DataFrame:
        return pd.DataFrame({"net": net, "iteration": np.arange(len(costs)), "cost": costs})

    parts = (
        curve(f"{found.width} units, as one", found.costs),
        curve(f"{found.checked_width} units, as one", found.checked_costs),
        curve(f"{found.checked_width} units, each", found.wide_costs),
    )
    return pd.concat(parts, ignore_index=True)


def _draw(figure: Figure, found: QuotientRun) -> None:
    axes = figure.subplots()
    axes.plot(found.costs, color=BLUE, label=f"{found.width:,} units, trained as one")
    every = max(1, len(found.wide_costs) // 20)
    axes.plot(
        np.arange(0, len(found.wide_costs), every),
        found.wide_costs[::every],
        color=ORANGE,
        linestyle="none",
        marker="o",
        markerfacecolor="none",
        label=f"{found.checked_width} units, each trained",
    )
    axes.set_xlabel("iteration")
    axes.set_ylabel("cost (nats per sample)")
    figure.legend(loc="outside lower center", ncols=2)


STUDY = Study("quotient", 130, run, render, seconds=4)

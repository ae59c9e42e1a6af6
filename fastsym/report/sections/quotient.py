"""The quotient: a wide net of equal units, trained as one unit."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastsym.model.params import Array
from fastsym.report.content import Plot, Section, rounded
from fastsym.report.results import QuotientRun, Results
from fastsym.report.style import BLUE, ORANGE


def quotient(results: Results) -> Section:
    """Time and cost of a million units."""
    run = results.quotient
    times = 1 / run.ratio.ratio
    low, high = 1 / run.ratio.high, (1 / run.ratio.low if run.ratio.low > 0 else np.inf)
    apart = float(np.abs(run.wide_costs - run.checked_costs).max())
    plot = Plot(
        slug="quotient",
        title=f"The cost of {run.width:,} equal units falls from {run.costs[0]:.4f} to {run.costs[-1]:.4f}; at "
        f"{run.checked_width} units, where all can be trained, both ways differ by at most {apart:.1g}",
        alt=f"Cost against the iteration of {run.width:,} units trained as one, and of {run.checked_width} units, each "
        f"trained. The first goes from {run.costs[0]:.4f} to {run.costs[-1]:.4f}.",
        data=_frame(run),
        draw=lambda figure: _draw(figure, run),
        note="All weights start at 0.1 / √H, learning rate 0.1, so that nets of all widths begin alike. Circles: "
        f"the first {len(run.wide_costs)} iterations, as many as were trained unit by unit.",
        height_inches=3.0,
    )
    return Section(
        "quotient",
        "The quotient: equal units are one unit",
        f"A net of {run.width:,} equal units trains in {times:.2f} times (95 % interval {low:.2f} to {high:.2f}) the "
        f"time of a net of width 1.",
        (
            "Equal units receive equal gradients, so one of them, counted as often as there are, stands for all. "
            f"Training takes {rounded(run.seconds * 1000)} ms for {len(run.costs)} iterations, whatever the width "
            f"(this machine, this moment; {run.ratio.pairs} rounds in turns). Trained unit by unit, the "
            f"{run.checked_width} units end as {run.wide_classes} class{'es' if run.wide_classes > 1 else ''} of "
            "bitwise equal units, as the quotient says.",
            plot,
        ),
    )


def _frame(run: QuotientRun) -> pd.DataFrame:
    def curve(net: str, costs: Array) -> pd.DataFrame:
        return pd.DataFrame({"net": net, "iteration": np.arange(len(costs)), "cost": costs})

    parts = (
        curve(f"{run.width} units, as one", run.costs),
        curve(f"{run.checked_width} units, as one", run.checked_costs),
        curve(f"{run.checked_width} units, each", run.wide_costs),
    )
    return pd.concat(parts, ignore_index=True)


def _draw(figure: Figure, run: QuotientRun) -> None:
    axes = figure.subplots()
    axes.plot(run.costs, color=BLUE, label=f"{run.width:,} units, trained as one")
    every = max(1, len(run.wide_costs) // 20)
    axes.plot(
        np.arange(0, len(run.wide_costs), every),
        run.wide_costs[::every],
        color=ORANGE,
        linestyle="none",
        marker="o",
        markerfacecolor="none",
        label=f"{run.checked_width} units, each trained",
    )
    axes.set_xlabel("iteration")
    axes.set_ylabel("cost (nats per sample)")
    figure.legend(loc="outside lower center", ncols=2)

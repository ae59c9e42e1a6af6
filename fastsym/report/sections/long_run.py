"""Cases 1 and 2: the article's figure of 3000 iterations."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import scipy.stats
from matplotlib.figure import Figure

from fastsym.experiments.article import HIDDEN, NETWORK_LEARNING_RATE, NetworkCurve, train_case
from fastsym.experiments.published import PLATEAUS
from fastsym.report.charts import CASE_COLOURS, CASE_NAMES, CASES_IN_WORDS
from fastsym.report.content import Plot, Section, rounded
from fastsym.report.study import Context, Study
from fastsym.report.style import MUTED


def run(context: Context) -> tuple[NetworkCurve, ...]:
    """Train case 1, then case 2 from each seed."""
    first, count = context.settings.seed, context.settings.seeds
    seeds = range(first, first + count)
    return train_case(1, context.data), *(train_case(2, context.data, seed) for seed in seeds)


def render(curves: tuple[NetworkCurve, ...], context: Context) -> Section:
    """Draw the article's figure of 3000 iterations."""
    zero, seeds = _split(curves)
    entropy = float(scipy.stats.entropy([context.data.y.mean(), 1 - context.data.y.mean()]))
    finals = np.array([curve.summed_costs[-1] for curve in seeds])
    iterations = len(zero.costs)
    below = int(np.sum(finals < zero.summed_costs[-1]))
    plot = Plot(
        slug="long-run",
        title="Summed cost of both cases",
        alt=(
            f"Summed cost against iteration. The zero start falls from {zero.summed_costs[0]:.1f} to "
            f"{zero.summed_costs[-1]:.1f}; the median of {len(seeds)} random starts from "
            f"{np.median([c.summed_costs[0] for c in seeds]):.1f} to {np.median(finals):.1f}; the lowest ends at "
            f"{finals.min():.1f}."
        ),
        data=_curve_frame(curves),
        draw=lambda figure: _draw_curves(figure, curves, {} if context.own else PLATEAUS),
        note=(
            f"Random start: {len(seeds)} seeds. "
            f"{'The features of your table' if context.own else 'The features of the article'}, learning rate "
            f"{NETWORK_LEARNING_RATE:g}, {HIDDEN} hidden units."
        ),
    )
    return Section(
        "long-run",
        f"Cases 1 and 2: {iterations} iterations",
        f"{below} of {len(seeds)} random starts end below the zero start, in the median by "
        f"{rounded(zero.summed_costs[-1] - np.median(finals))} nats summed over the samples.",
        (
            *([CASES_IN_WORDS] if context.own else []),  # else an earlier section says so
            plot,
            "The lowest possible cost of a constant prediction is the entropy of the labels: "
            f"{entropy:.5f} nats per sample, {entropy * zero.samples:.2f} summed. The cost from the zero start tends "
            "to this value.",
        ),
    )


def _split(curves: tuple[NetworkCurve, ...]) -> tuple[NetworkCurve, list[NetworkCurve]]:
    return next(curve for curve in curves if curve.case == 1), [curve for curve in curves if curve.case == 2]


def _curve_frame(curves: tuple[NetworkCurve, ...]) -> pd.DataFrame:
    zero, seeds = _split(curves)
    low, middle, high = np.quantile([curve.summed_costs for curve in seeds], (0.1, 0.5, 0.9), axis=0)
    return pd.DataFrame(
        {
            "iteration": np.arange(1, len(zero.costs) + 1),
            "case 1, summed cost": zero.summed_costs,
            "case 2, summed cost, median": middle,
            "case 2, summed cost, 10 %": low,
            "case 2, summed cost, 90 %": high,
        }
    )


def _draw_curves(figure: Figure, curves: tuple[NetworkCurve, ...], plateaus: Mapping[int, float]) -> None:
    axes = figure.subplots()
    frame = _curve_frame(curves)
    samples = curves[0].samples
    axes.plot(frame["iteration"], frame["case 1, summed cost"], color=CASE_COLOURS[1], label=CASE_NAMES[1])
    middle = frame["case 2, summed cost, median"]
    axes.plot(frame["iteration"], middle, color=CASE_COLOURS[2], linestyle="--", label=f"{CASE_NAMES[2]}: median")
    band = frame["case 2, summed cost, 10 %"], frame["case 2, summed cost, 90 %"]
    axes.fill_between(frame["iteration"], *band, color=CASE_COLOURS[2], alpha=0.25, linewidth=0, label="10 % to 90 %")
    for case, value in plateaus.items():
        axes.axhline(value, color=MUTED, linestyle=":", linewidth=1, label="published plateaus" if case == 1 else None)
    axes.set_xlabel("iteration")
    axes.set_ylabel("summed cost (nats)")
    mean = axes.secondary_yaxis(
        "right", functions=(lambda cost: np.asarray(cost) / samples, lambda cost: np.asarray(cost) * samples)
    )
    mean.set_ylabel("mean cost (nats per sample)")
    figure.legend(loc="outside lower center", ncols=2)


STUDY = Study("long-run", 90, run, render, seconds=3, in_lesson=True)

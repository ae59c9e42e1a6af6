"""Case 0: the one-layer net from zeros and from N(0, 1)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastsym.experiments.article import LAYER_LEARNING_RATE, LayerCase, train_layer_case
from fastsym.report.charts import CASES_IN_WORDS, log_y
from fastsym.report.content import Format, Plot, Section, Table, percent, rounded
from fastsym.report.study import Context, Study
from fastsym.report.style import BLUE, VERMILLION

STARTS = {"zeros": ("zero start", BLUE, "o"), "normal": ("N(0, 1) start", VERMILLION, "x")}
LATE, STEADY = 100, 1.5
"""A cost that changes by more than this factor in so many last iterations has not settled."""
FEATURES = {"article": "with PassengerId", "no_id": "without PassengerId"}


def run(context: Context) -> tuple[LayerCase, ...]:
    """Train from both starts, with and without PassengerId."""
    seed = context.settings.seed
    return tuple(train_layer_case(start, features, seed) for features in FEATURES for start in STARTS)


def render(cases: tuple[LayerCase, ...], context: Context) -> Section:
    """Whether both starts reach the same cost, and which one begins lower."""
    iterations = len(cases[0].costs)
    ends = "; ".join(f"{FEATURES[features]} {_end(*pair)}" for features, *pair in _pairs(cases))
    headline = f"One layer, {iterations} iterations: {ends}"
    first = {
        FEATURES[features]: "random" if random.costs[0] < zero.costs[0] else "zero"
        for features, zero, random in _pairs(cases)
    }
    lower = " and ".join(f"the {start} one {words}" for words, start in first.items())
    if len(set(first.values())) == 1:
        lower = f"the {next(iter(first.values()))} one, {' and '.join(first)}"
    lost = [case for case in cases if case.features == "article"]
    plot = Plot(
        slug="case-0",
        title="Cost of one layer from both starts",
        alt=(
            "Two panels of cost against iteration on a logarithmic cost axis, a line for the zero start and one for "
            "the random start. "
            + " ".join(
                f"{FEATURES[c.features]}, {STARTS[c.start][0]}: from {c.costs[0]:.3g} to {c.costs[-1]:.3g}, "
                f"between {c.costs.min():.3g} and {c.costs.max():.3g}."
                for c in cases
            )
        ),
        data=_frame(cases),
        draw=lambda figure: _draw(figure, cases),
        note=f"Cost by the stable formula. Learning rate {LAYER_LEARNING_RATE:g}, seed {context.settings.seed}.",
        height_inches=4.8,
    )
    return Section(
        "case-0",
        "Case 0: one layer",
        headline + ".",
        (
            CASES_IN_WORDS,
            "The curves show the cost by the stable formula, softplus(z) - y z. On the article's features, the "
            "article's own formula, y log(A) + (1 - y) log(1 - A), gives no finite cost in "
            + " and ".join(
                f"{100 * case.textbook_lost:.0f} % of the iterations from the {STARTS[case.start][0]}" for case in lost
            )
            + ": PassengerId, a row number up to 891, drives predictions to exactly 0 or 1, and 0 times log(0) is NaN.",
            plot,
            "The article reports that both starts reach the same cost, and that the random start has the lower first "
            f"cost. Here the start with the lower first cost is {lower}.",
            _table(cases),
        ),
    )


def _pairs(cases: tuple[LayerCase, ...]) -> list[tuple[str, LayerCase, LayerCase]]:
    by = {(case.features, case.start): case for case in cases}
    return [(features, by[features, "zeros"], by[features, "normal"]) for features in FEATURES]


def _end(zero: LayerCase, random: LayerCase) -> str:
    """Say how two trainings end: where they still jump, the costs of one iteration say nothing."""
    last = np.array([zero.costs[-LATE:], random.costs[-LATE:]])
    low, high = last.min(axis=1), last.max(axis=1)
    if (high > STEADY * low).any():
        return (
            f"the costs still jump in the last {LATE} iterations, from the zero start between {rounded(low[0])} and "
            f"{rounded(high[0])}, from the random start between {rounded(low[1])} and {rounded(high[1])}"
        )
    return f"the starts end {abs(last[0, -1] - last[1, -1]):.2g} nats apart"


def _table(cases: tuple[LayerCase, ...]) -> Table:
    lost = "article's formula not finite"
    frame = pd.DataFrame(
        [
            (FEATURES[c.features], STARTS[c.start][0], c.costs[0], c.costs.min(), c.costs[-1], c.textbook_lost)
            for c in cases
        ],
        columns=["features", "start", "first cost", "lowest cost", "last cost", lost],
    )
    formats: dict[str, Format] = dict.fromkeys(("first cost", "lowest cost", "last cost"), ".4f")
    caption = (
        "Case 0: costs in nats per sample, and the share of iterations in which the article's formula is not finite"
    )
    return Table("case-0-summary", caption, frame, formats | {lost: percent})


def _frame(cases: tuple[LayerCase, ...]) -> pd.DataFrame:
    columns = {"iteration": np.arange(1, len(cases[0].costs) + 1)}
    for case in cases:
        columns[f"{case.features}, {case.start}, stable"] = case.costs
        columns[f"{case.features}, {case.start}, textbook"] = case.textbook_costs
    return pd.DataFrame(columns)


def _draw(figure: Figure, cases: tuple[LayerCase, ...]) -> None:
    panels = figure.subplots(len(FEATURES), 1, sharex=True)
    for axes, (features, *pair) in zip(panels, _pairs(cases), strict=True):
        for case in pair:
            label, colour, marker = STARTS[case.start]
            # Dots, because a cost that jumps at every iteration would paint a solid band as a line.
            style = {"linestyle": "none", "marker": marker, "markersize": 1.8, "markeredgewidth": 0.6}
            axes.plot(np.arange(1, len(case.costs) + 1), case.costs, color=colour, label=label, **style)
        axes.set_title(FEATURES[features])
        log_y(axes, (1, 2, 5))
        axes.set_ylabel("cost (nats per sample)")
    panels[-1].set_xlabel("iteration")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(STARTS), markerscale=3)


STUDY = Study("case-0", 70, run, render, seconds=1, only_titanic=True, in_lesson=True)

"""Rounding breaks symmetry: what becomes of equal units in every arithmetic that this machine has."""

from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from fastsym.experiments import rounding
from fastsym.experiments.rounding import Rounding
from fastsym.report.content import WIDTH_INCHES, Plot, Section, Table
from fastsym.report.study import Context, Study
from fastsym.report.style import GREEN, GRID, INK, MUTED, ORANGE, PURPLE, SKY, VERMILLION

STYLES = (
    (VERMILLION, "-", "s"),
    (ORANGE, "--", "D"),
    (PURPLE, ":", "v"),
    (MUTED, "-.", "^"),
    (GREEN, "-", "x"),
    (SKY, "--", "+"),
    (INK, ":", "P"),
    (VERMILLION, "-.", "*"),
    (ORANGE, "-", "<"),
    (PURPLE, "--", ">"),
    (GREEN, ":", "h"),
)
PANELS = 4
"""Widths in the figure of the distances, at most; its CSV has all."""
PER_ITERATIONS = 1000
OWN = "the kernels of fastsym"
THROUGH_BLAS_OR_EINSUM = ("reference", "numpy", "einsum")


def run(context: Context) -> Rounding:
    """Train equal units in every arithmetic."""
    settings = context.settings
    arguments = (settings.rounding_widths, settings.core_types, settings.rounding_dtypes)
    return rounding.study(context.standardised, *arguments)


def render(study: Rounding, _: Context) -> Section:
    """Show final costs, classes, first splits and growth."""
    frame = _frame(study)
    own, others = frame[frame["own"]], frame[~frame["own"]]
    split = others[others["first_split"].notna()]
    kept = "keep all units equal" if own["first_split"].isna().all() else "do not keep all units equal"
    exact = split.loc[split["dtype"] == "float64", "final_cost"]
    costs = f", in float64 with costs from {exact.min():.4f} to {exact.max():.4f}" if len(exact) else ""
    plots: list[str | Plot | Table] = [_cost_plot(frame, study)]
    drifts = _labelled(study.drifts())
    if len(drifts):
        plots.append(_spread_plot(drifts, study))
    grown = frame[frame["growth_measured"].notna()]
    if len(grown):
        plots.append(_growth_plot(grown))
    else:
        plots.append(
            "No two units drifted apart for long enough to compare the growth of their distance with the prediction."
        )
    notes = [
        "For some core types, this OpenBLAS has no separate kernels, or the kernels need another processor. They could "
        f"not be run here: {', '.join(study.refused)}."
    ] * bool(study.refused)
    return Section(
        "rounding",
        "Rounding breaks symmetry",
        f"{OWN.capitalize()} {kept}; {len(split)} of {len(others)} trainings through BLAS or einsum end with units "
        f"that differ{costs}.",
        (
            f"All units start equal: every weight is {study.scale:g}. The features are standardised, the learning rate "
            f"is {study.learning_rate:g}, and NumPy uses {study.blas}; there are {study.iterations} iterations. In "
            "exact arithmetic the units would stay equal for ever. However, a BLAS may compute the last rows of a "
            "matrix with another order of addition than the others. Then units differ in the last bit, and the "
            "difference grows.",
            " ".join(study.conclusions()),
            *notes,
            *plots,
            _pivot(frame, "classes", "rounding-classes", "Classes of equal units at the end, by width H"),
            _pivot(
                frame,
                "first_split",
                "rounding-splits",
                "Number of updates after which two units first differed, by width H; – means never "
                "(fastsym's kernels are checked after every 10th update)",
            ),
        ),
    )


def _frame(study: Rounding) -> pd.DataFrame:
    frame = study.table()
    frame["own"] = ~frame["arithmetic"].isin(THROUGH_BLAS_OR_EINSUM)
    return _labelled(frame)


def _labelled(frame: pd.DataFrame) -> pd.DataFrame:
    keys = zip(frame["arithmetic"], frame["dtype"], frame["core_type"], strict=True)
    return frame.assign(label=[_label(*each) for each in keys])


def _label(arithmetic: str, dtype: str, core_type: str) -> str:
    return ", ".join(part for part in (arithmetic, "" if dtype == "float64" else dtype, core_type) if part)


def _cost_plot(frame: pd.DataFrame, study: Rounding) -> Plot:
    exact = frame[(frame["dtype"] == "float64") & (frame["arithmetic"] == "reference")]
    apart = exact.groupby("hidden")["final_cost"].agg(lambda costs: costs.max() - costs.min())
    width = apart.index[int(apart.argmax())]
    at = exact[exact["hidden"] == width]
    words = f"The reference ends with costs from {exact['final_cost'].min():.4f} to {exact['final_cost'].max():.4f}"
    if study.is_openblas and len(study.core_types) > 1 and apart.max() > 1e-6:
        costs = f"{at['final_cost'].min():.4f} to {at['final_cost'].max():.4f}"
        words = f"In float64 the reference ends with costs from {costs} at H = {width}, depending on the core type"
    kernels = ", ".join(dict.fromkeys(frame.loc[frame["own"], "arithmetic"]))
    return Plot(
        slug="rounding-cost",
        title="Final cost by arithmetic and width",
        alt="A table of final costs, one row per arithmetic, one column per width; a cell is coloured where units "
        "differ at the end. "
        + " ".join(
            f"{label}: {rows['final_cost'].min():.4f} to {rows['final_cost'].max():.4f}."
            for label, rows in frame.groupby("label", sort=False)
        ),
        data=frame.drop(columns=["own"]),
        draw=lambda figure: _draw_costs(figure, frame),
        note=f"Cost of the last iteration, in nats per sample, with learning rate {study.learning_rate:g}. A cell is "
        "coloured if units that started equal differ at the end; the colour is stronger if the cost differs more "
        "from the cost of equal units. "
        f"{words}. {OWN.capitalize()}: {kernels}.",
        height_inches=0.8 + 0.24 * frame["label"].nunique(),
        width_inches=max(WIDTH_INCHES, 2.2 + 0.42 * frame["hidden"].nunique()),
    )


def _draw_costs(figure: Figure, frame: pd.DataFrame) -> None:
    axes = figure.subplots()
    labels, widths = list(dict.fromkeys(frame["label"])), sorted(frame["hidden"].unique())
    most = max((frame["final_cost"] - frame.groupby("hidden")["final_cost"].transform("max")).abs().max(), 1e-12)
    highest = frame.groupby("hidden")["final_cost"].max()
    for row in frame.to_dict("records"):
        x, y = widths.index(row["hidden"]), labels.index(row["label"])
        differs = row["first_split"] == row["first_split"] and row["first_split"] is not None
        share = (highest[row["hidden"]] - row["final_cost"]) / most
        colour, strength = (VERMILLION, 0.2 + 0.5 * share) if differs else (GRID, 0.5)
        axes.add_patch(Rectangle((x, y), 0.96, 0.9, facecolor=colour, alpha=strength, linewidth=0))
        axes.text(x + 0.48, y + 0.45, f"{row['final_cost']:.4f}", ha="center", va="center", color=INK, fontsize=7)
    axes.set_xlim(0, len(widths))
    axes.set_ylim(len(labels), 0)
    axes.set_xticks([x + 0.48 for x in range(len(widths))], [str(width) for width in widths])
    axes.set_yticks([y + 0.45 for y in range(len(labels))], labels, fontsize=8)
    axes.set_xlabel("hidden width H")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _spread_plot(drifts: pd.DataFrame, study: Rounding) -> Plot:
    ends = drifts.groupby(["label", "hidden"], sort=False, as_index=False)["spread"].last()
    shown = sorted(drifts["hidden"].unique())[:PANELS]
    widths = ", ".join(map(str, shown))
    error = (drifts["spread"] / drifts["predicted"] - 1).abs().max()
    prediction = f"; small distances agree with the prediction within {100 * error:.2g} %" * bool(error == error)
    return Plot(
        slug="rounding-spread",
        title=f"After {study.iterations} iterations, units that started equal are up to "
        f"{100 * ends['spread'].max():.0f} % of their size apart{prediction}",
        alt="Relative distance of units that started equal, on a logarithmic axis, against the iteration, one panel "
        f"per width (H = {widths}), one line per arithmetic, and the prediction. At the end: "
        + "; ".join(
            f"H = {row.hidden}, {row.label}: {row.spread:.2g}" for row in ends[ends["hidden"].isin(shown)].itertuples()
        )
        + ".",
        data=drifts,
        draw=lambda figure: _draw_spread(figure, drifts, shown),
        note="Distance / size: the largest distance of a unit from the mean of all units, divided by the length of the "
        f"longest unit. Learning rate {study.learning_rate:g}. Wide grey line: the prediction by the "
        "product of I - lr T, which begins when the distance exceeds the noise of rounding. Arithmetic that "
        "keeps units equal has no line.",
        height_inches=1.3 + 1.8 * len(shown),
    )


def _draw_spread(figure: Figure, drifts: pd.DataFrame, widths: list[int]) -> None:
    panels = figure.subplots(len(widths), 1, sharex=True, squeeze=False)[:, 0]
    styles = dict(zip(drifts["label"].unique(), cycle(STYLES), strict=False))
    named: dict[str, Line2D] = {}
    for axes, hidden in zip(panels, widths, strict=True):
        for label, rows in drifts[drifts["hidden"] == hidden].groupby("label", sort=False):
            colour, line, _ = styles[str(label)]
            apart = rows[rows["spread"] > 0]
            known = rows[rows["predicted"].notna()]
            if len(known):
                (named["predicted"],) = axes.plot(
                    known["iterations"], known["predicted"], color=MUTED, linewidth=6, alpha=0.35, zorder=1
                )
            (named[str(label)],) = axes.plot(apart["iterations"], apart["spread"], color=colour, linestyle=line)
        axes.set_title(f"H = {hidden}")
        axes.set_yscale("log")
        axes.set_ylabel("distance / size")
    panels[-1].set_xlabel("iteration")
    named |= {"predicted": named.pop("predicted")} if "predicted" in named else {}  # last
    figure.legend(list(named.values()), list(named), loc="outside lower center", ncols=2)


def _growth_plot(grown: pd.DataFrame) -> Plot:
    iterations = (grown["growth_stop"] - grown["growth_start"]) / PER_ITERATIONS
    rates = grown[["label", "hidden", "growth_start", "growth_stop"]].assign(
        measured_rate=grown["growth_measured"] / iterations, predicted_rate=grown["growth_predicted"] / iterations
    )
    error = float(np.max(np.abs(rates["measured_rate"] / rates["predicted_rate"] - 1)))
    low, high = rates["measured_rate"].min(), rates["measured_rate"].max()
    return Plot(
        slug="rounding-growth",
        title=f"Growth of the differences between units ({low:.0f} to {high:.0f} nats in {PER_ITERATIONS} iterations), "
        "compared with the prediction",
        alt="By how many percent the measured growth of the differences between units exceeds the predicted one, "
        f"against the predicted one. {len(rates)} trainings; largest relative difference {100 * error:.1g} %.",
        data=rates,
        draw=lambda figure: _draw_growth(figure, rates),
        note="Each mark is one training, during the iterations in which the distance between its units was above the "
        "noise of rounding and still so small that its square can be neglected. Prediction: the product of I - lr T "
        "along the path. One nat is a factor of e.",
        height_inches=4.2,
    )


def _draw_growth(figure: Figure, rates: pd.DataFrame) -> None:
    axes = figure.subplots()
    axes.axhline(0, color=INK, linewidth=0.9, label="equal")
    styles = cycle(STYLES)
    for label, rows in rates.groupby("label", sort=False):
        colour, _, marker = next(styles)
        axes.plot(
            rows["predicted_rate"],
            100 * (rows["measured_rate"] / rows["predicted_rate"] - 1),
            linestyle="none",
            marker=marker,
            color=colour,
            markerfacecolor="none",
            markersize=6,
            label=label,
        )
    axes.set_xlabel(f"predicted (nats in {PER_ITERATIONS} iterations)")
    axes.set_ylabel("measured above predicted (%)")
    figure.legend(loc="outside lower center", ncols=2)


def _pivot(frame: pd.DataFrame, column: str, slug: str, caption: str) -> Table:
    def text(value: object) -> str:
        return "–" if value is None or value != value else f"{value:.0f}" if isinstance(value, float) else str(value)

    pivot = frame.assign(value=frame[column].map(text)).pivot_table(
        index="label", columns="hidden", values="value", aggfunc="first", sort=False
    )
    pivot.columns = [f"H = {hidden}" for hidden in pivot.columns]
    return Table(slug, caption, pivot.rename_axis("arithmetic").reset_index())


STUDY = Study("rounding", 50, run, render, seconds=15, in_lesson=True)

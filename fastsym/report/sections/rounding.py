"""Rounding breaks symmetry: what becomes of equal units in every arithmetic that this machine has."""

from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fastsym.report.content import Format, Plot, Section, Table
from fastsym.report.results import Results
from fastsym.report.style import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, SKY, VERMILLION
from fastsym.rounding import Outcome, Rounding

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
OWN_STYLE = (BLUE, "-", "o")
OWN = "the kernels of fastsym"
THROUGH_BLAS_OR_EINSUM = ("reference", "numpy", "einsum")


def rounding(results: Results) -> Section:
    """Show final costs, classes, first splits and growth."""
    study = results.rounding
    frame = _frame(study)
    own, others = frame[frame["own"]], frame[~frame["own"]]
    split = others[others["first_split"].notna()]
    kept = "keep all units equal" if own["first_split"].isna().all() else "do not keep all units equal"
    exact = frame[(frame["dtype"] == "float64") & ~frame["own"]]
    lowest, highest = exact["final_cost"].min(), exact["final_cost"].max()
    plots: list[str | Plot | Table] = [_cost_plot(frame, kept, study)]
    grown = frame[frame["growth_measured"].notna()]
    if len(grown):
        plots.append(_growth_plot(grown))
    else:
        plots.append("No pair of units drifted apart for long enough to compare its growth with the prediction.")
    notes = [f"Core types that were asked for and could not be run here: {', '.join(study.refused)}."] * bool(
        study.refused
    )
    return Section(
        "rounding",
        "Rounding breaks symmetry",
        f"{OWN.capitalize()} {kept}; {len(split)} of {len(others)} trainings through BLAS or einsum end with units "
        f"that differ, at costs from {lowest:.4f} to {highest:.4f} in float64 (all widths).",
        (
            f"All units start equal: every weight is {study.scale:g}. Standardised features, learning rate "
            f"{study.learning_rate:g}, {study.iterations} iterations, NumPy with {study.blas}. In exact arithmetic the "
            "units would stay equal for ever. A BLAS may add the last rows of a matrix in another order than the "
            "others; then units differ in the last bit, and the difference grows.",
            " ".join(study.conclusions()),
            *notes,
            *plots,
            _pivot(frame, "classes", "rounding-classes", "Classes of equal units at the end, by width H", {}),
            _pivot(
                frame,
                "first_split",
                "rounding-splits",
                "Updates after which two units were first seen to differ, by width H; – if never "
                "(of our kernels, every 10th is looked at)",
                {},
            ),
        ),
    )


def _frame(study: Rounding) -> pd.DataFrame:
    frame = study.table()
    frame["own"] = ~frame["arithmetic"].isin(THROUGH_BLAS_OR_EINSUM)
    frame["label"] = [_label(outcome) for outcome in study.outcomes]
    return frame


def _label(outcome: Outcome) -> str:
    parts = [outcome.arithmetic, "" if outcome.dtype == "float64" else outcome.dtype, outcome.core_type]
    return ", ".join(part for part in parts if part)


def _cost_plot(frame: pd.DataFrame, kept: str, study: Rounding) -> Plot:
    exact = frame[(frame["dtype"] == "float64") & (frame["arithmetic"] == "reference")]
    apart = exact.groupby("hidden")["final_cost"].agg(lambda costs: costs.max() - costs.min())
    width = apart.index[int(apart.argmax())]
    at = exact[exact["hidden"] == width]
    title = f"{OWN.capitalize()} {kept}. "
    if study.is_openblas and len(study.core_types) > 1 and apart.max() > 1e-6:
        title += f"The reference ends at {at['final_cost'].min():.4f} or {at['final_cost'].max():.4f} at H = {width}, "
        title += "as the core type has it"
    else:
        title += f"The reference ends between {exact['final_cost'].min():.4f} and {exact['final_cost'].max():.4f}"
    return Plot(
        slug="rounding-cost",
        title=title,
        alt="Final cost against the width, one line an arithmetic. "
        + " ".join(
            f"{label}: {rows['final_cost'].min():.4f} to {rows['final_cost'].max():.4f}."
            for label, rows in frame.groupby("label", sort=False)
        ),
        data=frame.drop(columns=["own"]),
        draw=lambda figure: _draw_costs(figure, frame),
        note="Mean nats per sample of the last iteration. Equal arithmetic would give one line for each. "
        f"{OWN.capitalize()} ({', '.join(dict.fromkeys(frame.loc[frame['own'], 'arithmetic']))}) share a colour.",
        height_inches=4.2,
    )


def _draw_costs(figure: Figure, frame: pd.DataFrame) -> None:
    axes = figure.subplots()
    styles = cycle(STYLES)
    own_labelled = False
    for i, (label, rows) in enumerate(frame.groupby("label", sort=False)):
        own = bool(rows["own"].iloc[0])
        colour, line, marker = OWN_STYLE if own else next(styles)
        name = None if own and own_labelled else OWN if own else label
        own_labelled |= own
        # Lines that lie on each other stay visible: each is thinner than the one before.
        width = max(3.4 - 0.35 * i, 0.8)
        axes.plot(
            rows["hidden"], rows["final_cost"], color=colour, linestyle=line, marker=marker, linewidth=width, label=name
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("hidden width H")
    axes.set_ylabel("final cost (nats per sample)")
    figure.legend(loc="outside lower center", ncols=2)


def _growth_plot(grown: pd.DataFrame) -> Plot:
    error = float(np.max(np.abs(grown["growth_measured"] / grown["growth_predicted"] - 1)))
    return Plot(
        slug="rounding-growth",
        title=f"Differences between units grow as predicted, by exp({grown['growth_measured'].min():.1f}) to "
        f"exp({grown['growth_measured'].max():.1f}); log-growth is off by at most {100 * error:.1g} %",
        alt="Measured against predicted log-growth of the differences between units, with the line on which both are "
        f"equal. {len(grown)} trainings; largest relative difference {100 * error:.1g} %.",
        data=grown[["label", "hidden", "growth_start", "growth_stop", "growth_measured", "growth_predicted"]],
        draw=lambda figure: _draw_growth(figure, grown),
        note="Prediction: the product of I - lr T along the path. Each mark is one training, while its units were a "
        "little apart: above the noise of rounding, and so close that the square of their distance does not count.",
        height_inches=3.8,
    )


def _draw_growth(figure: Figure, grown: pd.DataFrame) -> None:
    axes = figure.subplots()
    values = grown[["growth_measured", "growth_predicted"]].to_numpy()
    ends = [values.min() - 0.5, values.max() + 0.5]
    axes.plot(ends, ends, color=INK, linewidth=0.9, label="equal")
    styles = cycle(STYLES)
    for label, rows in grown.groupby("label", sort=False):
        colour, _, marker = next(styles)
        axes.plot(
            rows["growth_predicted"],
            rows["growth_measured"],
            linestyle="none",
            marker=marker,
            color=colour,
            markerfacecolor="none",
            markersize=6,
            label=label,
        )
    axes.set_xlabel("predicted log-growth (nats)")
    axes.set_ylabel("measured log-growth (nats)")
    figure.legend(loc="outside lower center", ncols=2)


def _pivot(frame: pd.DataFrame, column: str, slug: str, caption: str, formats: dict[str, Format]) -> Table:
    shown = frame.assign(
        value=frame[column].map(
            lambda v: "–" if v is None or v != v else f"{v:.0f}" if isinstance(v, float) else str(v)
        )
    )
    pivot = shown.pivot_table(index="label", columns="hidden", values="value", aggfunc="first", sort=False)
    pivot.columns = [f"H = {hidden}" for hidden in pivot.columns]
    return Table(slug, caption, pivot.rename_axis("arithmetic").reset_index(), formats)

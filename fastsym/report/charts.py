"""What figures of several sections share: names, axes, and the figures of speed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import ArrayLike

from fastsym.report.content import Plot, rounded
from fastsym.report.speedups import BASELINES, with_interval
from fastsym.report.style import BLUE, INK, MUTED, VERMILLION, variant_style

START_NAMES = {"zeros": "zero weights", "constant": "constant weights", "normal": "random weights"}
CASE_NAMES = {1: "case 1, zero start", 2: "case 2, random start"}
CASES_IN_WORDS = (
    "The article has three cases: case 0 is one layer, from zeros and from random weights; case 1 is two layers from "
    "zeros; case 2 is two layers from random weights."
)
CASE_COLOURS = {1: BLUE, 2: VERMILLION}
ROOFLINE = "roofline of one core"


def ranges(frame: pd.DataFrame, column: str, unit: str = "") -> str:
    """Say of each line of a figure between which values it runs."""
    return " ".join(
        f"{label}: {rounded(values.min())} to {rounded(values.max())}{unit}."
        for label, values in frame.groupby("label", sort=False)[column]
    )


# Axes


def width_axis(axes: Axes, hidden: pd.Series) -> None:
    """Make the horizontal axis one of hidden widths."""
    widths = sorted(hidden.unique())
    axes.set_xscale("log", base=2)
    axes.set_xticks(widths, [str(width) for width in widths])
    axes.xaxis.minorticks_off()
    axes.set_xlabel("hidden width H")


def log_y(axes: Axes, ticks: Sequence[float] = (1,)) -> None:
    """Make the vertical axis logarithmic, with plain numbers at these multiples of the powers of ten."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=ticks))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


# Figures of speed


def heat_plot(rows: pd.DataFrame, best: str) -> Plot:
    """Heat map of the speed-up of one variant over the baselines.

    Parameters
    ----------
    rows
        As from :func:`fastsym.report.speedups.speedups`, of one variant.
    best
        Its label.
    """
    known = [name for name in BASELINES if rows[f"over_{name}"].notna().any()]
    columns = ["hidden", "iterations", *(f"over_{name}" for name in known)]
    return Plot(
        slug="speed-up",
        title=f"Speed-up of `{best}`, by hidden width and iterations",
        alt=f"A heat map per baseline ({', '.join(known)}): speed-up of {best} by hidden width and iteration count. "
        + " ".join(
            f"Over {name}: lowest {rounded(rows[f'over_{name}'].min())}, "
            f"median {rounded(rows[f'over_{name}'].median())}, highest {rounded(rows[f'over_{name}'].max())}."
            for name in known
        ),
        data=rows[columns],
        draw=lambda figure: _draw_heat(figure, rows, known),
        note="A number of 2 means twice as fast. Blue is faster, white is the same, and red is slower. The table of "
        "all timings has the intervals. Empty cells were not measured.",
        height_inches=0.6 + len(known) * (0.8 + 0.27 * rows["hidden"].nunique()),
    )


def _draw_heat(figure: Figure, rows: pd.DataFrame, known: list[str]) -> None:
    values = rows[[f"over_{name}" for name in known]].to_numpy()
    # As far to both sides, so that the middle of the colours is 1: as fast.
    end = max(np.nanmax(values), 1 / np.nanmin(values), 2.0)
    norm = LogNorm(1 / end, end)
    panels = figure.subplots(len(known), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, known, strict=True):
        grid = rows.pivot(index="hidden", columns="iterations", values=f"over_{name}")
        mesh = axes.pcolormesh(grid.to_numpy(), norm=norm, cmap="RdBu", edgecolor="none")
        axes.set_title(f"over {name}")
        axes.set_xticks(np.arange(grid.shape[1]) + 0.5, [str(count) for count in grid.columns])
        axes.set_yticks(np.arange(grid.shape[0]) + 0.5, [str(width) for width in grid.index])
        axes.set_ylabel("hidden width H")
        axes.grid(visible=False)
        for (row, column), value in np.ndenumerate(grid.to_numpy()):
            if np.isfinite(value):
                text = f"{value:.1f}" if value < 100 else f"{value:.0f}"
                colour = _legible_on(mesh.to_rgba(value))
                axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour)
    panels[-1].set_xlabel("iterations T")


def _legible_on(background: ArrayLike) -> str:
    """Black or white, whichever has the higher contrast as WCAG 2 defines it, with sRGB's curve taken as a power."""
    luminance = np.asarray(background)[:3] ** 2.2 @ (0.2126, 0.7152, 0.0722)
    return "black" if luminance > 0.179 else "white"


def ratio_plot(together: pd.DataFrame, best: str, lengths: str) -> Plot:
    """Speed-up over the reference against width.

    Parameters
    ----------
    together
        As from :func:`fastsym.report.speedups.alike`.
    best
        Label that the title is about.
    lengths
        Says which trainings these are.
    """
    rows = together[together["label"] == best].sort_values("hidden")
    first, last = rows.iloc[0], rows.iloc[-1]
    return Plot(
        slug="speed-up-by-width",
        title="Speed-up over the reference, by hidden width",
        alt="Speed-up over the reference against hidden width, both axes logarithmic, one line per variant. "
        f"`{best}`: {with_interval(first)} times at H = {first['hidden']}, {with_interval(last)} times at "
        f"H = {last['hidden']}. " + ranges(together, "over_reference"),
        data=together[["label", "hidden", "iterations", "over_reference", "low", "high"]],
        draw=lambda figure: _draw_ratios(figure, together),
        note=f"{lengths} Bars: 95 % intervals, where these are known, or the range if there were fewer than six "
        "rounds.",
    )


def time_plot(together: pd.DataFrame, best: str, bounds: pd.DataFrame, lengths: str) -> Plot:
    """Time per iteration against width.

    Parameters
    ----------
    together
        As from :func:`fastsym.report.speedups.alike`.
    best
        Label that the title is about.
    bounds
        Columns hidden, seconds_per_iteration: the measured roofline of one core; may be empty.
    lengths
        Says which trainings these are.
    """
    times = together.assign(microseconds_per_iteration=1e6 * together["seconds_per_iteration"]).sort_values("hidden")
    rows = times[times["label"] == best]
    first, last = rows.iloc[0], rows.iloc[-1]
    said = " and ".join(
        f"{rounded(1e6 * row['seconds_per_iteration'])} µs at H = {row['hidden']}, T = {row['iterations']}"
        for row in (first, last)
    )
    data = times[["label", "hidden", "iterations", "microseconds_per_iteration", "rounds"]]
    note = (
        "Median time of a whole training call, divided by its number of iterations, on this machine in this session. "
        f"{lengths} In shorter trainings, the cost of the call has a larger share. `{first['label']}`: {said}"
    )
    bounds = bounds if bounds.empty else bounds[bounds["hidden"].isin(times["hidden"])]
    if not bounds.empty:
        bound = bounds.assign(label=ROOFLINE, microseconds_per_iteration=1e6 * bounds["seconds_per_iteration"])
        data = pd.concat([data, bound[["label", "hidden", "microseconds_per_iteration"]]], ignore_index=True)
        least = bounds.set_index("hidden")["seconds_per_iteration"]
        if (rows["threads"] == 1).all():
            share = rows["hidden"].map(least) / rows["seconds_per_iteration"]
            note += f", where it runs at {100 * share.iloc[-1]:.0f} % of the roofline"
        note += (
            ". Dashed line: the time that the smallest number of operations for this formulation takes, at the rates "
            "measured for one core of this machine in this session. It is a bound for this formulation on one thread, "
            "not for every program"
        )
    return Plot(
        slug="time-per-iteration",
        title="Time per iteration, by hidden width",
        alt="Time per iteration in microseconds against hidden width, both axes logarithmic, one line per variant"
        + ("" if bounds.empty else " and one for the measured roofline")
        + ". "
        + ranges(data, "microseconds_per_iteration"),
        data=data,
        draw=lambda figure: _draw_times(figure, times, bounds),
        note=f"{note}.",
    )


def _draw_ratios(figure: Figure, frame: pd.DataFrame) -> None:
    axes: Axes = figure.subplots()
    _draw_lines(axes, frame, "over_reference")
    for _, rows in frame.groupby("label", sort=False):
        known = rows[np.isfinite(rows["high"]) & (rows["low"] > 0)]
        colour = variant_style(rows["variant"].iloc[0])["color"]
        axes.vlines(known["hidden"], known["low"], known["high"], color=colour, linewidth=1)
    log_y(axes, (1, 2, 5))
    axes.axhline(1, color=MUTED, linewidth=0.8)
    axes.set_ylabel("times as fast as the reference")
    figure.legend(loc="outside lower center", ncols=4)


def _draw_times(figure: Figure, frame: pd.DataFrame, bounds: pd.DataFrame) -> None:
    axes: Axes = figure.subplots()
    _draw_lines(axes, frame, "microseconds_per_iteration")
    if not bounds.empty:
        axes.plot(bounds["hidden"], 1e6 * bounds["seconds_per_iteration"], color=INK, linestyle="--", label=ROOFLINE)
    log_y(axes)
    axes.set_ylabel("time per iteration (µs)")
    figure.legend(loc="outside lower center", ncols=3)


def _draw_lines(axes: Axes, frame: pd.DataFrame, column: str) -> None:
    for name, rows in frame.groupby("label", sort=False):
        axes.plot(rows["hidden"], rows[column], label=str(name), **variant_style(rows["variant"].iloc[0]))
    width_axis(axes, frame["hidden"])

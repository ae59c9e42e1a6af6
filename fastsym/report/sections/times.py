"""Speed-up and time per iteration against width, one line a variant, with the measured roof."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from fastsym.report.content import Plot, rounded
from fastsym.report.style import INK, MUTED, variant_style

ROOF = "roof of one core"


def ratio_plot(together: pd.DataFrame, best: str) -> Plot:
    """Speed-up over the reference against width.

    Parameters
    ----------
    together
        As from :func:`fastsym.report.speedups.shared`.
    best
        Label that the title is about.
    """
    cells = together[together["label"] == best].sort_values("hidden")
    first, last = cells.iloc[0], cells.iloc[-1]
    return Plot(
        slug="speed-up-by-width",
        title=f"Over the reference, `{best}` is {rounded(first['over_reference'])} times as fast at "
        f"H = {first['hidden']} and {rounded(last['over_reference'])} times at H = {last['hidden']}",
        alt="Speed-up over the reference against hidden width, both axes logarithmic, one line a variant. "
        + _ranges(together, "over_reference"),
        data=together[["label", "hidden", "iterations", "over_reference", "low", "high"]],
        draw=lambda figure: _draw_ratios(figure, together),
        note=f"At each width the longest training that all took part in: {_trainings(together)}. "
        "Bars: 95 % intervals, where known.",
    )


def time_plot(longest: pd.DataFrame, best: str, bounds: pd.DataFrame) -> Plot:
    """Time per iteration against width.

    Parameters
    ----------
    longest
        The longest training of each label, one a width.
    best
        Label that the title is about.
    bounds
        Columns hidden, seconds_per_iteration: the measured roof of one core; may be empty.
    """
    times = longest.assign(microseconds_per_iteration=longest["seconds_per_iteration"] * 1e6).sort_values("hidden")
    cells = times[times["label"] == best]
    first, last = cells.iloc[0], cells.iloc[-1]
    title = (
        f"One iteration of `{first['label']}` took {rounded(1e6 * first['seconds_per_iteration'])} µs at "
        f"H = {first['hidden']} and {rounded(1e6 * last['seconds_per_iteration'])} µs at H = {last['hidden']}"
    )
    data = times[["label", "hidden", "iterations", "microseconds_per_iteration", "rounds"]]
    note = (
        "Median of a whole training call divided by its iterations, on this machine in this session, of each "
        "variant in its longest training. In short trainings the cost of the call shows."
    )
    if not bounds.empty:
        roof = bounds.assign(label=ROOF, microseconds_per_iteration=1e6 * bounds["seconds_per_iteration"])
        data = pd.concat([data, roof[["label", "hidden", "microseconds_per_iteration"]]], ignore_index=True)
        least = bounds.set_index("hidden")["seconds_per_iteration"]
        if (cells["threads"] == 1).all():
            share = cells["hidden"].map(least) / cells["seconds_per_iteration"]
            title += f", where it runs at {100 * share.iloc[-1]:.0f} % of the roof"
        note += (
            " Dashed: what the fewest operations that this algorithm needs take at the rates measured for one core of "
            "this machine in this session; no program of this algorithm can be below it on one thread."
        )
    return Plot(
        slug="time-per-iteration",
        title=title,
        alt="Time per iteration in microseconds against hidden width, both axes logarithmic, one line a variant"
        + ("" if bounds.empty else " and one for the measured roof")
        + ". "
        + _ranges(data, "microseconds_per_iteration"),
        data=data,
        draw=lambda figure: _draw_times(figure, times, bounds),
        note=note,
    )


def _ranges(frame: pd.DataFrame, column: str) -> str:
    return " ".join(
        f"{label}: {rounded(values.min())} to {rounded(values.max())}."
        for label, values in frame.groupby("label", sort=False)[column]
    )


def _trainings(together: pd.DataFrame) -> str:
    counts = together.groupby("hidden")["iterations"].first()
    return ", ".join(f"T = {count} at H = {hidden}" for hidden, count in counts.items())


def _draw_ratios(figure: Figure, frame: pd.DataFrame) -> None:
    axes: Axes = figure.subplots()
    _draw_lines(axes, frame, "over_reference")
    for _, rows in frame.groupby("label", sort=False):
        known = rows[np.isfinite(rows["high"]) & (rows["low"] > 0)]
        colour = variant_style(rows["variant"].iloc[0])["color"]
        axes.vlines(known["hidden"], known["low"], known["high"], color=colour, linewidth=1)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.axhline(1, color=MUTED, linewidth=0.8)
    axes.set_ylabel("times as fast as the reference")
    figure.legend(loc="outside lower center", ncols=4)


def _draw_times(figure: Figure, frame: pd.DataFrame, bounds: pd.DataFrame) -> None:
    axes: Axes = figure.subplots()
    _draw_lines(axes, frame, "microseconds_per_iteration")
    if not bounds.empty:
        axes.plot(bounds["hidden"], 1e6 * bounds["seconds_per_iteration"], color=INK, linestyle="--", label=ROOF)
    axes.set_ylabel("time per iteration (µs)")
    figure.legend(loc="outside lower center", ncols=3)


def _draw_lines(axes: Axes, frame: pd.DataFrame, column: str) -> None:
    for name, rows in frame.groupby("label", sort=False):
        axes.plot(rows["hidden"], rows[column], label=str(name), **variant_style(rows["variant"].iloc[0]))
    width_axis(axes, frame["hidden"])
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def width_axis(axes: Axes, hidden: pd.Series) -> None:
    """Make the horizontal axis one of hidden widths."""
    widths = sorted(hidden.unique())
    axes.set_xscale("log", base=2)
    axes.set_xticks(widths, [str(width) for width in widths])
    axes.xaxis.minorticks_off()
    axes.set_xlabel("hidden width H")

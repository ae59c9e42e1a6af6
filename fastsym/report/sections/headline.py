"""The whole report in three pictures: what symmetry breaking is, how much faster, and why to believe it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastsym.experiments.article import HIDDEN, STANDARDISED_LEARNING_RATE, UnitPaths
from fastsym.model.params import Array
from fastsym.report.charts import START_NAMES
from fastsym.report.content import Plot, Section
from fastsym.report.sections import agreement, speed, units
from fastsym.report.sections.agreement import Agreement
from fastsym.report.speedups import alike, lengths, own_variants, quickest, speedups, with_interval
from fastsym.report.study import Context, Study
from fastsym.report.style import BLUE, GREEN, INK, MUTED, PURPLE, VERMILLION, variant_style

UNIT_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE)
SQUARES_A_ROW = 6
WIDTH_INCHES, HEIGHT_INCHES = 3.5, 3.0
"""Small, because the page shows the three side by side."""


def render(_: None, context: Context) -> Section:
    """Say it all at once; everything after this section is the evidence."""
    paths, found = context.result(units.STUDY), context.result(agreement.STUDY)
    plots = [_units_plot(paths, context.settings.seed)]
    said = [_units_finding(paths)]
    timed = pd.DataFrame() if context.own else _fastest(context.result(speed.STUDY).timings)
    if not timed.empty:
        cells = alike(timed).sort_values("hidden")
        plots.append(_speed_plot(cells, lengths(cells, timed)))
        cell = cells.iloc[(cells["hidden"] - HIDDEN).abs().argmin()]
        said.append(
            f"at H = {cell['hidden']} and T = {cell['iterations']}, `{cell['label']}` trains {with_interval(cell)} "
            "times as fast as the article's code"
        )
    plots.append(_belief_plot(found))
    said.append(_belief_finding(found))
    title = "In three pictures" if len(plots) == 3 else "In two pictures"
    return Section("headline", title, f"{'; '.join(said)}.", tuple(plots))


# What symmetry breaking is


def _units_finding(paths: tuple[UnitPaths, ...]) -> str:
    together, apart = units.parted(paths, START_NAMES)
    return f"Hidden units stay one from {together}, and part from {apart}"


def _units_plot(paths: tuple[UnitPaths, ...], seed: int) -> Plot:
    feature = _clearest(paths)
    return Plot(
        slug="headline-units",
        title=_units_finding(paths),
        alt="Three panels side by side, one a start: the way of each of four hidden units through its weights, input "
        "weight against output weight. "
        + " ".join(f"{START_NAMES[path.start]}: the units end up to {path.separation:.3g} apart." for path in paths),
        data=units.tidy(paths, lambda path: {"input weight": path.W1[:, :, feature], "output weight": path.W2}),
        draw=lambda figure: _draw_units(figure, paths, feature),
        note=f"Each line is the way of one hidden unit through {paths[0].iterations[-1]} iterations, from the "
        "ring to the dot, with one scale both ways; equal units lie on each other. Of the features, number "
        f"{feature + 1} is shown, in which the two units that are closest end furthest from each other; standardised, "
        f"learning rate {STANDARDISED_LEARNING_RATE:g}, seed {seed}.",
        height_inches=HEIGHT_INCHES,
        width_inches=WIDTH_INCHES,
    )


def _clearest(paths: tuple[UnitPaths, ...]) -> int:
    """Input in whose weight, with the output weight, the two closest units end furthest from each other."""
    path = max(paths, key=lambda each: each.separation)
    W1, W2 = path.W1[-1], path.W2[-1]
    first, second = np.triu_indices(len(W2), 1)
    apart = np.hypot(W1[first] - W1[second], (W2[first] - W2[second])[:, None])
    return int(apart.min(axis=0).argmax())


def _draw_units(figure: Figure, paths: tuple[UnitPaths, ...], feature: int) -> None:
    panels = figure.subplots(1, len(paths), squeeze=False)[0]
    for axes, path in zip(panels, paths, strict=True):
        for unit, colour in enumerate(UNIT_COLOURS):
            x, y = path.W1[:, unit, feature], path.W2[:, unit]
            # Coinciding lines would hide all but the last: thick ones first.
            thicker = (len(UNIT_COLOURS) - 1 - unit) * (path.separation == 0)
            axes.plot(x, y, color=colour, linewidth=1.6 + 1.8 * thicker, solid_capstyle="round")
            axes.plot(x[-1], y[-1], "o", color=colour, markersize=4.5 + 1.5 * thicker)
        axes.plot(path.W1[0, :, feature], path.W2[0], "o", markerfacecolor="none", color=INK, markersize=11)
        axes.margins(0.15)
        if np.ptp(path.W1) == 0:
            axes.set(xlim=(-1, 1), ylim=(-1, 1))
        else:
            axes.set_aspect("equal", adjustable="datalim")
        axes.locator_params("x", nbins=2)
        axes.tick_params(axis="x", labelsize=7)
        axes.locator_params("y", nbins=3)
        axes.set_title(f"{START_NAMES[path.start].removesuffix(' weights')}:\n{_ways(path)}")
    panels[len(panels) // 2].set_xlabel("input weight W1")
    panels[0].set_ylabel("output weight W2")


def _ways(path: UnitPaths) -> str:
    """Count the different ways through the weights."""
    states: Array = np.concatenate([path.W1, path.W2[:, :, None]], axis=2)
    count = len(np.unique(np.moveaxis(states, 1, 0).reshape(states.shape[1], -1), axis=0))
    if count == 1:
        return "no line" if (states == states[0]).all() else "1 line"
    return f"{count} lines"


# How much faster


def _fastest(timings: pd.DataFrame) -> pd.DataFrame:
    """Rows of the quickest variant, from the article's width on; empty if nothing was timed."""
    frame = own_variants(speedups(timings))
    if frame.empty:
        return frame
    rows = frame[frame["label"] == quickest(frame)]
    wide = rows[rows["hidden"] >= HIDDEN]
    return rows if wide.empty else wide


def _speed_plot(cells: pd.DataFrame, said: str) -> Plot:
    least, most = (cells.iloc[i] for i in (cells["over_reference"].argmin(), cells["over_reference"].argmax()))
    return Plot(
        slug="headline-speed",
        title=f"`{cells['label'].iloc[0]}` trains {with_interval(least)} to {with_interval(most)} "
        f"times as fast as the article's NumPy code, "
        f"from H = {cells['hidden'].min()} to {cells['hidden'].max()} at T = {cells['iterations'].iloc[0]}",
        alt="One bar a hidden width: speed-up over the reference, with intervals. "
        + " ".join(
            f"H = {row['hidden']}, {row['iterations']} iterations: {with_interval(row)} times."
            for _, row in cells.iterrows()
        ),
        data=cells[["label", "hidden", "iterations", "over_reference", "low", "high"]],
        draw=lambda figure: _draw_speed(figure, cells),
        note="Grey line: the article's code itself. Lines on the bars, and numbers below them: 95 % intervals, where "
        f"known; of fewer than six rounds the range. {said}",
        height_inches=HEIGHT_INCHES,
        width_inches=WIDTH_INCHES,
    )


def _draw_speed(figure: Figure, cells: pd.DataFrame) -> None:
    axes: Axes = figure.subplots()
    x = np.arange(len(cells))
    speed, low, high = (cells[name].to_numpy(float) for name in ("over_reference", "low", "high"))
    known = np.isfinite(high) & (low > 0)
    axes.bar(x, speed, width=0.62, color=variant_style(cells["variant"].iloc[0])["color"])
    axes.vlines(x[known], low[known], high[known], color=INK, linewidth=1.4)
    tops = np.where(known, high, speed)
    for i, value in enumerate(speed):
        text = f"{value:.1f}×" if value < 100 else f"{value:.0f}×"
        # Beside the interval, at the height of its bar: above the interval it would be read as that height.
        axes.annotate(text, (i, value), (4, 3), textcoords="offset points", fontweight="bold", fontsize=8)
    axes.axhline(1, color=MUTED, linewidth=1.4)
    axes.set_xlim(-0.5, len(cells) - 0.2)
    axes.set_ylim(0, 1.12 * tops.max())
    ends = [f"\n{a:.3g} to {b:.3g}" if is_known else "" for a, b, is_known in zip(low, high, known, strict=True)]
    axes.set_xticks(x, [f"{hidden}{text}" for hidden, text in zip(cells["hidden"], ends, strict=True)], fontsize=7)
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("hidden width H, and the interval below")
    axes.set_ylabel("times as fast")


# Why to believe it


def _killed(found: Agreement) -> tuple[int, int]:
    """How many known wrong programs are rejected, of how many; float types count each."""
    counts = found.killed.values()
    return sum(count for count, _ in counts), sum(total for _, total in counts)


def _belief_finding(found: Agreement) -> str:
    passed = sum(c.passed for c in found.certificates)
    killed, total = _killed(found)
    return (
        f"{passed} of {len(found.certificates)} certificates pass, and {killed} of {total} known wrong "
        "programs are rejected"
    )


def _belief_plot(found: Agreement) -> Plot:
    errors = _errors(found)
    return Plot(
        slug="headline-belief",
        title=_belief_finding(found),
        alt="Left: the median and the worst error of each variant in units of what rounding can explain. "
        + " ".join(f"{row['variant']}: {row['median']:.2g}, {row['worst']:.2g}." for row in errors.to_dict("records"))
        + " Right: one square for each known wrong program. "
        + " ".join(f"{dtype}: {count} of {total} rejected." for dtype, (count, total) in found.killed.items()),
        data=errors,
        draw=lambda figure: _draw_belief(figure, errors, found),
        note="Left: distance from the exact result in short trainings, as a ring the median, as a dot the worst; right "
        "of the dashed line rounding is no excuse. Right: a square is a program with one deliberate mistake that the "
        "same check rejects; a cross is one that it accepts. Of other programs it says nothing.",
        height_inches=HEIGHT_INCHES,
        width_inches=WIDTH_INCHES,
    )


def _errors(found: Agreement) -> pd.DataFrame:
    """Of each variant the median and the worst error, each the worse of both float types."""
    rows = [(c.variant, c.own.median, c.own.worst, c.passed) for c in found.certificates]
    frame = pd.DataFrame(rows, columns=["variant", "median", "worst", "passed"])
    grouped = frame.groupby("variant", sort=False)
    return grouped.agg({"median": "max", "worst": "max", "passed": "all"}).reset_index()


def _draw_belief(figure: Figure, errors: pd.DataFrame, found: Agreement) -> None:
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    agreement.draw_errors(left, errors)
    left.set_title("error of each variant")
    left.set_xlabel("error over its bound")

    killed, total = _killed(found)
    rows, columns = np.divmod(np.arange(total), SQUARES_A_ROW)
    caught = np.arange(total) < killed
    right.scatter(columns[caught], rows[caught], marker="s", s=36, color=BLUE, linewidths=0)
    right.scatter(columns[~caught], rows[~caught], marker="X", s=40, color=VERMILLION, linewidths=0)
    right.set_xlim(-0.8, SQUARES_A_ROW - 0.2)
    right.set_ylim((total - 1) // SQUARES_A_ROW + 0.8, -0.8)
    right.set_title(f"{killed} of {total}\nrejected")
    right.set_xlabel("known wrong\nprograms")
    right.set_ylabel("one square each")
    right.set_xticks([])
    right.set_yticks([])
    right.grid(visible=False)
    right.spines[:].set_visible(False)


STUDY = Study("headline", 20, lambda _: None, render)

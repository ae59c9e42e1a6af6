"""The engineering in two pictures: how much faster, and why to believe it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fastsym.experiments.article import HIDDEN
from fastsym.report.content import Plot, Section
from fastsym.report.sections import agreement, speed
from fastsym.report.sections.agreement import Agreement
from fastsym.report.speedups import alike, lengths, own_variants, quickest, speedups, with_interval
from fastsym.report.study import Context, Study
from fastsym.report.style import BLUE, INK, MUTED, VERMILLION, variant_style

SQUARES_A_ROW = 6
WIDTH_INCHES, HEIGHT_INCHES = 3.5, 3.0
"""Small, because the page shows them side by side."""


def render(_: None, context: Context) -> Section:
    """Say it all at once; everything after this section is the evidence."""
    found = context.result(agreement.STUDY)
    plots, said = [], []
    timed = pd.DataFrame() if context.own else _fastest(context.result(speed.STUDY).timings)
    if not timed.empty:
        cells = alike(timed).sort_values("hidden")
        plots.append(_speed_plot(cells, lengths(cells, timed)))
        cell = cells.iloc[(cells["hidden"] - HIDDEN).abs().argmin()]
        said.append(
            f"At H = {cell['hidden']} and T = {cell['iterations']}, `{cell['label']}` trains {with_interval(cell)} "
            "times as fast as the article's code"
        )
    plots.append(_belief_plot(found))
    said.append(_belief_finding(found))
    return Section("headline", "How much faster, and why the results are correct", f"{'; '.join(said)}.", tuple(plots))


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
        title=f"Speed-up of `{cells['label'].iloc[0]}` over the article's NumPy code, at T = "
        f"{cells['iterations'].iloc[0]}",
        alt=f"One bar per hidden width: speed-up over the reference, from {with_interval(least)} to "
        f"{with_interval(most)} times. "
        + " ".join(
            f"H = {row['hidden']}, {row['iterations']} iterations: {with_interval(row)} times."
            for _, row in cells.iterrows()
        ),
        data=cells[["label", "hidden", "iterations", "over_reference", "low", "high"]],
        draw=lambda figure: _draw_speed(figure, cells),
        note="Grey line: the article's code itself. The lines on the bars and the numbers below them are 95 % "
        f"intervals, where these are known, or the range if there were fewer than six rounds. {said}",
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
        title="Errors of the variants, and known wrong programs",
        alt="Left: the median and the worst error of each variant, in units of the bound for rounding. "
        + " ".join(f"{row['variant']}: {row['median']:.2g}, {row['worst']:.2g}." for row in errors.to_dict("records"))
        + " Right: one square for each known wrong program. "
        + " ".join(f"{dtype}: {count} of {total} rejected." for dtype, (count, total) in found.killed.items()),
        data=errors,
        draw=lambda figure: _draw_belief(figure, errors, found),
        note="Left: the distance from the exact result in short trainings. A ring is the median, a dot the worst case. "
        "To the right of the dashed line, rounding cannot explain the distance. Right: a square is a program with one "
        "deliberate mistake that the same check rejects; a cross is such a program that it accepts. The figure says "
        "nothing about other programs.",
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


STUDY = Study("headline", 110, lambda _: None, render)

"""How much faster: speed-up over the reference and over NumPy by width and iteration count."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import ArrayLike

from fastsym.article import HIDDEN
from fastsym.report.content import Format, Plot, Section, Table, rounded
from fastsym.report.results import Results
from fastsym.report.style import MUTED, variant_style

BASELINES = ("reference", "numpy")
DTYPE = "float64"


def speed(results: Results) -> Section:
    """Speed-ups, with the times they come from."""
    frame = speedups(results.timings)
    shown = frame[frame["dtype"] == DTYPE]
    own = shown[~shown["variant"].isin(BASELINES) & (shown["kind"] == "variant")]
    source = (
        "a saved pytest-benchmark run"
        if results.settings.benchmark_json
        else "this run: the variants take turns in every round, with the reference among them"
    )
    prose = [
        f"Times are from {source}. A speed-up is a ratio of times from one session; absolute times are shown but "
        f"belong to this machine and this moment: {_listed(results.timings['machine'].unique())}. Only variants "
        "with a certificate are timed."
    ]
    if results.untimed:
        prose.append(f"Not timed, for want of a passing certificate: {_listed(results.untimed)}.")
    if results.left_out:
        by_width: dict[int, list[int]] = {}
        for hidden, count in results.left_out:
            by_width.setdefault(hidden, []).append(count)
        sizes = "; ".join(f"H = {hidden} with T = {_listed(counts)}" for hidden, counts in by_width.items())
        prose.append(f"Left out, as they did not fit into the time for the benchmark: {sizes}.")
    title = "Speed"
    if own.empty:
        return Section("speed", title, "There are no timings of fastsym's own variants to compare.", tuple(prose))
    best = _quickest(own)
    cells = own[own["label"] == best]
    longest = shown.loc[shown.groupby(["label", "hidden"])["iterations"].idxmax()].sort_index()
    return Section(
        "speed",
        title,
        _headline(longest[longest["label"] == best], best),
        (
            *prose,
            _heat_plot(cells, best),
            _ratio_plot(longest, best),
            _time_plot(longest, best),
            _longest_table(longest),
            _table(frame),
        ),
    )


def speedups(timings: pd.DataFrame) -> pd.DataFrame:
    """Add what the figures need to a table of timings.

    Parameters
    ----------
    timings
        As from :func:`fastsym.measure.measure_grid` or :func:`fastsym.records.read_benchmark_json`.

    Returns
    -------
    pandas.DataFrame
        With ``label`` (variant and, if several, threads), ``kind`` ("variant" unless it says otherwise),
        ``over_reference`` with ``low`` and ``high``, and ``over_numpy``; NaN where unknown.
    """
    frame = timings.drop(columns="ratios", errors="ignore").rename(
        columns={"speedup": "over_reference", "speedup_low": "low", "speedup_high": "high"}
    )
    frame = frame.assign(**{name: value for name, value in (("low", np.nan), ("high", np.nan)) if name not in frame})
    if "kind" not in frame:
        frame["kind"] = "variant"
    threads = frame["threads"].map(lambda count: "" if count == 1 else f", {count} threads")
    frame["label"] = frame["variant"] + threads
    keys = ["hidden", "iterations", "dtype"]
    numpy = frame.loc[frame["variant"] == "numpy", [*keys, "over_reference"]].drop_duplicates(keys)
    merged = frame.merge(numpy.rename(columns={"over_reference": "numpy"}), on=keys, how="left")
    merged["over_numpy"] = merged["over_reference"] / merged.pop("numpy")
    return merged


def _quickest(own: pd.DataFrame) -> str:
    """Label with the largest speed-up in the geometric mean over widths, at the longest training of each."""
    longest = own[own["iterations"] == own.groupby("hidden")["iterations"].transform("max")]
    return str(np.log(longest["over_reference"]).groupby(longest["label"]).mean().idxmax())


def _listed(names: object) -> str:
    return ", ".join(map(str, names))  # type: ignore[call-overload]


def _headline(cells: pd.DataFrame, best: str) -> str:
    """Speed-up at the article's width, or at the one closest to it."""
    cell = cells.iloc[(cells["hidden"] - HIDDEN).abs().argmin()]
    text = f"At H = {cell['hidden']} and T = {cell['iterations']}, `{best}` is {rounded(cell['over_reference'])} times"
    if np.isfinite(cell["low"]):
        text += f" (95 % interval {rounded(cell['low'])} to {rounded(cell['high'])})"
    text += " as fast as the reference"
    return text + (f" and {rounded(cell['over_numpy'])} times as fast as `numpy`." if cell["over_numpy"] > 0 else ".")


def _heat_plot(cells: pd.DataFrame, best: str) -> Plot:
    known = [name for name in BASELINES if cells[f"over_{name}"].notna().any()]
    title = f"`{best}` is " + " and ".join(
        f"{rounded(cells[f'over_{name}'].min())} to {rounded(cells[f'over_{name}'].max())} times as fast as `{name}`"
        for name in known
    )
    columns = ["hidden", "iterations", *(f"over_{name}" for name in known)]
    return Plot(
        slug="speed-up",
        title=f"{title}, by width and iterations",
        alt=f"A heat map per baseline ({_listed(known)}): speed-up of {best} by hidden width and iteration count. "
        + " ".join(
            f"Over {name}: lowest {rounded(cells[f'over_{name}'].min())}, "
            f"median {rounded(cells[f'over_{name}'].median())}, highest {rounded(cells[f'over_{name}'].max())}."
            for name in known
        ),
        data=cells[columns],
        draw=lambda figure: _draw_heat(figure, cells, known),
        note="Numbers are times as fast. An empty cell was not measured.",
        height_inches=0.6 + len(known) * (0.8 + 0.27 * cells["hidden"].nunique()),
    )


def _draw_heat(figure: Figure, cells: pd.DataFrame, known: list[str]) -> None:
    values = cells[[f"over_{name}" for name in known]].to_numpy()
    norm = LogNorm(min(1.0, np.nanmin(values)), max(np.nanmax(values), 2.0))
    panels = figure.subplots(len(known), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, known, strict=True):
        grid = cells.pivot_table(index="hidden", columns="iterations", values=f"over_{name}")
        mesh = axes.pcolormesh(grid.to_numpy(), norm=norm, cmap="cividis", edgecolor="none")
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


def _ratio_plot(longest: pd.DataFrame, best: str) -> Plot:
    cells = longest[longest["label"] == best].sort_values("hidden")
    first, last = cells.iloc[0], cells.iloc[-1]
    return Plot(
        slug="speed-up-by-width",
        title=f"Over the reference, `{best}` is {rounded(first['over_reference'])} times as fast at "
        f"H = {first['hidden']} and {rounded(last['over_reference'])} times at H = {last['hidden']}",
        alt="Speed-up over the reference against hidden width, both axes logarithmic, one line a variant. "
        + " ".join(
            f"{label}: {rounded(column.min())} to {rounded(column.max())}."
            for label, column in longest.groupby("label", sort=False)["over_reference"]
        ),
        data=longest[["label", "hidden", "iterations", "over_reference", "low", "high"]],
        draw=lambda figure: _draw_lines(figure, longest, "over_reference", "times as fast as the reference"),
        note="At each width, the most iterations that were measured there. Bars: 95 % intervals, where known.",
    )


def _time_plot(longest: pd.DataFrame, best: str) -> Plot:
    times = longest.assign(microseconds_per_iteration=longest["seconds_per_iteration"] * 1e6)
    cells = times[times["label"] == best].sort_values("hidden")
    first, last = cells.iloc[0], cells.iloc[-1]
    return Plot(
        slug="time-per-iteration",
        title=f"One iteration of `{best}` took {rounded(first['microseconds_per_iteration'])} µs at "
        f"H = {first['hidden']} and {rounded(last['microseconds_per_iteration'])} µs at H = {last['hidden']}",
        alt="Time per iteration in microseconds against hidden width, both axes logarithmic, one line a variant. "
        + " ".join(
            f"{label}: {rounded(column.min())} to {rounded(column.max())}."
            for label, column in times.groupby("label", sort=False)["microseconds_per_iteration"]
        ),
        data=times[["label", "hidden", "iterations", "microseconds_per_iteration", "rounds"]],
        draw=lambda figure: _draw_lines(figure, times, "microseconds_per_iteration", "time per iteration (µs)"),
        note="Median of a whole training call divided by its iterations, on this machine in this session.",
    )


def _draw_lines(figure: Figure, frame: pd.DataFrame, column: str, label: str) -> None:
    axes: Axes = figure.subplots()
    for name, rows in frame.groupby("label", sort=False):
        style = variant_style(rows["variant"].iloc[0])
        axes.plot(rows["hidden"], rows[column], label=str(name), **style)
        if column == "over_reference":
            known = rows[np.isfinite(rows["high"]) & (rows["low"] > 0)]
            axes.vlines(known["hidden"], known["low"], known["high"], color=style["color"], linewidth=1)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    widths = sorted(frame["hidden"].unique())
    axes.set_xticks(widths, [str(width) for width in widths])
    axes.xaxis.minorticks_off()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if column == "over_reference" else (1,)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("hidden width H")
    axes.set_ylabel(label)
    if column == "over_reference":
        axes.axhline(1, color=MUTED, linewidth=0.8)
    figure.legend(loc="outside lower center", ncols=4)


def _longest_table(longest: pd.DataFrame) -> Table:
    labels = list(dict.fromkeys(longest.sort_values("over_reference")["label"]))
    pivot = longest.pivot_table(index="hidden", columns="label", values="over_reference")[labels]
    frame = pivot.rename_axis(columns=None).reset_index().rename(columns={"hidden": "H"})
    formats: dict[str, Format] = dict.fromkeys(labels, ".2f")
    return Table("speed-up-by-width-table", "Speed-up over the reference, most iterations measured", frame, formats)


def _table(frame: pd.DataFrame) -> Table:
    rows = pd.DataFrame(
        {
            "H": frame["hidden"],
            "T": frame["iterations"],
            "variant": frame["variant"],
            "dtype": frame["dtype"],
            "threads": frame["threads"],
            "over reference": frame["over_reference"],
            "low": frame["low"],
            "high": frame["high"],
            "over numpy": frame["over_numpy"],
            "µs per iteration": frame["seconds_per_iteration"] * 1e6,
            "rounds": frame["rounds"],
        }
    )
    formats: dict[str, Format] = dict.fromkeys(("over reference", "low", "high", "over numpy"), ".2f")
    formats["µs per iteration"] = rounded
    return Table("timings", "Every timing; low and high bound a 95 % interval", rows, formats, folded=True)

"""The law behind the times: what a call, an iteration and a hidden unit cost, and which variant wins where."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter

from fastsym.experiments.article import CURVE_ITERATIONS
from fastsym.report.content import Format, Plot, Section, Table, rounded
from fastsym.report.results import Measured, Results
from fastsym.report.sections.times import width_axis
from fastsym.report.speedups import DTYPE, speedups
from fastsym.report.style import GRID, INK, variant_style
from fastsym.timing.cost_model import MIN_TIMINGS, CostModel, Crossover, fit, winners


def scaling(results: Results) -> Section | None:
    """Fit the law to every variant's timings; None if there are too few."""
    if results.measured is None or results.timings.empty:
        return None
    cells = _cells(results.timings, results.measured)
    laws = {
        str(label): fit(rows, rows["features"].to_numpy(), results.measured.M)
        for label, rows in cells.groupby("label", sort=False)
        if _enough(rows)
    }
    if not laws:
        return None
    cells = cells[cells["label"].isin(laws)]
    cells["law_seconds"] = np.nan
    for label, law in laws.items():
        rows = cells["label"] == label
        shown = cells[rows]
        cells.loc[rows, "law_seconds"] = law.predict(shown["hidden"], shown["iterations"], shown["features"])
    widths = sorted(cells["hidden"].unique())
    first, changes = winners(laws, CURVE_ITERATIONS, (widths[0], widths[-1]))
    finding = _winner(first, changes, widths)
    return Section(
        "scaling",
        "The scaling law",
        f"{finding}.",
        (
            "The time of a training is t = call + T (a + b M H (D + d0)): a call, T iterations, and in each of them M "
            "samples times H hidden units, each of which takes b for each of D features, and as long as d0 more "
            "features would for tanh and the rest. Fitted for each variant to all timings of this report, with "
            "relative errors and no coefficient below zero; the intervals are a bootstrap of what the law leaves "
            "unexplained, its own misfit included. " + _features(results.measured),
            _winner_plot(laws, cells, changes, finding, widths),
            _fit_plot(cells, laws),
            _table(laws),
        ),
    )


def _cells(timings: pd.DataFrame, measured: Measured) -> pd.DataFrame:
    """Every timing in float64 with its number of features, and a label."""
    frame = speedups(timings)
    frame = frame[(frame["dtype"] == DTYPE) & (frame["kind"] == "variant")].assign(features=measured.D)
    if not measured.more.empty:
        labels = frame.drop_duplicates("variant").set_index("variant")["label"]
        frame = pd.concat([frame, measured.more.assign(label=measured.more["variant"].map(labels))], ignore_index=True)
    return frame[["label", "variant", "hidden", "iterations", "features", "seconds"]]


def _enough(rows: pd.DataFrame) -> bool:
    return len(rows) >= MIN_TIMINGS and rows["hidden"].nunique() > 1 and rows["iterations"].nunique() > 1


def _features(measured: Measured) -> str:
    counts = set() if measured.more.empty else set(measured.more["features"]) - {measured.D}
    if not counts:
        return f"All timings have D = {measured.D}, so that b and d0 cannot be told apart."
    more = ", ".join(str(count) for count in sorted(counts))
    return f"Most timings have D = {measured.D}; some, with the same features several times over, D = {more}."


def _winner(first: str, changes: tuple[Crossover, ...], widths: list[int]) -> str:
    text = f"At T = {CURVE_ITERATIONS}, the law makes `{first}` the quickest"
    if not changes:
        return f"{text} at every width from {widths[0]} to {widths[-1]}"
    steps = ", ".join(
        f"`{change.after}` from H = {change.hidden} (95 % interval {_end(change.low)} to {_end(change.high)}"
        + (")" if np.isfinite(change.high) else ", so perhaps not at all)")
        for change in changes
    )
    return f"{text} at H = {widths[0]}, {steps}"


def _end(hidden: float) -> str:
    return "never" if np.isinf(hidden) else f"{max(1, np.ceil(hidden)):.0f}"


def _winner_plot(
    laws: Mapping[str, CostModel], cells: pd.DataFrame, changes: tuple[Crossover, ...], finding: str, widths: list[int]
) -> Plot:
    hidden = np.unique(np.geomspace(widths[0], widths[-1], 40).round()).astype(int)
    parts = []
    for label, law in laws.items():
        low, high = law.interval(hidden, CURVE_ITERATIONS)
        seconds = law.predict(hidden, CURVE_ITERATIONS)
        parts.append(pd.DataFrame({"label": label, "hidden": hidden, "seconds": seconds, "low": low, "high": high}))
    frame = pd.concat(parts, ignore_index=True)
    variants = dict(zip(cells["label"], cells["variant"], strict=True))
    return Plot(
        slug="scaling-winner",
        title=finding,
        alt=f"Predicted time of a training of {CURVE_ITERATIONS} iterations against hidden width, both axes "
        "logarithmic, one line with a band a variant. "
        + " ".join(
            f"{label}: {rounded(rows.min())} to {rounded(rows.max())} s."
            for label, rows in frame.groupby("label", sort=False)["seconds"]
        ),
        data=frame,
        draw=lambda figure: _draw_winner(figure, frame, variants, changes, cells["hidden"]),
        note="Bands: 95 % intervals. "
        + (
            "Dotted: the first width after the winner changes, with its interval if it is narrower than the figure. "
            if changes
            else ""
        )
        + f"The longest trainings that were timed for all variants have T = {_common(cells)}; beyond that the law "
        "extrapolates.",
    )


def _common(cells: pd.DataFrame) -> int:
    return int(cells.groupby("label")["iterations"].max().min())


def _draw_winner(
    figure: Figure,
    frame: pd.DataFrame,
    variants: Mapping[str, str],
    changes: tuple[Crossover, ...],
    measured: pd.Series,
) -> None:
    axes: Axes = figure.subplots()
    for label, rows in frame.groupby("label", sort=False):
        style = variant_style(variants[str(label)]) | {"marker": ""}
        axes.fill_between(rows["hidden"], rows["low"], rows["high"], color=style["color"], alpha=0.2, linewidth=0)
        axes.plot(rows["hidden"], rows["seconds"], label=str(label), **style)
    width_axis(axes, measured)
    least, most = frame["hidden"].min(), frame["hidden"].max()
    for change in changes:
        if change.low > least or change.high < most:  # an interval of everything would only shade the figure
            axes.axvspan(max(change.low, least), min(change.high, most), color=GRID, alpha=0.6, linewidth=0)
        axes.axvline(change.hidden, color=INK, linewidth=1, linestyle=":")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel(f"time of {CURVE_ITERATIONS} iterations (s)")
    figure.legend(loc="outside lower center", ncols=4)


def _fit_plot(cells: pd.DataFrame, laws: Mapping[str, CostModel]) -> Plot:
    data = cells.assign(measured_over_law=cells["seconds"] / cells["law_seconds"])
    inside = (data["measured_over_law"] - 1).abs()
    return Plot(
        slug="scaling-fit",
        title=f"Half of {len(data)} timings are within {100 * inside.median():.0f} % of their law, nine in ten within "
        f"{100 * inside.quantile(0.9):.0f} %",
        alt="Measured time over the law's, against the law's, one mark a timing and one kind of mark a variant. "
        "Median distance: " + " ".join(f"{label}: {100 * law.typical_error:.0f} %." for label, law in laws.items()),
        data=data.drop(columns="variant"),
        draw=lambda figure: _draw_fit(figure, data),
        note="On the line the law is exact. A call of microseconds and one of seconds count alike in the fit.",
    )


def _draw_fit(figure: Figure, data: pd.DataFrame) -> None:
    axes: Axes = figure.subplots()
    for label, rows in data.groupby("label", sort=False):
        style = variant_style(rows["variant"].iloc[0]) | {"linestyle": ""}
        axes.plot(1e3 * rows["law_seconds"], rows["measured_over_law"], label=str(label), **style)
    axes.axhline(1, color=INK, linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(
        FixedLocator([0.8, 0.9, 1, 1.1, 1.25] if high / low < 2 else [0.1, 0.2, 0.5, 1, 2, 5, 10])
    )
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("time of a training by the law (ms)")
    axes.set_ylabel("measured over law")
    figure.legend(loc="outside lower center", ncols=4)


def _table(laws: Mapping[str, CostModel]) -> Table:
    rows = []
    for label, law in laws.items():
        named = (
            ("call", "call_seconds", 1e6, "µs"),
            ("a, an iteration", "iteration_seconds", 1e6, "µs"),
            (f"b (D + d0) at D = {law.D}, a sample and unit", "unit_seconds", 1e9, "ns"),
            ("b, one feature of these", "feature_seconds", 1e9, "ns"),
        )
        for words, name, factor, unit in named:
            value, (low, high) = getattr(law, name), law.intervals[name]
            rows.append((label, words, factor * value, factor * low, factor * high, unit))
        low, high = law.intervals["equivalent_features"]
        rows.append((label, "d0", law.equivalent_features, low, high, "features"))
    frame = pd.DataFrame(rows, columns=["variant", "coefficient", "value", "low", "high", "unit"])
    formats: dict[str, Format] = dict.fromkeys(("value", "low", "high"), _number)
    return Table("scaling-law", "The law's coefficients; low and high bound a 95 % interval", frame, formats)


def _number(value: float) -> str:
    return "–" if np.isnan(value) else "∞" if np.isinf(value) else rounded(value)

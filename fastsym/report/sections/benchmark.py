"""How much faster: speed-up over the reference and over NumPy by width and iteration count."""

import numpy as np
import pandas as pd

from fastsym.experiments.article import HIDDEN
from fastsym.report.content import Format, Section, Table, rounded
from fastsym.report.results import Results
from fastsym.report.sections.heat import heat_plot
from fastsym.report.sections.times import ratio_plot, time_plot
from fastsym.report.speedups import DTYPE, longest, own, quickest, shared, speedups


def speed(results: Results) -> Section:
    """Speed-ups, with the times they come from."""
    frame = speedups(results.timings)
    shown = frame[frame["dtype"] == DTYPE]
    ours = own(frame)
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
    if ours.empty:
        return Section("speed", title, "There are no timings of fastsym's own variants to compare.", tuple(prose))
    if (ours["threads"] > 1).any() and results.settings.benchmark_json is None:
        prose.append(
            "NumPy's BLAS may keep its threads busy for a tenth of a second after a call. So variants on several "
            "threads rest for as long before their turn: each variant is timed with the processors to itself."
        )
    best = quickest(ours)
    cells = ours[ours["label"] == best]
    together = shared(shown)
    measured = results.measured
    bounds = pd.DataFrame() if measured is None else measured.bounds
    took_part = shown.groupby(["hidden", "iterations"])["label"].nunique()
    if results.settings.benchmark_json is None and took_part.min() < took_part.max():
        prose.append(f"In the longest trainings only `reference` and `{best}` took turns, to fit more into the time.")
    return Section(
        "speed",
        title,
        _headline(longest(cells), best),
        (
            *prose,
            heat_plot(cells, best),
            ratio_plot(together, best),
            time_plot(longest(shown), best, bounds),
            _shared_table(together),
            _table(frame),
        ),
    )


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


def _shared_table(together: pd.DataFrame) -> Table:
    labels = list(dict.fromkeys(together.sort_values("over_reference")["label"]))
    pivot = together.pivot_table(index="hidden", columns="label", values="over_reference")[labels]
    frame = pivot.rename_axis(columns=None).reset_index().rename(columns={"hidden": "H"})
    formats: dict[str, Format] = dict.fromkeys(labels, ".2f")
    return Table(
        "speed-up-by-width-table",
        "Speed-up over the reference, in the longest trainings that all took part in",
        frame,
        formats,
    )


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

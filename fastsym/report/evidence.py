"""The runs that the claims were judged by: as bands over the seeds, and as figures."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastsym.experiments.article import (
    CURVE_ITERATIONS,
    LAYER_ITERATIONS,
    LAYER_LEARNING_RATE,
    NETWORK_LEARNING_RATE,
)
from fastsym.experiments.claims import CLAIMS, Runs
from fastsym.experiments.claims.runs import RECORD_EVERY
from fastsym.experiments.symmetry import each_network, recorded, saturated_fraction
from fastsym.model.params import Array, Params
from fastsym.report.content import Plot, rounded
from fastsym.report.style import BLUE, GREEN, VERMILLION

SERIES = {
    "zero start": (BLUE, "-", "o"),
    "random start": (VERMILLION, "--", "s"),
    "constant start": (GREEN, "-.", "^"),
    "scale 0.01": (BLUE, "-", "o"),
    "scale 1": (VERMILLION, "--", "s"),
}
COST, TEST_COST, SHARE = "cost (nats per sample)", "test cost (nats per sample)", "saturated share (0 to 1)"
FEW = 5
ALIKE = 1e-3
"""Values that differ by less than this share of the largest are called alike."""
FIGURES = {
    "costs": ("Two layers, cost", COST),
    "layer": ("One layer, cost", COST),
    "weights": ("Largest change of a weight", "largest change"),
    "saturation": ("Share of hidden values in saturation", SHARE),
    "scale": ("Size of the random start, cost", COST),
    "splits": ("Cost on test samples", TEST_COST),
}
"""Figure of :class:`fastsym.experiments.claims.Claim` -> what it shows, label of its y-axis."""


def curves_of(runs: Runs) -> pd.DataFrame:
    """Reduce runs to bands over their seeds.

    Returns
    -------
    pandas.DataFrame
        Columns figure, features, series, iteration, and low, middle, high: 10, 50 and 90 % of the seeds.
    """
    parts = []
    for figure, series, iterations, values in _series(runs):
        low, middle, high = np.quantile(values, (0.1, 0.5, 0.9), axis=0)
        keys = {"figure": figure, "features": runs.features, "series": series}
        parts.append(pd.DataFrame(keys | {"iteration": iterations, "low": low, "middle": middle, "high": high}))
    return pd.concat(parts, ignore_index=True)


def _series(runs: Runs) -> Iterator[tuple[str, str, Array, Array]]:
    """Give figure, series, iterations (K,) and values (seeds, K) of the runs that the claims were judged by."""
    each = np.unique(np.geomspace(1, CURVE_ITERATIONS, 120).astype(int)) - 1
    yield "costs", "zero start", each, runs.zero.costs[None, each]
    yield "costs", "random start", each, runs.random.costs[:, each]
    yield "costs", "constant start", each, runs.constant.costs[None, each]
    few = np.append(each[each < LAYER_ITERATIONS - 1], LAYER_ITERATIONS - 1)
    yield "layer", "zero start", few, runs.layer_zero[None, few]
    yield "layer", "random start", few, runs.layer_random[:, few]
    moments = np.minimum(RECORD_EVERY * np.arange(-(-CURVE_ITERATIONS // RECORD_EVERY) + 1), CURVE_ITERATIONS)
    zero = recorded(runs.zero)
    moved = np.maximum(np.abs(zero.W1).max(axis=(1, 2)), np.abs(zero.W2).max(axis=1))
    yield "weights", "zero start", moments, moved[None]
    changes = [_changes(runs.random_starts, run.params) for run in (runs.random_short, runs.random)]
    ends = np.array([0, runs.random_short.costs.shape[1], CURVE_ITERATIONS])
    yield "weights", "random start", ends, np.stack([np.zeros(runs.seeds), *changes], axis=1)
    saturated = [
        [saturated_fraction(runs.data.X, params) for params in nets]
        for nets in (runs.random_starts, each_network(runs.random.params))
    ]
    yield "saturation", "random start", np.array([0, CURVE_ITERATIONS]), np.array(saturated).T
    yield "scale", "scale 0.01", each, runs.random.costs[:, each]
    yield "scale", "scale 1", each, runs.large.costs[:, each]
    yield "splits", "zero start", moments, np.array([split.zero for split in runs.splits])
    yield "splits", "random start", moments, np.array([split.random for split in runs.splits])


def _changes(starts: list[Params], ends: Params) -> Array:
    """(seeds,) Largest change of a weight."""
    pairs = zip(starts, each_network(ends), strict=True)
    return np.array([max(np.abs(a.W1 - b.W1).max(), np.abs(a.W2 - b.W2).max()) for a, b in pairs])


def evidence_plot(figure: str, curves: pd.DataFrame) -> Plot:
    """Draw one of :data:`FIGURES`.

    Parameters
    ----------
    figure
        Its name.
    curves
        As from :func:`curves_of`, of one table or several.
    """
    frame = curves[curves["figure"] == figure]
    what, label = FIGURES[figure]
    last = int(frame["iteration"].max())
    ends = frame.loc[frame.groupby(["features", "series"], sort=False)["iteration"].idxmax()]
    start = frame.loc[frame.groupby(["features", "series"], sort=False)["iteration"].idxmin()]

    def listed(rows: pd.DataFrame) -> str:
        return "; ".join(
            f"{name} " + " / ".join(rounded(value) for value in part["middle"])
            for name, part in rows.groupby("features", sort=False)
        )

    series = list(dict.fromkeys(frame["series"]))
    claims = [f"“{claim.text.rstrip('.')}”" for claim in CLAIMS if claim.figure == figure]
    return Plot(
        slug=f"claim-{figure}",
        title=f"{what} after {last + 1 if label == COST else last} iterations: {_extremes(start, ends, label)}",
        alt=f"{what} against the iteration, one panel per feature set, one line per start. It begins at "
        f"{listed(start)} and ends at {listed(ends)} ({' / '.join(series)}).",
        data=frame.drop(columns="figure"),
        draw=lambda target: _draw_evidence(target, frame, label),
        note=f"For the claim{'s' if claims[1:] else ''} {', '.join(claims)}. Lines and marks: the median over the "
        "seeds, where the start is random. Shaded areas or bars: 10 % to 90 % of the seeds. Learning rate "
        f"{LAYER_LEARNING_RATE if figure == 'layer' else NETWORK_LEARNING_RATE:g}.",
        height_inches=0.9 + 1.15 * frame["features"].nunique(),
    )


def _extremes(start: pd.DataFrame, ends: pd.DataFrame, label: str) -> str:
    """Say from which start a quantity ends lowest, if it is a cost, or highest, on which feature sets.

    With one start alone, say from where to where it goes.
    """
    if ends["series"].nunique() == 1:
        return ", ".join(
            f"{name} from {rounded(first)} to {rounded(last)}"
            for name, first, last in zip(ends["features"], start["middle"], ends["middle"], strict=True)
        )
    costs = label in (COST, TEST_COST)
    found: dict[str, list[str]] = {}
    for name, part in ends.groupby("features", sort=False):
        values = part.set_index("series")["middle"]
        series, value = (values.idxmin(), values.min()) if costs else (values.idxmax(), values.max())
        words = f"{series} {'lowest' if costs else 'highest'}"
        if np.ptp(values) <= ALIKE * abs(value):
            words = "all starts alike"
        found.setdefault(words, []).append(f"{name} ({rounded(value)})")
    return "; ".join(f"{words} on {', '.join(names)}" for words, names in found.items())


def _draw_evidence(figure: Figure, frame: pd.DataFrame, label: str) -> None:
    tables = list(dict.fromkeys(frame["features"]))
    evenly = label == TEST_COST  # recorded at even distances
    panels = figure.subplots(len(tables), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, tables, strict=True):
        for series, rows in frame[frame["features"] == name].groupby("series", sort=False):
            colour, line, marker = SERIES[str(series)]
            if len(rows) < FEW:  # a line would suggest that there is something between them
                sides = [rows["middle"] - rows["low"], rows["high"] - rows["middle"]]
                axes.errorbar(
                    rows["iteration"],
                    rows["middle"],
                    sides,
                    color=colour,
                    fmt=marker,
                    capsize=3,
                    label=series,
                    clip_on=False,
                )
                continue
            axes.plot(rows["iteration"], rows["middle"], color=colour, linestyle=line, label=series)
            axes.fill_between(rows["iteration"], rows["low"], rows["high"], color=colour, alpha=0.2, linewidth=0)
        axes.set_title(name, parse_math=False)
        if label == SHARE:  # no margin below: a share cannot be negative
            axes.set_ylim(bottom=0)
        if not evenly:
            axes.set_xscale("symlog", linthresh=1)
        high, low = frame.loc[frame["features"] == name, ["high", "low"]].agg({"high": "max", "low": "min"})
        if label == COST and low > 0 and high > 10 * low:
            axes.set_yscale("log")
    figure.supylabel(label, fontsize=9)
    panels[len(panels) // 2].set_ylabel(" ")
    panels[-1].set_xlabel("iteration" if evenly else "iteration (0, then logarithmic)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)

"""The claims ledger: every sentence of the article that can be tested, with its verdict on every feature set."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fastsym.experiments.claims import CLAIMS, Verdict
from fastsym.report.content import Link, Plot, Section, Table, rounded
from fastsym.report.results import Results
from fastsym.report.style import BLUE, GREEN, INK, MUTED, VERMILLION

MARKS = {
    "true": (BLUE, "✓ true"),
    "false": (VERMILLION, "✗ false"),
    "undecided": (MUTED, "? undecided"),
    "not applicable": (MUTED, "– n/a"),
}
SERIES = {
    "zero start": (BLUE, "-", "o"),
    "random start": (VERMILLION, "--", "s"),
    "constant start": (GREEN, "-.", "^"),
    "scale 0.01": (BLUE, "-", "o"),
    "scale 1": (VERMILLION, "--", "s"),
}
COST, TEST_COST, SHARE = "cost (nats per sample)", "test cost (nats per sample)", "saturated share (0 to 1)"
FEATURE_SETS = (
    "Feature sets: article has all nine columns, raw, with PassengerId, a row number; no_id the other eight, raw; "
    "standardised those with mean 0 and variance 1."
)
FEW = 5
LETTERS = 34
"""In a line of the figure of all verdicts."""
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


def claims(results: Results) -> Section:
    """Set out all verdicts and the runs behind them."""
    verdicts = results.verdicts
    tables = list(dict.fromkeys(verdict.features for verdict in verdicts))
    counts = ", ".join(f"{sum(v.verdict == mark for v in verdicts)} {mark}" for mark in MARKS)
    summary = "Of the article's claims, " + ", ".join(
        f"{sum(v.verdict == 'true' for v in verdicts if v.features == name)} of {len(CLAIMS)} are true on {name}"
        for name in tables
    )
    by_key = {(v.claim, v.features): v for v in verdicts}
    untrue = [claim.number for claim in CLAIMS if all(by_key[claim.number, name].verdict == "false" for name in tables)]
    everywhere = f" False{' on each' * (len(tables) > 1)}: claims {', '.join(map(str, untrue))}." if untrue else ""
    plot = Plot(
        slug="claims",
        title=f"Of {len(verdicts)} verdicts, {counts}",
        alt="A table of claims by feature set. "
        + " ".join(
            f"Claim {claim.number}: "
            + ", ".join(f"{_marked(by_key[claim.number, name])} ({name})" for name in tables)
            + "."
            for claim in CLAIMS
        ),
        data=pd.DataFrame(
            [{"claim": c.number, "text": c.text} | {t: by_key[c.number, t].verdict for t in tables} for c in CLAIMS]
        ),
        draw=lambda figure: _draw_grid(figure, by_key, tables),
        note="Every verdict is computed from the runs of this report. Words carry the verdict; colour only repeats it. "
        "* Another reasonable threshold would give another verdict: see the ledger.",
        height_inches=6.2,
    )
    seeds = results.settings.claim_seeds
    return Section(
        "claims",
        "The claims ledger",
        f"{summary}.{everywhere}",
        (
            f"Where chance enters, a claim counts as true if it holds in most of {seeds} seeds: the exact 95 % "
            "interval of the probability lies above one half. It is false if the interval lies below, and undecided "
            "otherwise. Where the article gives no number, the threshold is ours; the reason says whether another one "
            "in a reasonable range would give another verdict, and a star marks that in the figure.",
            *([] if results.own else [FEATURE_SETS]),
            plot,
            _ledger(verdicts, results),
            _numbers(verdicts),
            *(_evidence(figure, results.claim_curves) for figure in FIGURES),
        ),
    )


def _marked(verdict: Verdict) -> str:
    return f"{verdict.verdict} *" if verdict.hinges else verdict.verdict


def _draw_grid(figure: Figure, by_key: dict[tuple[int, str], Verdict], tables: list[str]) -> None:
    axes = figure.subplots()
    for row, claim in enumerate(CLAIMS):
        for column, name in enumerate(tables):
            verdict = by_key[claim.number, name]
            colour, mark = MARKS[verdict.verdict]
            mark += " *" if verdict.hinges else ""
            axes.add_patch(Rectangle((column, row), 0.96, 0.9, facecolor=colour, alpha=0.22, edgecolor=colour))
            axes.text(column + 0.48, row + 0.45, mark, ha="center", va="center", color=INK)
    axes.set_xlim(0, len(tables))
    axes.set_ylim(len(CLAIMS), 0)
    axes.set_xticks([column + 0.48 for column in range(len(tables))], tables)
    axes.set_yticks([row + 0.45 for row in range(len(CLAIMS))])
    axes.set_yticklabels([fill(f"{claim.number}. {claim.text}".rstrip("."), LETTERS) for claim in CLAIMS], fontsize=8)
    axes.set_xlabel("feature set")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _ledger(verdicts: tuple[Verdict, ...], results: Results) -> Table:
    by_number = {claim.number: claim for claim in CLAIMS}
    rows = []
    for verdict in sorted(verdicts, key=lambda v: v.claim):
        claim = by_number[verdict.claim]
        low, high = verdict.interval or (None, None)
        rows.append(
            {
                "claim": f"{claim.number}. {claim.text}",
                "features": verdict.features,
                "verdict": verdict.verdict,
                "figure": _link(claim.figure, results),
                "reason": verdict.reason,
                "95 % interval": ""
                if low is None or high is None
                else f"{rounded(low)} to {rounded(high)}, {verdict.interval_of}",
            }
        )
    caption = "Claims and verdicts; costs in nats per sample, times in iterations"
    return Table("claims-ledger", caption, pd.DataFrame(rows), wraps=("claim", "reason", "95 % interval"))


def _numbers(verdicts: tuple[Verdict, ...]) -> Table:
    rows = [(v.claim, v.features, name, value) for v in verdicts for name, value in v.numbers.items()]
    frame = pd.DataFrame(rows, columns=["claim", "features", "number", "value"])
    return Table("claims-numbers", "The numbers behind the verdicts", frame, folded=True)


def _link(figure: str, results: Results) -> str | Link:
    if figure in FIGURES:
        return Link(figure, f"figure-claim-{figure}")
    return "" if results.own else Link("published", "published")  # the table of ten iterations


def _evidence(figure: str, curves: pd.DataFrame) -> Plot:
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
    numbers = [str(claim.number) for claim in CLAIMS if claim.figure == figure]
    return Plot(
        slug=f"claim-{figure}",
        title=f"{what} after {last + 1 if label == COST else last} iterations: {_extremes(start, ends, label)}",
        alt=f"{what} against the iteration, one panel a feature set, one line a start. It begins at {listed(start)} "
        f"and ends at {listed(ends)} ({' / '.join(series)}).",
        data=frame.drop(columns="figure"),
        draw=lambda target: _draw_evidence(target, frame, label),
        note=f"For claim{'s' if numbers[1:] else ''} {', '.join(numbers)}. Lines and marks: median over the seeds "
        "where the start is random; shade or bars: 10 % to 90 % of the seeds.",
        height_inches=0.9 + 1.55 * frame["features"].nunique(),
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

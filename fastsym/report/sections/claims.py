"""The claims ledger: every sentence of the article that can be tested, with its verdict on every feature set."""

from dataclasses import dataclass
from textwrap import fill

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fastsym.experiments.article import LAYER_LEARNING_RATE, NETWORK_LEARNING_RATE, STANDARDISED_LEARNING_RATE
from fastsym.experiments.claims import CLAIMS, Runs, Verdict
from fastsym.experiments.claims.thresholds import SAME
from fastsym.report.content import Link, Plot, Section, Table, rounded
from fastsym.report.evidence import FIGURES, curves_of, evidence_plot
from fastsym.report.study import Context, Study
from fastsym.report.style import BLUE, INK, MUTED, VERMILLION

MARKS = {
    "true": (BLUE, "✓ true"),
    "false": (VERMILLION, "✗ false"),
    "undecided": (MUTED, "? undecided"),
    "not applicable": (MUTED, "– n/a"),
}
NAMED = {
    "article": "the article's columns (article)",
    "no_id": "the columns without PassengerId (no_id)",
    "standardised": "the same columns standardised (standardised)",
}
FEATURE_SETS = (
    "There are three feature sets. article has all nine raw columns, including PassengerId, which is a row number. "
    "no_id has the other eight raw columns. standardised has the same eight columns with mean 0 and variance 1."
)
LETTERS = 34
"""In a line of the figure of all verdicts."""


@dataclass(frozen=True)
class Judged:
    """What became of the claims."""

    verdicts: tuple[Verdict, ...]
    """By table, then by claim."""
    curves: pd.DataFrame
    """What they were judged by; see :func:`fastsym.report.evidence.curves_of`."""


def run(context: Context) -> Judged:
    """Judge all claims on each table."""
    verdicts: list[Verdict] = []
    curves = []
    for i, (name, data) in enumerate(context.tables.items()):
        context.tell(i / len(context.tables), name)
        runs = Runs(data, name, context.settings.claim_seeds, is_titanic=context.own is None)
        verdicts += [claim.judge(runs) for claim in CLAIMS]
        curves.append(curves_of(runs))
    return Judged(tuple(verdicts), pd.concat(curves, ignore_index=True))


def render(judged: Judged, context: Context) -> Section:
    """Set out all verdicts and the runs behind them."""
    verdicts = judged.verdicts
    tables = list(dict.fromkeys(verdict.features for verdict in verdicts))
    counts = ", ".join(f"{sum(v.verdict == mark for v in verdicts)} {mark}" for mark in MARKS)
    by_key = {(v.claim, v.features): v for v in verdicts}
    articles = [claim for claim in CLAIMS if not claim.is_added]
    summary = f"Of the article's {len(articles)} claims, " + ", ".join(
        f"{sum(by_key[claim.number, name].verdict == 'true' for claim in articles)} are true on "
        f"{NAMED.get(name, 'your table')}"
        for name in tables
    )
    untrue = [
        f"“{claim.text.rstrip('.')}”"
        for claim in articles
        if all(by_key[claim.number, name].verdict == "false" for name in tables)
    ]
    everywhere = f" False{' on every feature set' * (len(tables) > 1)}: {', '.join(untrue)}." if untrue else ""
    plot = Plot(
        slug="claims",
        title="Verdict on each claim, by feature set",
        alt=f"A table of claims by feature set. Of {len(verdicts)} verdicts, {counts}. "
        + " ".join(
            f"{claim.text} " + ", ".join(f"{_marked(by_key[claim.number, name])} ({name})" for name in tables) + "."
            for claim in CLAIMS
        ),
        data=pd.DataFrame(
            [{"claim": c.number, "text": c.text} | {t: by_key[c.number, t].verdict for t in tables} for c in CLAIMS]
        ),
        draw=lambda figure: _draw_grid(figure, by_key, tables),
        note="Every verdict is computed from the runs of this report. The words give the verdict, and the colours "
        "repeat it. An asterisk (*) means that another reasonable threshold would give another verdict; the ledger has "
        "the reason.",
        height_inches=6.2,
    )
    seeds = context.settings.claim_seeds
    return Section(
        "claims",
        "The claims ledger",
        f"{summary}.{everywhere}",
        (
            f"A claim that depends on chance counts as true if it holds in most of {seeds} seeds, which means that the "
            "exact 95 % interval of its probability lies above one half. It is false if the interval lies below one "
            "half, and undecided otherwise. If the article gives no number, we chose the threshold. The reason then "
            "says whether another threshold in a reasonable range would give another verdict, and an asterisk in the "
            "figure marks such a verdict.",
            f"Two costs count as the same if they differ by at most {100 * SAME.value:g} %. This is stricter than the "
            "article, which calls the final costs of its cases 1 and 2 the same although they differ by 0.17 %.",
            *([] if context.own else [FEATURE_SETS]),
            f"The trainings of the ledger use the article's learning rates on every feature set: "
            f"{NETWORK_LEARNING_RATE:g} for two layers and {LAYER_LEARNING_RATE:g} for one layer. The rate for "
            f"standardised features in the sections on symmetry is {STANDARDISED_LEARNING_RATE:g}, so that they end at "
            "other costs.",
            plot,
            _ledger(verdicts, context.own is None),
            _numbers(verdicts),
            *(evidence_plot(figure, judged.curves) for figure in FIGURES),
        ),
    )


def _marked(verdict: Verdict) -> str:
    return f"{verdict.verdict} *" if verdict.depends_on_threshold else verdict.verdict


def _draw_grid(figure: Figure, by_key: dict[tuple[int, str], Verdict], tables: list[str]) -> None:
    axes = figure.subplots()
    for row, claim in enumerate(CLAIMS):
        for column, name in enumerate(tables):
            verdict = by_key[claim.number, name]
            colour, mark = MARKS[verdict.verdict]
            mark += " *" if verdict.depends_on_threshold else ""
            axes.add_patch(Rectangle((column, row), 0.96, 0.9, facecolor=colour, alpha=0.22, edgecolor=colour))
            axes.text(column + 0.48, row + 0.45, mark, ha="center", va="center", color=INK)
    axes.set_xlim(0, len(tables))
    axes.set_ylim(len(CLAIMS), 0)
    axes.set_xticks([column + 0.48 for column in range(len(tables))], tables)
    axes.set_yticks([row + 0.45 for row in range(len(CLAIMS))])
    axes.set_yticklabels([fill(claim.text.rstrip("."), LETTERS) for claim in CLAIMS], fontsize=8)
    axes.set_xlabel("feature set")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _ledger(verdicts: tuple[Verdict, ...], has_table: bool) -> Table:
    by_number = {claim.number: claim for claim in CLAIMS}
    rows = []
    for verdict in sorted(verdicts, key=lambda v: v.claim):
        claim = by_number[verdict.claim]
        rows.append(
            {
                "claim": f"{claim.number}. {claim.text}",
                "features": verdict.features,
                "verdict": verdict.verdict,
                "figure": _link(claim.figure, has_table),
                "reason": f"{verdict.reason}{_interval(verdict)}",
            }
        )
    caption = "The reason for each verdict; costs in nats per sample, times in iterations"
    return Table("claims-ledger", caption, pd.DataFrame(rows), wraps=("claim", "reason"), folded=True)


def _interval(verdict: Verdict) -> str:
    if verdict.interval is None:
        return ""
    low, high = verdict.interval
    return f" 95 % interval of the {verdict.interval_of}: {rounded(low)} to {rounded(high)}."


def _numbers(verdicts: tuple[Verdict, ...]) -> Table:
    rows = [(v.claim, v.features, name, value) for v in verdicts for name, value in v.numbers.items()]
    frame = pd.DataFrame(rows, columns=["claim", "features", "number", "value"])
    return Table("claims-numbers", "The numbers behind the verdicts", frame, folded=True)


def _link(figure: str, has_table: bool) -> str | Link:
    if figure in FIGURES:
        return Link(figure, f"figure-claim-{figure}")
    return Link("published", "published") if has_table else ""  # the table of ten iterations


STUDY = Study("claims", 100, run, render, seconds=20, in_lesson=True)

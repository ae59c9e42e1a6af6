"""The tables and sentences with numbers in README.md and docs/, written from what was recorded.

    python -m bench.readme            # renews them
    python -m bench.readme --check    # only says whether they are up to date: exit status 1 if not

Each stands between a pair of comments, ``<!-- name -->`` and ``<!-- /name -->``. Every number comes from one file:

===========  ==============  ============================
headline     README          performance.csv, times.csv
speed        README          performance.csv
performance  benchmarks.md   performance.csv
features     benchmarks.md   performance-features.csv
processors   benchmarks.md   processors.csv
choice       benchmarks.md   fast-choice.csv
roofline     benchmarks.md   times.csv
targets      benchmarks.md   targets.csv
playground   benchmarks.md   playground.csv
gate         gate.md         gate/live.csv, gate/rates.csv
rates        README          gate/live.csv, gate/rates.csv
fates        rounding.md     rounding-frameworks.csv
growth       rounding.md     rounding-frameworks.csv
operations   rounding.md     rounding-operations.csv
===========  ==============  ============================
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from bench import ROOT
from bench.compare import YARDSTICKS
from bench.fast_choice import NEAR
from bench.gate_replay import FAILED, as_markdown, live_markdown, percent, share, summary
from bench.peers import PEERS
from bench.rounding import fates, growth, operations
from fastsym._console import markdown_row

HEADLINE_WIDTH = 4
SHOWN_SYSTEMS = ("reference", "numpy", "c_exp", "jax", "torch")
SHOWN_WIDTHS = (4, 64, 1024)
"""What the README shows of the table: on one thread, beside ``simd``."""


def ratio_text(row: pd.Series) -> str:
    """Write a ratio with its 95 % interval."""
    return f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def headline(reports: Path) -> str:
    """Say how many times as long the article's code takes as the quickest variant on one thread."""
    ratios, times = pd.read_csv(reports / "performance.csv"), pd.read_csv(reports / "times.csv")
    chosen = ratios[(ratios["hidden"] == HEADLINE_WIDTH) & (ratios["yardstick"] == "simd")].set_index("system")
    reference, numpy = (ratio_text(chosen.loc[name]) for name in ("reference", "numpy"))
    return (
        f"At {HEADLINE_WIDTH} hidden units, the article's NumPy code takes {reference} times as long as fastsym's "
        f"loops on one thread, and the best NumPy {numpy} times: medians of interleaved runs with their 95 % "
        f"intervals, {times['machine'].iloc[0]} (`reports/performance.csv`).\n"
    )


def speed(reports: Path) -> str:
    """Show the five rows that most readers look for."""
    ratios = pd.read_csv(reports / "performance.csv").query("threads == 1 and yardstick == 'simd'")
    lines = [markdown_row(["", *(f"H = {hidden}" for hidden in SHOWN_WIDTHS)]), "|---" * (1 + len(SHOWN_WIDTHS)) + "|"]
    for name in SHOWN_SYSTEMS:
        row = ratios[ratios["system"] == name].set_index("hidden")
        lines.append(markdown_row([title_of(name), *(ratio_text(row.loc[hidden]) for hidden in SHOWN_WIDTHS)]))
    return "\n".join(lines) + "\n"


def title_of(system: str) -> str:
    """Name a system as a reader knows it."""
    own = {"reference": "the article's NumPy code", "numpy": "the best NumPy"}
    return PEERS[system].title if system in PEERS else own.get(system, system)


def performance(reports: Path) -> str:
    """Show how many times as long each system takes as the yardstick with as many threads, by width."""
    return _systems(pd.read_csv(reports / "performance.csv"), "hidden", "H")


def features(reports: Path) -> str:
    """Show the same by number of features."""
    return _systems(pd.read_csv(reports / "performance-features.csv"), "features", "D")


def _systems(ratios: pd.DataFrame, column: str, letter: str) -> str:
    sizes = sorted(ratios[column].unique())
    lines = [markdown_row(["", "over", *(f"{letter} = {size}" for size in sizes)]), "|---" * (2 + len(sizes)) + "|"]
    for threads, yardstick in enumerate(YARDSTICKS, start=1):
        rows = ratios[(ratios["threads"] == threads) & (ratios["yardstick"] == yardstick)]
        for name, group in rows.groupby("system", sort=False):
            title = PEERS[name].title if name in PEERS else name
            texts = group.set_index(column).apply(ratio_text, axis=1).reindex(sizes, fill_value="")
            lines.append(markdown_row([title if threads == 1 else f"{title}, {threads} threads", yardstick, *texts]))
    return "\n".join(lines) + "\n"


def processors(reports: Path) -> str:
    """Show how many times as long ``fused`` takes as ``simd``, in code for this processor and for AVX2."""
    table = pd.read_csv(reports / "processors.csv")
    widths = sorted(table["hidden"].unique())
    lines = [markdown_row(["code for", "", *(f"H = {hidden}" for hidden in widths)]), "|---" * (2 + len(widths)) + "|"]
    for (processor, dtype), rows in table.groupby(["processor", "dtype"], sort=False):
        target = {"host": "this processor", "haswell": "AVX2 (haswell)"}.get(processor, processor)
        by_width = rows.set_index("hidden")
        lines.append(markdown_row([target, dtype, *(ratio_text(by_width.loc[hidden]) for hidden in widths)]))
    return "\n".join(lines) + "\n"


def choice(reports: Path) -> str:
    """Say how near ``fast`` comes to the quickest variant, at sizes drawn by chance."""
    table = pd.read_csv(reports / "fast-choice.csv")
    chosen = table[table["chosen"]]
    two = chosen[chosen["hidden"] > 0]
    near, far = (two["share"] >= NEAR).sum(), two[two["share"] < NEAR]
    size = list(two.columns[: two.columns.get_loc("variant")])
    best = table.loc[table.groupby(size)["share"].idxmax()].set_index(size)["variant"]
    quicker = best.loc[pd.MultiIndex.from_frame(far[size])].value_counts()
    others = ", ".join(f"`{name}` at {count}" for name, count in quicker.items())
    layer = chosen[chosen["hidden"] == 0]
    text = (
        f"At {near} of {len(two)} sizes of two-layer nets, drawn by chance from H = 1 to 4096, T = 1 to 3000, D = 1 to "
        "200 and M = 10 to 100,000 as far as an iteration takes at most a tenth of a second (and T cut to what does), "
        "it takes at most 7 % longer than the quickest of all variants"
    )
    if len(far):
        text += (
            f". At the others it takes {(1 / far['share']).median():.2f} times as long in the median and "
            f"{(1 / far['share']).max():.2f} times at most; quicker there is {others}"
        )
    if len(layer):
        text += f". Of the one-layer net it does at {(layer['share'] >= NEAR).sum()} of {len(layer)} sizes"
    return f"{text} (`reports/fast-choice.csv`).\n"


def roofline(reports: Path) -> str:
    """Say which part of the roofline the quickest variant on one thread reaches."""
    times = pd.read_csv(reports / "times.csv").query("system == 'simd'")
    parts = [f"{row.roofline_fraction:.0%} at H = {row.hidden}".replace("%", " %") for row in times.itertuples()]
    return f"`simd` reaches {', '.join(parts[:-1])} and {parts[-1]} (`reports/times.csv`).\n"


def targets(reports: Path) -> str:
    """Say what short calls, precision and populations are worth."""
    table = pd.read_csv(reports / "targets.csv")
    single = table[table["measure"] == "float32"]
    population = table[table["measure"] == "population"].iloc[0]
    by_width = ", ".join(f"{ratio_text(row)} at H = {row['hidden']}" for _, row in single.iterrows())
    calls = table[table["measure"] == "calls"]
    by_length = ", ".join(f"{ratio_text(row)} at T = {row['iterations']}" for _, row in calls.iterrows())
    return (
        f"At H = 4, `reference` takes as many times as long as `fast`, by the iterations T of a call: {by_length}. "
        f"`simd` in float64 takes as many times as long as in float32: {by_width}. `reference` takes "
        f"{ratio_text(population)} times as long one by one as a population of 1,000 nets of {population['hidden']} "
        f"units on {population['threads']} threads (`reports/targets.csv`).\n"
    )


def gate(reports: Path) -> str:
    """Show how often the performance gate reports a slowdown, once that is recorded: in a sentence and two tables."""
    live, rates = (_read_if_there(reports / "gate" / name) for name in ("live.csv", "rates.csv"))
    if live is None and rates is None:
        return "Its error rates are not recorded yet.\n"
    tables = [] if live is None else [f"Whole live runs, with exact binomial limits:\n\n{live_markdown(live)}"]
    tables += [] if rates is None else [f"Decisions replayed on recorded processes:\n\n{as_markdown(rates)}"]
    return "\n".join([f"{summary(live, rates)}\n", *tables])


def rates(reports: Path) -> str:
    """Say in a line how often the performance gate is right on the study's suite, on a quiet machine."""
    live, table = (_read_if_there(reports / "gate" / name) for name in ("live.csv", "rates.csv"))
    if live is None or table is None:
        return "Its error rates are not recorded yet.\n"
    rows = table.query("suite == 'suite' and condition == 'quiet'").set_index("slowdown_nominal")
    five, ten = (percent(*rows.loc[size, ["rate", "low", "high"]]) for size in (0.05, 0.1))
    whole = live[live["outcome"] != FAILED]
    alarms, limit = int(whole["false_alarm"].sum()), 100 * share(int(whole["false_alarm"].sum()), len(whole))[2]
    return (
        f"With 50 tests, in 180 s on a quiet machine, it finds a slowdown of one test by 5 % in {five} of runs and by "
        f"10 % in {ten} (replayed runs, `reports/gate/rates.csv`). False alarms in live runs: {alarms} of {len(whole)} "
        f"(95 % limit {limit:.0f} %).\n"
    )


def _read_if_there(path: Path) -> pd.DataFrame | None:
    return pd.read_csv(path) if path.is_file() else None


def playground(reports: Path) -> str:
    """Say how long a move of a slider takes to be drawn."""
    table = pd.read_csv(reports / "playground.csv").query("quantity == 'drawn'")
    moves = [
        f"{row.within:.0%} of {row.moves} moves within {row.limit_ms:.0f} ms at H = {row.hidden} "
        f"({row.features}, {row.dtype}; median {row.median_ms:.0f} ms)".replace("%", " %")
        for row in table.itertuples()
    ]
    return f"{'; '.join(moves)} (`reports/playground.csv`).\n"


PAGES: dict[str, tuple[Callable[[Path], str], ...]] = {
    "README.md": (headline, speed, rates),
    "docs/benchmarks.md": (performance, features, processors, choice, roofline, targets, playground),
    "docs/gate.md": (gate,),
    "docs/rounding.md": (fates, growth, operations),
}


def renewed(page: str, text: str, reports: Path) -> str:
    """Put what was recorded between the comments of a Markdown text.

    Raises
    ------
    ValueError
        If a pair of comments is not there exactly once.
    """
    for block in PAGES[page]:
        name, content = block.__name__, block(reports)
        pattern = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)
        text, count = pattern.subn(lambda _, content=content: content, text)
        if count != 1:
            raise ValueError(f"{page}: expected <!-- {name} --> and <!-- /{name} --> once; got {count}; add them")
    return text


def main(check: Annotated[bool, typer.Option("--check", help="Change nothing.")] = False) -> None:
    """Write the tables of README.md and docs/ from the files in reports/."""
    late = False
    for page in PAGES:
        path = ROOT / page
        before = path.read_text(encoding="utf-8")
        after = renewed(page, before, ROOT / "reports")
        if after == before:
            continue
        late = True
        if check:
            typer.echo(f"{path}: not up to date with reports/; run python -m bench.readme", err=True)
        else:
            path.write_text(after, encoding="utf-8")
    if check and late:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)

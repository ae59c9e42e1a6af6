"""Replays the gate's decisions on recorded processes, and counts how often they are right.

Nothing here starts a process: what :mod:`bench.gate_study` recorded is drawn from, and judged by the gate's own rules.
Each recorded group holds one fresh process of the base, of the control and of a head for every amount of extra work.
A replayed run draws as many groups as its plan has triples, without returning any; the head is slower in one test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from bench.gate_trees import EFFECTS
from fastsym._console import Tell, markdown_row
from fastsym.regression.decision import MOST_KEPT, Decision, Kept, decide, screen
from fastsym.regression.triples import LABELS, Sample
from fastsym.timing.stats import median_interval

BAR = 0.02
SCREENING, CONFIRMATION, PANEL = 6, 30, 20
"""About what a live run of 180 s has time for on the study's suite."""
FAILED = "failed"
"""Outcome of a live run that ended with an error of its own."""
RESAMPLES = 30
"""Of the recorded groups, for the intervals."""


class StudyError(RuntimeError):
    """The study cannot go on; the message says why and what to do."""


def label_of(effect: float) -> str:
    """Name the side that does so much extra work."""
    return f"slow-{100 * effect:02.0f}"


def read_groups(path: Path) -> pd.DataFrame:
    """Read a recording's whole groups: the last one may have been cut off.

    Raises
    ------
    StudyError
        If there is none.
    """
    if not path.exists():
        raise StudyError(f"{path}: expected a recording; got none; record one first")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    head = lines[0].strip().split(",")
    whole = [line.strip().split(",") for line in lines[1:] if line.endswith("\n")]
    table = pd.DataFrame(whole, columns=head)
    table = table.astype({"triple": int, "processor_seconds": float, "own_seconds": float, "wall_seconds": float})
    counts = table.groupby("triple").size()
    return table[table["triple"].map(counts) == counts.max()]


class Groups:
    """A recording, ready to be drawn from."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.tests = tuple(dict.fromkeys(table["test"]))
        self.numbers = np.array(sorted(table["triple"].unique()))
        self._rows: dict[tuple[int, str, str], tuple[float, float, float]] = {
            (row.triple, row.test, row.label): (row.processor_seconds, row.own_seconds, row.wall_seconds)
            for row in table.itertuples()
        }

    def samples(
        self, groups: Sequence[int], tests: Sequence[str], heads: Mapping[str, float], stage: str, first: int
    ) -> list[Sample]:
        """Take samples of some tests; ``heads``: test -> extra work, none of the others."""
        found = []
        for number, group in enumerate(groups, first):
            for test in tests:
                sides = (*LABELS[:2], label_of(heads.get(test, 0.0)))
                for label, side in zip(LABELS, sides, strict=True):
                    if (group, test, side) in self._rows:
                        found.append(Sample(stage, number, test, label, *self._rows[group, test, side]))
        return found


def replay(groups: Groups, heads: Mapping[str, float], drawn: Sequence[int], rng: np.random.Generator) -> Decision:
    """Decide as a live run would that recorded these groups, one after the other.

    Parameters
    ----------
    groups
        The recording.
    heads
        Test -> extra work.
    drawn
        Numbers of groups: those of the screening first.
    rng
        Draws the panel.
    """
    if len(groups.tests) <= MOST_KEPT:
        kept = Kept(groups.tests, groups.tests, len(groups.tests) > 1, groups.tests)
        confirmation = groups.samples(drawn[-CONFIRMATION:], groups.tests, heads, "confirmation", 0)
        return decide([], confirmation, kept, BAR, CONFIRMATION)
    screening = groups.samples(drawn[:SCREENING], groups.tests, heads, "screening", 0)
    kept = screen(screening, BAR)
    if kept.everything:
        panel = rng.choice(groups.tests, min(PANEL, len(groups.tests)), replace=False)
        kept = replace(kept, panel=tuple(map(str, panel)))
    confirmation = groups.samples(
        drawn[SCREENING : SCREENING + CONFIRMATION], kept.tests, heads, "confirmation", SCREENING
    )
    return decide(screening, confirmation, kept, BAR, CONFIRMATION)


def rates_of(table: pd.DataFrame, condition: str, suite: str, runs: int, tell: Tell) -> list[dict[str, object]]:
    """Replay runs for every amount of extra work: one row of the table each.

    Intervals are of a bootstrap over the recorded groups, because replayed runs share them; where no run, or every run,
    says slower, that of the binomial distribution as if there were as many runs as the recording has whole ones.
    """
    groups = Groups(table)
    needed = CONFIRMATION + (SCREENING if len(groups.tests) > MOST_KEPT else 0)
    if len(groups.numbers) < needed:
        raise StudyError(f"{condition}: expected at least {needed} groups; got {len(groups.numbers)}; record more")
    rows = []
    for index, effect in enumerate(EFFECTS):
        tell(index / len(EFFECTS), f"replaying {suite}, {condition}, {effect:.0%}")
        rng = np.random.default_rng(index)
        right, wrong, blind = _count(groups, groups.numbers, needed, effect, runs, rng)
        resampled = []
        for _ in range(RESAMPLES):
            numbers = rng.choice(groups.numbers, len(groups.numbers))
            counts = _count(groups, numbers, needed, effect, max(1, runs // 5), rng)
            resampled.append((counts[0] if effect else counts[1]) / max(1, runs // 5))
        detected = right if effect else wrong
        low, high = np.quantile(resampled, (0.025, 0.975))
        exact = share(round(detected / runs * (len(groups.numbers) // needed)), len(groups.numbers) // needed)
        if detected in (0, runs):
            low, high = min(low, exact[1]), max(high, exact[2])
        rows.append(
            {"suite": suite, "condition": condition, "slowdown_nominal": effect}
            | dict(zip(("slowdown_actual", "actual_low", "actual_high"), actual_effect(table, effect), strict=True))
            | {"decisions": runs, "detected": detected}
            | {"false_alarms": wrong, "cannot_judge": blind, "disjoint": len(groups.numbers) // needed}
            | {"rate": detected / runs, "low": float(low), "high": float(high), "groups": len(groups.numbers)}
        )
    return rows


def _count(
    groups: Groups, numbers: np.ndarray, needed: int, effect: float, runs: int, rng: np.random.Generator
) -> tuple[int, int, int]:
    """Count runs that name the slowed test, that name another, and that cannot judge."""
    right = wrong = blind = 0
    for _ in range(runs):
        test = str(rng.choice(groups.tests))
        drawn = rng.choice(numbers, needed, replace=len(numbers) < needed).tolist()
        decision = replay(groups, {test: effect}, drawn, rng)
        named = {case.name for case in decision.cases if case.verdict == "slower"}
        right += test in named and effect > 0
        wrong += bool(named - ({test} if effect else set()))
        blind += decision.outcome == "cannot judge"
    return right, wrong, blind


def actual_effect(table: pd.DataFrame, effect: float) -> tuple[float, float, float]:
    """Measure how much slower a head really is, by processor time: the median over tests and groups, and its ends."""
    wide = table.pivot_table(index=["triple", "test"], columns="label", values="processor_seconds")
    logs = np.log(wide[label_of(effect)]) - np.log(wide[list(LABELS[:2])]).mean(axis=1)
    by_group = logs.groupby("triple").median().to_numpy()
    low, high = median_interval(by_group)
    return float(np.expm1(np.median(by_group))), float(np.expm1(low)), float(np.expm1(high))


def share(count: int, of: int) -> tuple[float, float, float]:
    """Rate with its exact binomial (Clopper-Pearson) 95 % interval."""
    interval = binomtest(count, of).proportion_ci(0.95, method="exact")
    return count / of, float(interval.low), float(interval.high)


def as_markdown(rates: pd.DataFrame) -> str:
    """Show the table of rates, with their intervals."""
    suites = ["suite"] if "suite" in rates else []
    heads = (*suites, "condition", "extra work, measured", "runs that say slower", "cannot judge", "decisions")
    lines = [markdown_row([*heads, "of these disjoint"]), "|---" * (len(heads) + 1) + "|"]
    lines += [
        markdown_row(
            [
                *(row[name] for name in (*suites, "condition")),
                percent(row["slowdown_actual"], row["actual_low"], row["actual_high"]),
                percent(row["rate"], row["low"], row["high"]),
                *(str(row[name]) for name in ("cannot_judge", "decisions", "disjoint")),
            ]
        )
        for row in rates.to_dict("records")
    ]
    return "\n".join(lines) + "\n"


def percent(share: float, low: float, high: float) -> str:
    """Write a share with its interval."""
    middle, *ends = (f"{round(100 * value, 1) + 0.0:.1f}" for value in (share, low, high))  # never -0.0
    return f"{middle} % ({' to '.join(ends)})"


def live_markdown(live: pd.DataFrame) -> str:
    """Sum live runs up, with exact intervals; runs that failed are only counted."""
    heads = ("suite", "condition", "extra work", "seconds", "live runs", "say slower (95 %)", "false alarms (95 %)")
    lines = [markdown_row([*heads, "cannot judge", "failed"]), "|---" * (len(heads) + 2) + "|"]
    for (suite, condition, effect, budget), rows in live.groupby(["suite", "condition", "effect", "budget"]):
        whole = rows[rows["outcome"] != FAILED]
        found = whole["found"] if effect else whole["outcome"] == "slower"
        counts = [f"{int(column.sum())} of {len(whole)}" for column in (found, whole["false_alarm"])]
        if len(whole):
            ends = [share(int(column.sum()), len(whole))[1:] for column in (found, whole["false_alarm"])]
            counts = [f"{text} ({low:.0%} to {high:.0%})" for text, (low, high) in zip(counts, ends, strict=True)]
        blind = int((whole["outcome"] == "cannot judge").sum())
        cells = (suite, condition, f"{effect:.0%}", f"{budget:.0f}", len(whole), *counts, blind, len(rows) - len(whole))
        lines.append(markdown_row(map(str, cells)))
    return "\n".join(lines) + "\n"


def summary(live: pd.DataFrame | None, rates: pd.DataFrame | None) -> str:
    """Say in a sentence or two how often the gate is right on the study's suite."""
    parts = []
    if live is not None:
        whole = live[live["outcome"] != FAILED]
        same = whole[whole["effect"] == 0]
        if len(same):
            high = share(int(same["false_alarm"].sum()), len(same))[2]
            parts.append(
                f"{int(same['false_alarm'].sum())} false alarms in {len(same)} (95 % limit {100 * high:.0f} %)"
            )
        for effect, rows in whole[whole["effect"] > 0].groupby("effect"):
            parts.append(f"a slowdown by {100 * effect:g} % found in {int(rows['found'].sum())} of {len(rows)}")
    text = f"Whole live runs: {', '.join(parts)}." if parts else ""
    if rates is not None:
        parts = []
        for (suite, condition), rows in rates.groupby(["suite", "condition"], sort=False):
            named = [
                f"{percent(row['rate'], row['low'], row['high'])} at {100 * row['slowdown_nominal']:g} %"
                for row in rows.to_dict("records")
                if row["slowdown_nominal"] in (0.0, 0.05, 0.1)
            ]
            parts.append(f"{suite}, {condition}: {', '.join(named)}")
        text += f" Replayed runs that say slower, {'; '.join(parts)}."
    return text.strip()

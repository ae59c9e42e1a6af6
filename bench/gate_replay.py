"""Replays the gate's decisions on a recording of slots, and counts how often they are right.

Nothing here starts a process: what :mod:`bench.gate_study` recorded is read, cut into windows as long as a live run's
budget, and decided by the gate's own rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from bench.gate_trees import LABELS, REPEATED
from fastsym._console import Tell, markdown_row
from fastsym.regression.cells import CELLS
from fastsym.regression.decision import LEAST_SLOTS, Decision, decide, enough
from fastsym.regression.runner import RERUN_SHARE, Settings
from fastsym.timing.stats import paired_ratio

HEADS = tuple(REPEATED)
DEFAULT = CELLS[0].name
"""The default kernel; the others are slowed too, so a run can be right for another reason."""
BUDGET_SECONDS = Settings().budget_seconds
PREPARING_SECONDS = 30.0
"""Allowance, out of the budget, for checking out, compiling and certifying before a live run's first slot."""
WANTED_DECISIONS = 100
NOTE = (
    "Replayed on contiguous windows of recorded slots, not run from scratch. Neighbouring windows share most of their "
    "slots, so the decisions are not independent and the true uncertainty is larger than the intervals (exact "
    "binomial, 95 %, as if independent); disjoint is how many windows share nothing."
)


class StudyError(RuntimeError):
    """The study cannot go on; the message says why and what to do."""


def recording(out: Path, condition: str) -> Path:
    """Path of a condition's slots."""
    return out / f"{condition}.csv"


def read_slots(path: Path) -> pd.DataFrame:
    """Read a recording's whole slots."""
    return pd.read_csv(StringIO("".join(whole_lines(path))))


def whole_lines(path: Path) -> list[str]:
    """Lines of a recording without a last slot that was cut off: only appending can have been interrupted."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        del lines[-1]
    rows = len(LABELS) * len(CELLS)
    return lines[: 1 + max(0, len(lines) - 1) // rows * rows]


def nominal(label: str) -> float:
    """Slowdown that a head's name promises."""
    return int(label.removeprefix("slow-")) / 100


@dataclass(frozen=True)
class Window:
    """How many slots a live run has time for."""

    first: int
    """Before the re-run, at most."""
    total: int


def live_window(slot_seconds: list[float]) -> Window:
    """Convert the budget to slots: what is left of it after preparing, by the median time of a three-process slot."""
    if not slot_seconds:
        raise StudyError("live_slot_seconds: expected some; got none; record until the command ends by itself once")
    total = (BUDGET_SECONDS - PREPARING_SECONDS) / float(np.median(slot_seconds))
    return Window(int((1 - RERUN_SHARE) * total), int(total))


def replay(slots: pd.DataFrame, head: str, start: int, window: Window) -> tuple[Decision, int]:
    """Decide as the live gate would that records these slots: one after the other, until they are enough.

    Parameters
    ----------
    slots
        A recording, sorted by slot.
    head
        Label to take as the head.
    start
        Number of the first slot.
    window
        The re-run takes the slots that follow, of the flagged cells.

    Returns
    -------
    tuple
        The decision, and how many slots it took before the re-run.
    """
    rows = slots[slots["label"].isin(["base", "again", head]) & (slots["slot"] >= start)]
    rows = rows.assign(label=rows["label"].replace(head, "head"))

    def collect(names: Sequence[str], first: int, limit: int) -> tuple[int, pd.DataFrame]:
        chosen = rows[rows["cell"].isin(names)]
        for count in range(LEAST_SLOTS, limit + 1):
            part = chosen[chosen["slot"].between(first, first + count - 1)]
            if count == limit or enough(part):
                return count, part
        return 0, chosen.iloc[:0]

    used, part = collect([cell.name for cell in CELLS], start, window.first)
    return decide(part, lambda names: collect(names, start + used, window.total - used)[1]), used


def rates_of(slots: pd.DataFrame, condition: str, window: Window, tell: Tell) -> list[dict[str, object]]:
    """Replay every window of a recording for every head: one row of the table each."""
    windows = range(slots["slot"].nunique() - window.total + 1)
    default = slots[slots["cell"] == DEFAULT].pivot(index="slot", columns="label", values="seconds_per_iteration")
    rows = []
    for index, head in enumerate(HEADS):
        tell(index / len(HEADS), f"replaying {condition}, {head}")
        replayed = [replay(slots, head, start, window) for start in windows]
        outcomes = [decision.outcome for decision, _ in replayed]
        found = [any(c.name == DEFAULT and c.verdict == "slower" for c in decision.cells) for decision, _ in replayed]
        actual = paired_ratio(default[head], default["base"])
        whole, cell = share(outcomes.count("slower"), len(windows)), share(sum(found), len(windows))
        disjoint = outcomes[:: window.total]
        rows.append(
            {"condition": condition, "slowdown_nominal": nominal(head), "slowdown_actual": actual.ratio - 1}
            | {"actual_low": actual.low - 1, "actual_high": actual.high - 1, "decisions": len(windows)}
            | {"detected": outcomes.count("slower")}
            | dict(zip(("rate", "low", "high"), whole, strict=True))
            | {"default_detected": sum(found)}
            | dict(zip(("default_rate", "default_low", "default_high"), cell, strict=True))
            | {"cannot_judge": outcomes.count("cannot judge"), "disjoint": len(disjoint)}
            | {"disjoint_detected": disjoint.count("slower")}
            | {"median_slots": float(np.median([used for _, used in replayed]))}
            | {"most_slots": window.first, "with_rerun": window.total}
        )
    return rows


def share(count: int, of: int) -> tuple[float, float, float]:
    """Rate with its exact binomial (Clopper-Pearson) 95 % interval."""
    interval = binomtest(count, of).proportion_ci(0.95, method="exact")
    return count / of, float(interval.low), float(interval.high)


def as_markdown(rates: pd.DataFrame) -> str:
    """Show the table of rates, with exact binomial intervals."""
    heads = ("condition", "extra work, measured", "runs that say slower", "the default kernel slower")
    lines = [markdown_row([*heads, "cannot judge", "decisions", "of these disjoint"]), "|---" * 7 + "|"]
    lines += [
        markdown_row(
            [
                row["condition"],
                percent(row["slowdown_actual"], row["actual_low"], row["actual_high"]),
                percent(row["rate"], row["low"], row["high"]),
                percent(row["default_rate"], row["default_low"], row["default_high"]),
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


def compare_with_replay(live: pd.DataFrame, rates: Path) -> str:
    """Put what live runs said beside the rates of the replay; a rate inside the live interval agrees."""
    replayed = pd.read_csv(rates) if rates.exists() else pd.DataFrame(columns=["condition", "slowdown_nominal", "rate"])
    lines = []
    for (condition, head), rows in live.groupby(["condition", "head"]):
        count = int((rows["outcome"] == "slower").sum())
        rate, low, high = share(count, len(rows))
        text = f"{condition}, {head}: {count} of {len(rows)} live runs say slower ({rate:.0%}; {low:.0%} to {high:.0%})"
        fitting = (replayed["condition"] == condition) & (replayed["slowdown_nominal"] == nominal(head))
        for expected in replayed.loc[fitting, "rate"]:
            agrees = "agrees" if low <= expected <= high else "DISAGREES"
            text += f"; the replay, {expected:.1%}, {agrees}"
        lines.append(text)
    return "\n".join(lines)

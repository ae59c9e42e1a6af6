"""What a run of the gate found: as a table on the terminal, as Markdown, as JSON."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.table import Column, Table

from fastsym._console import markdown_escape, markdown_row
from fastsym.regression.findings import Report, Revision
from fastsym.timing.stats import Ratio

HEADINGS = ("cell", "base", "head / base - 1 (95 %)", "noise floor", "p", "re-run", "pairs", "verdict")
CHANGES_SHOWN = 5


def change(ratio: Ratio | None) -> str:
    """Write a ratio of times as a change in percent with its interval."""
    if ratio is None:
        return ""
    return f"{ratio.ratio - 1:+.1%} ({ratio.low - 1:+.1%} to {ratio.high - 1:+.1%})"


def rows(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield the table's rows, as text; the slowest first."""
    if report.decision is None:
        return
    base = report.slots[report.slots["label"] == "base"].groupby("cell")["seconds_per_iteration"].median()
    for cell in sorted(report.decision.cells, key=lambda cell: cell.ratio.ratio, reverse=True):
        yield (
            cell.name,
            f"{1e6 * base[cell.name]:.3g} us",
            change(cell.ratio),
            f"{cell.noise_floor:.1%}",
            f"{cell.p_value:.2g}",
            change(cell.rerun),
            str(cell.pairs),
            cell.verdict,
        )


def side(label: str, revision: Revision | None) -> str:
    """Name one side in a line."""
    if revision is None:
        return f"{label}: not known"
    if not revision.changed:
        return f"{label}: {revision.title}"
    shown = ", ".join(revision.changed[:CHANGES_SHOWN]) + (", ..." if len(revision.changed) > CHANGES_SHOWN else "")
    return f"{label}: {revision.title}, with {len(revision.changed)} files changed since: {shown}"


def certified(report: Report) -> Iterator[str]:
    """Say of each side how it was checked."""
    for label, found in report.certificates.items():
        passed = [name for name, certificate in found.items() if certificate is not None and certificate["passed"]]
        if passed:
            yield f"{label}: certified {', '.join(passed)}"


def lines(report: Report) -> Iterator[str]:
    """Yield all that is not in the table, a line each."""
    yield side("base", report.base)
    yield side("head", report.head)
    yield from certified(report)
    for note in report.notes:
        yield f"note: {note}"
    yield from _differences(report)
    if report.machine:
        yield f"machine: {report.machine['cpu']}, {report.machine['cores']} processors, {report.machine['system']}"
    yield f"{report.seconds:.0f} s, seed {report.seed}"


def _differences(report: Report) -> Iterator[str]:
    for difference in report.differences:
        if difference.fails:
            yield f"generated code: {difference}"
    harmless = [difference for difference in report.differences if not difference.fails]
    if harmless:
        more = f", and {len(harmless) - 1} more" if len(harmless) > 1 else ""
        yield f"generated code, no failure: {harmless[0]}{more}; all are in the JSON, and --explain shows both sides"


def verdict(report: Report) -> str:
    """Say how the run ended, in a line."""
    return f"{report.outcome}: {report.reason}"


def table(report: Report) -> Table:
    """Make the table for a terminal."""
    whole = HEADINGS[0], HEADINGS[-1]
    made = Table(*(Column(heading, overflow="fold", no_wrap=heading in whole) for heading in HEADINGS))
    for row in rows(report):
        made.add_row(*row)
    return made


def markdown(report: Report) -> str:
    """Make a page of Markdown; the same that a step of GitHub Actions shows as its summary."""
    text = ["### Performance gate", "", f"**{markdown_escape(report.outcome)}**: {markdown_escape(report.reason)}", ""]
    found = list(rows(report))
    if found:
        text += [markdown_row(HEADINGS), "|" + " --- |" * len(HEADINGS), *map(markdown_row, found), ""]
    text += [f"- {markdown_escape(line)}" for line in lines(report)]
    return "\n".join(text) + "\n"


def as_json(report: Report) -> str:
    """Serialise all that is known, the raw times included. What is not finite is null."""
    content = {
        "outcome": report.outcome,
        "reason": report.reason,
        "exit_status": report.exit_status,
        "base": None if report.base is None else asdict(report.base),
        "head": None if report.head is None else asdict(report.head),
        "seed": report.seed,
        "seconds": report.seconds,
        "machine": report.machine,
        "notes": report.notes,
        "certificates": report.certificates,
        "differences": [asdict(difference) for difference in report.differences],
        "fingerprints": report.fingerprints,
        "cells": [asdict(cell) for cell in report.decision.cells] if report.decision else [],
        "slots": report.slots.to_dict("records"),
        "rerun": report.rerun.to_dict("records"),
    }
    return json.dumps(_finite(content), indent=1, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

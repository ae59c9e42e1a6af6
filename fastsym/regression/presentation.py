"""What a run of the gate found: as a table on the terminal, as Markdown, as JSON."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.table import Column, Table

from fastsym._console import markdown_escape, markdown_row
from fastsym.regression.decision import EVERYTHING, CaseVerdict
from fastsym.regression.findings import Report, Revision
from fastsym.regression.triples import Change

HEADINGS = ("test", "change (95 %)", "clock", "triples", "p", "detectable", "verdict")
SHOWN = 10
"""Tests in the table that were neither confirmed nor judged: so many with the largest change."""
CHANGES_SHOWN = 5
ITEMS_SHOWN = 8
CLOCKS = {"processor": "processor", "own": "own"}


def change(found: Change) -> str:
    """Write a ratio of times as a change in percent with its interval."""
    if not math.isfinite(found.high):
        return f"{found.ratio - 1:+.1%} (too few for an interval)"
    return f"{found.ratio - 1:+.1%} ({found.low - 1:+.1%} to {found.high - 1:+.1%})"


def shown_cases(report: Report) -> list[CaseVerdict]:
    """Choose the tests that matter: what is slower or faster, what was confirmed, and the largest changes."""
    if report.decision is None:
        return []
    order = {"slower": 0, "faster": 1, "not slower": 2}
    cases = sorted(
        report.decision.cases, key=lambda case: (order[case.verdict], not case.confirmed, -case.change.ratio)
    )
    matter = [case for case in cases if case.verdict != "not slower" or case.confirmed or case.name == EVERYTHING]
    return matter + [case for case in cases if case not in matter][: max(0, SHOWN - len(matter))]


def rows(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield the table's rows, as text."""
    for case in shown_cases(report):
        yield (
            case.name,
            change(case.change),
            CLOCKS[case.clock],
            str(case.triples),
            "" if case.p_value is None else f"{case.p_value:.2g}",
            f"{case.detectable:.1%}" if math.isfinite(case.detectable) else "none",
            case.verdict,
        )


def side(label: str, revision: Revision | None) -> str:
    """Name one side in a line."""
    if revision is None:
        return f"{label}: not known"
    if not revision.changed:
        return f"{label}: {revision.title}"
    shown = ", ".join(revision.changed[:CHANGES_SHOWN]) + (", ..." if len(revision.changed) > CHANGES_SHOWN else "")
    return f"{label}: {revision.title}, with {len(revision.changed)} files changed since: {shown}"


def lines(report: Report) -> Iterator[str]:
    """Yield all that is not in the table, a line each."""
    yield side("base", report.base)
    yield side("head", report.head)
    for note in report.notes:
        yield f"note: {note}"
    yield from _left_out(report)
    yield from _differences(report)
    if report.decision is not None and len(report.decision.cases) > len(shown_cases(report)):
        more = len(report.decision.cases) - len(shown_cases(report))
        yield f"{more} more tests, none of them slower, are in the JSON"
    if report.machine:
        versions = ", ".join(f"{name.replace('_', '-')} {number}" for name, number in report.versions.items())
        where = f"{report.machine['cpu']}, {report.machine['cores']} processors, {report.machine['system']}"
        yield f"machine: {where}{f'; {versions}' if versions else ''}"
    yield f"{report.seconds:.0f} s, seed {report.seed}"


def _left_out(report: Report) -> Iterator[str]:
    for name, why in list(report.left_out.items())[:ITEMS_SHOWN]:
        yield f"left out: {name}: {' '.join(why.split())}"
    if len(report.left_out) > ITEMS_SHOWN:
        yield f"left out: {len(report.left_out) - ITEMS_SHOWN} more, which are in the JSON"


def _differences(report: Report) -> Iterator[str]:
    harmless = [difference for difference in report.differences if not difference.fails]
    if harmless:
        more = f", and {len(harmless) - 1} more" if len(harmless) > 1 else ""
        yield f"generated code, no failure: {harmless[0]}{more}; all are in the JSON, and --explain shows both sides"


def verdict(report: Report) -> str:
    """Say how the run ended, in a line."""
    return f"{report.outcome}: {report.reason}"


def table(report: Report) -> Table:
    """Make the table for a terminal."""
    made = Table(*(Column(heading, overflow="fold", no_wrap=heading != HEADINGS[0]) for heading in HEADINGS))
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
        "bar": report.bar,
        "versions": report.versions,
        "left_out": report.left_out,
        "differences": [asdict(difference) for difference in report.differences],
        "fingerprints": report.fingerprints,
        "tests": [asdict(case) for case in report.decision.cases] if report.decision else [],
        "samples": [sample._asdict() for sample in report.samples],
    }
    return json.dumps(_finite(content), indent=1, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

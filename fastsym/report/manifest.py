"""``report.json``: everything the report holds, for machines. ``schema.json`` says what is in it.

By it a later run also knows that a folder is a report's; see :mod:`fastsym.report.folder`.
"""

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fastsym import __version__
from fastsym.agreement import Certificate
from fastsym.report.content import Plot, Section, Stepper, Table
from fastsym.report.folder import FORMAT, MANIFEST
from fastsym.report.sections import agreement, claims
from fastsym.report.study import Context

FORMAT_VERSION = 3
SCHEMA = "report.schema.json"
SCHEMA_SOURCE = Path(__file__).parent / "schema.json"
PLOT_FILES = ("csv", "svg", "pdf", "png")
"""What is written of every plot, by the ends of the names."""


def write_manifest(sections: Sequence[Section], context: Context, folder: Path) -> None:
    """Write ``report.json`` and its schema into a folder that holds all other files of the report.

    Parameters
    ----------
    sections
        In reading order.
    context
        For verdicts, certificates, settings and the machine.
    folder
        Of the report.
    """
    shutil.copyfile(SCHEMA_SOURCE, folder / SCHEMA)
    own = context.own
    content = {
        "$schema": SCHEMA,
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "fastsym": __version__,
        "made": context.made.isoformat(timespec="seconds"),
        "table": {"name": "titanic.csv", "target": "Survived"}
        if own is None
        else {"name": own.name, "target": own.target},
        "settings": asdict(context.settings),
        "environment": dict(context.machine),
        "sections": [_section(section) for section in sections],
        "claims": [asdict(verdict) for verdict in context.result(claims.STUDY).verdicts],
        "certificates": [json.loads(certificate.to_json()) for certificate in _certificates(context)],
        "files": sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()),
    }
    text = json.dumps(_plain(content), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _certificates(context: Context) -> tuple[Certificate, ...]:
    """Give all certificates; a lesson has none."""
    return () if context.settings.only_lesson else context.result(agreement.STUDY).certificates


def _section(section: Section) -> dict[str, Any]:
    return {
        "slug": section.slug,
        "part": "lesson" if section.in_lesson else "engineering",
        "title": section.title,
        "finding": section.headline,
        "text": [item for item in section.content if isinstance(item, str)],
        "figures": [_figure(item) for item in section.content if isinstance(item, Plot | Stepper)],
        "tables": [_table(table) for table in section.tables],
    }


def _figure(figure: Plot | Stepper) -> dict[str, Any]:
    ends = PLOT_FILES if isinstance(figure, Plot) else ("csv",)
    return {
        "slug": figure.slug,
        "title": figure.title,
        "alt": figure.alt,
        "note": figure.note,
        "files": {end: f"figures/{figure.slug}.{end}" for end in ends},
        "columns": _columns(figure.data),
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "slug": table.slug,
        "caption": table.caption,
        "files": {"csv": f"tables/{table.slug}.csv"},
        "columns": _columns(table.frame),
    }


def _columns(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{"name": str(name), "values": values.tolist()} for name, values in frame.items()]


def _plain(value: Any) -> Any:
    """Make of anything what JSON has: NaN becomes null, infinity the text "inf" or "-inf", a path its last part."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    return value.name if isinstance(value, Path) else str(value)

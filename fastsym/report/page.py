"""Renders a finished set of sections: one HTML page, one Markdown file, figures, tables and a manifest."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from fastsym import __version__
from fastsym._console import Tell
from fastsym.report.content import Link, Section, unbroken
from fastsym.report.manifest import PLOT_FILES, write_manifest
from fastsym.report.results import Results
from fastsym.report.style import save, style_sheet

PAGE = "index.html"
MARKDOWN = "report.md"
HEADLINE = "headline"
"""Slug of the section that stands before the list of findings, its pictures side by side."""
TEMPLATES = Path(__file__).parent / "templates"


def write(sections: Sequence[Section], results: Results, folder: Path, tell: Tell) -> None:
    """Fill an empty folder with the report.

    Parameters
    ----------
    sections
        In reading order.
    results
        For the date and the manifest; nothing is computed from them here.
    folder
        Empty; see :func:`fastsym.report.folder.placed`.
    tell
        Called with the fraction of this work that is done and what is running.
    """
    (folder / "figures").mkdir()
    (folder / "tables").mkdir()
    plots = [plot for section in sections for plot in section.plots]
    drawings = {}
    for i, plot in enumerate(plots):
        tell(i / len(plots), f"drawing {plot.slug}")
        drawings[plot.slug] = Markup(save(plot, folder / "figures"))
        plot.data.to_csv(folder / "figures" / f"{plot.slug}.csv", index=False)
    for section in sections:
        for stepper in section.steppers:
            stepper.data.to_csv(folder / "figures" / f"{stepper.slug}.csv", index=False)
        for table in section.tables:
            table.frame.to_csv(folder / "tables" / f"{table.slug}.csv", index=False)
    tell(1.0, "writing the page")
    words = {
        "sections": sections,
        "has_script": any(section.steppers for section in sections),
        "plot_files": PLOT_FILES,
        "drawings": drawings,
        "made": results.made,
        "version": __version__,
        "full": results.settings.is_full,
        "subject": "your table" if results.own else "the Titanic table",
    }
    for name, html in ((PAGE, True), (MARKDOWN, False)):
        text = _environment(html).get_template(f"{name}.j2").render(words, style_sheet=Markup(style_sheet()))
        (folder / name).write_text(text, encoding="utf-8")
    write_manifest(sections, results, folder)


def _environment(html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["headline"] = lambda section: section.slug == HEADLINE
    environment.filters["prose"] = prose
    environment.filters["unbroken"] = unbroken  # escaped by the template
    environment.filters["markdown"] = markdown
    environment.filters["cell"] = _markdown_cell
    environment.filters["script_data"] = script_data
    return environment


def prose(text: str) -> Markup:
    """HTML of a paragraph: everything escaped, `code` between backticks, and no line broken inside a quantity."""
    parts = re.split(r"`([^`]+)`", text)
    return Markup().join(
        Markup("<code>{}</code>").format(part) if i % 2 else escape(unbroken(part)) for i, part in enumerate(parts)
    )


def script_data(payload: Any) -> Markup:
    """JSON for a script element: nothing in it can end the element, or begin a comment or another one."""
    text = json.dumps(payload, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026"))


def markdown(text: str) -> str:
    """Markdown of a paragraph: everything escaped that could be read as markup, but for `code` between backticks."""
    parts = re.split(r"(`[^`]+`)", " ".join(text.split()))
    return "".join(part if i % 2 else _escaped(part) for i, part in enumerate(parts))


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|#&~$])", r"\\\1", text)


def _markdown_cell(cell: str | Link) -> str:
    if isinstance(cell, Link):
        return f"[{_escaped(cell.text)}](#{cell.anchor})"
    return _escaped(" ".join(cell.split()))

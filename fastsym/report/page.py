"""Renders a finished set of sections: one HTML page, one Markdown file, figures, tables and a manifest."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from fastsym import __version__
from fastsym._console import Tell, markdown_escape
from fastsym.report.content import Link, Section, unbroken
from fastsym.report.folder import MARKDOWN
from fastsym.report.manifest import PLOT_FILES, write_manifest
from fastsym.report.study import Context
from fastsym.report.style import save, save_png, style_sheet

PAGE = "index.html"
HEADLINE = "headline"
"""Slug of the section that stands before the list of findings, its pictures side by side."""
TEMPLATES = Path(__file__).parent / "templates"


def write(sections: Sequence[Section], context: Context, folder: Path, tell: Tell) -> None:
    """Fill an empty folder with the report.

    Parameters
    ----------
    sections
        In reading order.
    context
        For the date and the manifest; nothing is run here.
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
    (folder / PAGE).write_text(_rendered(PAGE, sections, context, drawings=drawings), encoding="utf-8")
    (folder / MARKDOWN).write_text(_rendered(MARKDOWN, sections, context, sample=False), encoding="utf-8")
    write_manifest(sections, context, folder)


def write_sample(sections: Sequence[Section], context: Context, folder: Path, tell: Tell) -> None:
    """Fill an empty folder with what a committed sample keeps: Markdown and the PNG figures it shows.

    Parameters
    ----------
    sections, context, folder, tell
        As for :func:`write`.
    """
    (folder / "figures").mkdir()
    plots = [plot for section in sections for plot in section.plots]
    for i, plot in enumerate(plots):
        tell(i / len(plots), f"drawing {plot.slug}")
        save_png(plot, folder / "figures")
    (folder / MARKDOWN).write_text(_rendered(MARKDOWN, sections, context, sample=True), encoding="utf-8")


def _rendered(name: str, sections: Sequence[Section], context: Context, **more: Any) -> str:
    words = {
        "sections": sections,
        "has_script": any(section.steppers for section in sections),
        "plot_files": PLOT_FILES,
        "made": context.made,
        "version": __version__,
        "full": context.settings.is_full,
        "subject": "your table" if context.own else "the Titanic table",
        "style_sheet": Markup(style_sheet()),
    }
    return _environment(name == PAGE).get_template(f"{name}.j2").render(words | more)


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
    parts = re.split(r"(\s*`[^`]+`\s*)", " ".join(text.split()))
    return "".join(part if i % 2 else markdown_escape(part) for i, part in enumerate(parts))


def _markdown_cell(cell: str | Link) -> str:
    return f"[{markdown_escape(cell.text)}](#{cell.anchor})" if isinstance(cell, Link) else markdown_escape(cell)

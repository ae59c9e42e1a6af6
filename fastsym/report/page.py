"""Renders a finished set of sections: one HTML page, one Markdown file, figures, tables and a manifest."""

import csv
import json
import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from fastsym import __version__
from fastsym._console import Tell, markdown_escape
from fastsym.report.content import WIDTH_INCHES, Link, Section, unbroken
from fastsym.report.folder import MARKDOWN
from fastsym.report.manifest import PLOT_FILES, write_manifest
from fastsym.report.study import Context
from fastsym.report.style import save, save_png, style_sheet

PAGE = "index.html"
HEADLINE = "headline"
"""Slug of the section whose pictures stand side by side."""
TEMPLATES = Path(__file__).parent / "templates"
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=[=+\-@\t\r＝＋－＠])")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


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
        write_csv(plot.data, folder / "figures" / f"{plot.slug}.csv")
    for section in sections:
        for stepper in section.steppers:
            write_csv(stepper.data, folder / "figures" / f"{stepper.slug}.csv")
        for table in section.tables:
            write_csv(table.frame, folder / "tables" / f"{table.slug}.csv")
    tell(1.0, "writing the page")
    style = f"{style_sheet()}\n{(TEMPLATES / 'style.css').read_text(encoding='utf-8')}"
    has_script = any(section.steppers for section in sections)
    script = (TEMPLATES / "stepper.js").read_text(encoding="utf-8") if has_script else ""
    inline = {"style": Markup(style), "script": Markup(script), "policy": Markup(_policy(style, script))}
    page = _rendered(PAGE, sections, context, drawings=drawings, **inline)
    (folder / PAGE).write_text(page, encoding="utf-8", newline="\n")  # the hashes hold for these ends of lines
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


def _policy(style: str, script: str) -> str:
    """Give the page's content security policy: it may use these inline texts, and nothing from anywhere."""

    def source(text: str) -> str:
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" if text else "'none'"

    return (
        f"default-src 'none'; style-src {source(style)}; script-src {source(script)}; base-uri 'none'; "
        "form-action 'none'"
    )


def write_csv(frame: pd.DataFrame, file: Path) -> None:
    """Write a table so that a spreadsheet takes no text in it, as a name from a user's file, for a formula.

    A text that begins like one gets an apostrophe in front, and so does what follows a character at which some
    spreadsheets divide a text. Numbers stay as they are.
    """

    def harmless(value: Any) -> Any:
        if not isinstance(value, str) or _NUMBER.fullmatch(value):
            return value
        return _FORMULA.sub(r"\1'", value)

    safe = frame.apply(lambda column: column if column.dtype.kind in "biuf" else column.map(harmless))
    safe.columns = [harmless(str(name)) for name in frame]
    safe.to_csv(file, index=False, quoting=csv.QUOTE_NONNUMERIC)  # else a carriage return would end a row


def _rendered(name: str, sections: Sequence[Section], context: Context, **more: Any) -> str:
    parts = [
        (name, [section for section in sections if section.in_lesson == in_lesson])
        for name, in_lesson in (("The lesson", True), ("The engineering", False))
    ]
    words = {
        "sections": sections,
        "parts": [(name, members) for name, members in parts if members],
        "plot_files": PLOT_FILES,
        "usual_width_inches": WIDTH_INCHES,
        "made": context.made,
        "version": __version__,
        "options": " --full" * context.settings.is_full + " --lesson" * context.settings.only_lesson,
        "subject": "your table" if context.own else "the Titanic table",
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

"""Renders a finished set of sections: one HTML page, one Markdown file, figures, tables and a manifest."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from fastsym import __version__
from fastsym.report.content import Link, Section
from fastsym.report.folder import FORMAT, MANIFEST
from fastsym.report.progress import Tell
from fastsym.report.results import Results
from fastsym.report.style import save, style_sheet

PAGE = "index.html"
MARKDOWN = "report.md"
TEMPLATES = Path(__file__).parent / "templates"


def write(sections: Sequence[Section], results: Results, folder: Path, tell: Tell) -> None:
    """Fill an empty folder with the report.

    Parameters
    ----------
    sections
        In reading order.
    results
        For the certificates and the date; nothing is computed from them here.
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
        for table in section.tables:
            table.frame.to_csv(folder / "tables" / f"{table.slug}.csv", index=False)
    tell(1.0, "writing the page")
    words = {
        "sections": sections,
        "drawings": drawings,
        "made": results.made,
        "version": __version__,
        "full": results.settings.is_full,
        "subject": "your table" if results.own else "the Titanic table",
    }
    for name, html in ((PAGE, True), (MARKDOWN, False)):
        text = _environment(html).get_template(f"{name}.j2").render(words, style_sheet=Markup(style_sheet()))
        (folder / name).write_text(text, encoding="utf-8")
    _write_manifest(sections, results, folder)


def _environment(html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["prose"] = prose
    environment.filters["markdown"] = markdown
    environment.filters["cell"] = _markdown_cell
    return environment


def prose(text: str) -> Markup:
    """HTML of a paragraph: everything escaped, and `code` between backticks."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


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


def _write_manifest(sections: Sequence[Section], results: Results, folder: Path) -> None:
    """Write what the report holds, in a form for machines; by it a later run knows the folder is a report's."""
    manifest = {
        "format": FORMAT,
        "format_version": 1,
        "fastsym": __version__,
        "made": results.made.isoformat(timespec="seconds"),
        "machine": dict(results.machine),
        "sections": [
            {
                "slug": section.slug,
                "title": section.title,
                "headline": section.headline,
                "figures": [{"slug": plot.slug, "title": plot.title, "alt": plot.alt} for plot in section.plots],
                "tables": [{"slug": table.slug, "caption": table.caption} for table in section.tables],
            }
            for section in sections
        ],
        "certificates": [
            json.loads(certificate.to_json(), parse_constant=lambda _: None)  # JSON has no NaN
            for certificate in results.certificates
        ],
        "files": sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

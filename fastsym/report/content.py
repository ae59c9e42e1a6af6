"""What a section of the report is made of: paragraphs, plots and tables. Nothing here knows about HTML or Markdown."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd
from matplotlib.figure import Figure

WIDTH_INCHES = 5.2
"""Narrow, so that the text stays legible when the figure fills a phone."""

Format = str | Callable[[Any], str]
"""A format specification such as ``".3f"``, or a function from the value to text."""


def rounded(value: float) -> str:
    """Three significant digits, never as a power of ten unless very small: 0.0123, 1.23, 123, 12300."""
    if not (1e-4 <= abs(value) < 1e15):
        return f"{value:.3g}"
    return f"{float(f'{value:.3g}'):.10f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """Show a share in percent with one digit, never as -0.0."""
    return f"{round(100 * share, 1) + 0.0:.1f} %"


def unbroken(text: str) -> str:
    """Put no-break spaces into quantities, such as 5 % or H = 4, so that no line ends inside one."""
    text = re.sub(r"(?<=\d) (?=(%|nats|µs|ms|s)(?!\w))", "\N{NO-BREAK SPACE}", text)
    return re.sub(r"\b([A-Z]) = (?=\d)", "\\1\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}", text)


def quoted(name: str) -> str:
    """Show a name from a user's file in prose: between quotes, on one line, never as code."""
    return repr(name).replace("`", "'")


@dataclass(frozen=True)
class Link:
    """A cell that leads somewhere in the page."""

    text: str
    anchor: str
    """An id in the page, without #."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Plot:
    """One figure, its words and its numbers."""

    kind: ClassVar[str] = "plot"

    slug: str
    """Name of its files."""
    title: str
    """What it shows, in a few words; the section's headline, which stands above it, is not said again."""
    alt: str
    """What a reader who cannot see it needs."""
    data: pd.DataFrame
    """The numbers drawn; becomes the CSV."""
    draw: Callable[[Figure], None]
    """Draws on an empty figure, without the title."""
    note: str = ""
    """How to read it."""
    height_inches: float = 3.4
    width_inches: float = WIDTH_INCHES


@dataclass(frozen=True)
class Stepper:
    """A figure that the reader steps through, drawn by the page itself (``templates/stepper.js``)."""

    kind: ClassVar[str] = "stepper"

    slug: str
    """Name of its CSV."""
    title: str
    """What it shows, in a few words."""
    alt: str
    """What it shows and how it is operated, for a reader who cannot see it."""
    data: pd.DataFrame
    """The numbers in full precision; becomes the CSV."""
    payload: Mapping[str, Any]
    """What the script draws, rounded; see :func:`fastsym.report.sections.inside.payload`."""
    instead: str
    """What to read where no script runs, as in print on paper or in Markdown."""
    note: str = ""
    """How to read it."""


@dataclass(frozen=True)
class Table:
    """One table."""

    kind: ClassVar[str] = "table"

    slug: str
    """Name of its CSV."""
    caption: str
    frame: pd.DataFrame
    """Full precision; becomes the CSV."""
    formats: Mapping[str, Format] = field(default_factory=dict)
    """How to show a column; numbers without an entry are shown with six digits."""
    folded: bool = False
    """Whether the reader has to open it first."""
    wraps: tuple[str, ...] = ()
    """Columns of sentences, which may take several lines."""

    def cells(self) -> list[list[str | Link]]:
        """Rows as shown."""
        columns = [(self.formats.get(str(name), ""), self.frame[name].tolist()) for name in self.frame]
        return [list(row) for row in zip(*([_shown(v, f) for v in column] for f, column in columns), strict=True)]

    def classes(self) -> list[str]:
        """For each column, its class in the style sheet; may be empty."""
        return [
            "number" if number else "wraps" if name in self.wraps else ""
            for name, number in zip(self.frame, self.numeric(), strict=True)
        ]

    def numeric(self) -> list[bool]:
        """For each column, whether it holds numbers."""
        numbers = self.frame.select_dtypes("number").columns
        return [name in numbers for name in self.frame]


def _shown(value: Any, form: Format) -> str | Link:
    if isinstance(value, Link):
        return value
    if callable(form):
        return form(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "–" if value != value else format(value, form or ".6g")
    return format(value, form) if form else str(value)


@dataclass(frozen=True)
class Section:
    """One finding with what supports it."""

    slug: str
    """Its anchor in the page."""
    title: str
    headline: str
    """The finding in one sentence, computed from the data; repeated at the top of the page."""
    content: tuple[str | Plot | Stepper | Table, ...]
    """Paragraphs (plain text, code in backticks), figures and tables, in reading order."""

    in_lesson: bool = False
    """Whether it belongs to the report's first part; see :class:`fastsym.report.study.Study`."""

    @property
    def plots(self) -> tuple[Plot, ...]:
        """The plots among the content."""
        return tuple(item for item in self.content if isinstance(item, Plot))

    @property
    def steppers(self) -> tuple[Stepper, ...]:
        """The figures to step through among the content."""
        return tuple(item for item in self.content if isinstance(item, Stepper))

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables among the content."""
        return tuple(item for item in self.content if isinstance(item, Table))

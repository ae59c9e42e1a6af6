"""Options of the command line for a user's own table, the same in all commands."""

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from fastsym.model.datasets import Dataset

PANEL = "Your own table"


def _option(*names: str, text: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=text, metavar=metavar, rich_help_panel=PANEL)


@dataclass(frozen=True)
class TableOptions:
    """The options that describe a table; :func:`fastsym.load_table` explains each."""

    csv: Annotated[
        Path | None,
        _option(text="Train on this table (CSV, Parquet, Excel, ...; - is standard input).", metavar="FILE"),
    ] = None
    target: Annotated[str | None, _option(text="Column of the table that contains the labels.", metavar="COLUMN")] = (
        None
    )
    positive: Annotated[str | None, _option(text="The label that becomes 1, if the labels are not 0 and 1.")] = None
    sep: Annotated[str | None, _option(text="Separator of the fields; default: detected.")] = None
    decimal: Annotated[str | None, _option(text="Decimal sign; default: detected.")] = None
    encoding: Annotated[str | None, _option(text="Encoding of the text; default: UTF-8.")] = None
    comment: Annotated[str | None, _option(text="Leave out lines that begin with this text.")] = None
    header: Annotated[
        bool | None,
        _option(
            "--header/--no-header",
            text="Whether the first line contains names; without names the columns are called 0, 1, ...",
        ),
    ] = None
    skip: Annotated[
        list[str] | None,
        _option(text="Leave out these lines, such as 2 or 1,4-6; the first line is 1.", metavar="LINES"),
    ] = None
    index: Annotated[bool, _option("--index", text="Leave out the first column, which contains names of rows.")] = False
    drop: Annotated[list[str] | None, _option(text="Leave out these columns.", metavar="COLUMNS")] = None
    missing: Annotated[list[str] | None, _option(text="A value that stands for a missing one.")] = None
    fill: Annotated[Literal["median"] | None, _option(text="Replace missing values by the median of their column.")] = (
        None
    )
    one_hot: Annotated[
        list[str] | None,
        _option(
            text="Replace each of these columns by one column of 0 and 1 for each different value.", metavar="COLUMNS"
        ),
    ] = None
    standardise: Annotated[bool, _option("--standardise", text="Give each feature mean 0 and variance 1.")] = False

    @property
    def name(self) -> str:
        """Name of the file, for people."""
        return "standard input" if self.csv == Path("-") else self.csv.name if self.csv else ""

    def load(self) -> Dataset | None:
        """Read the table, if there is one.

        Raises
        ------
        OSError, ValueError
            If it cannot be read, or an option is missing; the message says what to do.
        """
        from fastsym.model.tables import load_table

        if self.csv is None:
            if self._given():
                named = ", ".join(f"--{name.replace('_', '-')}" for name in self._given())
                raise ValueError(f"csv: expected a file for {named}; got none; add --csv FILE")
            return None
        source = sys.stdin.buffer if self.csv == Path("-") else self.csv
        return load_table(source, self.target, **self.arguments())

    def arguments(self) -> dict[str, Any]:
        """Give the named arguments of :func:`fastsym.load_table` that are no defaults.

        Raises
        ------
        ValueError
            If the lines to skip are no numbers.
        """
        given = {name: getattr(self, name) for name in self._given() if name not in ("csv", "target")}
        return given | ({"skip": _lines(self.skip)} if self.skip else {})

    def _given(self) -> list[str]:
        return [each.name for each in fields(self) if getattr(self, each.name) not in (each.default, [])]


def with_table_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options; it gets what the user says as its argument ``table``."""
    own = [each for name, each in inspect.signature(command).parameters.items() if name != "table"]
    hints = get_type_hints(TableOptions, include_extras=True)
    added = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in fields(TableOptions)
    ]

    @functools.wraps(command)
    def with_table(**values: Any) -> None:
        table = TableOptions(**{each.name: values.pop(each.name) for each in fields(TableOptions)})
        command(table=table, **values)

    # What typer reads.
    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own] + added
    with_table.__dict__["__signature__"] = inspect.Signature(parameters)
    with_table.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_table


def _lines(texts: list[str]) -> list[int]:
    """Read numbers of lines and ranges of them, such as 1,4-6."""
    lines: list[int] = []
    for part in ",".join(texts).split(","):
        first, _, last = part.partition("-")
        if not first.strip().isdecimal() or (last and not last.strip().isdecimal()):
            raise ValueError(f"skip: expected numbers of lines, such as 2 or 1,4-6; got {part!r}; count lines from 1")
        lines += range(int(first), int(last or first) + 1)
    return lines

"""Columns of a user's table: which there are, and what numbers they hold."""

import math
import re
import shlex
from collections.abc import Hashable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from numbers import Real
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]

SHOWN = 5
"""Values listed in a message, at most."""
COMMA_NUMBER = re.compile(r"[+-]?\d*,?\d+([eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
NAMELESS = re.compile(r"|nan|None|Unnamed: \d+(_level_\d+)?")
"""A name that is none; pandas gives the last ones."""


class Table(NamedTuple):
    """A table with one row a sample."""

    frame: "DataFrame"
    lines: "np.ndarray[tuple[int], np.dtype[np.int64]] | None" = None
    """Line of the file where each row begins, from 1; None if it is from no file."""

    def place(self, row: int) -> str:
        """Where a row is, for a message."""
        return f"row {row} (from 0)" if self.lines is None else f"line {self.lines[row]}"


def named(table: Table) -> Iterator[tuple[str, "Series"]]:
    """Go through the columns of a table whose names are texts."""
    return ((str(name), column) for name, column in table.frame.items())


def listed(values: Iterable[object], most: int = SHOWN) -> str:
    """Values for a message, those beyond ``most`` only counted."""
    shown = [repr(value) for value in values]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")


def option(name: str, value: str) -> str:
    """How an option is typed on a command line."""
    quoted = shlex.quote(value) if any(map(str.isalnum, value)) else f"'{value}'"  # a sign alone is easily overlooked
    return f"--{name} {quoted}"


def name_of(label: object) -> str:
    """Name of a column: its label as text; of a label on several levels, those that are not empty, with points."""
    return ".".join(str(each) for each in label if each != "") if isinstance(label, tuple) else str(label)


def is_text(column: "Series") -> bool:
    """Whether values of a column may be texts."""
    from pandas.api.types import is_object_dtype, is_string_dtype

    return is_object_dtype(column) or is_string_dtype(column)


def chosen(what: str, labels: str | Sequence[Hashable], names: Sequence[str]) -> list[str]:
    """Find the columns that an option names: one by one, or in texts with commas between them.

    Raises
    ------
    ValueError
        If there is no such column; the message lists all, and those with a similar name.
    """
    found: list[str] = []
    for label in [labels] if isinstance(labels, str) else labels:
        name = name_of(label)
        found += [name] if name in names else [part.strip() for part in name.split(",")]
    for name in found:
        if name not in names:
            raise ValueError(unknown(what, name, names))
    return found


def unknown(what: str, name: object, names: Sequence[str]) -> str:
    """Make the message for a column that is not there."""
    plain = {each: " ".join(each.split()).casefold() for each in names}
    key = " ".join(str(name).split()).casefold()
    near = [each for each in names if plain[each] == key] or get_close_matches(str(name), names)
    advice = f"did you mean {listed(near)}?" if near else "name one of these"
    return f"{what}: expected a column of the table: {listed(names, 1000)}; got {name!r}; {advice}"


def select(table: Table, index: bool, drop: str | Sequence[Hashable]) -> Table:
    """Leave out columns, and refuse those without a name of their own.

    Raises
    ------
    ValueError
        If names are missing, double or unknown.
    """
    names = [name_of(label) for label in table.frame.columns]
    frame = table.frame.set_axis(names, axis=1).reset_index(drop=True)
    if index:
        frame = frame.iloc[:, 1:]
    double = frame.columns[frame.columns.duplicated()]
    if len(double):
        raise ValueError(
            f"table: expected different names of columns; got {listed(dict.fromkeys(double))} more than once; rename "
            "one, or add --no-header if the first line is a row of data"
        )
    frame = frame.drop(columns=chosen("drop", drop, list(frame.columns)))
    nameless = [name for name in frame.columns if NAMELESS.fullmatch(name)]
    if nameless and nameless[0] == names[0]:
        raise ValueError(
            f"column {names[0]!r}: expected a name; got none, as for the row numbers that DataFrame.to_csv "
            "writes first; add --index to leave the first column out, or name it"
        )
    if nameless:
        empty = [name for name in nameless if frame[name].isna().all()]
        why = " (empty, as of a separator at the end of each line)" if empty == nameless else ""
        raise ValueError(
            f"table: expected a name for each column; got {listed(nameless)}{why}; add "
            f"{option('drop', ','.join(nameless))} to leave them out, or name them"
        )
    return table._replace(frame=frame)


def numbers(column: "Series") -> tuple[Numbers, Flags]:
    """Give a column as float64, NaN where a value is none, and which values are neither missing nor finite numbers."""
    missing = column.isna().to_numpy(np.bool_)
    if column.dtype.kind in "iufb":
        values = column.to_numpy(np.float64, na_value=np.nan)
    elif column.dtype.kind in "mMc":
        values = np.full(len(column), np.nan)
    else:
        values = np.array([_number(value) for value in column.astype(object)], dtype=np.float64)
    return values, ~missing & ~np.isfinite(values)


def _number(value: object) -> float:
    """Read a number as Python does, but not ``1_000``; NaN for everything else."""
    text = str(value)
    try:
        return math.nan if "_" in text else float(value if isinstance(value, Real) else text)
    except ValueError:
        return math.nan
    except OverflowError:  # an integer beyond the floats
        return math.inf


def plain(value: float) -> str:
    """Write a number without a fraction where it has none."""
    return str(int(value)) if value == int(value) else repr(float(value))

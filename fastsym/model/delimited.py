"""Text with separators between fields -> DataFrame; whatever it does not tell for certain is refused."""

import csv
import io
from collections import Counter
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastsym.model.columns import COMMA_NUMBER, THOUSANDS, Table, is_text, option
from fastsym.model.lines import EMPTY, Lines, Reading, lines_of, separator, short

if TYPE_CHECKING:
    from pandas import DataFrame

MISSING = ("", "#N/A", "#NA", "-nan", "-NaN", "<NA>", "N/A", "n/a", "NA", "NaN", "nan", "NULL", "null", "None")
"""What stands for a missing value in any file, as for pandas."""


class Rows(NamedTuple):
    """Where rows begin and how many fields they have: quoted fields may go on over several lines."""

    names: list[str]
    """The first row's fields, if it is the header."""
    starts: list[int]
    """Index in :class:`Lines` of each other row's first line."""
    widths: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    open_ended: bool
    """Whether the last field of each row is empty."""


def parse(text: str, reading: Reading, index: bool, missing: tuple[str, ...]) -> Table:
    """Find out how a text is written, check each row, and turn it into columns.

    Parameters
    ----------
    text
        One row a line.
    reading
        What the user says about it.
    index
        Whether the first field of each row is its name, which the header may leave out.
    missing
        Values that stand for none, beside :data:`MISSING`.

    Raises
    ------
    ValueError
        If rows differ in length, names are no names, or it is not certain how the text is written.
    """
    lines = lines_of(text, reading)
    sep = separator(lines, reading.sep)
    if sep == " ":
        lines = Lines([line.strip().replace("\t", " ") for line in lines.texts], lines.numbers)
    else:  # spreadsheets write lines of separators alone for empty rows
        full = [bool(line.strip(' \t"' + sep)) for line in lines.texts]
        lines = Lines(list(compress(lines.texts, full)), list(compress(lines.numbers, full)))
    if not lines.texts:
        raise ValueError(EMPTY)
    rows = _rows(lines, sep, reading.header is not False)
    names = _names(rows, lines, reading.header, index)
    body = "\n".join(lines.texts[rows.starts[0] :]) if rows.starts else ""
    frame = _frame(body, sep, reading.decimal, missing) if body else None
    if frame is None or len(frame) != len(rows.starts):
        got = "none" if frame is None else f"{len(rows.starts)} or {len(frame)}, depending on how quotes are read"
        raise ValueError(f"table: expected rows below the header; got {got}; pass data")
    frame.columns = names
    if reading.header is None:
        _refuse_values_as_names(frame, lines.numbers[0])
    return Table(frame, np.array(lines.numbers)[rows.starts])


def _rows(lines: Lines, sep: str, has_header: bool) -> Rows:
    reader = csv.reader(lines.texts, delimiter=sep, skipinitialspace=True, strict=True)
    names: list[str] = []
    starts: list[int] = []
    widths: list[int] = []
    open_ended = True
    begin = 0
    try:
        if has_header:
            names, begin = [field.strip() for field in next(reader)], reader.line_num
        for row in reader:
            starts.append(begin)
            widths.append(len(row))
            open_ended &= not row[-1]
            begin = reader.line_num
    except csv.Error as error:
        raise ValueError(
            f"line {lines.numbers[min(begin, len(lines.numbers) - 1)]}: expected quotes that enclose a field; got "
            f"{short(lines.texts[min(begin, len(lines.texts) - 1)])}: {error}; fix them"
        ) from error
    return Rows(names, starts, np.array(widths, dtype=np.int64), open_ended)


def _names(rows: Rows, lines: Lines, header: bool | None, index: bool) -> list[str]:
    """Give the names of the columns, once it is certain that they are names, one for each field of each row."""
    width = int(Counter(rows.widths.tolist()).most_common(1)[0][0]) if rows.starts else len(rows.names)
    names = list(rows.names)
    line = lines.numbers[0]
    if header is False:
        names = [str(i) for i in range(width)]
    elif len(names) == width - 1 and index:
        names = ["", *names]
    elif len(names) == width - 1 and rows.open_ended:
        names.append("")  # a separator at the end of each row: refused as a column without a name
    if header is None and any(_is_number(name) for name in names):
        leave_out = f"{option('skip', str(line))} --no-header"
        advice = (
            f"--no-header if it is a row (the columns are then named 0 to {width - 1}), {leave_out} to leave it out"
        )
        raise ValueError(
            f"line {line}: expected names; got {short(lines.texts[0])}, which looks like a row of data or of sizes; "
            f"add {leave_out if len(names) != width else advice}, or --header if these are names"
        )
    if len(names) != width:
        # A title has several lines at times.
        titles = [line, *(lines.numbers[at] for at in rows.starts[: int(np.argmax(rows.widths == width))])]
        advice = f"leave out with {option('skip', ','.join(map(str, titles)))} what is no header, or complete the names"
        if len(names) == width - 1:
            advice = "add --index if the first field of each row is its name or number, otherwise complete the names"
        raise ValueError(
            f"line {line}: expected as many names as rows have fields, {width}; got {len(names)}: "
            f"{short(lines.texts[0])}; {advice}"
        )
    odd = np.flatnonzero(rows.widths != width)
    if len(odd):
        first = rows.starts[odd[0]]
        numbers = [lines.numbers[rows.starts[i]] for i in odd]
        more = f" and {len(odd) - 1} more such lines" if len(odd) > 1 else ""
        skip = f"leave out with {option('skip', ','.join(map(str, numbers)))}" if len(odd) <= 20 else "leave them out"
        raise ValueError(
            f"line {numbers[0]}: expected {width} fields, as in most lines; got {rows.widths[odd[0]]}: "
            f"{short(lines.texts[first])}{more}; fix it (a separator inside a value needs quotes around it), or {skip}"
        )
    return [name or f"Unnamed: {i}" for i, name in enumerate(names)]  # as pandas names them


def _frame(body: str, sep: str, decimal: str | None, missing: tuple[str, ...]) -> "DataFrame":
    import pandas as pd

    # Before pandas 3.1 numbers were wrong in the last bit if not asked for; from then on one must not ask.
    old = tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1)
    exact: dict[str, Any] = {"float_precision": "round_trip"} if old else {}

    def read(mark: str) -> "DataFrame":
        frame: DataFrame = pd.read_csv(
            io.StringIO(body),
            sep=r"\s+" if sep == " " else sep,
            decimal=mark,
            header=None,
            index_col=False,
            keep_default_na=False,
            na_values=[*MISSING, *missing],
            skipinitialspace=True,
            skip_blank_lines=False,
            low_memory=False,
            **exact,
        )
        for name in frame.columns[[is_text(frame[name]) for name in frame]]:
            stripped = frame[name].map(lambda value: value.strip() if isinstance(value, str) else value)
            frame[name] = stripped.mask(stripped.isin([*MISSING, *missing]))
        return frame

    if decimal not in (None, ".", ","):
        raise ValueError(f"decimal: expected a point or a comma; got {decimal!r}; name one of them")
    frame = read(decimal or ".")
    if decimal is None and sep != "," and _has_decimal_commas(frame):
        return read(",")
    return frame


def _has_decimal_commas(frame: "DataFrame") -> bool:
    """Whether all fractions of a table are written with commas, and not all of them can be thousands."""
    if any(frame[name].dtype.kind == "f" and (frame[name] % 1 > 0).any() for name in frame):
        return False
    texts = [frame[name].dropna().astype(str) for name in frame if is_text(frame[name])]
    commas = [column for column in texts if len(column) and column.str.fullmatch(COMMA_NUMBER).all()]
    commas = [column for column in commas if column.str.contains(",").any()]
    thousands = [column.str.fullmatch(THOUSANDS) | ~column.str.contains(",") for column in commas]
    return not all(column.all() for column in thousands)


def _refuse_values_as_names(frame: "DataFrame", line: int) -> None:
    """Refuse a header of texts that also are values of their columns: it is rather a row of data."""
    for name in frame:
        if is_text(frame[name]) and (frame[name] == name).any():
            raise ValueError(
                f"line {line}: expected names; got {name!r}, which is also a value of this column, so that the line "
                f"looks like a row of data; add --no-header if it is (the columns are then named 0 to "
                f"{frame.shape[1] - 1}), or --header if these are names"
            )


def _is_number(text: str) -> bool:
    try:
        return "_" not in text and bool(np.isfinite(float(text.replace(",", "."))))
    except ValueError:
        return False

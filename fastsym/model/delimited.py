"""Text with separators between fields -> DataFrame; whatever it does not tell for certain is refused."""

import csv
import io
import re
from collections import Counter
from itertools import compress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastsym.model.columns import COMMA_NUMBER, THOUSANDS, Table, is_text, listed, option

if TYPE_CHECKING:
    from pandas import DataFrame

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "space": " ", "spaces": " "}
PROBED = 1000
"""Lines that separators are tried on."""
MISSING = ("", "#N/A", "#NA", "-nan", "-NaN", "<NA>", "N/A", "n/a", "NA", "NaN", "nan", "NULL", "null", "None")
"""What stands for a missing value in any file, as for pandas."""
COMMENT_SIGNS = ("#", "%", "//", "*", "!")
OTHER_FORMATS = {"JSON": r"[\[{]\s*([\[{\"]|$)", "HTML or XML": r"<[!?a-zA-Z]", "ARFF": r"(?i)@relation"}
"""What the first line of a text begins with that is no table of fields."""


EMPTY = "table: expected a line of names and rows below it; got none; pass data"


class Reading(NamedTuple):
    """How a text is to be read; None stands for what it tells itself. See :func:`fastsym.load_table`."""

    sep: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    comment: str | None = None
    header: bool | None = None
    skip: tuple[int, ...] = ()


class Lines(NamedTuple):
    """Lines of a file that hold something."""

    texts: list[str]
    numbers: list[int]
    """Which lines of the file they are, from 1."""


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
    lines = _lines(text, reading)
    sep = _separator(lines, reading.sep)
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


def _lines(text: str, reading: Reading) -> Lines:
    every = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = [
        i
        for i, line in enumerate(every)
        if line.strip()
        and i + 1 not in reading.skip
        and not (reading.comment and line.lstrip().startswith(reading.comment))
    ]
    if not kept:
        raise ValueError(EMPTY)
    first = every[kept[0]].lstrip()
    other = next((name for name, begin in OTHER_FORMATS.items() if re.match(begin, first)), None)
    if other:
        raise ValueError(
            f"line {kept[0] + 1}: expected names with separators between them; got {_short(first)}, which looks like "
            f"{other}; read it with another program, and pass a DataFrame or save it as CSV"
        )
    sign = next((sign for sign in COMMENT_SIGNS if first.startswith(sign)), None)
    if sign and reading.comment is None:
        raise ValueError(
            f"line {kept[0] + 1}: expected names; got {_short(first)}, which looks like a comment; add "
            f"{option('comment', sign)} to leave out such lines, or {option('comment', '')} if it is none"
        )
    return Lines([every[i] for i in kept], [i + 1 for i in kept])


def _separator(lines: Lines, told: str | None) -> str:
    if told is not None:
        sep = SEPARATORS.get(told, told)
        if len(sep) != 1 or sep in '"\n\r':
            raise ValueError(f"sep: expected one character, or one of {', '.join(SEPARATORS)}; got {told!r}; name one")
        return sep
    probed = lines.texts[:PROBED]
    counts = {sep: _field_counts(probed, sep) for sep in dict.fromkeys(SEPARATORS.values())}
    agreeing = [sep for sep, found in counts.items() if found[0] > 1 and len(set(found)) == 1]
    if len(agreeing) > 1 and agreeing[-1] == " ":  # blanks are also part of names and values
        agreeing.pop()
    if len(agreeing) > 1:
        raise ValueError(
            f"sep: expected one character that separates fields; got {listed(agreeing)}, of which each would do; "
            f"add {option('sep', agreeing[0])} or {option('sep', agreeing[1])}"
        )
    if agreeing:
        return agreeing[0]
    # No choice leaves all lines equal. Take the one that leaves most so, to say what is wrong with the others.
    agreement = {sep: _agreement(found[1:] or found) for sep, found in counts.items()}
    best = max(agreement, key=lambda sep: agreement[sep])
    if agreement[best] < 0.5:
        unclosed = [number for text, number in zip(*lines, strict=True) if text.count('"') % 2]
        advice = f"fix the quotes in line {unclosed[0]}" if unclosed else "name the character with --sep"
        raise ValueError(
            f"line {lines.numbers[0]}: expected fields with commas, semicolons, tabs, pipes or blanks between; got "
            f"{_short(lines.texts[0])}; {advice}"
        )
    return best


def _field_counts(lines: list[str], sep: str) -> list[int]:
    if sep == " ":
        lines = [line.strip().replace("\t", " ") for line in lines]
    return [len(row) for row in csv.reader(lines, delimiter=sep, skipinitialspace=True)]


def _agreement(counts: list[int]) -> float:
    """Share of rows that have the most common number of fields, if that is more than one."""
    width, times = Counter(counts).most_common(1)[0]
    return times / len(counts) if width > 1 else 0.0


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
            f"{_short(lines.texts[min(begin, len(lines.texts) - 1)])}: {error}; fix the quotes, or say --sep"
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
            f"line {line}: expected names; got {_short(lines.texts[0])}, which looks like a row of data or of sizes; "
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
            f"{_short(lines.texts[0])}; {advice}"
        )
    odd = np.flatnonzero(rows.widths != width)
    if len(odd):
        first = rows.starts[odd[0]]
        numbers = [lines.numbers[rows.starts[i]] for i in odd]
        more = f" and {len(odd) - 1} more such lines" if len(odd) > 1 else ""
        skip = f"leave out with {option('skip', ','.join(map(str, numbers)))}" if len(odd) <= 20 else "leave them out"
        raise ValueError(
            f"line {numbers[0]}: expected {width} fields, as in most lines; got {rows.widths[odd[0]]}: "
            f"{_short(lines.texts[first])}{more}; fix it (a separator inside a value needs quotes around it), or {skip}"
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


def _short(line: str) -> str:
    return repr(line if len(line) <= 60 else f"{line[:57]}...")

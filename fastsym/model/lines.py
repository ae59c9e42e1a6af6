"""Text -> the lines that hold something, and what separates their fields."""

import csv
import re
from collections import Counter
from typing import NamedTuple

from fastsym.model.columns import listed, option

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|", "space": " ", "spaces": " "}
PROBED = 1000
"""Lines that separators are tried on."""
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


def lines_of(text: str, reading: Reading) -> Lines:
    """Cut a text into lines, without those that are blank or that the user leaves out.

    Raises
    ------
    ValueError
        If there is none, or the first looks like a comment or another format.
    """
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
            f"line {kept[0] + 1}: expected names with separators between them; got {short(first)}, which looks like "
            f"{other}; read it with another program, and pass a DataFrame or save it as CSV"
        )
    sign = next((sign for sign in COMMENT_SIGNS if first.startswith(sign)), None)
    if sign and reading.comment is None:
        raise ValueError(
            f"line {kept[0] + 1}: expected names; got {short(first)}, which looks like a comment; add "
            f"{option('comment', sign)} to leave out such lines, or {option('comment', '')} if it is none"
        )
    return Lines([every[i] for i in kept], [i + 1 for i in kept])


def separator(lines: Lines, told: str | None) -> str:
    """Find the character that separates fields: the one that cuts all lines into equally many, if only one does.

    Raises
    ------
    ValueError
        If several do, or none cuts at least half of the lines so; or what the user told is none.
    """
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
            f"{short(lines.texts[0])}; {advice}"
        )
    return best


def _field_counts(lines: list[str], sep: str) -> list[int]:
    if sep == " ":
        lines = [line.strip().replace("\t", " ") for line in lines]
    try:
        return [len(row) for row in csv.reader(lines, delimiter=sep, skipinitialspace=True)]
    except csv.Error:  # a quote that is never closed makes one huge field
        return [1]


def _agreement(counts: list[int]) -> float:
    """Share of rows that have the most common number of fields, if that is more than one."""
    width, times = Counter(counts).most_common(1)[0]
    return times / len(counts) if width > 1 else 0.0


def short(line: str) -> str:
    """Write a line for a message, the end of a long one left out."""
    return repr(line if len(line) <= 60 else f"{line[:57]}...")

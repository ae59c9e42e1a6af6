"""The column of labels of a user's table -> 0 and 1."""

from collections import Counter
from collections.abc import Hashable

import numpy as np

from fastsym.model.columns import Numbers, Table, listed, numbers, option, plain

TRUTHS = {"true": "1", "false": "0"}


def labels(table: Table, target: str, positive: Hashable = None) -> Numbers:
    """Give the labels of a table.

    Parameters
    ----------
    table
        With the column of labels.
    target
        Its name.
    positive
        Which of its two kinds of values is 1; None: they are 0 and 1, or False and True.

    Returns
    -------
    numpy.ndarray
        (M,) float64, 0 and 1.

    Raises
    ------
    ValueError
        If a label is missing, there are not two kinds, or it is not certain which of them is 1.
    """
    column = table.frame[target]
    missing = np.flatnonzero(column.isna())
    if len(missing):
        advice = "fill them, or drop these rows"
        if table.lines is not None and len(missing) <= 20:
            skipped = ",".join(str(table.lines[row]) for row in missing)
            advice = f"fill {'it' if len(missing) == 1 else 'them'} in, or leave out with {option('skip', skipped)}"
        raise ValueError(
            f"target {target!r}: expected a label in every row; got none in {table.place(int(missing[0]))}"
            f"{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}; {advice}"
        )
    values, wrong = numbers(column)
    texts = np.array([str(value) for value in column] if wrong.any() else [plain(value) for value in values])
    kinds = np.unique(texts if wrong.any() else values)
    names = [str(kind) if wrong.any() else plain(kind) for kind in kinds]
    times = Counter(texts.tolist())
    if len(names) == 1:
        raise ValueError(
            f"target {target!r}: expected two kinds of labels; got {names[0]!r} in every row; add rows of another"
        )
    if len(names) > 2:
        single = [row for row, text in enumerate(texts) if times[text] == 1]
        advice = "keep the rows of two kinds, or name another column"
        if len(names) - len(single) == 2 and len(single) <= len(texts) / 10:
            found = ", ".join(f"{str(texts[row])!r} in {table.place(row)}" for row in single)
            advice = f"fix or leave out what occurs once: {found}"
        raise ValueError(
            f"target {target!r}: expected two kinds of labels; got {len(names)}: {listed(names)}; {advice}"
        )
    if positive is None and names != ["0", "1"]:
        raise ValueError(
            f"target {target!r}: expected labels 0 and 1; got {names[0]!r} and {names[1]!r}; say which of them is 1: "
            f"{option('positive', names[1])} or {option('positive', names[0])}"
        )
    one = "1" if positive is None else _same(positive, names)
    if one is None:
        raise ValueError(
            f"positive: expected {names[0]!r} or {names[1]!r}, the labels in {target!r}; got {positive!r}; name one"
        )
    return np.asarray(texts == one, dtype=np.float64)


def _same(positive: Hashable, names: list[str]) -> str | None:
    """Find the label that is meant, however its number is written."""
    text = str(positive).strip()
    try:
        number = plain(float(TRUTHS.get(text.lower(), text)))
    except (ValueError, OverflowError):
        number = text
    return next((name for name in names if name.strip() in (text, number)), None)

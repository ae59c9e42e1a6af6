"""Columns of a user's table -> numbers; those that are none are all named, each with what can be done about it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fastsym.model.columns import COMMA_NUMBER, THOUSANDS, Flags, Numbers, Table, listed, named, numbers, option, plain

if TYPE_CHECKING:
    from pandas import DataFrame, Series

KINDS = 20
"""A column of more kinds of values is rather dropped than turned into that many columns."""
MOST_KINDS = 1000
"""Beyond these, the columns would rather fill the memory than be of use."""
FILLS = ("median",)


class Problem(NamedTuple):
    """Why a column cannot be used as it is, and the options that repair it."""

    text: str
    remedies: dict[str, str]
    """Option -> its value, of which any is the column's own name."""


def refuse_odd_row(table: Table) -> None:
    """Refuse a row of texts, such as units or sizes, in columns that hold numbers in all other rows."""
    odd: dict[int, list[str]] = {}
    numeric = 0
    for name, column in named(table):
        values, wrong = numbers(column)
        numeric += bool(np.isfinite(values).sum() > 1)
        if wrong.sum() == 1 and np.isfinite(values).sum() > 1:
            odd.setdefault(int(np.argmax(wrong)), []).append(name)
    if len(odd) != 1:
        return
    ((row, names),) = odd.items()
    if len(names) == 1 < numeric:  # rather a value that is wrong
        return
    advice = "drop it"
    if table.lines is not None:
        advice = f"leave the line out with {option('skip', str(table.lines[row]))}"
    raise ValueError(
        f"{table.place(row)}: expected numbers, as in all other rows; got {listed(table.frame[names].iloc[row])}, "
        f"which looks like names, units or sizes; {advice}"
    )


def features(table: Table, fill: str | None, one_hot: Sequence[str]) -> "DataFrame":
    """Turn all columns into numbers.

    Parameters
    ----------
    table
        The columns of features.
    fill
        None, or ``"median"``: what a missing number becomes.
    one_hot
        Columns to turn into one column per kind of value, 1 where it is of that kind and 0 elsewhere.

    Raises
    ------
    ValueError
        If columns hold anything else; the message names all of them and what can be done.
    """
    import pandas as pd

    done: list[Series | DataFrame] = []
    problems: dict[str, Problem] = {}
    for name, column in named(table):
        if name in one_hot:
            made: Series | DataFrame = _indicators(name, column)
            problem = _one_hot_problem(name, column.isna().to_numpy(np.bool_), made.shape[1], table, fill)
        else:
            values, wrong = numbers(column)
            problem = _problem(name, column, values, wrong, table, fill)
            made = pd.Series(
                np.where(np.isnan(values), 0.0 if problem else _median(values), values), column.index, name=name
            )
        if problem:
            problems[name] = problem
        done.append(made)
    if problems:
        raise ValueError(_message(problems, table.frame.shape[1]))
    frame = pd.concat(done, axis=1)
    double = frame.columns[frame.columns.duplicated()]
    if len(double):
        raise ValueError(f"one_hot: expected names that are not taken; got {listed(double)} twice; rename a column")
    return frame


def _median(values: Numbers) -> float:
    return float(np.nanmedian(values)) if np.isnan(values).any() else 0.0


def _problem(
    name: str, column: "Series", values: Numbers, wrong: Flags, table: Table, fill: str | None
) -> Problem | None:
    """Why a column of numbers is none."""
    missing = np.isnan(values) & ~wrong
    if missing.all():
        return Problem(f"expected numbers; got no value in any row; {option('drop', name)}", {"drop": name})
    if not wrong.any():
        return _missing(name, missing, table) if missing.any() and fill is None else None
    texts = column[wrong].astype(str)
    kinds = list(dict.fromkeys(texts))
    row = int(np.argmax(wrong))
    more = f" and {len(texts) - 1} more ({_count(len(kinds), 'kind')})" if len(texts) > 1 else ""
    expected = "finite numbers" if np.isinf(values[row]) else "numbers"
    got = f"expected {expected}; got {_value(texts.iloc[0])} in {table.place(row)}{more}"
    remedies = {"drop": name}
    if np.isinf(values[wrong]).all():
        return Problem(f"{got}; fix them, or {option('drop', name)}", remedies)
    if texts.str.fullmatch(COMMA_NUMBER).all() and not np.isfinite(values).any():
        if texts.str.fullmatch(THOUSANDS).all():
            advice = f"remove the commas, or {option('decimal', ',')} if they are decimal commas"
            return Problem(f"{got}; {advice}, or {option('drop', name)}", remedies)
        return Problem(f"{got}; {option('decimal', ',')}, or {option('drop', name)}", {"decimal": ","})
    few = 1 < len(kinds) <= KINDS and len(kinds) <= max(2, len(texts) / 2)
    if np.isfinite(values).any():
        # Mostly numbers: one odd kind stands for a missing value, or it is a fault.
        if len(kinds) == 1 and not any(map(str.isdecimal, kinds[0])):
            remedies = {"missing": kinds[0], "fill": "median"}
            return Problem(
                f"{got}; {_typed(remedies)} if it stands for a missing value, or {option('drop', name)}", remedies
            )
        return Problem(f"{got}; fix them, or {option('drop', name)}", remedies)
    if few:
        remedies = {"one-hot": name} | ({"fill": "median"} if missing.any() and fill is None else {})
        return Problem(f"{got}; {_typed(remedies)}, or {option('drop', name)}", remedies)
    return Problem(f"{got}; {option('drop', name)}", remedies)


def _missing(name: str, missing: Flags, table: Table) -> Problem:
    remedies = {"fill": "median"}
    first = table.place(int(np.argmax(missing)))
    found = _count(int(missing.sum()), "missing value")
    advice = f"{_typed(remedies)}, or {option('drop', name)}"
    return Problem(f"expected a value in every row; got {found}, the first in {first}; {advice}", remedies)


def _one_hot_problem(name: str, missing: Flags, kinds: int, table: Table, fill: str | None) -> Problem | None:
    """Why a column cannot become one column per kind of value."""
    if missing.any() and fill is None:
        return _missing(name, missing, table)
    if not 2 <= kinds <= MOST_KINDS:
        got = "more" if kinds > MOST_KINDS else _count(kinds, "kind")
        expected = f"expected 2 to {MOST_KINDS} kinds of values for --one-hot"
        return Problem(f"{expected}; got {got}; {option('drop', name)} instead", {"drop": name})
    return None


def _indicators(name: str, column: "Series") -> "DataFrame":
    """Give one column per kind of value, up to one kind too many; a missing value is of no kind."""
    import pandas as pd

    values, wrong = numbers(column)
    if wrong.any():
        texts = column.astype(str).where(column.notna())
        kinds = sorted(texts.dropna().unique())
    else:
        texts = pd.Series(values, column.index).map(plain, na_action="ignore")
        kinds = [plain(value) for value in np.unique(values[~np.isnan(values)])]
    made = {f"{name}={kind}": (texts == kind).to_numpy(np.float64) for kind in kinds[: MOST_KINDS + 1]}
    return pd.DataFrame(made, column.index)


def _message(problems: dict[str, Problem], columns: int) -> str:
    texts = [f"column {name!r}: {problem.text}" for name, problem in problems.items()]
    if len(texts) == 1:
        return texts[0]
    together: dict[str, dict[str, None]] = {}
    for problem in problems.values():
        for what, value in problem.remedies.items():
            together.setdefault(what, {})[value] = None
    options = []
    for what, values in together.items():
        alone = [value for value in values if what == "missing" or "," in value]
        listable = [value for value in values if value not in alone]
        options += [option(what, value) for value in ([",".join(listable)] if listable else []) + alone]
    return "\n".join(
        [f"table: expected numbers in all columns; got {len(texts)} of {columns} that cannot be used as they are:"]
        + [f"  {text}" for text in texts]
        + [f"for example, all at once: {' '.join(options)}"]
    )


def _typed(remedies: dict[str, str]) -> str:
    return " ".join(option(what, value) for what, value in remedies.items())


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _value(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")

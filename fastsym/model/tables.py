"""A user's own table -> Dataset: any binary classification data, from a file or a DataFrame."""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from fastsym.model import datasets, files
from fastsym.model.columns import Table, chosen, listed, name_of, select, unknown
from fastsym.model.datasets import Dataset
from fastsym.model.delimited import parse
from fastsym.model.labels import labels
from fastsym.model.lines import Reading
from fastsym.model.repairs import FILLS, features, refuse_odd_row


def load_table(
    source: str | Path | IO[Any] | Any,
    target: Hashable,
    *,
    positive: Hashable = None,
    sep: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    header: bool | None = None,
    skip: Sequence[int] = (),
    index: bool = False,
    drop: str | Sequence[Hashable] = (),
    missing: Sequence[str] = (),
    fill: str | None = None,
    one_hot: str | Sequence[Hashable] = (),
    standardise: bool = False,
) -> Dataset:
    r"""Turn a table with one row a sample into features and labels.

    Nothing is guessed: what a file does not tell for certain is refused, with the option that tells it. Messages name
    options as they are typed on the command line: ``--one-hot`` is ``one_hot`` here.

    Parameters
    ----------
    source
        Path of a file, or a file opened for reading, or anything that pandas makes a DataFrame of: a dict of columns,
        a list of dicts, rows without names (their columns are then called 0, 1, ...), a pyarrow or polars table. An
        index is no feature. Files: text with separators, also compressed (gz, bz2, xz, or a zip of one file); Parquet
        and Feather; Excel, OpenDocument, ORC, Stata, SPSS and SAS, for which pandas may need a package of its own.
        Not modified.
    target
        Name of the column of labels.
    positive
        Which of the two kinds of labels is 1; not needed for labels 0 and 1, or False and True.
    sep, decimal
        What separates fields (one character, or ``"spaces"``) and the decimal sign, if the file does not tell.
    encoding
        Of text; UTF-8, or what a byte order mark tells, if not given.
    comment
        Leave out lines that begin with this. ``""``: none is a comment.
    header
        Whether the first line holds names. False: the columns are called 0, 1, ...; None: it must look like names.
    skip
        Numbers of lines to leave out, from 1.
    index
        Leave out the first column, which holds names or numbers of rows.
    drop
        Columns to leave out, in a list or with commas between their names.
    missing
        Values that stand for a missing one, such as ``"?"``; the empty field, ``NA``, ``NaN``, ``null`` and ``None``
        always do.
    fill
        ``"median"``: a missing number becomes the median of its column, and a missing value of a ``one_hot`` column 0
        for every kind. None: they are refused.
    one_hot
        Columns to turn into one column per kind of value, called ``column=value``.
    standardise
        Give every feature mean 0 and variance 1.

    Returns
    -------
    Dataset
        All other columns, in their order, as float64 features. The name of a column on several levels joins them by
        points.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    ValueError
        If the source is no table, it is not certain how it is to be read, the target is missing or not of two kinds,
        or columns are not finite numbers; the message names the place, and what to do.

    Examples
    --------
    >>> import fastsym
    >>> fastsym.load_table({"age": [20, 30, 40], "smoker": ["no", "yes", "no"]}, target="smoker", positive="yes")
    Dataset(X (1, 3) from 20 to 40, 3 samples, 1 of them labelled 1; age)
    """
    if fill is not None and fill not in FILLS:
        raise ValueError(f"fill: expected {' or '.join(FILLS)}; got {fill!r}; name it or leave it out")
    reading = Reading(sep, decimal, encoding, comment, header, tuple(skip))
    absent = (missing,) if isinstance(missing, str) else tuple(missing)
    table = select(_table(source, reading, index, absent), index, drop)
    names = list(table.frame.columns)
    if not names:
        raise ValueError("table: expected columns of features and of labels; got no column; pass data")
    if target is None:
        raise ValueError(f"target: expected the column of labels, one of {listed(names, 1000)}; got none; name it")
    label = name_of(target)
    if label not in names:
        raise ValueError(unknown("target", target, names))
    inputs = Table(table.frame.drop(columns=label), table.lines)
    if inputs.frame.shape[1] == 0 or len(inputs.frame) == 0:
        raise ValueError(
            f"table: expected at least one row and one column besides {label!r}; got {len(inputs.frame)} rows and "
            f"{inputs.frame.shape[1]} columns; pass data"
        )
    coded = chosen("one_hot", one_hot, list(inputs.frame.columns))
    refuse_odd_row(Table(table.frame.drop(columns=coded), table.lines))
    y = labels(table, label, positive)
    columns = features(inputs, fill, coded)
    data = Dataset(np.ascontiguousarray(columns.to_numpy(np.float64).T), y, tuple(columns.columns))
    return datasets.standardise(data) if standardise else data


def _table(source: Any, reading: Reading, index: bool, missing: tuple[str, ...]) -> Table:
    import pandas as pd  # here, because it costs more to import than all of fastsym

    if isinstance(source, str | Path) or hasattr(source, "read"):
        found = files.read(source, reading.encoding)
    elif isinstance(source, pd.Series):
        raise ValueError("table: expected columns of features and of labels; got a Series; pass a DataFrame")
    else:
        try:
            found = source.to_pandas() if hasattr(source, "to_pandas") else pd.DataFrame(source)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"table: expected a file or columns; got {type(source).__name__}: {error}") from error
    if isinstance(found, str):
        return parse(found, reading, index, missing)
    for name, value in zip(reading._fields, reading, strict=True):
        if value not in (None, ()):
            raise ValueError(f"{name}: expected none for a table that is not text; got {value!r}; leave it out")
    return Table(found.mask(found.isin([*missing, *_as_numbers(missing)])) if missing else found)


def _as_numbers(texts: Sequence[str]) -> list[float]:
    import pandas as pd

    return [float(each) for each in pd.to_numeric(pd.Series(texts), errors="coerce").dropna()]

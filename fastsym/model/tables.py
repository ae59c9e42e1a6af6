"""A user's own table -> Dataset: any binary classification data, from a CSV file or a DataFrame."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastsym.model import datasets
from fastsym.model.datasets import Dataset

if TYPE_CHECKING:
    from pandas import DataFrame, Series

SHOWN = 5
"""Names or values listed in a message, at most."""


def load_table(source: "str | Path | DataFrame", target: str, standardise: bool = False) -> Dataset:
    """Turn a table with one row a sample into features and labels.

    Parameters
    ----------
    source
        Path of a CSV file with a header line, or a DataFrame. Not modified.
    target
        Name of the column of labels: 0 and 1, or False and True.
    standardise
        Give every feature mean 0 and variance 1.

    Returns
    -------
    Dataset
        All other columns, in their order, as float64 features.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    ValueError
        If the file is no CSV table, the target is missing or has not two labels, 0 and 1, a column is not numeric,
        double or constant (if standardising), or a value is missing or infinite; the message says which.
    """
    frame = _frame(source)
    doubles = frame.columns[frame.columns.duplicated()]
    if len(doubles):
        raise ValueError(f"table: expected different column names; got {_some(doubles)} twice; rename one")
    if target not in frame.columns:
        advice = "name a column" if frame.shape[1] > 1 else "name it, or save the file with commas between columns"
        raise ValueError(f"target: expected one of the columns {_some(frame.columns)}; got {target!r}; {advice}")
    features = frame.drop(columns=target)
    if features.shape[1] == 0 or len(features) == 0:
        raise ValueError(
            f"table: expected at least one row and one column besides {target!r}; got {len(features)} rows and "
            f"{features.shape[1]} columns; pass data"
        )
    for name, column in frame.items():
        if column.isna().any():
            row = int(np.argmax(column.isna().to_numpy()))
            raise ValueError(
                f"column {name!r}: expected no missing values; got {int(column.isna().sum())}, the first in row {row} "
                "of the data (from 0); fill or drop them"
            )
    y = _labels(frame[target])
    X = np.stack([_numbers(str(name), column) for name, column in features.items()])
    data = Dataset(np.ascontiguousarray(X), y, tuple(map(str, features.columns)))
    return datasets.standardise(data) if standardise else data


def _frame(source: "str | Path | DataFrame") -> "DataFrame":
    import pandas as pd  # here, because it costs more to import than all of fastsym

    if isinstance(source, pd.DataFrame):
        return source
    try:
        header = pd.read_csv(source, header=None, nrows=1, dtype=str).iloc[0]
        frame = pd.read_csv(source)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"table: expected a CSV file with a header line; got {source}: {error}") from error
    if header.duplicated().any():  # pandas would rename the second one
        name = header[header.duplicated()].iloc[0]
        raise ValueError(f"table: expected different column names; got {name!r} twice; rename one")
    return frame


def _some(names: Iterable[object]) -> str:
    shown = [repr(name) for name in names]
    return ", ".join(shown[:SHOWN]) + (f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else "")


def _numbers(name: str, column: "Series") -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not (is_numeric_dtype(column) or is_bool_dtype(column)) or column.dtype.kind == "c":
        raise ValueError(
            f"column {name!r}: expected numbers; got {column.dtype} values such as {column.iloc[0]!r}; drop the "
            "column, or turn it into indicator columns with pandas.get_dummies"
        )
    values = column.to_numpy(np.float64)
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise ValueError(
            f"column {name!r}: expected finite numbers; got {values[row]} in row {row} of the data (from 0); fix "
            "or drop it"
        )
    return values


def _labels(column: "Series") -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    kinds = sorted(column.unique().tolist(), key=str)
    if not set(kinds) <= {0, 1}:
        raise ValueError(
            f"target {column.name!r}: expected labels 0 and 1; got {_some(kinds)}; recode it, for example with "
            f"(table[{column.name!r}] == {kinds[-1]!r}).astype(int)"
        )
    if len(kinds) == 1:
        raise ValueError(
            f"target {column.name!r}: expected both labels, 0 and 1; got {kinds[0]!r} in every row; add rows with the "
            "other one"
        )
    return column.to_numpy(np.float64)

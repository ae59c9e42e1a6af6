"""The Titanic table of the article, cleaned as its author did."""

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fastsym.model.params import Array

if TYPE_CHECKING:
    from pandas import DataFrame

FEATURE_SETS = ("article", "no_id", "standardised")


class Dataset(NamedTuple):
    """A binary classification table, ready for training."""

    X: Array
    """(D, M) float64, one column a sample."""
    y: Array
    """(M,) float64, 0 or 1."""
    feature_names: tuple[str, ...]
    """D names, in the order of X's rows."""


def titanic_path() -> Path:
    """Path of ``titanic.csv``: inside an installed wheel, or in ``data/`` of a checkout."""
    package = Path(str(files("fastsym")))
    installed = package / "titanic.csv"
    return installed if installed.exists() else package.parent / "data" / "titanic.csv"


def load_titanic(features: str = "article") -> Dataset:
    """Load the 889 cleaned passengers.

    A missing age becomes the median age of the passenger's class (37, 29 and 24 years), the two rows
    without a port are dropped, and sex and port become indicator columns with female and Cherbourg as base.

    Parameters
    ----------
    features
        ``"article"``: all nine columns, raw, with PassengerId, which is only a row number;
        ``"no_id"``: the eight others, raw; ``"standardised"``: the eight with mean 0 and variance 1.

    Returns
    -------
    Dataset
        X (9 or 8, 889) and y (889,), of which 340 are 1.

    Raises
    ------
    ValueError
        If ``features`` is none of the three names.
    """
    if features not in FEATURE_SETS:
        raise ValueError(f"features: expected one of {', '.join(FEATURE_SETS)}; got {features!r}; choose one of these")
    import pandas as pd  # here, because it costs more to import than all of fastsym

    table = clean(pd.read_csv(titanic_path()))
    y = table.pop("Survived").to_numpy(np.float64)
    if features != "article":
        table = table.drop(columns="PassengerId")
    if features == "standardised":
        table = (table - table.mean()) / table.std(ddof=0)
    X = np.ascontiguousarray(table.to_numpy(np.float64).T)
    return Dataset(X, y, tuple(table.columns))


def clean(raw: "DataFrame") -> "DataFrame":
    """Turn the 891 raw rows into the author's 889 rows of nine numeric features and ``Survived``.

    Parameters
    ----------
    raw
        The table of ``data/titanic.csv``; not modified.

    Returns
    -------
    pandas.DataFrame
        Columns PassengerId, Survived, Pclass, Age, SibSp, Parch, Fare, male, Q, S.
    """
    age = raw["Age"].fillna(raw.groupby("Pclass")["Age"].transform("median"))
    table = raw[["PassengerId", "Survived", "Pclass"]].assign(
        Age=age,
        SibSp=raw["SibSp"],
        Parch=raw["Parch"],
        Fare=raw["Fare"],
        male=(raw["Sex"] == "male").astype(float),
        Q=(raw["Embarked"] == "Q").astype(float),
        S=(raw["Embarked"] == "S").astype(float),
    )
    return table[raw["Embarked"].notna()]

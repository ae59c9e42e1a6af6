"""The Titanic table of the article, cleaned as its author did, and the standardising of any table."""

import csv
from importlib.resources import files
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fastsym.model.columns import option
from fastsym.model.display import MOST_ROWS, array_line, html_table, listed_names
from fastsym.model.params import Array

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

FEATURE_SETS = ("article", "no_id", "standardised")
NAMES = ("PassengerId", "Pclass", "Age", "SibSp", "Parch", "Fare", "male", "Q", "S")
ROUNDING = 1e-6
"""Mean and variance of a standardised feature may differ by this from 0 and 1: a thousand times more than rounding
does for values whose mean is a million times their deviation."""


class Dataset(NamedTuple):
    """A binary classification table, ready for training."""

    X: Array
    """(D, M) float64, one column a sample."""
    y: Array
    """(M,) float64, 0 or 1."""
    feature_names: tuple[str, ...]
    """D names, in the order of X's rows."""

    def __repr__(self) -> str:
        return f"Dataset({array_line('X', self.X)}, {self._samples()}; {listed_names(self.feature_names)})"

    def _samples(self) -> str:
        return f"{len(self.y)} samples, {np.count_nonzero(self.y)} of them labelled 1"

    def _repr_html_(self) -> str:
        shown = zip(self.feature_names[:MOST_ROWS], self.X[:MOST_ROWS], strict=True)
        rows = [(str(name), *(f"{v:.4g}" for v in (x.min(), _mean(x), x.max(), x.std()))) for name, x in shown]
        caption = f"Dataset: X {self.X.shape} {self.X.dtype}, {self._samples()}"
        return html_table(caption, ("feature", "least", "mean", "greatest", "deviation"), rows, len(self.X))


def _mean(x: Array) -> float:
    """Return the mean, or 0 where it is nothing but rounding."""
    mean = float(x.mean())
    return mean if abs(mean) > ROUNDING * float(x.std()) else 0.0


def data_file(name: str) -> "Traversable":
    """Find a file of ``data/``: inside an installed package or beside it in a checkout, either may be zipped."""
    package: Any = files("fastsym")  # a Path or a zipfile.Path: both have a parent
    installed: Traversable = package / name
    beside: Traversable = package.parent / "data" / name
    return installed if installed.is_file() else beside


def titanic_path() -> "Traversable":
    """``titanic.csv``, as it came."""
    return data_file("titanic.csv")


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

    Examples
    --------
    >>> import fastsym
    >>> X, y, names = fastsym.load_titanic("no_id")
    >>> X.shape, names
    ((8, 889), ('Pclass', 'Age', 'SibSp', 'Parch', 'Fare', 'male', 'Q', 'S'))
    """
    if features not in FEATURE_SETS:
        raise ValueError(f"features: expected one of {', '.join(FEATURE_SETS)}; got {features!r}; choose one of these")
    # Read without pandas, which costs more to import than all of fastsym.
    passengers = list(csv.DictReader(titanic_path().read_text(encoding="utf-8").splitlines()))
    ages = {c: median(float(p["Age"]) for p in passengers if p["Pclass"] == c and p["Age"]) for c in "123"}
    passengers = [p for p in passengers if p["Embarked"]]
    columns = {
        name: [float(p[name]) for p in passengers] for name in ("PassengerId", "Pclass", "SibSp", "Parch", "Fare")
    }
    columns["Age"] = [float(p["Age"] or ages[p["Pclass"]]) for p in passengers]
    columns["male"] = [float(p["Sex"] == "male") for p in passengers]
    columns |= {port: [float(p["Embarked"] == port) for p in passengers] for port in "QS"}
    names = NAMES if features == "article" else NAMES[1:]
    y = np.array([float(p["Survived"]) for p in passengers])
    data = Dataset(np.array([columns[name] for name in names]), y, names)
    return standardise(data) if features == "standardised" else data


def standardise(data: Dataset) -> Dataset:
    """Give every feature mean 0 and variance 1.

    Parameters
    ----------
    data
        Any table; not modified.

    Returns
    -------
    Dataset
        The same labels and names; X is a new C-contiguous array.

    Raises
    ------
    ValueError
        If a feature has the same value in all samples, or values whose mean and deviation float64 cannot tell;
        the message names all such features.
    """
    # Added up along rows that are contiguous in memory: another order would change the last bits.
    X = np.ascontiguousarray(data.X)
    # The deviation does not tell: rounded, that of 0.1, 0.1, 0.1 is 1e-17.
    constant = X.min(axis=1) == X.max(axis=1)
    _refuse(data, constant, "values that differ, to standardise; got the same value in every row")
    with np.errstate(all="ignore"):
        X = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
        worked = (np.abs(X.mean(axis=1)) <= ROUNDING) & (np.abs(X.var(axis=1) - 1) <= ROUNDING)
    _refuse(data, ~worked, "values that can be standardised in float64; got too large, too small or too close ones")
    return data._replace(X=X)


def _refuse(data: Dataset, wrong: "np.ndarray[tuple[int], np.dtype[np.bool_]]", problem: str) -> None:
    names = [name for name, is_wrong in zip(data.feature_names, wrong, strict=True) if is_wrong]
    if names:
        raise ValueError(
            f"{'columns' if len(names) > 1 else 'column'} {', '.join(map(repr, names))}: expected {problem}; drop "
            f"{'them' if len(names) > 1 else 'it'}, as {option('drop', ','.join(names))} does"
        )

import csv
import hashlib
from statistics import median

import numpy as np
import pandas as pd
import pytest

from fastsym import load_titanic
from fastsym.model.datasets import FEATURE_SETS, clean, titanic_path

SHA256 = "4a437fde05fe5264e1701a7387ac6fb75393772ba38bb2c9c566405af5af4bd7"
NAMES = ("PassengerId", "Pclass", "Age", "SibSp", "Parch", "Fare", "male", "Q", "S")


def cleaned_by_hand() -> tuple[list[list[float]], list[float]]:
    """The cleaning once more, with the csv module alone."""
    with titanic_path().open(newline="", encoding="utf-8") as file:
        passengers = list(csv.DictReader(file))
    ages = {c: median(float(p["Age"]) for p in passengers if p["Pclass"] == c and p["Age"]) for c in "123"}
    assert ages == {"1": 37, "2": 29, "3": 24}
    kept = [p for p in passengers if p["Embarked"]]
    rows = [
        [float(p["PassengerId"]), float(p["Pclass"]), float(p["Age"] or ages[p["Pclass"]])]
        + [float(p[name]) for name in ("SibSp", "Parch", "Fare")]
        + [float(p["Sex"] == "male"), float(p["Embarked"] == "Q"), float(p["Embarked"] == "S")]
        for p in kept
    ]
    return rows, [float(p["Survived"]) for p in kept]


def test_the_table_is_the_published_one() -> None:
    assert hashlib.sha256(titanic_path().read_bytes()).hexdigest() == SHA256


def test_article_is_the_cleaned_table() -> None:
    X, y, names = load_titanic("article")
    rows, labels = cleaned_by_hand()
    assert X.shape == (9, 889)
    assert y.sum() == 340
    assert names == NAMES
    np.testing.assert_array_equal(X.T, rows)
    np.testing.assert_array_equal(y, labels)


def test_no_id_drops_the_row_number_only() -> None:
    article, no_id = load_titanic(), load_titanic("no_id")
    np.testing.assert_array_equal(no_id.X, article.X[1:])
    np.testing.assert_array_equal(no_id.y, article.y)
    assert no_id.feature_names == NAMES[1:]


def test_standardised_has_mean_0_and_variance_1() -> None:
    no_id, standardised = load_titanic("no_id"), load_titanic("standardised")
    np.testing.assert_allclose(standardised.X.mean(axis=1), 0, atol=1e-14)
    np.testing.assert_allclose(standardised.X.var(axis=1), 1, atol=1e-13)
    for raw, scaled in zip(no_id.X, standardised.X, strict=True):
        assert np.corrcoef(raw, scaled)[0, 1] == pytest.approx(1, abs=1e-14)
    assert standardised.feature_names == NAMES[1:]


@pytest.mark.parametrize("features", FEATURE_SETS)
def test_arrays_are_contiguous_float64(features: str) -> None:
    X, y, _ = load_titanic(features)
    assert X.dtype == y.dtype == np.float64
    assert X.flags.c_contiguous
    assert np.isfinite(X).all()
    assert set(y) == {0.0, 1.0}


def test_clean_leaves_its_input_alone() -> None:
    raw = pd.read_csv(titanic_path())
    before = raw.copy(deep=True)
    clean(raw)
    pd.testing.assert_frame_equal(raw, before)


def test_unknown_feature_set() -> None:
    with pytest.raises(ValueError, match="features: expected one of article, no_id, standardised; got 'raw'; choose"):
        load_titanic("raw")

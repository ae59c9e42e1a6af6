import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastsym
from fastsym import Dataset, load_titanic
from fastsym.model.datasets import FEATURE_SETS, standardise, titanic_path

SHA256 = "4a437fde05fe5264e1701a7387ac6fb75393772ba38bb2c9c566405af5af4bd7"
NAMES = ("PassengerId", "Pclass", "Age", "SibSp", "Parch", "Fare", "male", "Q", "S")
LOAD = "import sys, hashlib; from fastsym.model.datasets import load_titanic; d = load_titanic('standardised'); "


def cleaned_by_pandas() -> pd.DataFrame:
    """The cleaning once more, with pandas."""
    with titanic_path().open(encoding="utf-8") as file:
        raw = pd.read_csv(file)
    medians = raw.groupby("Pclass")["Age"].median()
    assert medians.to_dict() == {1: 37, 2: 29, 3: 24}
    raw["Age"] = raw["Age"].fillna(raw["Pclass"].map(medians))
    raw["male"] = raw["Sex"] == "male"
    raw["Q"], raw["S"] = raw["Embarked"] == "Q", raw["Embarked"] == "S"
    return raw[raw["Embarked"].notna()]


def test_the_table_is_the_published_one() -> None:
    assert hashlib.sha256(titanic_path().read_bytes()).hexdigest() == SHA256


def test_article_is_the_cleaned_table() -> None:
    X, y, names = load_titanic("article")
    cleaned = cleaned_by_pandas()
    assert X.shape == (9, 889)
    assert y.sum() == 340
    assert names == NAMES
    np.testing.assert_array_equal(X.T, cleaned[list(NAMES)].to_numpy(np.float64))
    np.testing.assert_array_equal(y, cleaned["Survived"])


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


def test_unknown_feature_set() -> None:
    with pytest.raises(ValueError, match="features: expected one of article, no_id, standardised; got 'raw'; choose"):
        load_titanic("raw")


def test_loading_needs_no_pandas() -> None:
    code = LOAD + "print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_loads_from_a_zip(tmp_path: Path) -> None:
    package = tmp_path / "unpacked" / "fastsym"
    shutil.copytree(Path(fastsym.__file__).parent / "model", package / "model")
    (package / "__init__.py").touch()  # the kernels are not what this is about
    (package / "titanic.csv").write_bytes(titanic_path().read_bytes())
    shutil.make_archive(str(tmp_path / "packed"), "zip", package.parent)
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "packed.zip")}
    code = LOAD + "import fastsym; print(hashlib.sha256(d.X.tobytes()).hexdigest(), fastsym.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    digest, file = done.stdout.split()
    assert "packed.zip" in file
    assert digest == hashlib.sha256(load_titanic("standardised").X.tobytes()).hexdigest()


def table(**features: list[float]) -> Dataset:
    return Dataset(np.array(list(features.values())), np.array([0.0, 1.0, 0.0]), tuple(features))


def test_standardise_gives_mean_0_and_variance_1() -> None:
    data = table(a=[1, 2, 6], b=[1e9, 1e9 + 1, 1e9 + 2], c=[1e-150, 3e-150, -1e-150])
    before = data.X.copy()
    X = standardise(data).X
    np.testing.assert_allclose(X.mean(axis=1), 0, atol=1e-7)  # an ulp of 1e9 is 1.2e-7
    np.testing.assert_allclose(X.var(axis=1), 1, rtol=1e-7)
    np.testing.assert_array_equal(data.X, before)


def test_standardise_gives_the_same_bits_for_every_memory_layout() -> None:
    data = load_titanic("no_id")
    for X in (np.asfortranarray(data.X), np.repeat(data.X, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(standardise(data._replace(X=X)).X, load_titanic("standardised").X)


def test_constant_columns_are_all_named() -> None:
    with pytest.raises(ValueError, match=r"columns 'a', 'c': expected values that differ.*drop them"):
        standardise(table(a=[0.1, 0.1, 0.1], b=[1, 2, 3], c=[0, 0, 0]))


@pytest.mark.parametrize(
    "values", [[1e300, 2e300, 3e300], [1e308, 1.5e308, 1.7e308], [1e-300, 2e-300, 3e-300], [1e16, 1e16, 1e16 + 2]]
)
def test_what_float64_cannot_standardise_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"column 'b': expected values that can be standardised in float64.*drop it"):
        standardise(table(a=[1, 2, 3], b=values))

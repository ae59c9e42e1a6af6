"""A user's table becomes features and labels, or the message says what keeps it from it."""

import datetime
import decimal
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import fastsym
from fastsym import load_table
from fastsym.model.datasets import titanic_path


@pytest.fixture
def frame():
    return pd.DataFrame(
        {"size": [1, 2, 3, 4], "ill": [0, 1, 1, 0], "old": [True, False, True, True], "w": [0.5, 1.5, 2.5, 3.0]}
    )


X = [[1, 2, 3, 4], [1, 0, 1, 1], [0.5, 1.5, 2.5, 3.0]]
Y = [0, 1, 1, 0]


def test_dataframe(frame):
    before = frame.copy()
    data = load_table(frame, "ill")
    np.testing.assert_array_equal(data.X, X)
    np.testing.assert_array_equal(data.y, Y)
    assert data.feature_names == ("size", "old", "w")
    assert data.X.dtype == data.y.dtype == np.float64
    assert data.X.flags.c_contiguous
    pd.testing.assert_frame_equal(frame, before)


def test_csv_trains(frame, tmp_path):
    path = tmp_path / "mine.csv"
    frame.to_csv(path, index=False)
    data = load_table(path, "ill", standardise=True)
    np.testing.assert_allclose(data.X.mean(axis=1), 0, atol=1e-15)
    np.testing.assert_allclose(data.X.std(axis=1), 1)
    training = fastsym.train(data.X, data.y, fastsym.initialise("normal", 3, 2), 50, 0.5, "fused")
    assert training.costs[-1] < training.costs[0]


SOURCES = {
    "dict": lambda f: f.to_dict("list"),
    "dict of Series": lambda f: {name: f[name] for name in f},
    "list of dicts": lambda f: f.to_dict("records"),
    "arrow": lambda f: pa.Table.from_pandas(f),
    "nullable": lambda f: f.convert_dtypes(),
    "arrow types": lambda f: f.convert_dtypes(dtype_backend="pyarrow"),
    "texts": lambda f: f.assign(w=f["w"].astype(str), ill=f["ill"].astype(str)),
    "categories": lambda f: f.assign(size=f["size"].astype("category")),
    "objects": lambda f: f.assign(old=f["old"].astype(object), w=[decimal.Decimal(w) for w in f["w"]]),
    "sparse": lambda f: f.astype({"size": pd.SparseDtype("int64", 0)}),
    "an index": lambda f: f.set_axis([7, 7, 7, 7]),
    "levels": lambda f: f.set_axis(pd.MultiIndex.from_tuples([(name, "") for name in f]), axis=1),
    "open file": lambda f: io.StringIO(f.to_csv(index=False)),
}


@pytest.mark.parametrize("name", SOURCES)
def test_sources(frame, name):
    data = load_table(SOURCES[name](frame), "ill")
    np.testing.assert_array_equal(data.X, X)
    np.testing.assert_array_equal(data.y, Y)
    assert data.feature_names == ("size", "old", "w")


@pytest.mark.parametrize("source", [list, np.array])
@pytest.mark.parametrize("target", [1, "1"])
def test_rows_without_names(frame, source, target):
    data = load_table(source(frame.astype(float).to_numpy().tolist()), target)
    np.testing.assert_array_equal(data.X, X)
    assert data.feature_names == ("0", "2", "3")


def test_names_on_levels_are_joined(frame):
    levels = frame.set_axis(pd.MultiIndex.from_tuples([("a", 1), ("a", "ill"), ("b", ""), ("b", "w")]), axis=1)
    for target in (("a", "ill"), "a.ill"):
        assert load_table(levels, target, drop=[("b", "")]).feature_names == ("a.1", "b.w")


PROBLEMS = {
    "missing value": (lambda f: f.assign(w=[1, None, 2, 3]), r"column 'w': .*got 1 missing.*row 1.*--fill median"),
    "missing label": (lambda f: f.assign(ill=[1, 0, None, 1]), r"target 'ill': expected a label in every row.*row 2"),
    "text": (lambda f: f.assign(w=list("abcd")), r"column 'w': expected numbers; got 'a' in row 0.*--drop w"),
    "kinds": (lambda f: f.assign(w=list("abab")), r"column 'w': .*\(2 kinds\); --one-hot w, or --drop w"),
    "one kind": (lambda f: f.assign(w=list("aaaa")), r"column 'w': .*\(1 kind\); --drop w"),
    "mark": (lambda f: f.assign(w=["1", "?", "3", "4"]), r"'\?' in row 1.*--missing '\?' --fill median"),
    "one bad value": (lambda f: f.assign(w=["1", "$2", "3", "4"]), r"'\$2' in row 1.*fix them, or --drop w"),
    "only missing": (lambda f: f.assign(w=None), r"column 'w': expected numbers; got no value.*--drop w"),
    "dates": (lambda f: f.assign(w=pd.Timestamp("2020-01-01")), r"column 'w': expected numbers; got '2020-01-01"),
    "other dates": (lambda f: f.assign(w=datetime.date(2020, 1, 1)), r"column 'w': expected numbers"),
    "complex": (lambda f: f.assign(w=1j), r"column 'w': expected numbers"),
    "lists": (lambda f: f.assign(w=[[1], [2], [3], [4]]), r"column 'w': expected numbers; got '\[1\]'"),
    "infinite": (lambda f: f.assign(w=[1, 2, np.inf, 3]), r"column 'w': expected finite numbers; got 'inf' in row 2"),
    "three labels": (lambda f: f.assign(ill=[0, 1, 2, 0]), r"two kinds of labels; got 3: '0', '1', '2'; keep the"),
    "one label": (lambda f: f.assign(ill=1), r"target 'ill': expected two kinds of labels; got '1' in every row"),
    "other labels": (lambda f: f.assign(ill=list("ynyn")), r"got 'n' and 'y'.*--positive y or --positive n"),
    "no target": (lambda f: f.drop(columns="ill"), r"target: expected a column .* 'size', 'old', 'w'; got 'ill'"),
    "only target": (lambda f: f[["ill"]], r"table: expected at least one row and one column besides 'ill'"),
    "no rows": (lambda f: f.iloc[:0], r"table: expected at least one row"),
    "repeated name": (lambda f: pd.concat([f, f[["w"]]], axis=1), r"different names of columns; got 'w' more than"),
    "equal names": (lambda f: f.rename(columns={"w": 1, "old": "1"}), r"different names of columns; got '1' more than"),
    "no name": (lambda f: f.rename(columns={"w": None}), r"expected a name for each column"),
    "index column": (lambda f: f.rename(columns={"size": "Unnamed: 0"}), r"'Unnamed: 0': expected a name.*--index"),
    "units": (lambda f: pd.concat([pd.DataFrame({"size": ["mm"], "w": ["kg"]}), f[["size", "w"]].assign(ill=0)]),
              r"row 0 .*got 'mm', 'kg'"),
    "constant": (lambda f: f.assign(w=0.1), r"column 'w': expected values that differ.*--drop w"),
    "huge": (lambda f: f.assign(w=[1e300, 2e300, 3e300, 4e300]), r"column 'w': expected values that can be standard"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_are_named(frame, name):
    spoil, message = PROBLEMS[name]
    with pytest.raises(ValueError, match=f"(?s){message}"):
        load_table(spoil(frame), "ill", standardise=True)


@pytest.mark.parametrize("source", [None, 3, [], pd.Series([1, 2], name="ill"), {"a": [1], "ill": [0, 1]}])
def test_what_is_no_table(source):
    with pytest.raises(ValueError, match="table: expected"):
        load_table(source, "ill")


def test_all_unusable_columns_are_named_with_what_repairs_them_all(frame):
    spoilt = frame.assign(
        w=list("abcd"), x=["1", "?", "3", "4"], size=[1, None, 2, 3], **{"p, q": list("abba"), "r": list("abba")}
    )
    with pytest.raises(ValueError, match="got 5 of 6") as caught:
        load_table(spoilt, "ill")
    for name in ("size", "w", "x", "p, q", "r"):
        assert f"column {name!r}: " in str(caught.value)
    assert "--fill median --drop w --missing '?' --one-hot r --one-hot 'p, q'" in str(caught.value)
    data = load_table(spoilt, "ill", fill="median", drop="w", missing=["?"], one_hot=["r", "p, q"])
    assert data.feature_names == ("size", "old", "x", "p, q=a", "p, q=b", "r=a", "r=b")


@pytest.mark.parametrize("name", ["Ill", " ill", "ill ", "ILL", "il"])
def test_near_misses_of_names(frame, name):
    with pytest.raises(ValueError, match=f"got {name!r}; did you mean 'ill'"):
        load_table(frame, name)


def test_unknown_names_list_all_columns(frame):
    wide = frame.assign(**{f"column {i}": i for i in range(30)})
    for option in ({"target": "other"}, {"target": "ill", "drop": "other"}, {"target": "ill", "one_hot": ["other"]}):
        with pytest.raises(ValueError, match=r"'size', .*'column 29'; got 'other'; name one of these"):
            load_table(wide, **option)
    with pytest.raises(ValueError, match=r"'size', .*'column 29'; got none"):
        load_table(wide, None)


PAIRS = {
    "words": (["no", "yes"], "yes"),
    "letters": (["B", "M"], "M"),
    "1 and 2": ([1, 2], 2),
    "1 and 2, as text": ([1, 2], "2.0"),
    "-1 and 1": ([-1, 1], 1),
    "fractions": ([0.25, 0.5], "0.5"),
    "numbers as text": (["1", "2"], 2),
    "truths": ([False, True], True),
    "truths as text": ([False, True], "True"),
    "texts of truths": (["False", "True"], True),
    "0 and 1": ([0, 1], 1),
    "blanks": ([" no", " yes"], "yes"),
    "categories": (pd.Categorical(["no", "yes"]), "yes"),
    "mixed": (["no", 1], 1),
}


@pytest.mark.parametrize("name", PAIRS)
def test_positive_label(name):
    kinds, positive = PAIRS[name]
    table = pd.DataFrame({"a": [1, 2, 3], "y": pd.Series(kinds).iloc[[0, 1, 0]].to_numpy()})
    np.testing.assert_array_equal(load_table(table, "y", positive=positive).y, [0, 1, 0])
    np.testing.assert_array_equal(load_table(table, "y", positive=kinds[0]).y, [1, 0, 1])


def test_positive_must_be_a_label(frame):
    with pytest.raises(ValueError, match="positive: expected '0' or '1', the labels in 'ill'; got 'yes'"):
        load_table(frame, "ill", positive="yes")


def test_labels_of_three_kinds_are_not_recoded(frame):
    with pytest.raises(ValueError, match="two kinds of labels; got 3") as caught:
        load_table(frame.assign(ill=list("abca")), "ill", positive="a")
    assert "--positive" not in str(caught.value)


def test_a_label_that_occurs_once_is_located(frame):
    many = pd.concat([frame] * 10, ignore_index=True).astype({"ill": object})
    many.loc[17, "ill"] = "oops"
    with pytest.raises(ValueError, match=r"occurs once: 'oops' in row 17"):
        load_table(many, "ill")


def test_drop_and_index(frame):
    assert load_table(frame, "ill", drop="old").feature_names == ("size", "w")
    assert load_table(frame, "ill", drop="old, w").feature_names == ("size",)
    assert load_table(frame, "ill", drop=["old", "w"]).feature_names == ("size",)
    assert load_table(frame, "ill", index=True).feature_names == ("old", "w")
    with pytest.raises(ValueError, match="target: expected a column"):
        load_table(frame, "ill", drop="ill")


def test_one_hot(frame):
    coded = frame.assign(size=["s", "m", "s", "xl"], w=[10, 2, 2, 10])
    data = load_table(coded, "ill", one_hot=["size", "w"])
    assert data.feature_names == ("size=m", "size=s", "size=xl", "old", "w=2", "w=10")
    np.testing.assert_array_equal(data.X[:3], [[0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]])
    np.testing.assert_array_equal(data.X[4:], [[0, 1, 1, 0], [1, 0, 0, 1]])


def test_a_missing_value_is_of_no_kind(frame):
    coded = frame.assign(size=["s", None, "s", "m"])
    with pytest.raises(ValueError, match=r"column 'size': .*--fill median"):
        load_table(coded, "ill", one_hot="size")
    np.testing.assert_array_equal(load_table(coded, "ill", one_hot="size", fill="median").X[:2, 1], [0, 0])


def test_one_hot_refuses(frame):
    for column, message in (
        (["s"] * 4, "expected 2 to 1000 kinds .* got 1 kind"),
        ([None] * 4, "expected 2 to 1000 kinds .* got 0 kinds"),
    ):
        with pytest.raises(ValueError, match=f"column 'size': {message}"):
            load_table(frame.assign(size=column), "ill", one_hot="size", fill="median")
    many = pd.DataFrame({"name": [f"n{i}" for i in range(1001)], "ill": np.arange(1001) % 2})
    with pytest.raises(ValueError, match="got more; --drop name"):
        load_table(many, "ill", one_hot="name")
    with pytest.raises(ValueError, match="one_hot: expected names that are not taken; got 'size=2'"):
        load_table(frame.assign(**{"size=2": 1}), "ill", one_hot="size")


def test_fill(frame):
    gaps = frame.assign(w=[1, None, 2, 30], size=pd.array([4, 5, None, None], dtype="Int64"))
    np.testing.assert_array_equal(load_table(gaps, "ill", fill="median").X[[0, 2]], [[4, 5, 4.5, 4.5], [1, 2, 2, 30]])
    with pytest.raises(ValueError, match="fill: expected median; got 'mode'"):
        load_table(gaps, "ill", fill="mode")


def test_values_that_stand_for_missing_ones(frame):
    marked = frame.assign(w=["1", "?", "2", "30"], size=[4, -9, 5, 5])
    for source in (marked, io.StringIO(marked.to_csv(index=False))):
        data = load_table(source, "ill", missing=["?", "-9"], fill="median")
        np.testing.assert_array_equal(data.X[[0, 2]], [[4, 5, 5, 5], [1, 2, 2, 30]])


@pytest.mark.parametrize("option", [{"sep": ";"}, {"decimal": ","}, {"encoding": "latin1"}, {"header": False}])
def test_a_frame_takes_no_options_of_text(frame, option):
    with pytest.raises(ValueError, match=f"{next(iter(option))}: expected none for a table that is not text"):
        load_table(frame, "ill", **option)


def test_the_raw_titanic_table_is_repaired_by_options():
    options = {"drop": "PassengerId,Name,Ticket,Cabin", "one_hot": "Sex,Embarked", "fill": "median"}
    data = load_table(titanic_path(), "Survived", **options)
    raw = pd.read_csv(titanic_path())
    assert data.X.shape == (10, 891)
    assert data.feature_names[:3] == ("Pclass", "Sex=female", "Sex=male")
    np.testing.assert_array_equal(data.y, raw["Survived"])
    np.testing.assert_array_equal(data.X[data.feature_names.index("Age")], raw["Age"].fillna(raw["Age"].median()))
    np.testing.assert_array_equal(data.X[data.feature_names.index("Embarked=S")], raw["Embarked"] == "S")
    with pytest.raises(ValueError, match="--drop Name,Ticket,Cabin --one-hot Sex,Embarked --fill median"):
        load_table(titanic_path(), "Survived")

import numpy as np
import pandas as pd
import pytest

import fastsym
from fastsym.model.tables import load_table


@pytest.fixture
def frame():
    return pd.DataFrame(
        {"size": [1, 2, 3, 4], "ill": [0, 1, 1, 0], "old": [True, False, True, True], "w": [0.5, 1.5, 2.5, 3.0]}
    )


def test_dataframe(frame):
    before = frame.copy()
    data = load_table(frame, "ill")
    np.testing.assert_array_equal(data.X, [[1, 2, 3, 4], [1, 0, 1, 1], [0.5, 1.5, 2.5, 3.0]])
    np.testing.assert_array_equal(data.y, [0, 1, 1, 0])
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


def test_boolean_and_nullable_columns(frame):
    frame = frame.assign(ill=frame["ill"].astype(bool), size=frame["size"].astype("Int64"))
    np.testing.assert_array_equal(load_table(frame, "ill").y, [0, 1, 1, 0])


PROBLEMS = {
    "missing value": (lambda f: f.assign(w=[1, None, 2, 3]), r"column 'w': expected no missing values; got 1.*row 1"),
    "missing label": (lambda f: f.assign(ill=[1, 0, None, 1]), r"column 'ill': expected no missing values"),
    "text": (lambda f: f.assign(w=list("abcd")), r"column 'w': expected numbers; got .* such as 'a'"),
    "dates": (lambda f: f.assign(w=pd.Timestamp("2020-01-01")), r"column 'w': expected numbers"),
    "complex": (lambda f: f.assign(w=1j), r"column 'w': expected numbers"),
    "infinite": (lambda f: f.assign(w=[1, 2, np.inf, 3]), r"column 'w': expected finite numbers; got inf in row 2"),
    "three labels": (lambda f: f.assign(ill=[0, 1, 2, 0]), r"target 'ill': expected labels 0 and 1; got 0, 1, 2"),
    "one label": (lambda f: f.assign(ill=1), r"target 'ill': expected both labels, 0 and 1; got 1 in every row"),
    "text labels": (lambda f: f.assign(ill=list("ynyn")), r"\(table\['ill'\] == 'y'\)\.astype\(int\)"),
    "no target": (
        lambda f: f.drop(columns="ill"),
        r"target: expected one of the columns .*'w'; got 'ill'",
    ),
    "only target": (lambda f: f[["ill"]], r"table: expected at least one row and one column besides 'ill'"),
    "no rows": (lambda f: f.iloc[:0], r"table: expected at least one row"),
    "double name": (
        lambda f: pd.concat([f, f[["w"]]], axis=1),
        r"expected different column names; got 'w' twice",
    ),
    "constant": (lambda f: f.assign(w=7), r"column 'w': expected values that differ"),
}


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("through_file", [False, True])
def test_problems_are_named(frame, name, through_file, tmp_path):
    spoil, message = PROBLEMS[name]
    source = spoil(frame)
    if through_file:
        path = tmp_path / "mine.csv"
        source.to_csv(path, index=False)
        source = path
    with pytest.raises(ValueError, match=message):
        load_table(source, "ill", standardise=True)


def test_another_separator_is_a_hint(frame, tmp_path):
    frame.to_csv(tmp_path / "mine.csv", index=False, sep=";")
    with pytest.raises(ValueError, match="save the file with commas"):
        load_table(tmp_path / "mine.csv", "ill")


def test_files_that_are_no_table(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_table(tmp_path / "nowhere.csv", "ill")
    for name, content in (("empty", b""), ("ragged", b"a,b\n1,2\n1,2,3,4\n"), ("binary", b"\xff\xfe\x00\x80,\x81\n")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ValueError, match="table: expected a CSV file"):
            load_table(path, "ill")

"""Files of other formats than plain text."""

import bz2
import gzip
import io
import lzma
import os
import sys
import threading
import zipfile

import numpy as np
import pandas as pd
import pytest

from fastsym import load_table

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": [0.1, 0.25, 5], "y": [0, 1, 0]})
TEXT = FRAME.to_csv(index=False).encode()


def zipped(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_csv", ".csv").replace("_parquet", ".parquet").replace("_xml", ".xml"), data)
    return content.getvalue()


def columnar(method):
    content = io.BytesIO()
    getattr(FRAME, method)(content)
    return content.getvalue()


CONTENTS = {
    "t.csv.gz": gzip.compress(TEXT),
    "t.csv.bz2": bz2.compress(TEXT),
    "t.csv.xz": lzma.compress(TEXT),
    "t.zip": zipped(t_csv=TEXT),
    "made by a Mac.zip": zipped(t_csv=TEXT, **{"__MACOSX/._t_csv": b"\0"}),
    "gz without a suffix": gzip.compress(TEXT),
    "t.parquet": columnar("to_parquet"),
    "t.feather": columnar("to_feather"),
    "parquet without a suffix": columnar("to_parquet"),
    "t.parquet.gz": gzip.compress(columnar("to_parquet")),
    "parquet.zip": zipped(t_parquet=columnar("to_parquet")),
    "t.orc": columnar("to_orc"),
    "t.orc.gz": gzip.compress(columnar("to_orc")),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_formats(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(CONTENTS[name])
    for source in (path, str(path)):
        data = load_table(source, "y")
        np.testing.assert_array_equal(data.X, FRAME[["a", "b"]].T)
        np.testing.assert_array_equal(data.y, FRAME["y"])


@pytest.mark.parametrize("name", ["t.csv.gz", "t.zip", "t.parquet", "t.feather"])
def test_streams(name):
    np.testing.assert_array_equal(load_table(io.BytesIO(CONTENTS[name]), "y").X, FRAME[["a", "b"]].T)


def test_streams_of_text():
    np.testing.assert_array_equal(load_table(io.StringIO("\ufeff" + TEXT.decode()), "y", drop="b").X, [FRAME["a"]])
    assert load_table(io.StringIO("\ufeff" + TEXT.decode()), "y").feature_names == ("a", "b")


def test_stata(tmp_path):
    FRAME.assign(y=pd.Categorical(["no", "yes", "no"])).to_stata(tmp_path / "t.dta", write_index=False)
    np.testing.assert_array_equal(load_table(tmp_path / "t.dta", "y", positive="yes").y, FRAME["y"])


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.bz2", "t.csv.xz", "t.zip", "t.parquet", "t.orc"])
def test_damaged_files_are_named(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(CONTENTS[name][: len(CONTENTS[name]) * 2 // 3])
    with pytest.raises(ValueError, match=r"table: expected a .* file; got"):
        load_table(path, "y")


def test_archives_of_several_files_are_refused(tmp_path):
    (tmp_path / "t.zip").write_bytes(zipped(one_csv=TEXT, two_csv=TEXT))
    with pytest.raises(ValueError, match=r"expected one file in the archive; got one.csv, two.csv"):
        load_table(tmp_path / "t.zip", "y")


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing there"):
        load_table(tmp_path / "nowhere.csv", "y")
    with pytest.raises(IsADirectoryError, match="a folder"):
        load_table(tmp_path, "y")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_named_pipes(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(TEXT,))
    writer.start()
    np.testing.assert_array_equal(load_table(tmp_path / "pipe", "y").y, FRAME["y"])
    writer.join()


def test_excel(tmp_path):
    FRAME.to_excel(tmp_path / "t.xlsx", index=False)
    np.testing.assert_array_equal(load_table(tmp_path / "t.xlsx", "y").X, FRAME[["a", "b"]].T)
    with (tmp_path / "t.xlsx").open("rb") as stream:
        np.testing.assert_array_equal(load_table(stream, "y").y, FRAME["y"])
    FRAME.to_excel(tmp_path / "index.xlsx")
    with pytest.raises(ValueError, match=r"column 'Unnamed: 0'.*--index"):  # the same checks as for text
        load_table(tmp_path / "index.xlsx", "y")
    FRAME.assign(b=["x\ny", 2, "?"]).to_excel(tmp_path / "texts.xlsx", index=False)
    with pytest.raises(ValueError, match=r"column 'b': .* got 'x y' in line 2"):
        load_table(tmp_path / "texts.xlsx", "y")
    with pd.ExcelWriter(tmp_path / "two.xlsx") as writer:
        FRAME.to_excel(writer, sheet_name="one", index=False)
        FRAME.to_excel(writer, sheet_name="two", index=False)
    with pytest.raises(ValueError, match="expected one sheet with cells; got 'one', 'two'"):
        load_table(tmp_path / "two.xlsx", "y")


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (tmp_path / "t.xlsx").write_bytes(zipped(**{"[Content_Types]_xml": "", "xl/workbook_xml": ""}))
    with pytest.raises(ValueError, match=r"openpyxl not found, which reads .xlsx files; install it"):
        load_table(tmp_path / "t.xlsx", "y")

"""What a text tells about its columns, and what is refused because it does not tell."""

import re

import numpy as np
import pandas as pd
import pytest

from fastsym import load_table

PLAIN = "a,b,y\n1,2,0\n2,3,1\n3,5,0\n"
ROWS = [[1, 2], [2, 3], [3, 5]]
LABELS = [0, 1, 0]
DECIMALS = "a;b;y\n1,5;2;0\n2,25;3;1\n"


@pytest.fixture
def load(tmp_path):
    def load_text(text, target="y", **options):
        path = tmp_path / "own.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_table(path, target, **options)

    return load_text


TAKEN = {
    "plain": (PLAIN, {}),
    "line ends of Windows": (PLAIN.replace("\n", "\r\n"), {}),
    "line ends of old Macs": (PLAIN.replace("\n", "\r"), {}),
    "no line end at the end": (PLAIN[:-1], {}),
    "blank lines": (PLAIN.replace("\n", "\n \n"), {}),
    "rows of separators": (PLAIN + ",,\n,,\n", {}),
    "blanks around fields": (PLAIN.replace(",", " ,  "), {}),
    "quotes": (PLAIN.replace("a", '"a"').replace("3", '"3"'), {}),
    "semicolons": (PLAIN.replace(",", ";"), {}),
    "tabs": (PLAIN.replace(",", "\t"), {}),
    "tabs, and blanks in names": (PLAIN.replace(",", "\t").replace("b", "b (mm)").replace("a", "a (mm)"), {}),
    "pipes": (PLAIN.replace(",", "|"), {}),
    "columns of blanks": ("\n".join(f"  {line.replace(',', '   ')} " for line in PLAIN.splitlines()), {}),
    "colons, told": (PLAIN.replace(",", ":"), {"sep": ":"}),
    "tabs, told by name": (PLAIN.replace(",", "\t"), {"sep": "tab"}),
    "UTF-8 with a mark": (PLAIN.encode("utf-8-sig"), {}),
    "UTF-16 with a mark": (PLAIN.encode("utf-16"), {}),
    "UTF-32 with a mark": (PLAIN.encode("utf-32"), {}),
    "UTF-16 without, told": (PLAIN.encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "comment lines, told": ("# of 2020\n" + PLAIN.replace("2,3", "# note\n2,3"), {"comment": "#"}),
    "title lines, told": ("Table 1\nby hand\n" + PLAIN, {"skip": [1, 2]}),
    "units, told": (PLAIN.replace("y\n", "y\nmm,kg,\n"), {"skip": [2]}),
    "no header, told": (PLAIN.removeprefix("a,b,y\n"), {"header": False, "target": "2"}),
    "names that are numbers, told": (PLAIN.replace("a,b", "2019,2020"), {"header": True}),
    "a row number, told": (PLAIN.replace("\n", "\n7,").removesuffix("7,").replace("a", ",a", 1), {"index": True}),
    "row names, told": (PLAIN.replace("\n", "\nr7,").removesuffix("r7,"), {"index": True}),
    "trailing separators, told": (PLAIN.replace("\n", ",\n"), {"drop": "Unnamed: 3"}),
    "they only below the header, told": (PLAIN.replace("\n", ",\n").replace("y,", "y"), {"drop": "Unnamed: 3"}),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_a_file_tells_is_taken(load, name):
    text, options = TAKEN[name]
    data = load(text, **options)
    np.testing.assert_array_equal(data.X.T, ROWS)
    np.testing.assert_array_equal(data.y, LABELS)


REFUSED = {
    "shorter rows": (PLAIN.replace("2,3,1", "2,3"), r"line 3: expected 3 fields.* got 2: '2,3'.*--skip 3"),
    "longer rows": (PLAIN.replace("2,3,1", "2,3,1,9"), r"line 3: expected 3 fields.* got 4: '2,3,1,9'.*--skip 3"),
    "row names": (PLAIN.replace("\n", "\nr7,").removesuffix("r7,"), r"line 1: .* fields, 4; got 3: 'a,b,y'.*--index"),
    "row names, the last value missing": (
        "a,b,y\nr1,1,2,0\nr2,3,5,\n",
        r"line 1: .* fields, 4; got 3: 'a,b,y'.*--index",
    ),
    "sizes": ("3,2,no,yes\n" + PLAIN[6:], r"line 1: expected names; got '3,2,no,yes'.*--skip 1 --no-header"),
    "sizes, as many": ("3,2,no\n" + PLAIN[6:], r"line 1: expected names; got '3,2,no'.*--skip 1 --no-header"),
    "no header": (PLAIN[6:], r"line 1: expected names; got '1,2,0'.*--no-header.* 0 to 2.*--header"),
    "no header, all text": ("p,x,s\ne,x,s\np,b,w\n", r"line 1: expected names; got 'p'.*--no-header.*--header"),
    "repeated names": ("a,a,y\n1,2,0\n", r"expected different names of columns; got 'a' more than once"),
    "row number": (PLAIN.replace("a", ""), r"column 'Unnamed: 0': expected a name; got none.*--index"),
    "row number, again": (PLAIN.replace("a", "Unnamed: 0"), r"column 'Unnamed: 0': expected a name; got none.*--index"),
    "no names": ("a,,,y\n1,2,3,0\n", r"got 'Unnamed: 1', 'Unnamed: 2'; add --drop 'Unnamed: 1,Unnamed: 2'"),
    "trailing separators": (PLAIN.replace("\n", ",\n"), r"got 'Unnamed: 3' \(empty.*--drop 'Unnamed: 3'"),
    "comment": ("# of 2020\n" + PLAIN, r"line 1: expected names; got '# of 2020'.*--comment '#'.*--comment ''"),
    "later comment": (PLAIN + "# end\n", r"line 5: expected 3 fields, as in most lines; got 1: '# end'"),
    "title": ("Table 1\nby hand\n" + PLAIN, r"line 1: .* got 1: 'Table 1'; leave out with --skip 1,2"),
    "units": (PLAIN.replace("y\n", "y\nmm,kg,bool\n"), r"line 2: .* got 'mm', 'kg', 'bool'.*--skip 2"),
    "units of one": ("a,y\nmm,bool\n1,0\n2,1\n", r"line 2: .* got 'mm', 'bool'.*--skip 2"),
    "sum": (PLAIN + "all,sum,1\n", r"line 5: .* got 'all', 'sum'.*--skip 5"),
    "bad values in two rows": ("a,b,y\n1,2,0\nx,3,1\n3,z,0\n", r"got 2 of 2 .*'x' in line 3.*'z' in line 4"),
    "two separators": ("a,b;y\n1,2;0\n", r"sep: expected one character.* got ',', ';'.*--sep ',' or --sep ';'"),
    "unknown separator": (PLAIN.replace(",", ":"), r"line 1: expected fields .* got 'a:b:y'.*--sep"),
    "one column": ("y\n0\n1\n", r"line 1: expected fields .* got 'y'"),
    "open quotes": (PLAIN.replace("2,3", '"2,3'), r"line 3: expected quotes that enclose a field"),
    "open quotes, many lines": (PLAIN.replace("1,2", '"1,2') + 50000 * "2,3,1\n", r"fix the quotes in line 2"),
    "odd quotes": (PLAIN.replace("2,3", '"2"2,3'), r"line 3: expected quotes that enclose a field"),
    "open quotes at once": (PLAIN.replace("1,2", '"1,2'), r"fix the quotes in line 2"),
    "empty": ("", "got none"),
    "separators": (",,\n,,\n", "got none"),
    "blank": (" \n\n", "got none"),
    "only a header": ("a,b,y\n", "expected rows below the header; got none"),
    "JSON": ('[{"a": 1, "y": 0}]', "looks like JSON"),
    "HTML": ("<!doctype html>\n<table>", "looks like HTML"),
    "ARFF": ("@RELATION x\n@DATA\n1,0\n", "looks like ARFF"),
    "latin1": ("Größe,y\n1,0\n2,1\n".encode("latin1"), r"line 1: expected text in utf-8; got the byte 0xf6.*latin1"),
    "UTF-16 without a mark": (PLAIN.encode("utf-16-be"), r"--encoding utf-16-be"),
    "binary": (bytes(range(256)), r"got bytes that are 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_certain_is_refused(load, name):
    text, message = REFUSED[name]
    with pytest.raises(ValueError, match=f"(?s){message}"):
        load(text)


BAD_OPTIONS = {
    "sep": ("::", "sep: expected one character"),
    "decimal": ("x", "decimal: expected a point or a comma"),
    "encoding": ("klingon", "encoding: expected a text encoding"),
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_bad_options_are_named(load, name):
    value, message = BAD_OPTIONS[name]
    with pytest.raises(ValueError, match=message):
        load(PLAIN, **{name: value})


def test_comments_can_be_none(load):
    assert load("#a,b,y\n1,2,0\n2,3,1\n", comment="").feature_names == ("#a", "b")


def test_missing_values_with_blanks_around_them(load):
    text = "a,b,y\n1,2,0\n NA ,3,1\n3, n/a ,0\n"
    np.testing.assert_array_equal(load(text, fill="median").X, [[1, 2, 3], [2, 3, 2.5]])


def test_names_are_those_of_the_header_or_numbers(load):
    assert load(' "height, in cm", b c ,y\n1,2,0\n2,3,1\n').feature_names == ("height, in cm", "b c")
    assert load("1,2,0\n2,3,1\n", "2", header=False).feature_names == ("0", "1")


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        (DECIMALS, {}, [1.5, 2.25]),
        (DECIMALS.replace(";", "\t"), {}, [1.5, 2.25]),
        (DECIMALS.replace(";", "  "), {"sep": "spaces"}, [1.5, 2.25]),
        (DECIMALS.replace("1,5", "1,500"), {}, [1.5, 2.25]),  # 2,25 says that commas are decimal
        (DECIMALS.replace(",", ",000"), {"decimal": ","}, [1.0005, 2.00025]),
        ('a,b,y\n"1,5",2,0\n"2,25",3,1\n', {"decimal": ","}, [1.5, 2.25]),
        ("a;b;y\n1.5;2;0\n2.25;3;1\n", {}, [1.5, 2.25]),
    ],
)
def test_decimal_commas(load, text, options, expected):
    np.testing.assert_array_equal(load(text, **options).X[0], expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (DECIMALS.replace("2,25", "2,500").replace("1,5;", "1,500;"), r"column 'a': .* got '1,500' .*--decimal ','"),
        (DECIMALS.replace(";2;", ";0.5;"), r"column 'a': .* got '1,5' in line 2"),
        ('a,b,y\n"1,5",2,0\n"2,25",3,1\n', r"column 'a': .* got '1,5' .*--decimal ','"),
        (DECIMALS.replace("2,25", "2.000,25"), r"column 'a': .* got '1,5' in line 2"),
    ],
)
def test_commas_that_may_be_thousands_are_refused(load, text, message):
    with pytest.raises(ValueError, match=message):
        load(text)


def test_lines_are_those_of_the_file(load):
    text = 'a,b,y\n\n"x\n\ny",2,0\n#,3,1\n5,,1\n6,7,0\n'
    with pytest.raises(ValueError, match=r"(?s)'x.*in line 3;.*got 1 missing value, the first in line 7"):
        load(text, skip=[1, 6], header=False, target="2")


def test_numbers_are_read_as_python_reads_them(load):
    numbers = [
        "0.1",
        "1e-310",
        "5e-324",
        "1.7976931348623157e308",
        "123456789012345678901",
        "0.30000000000000004",
        "-.5",
    ]
    text = "a,y\n" + "".join(f"{number},{i % 2}\n" for i, number in enumerate(numbers))
    np.testing.assert_array_equal(load(text).X[0], [float(number) for number in numbers])
    frame = pd.DataFrame({"a": numbers, "y": np.arange(len(numbers)) % 2})
    np.testing.assert_array_equal(load_table(frame, "y").X[0], [float(number) for number in numbers])


@pytest.mark.parametrize("text", ["1_000", "0x1F", "1,5", "$33.6", "12%", "1.5D3", "2020-01-01", "1 2"])
def test_what_only_looks_like_a_number_is_named(load, text):
    with pytest.raises(ValueError, match=rf"column 'a': expected numbers; got {re.escape(repr(text))} in line 3"):
        load(f"a\ty\n1\t0\n{text}\t1\n3.5\t1\n")


def test_numbers_beyond_the_floats_are_named(load):
    with pytest.raises(ValueError, match=r"column 'a': expected finite numbers; got '(inf|1e999)' in line 3"):
        load("a,y\n1,0\n1e999,1\n")
    with pytest.raises(ValueError, match="column 'a': expected finite numbers"):
        load_table({"a": pd.Series([10**400, 1], dtype=object), "y": [0, 1]}, "y")

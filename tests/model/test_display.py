import re

import numpy as np
import pytest

import fastsym
from fastsym.model.display import html_curve
from fastsym.model.params import LayerParams, Params


def test_a_dataset_is_described_by_shapes_and_names():
    data = fastsym.load_titanic()
    text = repr(data)
    assert "X (9, 889)" in text
    assert "340 of them" in text
    assert "PassengerId, Pclass" in text
    assert len(repr(fastsym.Dataset(np.zeros((500, 3)), np.zeros(3), tuple(f"f{i}" for i in range(500))))) < 200


def test_shown_names_are_escaped():
    data = fastsym.Dataset(np.arange(6.0).reshape(2, 3), np.array([0.0, 1.0, 1.0]), ("<script>", "a&b"))
    html = data._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "a&amp;b" in html


def test_a_wide_table_is_cut_and_counted():
    data = fastsym.Dataset(np.random.default_rng(0).random((40, 3)), np.zeros(3), tuple(map(str, range(40))))
    html = data._repr_html_()
    assert html.count("<tr>") == 13
    assert "and 28 more" in html


@pytest.mark.parametrize(
    "params",
    [
        fastsym.initialise("normal", 3, 2),
        fastsym.initialise("normal", 3),
        Params(np.full((2, 3), np.nan), np.zeros(2), np.ones(2), np.array(np.inf)),
        Params(np.zeros((5, 2, 3)), np.zeros((5, 2)), np.zeros((5, 2)), np.zeros(5)),
        LayerParams(np.zeros(0), np.zeros(())),
        LayerParams([1, 2], None),
        Params("float64", 0, (), None),
    ],
)
def test_parameters_of_any_kind_have_a_short_line_and_stay_tuples(params):
    assert repr(params).startswith(type(params).__name__ + "(")
    assert "\n" not in repr(params)
    assert len(repr(params)) < 200
    assert tuple(params) == params or any(isinstance(value, np.ndarray) for value in params)
    assert type(params)(*params)._fields == params._fields


def test_a_curve_leaves_out_what_is_not_finite():
    points = re.search(r'points="([^"]*)"', html_curve(np.array([3.0, np.nan, np.inf, 2.0, 1.0]), "<cost>"))
    assert len(points[1].split()) == 3
    assert "nan" not in points[1]
    assert "<cost>" not in html_curve(np.array([1.0, 2.0]), "<cost>")


@pytest.mark.parametrize("costs", [[], [1.0], [np.nan, np.nan], [1.0, np.inf]])
def test_no_curve_through_less_than_two_points(costs):
    assert html_curve(np.array(costs), "cost") == ""

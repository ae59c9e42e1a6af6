"""What is checked of populations, multiplicities and merged samples, and what arrays come of it."""

import numpy as np
import pytest

from fastsym import LayerParams, Params
from fastsym.training.checks import (
    MOST_ITERATIONS,
    checked,
    checked_count,
    checked_multiplicity,
    checked_population,
    merge_samples,
)

X = np.array([[1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 0.0, 1.0]])
Y = np.array([0.0, 1.0, 1.0, 0.0])
W1 = np.arange(18.0).reshape(3, 3, 2)
POPULATION = Params(W1, np.arange(9.0).reshape(3, 3), -np.arange(9.0).reshape(3, 3), np.arange(3.0))
ONE = Params(*(field[0] for field in POPULATION))


def population(**changes):
    given = {"X": X, "y": Y, "params": POPULATION, "iterations": 4, "learning_rate": 0.1} | changes
    return checked_population(**given)


def test_a_population_keeps_its_axes_and_numbers():
    problem, rates = population()
    for field, given in zip(problem.params, POPULATION, strict=True):
        assert np.array_equal(field, given)
        assert not np.shares_memory(field, given)
        assert field.dtype == np.float64
    assert (problem.X.shape, problem.iterations) == ((2, 4), 4)
    assert rates.tolist() == [0.1] * 3


def test_a_population_may_be_of_one():
    problem, rates = population(params=Params(*(field[:1] for field in POPULATION)))
    assert problem.params.b2.tolist() == [0]
    assert rates.tolist() == [0.1]


def test_samples_that_differ_by_little_stay_apart():
    merged, counts = merge_samples(np.array([[1e-20, 2e-20, 1e-20]]), np.zeros(3))
    assert merged.tolist() == [[1e-20, 2e-20]]
    assert counts.tolist() == [[2, 1], [0, 0]]


def test_float32_is_kept_and_rates_stay_float64():
    narrow = Params(*(field.astype(np.float32) for field in POPULATION))
    problem, rates = population(X=X.astype(np.float32), params=narrow, learning_rate=[0.1, 0.2, 0.3])
    assert {field.dtype for field in (problem.X, problem.y, *problem.params)} == {np.dtype(np.float32)}
    assert rates.tolist() == [0.1, 0.2, 0.3]
    assert rates.dtype == np.float64


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"params": ONE}, "params.W1: expected shape"),
        ({"params": POPULATION._replace(W1=W1[:0])}, "params.W1: expected shape"),
        ({"params": POPULATION._replace(b1=POPULATION.b1[:2])}, "params.b1: expected shape"),
        ({"params": POPULATION._replace(b1=POPULATION.b1[:, :2])}, "params.b1: expected shape"),
        ({"params": POPULATION._replace(W2=POPULATION.W2[:, :2])}, "params.W2: expected shape"),
        ({"params": POPULATION._replace(b2=np.zeros(2))}, "params.b2: expected shape"),
        ({"params": POPULATION._replace(b2=np.array(0.0))}, "params.b2: expected shape"),
        ({"params": POPULATION._replace(W1=W1[:, :, :1])}, "params.W1: expected shape"),
        ({"params": POPULATION._replace(b2=np.array([0, 0, np.nan]))}, "b2: expected finite"),
        ({"params": POPULATION._replace(b2=np.array([np.inf, 0, 0]))}, "b2: expected finite"),
        ({"params": POPULATION._replace(W2=np.full((3, 3), np.nan))}, "params.W2: expected finite"),
        ({"learning_rate": [0.1, 0.2]}, "learning_rate: expected one number or 3"),
        ({"learning_rate": [[0.1, 0.1, 0.1]]}, "learning_rate: expected one number or 3"),
        ({"learning_rate": [0.1, 0.2, 0.0]}, "learning_rate: expected positive"),
        ({"learning_rate": [0.1, -0.2, 0.1]}, "learning_rate: expected positive"),
        ({"learning_rate": [0.1, np.nan, 0.1]}, "learning_rate: expected positive"),
    ],
)
def test_what_is_no_population_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        population(**changes)


def test_another_kind_of_parameters_is_refused():
    with pytest.raises(TypeError, match="params: expected Params; got LayerParams"):
        population(params=LayerParams(np.zeros(2), np.array(0.0)))


def test_multiplicities_take_the_type_of_the_problem():
    problem = checked(X.astype(np.float32), Y, Params(*(f.astype(np.float32) for f in ONE)), 1, 0.1)
    counts = checked_multiplicity([1, 2.5, 3], problem)
    assert (counts.tolist(), counts.dtype) == ([1, 2.5, 3], np.float32)
    for wrong in ([1, 2], [[1, 2, 3]], 1.0):
        with pytest.raises(ValueError, match="multiplicity: expected shape"):
            checked_multiplicity(wrong, problem)
    for wrong in ([1, 0, 1], [1, 1, -2], [np.nan, 1, 1]):
        with pytest.raises(ValueError, match="multiplicity: expected positive"):
            checked_multiplicity(wrong, problem)
    with pytest.raises(ValueError, match="multiplicity: expected finite"):
        checked_multiplicity([1, np.inf, 1], problem)
    layer = checked(X, Y, LayerParams(np.zeros(2), np.array(0.0)), 1, 0.1)
    with pytest.raises(TypeError, match="multiplicity: expected Params; got LayerParams"):
        checked_multiplicity([1.0], layer)


def test_counts_reach_to_what_can_be_addressed():
    assert checked_count("n", 0) == 0
    assert checked_count("n", MOST_ITERATIONS) == MOST_ITERATIONS == (2**63 - 1) // 8
    for wrong in (-1, MOST_ITERATIONS + 1):
        with pytest.raises(ValueError, match="n: expected at least 0"):
            checked_count("n", wrong)
    for wrong in (True, np.True_, 1.0, "1", None):
        with pytest.raises(TypeError, match="n: expected an integer"):
            checked_count("n", wrong)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_samples_become_one_that_is_counted_by_label(dtype):
    samples = np.array([[5, 1], [0.0, 3], [5, 1], [2, 2], [-0.0, 3], [5, 1], [7, 7]], dtype)
    labels = np.array([1, 0, 0, 1, 0, 1, 0], dtype)
    merged, counts = merge_samples(np.ascontiguousarray(samples.T), labels)
    # Those that stand for most first, the others in their order.
    assert merged.T.tolist() == [[5, 1], [0, 3], [2, 2], [7, 7]]
    assert counts.tolist() == [[1, 2, 0, 1], [2, 0, 1, 0]]
    assert merged.flags.c_contiguous
    assert (merged.dtype, counts.dtype) == (dtype, dtype)


def test_rates_are_judged_in_the_precision_of_the_problem():
    narrow = Params(*(field.astype(np.float32) for field in ONE))
    with pytest.raises(ValueError, match="learning_rate: expected positive and finite in float32"):
        checked(X.astype(np.float32), Y, narrow, 1, 1e39)
    assert checked(X, Y, ONE, 1, 1e39).learning_rate == 1e39
    for wrong in (True, np.True_, "0.1", None, 1j):
        with pytest.raises(TypeError, match="learning_rate: expected a real number"):
            checked(X, Y, ONE, 1, wrong)


def test_what_is_refused_is_named_with_its_place():
    for index in ((0, 3), (1, 0)):
        spoiled = X.copy()
        spoiled[index] = np.nan
        with pytest.raises(
            ValueError, match=rf"X: expected finite numbers in float64; got .*nan.* at index \({index[0]}, {index[1]}\)"
        ):
            checked(spoiled, Y, ONE, 1, 0.1)
    with pytest.raises(ValueError, match=r"params\.b1: expected finite numbers.* at index \(2,\)"):
        checked(X, Y, ONE._replace(b1=np.array([0, 0, np.inf])), 1, 0.1)
    with pytest.raises(ValueError, match=r"y: expected labels 0 and 1 only; got .*3"):
        checked(X, np.array([0, 1, 3, 4.0]), ONE, 1, 0.1)


@pytest.mark.parametrize(
    ("labels", "advice"),
    [
        ([1, 2, 1, 2], r"numpy\.asarray\(y\) == 2"),
        ([1, 2, 3, 1], "two kinds only"),
        ([np.nan, 1, 1, 1], "two kinds only"),
    ],
)
def test_labels_of_two_kinds_can_be_recoded(labels, advice):
    with pytest.raises(ValueError, match=advice):
        checked(X, np.array(labels), ONE, 1, 0.1)


@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        ((1, 4), "flatten it"),
        ((4, 1), "flatten it"),
        ((2, 4), "one label per column"),
        ((3,), "one label per column"),
        ((1, 4, 1), "one label per column"),
        ((5, 1), "one label per column"),
    ],
)
def test_labels_in_another_shape_get_the_advice_that_fits(shape, advice):
    with pytest.raises(ValueError, match=advice):
        checked(X, np.zeros(shape), ONE, 1, 0.1)


@pytest.mark.parametrize("shape", [(0, 4), (2, 0), (2,), (2, 4, 1)])
def test_features_need_two_axes_and_something_in_them(shape):
    with pytest.raises(ValueError, match="X: expected"):
        checked(np.zeros(shape), Y, ONE, 1, 0.1)

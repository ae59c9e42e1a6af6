import numpy as np
import pytest

import fastsym
from fastsym.experiments import symmetry
from fastsym.experiments.symmetry import dead_units, effective_rank, spread
from fastsym.model.initialise import initialise
from fastsym.model.params import Params
from fastsym.model.units import class_letters, unit_classes, unit_vectors


@pytest.fixture(scope="module")
def data():
    return fastsym.load_titanic("standardised")


def network(units, b2=0.0):
    return symmetry.from_unit_vectors(np.array(units, float), b2)


def letters(params, **options):
    return class_letters(unit_classes(params, **options))


def test_unit_vectors_and_back():
    params = fastsym.initialise("normal", 5, 3, seed=1)
    back = symmetry.from_unit_vectors(unit_vectors(params), params.b2)
    for there, again in zip(params, back, strict=True):
        np.testing.assert_array_equal(there, again)


def test_classes_bit_for_bit():
    a, b = [1.0, 2.0, 3.0], [1.0, 2.0, np.nextafter(3.0, 4.0)]
    assert letters(network([a, b, a, b, b])) == "ABABB"
    assert letters(network([b, a, a])) == "ABB"


def test_classes_up_to_sign():
    a, minus_a = [0.0, -1.0, 2.0], [-0.0, 1.0, -2.0]
    assert letters(network([a, minus_a])) == "AA"
    assert letters(network([a, minus_a]), up_to_sign=False) == "AB"


def test_both_zeros_count_as_the_same():
    assert letters(network([[0.0, 0.0, 1.0], [-0.0, 0.0, 1.0]]), up_to_sign=False) == "AA"


def test_classes_within_a_tolerance_are_chained():
    units = network([[0.0, 1.0, 1.0], [0.0, 1.0, 1.1], [0.0, 1.0, 1.2], [0.0, 1.0, 3.0]])
    assert letters(units, tolerance=0.11) == "AAAB"
    assert letters(units, tolerance=0.09) == "ABCD"
    assert letters(units, tolerance=10.0) == "AAAA"


def test_tolerance_sees_a_sign_flip_across_a_tiny_first_number():
    units = network([[1e-18, 1.0, 1.0], [-1e-18, 1.0, 1.0], [1e-18, -1.0, -1.0]])
    assert letters(units, tolerance=1e-12) == "AAA"
    assert letters(units, tolerance=1e-12, up_to_sign=False) == "AAB"


@pytest.mark.parametrize("tolerance", [0.0, 1e-3])
def test_classes_of_many_networks_are_counted_as_of_each(tolerance):
    rng = np.random.default_rng(0)
    units = rng.normal(size=(60, 5, 6))
    units[10:20, 1] = units[10:20, 3]
    units[20:30, 0] = -units[20:30, 4]
    units[30:40, 2] = units[30:40, 1] + 1e-4
    units[40:50, 2, :5] = units[40:50, 1, :5]
    units[50, :, 2] = np.nan
    population = symmetry.from_unit_vectors(units, np.zeros(60))
    counts = symmetry.count_classes(population, tolerance)
    each = [unit_classes(network(one), tolerance).max() + 1 for one in units]
    assert counts.tolist() == each
    assert set(each) == {4, 5}
    assert (symmetry.count_classes(population)[30:50] == 5).all()  # by default only what is equal to the last bit
    one_unit = symmetry.from_unit_vectors(units[:, :1], np.zeros(60))
    assert symmetry.count_classes(one_unit, tolerance).tolist() == [1] * 60


def test_nan_units_are_equal_only_bit_for_bit():
    units = network([[np.nan, 1.0, 1.0], [np.nan, 1.0, 1.0], [np.nan, 1.0, 1.5]])
    assert letters(units) == "AAB"
    assert letters(units, tolerance=1.0) == "AAB"


@pytest.mark.parametrize("tolerance", [-1.0, np.nan])
def test_bad_tolerance(tolerance):
    with pytest.raises(ValueError, match="tolerance: expected at least 0"):
        unit_classes(network([[1.0, 1.0, 1.0]]), tolerance)


def test_letters_run_out():
    assert class_letters(np.arange(27)).split() == [str(i) for i in range(27)]


def test_dead_units_stay_dead_and_a_unit_without_output_does_not(data):
    units = np.zeros((3, 10))
    units[1, :8] = 0.1
    units[2] = 0.3
    start = symmetry.from_unit_vectors(units, np.zeros(()))
    np.testing.assert_array_equal(dead_units(start), [True, False, False])
    end = fastsym.train(data.X, data.y, start, 50, 0.5).params
    np.testing.assert_array_equal(dead_units(end), [True, False, False])
    assert end.W2[1] != 0
    np.testing.assert_array_equal(dead_units(network([[0.0, 1e-9, 0.0]]), 1e-8), [True])
    many = symmetry.from_unit_vectors(np.zeros((2, 3, 4, 5)), np.zeros((2, 3)))
    many.W2[1, 2, 3] = -1.0
    np.testing.assert_array_equal(dead_units(many), many.W2 == 0)


def test_spread_is_exactly_zero_for_equal_units_and_sees_one_ulp():
    equal = fastsym.initialise("constant", 8, 3, scale=0.1)
    assert spread(equal) == 0.0
    W2 = equal.W2.copy()
    W2[1] = np.nextafter(W2[1], 1.0)
    assert spread(equal._replace(W2=W2)) > 0.0


def test_spread_by_class():
    units = network([[0.0, 0.0, 1.0], [0.0, 0.0, 3.0], [0.0, 0.0, 9.0]])
    assert spread(units, np.array([0, 0, 1])) == 1.0
    assert spread(units) == pytest.approx(9 - 13 / 3)


def test_spread_keeps_all_leading_axes():
    apart = np.array([[0.0, 2.0, 4.0], [6.0, 8.0, 10.0]])
    units = np.zeros((2, 3, 2, 4))
    units[..., 1, 3] = apart
    np.testing.assert_array_equal(spread(symmetry.from_unit_vectors(units, np.zeros((2, 3)))), apart / 2)


def test_each_network_of_a_population():
    population = symmetry.from_unit_vectors(np.arange(24.0).reshape(4, 2, 3), np.arange(4.0))
    found = list(symmetry.each_network(population))
    assert [float(one.b2) for one in found] == [0, 1, 2, 3]
    np.testing.assert_array_equal([unit_vectors(one) for one in found], np.arange(24.0).reshape(4, 2, 3))


def test_first_split():
    same, apart, far = (network([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0 + d]]) for d in (0, 1e-9, 1.0))
    history = Params(*(np.stack(values) for values in zip(same, same, apart, far, strict=True)))
    assert symmetry.first_split(history) == 2
    still = Params(*(values[:2] for values in history))
    assert symmetry.first_split(still) is None
    at_once = Params(*(values[1:] for values in history))
    assert symmetry.first_split(at_once) == 1  # the classes are those of the first snapshot
    np.testing.assert_array_equal(symmetry.network_at(history, 3).W2, far.W2)


def test_first_split_knows_classes_that_differ_from_the_start():
    a, b, minus_a = [0.0, 1.0, 2.0], [5.0, 1.0, 2.0], [0.0, -1.0, -2.0]
    history = Params(*(np.stack([values] * 2) for values in network([a, b, a, minus_a])))
    assert symmetry.first_split(history) is None


def test_a_training_without_snapshots_is_refused(data):
    start = fastsym.initialise("zeros", 8, 1)
    assert len(symmetry.recorded(fastsym.train(data.X, data.y, start, 2, 0.1, record_every=1)).W2) == 3
    with pytest.raises(ValueError, match="train with record_every"):
        symmetry.recorded(fastsym.train(data.X, data.y, start, 2, 0.1))


def test_effective_rank():
    assert effective_rank(np.eye(4)) == pytest.approx(4)
    assert effective_rank(np.ones((4, 6))) == pytest.approx(1)
    assert effective_rank(np.zeros((4, 6))) == 0
    for scale in (1e-200, 1e-3, 1e3, 1e200):  # it is about shares
        assert effective_rank(scale * np.eye(4)) == pytest.approx(4)
    p = np.array([0.75, 0.25])
    assert effective_rank(np.diag([3.0, 1.0])) == pytest.approx(np.exp(-(p * np.log(p)).sum()))
    np.testing.assert_allclose(effective_rank(np.stack([np.eye(3), np.zeros((3, 3))])), [3, 0])


def test_saturated_fraction(monkeypatch):
    X = np.array([[0.0, 1.0, 10.0, -10.0]])
    params = Params(np.array([[1.0], [0.0]]), np.zeros(2), np.ones(2), np.zeros(()))
    assert symmetry.saturated_fraction(X, params) == 2 / 8
    # The slope of tanh is 1 - tanh^2: 0.0199 at a value of 0.99, where it counts as flat.
    border = Params(np.array([[1.0], [0.0]]), np.arctanh([0.9899, 0.9901]), np.ones(2), np.zeros(()))
    assert symmetry.saturated_fraction(np.zeros((1, 3)), border) == 1 / 2
    assert symmetry.saturated_fraction(np.ones((1, 3)), border) == 1
    monkeypatch.setattr(symmetry, "SATURATED", 0.0)
    assert symmetry.saturated_fraction(np.zeros((1, 3)), border._replace(b1=np.array([0.0, 1e-9]))) == 1 / 2


def test_quotient_and_lift_are_exact():
    a, b, dead = [0.0, -1.5, 2.5], [3.0, 1.0, 1.0], [0.0, 0.0, 0.0]
    flipped = [-0.0, 1.5, -2.5]
    wide = network([a, b, flipped, dead, a, dead], 0.7)
    small = symmetry.quotient(wide)
    np.testing.assert_array_equal(small.multiplicity, [3, 1, 2])
    np.testing.assert_array_equal(small.signs, [1, 1, -1, 1, 1, 1])
    back = symmetry.lift(small.params, small.labels, small.signs)
    for there, again in zip(wide, back, strict=True):
        np.testing.assert_array_equal(there, again)


@pytest.mark.parametrize(("kind", "hidden"), [("constant", 5), ("blocks:3+1", 6)])
def test_the_quotient_takes_the_steps_of_the_wide_network(data, kind, hidden):
    start = initialise(kind, 8, hidden, scale=0.1, seed=2)
    small = symmetry.quotient(start)
    assert len(small.multiplicity) < hidden
    wide = fastsym.train(data.X, data.y, start, 300, 1.0)
    narrow = fastsym.train(data.X, data.y, small.params, 300, 1.0, multiplicity=small.multiplicity)
    np.testing.assert_allclose(narrow.costs, wide.costs, rtol=1e-12)
    lifted = symmetry.lift(narrow.params, small.labels, small.signs)
    for there, again in zip(wide.params, lifted, strict=True):
        np.testing.assert_allclose(there, again, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(unit_classes(wide.params), unit_classes(lifted))
    np.testing.assert_array_equal(unit_classes(lifted), unit_classes(start))


def test_a_million_equal_units_train_as_one(data):
    million = symmetry.quotient(fastsym.initialise("constant", 8, 1, scale=1e-4))
    training = fastsym.train(data.X, data.y, million.params, 50, 1e-6, multiplicity=np.array([1e6]))
    assert training.params.W2.shape == (1,)
    thousand = fastsym.initialise("constant", 8, 1000, scale=1e-4)
    wide = fastsym.train(data.X, data.y, thousand, 20, 1e-3)
    one = fastsym.train(data.X, data.y, million.params, 20, 1e-3, multiplicity=np.array([1e3]))
    np.testing.assert_allclose(one.costs, wide.costs, rtol=1e-12)
    assert np.isfinite(training.costs).all()


def test_orbit_types_are_the_partitions_of_what_is_alive():
    assert [len(symmetry.orbit_types(hidden)) for hidden in range(5)] == [1, 2, 4, 7, 12]
    assert symmetry.orbit_types(2) == [(), (1,), (2,), (1, 1)]
    assert len(set(symmetry.orbit_types(4))) == 12

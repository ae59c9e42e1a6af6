import numpy as np
import pytest

import fastsym
from fastsym.experiments import breaking, symmetry
from fastsym.model.initialise import initialise


@pytest.fixture(scope="module")
def data():
    return fastsym.load_titanic("standardised")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_zero_start_breaks_on_a_straight_line_with_the_predicted_slope(data, dtype):
    breaks = breaking.time_to_break(data, "zeros", dtype=dtype)
    line = breaking.saddle_line(data, breaks)
    low, high = line.interval
    assert low <= line.predicted_slope <= high
    assert line.slope == pytest.approx(line.predicted_slope, rel=2e-3)
    assert line.r_squared > 0.9999
    for each in breaks:
        assert each.measured == pytest.approx(each.predicted, abs=1)


ORBITS = ["blocks:" + ("+".join(map(str, sizes)) or "0") for sizes in symmetry.orbit_types(4) if sizes != (1, 1, 1, 1)]


@pytest.mark.parametrize("kind", ORBITS)
@pytest.mark.parametrize(("dtype", "epsilon"), [(np.float64, 1e-6), (np.float32, 1e-4)])
def test_every_orbit_type_breaks_when_predicted(data, kind, dtype, epsilon):
    (found,) = breaking.time_to_break(data, kind, [epsilon], dtype, learning_rate=1.0, iterations=1000)
    assert found.measured is not None
    assert found.measured == pytest.approx(found.predicted, rel=0.02, abs=2)


def test_a_start_without_symmetry_is_refused(data):
    with pytest.raises(ValueError, match="kind: expected a start with equal or zero units"):
        breaking.time_to_break(data, "blocks:1+1+1+1")


def test_a_start_that_does_not_break_in_time(data):
    (found,) = breaking.time_to_break(data, "zeros", [1e-30], iterations=20)
    assert (found.measured, found.predicted) == (None, None)
    with pytest.raises(ValueError, match="breaks: expected at least 3"):
        breaking.saddle_line(data, [found])


def test_deviations_take_signs_and_dead_units_into_account():
    start = initialise("blocks:2", 5, 3, 0.5, seed=3)
    small = symmetry.quotient(start)
    assert set(small.signs) == {-1, 1}
    np.testing.assert_array_equal(breaking.deviations(start, small), 0)
    W2 = start.W2.copy()
    W2[2] = 0.25  # the unit that was zero
    W2[0] += 0.5 * small.signs[0]
    away = breaking.deviations(start._replace(W2=W2), small)
    np.testing.assert_allclose(away[:, -1], [0.25, -0.25, 0.25], atol=1e-15)


def test_table(data):
    table = breaking.table(breaking.time_to_break(data, "zeros", [1e-4, 1e-8], iterations=700))
    assert list(table.columns) == ["kind", "dtype", "epsilon", "measured", "predicted"]
    assert len(table) == 2

"""The cost model: what the fit finds is what was put in, and its intervals hold the truth."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastsym.timing.cost_model import MIN_TIMINGS, CostModel, contenders, fit, winners

M = 889
CALL, ITERATION, UNIT, FEATURE = 2e-4, 3e-6, 1.5e-9, 6e-11
"""Seconds; the unit's at D = 9."""
GRID = [(H, T, 9) for H in (1, 4, 16, 64) for T in (1, 10, 100)] + [(4, 30, 27), (16, 30, 27)]


def timings(
    call: float = CALL,
    iteration: float = ITERATION,
    unit: float = UNIT,
    feature: float = FEATURE,
    grid: list[tuple[int, int, int]] = GRID,
    noise: float = 0.0,
    seed: int = 0,
) -> pd.DataFrame:
    frame = pd.DataFrame(grid, columns=["hidden", "iterations", "features"])
    element = unit + feature * (frame["features"] - 9)
    seconds = call + frame["iterations"] * (iteration + M * frame["hidden"] * element)
    return frame.assign(seconds=seconds * np.exp(noise * np.random.default_rng(seed).standard_normal(len(frame))))


def model(**changes: Any) -> CostModel:
    frame = timings(**changes)
    return fit(frame, frame["features"], M)


def coefficients(found: CostModel) -> list[float]:
    return [found.call_seconds, found.iteration_seconds, found.unit_seconds, found.feature_seconds]


def test_the_fit_finds_the_model() -> None:
    found = model()
    assert coefficients(found) == pytest.approx([CALL, ITERATION, UNIT, FEATURE], rel=1e-6)
    assert found.equivalent_features == pytest.approx(UNIT / FEATURE - 9, rel=1e-6)
    assert (found.D, found.M, found.timings) == (9, M, len(GRID))
    assert found.typical_error < 1e-9


def test_predictions_are_the_model() -> None:
    found = model()
    expected = CALL + 3000 * (ITERATION + M * np.array([4, 1024]) * UNIT)
    np.testing.assert_allclose(found.predict([4, 1024], 3000), expected, rtol=1e-6)
    wider = CALL + 3000 * (ITERATION + M * 4 * (UNIT + 27 * FEATURE))
    np.testing.assert_allclose(found.predict(4, 3000, D=36), wider, rtol=1e-6)
    assert found.predict_draws([4, 1024], 3000).shape == (len(found.draws), 2)


def test_one_number_of_features_leaves_their_share_unknown() -> None:
    frame = timings()
    frame = frame[frame["features"] == 9]
    found = fit(frame, 9, M)
    assert coefficients(found)[:3] == pytest.approx([CALL, ITERATION, UNIT], rel=1e-6)
    assert np.isnan(found.feature_seconds)
    assert np.isnan(found.equivalent_features)
    assert np.isnan(found.intervals["equivalent_features"]).all()
    assert found.predict(4, 10, D=9) == found.predict(4, 10)
    with pytest.raises(ValueError, match="D: expected 9, as in all timings of this model; got 27"):
        found.predict(4, 10, D=27)


@pytest.mark.parametrize("name", ["call", "iteration", "feature"])
def test_no_coefficient_is_negative(name: str) -> None:
    """Noise around nothing would make half of them so."""
    for seed in range(6):
        found = model(**{name: 0.0}, noise=0.2, seed=seed)
        assert min(coefficients(found)) >= 0
        assert found.draws.min() >= 0


def test_a_feature_that_costs_nothing_is_worth_infinitely_few() -> None:
    found = model(feature=0.0)
    assert found.feature_seconds == pytest.approx(0, abs=1e-15)
    assert found.intervals["equivalent_features"][1] > 1e3


def test_intervals_hold_the_truth() -> None:
    truth = {"call_seconds": CALL, "iteration_seconds": ITERATION, "unit_seconds": UNIT, "feature_seconds": FEATURE}
    held = dict.fromkeys(truth, 0)
    for seed in range(20):
        found = model(noise=0.08, seed=seed)
        for name, value in truth.items():
            low, high = found.intervals[name]
            held[name] += low <= value <= high
    # Of 20 independent 95 % intervals at least 15 hold the truth in all but 3 of 10,000 tests.
    assert min(held.values()) >= 15, held


def test_more_noise_makes_wider_intervals() -> None:
    def width(noise: float) -> float:
        low, high = model(noise=noise, seed=3).intervals["unit_seconds"]
        return high - low

    assert width(0.02) < width(0.2)


@settings(max_examples=3, deadline=None)
@given(factor=st.floats(1e-3, 1e3))
def test_a_slower_machine_scales_every_coefficient(factor: float) -> None:
    frame = timings(noise=0.1)
    slower = fit(frame.assign(seconds=factor * frame["seconds"]), frame["features"], M)
    assert coefficients(slower) == pytest.approx([factor * value for value in coefficients(model(noise=0.1))], rel=1e-6)


def test_short_trainings_count_as_much_as_long_ones() -> None:
    """The longest take thousands of times as long as a call; by absolute errors it would drown in their noise."""
    grid = [*GRID, *((H, T, 9) for H in (4, 64, 256) for T in (1000, 3000))]
    found = [model(grid=grid, noise=0.05, seed=seed).call_seconds for seed in range(4)]
    assert found == pytest.approx([CALL] * 4, rel=0.15)


def test_one_slow_outlier_does_not_decide() -> None:
    frame = timings(noise=0.03)
    frame.loc[5, "seconds"] *= 1.5
    assert fit(frame, frame["features"], M).unit_seconds == pytest.approx(UNIT, rel=0.25)


def test_the_winner_changes_where_the_models_cross() -> None:
    slow_start = model(call=2e-3, iteration=9e-6, unit=7e-10, feature=2e-11, noise=0.01)
    models = {"simd": model(noise=0.01, seed=1), "parallel": slow_start}
    first, changes = winners(models, 3000, (1, 1024))
    assert first == "simd"
    (change,) = changes
    assert (change.before, change.after) == ("simd", "parallel")
    crossing = (2e-3 - CALL + 3000 * (9e-6 - ITERATION)) / (3000 * M * (UNIT - 7e-10))
    assert change.low <= crossing <= change.high
    assert change.hidden == pytest.approx(crossing, rel=0.2)
    assert 1 < change.high / change.low < 1.6


def test_overlapping_intervals_leave_the_quickest_undecided() -> None:
    slow_start = model(call=2e-3, iteration=9e-6, unit=7e-10, feature=2e-11, noise=0.02)
    models = {"simd": model(noise=0.02, seed=1), "parallel": slow_start, "slow": model(unit=1e-7, iteration=1e-4)}
    crossing = (2e-3 - CALL + 3000 * (9e-6 - ITERATION)) / (3000 * M * (UNIT - 7e-10))
    found = contenders(models, 3000, [1, round(crossing), 1024])
    assert found[1] == ("simd",)
    assert set(found[round(crossing)]) == {"simd", "parallel"}
    assert found[1024] == ("parallel",)


def test_errors_that_a_width_shares_make_wider_intervals_than_errors_of_each_timing() -> None:
    """Drawn timing by timing, they would be as wide."""
    widths = (1, 2, 4, 8, 16, 32, 64, 128)
    grid = [(H, T, 9) for H in widths for T in (1, 3, 10, 30, 100, 300)]
    frame = timings(grid=grid)
    wide: dict[str, list[float]] = {"shared": [], "single": []}
    for seed in range(5):
        errors = 0.1 * np.random.default_rng(seed).standard_normal((len(widths), 6))
        for name, error in (("shared", np.repeat(errors[:, 0], 6)), ("single", errors.ravel())):
            low, high = fit(frame.assign(seconds=frame["seconds"] * np.exp(error)), 9, M).intervals["unit_seconds"]
            wide[name].append(high - low)
    assert np.median(wide["shared"]) > 1.4 * np.median(wide["single"])


def test_one_winner_needs_no_crossover() -> None:
    models = {"slow": model(unit=1e-8, call=1e-3, iteration=1e-5), "fast": model()}
    assert winners(models, 3000, (1, 1024)) == ("fast", ())


def test_a_crossover_in_the_noise_may_never_happen() -> None:
    models = {"one": model(noise=0.3, seed=1), "other": model(noise=0.3, seed=8)}
    _, (change,) = winners(models, 3000, (1, 100_000))
    assert change.low < 1
    assert change.high == np.inf


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (timings().head(MIN_TIMINGS - 1), f"timings: expected at least {MIN_TIMINGS} with .* got 5 with 2 and 3"),
        (timings(grid=[(4, T, 9) for T in range(1, 9)]), "got 8 with 1 and 8"),
        (timings(grid=[(H, 10, 9) for H in range(1, 9)]), "got 8 with 8 and 1"),
        (timings().assign(seconds=np.nan), "timings: expected positive, finite seconds; got "),
        (timings().assign(seconds=0.0), "timings: expected positive, finite seconds; got "),
    ],
)
def test_what_cannot_be_fitted_is_named(frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit(frame, frame["features"], M)

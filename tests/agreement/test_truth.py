import json

import numpy as np
import pytest

from fastsym import LayerParams, Params, load_titanic
from fastsym.agreement import ball_arithmetic, bounds, make_truth, truth
from fastsym.agreement.make_truth import Start
from fastsym.model import reference

SAMPLE = [*range(0, 150, 7), -1]


@pytest.mark.parametrize("dtype", make_truth.DTYPES)
def test_ball_arithmetic_gives_the_stored_truth_again(dtype):
    for case in np.array(truth.cases(dtype), object)[SAMPLE]:
        again = make_truth.solve(
            Start(case.name, "", case.params, case.iterations, case.learning_rate), case.X, case.y, dtype
        )
        difference = (again.truth[0] - case.truth[0]) + (again.truth[1] - case.truth[1])
        assert (np.abs(difference) <= 1e-9 * case.bound).all(), case.name
        # The bound of a walk comes from float64 differences of another library's gradients.
        assert np.allclose(again.bound, case.bound, rtol=1e-3), case.name


def test_stored_cases_are_those_that_make_truth_names():
    known = {case.name: case for case in truth.cases("float64")}
    starts = [*make_truth.random_starts(), *make_truth.walks(), *make_truth.elementary()]
    assert len({start.name for start in starts}) == len(starts)
    for start in starts:
        assert (truth.flatten(known[start.name].params) == truth.flatten(start.params)).all(), start.name
    states = 3 * (3 * len(make_truth.WIDTHS) + 1)
    assert len(known) == len(truth.cases("float32")) == len(starts) + states


@pytest.mark.parametrize("features", ["article", "no_id", "standardised"])
def test_stored_tables_are_the_loader_s(features):
    X, y = truth.data(features)
    table = load_titanic(features)
    assert np.allclose(X, table.X, rtol=1e-13, atol=1e-14)
    assert (y == table.y).all()


def test_every_width_feature_set_and_awkward_size_is_there():
    for dtype in make_truth.DTYPES:
        cases = truth.cases(dtype)
        for features in ("article", "no_id", "standardised"):
            own = {case.hidden for case in cases if case.name.startswith(f"{features},")}
            assert set(make_truth.WIDTHS) <= own
        assert {1, 7, 8, 9, 31, 33, 223, 224, 225, 255, 256, 257, 889, 20000} <= {case.X.shape[1] for case in cases}
        assert {1, 2, 8, 9, 13, 100} <= {len(case.X) for case in cases}
        labels = [case.y.mean() for case in cases if len(case.y) > 30]
        assert 0 in labels
        assert 1 in labels
        assert {case.iterations for case in cases} >= {1, 2, 5, 30}


@pytest.mark.parametrize("hidden", [0, 3])
def test_the_exact_gradient_is_the_slope_of_the_exact_cost(hidden):
    X, y = truth.random_data("plain 2 9")
    flat = 0.7 * truth.uniform(5, (truth.count_parameters(2, hidden),))
    _, moved = ball_arithmetic.train(X, y, truth.unflatten(flat, 2, hidden), 1, 1.0)
    gradient = (flat - moved[0]) - moved[1]
    h = 2.0**-30

    def cost(at):
        costs, _ = ball_arithmetic.train(X, y, truth.unflatten(at, 2, hidden), 1, 1.0)
        return costs[:, 0]

    for direction, slope in zip(np.eye(len(flat)), gradient, strict=True):
        up, down = cost(flat + h * direction), cost(flat - h * direction)
        difference = (up[0] - down[0]) + (up[1] - down[1])
        step = ((flat + h * direction) - (flat - h * direction)) @ direction
        assert abs(difference / step - slope) < 1e-15


def test_balls_that_grow_too_wide_are_refused(monkeypatch):
    monkeypatch.setattr(ball_arithmetic, "PRECISION_BITS", 64)
    X, y = truth.random_data("plain 2 9")
    with pytest.raises(ArithmeticError, match="narrow"):
        ball_arithmetic.train(X, y, truth.unflatten(truth.uniform(1, (3,)), 2, 0), 1, 1.0)


def test_random_data_do_not_depend_on_the_version_of_numpy():
    assert (truth.uniform(7, (3,)) * 2**20).tolist() == [262345, 833017, 578155]
    assert truth.random_data("ones 2 5")[1].tolist() == [1] * 5
    X, _ = truth.random_data("duplicated 4 6")
    assert (X[:, 3:] == X[:, :3]).all()
    assert (X[-1] == 1).all()


def test_flat_parameters_come_back_and_have_names():
    params = Params(np.arange(6.0).reshape(3, 2), np.arange(6.0, 9), np.arange(9.0, 12), np.array(12.0))
    flat = truth.flatten(params)
    assert (flat == np.arange(13)).all()
    for field, back in zip(params, truth.unflatten(flat, 2, 3), strict=True):
        assert np.shares_memory(back, flat)
        assert np.array_equal(field, back)
    names = [truth.component(params, 2, i) for i in range(15)]
    assert names[:4] == ["cost[0]", "cost[1]", "W1[0, 0]", "W1[0, 1]"]
    assert names[-4:] == ["W2[0]", "W2[1]", "W2[2]", "b2"]
    assert truth.component(params, 2, 15) == "snapshot 0, W1[0, 0]"
    assert truth.component(params, 2, 2 + 3 * 13 - 1) == "snapshot 1, b2"


def test_the_bound_is_sharp_for_one_sample():
    # Two dozen roundings, relative to the terms before anything cancels: twice a constant would already be more.
    X, y = truth.random_data("plain 8 1")
    params = truth.unflatten(0.7 * truth.uniform(1, (11,)), 8, 1)
    _, bound = bounds.step_bound(X, y, params)
    gradient = reference.network_gradient(X, y, params)
    terms = (np.abs(params.W2 * X.T), np.abs(params.W2), 1, 1)
    u = 2.0**-53
    for limit, slope, term in zip(bound, gradient[1:], terms, strict=True):
        assert (limit < 24 * u * term).all()
        assert (limit > 9 * u * np.abs(slope)).all()


@pytest.mark.parametrize("kind", [Params, LayerParams])
def test_float32_bounds_are_float64_bounds_at_its_precision(kind):
    X, y = truth.random_data("plain 8 33")
    flat = 0.7 * truth.uniform(1, (31 if kind is Params else 9,))
    params = truth.unflatten(flat.astype(np.float32).astype(float), 8, 3 if kind is Params else 0)
    cost, wide = bounds.step_bound(X, y, params)
    narrow_cost, narrow = bounds.step_bound(
        X.astype(np.float32), y.astype(np.float32), kind(*(field.astype(np.float32) for field in params))
    )
    ratio = truth.flatten(narrow) / truth.flatten(wide)
    assert np.allclose(ratio, 2.0**29, rtol=1e-3)
    assert narrow_cost / cost == pytest.approx(2.0**29, rel=1e-3)


def test_the_index_is_plain_json():
    entries = json.loads(str(truth.stored()["index"]))
    assert {entry["dtype"] for entry in entries} == set(make_truth.DTYPES)

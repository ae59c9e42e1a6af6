"""That the classes of cases hold what the certificate says they do, and what long calls are compared with."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from fastsym import VARIANTS
from fastsym.agreement import case_classes, check_case, examination, long_run, truth
from fastsym.agreement.case_classes import BASE, CLASSES
from fastsym.agreement.expected import follow, gradients
from fastsym.kernels import fused, layout, loops
from fastsym.model import reference
from fastsym.training.checks import merge_samples

DTYPES = ("float64", "float32")
MANY = 7168


def setups(name, *, more=False):
    found = next(each for each in CLASSES if each.name == name)
    return [*found.setups(), *(found.more() if more else ())]


def sizes(setup):
    return len(setup.X), truth.hidden_units(setup.params), setup.X.shape[1]


def test_setups_have_names_of_their_own_and_are_the_same_each_time():
    for each in CLASSES:
        first, again = setups(each.name), setups(each.name)
        names = [(setup.name, setup.dtype) for setup in first]
        assert len(names) == len(first) > 10
        for a, b in zip(first[::7], again[::7], strict=True):
            assert a.name == b.name
            assert np.array_equal(a.X, b.X)
            assert np.array_equal(truth.flatten(a.params), truth.flatten(b.params))


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 2)])
def test_every_pair_of_remainders_occurs_in_networks(pair):
    found = {tuple(sizes(setup)[k] % BASE for k in pair) for setup in setups("remainders") if sizes(setup)[1]}
    assert len(found) == BASE * BASE


def test_every_size_occurs_at_the_ends_of_blocks_and_beyond_16_bits():
    for k in range(3):
        found = {sizes(setup)[k] for setup in setups("sizes")}
        for edge in case_classes.EDGES:
            assert {edge - 1, edge, edge + 1} <= found, (k, edge)
        assert max(found) > 65_536
        assert {size % 16 for size in found if size >= 100} == set(range(16))


def test_the_kernels_own_blocks_are_among_the_edges():
    lanes = [layout.REGISTER_BYTES // np.dtype(dtype).itemsize for dtype in DTYPES]
    blocks = {loops.BLOCK, fused.BLOCK, layout.LONG_BLOCK, *(4 * L * layout.BLOCK_GROUPS for L in lanes)}
    assert blocks <= set(case_classes.EDGES)
    assert all(BASE % L == 0 for L in lanes)


def test_features_and_labels_are_what_they_are_called():
    found = {setup.name.split(", D ")[0]: setup for setup in setups("features") if setup.dtype != "float32"}
    assert np.signbit(found["features: negative zeros alone"].X).all()
    assert not found["features: negative zeros alone"].X.any()
    rows = np.abs(found["features of 1e-9 to 1e9"].X).max(axis=1)
    assert rows[0] < 1e-8
    assert rows[-1] > 1e8
    denormal = found["denormal features"].X
    assert ((np.abs(denormal) > 0) & (np.abs(denormal) < np.finfo(np.float64).tiny)).any()
    labels = [setup.y for setup in setups("labels")]
    assert {float(y.mean()) for y in labels} >= {0.0, 0.5, 1.0}
    assert any((np.diff(setup.X, axis=1) == 0).all() for setup in setups("labels") if setup.X.shape[1] > 2)
    rates = {setup.learning_rate for setup in setups("rates")}
    assert (min(rates), max(rates)) == (1e-12, 1e12)


def test_the_thorough_check_has_more():
    for name in ("sizes", "remainders"):
        usual, thorough = case_classes.cases(name, "float32", False), setups(name, more=True)
        assert len(thorough) > len(usual)


def test_needles_are_what_the_gradient_is_made_of():
    """The samples near edges count, and each of them is needed."""
    setup = case_classes.needles(8, 2, MANY)
    case = setup.case("float32")
    ones = np.flatnonzero(setup.y)
    assert 10 < len(ones) < 200
    for m in ones[:: len(ones) // 5]:
        y = setup.y.copy()
        y[m] = 0
        other = setup._replace(y=y).case("float32")
        assert (np.abs(other.truth[0] - case.truth[0]) > 2 * case.bound).any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("M", [225, 449, 897])
def test_a_cost_that_leaves_out_the_first_sample_of_a_block_is_found(M, hidden, dtype):
    found = [setup for setup in setups("sizes") if setup.X.shape[1] == M and bool(sizes(setup)[1]) == hidden]
    lost = []
    for setup in found:
        X, y, params = setup.case(dtype).problem()
        (own,), _ = gradients(X[:, -1:], y[-1:], truth.flatten(params)[None], truth.hidden_units(params))
        lost.append(own / M > 2 * setup.case(dtype).bound[0])
    assert any(lost)


@pytest.mark.parametrize("dtype", DTYPES)
def test_neighbouring_changes_give_other_results(dtype):
    for cases in case_classes.changes(dtype):
        assert len(cases) == 9
        for one, other in pairwise(cases):
            apart = np.abs(one.truth[0] - other.truth[0])
            assert (apart > one.bound + other.bound).any(), other.name
        assert np.array_equal(cases[0].truth, cases[-1].truth)


def test_networks_of_one_call_differ():
    for networks in case_classes.networks("float64"):
        starts = {truth.flatten(case.params).tobytes() for case in networks.cases}
        assert len(starts) == len(networks.cases)
    threads = {networks.threads for networks in case_classes.networks("float64")}
    assert threads == {1, 2, 3, 4}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("narrow", [False, True])
def test_merged_samples_end_within_a_later_block(narrow, dtype):
    plans = []
    for networks in case_classes.networks(dtype):
        X, y, params = networks.cases[0].problem()
        if networks.merged and (len(params.W2) <= layout.NARROW) == narrow:
            plans.append(layout.pack(*merge_samples(X, y), len(params.W2))[1])
    assert any(4 * plan.block < plan.weighted < 4 * (plan.groups - plan.block) for plan in plans)


# Long calls


def test_a_long_call_is_the_training_itself():
    for problem in long_run.PROBLEMS:
        X, y, params = problem.start()
        costs = np.empty(100)
        reference_of = reference.train_network if problem.hidden else reference.train_layer
        reference_of(X, y, params, long_run.LEARNING_RATE, costs)
        case = next(c for c in long_run.cases("float64") if c.iterations == 100 and c.hidden == problem.hidden)
        result = np.concatenate([costs, truth.flatten(params)])
        assert (np.abs(result - case.truth[0]) <= case.bound).all()
        assert case.name == f"one call of 100 iterations, {problem.name}"


def test_the_first_iterations_obey_the_bounds_of_single_steps():
    for case in long_run.cases("float64"):
        if case.iterations <= 3:
            path = follow(*case.problem(), case.iterations, case.learning_rate)
            assert np.array_equal(case.truth[0][: case.iterations], path.costs)
            assert (case.bound[: case.iterations] < 50 * path.cost_bounds).all()


def test_all_calls_of_a_problem_are_one_path():
    for problem in long_run.PROBLEMS:
        cases = [c for c in long_run.cases("float32") if c.name.endswith(f", {problem.name}")]
        assert [case.iterations for case in cases] == list(problem.calls)
        longest = cases[-1].truth[0]
        for case in cases:
            assert np.array_equal(case.truth[0][: case.iterations], longest[: case.iterations])
    assert max(case.iterations for case in long_run.cases("float64")) > 4096
    assert any(case.iterations >= examination.WATCHED_ITERATIONS for case in long_run.cases("float64"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_program_that_is_wrong_after_a_thousand_iterations_is_found(dtype):
    def tired(X, y, params, rate, costs):
        loops.train_network(X, y, params, rate, costs[:1000])
        loops.train_network(X, y, params, 1.5 * rate, costs[1000:])

    loops = VARIANTS["loops"]
    for case in long_run.cases(dtype):
        if case.hidden == 3 and case.iterations in (513, 1024):
            assert not check_case(loops, case, again=False).reasons
            reasons = check_case(replace(loops, train_network=tired), case, again=False).reasons
            assert bool(reasons) == (case.iterations > 1000)

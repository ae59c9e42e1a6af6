"""How variants are called and watched: each way has a program that is wrong in that way alone."""

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import fastsym
from fastsym import VARIANTS, Params, Variant
from fastsym.agreement import calls, case_classes, check_case, examination, truth
from fastsym.model import reference

REFERENCE = VARIANTS["reference"]


def network_case(iterations=1, **more):
    return case_classes.plain("a case", 8, 3, 24, iterations=iterations, learning_rate=0.3, **more).case("float64")


def several(X, y, params, rates, costs, *, threads, multiplicity, history, every):
    """Train several networks with the reference, one after the other."""
    del threads
    assert multiplicity is None
    for p, rate in enumerate(rates):
        own = Params(*(field[p, ...] for field in params))
        for start in range(0, costs.shape[1], every or costs.shape[1]):
            if history is not None:
                for kept, field in zip(history, own, strict=True):
                    kept[p, start // every] = field
            reference.train_network(X, y, own, rate, costs[p, start : start + every if every else None])


POPULATION = replace(REFERENCE, name="population", train_population=several)


def wrong(function):
    """The same, with its first cost a little off at the end."""

    def train(X, y, params, rate, costs, **options):
        function(X, y, params, rate, costs, **options)
        costs[..., :1] += 1e-6

    return train


@pytest.mark.parametrize("name", ["reference", "simd"])
@pytest.mark.parametrize("options", [{}, {"record_every": 2}])
def test_a_call_does_what_a_users_call_does(name, options):
    case = network_case(5)
    X, y, params = case.problem()
    theirs = fastsym.train(X, y, params, 5, 0.3, name, **options)
    costs = np.empty(5)
    history = calls.train(VARIANTS[name], X, y, params, 0.3, costs, **options)
    assert np.array_equal(costs, theirs.costs)
    assert np.array_equal(truth.flatten(params), truth.flatten(theirs.params))
    assert (history is None) == (not options)
    if history is not None:
        assert all(map(np.array_equal, history, theirs.history))


def test_a_call_knows_multiplicities():
    X, y, params = network_case(3).problem()
    counts = np.array([1.0, 2.0, 5.0])
    theirs = fastsym.train(X, y, params, 3, 0.3, "simd", multiplicity=counts)
    costs = np.empty(3)
    calls.train(VARIANTS["simd"], X, y, params, 0.3, costs, counts)
    assert np.array_equal(costs, theirs.costs)


def test_pieces_go_on_where_the_one_before_ended():
    X, y, params = network_case(2).problem()
    theirs = fastsym.train(X, y, params, 2, 0.3, "reference")
    costs = np.empty(2)
    calls.train_in_pieces(REFERENCE, X, y, params, 0.3, costs)
    assert np.array_equal(costs, theirs.costs)
    assert np.array_equal(truth.flatten(params), truth.flatten(theirs.params))


def test_ways_are_those_that_a_variant_has():
    def names(variant, case):
        return [way.__name__ for way in calls.ways(variant, case)]

    layer = case_classes.plain("a layer", 8, 0, 24, iterations=2, learning_rate=0.3).case("float64")
    counted = network_case(1, multiplicity=np.ones(3))
    assert names(REFERENCE, network_case(1)) == ["train"]
    assert names(REFERENCE, network_case(2)) == ["train", "train_in_pieces"]
    assert names(POPULATION, network_case(2)) == ["train", "train_in_pieces", "call_directly"]
    assert names(POPULATION, network_case(2, record_every=1)) == ["train"]
    assert names(POPULATION, layer) == ["train", "train_in_pieces"]
    assert names(POPULATION, counted) == ["train"]
    assert calls.trains(POPULATION, counted)
    assert not calls.trains(REFERENCE, counted)
    assert calls.trains(REFERENCE, layer)
    assert not calls.trains(Variant("network", "", REFERENCE.train_network), layer)
    with pytest.raises(TypeError, match="expected one with train_population"):
        calls.train_networks(REFERENCE, *network_case(1).problem(), np.ones(1), np.ones((1, 1)), 1)


@pytest.mark.parametrize("every", [0, 2])
def test_an_honest_population_passes_and_each_half_is_examined(every):
    case = network_case(4, record_every=every)
    assert not check_case(POPULATION, case).reasons
    assert check_case(replace(POPULATION, train_population=wrong(several)), case).reasons
    direct = replace(POPULATION, train_network=wrong(REFERENCE.train_network))
    assert bool(check_case(direct, case).reasons) == (not every)


@pytest.mark.parametrize("threads", [1, 3])
def test_one_wrong_network_of_several_is_found(threads):
    networks = [
        case_classes.plain("a network", 8, 3, 24, iterations=2, learning_rate=rate).case("float64")
        for rate in (0.3, 0.05)
    ]
    assert not any(found.reasons for found in examination.check_networks(POPULATION, networks, threads))

    def last_wrong(X, y, params, rates, costs, **options):
        several(X, y, params, rates, costs, **options)
        costs[-1, -1] += 1e-6

    found = examination.check_networks(replace(POPULATION, train_population=last_wrong), networks, threads)
    assert [bool(each.reasons) for each in found] == [False, True]
    assert "number 1" in found[1].reasons[0]
    assert f"{threads} threads" in found[1].reasons[0]


def spoiled(what):
    """The reference, with something done at the end."""

    def train(X, y, params, rate, costs):
        reference.train_network(X, y, params, rate, costs)
        what(SimpleNamespace(X=X, y=y, params=params, costs=costs))

    return Variant("spoiled", "", train)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (lambda given: given.X.__setitem__((0, 0), 5), "X was modified"),
        (lambda given: given.y.__setitem__(0, 1 - given.y[0]), "y was modified"),
        (lambda given: given.costs.base.__setitem__(-1, 0), "wrote outside of costs"),
        (lambda given: given.params.W2.__setitem__(0, np.nan), "not finite, W2[0] first"),
        (lambda given: given.params.b1.__setitem__(0, 9), "the error of b1[0] is"),
        (lambda given: given.X[99], "raised IndexError"),
    ],
)
def test_what_a_program_does_besides_is_seen(what, reason):
    assert any(reason in each for each in check_case(spoiled(what), network_case(3)).reasons)


def test_zero_iterations_and_the_second_call_are_looked_at():
    seen = []

    def train(X, y, params, rate, costs):
        reference.train_network(X, y, params, rate, costs)
        params.W2[0] += 1e-15 * len(seen) * np.abs(params.W2[0])
        seen.append(len(costs))

    reasons = check_case(Variant("drifts", "", train), network_case(3)).reasons
    assert any("other bits the second time" in reason for reason in reasons)
    assert 0 in seen

    def moves(X, y, params, rate, costs):
        params.b2[...] += len(costs) == 0
        reference.train_network(X, y, params, rate, costs)

    reasons = check_case(Variant("moves", "", moves), network_case(3)).reasons
    assert any(examination.ZERO_ITERATIONS in reason for reason in reasons)


def test_what_is_remembered_of_the_table_before_is_found():
    tables = {}

    def train(X, y, params, rate, costs):
        reference.train_network(tables.setdefault(X.ctypes.data, X.copy()), y, params, rate, costs)

    cases = case_classes.changes("float64")[0]
    assert not any(found.reasons for found in examination.check_changes(REFERENCE, cases))
    found = examination.check_changes(Variant("remembers", "", train), cases)
    assert [bool(each.reasons) for each in found][:2] == [False, True]


def test_two_trainings_at_once_must_not_share_memory():
    shared = np.empty((3, 8))

    def train(X, y, params, rate, costs):
        shared[...] = params.W1
        time.sleep(2e-3)
        reference.train_network(X, y, params._replace(W1=shared), rate, costs)
        params.W1[...] = shared

    pair = case_classes.pairs("float64")[0]
    assert not any(found.reasons for found in examination.check_side_by_side(REFERENCE, pair, 3))
    found = examination.check_side_by_side(Variant("shares", "", train), pair, 5)
    assert len(found) == 10
    assert any("beside another training" in reason for each in found for reason in each.reasons)


def test_an_overflow_must_show():
    def hides(X, y, params, rate, costs):
        reference.train_network(X, y, params, rate, costs)
        for field in params:
            field[...] = np.nan_to_num(field, posinf=0, neginf=0)

    case = network_case(3)
    assert not any(found.reasons for found in examination.check_overflow(REFERENCE, case))
    found = examination.check_overflow(Variant("hides", "", hides), case)
    assert any("finite numbers came out" in reason for each in found for reason in each.reasons)


# The watcher


def test_a_change_that_is_undone_is_seen_while_it_lasts():
    X, y = np.ones((2, 3)), np.zeros(3)
    with examination.watched(X, y) as seen:
        time.sleep(0.01)
    assert not seen
    for array in (X, y):
        with examination.watched(X, y) as seen:
            array[-1] += 1
            deadline = time.monotonic() + 60
            while not seen and time.monotonic() < deadline:
                time.sleep(1e-3)
            array[-1] -= 1
        assert seen == ["another thread saw X or y change"]


def test_a_watcher_ends_with_what_it_watches():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), examination.watched(np.ones(3)):
        raise ZeroDivisionError
    assert threading.active_count() == before


def test_long_calls_are_watched_and_short_ones_are_not():
    changed = []

    def train(X, y, params, rate, costs):
        X[0, 0] += 1
        if len(costs) >= examination.WATCHED_ITERATIONS:
            time.sleep(0.2)
        changed.append(len(costs))
        X[0, 0] -= 1
        reference.train_network(X, y, params, rate, costs)

    still = replace(network_case(1), X=np.ones((8, 24)))  # so that adding and taking away 1 is exact
    assert not any("another thread" in each for each in check_case(Variant("t", "", train), still, again=False).reasons)
    long = replace(still, iterations=examination.WATCHED_ITERATIONS, truth=np.zeros((2, 2031)), bound=np.ones(2031))
    assert any("another thread" in each for each in check_case(Variant("t", "", train), long, again=False).reasons)
    assert changed == [1, examination.WATCHED_ITERATIONS]

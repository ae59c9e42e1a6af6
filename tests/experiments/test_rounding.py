import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastsym
from fastsym.experiments import rounding
from fastsym.experiments.rounding import observe, processes


@pytest.fixture(scope="module")
def data():
    return fastsym.load_titanic("standardised")


KERNELS = [name for name in fastsym.VARIANTS if name not in rounding.THROUGH_BLAS]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("arithmetic", [*KERNELS, "einsum"])
def test_arithmetic_that_treats_units_alike_keeps_them_equal(data, arithmetic, dtype):
    for hidden in (3, 5):
        found = observe(data, arithmetic, hidden, 300, dtype=dtype, record_every=10)
        assert found.classes == "A" * hidden
        assert found.first_split is None
        assert found.dtype == np.dtype(dtype).name


def test_einsum_is_the_reference_but_for_rounding(data):
    start = fastsym.initialise("normal", 8, 3, scale=0.5)
    params = fastsym.Params(*(values.copy() for values in start))
    costs = np.empty(20)
    rounding.drift.train_einsum(data.X, data.y, params, 0.5, costs)
    expected = fastsym.train(data.X, data.y, start, 20, 0.5, "reference")
    np.testing.assert_allclose(costs, expected.costs, rtol=1e-13)
    for ours, theirs in zip(params, expected.params, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_units_that_drift_apart_grow_as_predicted(data, monkeypatch):
    """Made to split by one ulp, so that the test does not depend on the BLAS of the machine."""

    def pushed(X, y, params, learning_rate, costs):
        if not params.b2:  # the first iteration
            params.W2[-1] = np.nextafter(params.W2[-1], 1)
        honest(X, y, params, learning_rate, costs)

    honest = rounding.drift.train_einsum
    monkeypatch.setattr(rounding.drift, "train_einsum", pushed)
    found = observe(data, "einsum", 3, 1500)
    assert found.classes == "AAB"
    assert found.first_split == 1
    assert found.growth_measured == pytest.approx(found.growth_predicted, rel=0.01)
    assert found.growth_measured > 10
    assert found.growth_stop > found.growth_start
    drift = found.drift
    assert drift.iterations[[0, -1]].tolist() == [0, 1500]
    assert drift.spread[0] == 0
    assert 0.1 < drift.spread[-1] < 1
    known = np.isfinite(drift.predicted)
    np.testing.assert_array_equal(
        known, (drift.iterations >= found.growth_start) & (drift.iterations <= found.growth_stop)
    )
    np.testing.assert_allclose(drift.spread[known], drift.predicted[known], rtol=0.02)
    assert np.ptp(np.log(drift.spread[known])) > 10


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def study(data, told):
    own = processes.numpy_blas()[2]  # asked for by name, too: it must not come twice
    core_types = tuple(dict.fromkeys([*rounding.QUICK_CORE_TYPES, *([own] if own else [])]))
    return rounding.study(data, (2, 3), core_types, ("float64",), 300, tell=lambda fraction, _: told.append(fraction))


def test_study_tells_how_far_it_is(study, told):  # noqa: ARG001
    assert told[0] == 0
    assert told == sorted(set(told))
    assert 0.8 < told[-1] < 1


def test_study_covers_every_arithmetic_and_width(study):
    table = study.table()
    assert set(table["arithmetic"]) == {"reference", "numpy", "einsum", *KERNELS}
    assert (table.groupby(["arithmetic", "dtype", "core_type"], dropna=False)["hidden"].apply(set) == {2, 3}).all()
    assert not table.duplicated(["arithmetic", "dtype", "core_type", "hidden"]).any()


def test_study_names_the_blas_and_asks_for_core_types_once(study):
    kind, version, architecture = processes.numpy_blas()
    assert study.is_openblas == (kind == "openblas")
    assert version in study.blas
    if study.is_openblas:
        assert architecture in study.core_types
        assert len(set(study.core_types)) == len(study.core_types)
    lines = study.conclusions()
    assert " differ at the end of 0 of " in lines[0]
    assert "with the reference through einsum, which adds in a fixed order, of 0 of 2;" in lines[0]


def test_units_that_stay_equal_have_no_drift(study):
    for outcome in study.outcomes:
        assert (outcome.drift is None) == (outcome.first_split is None)
    drifts = study.drifts()
    assert list(drifts.columns) == [
        *("arithmetic", "dtype", "core_type", "hidden"),
        *("iterations", "spread", "predicted"),
    ]
    assert set(drifts["arithmetic"]) <= set(rounding.THROUGH_BLAS)
    assert dataclasses.replace(study, outcomes=()).drifts().empty


def test_study_through_another_blas_asks_nothing_of_core_types(data, monkeypatch):
    """As if NumPy had Apple's library, to which OPENBLAS_CORETYPE means nothing."""

    def other_blas(core_type, data, jobs):
        outcomes = [observe(data, *job) for job in jobs] if core_type is None else []
        return processes.Reply("accelerate", "", "", outcomes)

    monkeypatch.setattr(rounding, "ask", other_blas)
    monkeypatch.setattr(rounding, "VARIANTS", {})
    found = rounding.study(data, (2,), ("Haswell", "Sandybridge"), ("float64",), 20)
    assert (found.blas, found.is_openblas, found.core_types, found.refused) == ("accelerate", False, (), ())
    assert [(o.arithmetic, o.dtype, o.core_type) for o in found.outcomes] == [
        *(("reference", "float64", ""), ("reference", "float32", ""), ("numpy", "float64", "")),
        ("einsum", "float64", ""),
    ]
    assert found.conclusions()[-1].startswith(
        "NumPy uses accelerate here, not OpenBLAS: OPENBLAS_CORETYPE has no effect"
    )
    assert not any("Between the core types" in line for line in found.conclusions())


@pytest.fixture(scope="module")
def forced(data):
    """Outcomes of the reference under two core types, by core type and width; skips where they do not run."""
    widths = {"Haswell": range(2, 9), "Sandybridge": (5,)}
    with ThreadPoolExecutor() as pool:
        asked = {
            core_type: pool.submit(
                processes.ask, core_type, data, [("reference", H, 3000, 1.0, 0.1, "float64") for H in at]
            )
            for core_type, at in widths.items()
        }
        replies = {core_type: each.result() for core_type, each in asked.items()}
    if any(reply is None or reply.kind != "openblas" or not reply.outcomes for reply in replies.values()):
        pytest.skip("needs NumPy with OpenBLAS, and a CPU that runs its Haswell and Sandybridge kernels")
    return {(name, o.hidden): o for name, reply in replies.items() for o in reply.outcomes}


CLASSES = {2: "AA", 3: "AAB", 4: "AAAA", 5: "AAAAB", 6: "AAAABB", 7: "AAAABBC", 8: "AAAAAAAA"}
CLASSES_OF = ("0.3.27", "0.3.31", "0.3.34")
"""Versions of OpenBLAS whose Haswell kernels were seen to give these classes. Others may sum in another order."""


def test_which_widths_split_and_how(forced):
    outcomes = {hidden: outcome for (name, hidden), outcome in forced.items() if name == "Haswell"}
    assert any(outcome.first_split is not None for outcome in outcomes.values())
    for hidden, outcome in outcomes.items():
        assert (outcome.first_split is None) == (outcome.classes == "A" * hidden)
    if processes.numpy_blas()[1].startswith(CLASSES_OF):
        assert {hidden: outcome.classes for hidden, outcome in outcomes.items()} == CLASSES


def test_those_that_stay_equal_end_like_our_kernels_and_the_others_elsewhere(data, forced):
    for hidden in range(2, 9):
        own = observe(data, "simd", hidden, record_every=10)
        assert own.classes == "A" * hidden
        assert own.final_cost == pytest.approx(0.42746, abs=3e-5)
        there = forced["Haswell", hidden]
        if there.first_split is None:
            assert there.final_cost == pytest.approx(own.final_cost, abs=1e-9)
        else:
            assert there.final_cost < own.final_cost - 0.02
            assert there.growth_measured == pytest.approx(there.growth_predicted, rel=0.01)


def test_an_environment_variable_chooses_what_is_learned(forced):
    """Where it ends is the affair of the BLAS and of the processor's tanh; that it ends elsewhere is the finding."""
    assert abs(forced["Haswell", 5].final_cost - forced["Sandybridge", 5].final_cost) > 1e-3


def test_no_conclusion_is_drawn_about_another_blas(study):
    other = dataclasses.replace(study, blas="accelerate", is_openblas=False, core_types=())
    assert "says nothing about core types" in other.conclusions()[-1]
    assert "not OpenBLAS" in other.conclusions()[-1]
    single = dataclasses.replace(study, is_openblas=True, core_types=("Haswell",))
    assert "no second core type" in single.conclusions()[-1]


def test_last_bit_of_the_cost_is_no_difference(study):
    exact = [o for o in study.outcomes if o.arithmetic == "reference" and o.dtype == "float64" and o.hidden == 2][:1]
    near = dataclasses.replace(exact[0], core_type="x", final_cost=exact[0].final_cost * (1 + 1e-15))
    far = dataclasses.replace(exact[0], core_type="x", final_cost=exact[0].final_cost + 0.1)

    def last_line(*outcomes):
        made = dataclasses.replace(study, is_openblas=True, core_types=("x", "y"), outcomes=outcomes)
        return made.conclusions()[-1]

    assert last_line(exact[0], near).endswith("no width.")
    assert last_line(exact[0], far).endswith("H = 2.")


def test_an_unknown_core_type_runs_nothing(data):
    reply = processes.ask("Abacus", data, [("reference", 2, 5, 1.0, 0.1, "float64")])
    assert reply is None or reply.outcomes == []


def test_a_child_that_fails_is_reported(data):
    with pytest.raises(RuntimeError, match=r"(?s)child process of the rounding experiment failed.*no_such_variant"):
        processes.ask(None, data, [("no_such_variant", 2, 5, 1.0, 0.1, "float64")])

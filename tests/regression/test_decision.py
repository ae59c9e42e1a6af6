"""What samples say: made up so that the truth is known, at every bound, and in many simulated runs."""

import numpy as np
import pytest
from scipy.stats import norm

from fastsym.regression.decision import (
    EVERYTHING,
    LARGE,
    LEAST_CONFIRMATION,
    Kept,
    decide,
    detectable_log,
    enough,
    screen,
)
from fastsym.regression.outcome import CANNOT_JUDGE, PASS, SLOWER
from fastsym.regression.triples import (
    LABELS,
    Sample,
    changes_of,
    clocks,
    interval_error,
    middle_of,
    noise_of,
    standard_error,
    table_of,
    triples_of,
)

BAR = 0.02


def samples(effects, count, *, stage="screening", noise=0.01, seed=0, first=0, own=1.0, shift=0.0):
    """So many triples of tests whose head takes 1 + effect times as long."""
    rng = np.random.default_rng(seed)
    made = []
    for triple in range(first, first + count):
        for test, effect in effects.items():
            for label in LABELS:
                seconds = 1e-3 * np.exp(noise * rng.normal() / np.sqrt(1.5) + shift * triple)
                seconds *= 1 + effect if label == "head" else 1
                made.append(Sample(stage, triple, test, label, seconds, seconds * own, 2 * seconds))
    return made


def flat(number, effect=0.0):
    return {f"test {i:03}": effect for i in range(number)}


def run(effects, *, noise=0.01, seed=0, first=8, second=40, bar=BAR):
    """A whole run: screen, confirm what was kept, decide."""
    screening = samples(effects, first, noise=noise, seed=seed)
    kept = screen(screening, bar)
    if kept.everything:
        kept = Kept(kept.slower, kept.faster, True, tuple(effects)[:20], kept.threshold)
    chosen = {name: effects[name] for name in kept.tests}
    confirmation = samples(chosen, second, stage="confirmation", noise=noise, seed=seed + 10**6, first=first)
    return decide(screening, confirmation, kept, bar, second)


def verdicts(decided):
    return {case.name: case.verdict for case in decided.cases if case.verdict != "not slower"}


# Clocks


@pytest.mark.parametrize(
    ("shares", "clock"),
    [
        ((1.0, 1.0, 1.0), "processor"),
        ((0.91, 0.92, 1.09), "processor"),
        ((0.95, 0.95, 0.9), "own"),  # the head sleeps
        ((0.5, 1.0, 1.0), "own"),
        ((1.0, 1.0, 1.1), "own"),  # the head has two threads
        ((2.0, 2.0, 2.0), "own"),
    ],
)
def test_the_clock_is_chosen_from_the_shares_of_all_sides(shares, clock):
    made = [
        Sample("screening", triple, "a", label, share, 1.0, 3.0)
        for triple in range(3)
        for label, share in zip(LABELS, shares, strict=True)
    ]
    assert clocks(made) == {"a": clock}


def test_the_clock_is_that_of_the_middle_triple():
    made = [
        Sample("screening", i, "a", label, share, 1.0, 1.0)
        for i, share in enumerate((1.0, 0.1, 1.0))
        for label in LABELS
    ]
    assert clocks(made) == {"a": "processor"}


def test_triples_hold_the_times_of_the_chosen_clock():
    made = samples({"a": 0.5, "b": 0.0}, 3, noise=0.0, own=0.5)
    assert np.exp(triples_of(made, {"a": "processor", "b": "own"})["a"][1]) == pytest.approx([1e-3, 1e-3, 1.5e-3])
    assert np.exp(triples_of(made, {"a": "processor", "b": "own"})["b"][2]) == pytest.approx([5e-4] * 3)


def test_a_triple_with_a_side_missing_is_left_out():
    made = [s for s in samples({"a": 0.0}, 3) if (s.triple, s.label) != (1, "control")]
    assert list(triples_of(made, clocks(made))["a"]) == [0, 2]


def test_impossible_samples_are_refused():
    with pytest.raises(ValueError, match="got two for"):
        triples_of(samples({"a": 0.0}, 1) * 2, {"a": "own"})
    for seconds in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="expected positive, finite numbers"):
            triples_of([Sample("screening", 0, "a", "base", 1.0, seconds, 1.0)], {"a": "own"})


# Numbers of a case


def test_changes_are_against_the_mean_of_the_two_base_processes():
    assert changes_of(np.array([[1.0, 3.0, 7.0], [0.0, 0.0, -1.0]])).tolist() == [5.0, -1.0]


@pytest.mark.parametrize("scale", [0.01, 0.2])
def test_noise_is_the_spread_of_changes_though_the_head_is_not_asked(scale):
    rng = np.random.default_rng(0)
    table = scale * rng.normal(size=(20_000, 3))
    assert noise_of(table) == pytest.approx(np.std(changes_of(table)), rel=0.05)
    table[:, 2] += rng.normal(size=20_000)
    assert noise_of(table) == pytest.approx(scale * np.sqrt(1.5), rel=0.05)
    assert noise_of(table[:0]) == np.inf


def test_the_standard_error_is_that_of_a_median():
    medians = np.median(np.random.default_rng(0).normal(size=(4000, 41)), axis=1)
    assert standard_error(1.0, 41) == pytest.approx(np.std(medians), rel=0.05)
    assert standard_error(1.0, 0) == np.inf


def test_the_median_over_tests_is_blind_to_one_of_them():
    triples = {
        "a": {0: np.array([1.0, 1.0, 1.1]), 1: np.array([1.0, 1.0, 1.0])},
        "b": {0: np.array([5.0, 5.0, 5.1])},
        "c": {0: np.array([2.0, 2.0, 9.0])},
    }
    found = middle_of(triples)
    assert found.shape == (2, 3)
    assert changes_of(found) == pytest.approx([0.1, 0.0])
    assert middle_of({}).shape == (0, 3)


def test_what_is_detectable_has_three_limits():
    bar, sure = np.log1p(BAR), norm.ppf(0.9)
    assert detectable_log(0.0001, 40, 1, BAR) == pytest.approx(bar + sure * 0.0001, rel=1e-4)
    assert detectable_log(0.01, 40, 10, BAR) == pytest.approx((norm.isf(0.01 / 10) + sure) * 0.01, rel=1e-4)
    assert detectable_log(0.01, 40, 10, BAR, 0.2) == 0.2
    assert detectable_log(0.01, 0, 1, BAR) == np.inf
    assert detectable_log(0.0, 4, 1, BAR) == np.inf  # 3^-4 is above 0.01
    assert detectable_log(0.0, 5, 1, BAR) == pytest.approx(bar)
    assert detectable_log(0.0, 5, 3, BAR) == np.inf


def test_the_error_of_an_interval_is_that_of_a_median_or_more():
    draws = np.random.default_rng(0).normal(size=(300, 40))
    assert np.mean([interval_error(values) for values in draws]) == pytest.approx(
        np.std(np.median(draws, axis=1)), rel=0.2
    )
    assert interval_error(draws[0, :0]) == 0.0
    assert interval_error(draws[0, :3]) == 0.0  # too few for an interval


def test_a_few_bad_processes_are_not_overlooked():
    """The middle of the control's noise is small, and yet the head's median is not known well."""
    made = samples({"a": 0.0}, 20, stage="confirmation", noise=0.001)
    kept = Kept(("a",), (), False)
    quiet = decide([], made, kept, BAR, 20).cases[0].detectable
    assert quiet < 0.03
    rough = [
        s._replace(
            processor_seconds=s.processor_seconds * (1 + 0.2 * (s.triple % 3)),
            own_seconds=s.own_seconds * (1 + 0.2 * (s.triple % 3)),
        )
        if s.label == "head"
        else s
        for s in made
    ]
    assert decide([], rough, kept, BAR, 20).cases[0].detectable > 0.1
    unlike = [
        s._replace(
            processor_seconds=s.processor_seconds * (1 + 0.2 * (s.triple % 5 > 2)),
            own_seconds=s.own_seconds * (1 + 0.2 * (s.triple % 5 > 2)),
        )
        if s.label == "control"
        else s
        for s in made
    ]
    assert enough(made, kept, BAR)
    assert not enough(unlike, kept, BAR)


@pytest.mark.parametrize("noise", [0.01, 0.06])
def test_what_is_called_detectable_is_found_in_four_of_five_runs(noise):
    tests = 30
    threshold = screen(samples(flat(tests), 8, noise=noise, seed=99), BAR).threshold
    least_kept = threshold + norm.ppf(0.9) * standard_error(noise, 8)
    size = float(np.expm1(detectable_log(standard_error(noise, 25), 25, 10, BAR, least_kept)))
    found = 0
    for seed in range(60):
        decided = run(flat(tests) | {"slow": size}, noise=noise, seed=seed, second=25)
        found += "slow" in verdicts(decided)
    assert found >= 0.68 * 60  # 0.8, less twice the standard error of 60 runs
    assert size < 0.08


# Screening


def test_screening_keeps_what_may_be_slower_the_worst_first():
    kept = screen(samples(flat(40) | {"slow": 0.05, "slower": 0.1, "fast": -0.1}, 8, noise=0.002), BAR)
    assert kept.slower == ("slower", "slow")
    assert kept.faster == ("fast",)
    assert not kept.everything
    assert kept.threshold == -np.inf
    assert kept.tests == ("slower", "slow", "fast")
    assert kept


def test_screening_keeps_nothing_of_quiet_identical_code():
    kept = screen(samples(flat(40), 8, noise=0.001), BAR)
    assert not kept
    assert (kept.tests, kept.everything) == ((), False)


def test_screening_has_room_for_ten_and_says_where_it_ended():
    kept = screen(samples(flat(50), 8, noise=0.1), BAR)
    assert len(kept.slower) + len(kept.faster) == 10
    wide = screen(samples(flat(50), 8, noise=0.1), BAR, 60)
    assert wide.slower[: len(kept.slower)] == kept.slower
    assert len(wide.slower) > 20
    table = triples_of(samples(flat(50), 8, noise=0.1), dict.fromkeys(flat(50), "processor"))
    assert kept.threshold == pytest.approx(np.median(changes_of(table_of(table[kept.slower[-1]]))))
    assert wide.threshold == -np.inf


def test_what_is_faster_takes_at_most_three_places():
    kept = screen(samples({f"fast {i}": -0.1 - 0.01 * i for i in range(9)} | flat(50), 8, noise=0.03), BAR)
    assert kept.faster == ("fast 8", "fast 7", "fast 6")
    assert len(kept.slower) <= 7
    assert len(screen(samples({f"fast {i}": -0.3 for i in range(9)}, 8), BAR, 2).faster) == 2


def test_screening_sees_that_everything_is_slower_by_a_little():
    assert screen(samples(flat(30, 0.03), 6, noise=0.02), BAR).everything
    assert not screen(samples(flat(30), 6, noise=0.02), BAR).everything
    assert not screen(samples({"alone": 0.5}, 6), BAR).everything  # no median of one


def test_a_test_without_a_whole_triple_is_not_kept():
    made = [s for s in samples(flat(2, 0.5), 6) if s.test != "test 001" or s.label != "head"]
    assert screen(made, BAR).slower == ("test 000",)


# Decisions


def test_identical_code_passes_and_says_what_it_would_have_seen():
    decided = run(flat(50), noise=0.004)
    assert (decided.outcome, decided.exit_status) == ("pass", PASS)
    assert "none of 50 tests is slower by more than 2%" in decided.reason
    assert "5% in 50, 10% in 50 of 50" in decided.reason
    assert verdicts(decided) == {}
    assert len(decided.cases) == 51
    assert decided.cases[0].name == EVERYTHING


def test_a_slower_test_is_named():
    decided = run(flat(50) | {"slow": 0.06}, noise=0.01)
    assert (decided.outcome, decided.exit_status) == ("slower", SLOWER)
    assert verdicts(decided) == {"slow": "slower"}
    case = next(case for case in decided.cases if case.name == "slow")
    assert case.change.low < 1.06 < case.change.high
    assert case.change.ratio == pytest.approx(1.06, abs=0.01)
    assert (case.triples, case.confirmed, case.clock) == (40, True, "processor")
    assert case.p_value <= 0.01
    assert case.noise == pytest.approx(0.01, rel=0.6)
    assert decided.reason.startswith("slow by ")


def test_a_faster_test_is_told_and_passes():
    decided = run(flat(50) | {"fast": -0.2}, noise=0.01)
    assert decided.exit_status == PASS
    assert verdicts(decided) == {"fast": "faster"}
    assert "; faster: fast by " in decided.reason
    both = run(flat(50) | {"fast": -0.2, "slow": 0.2}, noise=0.01)
    assert both.exit_status == SLOWER
    assert both.reason.index("slow by 2") < both.reason.index("; faster: fast by ")


def test_everything_slower_by_a_little_is_its_own_case():
    decided = run(flat(50, 0.04), noise=0.06, first=10)
    assert verdicts(decided)[EVERYTHING] == "slower"
    assert decided.exit_status == SLOWER


def test_a_change_below_the_bar_is_not_slower_however_sure():
    assert run({"a": 0.015, "b": 0.0}, noise=1e-4).exit_status == PASS
    assert run({"a": 0.025, "b": 0.0}, noise=1e-4).exit_status == SLOWER
    assert run({"a": 0.025, "b": 0.0}, noise=1e-4, bar=0.03).exit_status == PASS


def confirmed(effects, count, *, noise=0.001, slower=None, faster=(), everything=False, bar=BAR, **options):
    names = tuple(effects)
    kept = Kept(names if slower is None else slower, faster, everything, names if everything else ())
    made = samples(effects, count, stage="confirmation", noise=noise, **options)
    return decide([], made, kept, bar, count)


def test_few_tests_need_no_screening():
    decided = confirmed({"a": 0.1, "b": 0.0}, 12, everything=True)
    assert verdicts(decided) == {"a": "slower", EVERYTHING: "slower"}
    assert {case.triples for case in decided.cases} == {12}
    alone = confirmed({"a": 0.0}, 12)
    assert alone.reason.startswith("the one test is not slower")
    assert [case.name for case in alone.cases] == ["a"]


def test_only_what_was_kept_as_slower_can_be_slower():
    assert verdicts(confirmed({"a": 0.1}, 20, slower=(), faster=("a",))) == {}
    assert verdicts(confirmed({"a": -0.1}, 20, slower=(), faster=("a",))) == {"a": "faster"}
    assert verdicts(confirmed({"a": -0.1}, 20, slower=("a",), faster=())) == {}


def test_what_is_surely_faster_is_judged_however_noisy():
    decided = confirmed({"a": -0.5}, 20, noise=0.15, faster=("a",))
    assert (verdicts(decided), decided.exit_status) == ({"a": "faster"}, PASS)
    assert decided.cases[0].detectable > LARGE
    assert confirmed({"a": 0.0}, 20, noise=0.15, faster=("a",)).exit_status == CANNOT_JUDGE


def test_too_few_triples_cannot_clear_what_may_be_slower():
    decided = confirmed({"a": 0.0, "b": 0.0}, LEAST_CONFIRMATION - 1)
    assert (decided.outcome, decided.exit_status) == ("cannot judge", CANNOT_JUDGE)
    assert decided.reason.startswith("a, b may be slower")
    assert confirmed({"a": 0.0, "b": 0.0}, LEAST_CONFIRMATION).exit_status == PASS
    kept = Kept(tuple("abcde"), (), False)
    many = decide(samples(dict.fromkeys("abcde", 0.0), 8), [], kept, BAR, 40)
    assert many.reason.startswith("a, b, c and 2 more may be slower")


def test_without_samples_it_cannot_judge():
    assert decide([], [], Kept((), (), False), BAR, 40).exit_status == CANNOT_JUDGE


def test_noise_in_more_than_half_of_the_tests_cannot_be_judged():
    quiet = [s for name in ("a", "b") for s in samples({name: 0.0}, 20, stage="confirmation", noise=0.001)]
    loud = [s for i in range(3) for s in samples({f"loud {i}": 0.0}, 20, stage="confirmation", noise=0.5, seed=i)]
    two = [s for s in loud if s.test != "loud 2"]
    names = [s.test for s in quiet + loud]
    assert decide([], quiet + two, Kept(tuple(dict.fromkeys(names))[:4], (), False), BAR, 20).exit_status == PASS
    decided = decide([], quiet + loud, Kept(tuple(dict.fromkeys(names)), (), False), BAR, 20)
    assert decided.exit_status == CANNOT_JUDGE
    assert (
        "too much noise; slowdowns that would have been found in 80% of runs: 5% in 2, 10% in 2 of 5" in decided.reason
    )
    assert (
        decide([], quiet + loud, Kept(tuple(dict.fromkeys(names)), (), False), 5.0, 20).exit_status == PASS
    )  # a bar of 500 %
    assert LARGE == 0.10


def test_holms_correction_is_over_the_kept_cases_only():
    """One p-value of 0.004 is enough alone, and not among three."""
    made = samples({"a": 0.03}, 12, stage="confirmation", noise=0.0)
    # nine of twelve triples have the head last, in three it is first
    made = [
        s._replace(
            processor_seconds=1e-3 * (0.9 if s.triple < 3 else 1.05), own_seconds=1e-3 * (0.9 if s.triple < 3 else 1.05)
        )
        if s.label == "head"
        else s._replace(
            processor_seconds=1e-3 * (1 + 1e-4 * s.triple + (1e-5 if s.label == "base" else 0)), own_seconds=1e-3
        )
        for s in made
    ]
    alone = decide([], made, Kept(("a",), (), False), BAR, 12)
    p = alone.cases[0].p_value
    others = samples({"b": 0.0, "c": 0.0}, 12, stage="confirmation", seed=4)
    among = decide([], made + others, Kept(("a", "b", "c"), (), False), BAR, 12)
    assert next(c for c in among.cases if c.name == "a").p_value == pytest.approx(min(1, 3 * p))
    beside = decide([], made + others, Kept(("a",), ("b", "c"), False), BAR, 12)
    assert next(c for c in beside.cases if c.name == "a").p_value == pytest.approx(p)


def test_the_second_look_does_not_count_for_everything():
    first, second = samples(flat(20), 4, noise=0.001), samples({"test 000": 0.5}, 4, stage="second look", first=4)
    decided = decide(first + second, [], Kept((), (), False), BAR, 40)
    assert decided.cases[0].triples == 4
    assert decided.cases[0].change.ratio == pytest.approx(1.0, abs=0.001)


def test_enough_is_when_little_above_the_bar_would_be_seen():
    kept = Kept(("a", "b"), (), False)

    def made(count, noise, effect=0.0):
        return samples({"a": effect, "b": effect}, count, stage="confirmation", noise=noise)

    assert enough(made(LEAST_CONFIRMATION, 0.001), kept, BAR)
    assert not enough(made(LEAST_CONFIRMATION - 1, 0.001), kept, BAR)
    assert not enough(made(LEAST_CONFIRMATION, 0.05), kept, BAR)
    assert not enough([], kept, BAR)
    one_loud = made(20, 0.001)[::1] + samples({"c": 0.0}, 20, stage="confirmation", noise=0.3)
    assert enough(one_loud, kept, BAR)  # nobody asked about c
    assert not enough(one_loud, Kept(("a", "b", "c"), (), False), BAR)
    for effect in (-0.5, 0.02, 0.5):  # where the head lies does not matter
        assert enough(made(LEAST_CONFIRMATION, 0.001, effect), kept, BAR)
        assert not enough(made(LEAST_CONFIRMATION, 0.05, effect), kept, BAR)


def test_false_alarms_are_rare_and_slowdowns_are_found():
    alarms = found = 0
    for seed in range(60):
        alarms += run(flat(50), noise=0.03, seed=seed).exit_status != PASS
        found += "slow" in verdicts(run(flat(50) | {"slow": 0.05}, noise=0.03, seed=seed))
    assert alarms <= 2
    assert found >= 54


def test_a_drift_over_the_triples_is_no_change():
    screening = samples(flat(20), 8, noise=0.002, shift=0.1)
    assert not screen(screening, BAR)

"""Where decisions turn: times without chance, just below and just above each border.

In every triple the control is c slower or faster than the base, in turn, so that everything is known: the noise is
1.4826 sqrt(3 / 4) c, and the standard error of the median change of n triples 1.2533 times that over sqrt(n).
"""

import math

import numpy as np
import pytest
from scipy.stats import norm

from fastsym.regression import decision
from fastsym.regression.decision import EVERYTHING, Kept, decide, detectable_log, enough, screen
from fastsym.regression.triples import Sample, clocks, interval_error, noise_of, standard_error, table_of, triples_of

CLOCKS = ("wall_seconds", "processor_seconds", "own_seconds")
SURE = float(norm.ppf(0.9))
"""Quantile of one step of two."""
BAR = 0.02
NEAR = 0.003
"""Of a border: closer than the hundredth by which a wrong constant might differ."""


def error_of(c, count):
    return math.sqrt(math.pi / 2) * 1.4826 * math.sqrt(0.75) * c / math.sqrt(count)


def samples(changes, c, count, stage="screening", first=0):
    """Triples of tests whose head differs from the mean of base and control by a logarithm."""
    made = []
    for triple in range(first, first + count):
        for test, change in changes.items():
            control = c * (-1) ** triple
            for label, log_seconds in (("base", 0.0), ("control", control), ("head", change + control / 2)):
                seconds = 1e-3 * math.exp(log_seconds)
                made.append(Sample(stage, triple, test, label, seconds, seconds, seconds))
    return made


def around(border):
    return border * (1 - NEAR), border * (1 + NEAR)


def test_the_noise_is_what_it_should_be():
    table = table_of(triples_of(samples({"a": 0.5}, 0.01, 4), {"a": "own"})["a"])
    assert noise_of(table) == pytest.approx(1.4826 * math.sqrt(0.75) * 0.01)
    assert standard_error(noise_of(table), 4) == pytest.approx(error_of(0.01, 4), rel=1e-4)


def test_the_error_of_an_interval_is_its_length_in_quantiles():
    assert interval_error(np.arange(10.0)) == pytest.approx(7 / (2 * norm.ppf(0.975)), rel=1e-4)  # from 1 to 8


def test_the_exact_test_needs_so_many_triples_for_a_family():
    for count, most in ((5, 2), (6, 7), (7, 21), (8, 65), (10, 590)):  # 3^count / 100
        assert np.isfinite(detectable_log(0.0, count, most, BAR))
        assert detectable_log(0.0, count, most + 1, BAR) == np.inf


@pytest.mark.parametrize(
    ("share", "clock"), [(0.899, "own"), (0.901, "processor"), (1.099, "processor"), (1.101, "own")]
)
def test_the_clock_turns_a_tenth_from_one(share, clock):
    made = [sample._replace(processor_seconds=share * sample.own_seconds) for sample in samples({"a": 0.0}, 0.01, 3)]
    assert clocks(made) == {"a": clock}


def test_what_may_be_slower_is_kept_from_the_border_on():
    border = math.log1p(BAR) - SURE * error_of(0.01, 8)
    below, above = around(border)
    assert screen(samples({"a": below, "b": above}, 0.01, 8), BAR).slower == ("b",)


def test_what_looks_faster_is_kept_from_the_border_on():
    border = math.log1p(BAR) / 2 + 2 * error_of(0.01, 8)
    below, above = around(border)
    assert screen(samples({"a": -below, "b": -above}, 0.01, 8), BAR).faster == ("b",)


def test_everything_is_kept_from_the_border_on():
    # The median of two tests is their mean; each is told apart from its own mean, a third of the head's change.
    c = 0.01
    below, above = around(math.log1p(BAR) - SURE * error_of(c, 8))
    assert [screen(samples({"a": x, "b": x}, c, 8), BAR).everything for x in (below, above)] == [False, True]


def at_the_bar(head, stage="screening"):
    """Six triples of two tests without noise, whose head takes so many times as long."""
    return [
        Sample(stage, triple, test, label, seconds, seconds, seconds)
        for triple in range(6)
        for test in "ab"
        for label, seconds in (("base", 1.0), ("control", 1.0), ("head", head))
    ]


def test_a_change_by_just_the_bar_is_looked_at_again_and_is_no_verdict():
    # A bar of 100 % and a head that takes twice or half as long: logarithms of both are the same to the last bit.
    kept = screen(at_the_bar(2.0), 1.0)
    assert (kept.slower, kept.everything) == (("a", "b"), True)
    # What may be faster has to be beyond half of the bar's logarithm: that of 4 is twice that of 2.
    assert screen(at_the_bar(0.5), 3.0).faster == ()
    assert screen(at_the_bar(0.5), 2.99).faster == ("a", "b")
    for head, verdict in ((2.0, "slower"), (0.5, "faster")):
        names = Kept(*((("a", "b"), ()) if head > 1 else ((), ("a", "b"))), everything=True, panel=("a", "b"))
        found = decide([], at_the_bar(head, "confirmation"), names, 1.0, 6)
        assert [case.change.ratio for case in found.cases[1:]] == [head, head]
        assert [case.verdict for case in found.cases] == ["not slower"] * 3
        below = decide([], at_the_bar(head, "confirmation"), names, 0.99, 6)
        assert [case.verdict for case in below.cases] == [verdict] * 3  # of all tests together, too


def test_what_is_just_at_the_limit_is_enough_and_counts_as_seen(monkeypatch):
    monkeypatch.setattr(decision, "TIGHT", 0.0)
    quiet = [
        sample._replace(triple=10 * i + sample.triple) for i in range(2) for sample in at_the_bar(1.0, "confirmation")
    ]
    assert enough(quiet, Kept(("a",), (), False), BAR)
    for bar, sizes in ((0.05, "5% in 2, 10% in 2 of 2"), (0.1, "5% in 0, 10% in 2 of 2")):
        # Without noise the bar itself is the smallest slowdown that is found.
        found = decide(at_the_bar(1.0), [], Kept((), (), False), bar, 30)
        assert {case.detectable for case in found.cases} == {bar}
        assert found.outcome == "pass"
        assert sizes in found.reason
    large = Kept((), (), False, threshold=math.log1p(0.5))
    assert decide(at_the_bar(1.0), [], large, 0.25, 30).outcome == "pass"  # twice the bar


def test_room_is_for_the_slowest_and_its_end_is_the_threshold():
    changes = {f"slow {i:02}": 0.1 + 0.01 * i for i in range(12)}
    kept = screen(samples(changes, 0.001, 6), BAR)
    assert kept.slower == tuple(f"slow {i:02}" for i in range(11, 1, -1))
    assert kept.threshold == pytest.approx(0.12)
    assert screen(samples(changes, 0.001, 6), BAR, 12).threshold == -np.inf
    assert screen(samples(changes, 0.001, 6), BAR, 11).threshold == pytest.approx(0.11)
    fast = {f"fast {i}": -0.3 - 0.1 * i for i in range(5)}
    both = screen(samples(changes | fast, 0.001, 6), BAR, 5)
    assert both.faster == ("fast 4", "fast 3", "fast 2")
    assert both.slower == ("slow 11", "slow 10")
    assert both.threshold == pytest.approx(0.2)
    one = screen(samples(changes | fast, 0.001, 6), BAR, 4)
    assert (one.slower, one.threshold) == (("slow 11",), pytest.approx(0.21))
    only = screen(samples(changes | fast, 0.001, 6), BAR, 3)
    assert (only.slower, len(only.faster), only.threshold) == ((), 3, -np.inf)


def test_confirmation_is_over_when_a_percent_above_the_bar_would_be_seen():
    kept = Kept(("a",), (), False)
    border = (math.log1p(BAR + 0.01) - math.log1p(BAR)) / (SURE * error_of(1.0, 10))
    assert (norm.isf(0.01) + SURE) * error_of(border, 10) < math.log1p(BAR + 0.01)  # the other limit is not reached
    below, above = around(border)
    assert enough(samples({"a": 0.0}, below, 10, "confirmation"), kept, BAR)
    assert not enough(samples({"a": 0.0}, above, 10, "confirmation"), kept, BAR)
    assert not enough(samples({"a": 0.0}, below / 10, 9, "confirmation"), kept, BAR)


def test_a_few_bad_processes_of_the_control_count_by_the_interval():
    # Four of ten triples have a control far off, and the others none: the interval is from -c to c.
    border = (math.log1p(BAR + 0.01) - math.log1p(BAR)) / (SURE * math.sqrt(0.75) / norm.ppf(0.975))
    for c, expected in zip(around(border), (True, False), strict=True):
        made = []
        for triple, control in enumerate([c, -c, c, -c, *[0.0] * 6]):
            for label, log_seconds in (("base", 0.0), ("control", control), ("head", control / 2)):
                seconds = 1e-3 * math.exp(log_seconds)
                made.append(Sample("confirmation", triple, "a", label, seconds, seconds, seconds))
        assert enough(made, Kept(("a",), (), False), BAR) == expected


def test_what_a_whole_triple_shares_does_not_prolong_a_confirmation():
    """A machine that is slower for a while is so for all three processes."""
    made = [
        sample._replace(**{name: math.exp(sample.triple % 4) * getattr(sample, name) for name in CLOCKS})
        for sample in samples({"a": 0.0}, 0.001, 12, "confirmation")
    ]
    assert enough(made, Kept(("a",), (), False), BAR)


def test_confirmation_is_over_when_what_is_significant_would_be_seen():
    # At a bar of 1 % the limit of significance is the later one to be reached; two cases need more than one.
    for names in (("a",), ("a", "b")):
        border = math.log1p(0.02) / ((norm.isf(0.01 / len(names)) + SURE) * error_of(1.0, 10))
        for c, expected in zip(around(border), (True, False), strict=True):
            made = samples(dict.fromkeys(names, 0.0), c, 10, "confirmation")
            assert enough(made, Kept(names, (), False), 0.01) == expected
            if len(names) == 2:  # one test and all of them together are two cases, too
                assert enough(made, Kept(names[:1], (), True, names), 0.01) == expected


def test_a_confirmation_of_everything_alone_asks_for_enough_triples():
    assert enough(samples({"a": 0.0}, 0.001, 10, "confirmation"), Kept((), (), True, ("a",)), BAR)
    assert not enough(samples({"a": 0.0}, 0.001, 9, "confirmation"), Kept((), (), True, ("a",)), BAR)
    unlike = samples({"a": 0.0}, 0.001, 10, "confirmation") + samples({"b": 0.0}, 0.001, 9, "confirmation")
    assert not enough(unlike, Kept((), (), True, ("a", "b")), BAR)


def decided(change, count=20, c=0.001, kept=None, bar=BAR, planned=30):
    made = samples({"a": change}, c, count, "confirmation")
    return decide([], made, Kept(("a",), (), False) if kept is None else kept, bar, planned)


def test_slower_is_what_is_beyond_the_bar():
    border = math.log1p(BAR)
    assert [decided(x).cases[0].verdict for x in around(border)] == ["not slower", "slower"]
    faster = Kept((), ("a",), False)
    assert [decided(-x, kept=faster).cases[0].verdict for x in around(border)] == ["not slower", "faster"]
    assert decided(-0.1).cases[0].verdict == "not slower"
    assert decided(0.1, kept=faster).cases[0].verdict == "not slower"


def test_slower_is_what_is_unlikely_by_chance():
    # With four triples the head is last in all of them by chance in one of 81 runs, with five in one of 243.
    found = [decided(0.1, count).cases[0] for count in (4, 5)]
    assert [case.p_value for case in found] == pytest.approx([1 / 81, 1 / 243])
    assert [case.verdict for case in found] == ["not slower", "slower"]
    faster = [decided(-0.1, count, kept=Kept((), ("a",), False)).cases[0] for count in (4, 5)]
    assert [case.p_value for case in faster] == pytest.approx([1 / 81, 1 / 243])
    assert [case.verdict for case in faster] == ["not slower", "faster"]


def test_a_case_says_what_it_was_made_of():
    case = decided(0.01).cases[0]
    assert (case.triples, case.confirmed, case.clock) == (20, True, "processor")
    assert case.change.ratio == pytest.approx(math.exp(0.01))
    assert case.change.low == pytest.approx(math.exp(0.01))
    assert case.noise == pytest.approx(math.expm1(1.4826 * math.sqrt(0.75) * 0.001))
    limit = math.log1p(BAR) + SURE * error_of(0.001, 20)
    assert case.detectable == pytest.approx(math.expm1(limit), rel=1e-5)
    unsure = (norm.isf(0.01) + SURE) * error_of(0.05, 20)
    assert decided(0.01, c=0.05).cases[0].detectable == pytest.approx(math.expm1(unsure), rel=1e-3)


def test_a_test_that_needed_no_confirmation_counts_the_planned_one():
    found = decide(samples({"a": 0.0}, 0.01, 8), [], Kept((), (), False), BAR, 30).cases[0]
    assert (found.triples, found.confirmed, found.p_value) == (8, False, None)
    limit = max(math.log1p(BAR) + SURE * error_of(0.01, 30), (norm.isf(0.01) + SURE) * error_of(0.01, 30))
    assert found.detectable == pytest.approx(math.expm1(limit), rel=1e-4)
    noisy = decide(samples({"a": 0.0}, 0.05, 8), [], Kept((), (), False), BAR, 30).cases[0]
    assert noisy.detectable == pytest.approx(math.expm1((norm.isf(0.01) + SURE) * error_of(0.05, 30)), rel=1e-4)
    kept = Kept(tuple("bcd"), (), True, threshold=0.05)
    full = samples(dict.fromkeys("abcd", 0.0), 0.01, 8)
    confirmation = samples(dict.fromkeys("bcd", 0.0), 0.01, 30, "confirmation", first=8)
    cases = {case.name: case for case in decide(full, confirmation, kept, BAR, 30).cases}
    assert cases["a"].detectable == pytest.approx(math.expm1(0.05 + SURE * error_of(0.01, 8)), rel=1e-4)
    without = Kept(tuple("bcd"), (), True)
    cases = {case.name: case for case in decide(full, confirmation, without, BAR, 30).cases}
    limit = max(math.log1p(BAR) + SURE * error_of(0.01, 30), (norm.isf(0.01 / 4) + SURE) * error_of(0.01, 30))
    assert cases["a"].detectable == pytest.approx(math.expm1(limit), rel=1e-4)
    assert EVERYTHING in cases
    noisier = samples(dict.fromkeys("abcd", 0.0), 0.05, 8)
    cases = {case.name: case for case in decide(noisier, confirmation, without, BAR, 30).cases}
    of_four = (norm.isf(0.01 / 4) + SURE) * error_of(0.05, 30)  # three tests, and all of them together
    assert cases["a"].detectable == pytest.approx(math.expm1(of_four), rel=1e-4)


def test_one_triple_of_a_confirmation_counts_instead_of_the_screening():
    confirmation = samples({"a": 0.01}, 0.001, 1, "confirmation", first=8)
    found = decide(samples({"a": 0.0}, 0.001, 8), confirmation, Kept(("a",), (), False), BAR, 30).cases[0]
    assert (found.triples, found.confirmed) == (1, True)
    assert found.change.ratio == pytest.approx(math.exp(0.01))


def test_a_case_without_times_has_no_change():
    made = [sample for sample in samples({"a": 0.0, "b": 0.0}, 0.01, 8) if (sample.test, sample.label) != ("a", "head")]
    cases = {case.name: case for case in decide(made, [], Kept((), (), False), BAR, 30).cases}
    change = cases["a"].change
    assert (change.ratio, change.low, change.high, cases["a"].triples) == (1, 0, np.inf, 0)
    assert cases["a"].detectable == np.inf


@pytest.mark.parametrize(("bar", "largest"), [(0.02, 0.10), (0.2, 0.4)])
def test_a_run_can_judge_if_half_of_the_tests_can(bar, largest):
    def judged(size, others):
        # what is detectable is the screening's threshold, which is far above all other limits
        c = 1e-6
        kept = Kept(tuple(others), (), False, threshold=math.log1p(size))
        made = samples({"a": 0.0}, c, 8) + samples(dict.fromkeys(others, 0.0), c, 8)
        confirmation = samples(dict.fromkeys(others, 0.0), c, 12, "confirmation", first=8)
        return decide(made, confirmation, kept, bar, 30)

    assert judged(largest * (1 - NEAR), ()).outcome == "pass"
    assert judged(largest * (1 + NEAR), ()).outcome == "cannot judge"
    assert judged(largest * (1 + NEAR), ("b",)).outcome == "cannot judge"


@pytest.mark.parametrize(
    ("size", "text"), [(0.0499, "5% in 1, 10% in 1"), (0.0501, "5% in 0, 10% in 1"), (0.0999, "5% in 0, 10% in 1")]
)
def test_the_reason_counts_what_would_have_been_seen(size, text):
    kept = Kept((), (), False, threshold=math.log1p(size))
    reason = decide(samples({"a": 0.0}, 1e-6, 8), [], kept, BAR, 30).reason
    assert reason == (
        f"the one test is not slower by more than 2%; slowdowns that would have been found in 80% of runs: {text} of 1"
    )


def test_the_reason_names_the_largest_change_first():
    changes = {"a": 0.05, "b": 0.4, "c": -0.3, "d": -0.5}
    made = samples(changes, 0.001, 20, "confirmation")
    found = decide([], made, Kept(("a", "b"), ("c", "d"), False), BAR, 20)
    words = found.reason.replace(",", "").split()
    assert [word for word in words if word in changes] == ["b", "a", "d", "c"]
    assert f"b by {math.expm1(0.4):.1%} ({math.expm1(0.4):.1%} to {math.expm1(0.4):.1%})" in found.reason
    assert f"d by {-math.expm1(-0.5):.1%}" in found.reason


def test_too_many_to_name_are_counted():
    for count, text in ((3, "a, b, c may be slower"), (4, "a, b, c and 1 more may be slower")):
        names = "abcd"[:count]
        made = samples(dict.fromkeys(names, 0.0), 0.001, 8)
        found = decide(made, [], Kept(tuple(names), (), False), BAR, 30)
        assert found.outcome == "cannot judge"
        assert found.reason.startswith(text)

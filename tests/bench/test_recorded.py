"""What was recorded in ``reports/``: numbers for machines, each once, written and quoted by one piece of code."""

import re

import numpy as np
import pandas as pd
import pytest

from bench import ROOT, fast_choice, readme
from bench.compare import System, ratio_rows, time_rows
from bench.peers import table_of
from bench.playground import case_rows

REPORTS = ROOT / "reports"
KEYS = {
    "performance.csv": ["system", "threads", "yardstick", "hidden", "iterations", "dtype"],
    "times.csv": ["system", "threads", "hidden", "iterations", "dtype"],
    "performance-features.csv": ["system", "threads", "yardstick", "hidden", "iterations", "dtype", "features"],
    "processors.csv": ["processor", "dtype", "hidden"],
    "fast-choice.csv": ["features", "hidden", "samples", "iterations", "dtype", "variant"],
    "targets.csv": ["measure", "hidden", "iterations"],
    "playground.csv": ["hidden", "features", "dtype", "quantity"],
}
WORDS = {"machine", "outcome", "default"}
"""Columns of words beside the keys."""
COMMON = {"hidden": 4, "iterations": 100, "dtype": "float64", "rounds": 6}


def recorded(name):
    return pd.read_csv(REPORTS / name)


@pytest.mark.parametrize("name", KEYS)
def test_every_measurement_is_one_row_of_numbers(name):
    table = recorded(name)
    assert not table.duplicated(KEYS[name]).any()
    for column in table.columns.difference([*KEYS[name], *WORDS]):
        pd.to_numeric(table[column])  # fails on text
    if "ratio" in table:
        assert ((table["low"] > 0) & (table["low"] <= table["ratio"]) & (table["ratio"] <= table["high"])).all()


def test_no_cell_of_a_recorded_file_holds_an_interval_as_text():
    files = [*REPORTS.glob("*.csv"), *REPORTS.glob("gate/*.csv")]
    assert {*KEYS} <= {str(path.relative_to(REPORTS)) for path in files}
    for path in files:
        assert not re.search(r"[0-9] ?%? \([-0-9.]+ %? ?to ", path.read_text(encoding="utf-8")), path.name


def test_ratios_are_compared_with_each_yardstick_once():
    fast = np.full(6, 1.0)
    seconds = {System("reference", 1): 9 * fast, System("simd", 1): fast, System("parallel", 2): fast / 2}
    table = pd.DataFrame(ratio_rows(seconds, COMMON))
    assert list(table) == list(recorded("performance.csv"))
    rows = table[["system", "threads", "yardstick", "ratio", "low", "high"]].to_numpy().tolist()
    assert rows == [
        ["reference", 1, "simd", pytest.approx(9), pytest.approx(9), pytest.approx(9)],
        ["reference", 1, "parallel", pytest.approx(18), pytest.approx(18), pytest.approx(18)],
        ["simd", 1, "parallel", pytest.approx(2), pytest.approx(2), pytest.approx(2)],
    ]


def test_times_are_per_iteration_and_beside_the_roofline_of_as_many_cores():
    rows = time_rows({System("parallel", 2): np.array([1.0, 2.0, 9.0])}, COMMON, 100, bound_seconds=0.02)
    assert [*rows[0], "machine"] == list(recorded("times.csv"))
    assert (rows[0]["seconds_per_iteration"], rows[0]["roofline_fraction"]) == pytest.approx((0.02, 0.5))


def test_moves_are_summarised_by_quantity():
    taken = pd.DataFrame({"drawn": [60.0, 80.0, 120.0], "painted": [70.0, 90.0, 95.0], "training": [20.0, 30.0, 40.0]})
    rows = case_rows({"hidden": 4, "features": "standardised", "dtype": "float64"}, 100, taken)
    table = pd.DataFrame(rows)
    assert [*table, "machine"] == list(recorded("playground.csv"))
    assert table["median_ms"].tolist() == [80, 90, 30]
    assert table["within"].tolist()[:2] == [pytest.approx(2 / 3, abs=1e-3), 1]
    assert np.isnan(table["within"].iloc[2])


def test_the_rates_of_the_gate_are_one_line(tmp_path):
    assert readme.rates(tmp_path) == "Its error rates are not recorded yet.\n"
    shares = {("suite", "quiet"): (0, 0.95, 0.99), ("suite", "busy"): (0.01, 0.9, 0.98), ("own", "quiet"): (1, 1, 1)}
    rows = [
        (*kind, size, rate, rate / 2, 1.0)
        for kind, rates in shares.items()
        for size, rate in zip((0.0, 0.05, 0.1), rates, strict=True)
    ]
    (tmp_path / "gate").mkdir()
    table = pd.DataFrame(rows, columns=["suite", "condition", "slowdown_nominal", "rate", "low", "high"])
    table.to_csv(tmp_path / "gate/rates.csv", index=False)
    assert readme.rates(tmp_path) == "Its error rates are not recorded yet.\n"
    runs = pd.DataFrame({"effect": [0.0, 0.0, 0.05], "outcome": ["pass", "slower", "failed"]})
    runs.assign(false_alarm=[False, True, True]).to_csv(tmp_path / "gate/live.csv", index=False)
    line = readme.rates(tmp_path)
    assert line.count("\n") == 1
    assert "by 5 % in 95.0 % (47.5 to 100.0) of runs and by 10 % in 99.0 % (49.5 to 100.0)" in line
    assert "1 of 2 (95 % limit 99 %)" in line  # a run that failed is none


def test_the_choice_of_fast_is_summed_up_by_size(tmp_path):
    size = {"samples": 10, "iterations": 3, "dtype": "float64", "threads": 2}
    rows = [
        {"features": D, "hidden": H} | size | {"variant": name, "seconds": 1 / share, "share": share, "chosen": chosen}
        for D, H, shares in (
            (1, 4, {"simd": (1.0, True), "numpy": (0.5, False)}),
            (2, 4, {"simd": (0.94, True), "numpy": (1.0, False)}),
            (3, 4, {"simd": (0.5, True), "fused": (1.0, False)}),
            (4, 4, {"parallel": (0.8, True), "numpy": (1.0, False), "simd": (0.9, False)}),
            (5, 0, {"fused": (0.9, True), "numpy": (1.0, False)}),
        )
        for name, (share, chosen) in shares.items()
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "fast-choice.csv", index=False)
    text = readme.choice(tmp_path)
    assert text.startswith("At 2 of 4 sizes of two-layer nets")
    assert "1.62 times as long in the median and 2.00 times at most" in text
    assert "`fused` at 1" in text
    assert "`numpy` at 1" in text
    assert "one-layer net it does at 0 of 1 sizes" in text


def test_sizes_are_drawn_once_each_and_cut_to_the_longest(monkeypatch):
    monkeypatch.setattr(fast_choice.time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(fast_choice.fastest, "STEP_SECONDS", 1e-10)
    drawn = list(fast_choice.sizes(1.0, 0.01, 0))
    assert len(drawn) == len({*drawn}) > 1000
    seconds = [M * max(H, 1) * (D + fast_choice.fastest.OWN_FEATURES) * 1e-10 for D, H, M, _, _ in drawn]
    assert max(seconds) <= 0.01
    assert all(T == 1 or one * T <= 0.01 for one, (*_, T, _) in zip(seconds, drawn, strict=True))
    assert {T for *_, T, _ in drawn} >= {1, 3, 3000}
    monkeypatch.setattr(fast_choice.time, "monotonic", iter(range(100)).__next__)
    assert len(list(fast_choice.sizes(5.0, 0.01, 0))) < 10


def test_other_tables_have_the_labels_of_the_article_and_so_many_features():
    article = table_of()
    wide = table_of(30)
    assert wide.X.shape == (30, article.X.shape[1])
    assert len(wide.feature_names) == 30
    np.testing.assert_array_equal(wide.y, article.y)
    np.testing.assert_array_equal(wide.X, table_of(30).X)


@pytest.mark.parametrize("page", readme.PAGES)
def test_every_page_quotes_what_is_recorded(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert readme.renewed(page, text, REPORTS) == text, "run python -m bench.readme"


@pytest.mark.parametrize("page", readme.PAGES)
def test_a_page_without_the_place_for_a_table_is_refused(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    name = readme.PAGES[page][0].__name__
    for wrong in (text.replace(f"<!-- /{name} -->", ""), text + text):
        with pytest.raises(ValueError, match=r"expected <!-- \w+ --> and <!-- /\w+ --> once"):
            readme.renewed(page, wrong, REPORTS)

"""Reading saved runs: what is there arrives unchanged, what is missing is named."""

import copy

import numpy as np
import pytest
from saved_run import benchmark, run, save

from fastsym.timing.saved_runs import COLUMNS, UnreadableRunError, read_benchmark_json, read_machine, read_rounds

GOOD = run(
    [
        benchmark("reference", [2.0, 2.0, 4.0], [1.0, 1.0, 2.0]),
        benchmark("simd", [0.2, 0.1, 0.5], [1.0, 1.0, 2.0]),
        benchmark("jax", [0.3, 0.3], [1.0, 1.0], kind="peer"),
        {"fullname": "bench/test_kernels.py::test_tanh", "stats": {"data": [1.0]}, "extra_info": {"kind": "kernel"}},
        {"fullname": "of_somebody_else.py::test_it", "stats": {"data": [1.0]}, "extra_info": {}},
    ]
)


def test_one_row_per_training_benchmark(tmp_path):
    table = read_benchmark_json(save(tmp_path / "run.json", GOOD))
    assert tuple(table.columns[: len(COLUMNS)]) == COLUMNS
    assert table["variant"].tolist() == ["reference", "simd", "jax"]
    assert table["kind"].tolist() == ["variant", "variant", "peer"]
    row = table.iloc[1]
    assert row["name"] == "bench/test_train.py::test_train[H4-T100-simd]"
    assert (row["hidden"], row["iterations"], row["threads"], row["rounds"]) == (4, 100, 1, 3)
    assert (row["seconds"], row["seconds_per_iteration"]) == pytest.approx((0.2, 0.002))
    # The reference's turns are 50 iterations: 2, 2 and 4 seconds for 100.
    assert row["speedup"] == pytest.approx(np.median([10, 20, 8]))
    assert (row["machine"], row["compile_seconds"], row["worst_error"]) == ("Toy 8086, 2 cores", 0.0, 0.1)


def test_one_row_per_round(tmp_path):
    rounds = read_rounds(save(tmp_path / "run.json", GOOD))
    simd = rounds[rounds["variant"] == "simd"]
    assert simd["round"].tolist() == [0, 1, 2]
    assert simd["seconds"].tolist() == [0.2, 0.1, 0.5]
    assert simd["speedup"].tolist() == pytest.approx([10, 20, 8])


def test_the_machine_is_read(tmp_path):
    assert read_machine(save(tmp_path / "run.json", GOOD))["blas"] == "openblas 1.0"


def missing(*path):
    """The good run without one entry; the path leads to it."""
    broken = copy.deepcopy(GOOD)
    place = broken
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return broken


@pytest.mark.parametrize(
    "key",
    [
        "variant",
        "hidden",
        "iterations",
        "dtype",
        "threads",
        "compile_seconds",
        "worst_error",
        "reference_seconds",
        "reference_iterations",
    ],
)
def test_each_missing_note_is_named(tmp_path, key):
    path = save(tmp_path / "run.json", missing("benchmarks", 1, "extra_info", key))
    with pytest.raises(UnreadableRunError, match=rf"run\.json.*H4-T100-simd\]: {key}: expected"):
        read_benchmark_json(path)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (("benchmarks",), "benchmarks"),
        (("benchmarks", 0, "fullname"), "fullname"),
        (("benchmarks", 3, "extra_info"), "extra_info"),
        (("benchmarks", 0, "stats"), "stats"),
        (("benchmarks", 0, "stats", "data"), "data"),
        (("machine_info",), "machine_info"),
        (("machine_info", "fastsym"), "fastsym"),
        (("machine_info", "fastsym", "cpu"), "cpu"),
    ],
)
def test_each_missing_part_is_named(tmp_path, path, named):
    with pytest.raises(UnreadableRunError, match=f"{named}: expected"):
        read_benchmark_json(save(tmp_path / "run.json", missing(*path)))


@pytest.mark.parametrize("wrong", [[], [1.0, float("nan")], [1.0, 0.0], [1.0, -1.0], [1.0, None], [1.0, float("inf")]])
@pytest.mark.parametrize("side", ["data", "reference_seconds"])
def test_times_that_are_none_are_refused(tmp_path, wrong, side):
    times = {"data": [1.0, 1.0], "reference_seconds": [1.0, 1.0]} | {side: wrong}
    path = save(tmp_path / "run.json", run([benchmark("simd", *times.values())]))
    with pytest.raises(UnreadableRunError, match=f"{side}: expected positive seconds"):
        read_rounds(path)


def test_rounds_without_a_reference_are_refused(tmp_path):
    path = save(tmp_path / "run.json", run([benchmark("simd", [1.0, 1.0], [1.0])]))
    with pytest.raises(UnreadableRunError, match="a reference time for each of 2 rounds; got 1"):
        read_rounds(path)


def test_a_benchmark_that_is_there_twice_is_refused(tmp_path):
    path = save(tmp_path / "run.json", run([benchmark("simd", [1.0], [1.0])] * 2))
    with pytest.raises(UnreadableRunError, match="expected one entry; got several"):
        read_rounds(path)


def test_a_run_without_trainings_is_refused(tmp_path):
    with pytest.raises(UnreadableRunError, match="expected training benchmarks; got none"):
        read_benchmark_json(save(tmp_path / "run.json", run(GOOD["benchmarks"][3:])))


@pytest.mark.parametrize("content", [b"", b"not json", b"[1, 2]", b"\xff\xfe\x00"])
def test_files_that_are_no_run_are_refused(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(UnreadableRunError, match=r"expected a saved run; got .*--benchmark-json FILE"):
        read_benchmark_json(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UnreadableRunError, match="No such file"):
        read_machine(tmp_path / "none.json")

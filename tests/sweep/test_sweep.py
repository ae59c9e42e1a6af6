import os
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import posix_only
from typer.testing import CliRunner

import fastsym
from fastsym import sweep
from fastsym.sweep import Grid, outcomes, store
from fastsym.sweep import grid as grids
from fastsym.sweep.__main__ import app

GRID = Grid(
    start=("zeros", "normal", "blocks:2"),
    scale=(0.01, 0.1),
    hidden=(2, 4),
    learning_rate=(0.01, 1.0),
    seeds=3,
    first_seed=5,
    dtype=("float64", "float32"),
    features=("standardised",),
    perturbation=(0.0, 1e-6),
    iterations=40,
)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(grids, "CHUNK_NETWORKS", 7)


def same(a, b):
    pd.testing.assert_frame_equal(a, b, check_exact=True)


def test_networks_are_numbered_seeds_fastest():
    assert GRID.size == 3 * 2 * 2 * 2 * 3 * 2 * 2
    rows = [GRID.settings(network) for network in range(GRID.size)]
    assert len({tuple(row.items()) for row in rows}) == GRID.size
    assert [row["seed"] for row in rows[:4]] == [5, 6, 7, 5]
    assert tuple(rows[0]) == grids.AXES


@pytest.mark.usefixtures("small_chunks")
def test_chunks_cover_the_grid_and_share_their_shape():
    chunks = GRID.chunks()
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert [n for chunk in chunks for n in range(chunk.first, chunk.stop)] == list(range(GRID.size))
    for chunk in chunks:
        assert 0 < chunk.stop - chunk.first <= 7
        rows = [GRID.settings(network) for network in range(chunk.first, chunk.stop)]
        assert len({(row["features"], row["dtype"], row["hidden"]) for row in rows}) == 1


def test_work_of_a_chunk_is_bounded():
    wide = Grid(hidden=(4, 100_000), seeds=1000).chunks()
    assert [chunk.stop - chunk.first for chunk in wide[:2]] == [500, 500]
    assert {chunk.stop - chunk.first for chunk in wide[2:]} == {1}


@pytest.mark.usefixtures("small_chunks")
def test_each_row_is_that_network_trained_alone(tmp_path):
    sweep.run(GRID, tmp_path / "out")
    table = sweep.read(tmp_path / "out")
    assert table["network"].tolist() == list(range(GRID.size))
    same(table, pd.read_parquet(tmp_path / "out"))
    data = fastsym.load_titanic("standardised")
    for row in table.sample(12, random_state=0).itertuples():
        options = {"scale": row.scale, "seed": row.seed, "dtype": row.dtype, "perturbation": row.perturbation}
        start = fastsym.initialise(row.start, 8, row.hidden, **options)
        X = data.X.astype(row.dtype)
        alone = fastsym.model.params.Params(*(a[None] for a in start))
        training = fastsym.train_population(X, data.y, alone, 40, row.learning_rate, merge_equal_samples=True)
        assert row.first_cost == training.costs[0, 0]
        assert row.final_cost == training.costs[0, -1]
        assert (
            row.classes
            == fastsym.model.units.unit_classes(fastsym.experiments.symmetry.network_at(training.params, 0)).max() + 1
        )
        plain = fastsym.train(X, data.y, start, 40, row.learning_rate, "simd")
        bound = 40 * np.finfo(row.dtype).eps  # costs below 1 nat, and sums of samples in another order
        assert abs(row.final_cost - plain.costs[-1]) <= bound
        assert row.finite
    kept = table[(table["start"] == "blocks:2") & (table["perturbation"] == 0)]
    assert (kept["classes"] == kept["hidden"] // 2).all()
    assert (table[table["start"] == "zeros"].query("perturbation == 0")["dead_units"] > 1).all()
    assert table["saturated_fraction"].between(0, 1).all()
    assert table["accuracy"].between(0.5, 1).any()
    assert (table["fastsym_version"] == fastsym.__version__).all()


def test_a_network_that_leaves_the_finite_range_is_a_row_like_others():
    wild = Grid(scale=(1e200, 0.01), learning_rate=(1e200,), seeds=2, iterations=5)
    (chunk,) = wild.chunks()
    table = outcomes.run_chunk(wild, chunk, fastsym.load_titanic("standardised"))
    assert len(table) == 4
    assert not table["finite"].all()
    lost = table[~table["finite"]]
    assert lost["accuracy"].isna().all() or lost["final_cost"].isna().any()


@pytest.mark.usefixtures("small_chunks")
def test_what_is_missing_is_run_and_nothing_else(tmp_path, monkeypatch):
    sweep.run(GRID, tmp_path)
    whole = sweep.read(tmp_path)
    parts = sorted(tmp_path.glob("part-*"))
    for path in parts[3:5]:
        path.unlink()
    (tmp_path / f"_{parts[3].name}.half").write_bytes(b"PAR1 cut off")
    ran, seen = [], []
    honest = outcomes.run_chunk
    monkeypatch.setattr(sweep, "run_chunk", lambda g, c, d: ran.append(c.number) or honest(g, c, d))
    sweep.run(GRID, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert ran == [3, 4]
    assert seen[0][0] < seen[1][0] < seen[2][0] == seen[2][1] == GRID.size
    same(sweep.read(tmp_path), whole)


@pytest.mark.usefixtures("small_chunks")
def test_another_grid_in_the_same_directory_is_refused(tmp_path):
    first = Grid(features=("standardised",), seeds=2, iterations=5)
    sweep.run(first, tmp_path)
    with pytest.raises(sweep.SweepDiffersError, match=r"grid has iterations = 5; got iterations = 6"):
        sweep.run(Grid(features=("standardised",), seeds=2, iterations=6), tmp_path)
    data = fastsym.load_titanic("standardised")
    for other in ({"feature_names": tuple("abcdefgh")}, {"X": data.X + 1}, {"y": 1 - data.y}):
        with pytest.raises(sweep.SweepDiffersError, match="data has standardised"):
            sweep.run(first, tmp_path, {"standardised": data._replace(**other)})


def test_the_names_of_sweeps_do_not_change():
    """The identity that parts carry is that of recorded sweeps, too, and does not depend on the order of keys."""
    manifest = store.manifest_of(Grid(seeds=2, iterations=5), {"b": one_passenger(2.0), "a": one_passenger(1.0)})
    assert manifest.keys() == {"format", "grid", "data"}
    assert manifest["format"] == 1
    assert list(manifest["data"]) == ["a", "b"]
    assert manifest["data"]["a"] != manifest["data"]["b"]
    text = b'{"data": {}, "format": 1}'
    for written in ({"format": 1, "data": {}}, {"data": {}, "format": 1}):
        assert store.sweep_id(written) == sha256(text).hexdigest()


def one_passenger(age):
    return fastsym.Dataset(np.array([[age]]), np.array([1.0]), ("age",))


@pytest.mark.parametrize(
    ("there", "message"),
    [
        ({"grid": 3}, r"whose grid has 3; got \{"),
        ({"format": 2}, r"whose format has 2; got 1"),
        ({"data": {"raw": "0"}}, r"whose data has raw = 0; got raw = None"),
    ],
)
def test_the_first_difference_from_the_sweep_that_is_there_is_named(tmp_path, there, message):
    wanted = store.manifest_of(Grid(seeds=1, iterations=1), {"standardised": one_passenger(1.0)})
    store.write_manifest(tmp_path, wanted)
    assert store.check(tmp_path, wanted)
    store.write_manifest(tmp_path, wanted | there)
    with pytest.raises(sweep.SweepDiffersError, match=message):
        store.check(tmp_path, wanted)


def test_what_is_no_sweep_yet_can_become_one(tmp_path):
    wanted = store.manifest_of(Grid(seeds=1, iterations=1), {})
    assert not store.check(tmp_path / "new", wanted)
    with store.locked(tmp_path / "new" / "below"):  # makes folders on the way
        assert not store.check(tmp_path / "new" / "below", wanted)


def test_what_is_set_aside_thrice_is_numbered(tmp_path):
    asides = []
    for _ in range(3):
        (tmp_path / "part-1").write_text("mine")
        asides.append(store.set_aside(tmp_path / "part-1").name)
    assert asides == [f"_aside-{number}-part-1" for number in (1, 2, 3)]


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_a_part_that_could_not_be_written_whole_is_not_there(tmp_path, monkeypatch, step):
    def full_disk(*_):
        raise OSError(28, "No space left on device")

    grid = Grid(seeds=1, iterations=1)
    manifest = store.manifest_of(grid, {})
    store.write_manifest(tmp_path, manifest)
    monkeypatch.setattr(step, full_disk)
    rows = pd.DataFrame({"network": [0], "fastsym_version": ["0.1.0"]})
    with pytest.raises(OSError, match="No space left"):
        store.write_part(tmp_path, store.sweep_id(manifest), grid.chunks()[0], rows)
    assert len(sweep.read(tmp_path)) == 0


def test_a_directory_with_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(sweep.SweepDiffersError, match=r"which holds 'thesis.tex'"):
        sweep.run(Grid(seeds=1, iterations=1), tmp_path)
    with pytest.raises(sweep.SweepDiffersError, match="expected the directory of a sweep"):
        sweep.read(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]  # no lock


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"scale": ()}, "scale"),
        ({"scale": 0.1}, "scale"),
        ({"scale": "0.1"}, "scale"),
        ({"scale": ("0.1",)}, "scale"),
        ({"scale": (float("inf"),)}, "scale"),
        ({"scale": (float("nan"),)}, "scale"),
        ({"scale": (1e308,)}, "scale"),
        ({"scale": (1e38,), "dtype": ("float64", "float32")}, "scale"),
        ({"scale": (10**400,)}, "scale"),
        ({"scale": (1j,)}, "scale"),
        ({"scale": (True,)}, "scale"),
        ({"scale": [[0.1]]}, "scale"),
        ({"perturbation": (float("nan"),)}, "perturbation"),
        ({"perturbation": (1e308,)}, "perturbation"),
        ({"perturbation": (None,)}, "perturbation"),
        ({"hidden": (4, 4)}, "hidden"),
        ({"hidden": (0,)}, "hidden"),
        ({"hidden": (2.7,)}, "hidden"),
        ({"hidden": (2.0,)}, "hidden"),
        ({"hidden": "24"}, "hidden"),
        ({"hidden": b"24"}, "hidden"),
        ({"hidden": 4}, "hidden"),
        ({"hidden": (True,)}, "hidden"),
        ({"hidden": (2**70,)}, "hidden"),
        ({"hidden": (10**5000,)}, "hidden"),
        ({"hidden": np.array([[3]])}, "hidden"),
        ({"seeds": 0}, "seeds"),
        ({"seeds": 10**30}, "seeds"),
        ({"seeds": 2.5}, "seeds"),
        ({"seeds": "3"}, "seeds"),
        ({"seeds": (3,)}, "seeds"),
        ({"seeds": 10**9, "hidden": (2, 3)}, "grid"),
        ({"seeds": 10**9, "hidden": (10**6,)}, "grid"),
        ({"first_seed": -1}, "first_seed"),
        ({"first_seed": 2**70}, "first_seed"),
        ({"first_seed": np.nan}, "first_seed"),
        ({"iterations": 2.5}, "iterations"),
        ({"iterations": 0}, "iterations"),
        ({"iterations": 2**70}, "iterations"),
        ({"iterations": True}, "iterations"),
        ({"learning_rate": (0.0,)}, "learning_rate"),
        ({"learning_rate": (float("nan"),)}, "learning_rate"),
        ({"start": "normal"}, "start"),
        ({"start": (1,)}, "start"),
        ({"start": ("xavier",)}, "kind"),
        ({"start": ("blocks:3",), "hidden": (2,)}, "kind"),
        ({"features": "article"}, "features"),
        ({"dtype": ("float16",)}, "dtype"),
        ({"dtype": (np.float32,)}, "dtype"),
        ({"dtype": ("float99",)}, "dtype"),
    ],
    ids=lambda options: "-".join(options),
)
def test_a_bad_grid_is_refused_by_the_name_of_the_argument(options, argument):
    with pytest.raises(ValueError, match=f"^{argument}: expected "):
        Grid(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"features": ("pca",)},
        {"learning_rate": (1e300,), "dtype": ("float32",)},
        {"learning_rate": (1e-60,), "dtype": ("float32",)},
    ],
    ids=repr,
)
def test_what_cannot_be_trained_is_refused_before_there_is_a_directory(tmp_path, options):
    with pytest.raises(ValueError, match=r"^(features|learning_rate)"):
        sweep.run(Grid(seeds=1, iterations=1, **options), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_starts_have_their_own_sizes_where_no_scale_is_given():
    grid = Grid(start=("normal", "he", "glorot"), scale=(None, 0.5), seeds=1)
    rows = [grid.settings(network) for network in range(grid.size)]
    assert [row["scale"] for row in rows] == [0.01, 0.5, 1.0, 0.5, 1.0, 0.5]


def test_a_full_disk_is_seen_before_training(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=5000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(sweep, "run_chunk", lambda *_: pytest.fail("trained"))
    with pytest.raises(OSError, match="got 5000 bytes free"):
        sweep.run(Grid(seeds=1, iterations=1), tmp_path / "out")


def test_numpy_values_make_the_same_grid():
    assert Grid(scale=list(np.array([0.5, 1.0])), hidden=np.array([3]), seeds=np.int64(2)) == Grid(
        scale=(0.5, 1.0), hidden=(3,), seeds=2
    )


CUT = "from fastsym.sweep import grid; grid.CHUNK_NETWORKS = 4; from fastsym.sweep.__main__ import app; app()"


def command(*arguments):
    package_parent = str(Path(fastsym.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-c", CUT, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": package_parent},
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_parts(directory, count):
    for _ in range(60_000):
        if len(list(directory.glob("part-*"))) >= count:
            return
        time.sleep(0.01)
    raise AssertionError("no parts appeared")


@posix_only
def test_killed_and_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr(grids, "CHUNK_NETWORKS", 4)
    options = ("--seeds", "400", "--iterations", "500", "--hidden", "4")
    first = command(tmp_path / "out", *options)
    wait_for_parts(tmp_path / "out", 3)
    first.send_signal(signal.SIGSTOP)  # so that it holds the lock for as long as the second one needs to see it
    second = command(tmp_path / "out", *options)
    refusal = second.communicate()[1]
    first.kill()
    first.communicate()
    assert second.returncode == 2
    assert "which is in use" in refusal
    survived = len(list((tmp_path / "out").glob("part-*")))
    assert 3 <= survived < 100  # or it was not killed in the middle
    assert set(sweep.read(tmp_path / "out")["network"]) == set(range(4 * survived))
    grid = Grid(seeds=400, iterations=500)
    sweep.run(grid, tmp_path / "out")
    monkeypatch.undo()
    sweep.run(grid, tmp_path / "fresh")  # in other chunks, too
    same(sweep.read(tmp_path / "out"), sweep.read(tmp_path / "fresh"))


@posix_only
def test_interrupted_and_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr(grids, "CHUNK_NETWORKS", 4)
    options = ("--seeds", "400", "--iterations", "500")
    first = command(tmp_path, *options)
    wait_for_parts(tmp_path, 2)
    first.send_signal(signal.SIGINT)
    words = first.communicate()[1]
    assert first.returncode == 130
    assert words.splitlines()[-1] == "stopped by SIGINT; the same command resumes the sweep"
    assert "Traceback" not in words
    survived = len(list(tmp_path.glob("part-*")))
    assert 2 <= survived < 100
    ran = []
    honest = outcomes.run_chunk
    monkeypatch.setattr(
        sweep, "run_chunk", lambda grid, chunk, data: ran.append(chunk.number) or honest(grid, chunk, data)
    )
    sweep.run(Grid(seeds=400, iterations=500), tmp_path)
    assert ran == list(range(survived, 100))


def test_command_refuses_clearly(tmp_path):
    runner = CliRunner()
    small = [str(tmp_path / "out"), "--seeds", "1", "--iterations", "2"]
    with store.locked(tmp_path / "out"):
        busy = runner.invoke(app, small)
    assert busy.exit_code == 2
    assert "which is in use" in busy.stderr
    assert runner.invoke(app, [*small, "--quiet"]).exit_code == 0
    assert "1 of 1 networks" in runner.invoke(app, small).stderr
    for wrong, message in (
        (["--seeds", "2"], "choose another directory"),
        (["--scale", "big"], "expected float values separated by commas"),
        (["--csv", "x.csv"], "table: expected a file; got x.csv"),
        (["--features", "pca"], "features: expected some of"),
    ):
        result = runner.invoke(app, [*small, *wrong])
        assert result.exit_code == 2
        assert message in " ".join(result.stderr.replace("│", " ").split())


def test_command_takes_a_users_table(tmp_path):
    data = fastsym.load_titanic("standardised")
    frame = pd.DataFrame(data.X.T[:100], columns=data.feature_names).assign(mine=data.y[:100].astype(int))
    frame.to_csv(tmp_path / "mine.csv", index=False)
    result = CliRunner().invoke(
        app,
        f"{tmp_path}/out --csv {tmp_path}/mine.csv --target mine --features raw,standardised --seeds 2 "
        "--iterations 3 --quiet".split(),
    )
    assert result.exit_code == 0
    table = sweep.read(tmp_path / "out")
    assert table["features"].tolist() == ["raw"] * 2 + ["standardised"] * 2
    assert (table["samples"] == 100).all()


def test_command_takes_the_options_of_a_table(tmp_path):
    (tmp_path / "mine.csv").write_text("1,5;?;no\n2,5;7;yes\n4,5;7;no\n")
    options = "--sep ; --no-header --target 2 --positive yes --missing ? --fill median --seeds 1 --iterations 2 --quiet"
    own = ["--csv", str(tmp_path / "mine.csv"), *options.split()]
    chosen = ["--features", "standardised"]
    constant = CliRunner().invoke(app, [str(tmp_path / "out"), *own, "--standardise"])
    assert constant.exit_code == 2
    assert "column '1': expected values that differ" in constant.stderr
    for number, (more, features) in enumerate(
        (([], "raw"), (["--drop", "1", "--standardise"], "standardised"), (["--drop", "1", *chosen], "standardised"))
    ):
        out = tmp_path / str(number)
        assert CliRunner().invoke(app, [str(out), *own, *more]).exit_code == 0
        assert sweep.read(out)["features"].unique().tolist() == [features]
    assert CliRunner().invoke(app, [str(tmp_path / "both"), *own, "--standardise", *chosen]).exit_code == 2


def test_command_and_grid_take_the_features_of_train_by_default(tmp_path):
    assert CliRunner().invoke(app, [str(tmp_path), "--seeds", "1", "--iterations", "2", "-q"]).exit_code == 0
    assert sweep.read(tmp_path)["features"].tolist() == ["article"]
    assert Grid().features == ("article",)


def test_without_distributed_a_scheduler_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install 'fastsym\[distributed\]'"):
        sweep.run(Grid(seeds=1, iterations=1), tmp_path, scheduler="tcp://nowhere:1")


@pytest.mark.filterwarnings("default")  # of Dask's own making
@pytest.mark.usefixtures("small_chunks")
@posix_only
def test_dask_gives_the_same_table_though_a_worker_is_killed(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    package_parent = str(Path(fastsym.__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", package_parent)
    grid = Grid(start=("normal", "zeros"), seeds=150, iterations=1000)
    sweep.run(grid, tmp_path / "here")
    killed = []

    def kill_one(done, total):
        if done > total / 4 and not killed:
            with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
                killed.extend(list(client.run(os.getpid).values())[:1])
            os.kill(killed[0], signal.SIGKILL)

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        sweep.run(grid, tmp_path / "there", scheduler=cluster.scheduler_address, progress=kill_one)
    assert killed
    same(sweep.read(tmp_path / "there"), sweep.read(tmp_path / "here"))


@pytest.mark.filterwarnings("default")  # of Dask's own making
@pytest.mark.usefixtures("small_chunks")
def test_a_lost_scheduler_is_told_in_one_line_and_nothing_is_lost(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    monkeypatch.setenv("PYTHONPATH", str(Path(fastsym.__file__).parents[1]))
    grid = Grid(seeds=60, iterations=1000)
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        address = cluster.scheduler_address
        with pytest.raises(sweep.SchedulerError) as lost:
            sweep.run(grid, tmp_path, scheduler=address, progress=lambda done, _: cluster.close() if done else None)
    assert str(lost.value).startswith(f"scheduler: expected one at {address} until the end")
    assert len(str(lost.value).splitlines()) == 1
    assert 0 < len(sweep.read(tmp_path)) < grid.size
    sweep.run(grid, tmp_path)
    assert len(sweep.read(tmp_path)) == grid.size


@pytest.mark.parametrize("address", ["nonsense://x", "::::"])
def test_a_scheduler_that_is_no_address_is_refused(tmp_path, address):
    pytest.importorskip("distributed", reason="distributed is not installed")
    with pytest.raises(ValueError, match=r"^scheduler: expected an address"):
        sweep.run(Grid(seeds=1, iterations=1), tmp_path, scheduler=address)

"""Parts of a sweep that are not what a sweep wrote: found, named, set aside and computed again, and never read."""

import json
import random
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from fastsym import sweep
from fastsym.sweep import Grid, outcomes, parts, store
from fastsym.sweep import grid as grids
from fastsym.sweep.__main__ import app

GRID = Grid(hidden=(2, 3, 4), seeds=5, iterations=5)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    return sweep.run(GRID, tmp_path_factory.mktemp("fresh") / "sweep")


@pytest.fixture
def directory(fresh, tmp_path):
    return shutil.copytree(fresh, tmp_path / "sweep")


def listed(directory):
    return sorted(directory.glob("part-*"))


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1
    path.write_bytes(content)


def rewrite(path, change):
    """Write a part anew, rightly named, with other rows or another version."""
    table = pq.read_table(path)
    rows, about = change(table.to_pandas(), json.loads(table.schema.metadata[parts.KEY]))
    table = pa.Table.from_pandas(rows, preserve_index=False)
    buffer = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({parts.KEY: json.dumps(about)}), buffer)
    content = buffer.getvalue().to_pybytes()
    path.unlink()
    (path.parent / parts.name_of(about["number"], content)).write_bytes(content)


def older(rows, about):
    return rows.assign(fastsym_version="0.0.9"), about | {"version": "0.0.9"}


HARMS = {
    "truncated": lambda p: p[1].write_bytes(p[1].read_bytes()[:3000]),
    "empty": lambda p: p[1].write_bytes(b""),
    "rows missing": lambda p: pd.read_parquet(p[1]).head(3).to_parquet(p[1], index=False),
    "a number changed": lambda p: pd.read_parquet(p[1]).assign(final_cost=0.5).to_parquet(p[1], index=False),
    "another chunk's content": lambda p: shutil.copy(p[0], p[1]),
    "another chunk's number": lambda p: p[0].rename(p[0].parent / p[0].name.replace("000000", "000001")),
    "doubled": lambda p: shutil.copy(p[0], p[0].parent / p[0].name.replace("000000", "000002")),
    "a stray number": lambda p: shutil.copy(p[0], p[0].parent / "part-000999.parquet"),
    "a copy of a file manager": lambda p: shutil.copy(p[0], p[0].parent / f"{p[0].stem} (1).parquet"),
    "something else": lambda p: (p[0].parent / "part-000001.parquet").write_text("hello"),
    "a folder": lambda p: (p[0].parent / p[1].name.replace("-000001-", "-000002-")).mkdir(),
    "a dead link": lambda p: (p[0].parent / p[1].name.replace("-000001-", "-000002-")).symlink_to(
        p[0].parent / "nowhere"
    ),
    "an older version": lambda p: rewrite(p[1], older),
    "an older version and a newer one": lambda p: (
        shutil.copy(p[1], p[0].parent / "_kept"),
        rewrite(p[1], older),
        shutil.move(p[0].parent / "_kept", p[1]),
    ),
    "another sweep": lambda p: rewrite(p[1], lambda rows, about: (rows, about | {"sweep": "0"})),
    "no metadata": lambda p: rewrite(p[1], lambda rows, _: (rows, {"number": 1})),
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_bad_part_is_refused_named_set_aside_and_computed_again(directory, fresh, harm):
    harm(listed(directory))
    harmed = {path.name for path in listed(directory)}
    whole = sweep.read(fresh)
    with pytest.raises(sweep.BadPartsError, match="part-00"):
        sweep.read(directory)
    with pytest.warns(sweep.BadPartsWarning, match="part-00.* set aside as _aside-"):
        sweep.run(GRID, directory)
    pd.testing.assert_frame_equal(sweep.read(directory), whole, check_exact=True)
    pd.testing.assert_frame_equal(pd.read_parquet(directory), whole, check_exact=True)
    assert {path.name for path in listed(directory)} == {path.name for path in listed(fresh)}
    aside = {path.name.removeprefix("_aside-1-") for path in directory.glob("_aside-*")}
    assert aside  # renamed, not deleted
    assert harmed - aside <= {path.name for path in listed(fresh)}
    sweep.run(GRID, directory)  # no further warning


def test_every_flipped_bit_is_found(directory):
    rng = random.Random(0)
    path = listed(directory)[1]
    whole = path.read_bytes()
    for _ in range(200):
        flip(path, rng.randrange(len(whole)))
        with pytest.raises(sweep.BadPartsError, match="not what its checksum says"):
            sweep.read(directory)
        path.write_bytes(whole)
    assert len(sweep.read(directory)) == GRID.size


def test_a_sweep_of_one_older_version_can_be_read_but_is_not_mixed(directory, fresh):
    for path in listed(directory):
        rewrite(path, older)
    assert set(sweep.read(directory)["fastsym_version"]) == {"0.0.9"}
    listed(directory)[0].unlink()
    with pytest.warns(sweep.BadPartsWarning, match="and 1 more: it is of fastsym 0.0.9"):
        sweep.run(GRID, directory)
    pd.testing.assert_frame_equal(sweep.read(directory), sweep.read(fresh), check_exact=True)


def test_the_command_names_what_it_sets_aside(tmp_path):
    command = [str(tmp_path / "out"), "--seeds", "2", "--iterations", "2", "--quiet"]
    assert CliRunner().invoke(app, command).exit_code == 0
    (part,) = listed(tmp_path / "out")
    flip(part, 100)
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0
    assert result.stderr.startswith(f"warning: {part}: ")
    assert len(result.stderr.splitlines()) == 1
    assert sweep.read(tmp_path / "out")["network"].tolist() == [0, 1]  # of one part


def test_a_chunk_with_other_rows_than_its_own_is_not_written(tmp_path):
    rows = outcomes.run_chunk(GRID, GRID.chunks()[0], outcomes_data())
    for wrong in (
        rows.head(2),
        pd.concat([rows, rows]),
        rows.assign(network=rows["network"] + 1),
        rows.assign(fastsym_version=["1", "1", "1", "1", "2"]),
    ):
        with pytest.raises(sweep.BadPartsError):
            store.write_part(tmp_path, "id", GRID.chunks()[0], wrong)
    assert list(tmp_path.iterdir()) == []


def outcomes_data():
    from fastsym import load_titanic

    return load_titanic("standardised")


@pytest.mark.parametrize(
    "text",
    ["[1]", "null", "3", '"text"', "{}", '{"format": 1}', "[" * 100_000, "", "not json", "\x00", '{"a": NaN}'],
    ids=lambda text: text[:12],
)
def test_a_manifest_that_is_not_ours_is_refused_and_stays(directory, text):
    (directory / store.MANIFEST).write_text(text)
    before = {path.name: path.stat().st_mtime_ns for path in directory.iterdir()}
    for call in (lambda: sweep.run(GRID, directory), lambda: sweep.read(directory)):
        with pytest.raises(sweep.SweepDiffersError, match=r"^output: expected the directory of a sweep; got "):
            call()
    assert {path.name: path.stat().st_mtime_ns for path in directory.iterdir()} == before


def test_a_destination_that_is_a_file_or_below_one_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    for output in (tmp_path / "file", tmp_path / "file" / "out"):
        result = CliRunner().invoke(app, [str(output), "--seeds", "1", "--iterations", "1"])
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1
    assert (tmp_path / "file").read_text() == "mine"


def test_chunks_are_counted_as_they_are_cut(monkeypatch):
    monkeypatch.setattr(grids, "CHUNK_NETWORKS", 7)
    for grid in (GRID, Grid(hidden=(1, 10**5), start=("normal", "zeros"), seeds=11, dtype=("float32", "float64"))):
        assert grid.count_chunks() == len(grid.chunks())
        assert grid.size == sum(chunk.stop - chunk.first for chunk in grid.chunks())
    assert isinstance(np.prod(GRID.shape), np.integer)

"""A sweep on disk: a directory with one Parquet file for each finished chunk, and a manifest of the settings.

The names of all other files begin with an underscore, so that ``pandas.read_parquet(directory)`` reads the table. A
part gets its name only once it is complete: an interruption at any moment loses the unfinished chunk and nothing else.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from fastsym.model.datasets import Dataset
from fastsym.sweep.grid import Chunk, Grid

if TYPE_CHECKING:
    from pandas import DataFrame

FORMAT = 1
MANIFEST = "_sweep.json"
LOCK = "_lock"


class SweepBusyError(RuntimeError):
    """Another process is writing to this sweep."""


class SweepDiffersError(ValueError):
    """The directory holds another sweep, or something else."""


def fingerprint(data: Dataset) -> str:
    """Hash a table's numbers and names."""
    digest = sha256(repr((data.X.shape, data.feature_names)).encode())
    digest.update(data.X.tobytes())
    digest.update(data.y.tobytes())
    return digest.hexdigest()


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock, which the system releases when the process ends, however it ends.

    Raises
    ------
    SweepBusyError
        If another process holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    try:
        held = FileLock(directory / LOCK).acquire(blocking=False)
    except Timeout as error:
        raise SweepBusyError(
            f"output: expected a directory that no other process writes to; got {directory}, which is in use; "
            "wait for the other process, or choose another directory"
        ) from error
    with held:
        yield


def open_sweep(directory: Path, grid: Grid, tables: Mapping[str, Dataset]) -> None:
    """Begin a sweep in a new directory, or check that the directory holds the same sweep.

    Raises
    ------
    SweepDiffersError
        If it holds another sweep, or other files.
    """
    wanted = {
        "format": FORMAT,
        "grid": grid.to_dict(),
        "data": {name: fingerprint(data) for name, data in sorted(tables.items())},
    }
    path = directory / MANIFEST
    if not path.exists():
        strangers = [entry.name for entry in directory.iterdir() if not entry.name.startswith("_")]
        if strangers:
            raise SweepDiffersError(
                f"output: expected a new directory, or one with a sweep; got {directory}, which holds "
                f"{strangers[0]!r}; choose another directory"
            )
        _write(path, json.dumps(wanted, indent=1).encode())
        return
    present = read_manifest(directory)
    for key, value in wanted.items():
        if present.get(key) != value:
            there, here = _first_difference(present.get(key), value)
            raise SweepDiffersError(
                f"output: expected the sweep in {directory}, whose {key} has {there}; got {here}; "
                "repeat its command, or choose another directory"
            )


def _first_difference(there: Any, here: Any) -> tuple[str, str]:
    if isinstance(there, dict) and isinstance(here, dict):
        for name in sorted(there.keys() | here.keys()):
            if there.get(name) != here.get(name):
                return f"{name} = {there.get(name)}", f"{name} = {here.get(name)}"
    return repr(there), repr(here)


def read_manifest(directory: Path) -> dict[str, Any]:
    """Read the manifest of the sweep in a directory.

    Raises
    ------
    SweepDiffersError
        If the directory holds no sweep.
    """
    try:
        manifest: dict[str, Any] = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError) as error:
        raise SweepDiffersError(
            f"output: expected the directory of a sweep; got {directory} ({error}); pass the one that a sweep wrote to"
        ) from error
    return manifest


def part(directory: Path, chunk: Chunk) -> Path:
    """Return the path of a chunk's results."""
    return directory / f"part-{chunk.number:06d}.parquet"


def write_part(directory: Path, chunk: Chunk, table: "DataFrame") -> None:
    """Write a chunk's results; the file appears complete or not at all."""
    _write(part(directory, chunk), table.to_parquet(index=False))


def _write(path: Path, content: bytes) -> None:
    half = path.with_name(f"_{path.name}.half")
    with half.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def read(directory: str | Path) -> "DataFrame":
    """Read the results so far, whether the sweep is finished or not.

    Returns
    -------
    pandas.DataFrame
        One row per network, in order of their numbers; columns as of :func:`fastsym.sweep.run_chunk`. Empty if no
        chunk is finished.

    Raises
    ------
    SweepDiffersError
        If the directory holds no sweep.
    """
    import pandas as pd  # here, because it costs more to import than all of fastsym

    read_manifest(Path(directory))
    parts = sorted(Path(directory).glob("part-*.parquet"))
    return pd.concat(map(pd.read_parquet, parts), ignore_index=True) if parts else pd.DataFrame()

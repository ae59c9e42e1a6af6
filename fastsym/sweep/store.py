"""A sweep on disk: one directory with a Parquet file for each finished chunk, and what the sweep is.

Files that are no results begin with an underscore, so that ``pandas.read_parquet(directory)`` reads the table. A part
appears under its name only when it is whole: an interruption at any moment loses what was not written, nothing else.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fastsym.model.datasets import Dataset
from fastsym.sweep.grid import Chunk, Grid

if TYPE_CHECKING:
    from pandas import DataFrame

FORMAT = 1
MANIFEST = "_sweep.json"
LOCK = "_lock"


class SweepBusyError(RuntimeError):
    """Another process is writing this sweep."""


class SweepDiffersError(ValueError):
    """The directory holds another sweep, or something that is none."""


def fingerprint(data: Dataset) -> str:
    """Hash of a table's numbers and names."""
    digest = sha256(repr((data.X.shape, data.feature_names)).encode())
    digest.update(data.X.tobytes())
    digest.update(data.y.tobytes())
    return digest.hexdigest()


def _try_to_lock(file: IO[str]) -> bool:
    """Lock an open file for this process; the system gives it up when the process ends, however it ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock.

    Raises
    ------
    SweepBusyError
        If another process holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / LOCK).open("a+", encoding="utf-8") as file:
        if not _try_to_lock(file):
            raise SweepBusyError(
                f"output: expected a directory that no other process writes; got {directory}, which one is writing; "
                "wait for it, or choose another directory"
            )
        yield


def open_sweep(directory: Path, grid: Grid, tables: Mapping[str, Dataset]) -> None:
    """Begin a sweep in a new directory, or check that the one there is the same.

    Raises
    ------
    SweepDiffersError
        If it is not, or if files are there but no sweep.
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
    """Read what the sweep in a directory is.

    Raises
    ------
    SweepDiffersError
        If there is none.
    """
    try:
        manifest: dict[str, Any] = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError) as error:
        raise SweepDiffersError(
            f"output: expected the directory of a sweep; got {directory} ({error}); name the one a sweep wrote"
        ) from error
    return manifest


def part(directory: Path, chunk: Chunk) -> Path:
    """Path of a chunk's results."""
    return directory / f"part-{chunk.number:06d}.parquet"


def write_part(directory: Path, chunk: Chunk, table: "DataFrame") -> None:
    """Write a chunk's results; they appear at once or not at all."""
    _write(part(directory, chunk), table.to_parquet(index=False))


def _write(path: Path, content: bytes) -> None:
    half = path.with_name(f"_{path.name}.half")
    with half.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def read(directory: str | Path) -> "DataFrame":
    """Read the results that are there, whether the sweep is finished or not.

    Returns
    -------
    pandas.DataFrame
        One row a network, by its number; columns as of :func:`fastsym.sweep.run_chunk`. Empty if nothing is there yet.

    Raises
    ------
    SweepDiffersError
        If the directory holds no sweep.
    """
    import pandas as pd  # here, because it costs more to import than all of fastsym

    read_manifest(Path(directory))
    parts = sorted(Path(directory).glob("part-*.parquet"))
    return pd.concat(map(pd.read_parquet, parts), ignore_index=True) if parts else pd.DataFrame()

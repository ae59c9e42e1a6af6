"""A sweep on disk: a directory with one Parquet file for each finished chunk, and a manifest of the settings.

The names of all other files begin with an underscore, so that ``pandas.read_parquet(directory)`` reads the table. A
part gets its name only once it is complete: an interruption at any moment loses the unfinished chunk and nothing else.
What parts carry, and how they are trusted, is in :mod:`fastsym.sweep.parts`.
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
from fastsym.sweep.parts import BadPartsError, Part, content_of, inspect, name_of, read_table

if TYPE_CHECKING:
    from pandas import DataFrame

FORMAT = 1
MANIFEST = "_sweep.json"
KEYS = {"format", "grid", "data"}
"""Of the manifest."""
LOCK = "_lock"
ASIDE = "_aside-"
"""Begins the names of parts that are not trusted."""


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


def manifest_of(grid: Grid, tables: Mapping[str, Dataset]) -> dict[str, Any]:
    """Describe a sweep: what two runs must have in common to be the same."""
    data = {name: fingerprint(table) for name, table in sorted(tables.items())}
    return {"format": FORMAT, "grid": grid.to_dict(), "data": data}


def sweep_id(manifest: Mapping[str, Any]) -> str:
    """Hash a manifest; each part carries this."""
    return sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


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


def check(directory: Path, wanted: Mapping[str, Any]) -> bool:
    """Say whether a directory holds a sweep already; change nothing in it.

    Parameters
    ----------
    directory
        May be missing.
    wanted
        Manifest of the sweep that is to go there.

    Raises
    ------
    SweepDiffersError
        If it holds another sweep, or other files.
    """
    if not directory.exists():
        return False
    if not directory.is_dir():
        raise SweepDiffersError(f"output: expected a directory; got {directory}, which is a file; choose another name")
    if not (directory / MANIFEST).exists():
        strangers = [entry.name for entry in directory.iterdir() if entry.name not in (LOCK, _half(MANIFEST))]
        if strangers:
            raise SweepDiffersError(
                f"output: expected a new directory, or one with a sweep; got {directory}, which holds "
                f"{min(strangers)!r}; choose another directory"
            )
        return False
    present = read_manifest(directory)
    for key, value in wanted.items():
        if present[key] != value:
            there, here = _first_difference(present[key], value)
            raise SweepDiffersError(
                f"output: expected the sweep in {directory}, whose {key} has {there}; got {here}; "
                "repeat its command, or choose another directory"
            )
    return True


def _first_difference(there: Any, here: Any) -> tuple[str, str]:
    if isinstance(there, dict) and isinstance(here, dict):
        for name in sorted(there.keys() | here.keys()):
            if there.get(name) != here.get(name):
                return f"{name} = {there.get(name)}", f"{name} = {here.get(name)}"
    return repr(there), repr(here)


def write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Begin a sweep in a directory."""
    _write(directory / MANIFEST, json.dumps(manifest, indent=1).encode())


def read_manifest(directory: Path) -> dict[str, Any]:
    """Read the manifest of the sweep in a directory.

    Raises
    ------
    SweepDiffersError
        If the directory holds no sweep.
    """
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        wrong = "" if isinstance(manifest, dict) and manifest.keys() == KEYS else f"{MANIFEST} is not of a sweep"
    except (OSError, ValueError, RecursionError) as error:
        manifest, wrong = {}, str(error)
    if wrong:
        raise SweepDiffersError(
            f"output: expected the directory of a sweep; got {directory} ({wrong}); pass the one that a sweep wrote to"
        )
    return dict(manifest)


def sort_parts(directory: Path, sweep: str) -> tuple[list[Part], dict[Path, str]]:
    """Look at all parts of a directory.

    Parameters
    ----------
    directory
        Of a sweep.
    sweep
        Its :func:`sweep_id`.

    Returns
    -------
    good
        Parts that are as they were written, one per chunk, in the order of the chunks.
    bad
        Path -> what is wrong, for all others.
    """
    good: dict[int, Part] = {}
    bad = {}
    for path in sorted(directory.glob("part-*")):
        try:
            part = inspect(path, sweep)
        except BadPartsError as error:
            bad[path] = str(error)
            continue
        if part.chunk.number in good:
            bad[path] = f"it is a second one for the chunk of {good[part.chunk.number].path.name}"
        else:
            good[part.chunk.number] = part
    return [good[number] for number in sorted(good)], bad


def set_aside(path: Path) -> Path:
    """Rename a part, so that nothing takes it for one."""
    number = 1
    while (target := path.with_name(f"{ASIDE}{number}-{path.name}")).exists():
        number += 1
    return path.rename(target)


def write_part(directory: Path, sweep: str, chunk: Chunk, table: "DataFrame") -> None:
    """Write a chunk's results; the file appears complete or not at all."""
    content = content_of(sweep, chunk, table)
    _write(directory / name_of(chunk.number, content), content)


def _half(name: str) -> str:
    return f"_{name}.half"


def _write(path: Path, content: bytes) -> None:
    half = path.with_name(_half(path.name))
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
    BadPartsError
        If a part is damaged, stray, there twice, or of another sweep or another version of fastsym than the others.
        To run the sweep again sets such parts aside and computes them again.
    """
    import pandas as pd  # here, because it costs more to import than all of fastsym

    good, bad = sort_parts(Path(directory), sweep_id(read_manifest(Path(directory))))
    for part in good:
        if part.version != good[0].version:
            bad[part.path] = f"it is of fastsym {part.version}, others are of {good[0].version}"
    if bad:
        path, wrong = next(iter(bad.items()))
        raise BadPartsError(
            f"output: expected parts as a sweep wrote them; got {path} ({wrong})"
            f"{f' and {len(bad) - 1} more' if len(bad) > 1 else ''}; repeat the command of the sweep, which sets them "
            "aside and computes them again"
        )
    return pd.concat([read_table(part) for part in good], ignore_index=True) if good else pd.DataFrame()

"""Sweeps: a grid of starts, scales, widths, learning rates, seeds, feature sets and float types, as one table.

``run`` trains a grid chunk by chunk into a directory of Parquet files; after an interruption, the same call resumes.
``read`` returns the table. The command is ``python -m fastsym.sweep``::

    >>> from fastsym import sweep
    >>> grid = sweep.Grid(start=("normal", "he"), scale=(0.01, 0.1), hidden=(2, 4), seeds=100)
    >>> table = sweep.read(sweep.run(grid, "out"))
    >>> table.groupby(["start", "scale", "hidden"])["final_cost"].median()

``Grid`` documents the settings, ``run_chunk`` the columns.
"""

import errno
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fastsym import __version__
from fastsym.model.datasets import FEATURE_SETS, Dataset, load_titanic
from fastsym.sweep.cluster import SchedulerError, import_dask, run_on_dask
from fastsym.sweep.grid import Chunk, Grid
from fastsym.sweep.outcomes import check_training, run_chunk
from fastsym.sweep.parts import BadPartsError
from fastsym.sweep.store import (
    SweepBusyError,
    SweepDiffersError,
    check,
    locked,
    manifest_of,
    read,
    set_aside,
    sort_parts,
    sweep_id,
    write_manifest,
    write_part,
)

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "BadPartsError",
    "BadPartsWarning",
    "Chunk",
    "Grid",
    "SchedulerError",
    "SweepBusyError",
    "SweepDiffersError",
    "read",
    "run",
    "run_chunk",
]

Progress = Callable[[int, int], None]
LEAST_BYTES_OF_PART = 10_000
"""Of a part on disk: what its columns need before there is a row."""


class BadPartsWarning(UserWarning):
    """Parts of a sweep were set aside and are computed again."""


def run(
    grid: Grid,
    output: str | Path,
    tables: Mapping[str, Dataset] | None = None,
    scheduler: str | None = None,
    progress: Progress = lambda done, total: None,  # noqa: ARG005
) -> Path:
    """Run the missing part of a sweep.

    Parameters
    ----------
    grid
        The networks to train.
    output
        Directory for the results; created if it does not exist.
    tables
        Feature sets by name, to use instead of those of the Titanic table.
    scheduler
        Address of a Dask scheduler whose workers run the chunks; None to use all cores of this machine.
    progress
        Called with the number of finished networks and the number of all, at the beginning and after each chunk.

    Returns
    -------
    Path
        The directory; read it with :func:`read` or ``pandas.read_parquet``.

    Raises
    ------
    SweepBusyError
        If another process is writing to the directory.
    SweepDiffersError
        If the directory holds another sweep, or something else; it is left as it is.
    ValueError
        If the grid names an unknown feature set, or one that cannot be trained on.
    OSError
        If the directory cannot be written, or the disk has too little space.
    ImportError
        If a scheduler is given and Dask is not installed.
    SchedulerError
        If the scheduler cannot be reached or is lost, or a worker has another version of fastsym. What is finished
        stays.

    Warns
    -----
    BadPartsWarning
        If parts that are there are damaged, stray, there twice or of another version of fastsym. They are renamed,
        so that nothing reads them, and computed again.
    """
    directory = Path(output)
    known = FEATURE_SETS if tables is None else tuple(tables)
    for name in grid.features:
        if name not in known:
            raise ValueError(f"features: expected some of {', '.join(known)}; got {name!r}; choose from these")
    data = {name: load_titanic(name) if tables is None else tables[name] for name in grid.features}
    check_training(grid, data)
    if scheduler is not None:
        import_dask()
    manifest = manifest_of(grid, data)
    check(directory, manifest)  # before there is a lock: what is not ours stays as it is
    with locked(directory):
        if not check(directory, manifest):
            write_manifest(directory, manifest)
        finished = _trusted(directory, sweep_id(manifest))
        missing = [chunk for chunk in grid.chunks() if chunk.number not in finished]
        done = grid.size - sum(chunk.stop - chunk.first for chunk in missing)
        _check_space(directory, len(missing))
        progress(done, grid.size)
        work = _here(grid, missing, data) if scheduler is None else run_on_dask(grid, missing, data, scheduler)
        for chunk, table in work:
            write_part(directory, sweep_id(manifest), chunk, table)
            done += chunk.stop - chunk.first
            progress(done, grid.size)
    return directory


def _trusted(directory: Path, sweep: str) -> set[int]:
    """Return the numbers of the chunks that are finished; set all parts aside that are not to be trusted."""
    good, bad = sort_parts(directory, sweep)
    for part in good:
        if part.version != __version__:
            bad[part.path] = f"it is of fastsym {part.version}, and this is {__version__}"
    for wrong in sorted(set(bad.values())):
        same = [path for path in bad if bad[path] == wrong]
        renamed = [set_aside(path) for path in same]
        more = f" and {len(same) - 1} more" if len(same) > 1 else ""
        warnings.warn(
            f"{same[0]}{more}: {wrong}; set aside as {renamed[0].name}{more} and computed again",
            BadPartsWarning,
            stacklevel=3,
        )
    return {part.chunk.number for part in good if part.path not in bad}


def _check_space(directory: Path, parts: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < parts * LEAST_BYTES_OF_PART:
        raise OSError(
            errno.ENOSPC,
            f"output: expected space for {parts} files of at least {LEAST_BYTES_OF_PART} bytes; got {free} bytes free; "
            "make space, or choose another directory",
            str(directory),
        )


def _here(grid: Grid, chunks: Iterable[Chunk], data: Mapping[str, Dataset]) -> Iterator[tuple[Chunk, "DataFrame"]]:
    for chunk in chunks:
        yield chunk, run_chunk(grid, chunk, data[grid.settings(chunk.first)["features"]])

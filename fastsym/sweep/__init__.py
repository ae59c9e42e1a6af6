"""Sweeps: a grid of starts, scales, widths, learning rates, seeds, feature sets and float types, as one table.

``run`` trains a grid chunk by chunk into a directory of Parquet files; after an interruption, the same call resumes.
``read`` returns the table. The command is ``python -m fastsym.sweep``::

    >>> from fastsym import sweep
    >>> grid = sweep.Grid(start=("normal", "he"), scale=(0.01, 0.1), hidden=(2, 4), seeds=100)
    >>> table = sweep.read(sweep.run(grid, "out"))
    >>> table.groupby(["start", "scale", "hidden"])["final_cost"].median()

``Grid`` documents the settings, ``run_chunk`` the columns.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsym.model.datasets import FEATURE_SETS, Dataset, load_titanic
from fastsym.sweep.grid import Chunk, Grid
from fastsym.sweep.outcomes import run_chunk
from fastsym.sweep.store import SweepBusyError, SweepDiffersError, locked, open_sweep, part, read, write_part

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Chunk", "Grid", "SweepBusyError", "SweepDiffersError", "read", "run", "run_chunk"]

Progress = Callable[[int, int], None]


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
        If the directory holds another sweep.
    ValueError
        If the grid names an unknown feature set.
    ImportError
        If a scheduler is given and Dask is not installed.
    """
    directory = Path(output)
    known = FEATURE_SETS if tables is None else tuple(tables)
    for name in grid.features:
        if name not in known:
            raise ValueError(f"features: expected some of {', '.join(known)}; got {name!r}; choose from these")
    data = {name: load_titanic(name) if tables is None else tables[name] for name in grid.features}
    with locked(directory):
        open_sweep(directory, grid, data)
        chunks = grid.chunks()
        missing = [chunk for chunk in chunks if not part(directory, chunk).exists()]
        done = grid.size - sum(chunk.stop - chunk.first for chunk in missing)
        progress(done, grid.size)
        work = _here(grid, missing, data) if scheduler is None else _on_dask(grid, missing, data, scheduler)
        for chunk, table in work:
            write_part(directory, chunk, table)
            done += chunk.stop - chunk.first
            progress(done, grid.size)
    return directory


Work = Iterator[tuple[Chunk, "DataFrame"]]


def _here(grid: Grid, chunks: Iterable[Chunk], data: Mapping[str, Dataset]) -> Work:
    for chunk in chunks:
        yield chunk, run_chunk(grid, chunk, data[grid.settings(chunk.first)["features"]])


def _same(table: Dataset) -> Dataset:
    return table


def _on_dask(grid: Grid, chunks: Iterable[Chunk], data: Mapping[str, Dataset], scheduler: str) -> Work:
    """Run chunks on the workers of a Dask cluster, in the order in which they finish.

    If a worker dies, Dask gives its chunks to others.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ImportError("--scheduler needs Dask: pip install 'fastsym[distributed]'") from error
    with Client(scheduler, set_as_default=False) as client:
        # A task that returns the table, not a scattered table: if its worker dies, Dask can run the task again.
        there: dict[str, Any] = {name: client.submit(_same, table, pure=False) for name, table in data.items()}
        futures = {}
        for chunk in chunks:
            table = there[grid.settings(chunk.first)["features"]]
            # One thread per task: a cluster has one worker for each core.
            futures[client.submit(run_chunk, grid, chunk, table, 1, pure=False)] = chunk
        ready = as_completed(futures, loop=client.loop)
        for future in ready:
            yield futures.pop(future), future.result()
            future.release()

"""Runs the chunks of a sweep on the workers of a Dask cluster."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

from fastsym import __version__
from fastsym.model.datasets import Dataset
from fastsym.sweep.grid import Chunk, Grid
from fastsym.sweep.outcomes import run_chunk

if TYPE_CHECKING:
    from pandas import DataFrame


class SchedulerError(RuntimeError):
    """A Dask scheduler or its workers cannot run the sweep."""


def _same(table: Dataset) -> Dataset:
    return table


def import_dask() -> Any:
    """Import Dask's package.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import distributed
    except ImportError as error:
        raise ImportError("--scheduler needs Dask: pip install 'fastsym[distributed]'") from error
    return distributed


def run_on_dask(
    grid: Grid, chunks: Iterable[Chunk], data: Mapping[str, Dataset], scheduler: str
) -> Iterator[tuple[Chunk, "DataFrame"]]:
    """Run chunks on the workers of a Dask cluster, in the order in which they finish.

    If a worker dies, Dask gives its chunks to others.

    Raises
    ------
    SchedulerError
        If the scheduler cannot be reached or is lost, or a worker has another version of fastsym.
    ValueError
        If the address is none.
    """
    dask = import_dask()
    log = logging.getLogger("distributed.client")  # which shows tracebacks of what is said below in one line
    level = log.level
    try:
        log.setLevel(logging.CRITICAL + 1)
        try:
            dask.comm.resolve_address(scheduler)  # a client with a bad address takes a minute to end
        except ValueError as error:
            raise ValueError(
                f"scheduler: expected an address, as tcp://host:8786; got {scheduler!r}: {error}"
            ) from error
        with dask.Client(scheduler, set_as_default=False) as client:
            # A task that returns the table, not a scattered table: if its worker dies, Dask can run the task again.
            there: dict[str, Any] = {name: client.submit(_same, table, pure=False) for name, table in data.items()}
            futures = {}
            for chunk in chunks:
                table = there[grid.settings(chunk.first)["features"]]
                # One thread per task: a cluster has one worker for each core.
                futures[client.submit(run_chunk, grid, chunk, table, 1, pure=False)] = chunk
            ready = dask.as_completed(futures, loop=client.loop)
            for future in ready:
                chunk, rows = futures.pop(future), future.result()
                versions = set(rows["fastsym_version"])
                if versions != {__version__}:
                    raise SchedulerError(
                        f"scheduler: expected workers with fastsym {__version__}; got {', '.join(versions)}; "
                        "install the same version everywhere"
                    )
                yield chunk, rows
                future.release()
    except (CancelledError, dask.scheduler.KilledWorker, OSError) as error:
        reason = next(iter(str(error).splitlines()), "")
        raise SchedulerError(
            f"scheduler: expected one at {scheduler} until the end; got {type(error).__name__}: {reason}; "
            "start it and its workers again and repeat the command, which resumes"
        ) from error
    finally:
        log.setLevel(level)

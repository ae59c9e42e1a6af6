"""``python -m fastsym.sweep OUTPUT``: run a grid of trainings, or resume it. See ``--help``."""

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from fastsym.model.tables import load_table
from fastsym.sweep import Grid, SweepBusyError, run

T = TypeVar("T")

LINE_SECONDS = 5.0
"""Between two lines of progress, where there is no terminal."""


def listed(name: str, text: str, kind: Callable[[str], T]) -> tuple[T, ...]:
    """Read comma-separated values."""
    try:
        return tuple(kind(item.strip()) for item in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(
            f"expected {kind.__name__} values with commas between; got {text!r}", param_hint=name
        ) from error


def progress_lines(
    write: Callable[[str], None], clock: Callable[[], float] = time.monotonic
) -> Callable[[int, int], None]:
    """Make a progress function that writes a line at the beginning, every few seconds, and at the end.

    Parameters
    ----------
    write
        Takes a line.
    clock
        Gives seconds.
    """
    last_time, last_done = -math.inf, 0

    def tell(done: int, total: int) -> None:
        nonlocal last_time, last_done
        now = clock()
        if now - last_time < LINE_SECONDS and done < total:
            return
        # Since the last line, so that compiling before the first networks does not count for ever.
        rate = (done - last_done) / (now - last_time) if now > last_time else 0.0
        line = f"{done} of {total} networks"
        if rate > 0 and done < total:
            line += f", {rate:.3g} a second, {timedelta(seconds=round((total - done) / rate))} left"
        write(line)
        last_time, last_done = now, done

    return tell


@contextlib.contextmanager
def shown_progress(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the time left on a terminal, a line every few seconds elsewhere, nothing if quiet."""
    console = Console(stderr=True)
    if quiet:
        yield lambda done, total: None  # noqa: ARG005
    elif not console.is_terminal:
        yield progress_lines(lambda line: print(line, file=sys.stderr, flush=True))
    else:
        columns = (
            TextColumn("networks"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("networks", total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)


app = typer.Typer(add_completion=False)


@app.command()
def main(
    output: Annotated[Path, typer.Argument(help="Directory for the results (Parquet); resumed if it is there.")],
    start: Annotated[str, typer.Option(help="Starts; see fastsym.initialise.")] = "normal",
    scale: Annotated[str, typer.Option(help="Sizes of the weights.")] = "0.01",
    hidden: Annotated[str, typer.Option(help="Numbers of hidden units.")] = "4",
    learning_rate: Annotated[str, typer.Option(help="Step sizes.")] = "0.01",
    seeds: Annotated[int, typer.Option(help="How many seeds.")] = 100,
    first_seed: Annotated[int, typer.Option(help="The first of them.")] = 0,
    features: Annotated[str, typer.Option(help="Feature sets: article, no_id, standardised.")] = "standardised",
    dtype: Annotated[str, typer.Option(help="float64, float32.")] = "float64",
    perturbation: Annotated[str, typer.Option(help="Sizes of random changes to the start.")] = "0",
    iterations: Annotated[int, typer.Option(help="Iterations of each training.")] = 3000,
    table: Annotated[
        Path | None, typer.Option(help="A CSV file of your own; features are then raw, standardised.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Its column of labels, 0 and 1.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Address of a Dask scheduler to run on.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Train every combination of the settings, each several values with commas between.

    Interrupt it when you like: the same command resumes.
    """
    values: dict[str, Any] = {
        "start": listed("--start", start, str),
        "scale": listed("--scale", scale, float),
        "hidden": listed("--hidden", hidden, int),
        "learning_rate": listed("--learning-rate", learning_rate, float),
        "features": listed("--features", features, str),
        "dtype": listed("--dtype", dtype, str),
        "perturbation": listed("--perturbation", perturbation, float),
    }
    if (table is None) != (target is None):
        raise typer.BadParameter("expected both or none of --table and --target", param_hint="--target")
    try:
        tables = None
        if table is not None and target is not None:
            tables = {name: load_table(table, target, name == "standardised") for name in ("raw", "standardised")}
        grid = Grid(**values, seeds=seeds, first_seed=first_seed, iterations=iterations)
        with shown_progress(quiet) as progress:
            run(grid, output, tables, scheduler, progress)
    except (ValueError, TypeError, SweepBusyError, ImportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        print(f"interrupted; what is finished is in {output}, and the same command resumes", file=sys.stderr)
        raise typer.Exit(130) from None


if __name__ == "__main__":
    app()

"""``python -m fastsym.sweep OUTPUT``: run a grid of trainings, or resume it. See ``--help``."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from fastsym._console import Quiet, plain_warnings, progress_bar, run_program, stop, stoppable
from fastsym.model.datasets import standardise
from fastsym.model.table_options import TableOptions, with_table_options
from fastsym.sweep import BadPartsWarning, Grid, SchedulerError, SweepBusyError, run

T = TypeVar("T")

LINE_SECONDS = 5.0
"""Shortest time between two lines of progress, where there is no terminal."""


def listed(name: str, text: str, kind: Callable[[str], T]) -> tuple[T, ...]:
    """Read comma-separated values."""
    try:
        return tuple(kind(item.strip()) for item in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(
            f"expected {kind.__name__} values separated by commas; got {text!r}", param_hint=name
        ) from error


EXAMPLES = """Example: fastsym sweep reports/my-sweep --start zeros,constant,normal --hidden 2,4,8 --seeds 20

From several machines: fastsym sweep shared/sweep --scheduler tcp://10.0.0.1:8786"""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog=EXAMPLES)
@stoppable("the same command resumes the sweep")
@with_table_options
def main(
    table: TableOptions,
    output: Annotated[
        Path,
        typer.Argument(
            help="Directory for the results (Parquet). If it contains a part of this sweep, the sweep is resumed."
        ),
    ],
    start: Annotated[
        str, typer.Option(help="How the weights are set before training; see fastsym.initialise.")
    ] = "normal",
    scale: Annotated[
        str | None,
        typer.Option(help="Sizes of the starting weights; default: 1 for glorot, he and orthogonal, else 0.01."),
    ] = None,
    hidden: Annotated[str, typer.Option(help="Numbers of hidden units.")] = "4",
    learning_rate: Annotated[str, typer.Option(help="Step sizes.")] = "0.01",
    seeds: Annotated[int, typer.Option(help="Number of seeds.")] = 100,
    first_seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    features: Annotated[
        str | None,
        typer.Option(
            help="Feature sets of the Titanic table: article, no_id, standardised; default: article. Of your own "
            "table: raw, standardised; default: raw, or standardised with --standardise."
        ),
    ] = None,
    dtype: Annotated[str, typer.Option(help="Precision: float64, float32.")] = "float64",
    perturbation: Annotated[str, typer.Option(help="Sizes of random changes to the starting weights.")] = "0",
    iterations: Annotated[int, typer.Option(help="Number of steps of gradient descent.")] = 3000,
    scheduler: Annotated[
        str | None, typer.Option(help="Train on the workers of the Dask scheduler at this address.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Train a network for every combination of the settings; separate several values of one setting by commas.

    You can interrupt the sweep at any time; the same command resumes it.
    """
    values: dict[str, Any] = {
        "start": listed("--start", start, str),
        "scale": (None,) if scale is None else listed("--scale", scale, float),
        "hidden": listed("--hidden", hidden, int),
        "learning_rate": listed("--learning-rate", learning_rate, float),
        "features": listed("--features", features or _default_features(table), str),
        "dtype": listed("--dtype", dtype, str),
        "perturbation": listed("--perturbation", perturbation, float),
    }
    if table.standardise and features is not None:
        raise stop("features: expected none with --standardise; got one; leave one of them out")
    try:
        data = table.load()
        tables = None if data is None else {"standardised" if table.standardise else "raw": data}
        if tables is not None and not table.standardise and values["features"] != ("raw",):  # may not be possible
            tables["standardised"] = standardise(tables["raw"])
        grid = Grid(**values, seeds=seeds, first_seed=first_seed, iterations=iterations)
        with progress_bar(quiet, LINE_SECONDS) as tell, plain_warnings():
            warnings.simplefilter("always", BadPartsWarning)
            run(grid, output, tables, scheduler, lambda done, total: tell(done / total, f"{done} of {total} networks"))
    except (ValueError, TypeError, SweepBusyError, SchedulerError, ImportError, OSError, MemoryError) as error:
        raise stop(error) from error


def _default_features(table: TableOptions) -> str:
    """Choose as ``fastsym train`` does."""
    return "article" if table.csv is None else "standardised" if table.standardise else "raw"


if __name__ == "__main__":
    run_program(app, "python -m fastsym.sweep")

"""The command line: ``fastsym report``, ``regression``, ``sweep``, ``play`` and ``train``."""

import time
from typing import Annotated, Literal

import typer

from fastsym._console import plain_warnings, run_program, stop, stoppable
from fastsym.model.table_options import TableOptions, with_table_options
from fastsym.report.__main__ import report

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Symmetry breaking on the Titanic table: train fast, check, measure.",
)
app.command("report")(report)
HANDED_OVER = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command(context_settings=HANDED_OVER)
def regression(context: typer.Context) -> None:
    """Compare the speed of two runs or revisions; arguments as for python -m fastsym.regression."""
    from fastsym.regression import app as gate

    gate(args=context.args, prog_name="fastsym regression")


@app.command(context_settings=HANDED_OVER)
def sweep(context: typer.Context) -> None:
    """Train a grid of networks and save a table of results; arguments as for python -m fastsym.sweep."""
    from fastsym.sweep.__main__ import app as sweeper

    sweeper(args=context.args, prog_name="fastsym sweep")


@app.command(context_settings=HANDED_OVER)
def play(context: typer.Context) -> None:
    """Open a local page that trains again whenever a slider moves; arguments as for python -m fastsym.play."""
    from fastsym.play.__main__ import app as player

    player(args=context.args, prog_name="fastsym play")


@app.command()
@stoppable()
@with_table_options
def train(
    table: TableOptions,
    features: Annotated[
        Literal["article", "no_id", "standardised"] | None,
        typer.Option(help="Feature set of the Titanic table; default: article."),
    ] = None,
    hidden: Annotated[int, typer.Option(min=0, help="Hidden units; 0 for the one-layer net.")] = 4,
    start: Annotated[
        str, typer.Option(help="How the weights start: zeros, constant, normal, ...; see fastsym.initialise.")
    ] = "normal",
    scale: Annotated[
        float | None,
        typer.Option(help="Size of the starting weights; default: 1 for glorot, he and orthogonal, else 0.01."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of a random start.")] = 0,
    iterations: Annotated[int, typer.Option(min=0, help="Steps of gradient descent.")] = 3000,
    learning_rate: Annotated[float, typer.Option(help="Size of a step.")] = 0.01,
    variant: Annotated[str, typer.Option(help="Which implementation trains.")] = "fast",
    dtype: Annotated[Literal["float64", "float32"], typer.Option(help="Precision.")] = "float64",
) -> None:
    """Train the article's network on the Titanic table, or on your own, and print the cost it reaches."""
    import numpy as np

    import fastsym

    if table.csv is not None and features is not None:
        raise stop(ValueError("features: expected none with --csv; got one; use --standardise, or leave one out"))
    try:
        own = table.load()
        X, y, names = fastsym.load_titanic(features or "article") if own is None else own
        params = fastsym.initialise(start, len(names), hidden or None, scale, seed, dtype)
        X, y = X.astype(dtype), y.astype(dtype)
        begin = time.perf_counter()
        with plain_warnings():
            training = fastsym.train(X, y, params, iterations, learning_rate, variant)
        seconds = time.perf_counter() - begin
    except (OSError, ValueError) as error:
        raise stop(error) from error
    final = f"{training.costs[-1]:.9g} nats per sample" if iterations else "none, as there were no iterations"
    threads = "1 thread" if training.threads == 1 else f"{training.threads} threads"
    typer.echo(f"cost:    {final}")
    typer.echo(f"variant: {training.variant}, {threads}")
    typer.echo(f"time:    {seconds:.3g} s for {iterations} iterations, including the loading of compiled code")
    if not all(np.isfinite(array).all() for array in (training.costs, *training.params)):
        raise typer.Exit(1)


def main() -> None:
    """Run the command ``fastsym``."""
    run_program(app, "fastsym")


if __name__ == "__main__":
    main()

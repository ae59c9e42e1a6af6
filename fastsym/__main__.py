"""The command line: ``fastsym report``, ``regression``, ``sweep``, ``play``, ``train`` and ``certify``."""

import time
from typing import Annotated, Literal

import typer

from fastsym._console import Quiet, plain_warnings, run_program, stop, stoppable
from fastsym.model.table_options import TableOptions, with_table_options
from fastsym.report.__main__ import EXAMPLES as REPORT_EXAMPLES
from fastsym.report.__main__ import report

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Train small networks fast to study symmetry breaking; check and time the programs that train them.",
)
app.command("report", epilog=REPORT_EXAMPLES)(report)
TRAIN_EXAMPLES = """Example: fastsym train --start constant --features standardised --learning-rate 1

On your own table: fastsym train --csv examples/own_table/machines.csv --target failed --standardise"""
CERTIFY_EXAMPLES = """Example: fastsym certify simd

A variant of your own, in single precision: fastsym certify lean --dtype float32 --thorough"""
DEBUG = """\
To debug it, take the smallest case that fails and compare it with the reference:

    import fastsym
    from fastsym.agreement import smallest_failure

    failure = smallest_failure({name!r}, {dtype!r})
    case = failure.case
    print(*failure.reasons, f"learning rate {{case.learning_rate:g}}", sep="\\n")
    print("largest error of each kind of result, in units of its bound:", failure.worst())
    X, y, start = case.problem()
    mine, right = (
        fastsym.train(X, y, start, case.iterations, case.learning_rate, each) for each in ({name!r}, "reference")
    )
    print("differences, rounding included:", mine.costs - right.costs)
    for name, ours, theirs in zip(start._fields, mine.params, right.params):
        print(name, ours - theirs, sep="\\n")"""


def _show_version(wanted: bool) -> None:
    if wanted:
        from fastsym import __version__

        typer.echo(f"fastsym {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Handle the options that belong to no command."""


MOST_REASONS = 5
"""Further reasons to reject a variant are counted."""
HANDED_OVER = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@app.command(context_settings=HANDED_OVER)
def regression(context: typer.Context) -> None:
    """Compare the speed of two revisions or saved runs; takes the arguments of python -m fastsym.regression."""
    from fastsym.regression import app as gate

    gate(args=context.args, prog_name="fastsym regression")


@app.command(context_settings=HANDED_OVER)
def sweep(context: typer.Context) -> None:
    """Train a grid of networks and save a table of results; takes the arguments of python -m fastsym.sweep."""
    from fastsym.sweep.__main__ import app as sweeper

    sweeper(args=context.args, prog_name="fastsym sweep")


@app.command(context_settings=HANDED_OVER)
def play(context: typer.Context) -> None:
    """Open a local page that trains again whenever a slider moves; takes the arguments of python -m fastsym.play."""
    from fastsym.play.__main__ import app as player

    player(args=context.args, prog_name="fastsym play")


@app.command(epilog=TRAIN_EXAMPLES)
@stoppable()
@with_table_options
def train(
    table: TableOptions,
    features: Annotated[
        Literal["article", "no_id", "standardised"] | None,
        typer.Option(help="Feature set of the Titanic table; default: article (all nine raw columns)."),
    ] = None,
    hidden: Annotated[int, typer.Option(min=0, help="Number of hidden units; 0 trains the one-layer network.")] = 4,
    start: Annotated[
        str,
        typer.Option(
            help="How the weights are set before training: zeros, constant, normal, ...; see fastsym.initialise."
        ),
    ] = "normal",
    scale: Annotated[
        float | None,
        typer.Option(help="Size of the starting weights; default: 1 for glorot, he and orthogonal, else 0.01."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of a random start.")] = 0,
    iterations: Annotated[int, typer.Option(min=0, help="Number of steps of gradient descent.")] = 3000,
    learning_rate: Annotated[float, typer.Option(help="Step size of gradient descent.")] = 0.01,
    variant: Annotated[
        str, typer.Option(help="Implementation that trains: a name in fastsym.VARIANTS, or fast.")
    ] = "fast",
    dtype: Annotated[Literal["float64", "float32"], typer.Option(help="Precision.")] = "float64",
    quiet: Quiet = False,
) -> None:
    """Train the article's network on the Titanic table or on your own table, and print the final cost."""
    import numpy as np

    import fastsym
    from fastsym.training.train import train as train_network  # its imports are not part of the time that is shown

    if table.csv is not None and features is not None:
        raise stop(ValueError("features: expected none with --csv; got one; use --standardise, or leave one out"))
    try:
        own = table.load()
        X, y, names = fastsym.load_titanic(features or "article") if own is None else own
        params = fastsym.initialise(start, len(names), hidden or None, scale, seed, dtype)
        X, y = X.astype(dtype), y.astype(dtype)
        begin = time.perf_counter()
        with plain_warnings():
            training = train_network(X, y, params, iterations, learning_rate, variant, progress=not quiet)
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


@app.command(epilog=CERTIFY_EXAMPLES)
@stoppable()
def certify(
    variant: Annotated[str, typer.Argument(metavar="NAME", help="A name in fastsym.VARIANTS.")],
    dtype: Annotated[Literal["float64", "float32"], typer.Option(help="Precision.")] = "float64",
    thorough: Annotated[bool, typer.Option("--thorough", help="Check more sizes; takes minutes.")] = False,
    quiet: Quiet = False,
) -> None:
    """Check that a variant computes the same as the reference; name the errors if it does not.

    Exit status: 0 if it agrees, 1 if it does not, 2 if there is no such variant.
    """
    from fastsym import VARIANTS

    if variant not in VARIANTS:
        raise stop(f"variant: expected one of {', '.join(VARIANTS)}; got {variant!r}; choose one of these")
    if not quiet:
        typer.echo(f"checking {variant} in {dtype} ...", err=True)
    from fastsym import agreement
    from fastsym.model.params import Params

    certificate = agreement.certify(variant, dtype, thorough=thorough)
    if certificate.passed:
        typer.echo(certificate.summary())
        for covered in certificate.covers:
            typer.echo(f"  tried: {covered}")
        for missing in certificate.not_covered:
            typer.echo(f"  not tried, because {variant} does not offer it: {missing}")
        return
    typer.echo(f"{variant} {dtype}: REJECTED for {len(certificate.reasons)} reasons")
    for reason in certificate.reasons[:MOST_REASONS]:
        typer.echo(f"  {reason}")
    if len(certificate.reasons) > MOST_REASONS:
        typer.echo(f"  and {len(certificate.reasons) - MOST_REASONS} more")
    if certificate.wrong:
        right = [kind for kind in ("cost", *Params._fields) if kind not in dict(certificate.wrong)]
        counts = ", ".join(f"{kind} in {count}" for kind, count in certificate.wrong)
        never = f"; never: {', '.join(right)}" if right else ""
        typer.echo(f"wrong results, of {certificate.cases} trainings: {counts}{never}")
    failure = agreement.smallest_failure(variant, dtype, thorough=thorough)
    if failure is not None:
        case = failure.case
        typer.echo(
            f"smallest case that fails: D {len(case.X)}, H {case.hidden}, M {case.X.shape[1]}, iterations "
            f"{case.iterations}: {'; '.join(reason.removeprefix(f'{case.name}: ') for reason in failure.reasons)}"
        )
        typer.echo(DEBUG.format(name=variant, dtype=dtype))
    raise typer.Exit(1)


def main() -> None:
    """Run the command ``fastsym``."""
    run_program(app, "fastsym")


if __name__ == "__main__":
    main()

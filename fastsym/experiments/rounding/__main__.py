"""``python -m fastsym.experiments.rounding --frameworks``: equal units in the libraries that are installed."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from fastsym._console import Quiet, progress_bar, run_program, stop, stoppable

app = typer.Typer(add_completion=False)


@app.command()
@stoppable()
def main(
    frameworks: Annotated[
        bool,
        typer.Option(
            "--frameworks",
            help="Train in those of NumPy, PyTorch, JAX, TensorFlow and scikit-learn that are installed.",
        ),
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="With --frameworks: only this framework; may be repeated.")
    ] = None,
    output: Annotated[Path, typer.Option(help="With --frameworks: directory for the two CSV files.")] = Path(),
    iterations: Annotated[int, typer.Option(min=1, help="Number of steps of gradient descent.")] = 3000,
    hidden: Annotated[
        list[int] | None, typer.Option(min=1, help="Only this number of hidden units; may be repeated.")
    ] = None,
    threads: Annotated[
        list[int] | None, typer.Option(min=1, help="With --frameworks: only this number of threads; may be repeated.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only H = 2 to 5 and one thread.")] = False,
    quiet: Quiet = False,
) -> None:
    """Start all hidden units equal, train, and say which arithmetic keeps them equal.

    Without --frameworks, train with fastsym's kernels, and with NumPy under several core types of OpenBLAS. With
    --frameworks, train in each installed framework, in fresh processes. rounding-frameworks.csv then has one row per
    training, and rounding-operations.csv one row per single operation on equal units.

    Examples
    --------
    python -m fastsym.experiments.rounding --quick

    python -m fastsym.experiments.rounding --frameworks --only PyTorch --output results
    """
    from fastsym.experiments.rounding import CORE_TYPES, QUICK_CORE_TYPES, QUICK_WIDTHS, study
    from fastsym.experiments.rounding import frameworks as libraries
    from fastsym.model.datasets import load_titanic

    data = load_titanic("standardised")
    widths = hidden or (QUICK_WIDTHS if quick else libraries.WIDTHS)
    if not frameworks:
        core_types = QUICK_CORE_TYPES if quick else CORE_TYPES
        with progress_bar(quiet) as tell:
            rounding = study(data, widths, core_types, iterations=iterations, tell=tell)
        for line in rounding.conclusions():
            typer.echo(line)
        return
    known = {framework.name: framework for framework in libraries.FRAMEWORKS}
    if unknown := set(only or ()) - set(known):
        raise stop(f"only: expected one of {', '.join(known)}; got {', '.join(sorted(unknown))}")
    absent = [known[name] for name in only or () if find_spec(known[name].package) is None]
    if absent:
        names, projects = ", ".join(each.name for each in absent), " ".join(each.project for each in absent)
        raise stop(f"{names} not found; install with: pip install {projects}")
    chosen = [known[name] for name in only or known]
    counts = threads or (libraries.THREADS[:1] if quick else libraries.THREADS)
    output.mkdir(parents=True, exist_ok=True)

    def save(fates: libraries.Fates) -> None:
        fates.trainings.to_csv(output / "rounding-frameworks.csv", index=False, float_format="%.10g")
        fates.operations.to_csv(output / "rounding-operations.csv", index=False)

    try:
        with progress_bar(quiet) as tell:
            found = libraries.study(data, chosen, widths, threads=counts, iterations=iterations, tell=tell, save=save)
    except RuntimeError as error:  # of a child process
        raise stop(error) from None
    for line in libraries.conclusions(found):
        typer.echo(line)
    typer.echo(
        f"classes and costs: {output / 'rounding-frameworks.csv'}; operations: {output / 'rounding-operations.csv'}"
    )


if __name__ == "__main__":
    run_program(app, "python -m fastsym.experiments.rounding")

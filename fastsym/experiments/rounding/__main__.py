"""``python -m fastsym.experiments.rounding --frameworks``: equal units in the libraries that are installed."""

from pathlib import Path
from typing import Annotated

import typer

from fastsym._console import Quiet, progress_bar, run_program, stop, stoppable

app = typer.Typer(add_completion=False)


@app.command()
@stoppable()
def main(
    frameworks: Annotated[
        bool, typer.Option("--frameworks", help="Train in NumPy, PyTorch, JAX, TensorFlow and scikit-learn.")
    ] = False,
    only: Annotated[list[str] | None, typer.Option(help="With --frameworks: this framework alone; repeatable.")] = None,
    output: Annotated[Path, typer.Option(help="With --frameworks: directory for the two CSV files.")] = Path(),
    iterations: Annotated[int, typer.Option(min=1, help="Steps of gradient descent.")] = 3000,
    hidden: Annotated[list[int] | None, typer.Option(min=1, help="This width alone; repeatable.")] = None,
    threads: Annotated[
        list[int] | None, typer.Option(min=1, help="With --frameworks: this number of threads alone; repeatable.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="H = 2 to 5 and one thread only.")] = False,
    quiet: Quiet = False,
) -> None:
    """Start all hidden units equal, train, and say which arithmetic keeps them equal.

    Without --frameworks: fastsym's kernels, and NumPy by OpenBLAS core type. With it, each framework that is installed
    runs in fresh processes; rounding-frameworks.csv gets one row a training, rounding-operations.csv one row for each
    single operation on equal units.

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
        for line in study(data, widths, core_types, iterations=iterations).conclusions():
            typer.echo(line)
        return
    known = {framework.name: framework for framework in libraries.FRAMEWORKS}
    if unknown := set(only or ()) - set(known):
        raise stop(f"only: expected of {', '.join(known)}; got {', '.join(sorted(unknown))}")
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


if __name__ == "__main__":
    run_program(app, "python -m fastsym.experiments.rounding")

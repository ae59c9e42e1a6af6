"""``python -m fastsym.report``: everything from scratch, as figures, tables and one page."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

DEFAULT_OUT = Path("reports/latest")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def report(
    out: Annotated[
        Path, typer.Option(help="Folder for the report: missing, empty, or an earlier report, which it replaces.")
    ] = DEFAULT_OUT,
    benchmark_json: Annotated[
        Path | None, typer.Option(help="Show this saved pytest-benchmark run instead of measuring.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first random start.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Reproduce the article, certify and time every variant, and write figures, tables and one HTML page."""
    # Imported here so that --help need not wait for pandas and Matplotlib.
    from fastsym.records import UnreadableRunError

    try:
        page = make(out, benchmark_json, seed, quiet)
    except (OSError, UnreadableRunError) as error:
        Console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    typer.echo(f"report: {page}")


def make(out: Path, benchmark_json: Path | None, seed: int, quiet: bool) -> Path:
    """Collect results and write the report.

    Parameters
    ----------
    out
        Destination; see :func:`fastsym.report.folder.placed`.
    benchmark_json
        A saved run to show, or ``None`` to measure.
    seed
        Of the first random start.
    quiet
        Show no progress.

    Returns
    -------
    pathlib.Path
        The page.
    """
    from fastsym.report.collect import Settings, collect
    from fastsym.report.folder import check_destination, placed
    from fastsym.report.page import PAGE, write
    from fastsym.report.progress import shown
    from fastsym.report.sections import SECTIONS

    check_destination(out)
    settings = Settings(seed=seed, benchmark_json=benchmark_json)
    with shown(quiet) as tell:
        results = collect(settings, lambda fraction, doing: tell(0.85 * fraction, doing))
        sections = [section(results) for section in SECTIONS]
        with placed(out) as folder:
            write(sections, results, folder, lambda fraction, doing: tell(0.85 + 0.15 * fraction, doing))
    return out.resolve() / PAGE


if __name__ == "__main__":
    app(prog_name="python -m fastsym.report")

"""``python -m fastsym.report``: everything from scratch, as figures, tables and one page."""

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastsym._console import progress_bar, stop
from fastsym.model.table_options import TableOptions, with_table_options

if TYPE_CHECKING:
    from fastsym._console import Tell
    from fastsym.report.results import OwnTable, Settings

DEFAULT_OUT = Path("reports/latest")
TOOK = re.compile(r"(.+): took (\d+\.\d) s")
"""What a stage of the work tells when it is done."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@with_table_options
def report(
    table: TableOptions,
    out: Annotated[
        Path, typer.Option(help="Folder for the report: missing, empty, or an earlier report, which it replaces.")
    ] = DEFAULT_OUT,
    benchmark_json: Annotated[
        Path | None, typer.Option(help="Show this saved pytest-benchmark run instead of measuring.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first random start.")] = 0,
    full: Annotated[bool, typer.Option("--full", help="Run the whole grids, which takes minutes.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was found and where it is as one JSON object.")
    ] = False,
) -> None:
    """Reproduce the article, study its symmetry, certify and time every variant, and write one HTML page."""
    # Imported here so that --help need not wait for pandas and Matplotlib.
    from fastsym.report.folder import check_destination
    from fastsym.report.results import OwnTable, Settings
    from fastsym.report.results import full as whole
    from fastsym.timing.saved_runs import UnreadableRunError

    if table.csv is not None and benchmark_json is not None:
        raise stop(ValueError("benchmark_json: expected none with --csv, whose report has no timings; leave one out"))
    try:
        check_destination(out)
        data = table.load()
    except (OSError, ValueError) as error:
        raise stop(error) from error
    own = None if data is None or table.target is None else OwnTable(table.name, table.target, data)
    settings = Settings(seed=seed, benchmark_json=benchmark_json)
    try:
        made = make(out, whole(settings) if full else settings, quiet, own)
    except (OSError, UnreadableRunError) as error:
        raise stop(error) from error
    typer.echo(json.dumps(made, indent=1) if as_json else f"report: {made['page']}")


def make(out: Path, settings: "Settings", quiet: bool, own: "OwnTable | None" = None) -> dict[str, Any]:
    """Collect results and write the report.

    Parameters
    ----------
    out
        Destination; see :func:`fastsym.report.folder.placed`.
    settings
        What to run.
    quiet
        Show no progress.
    own
        A user's table, or None for the Titanic one.

    Returns
    -------
    dict
        Ready for JSON. ``page``, ``json``: absolute paths of the page and of everything for machines; ``findings``:
        ``slug``, ``title`` and ``finding`` of each section; ``claims``: feature set -> verdict -> how many;
        ``seconds``: stage -> how long it took.
    """
    from fastsym.report.collect import collect
    from fastsym.report.folder import MANIFEST, placed
    from fastsym.report.page import PAGE, write
    from fastsym.report.sections import sections_of

    seconds: dict[str, float] = {}
    with progress_bar(quiet) as show:
        tell = clocked(show, seconds)
        results = collect(settings, lambda fraction, doing: tell(0.85 * fraction, doing), own)
        begin = time.perf_counter()
        sections = sections_of(results)
        with placed(out) as folder:
            write(sections, results, folder, lambda fraction, doing: tell(0.85 + 0.15 * fraction, doing))
        tell(1.0, f"page: took {time.perf_counter() - begin:.1f} s")
    claims: dict[str, Counter[str]] = {}
    for verdict in results.verdicts:
        claims.setdefault(verdict.features, Counter())[verdict.verdict] += 1
    return {
        "page": str(out.resolve() / PAGE),
        "json": str(out.resolve() / MANIFEST),
        "findings": [{"slug": each.slug, "title": each.title, "finding": each.headline} for each in sections],
        "claims": claims,
        "seconds": seconds,
    }


def clocked(tell: "Tell", seconds: dict[str, float]) -> "Tell":
    """Note how long each stage took, from what it tells, and pass it on."""

    def told(fraction: float, doing: str) -> None:
        done = TOOK.fullmatch(doing)
        if done:
            seconds[done[1]] = float(done[2])
        tell(fraction, doing)

    return told


if __name__ == "__main__":
    app(prog_name="python -m fastsym.report")

"""``python -m fastsym.report``: everything from scratch, as figures, tables and one page."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastsym._console import Quiet, plain_warnings, progress_bar, run_program, stop, stoppable
from fastsym.model.table_options import TableOptions, with_table_options

if TYPE_CHECKING:
    from fastsym.report.study import Context

DEFAULT_OUT = Path("reports/latest")
SAMPLE_OUT = Path("reports/sample")
STUDIES_SHARE = 0.85
"""Part of the time for the studies; the rest is for drawing."""

EXAMPLES = """Example: fastsym report --out reports/mine

On your own table: fastsym report --csv examples/own_table/machines.csv --target failed"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog=EXAMPLES)
@stoppable("no report was written")
@with_table_options
def report(
    table: TableOptions,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the report. It must be new or empty, or contain an earlier report, which is replaced.",
            show_default=f"{DEFAULT_OUT}; {SAMPLE_OUT} with --sample",
        ),
    ] = None,
    benchmark_json: Annotated[
        Path | None, typer.Option(help="Show the timings of this saved pytest-benchmark run instead of measuring.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first random start.")] = 0,
    full: Annotated[bool, typer.Option("--full", help="Run the full grids of sizes and seeds; takes minutes.")] = False,
    sample: Annotated[
        bool,
        typer.Option(
            "--sample",
            help="Write the sample report of a release: Markdown and PNG figures. Needs a checkout without changes.",
        ),
    ] = False,
    lesson: Annotated[
        bool,
        typer.Option("--lesson", help="Write only the first part, about symmetry; no variant is certified or timed."),
    ] = False,
    quiet: Quiet = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the findings and the paths of the files as one JSON object.")
    ] = False,
) -> None:
    """Reproduce the article, study its symmetry, certify and time every variant, and write one HTML page."""
    from fastsym.report.folder import check_destination, check_writable

    if table.csv is not None and benchmark_json is not None:
        raise stop("benchmark_json: expected none with --csv, whose report has no timings; leave one out")
    if lesson and benchmark_json is not None:
        raise stop("benchmark_json: expected none with --lesson, which has no timings; leave one out")
    if table.csv is not None and sample:
        raise stop("sample: expected the Titanic table; got --csv; leave one out")
    out = out or (SAMPLE_OUT if sample else DEFAULT_OUT)
    try:
        check_destination(out)
        check_writable(out)
        data = table.load()
    except (OSError, ValueError) as error:
        raise stop(error) from error
    if not quiet:
        typer.echo("loading pandas, Matplotlib and Numba ...", err=True)
    # Imported here so that neither --help nor the first line has to wait for them.
    from fastsym.report.settings import OwnTable, Settings
    from fastsym.report.settings import full as whole
    from fastsym.report.study import Context
    from fastsym.timing.saved_runs import UnreadableRunError

    try:
        own = None if data is None or table.target is None else OwnTable(table.name, table.target, data)
        settings = Settings(seed=seed, benchmark_json=benchmark_json, only_lesson=lesson)
        context = Context(whole(settings) if full else settings, own)
    except (OSError, ValueError) as error:
        raise stop(error) from error
    if sample and not is_clean(context.machine["revision"]):
        raise stop(
            "sample: expected a git checkout without changes, so that its revision says what made it; got "
            f"{context.machine['revision'] or 'no checkout'}; commit or stash the changes"
        )
    try:
        made = make(out, context, quiet, sample)
    except (OSError, UnreadableRunError) as error:
        raise stop(error) from error
    typer.echo(json.dumps(made, indent=1) if as_json else f"report: {made['page']}")


def is_clean(revision: str | None) -> bool:
    """Whether a revision, as of :func:`fastsym.timing.machine.describe_machine`, is a commit and nothing besides."""
    return revision is not None and not revision.endswith("-dirty")


def make(out: Path, context: "Context", quiet: bool, sample: bool = False) -> dict[str, Any]:
    """Run the studies and write the report.

    Parameters
    ----------
    out
        Destination; see :func:`fastsym.report.folder.placed`.
    context
        Settings and tables; keeps what the studies find.
    quiet
        Show no progress.
    sample
        Write Markdown and the PNG figures it shows, and nothing else.

    Returns
    -------
    dict
        Ready for JSON. ``page``, ``json``: absolute paths of the page and of everything for machines, of a sample of
        its Markdown and None; ``findings``: ``slug``, ``title`` and ``finding`` of each section; ``claims``: feature
        set -> verdict -> how many; ``seconds``: study -> how long it took, and ``page``: the drawing.
    """
    from fastsym.report.folder import MANIFEST, MARKDOWN, placed
    from fastsym.report.page import PAGE, write, write_sample
    from fastsym.report.sections import claims, sections_of

    with progress_bar(quiet) as show, plain_warnings():
        context.show = lambda fraction, doing: show(STUDIES_SHARE * fraction, doing)
        sections = sections_of(context)
        begin = time.perf_counter()
        with placed(out) as folder:
            (write_sample if sample else write)(
                sections,
                context,
                folder,
                lambda fraction, doing: show(STUDIES_SHARE + (1 - STUDIES_SHARE) * fraction, doing),
            )
        seconds = context.seconds | {"page": time.perf_counter() - begin}
    counts: dict[str, Counter[str]] = {}
    for verdict in context.result(claims.STUDY).verdicts:
        counts.setdefault(verdict.features, Counter())[verdict.verdict] += 1
    return {
        "page": str(out.resolve() / (MARKDOWN if sample else PAGE)),
        "json": None if sample else str(out.resolve() / MANIFEST),
        "findings": [{"slug": each.slug, "title": each.title, "finding": each.headline} for each in sections],
        "claims": counts,
        "seconds": {name: round(took, 1) for name, took in seconds.items()},
    }


if __name__ == "__main__":
    run_program(app, "python -m fastsym.report")

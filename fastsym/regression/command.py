"""The command line of the gate: ``python -m fastsym.regression``, two ways. See ``--help``."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from fastsym._console import Quiet, progress_bar, stoppable, unhurried
from fastsym.regression import codediff, presentation, saved
from fastsym.regression.findings import Report
from fastsym.regression.outcome import CANNOT_JUDGE, CannotJudgeError, disk_trouble
from fastsym.regression.repository import open_repository
from fastsym.regression.runner import run
from fastsym.regression.settings import CODES, LEAST_BUDGET_SECONDS, combine, read_project

TOLERANCE = 0.1
SUMMARY = "GITHUB_STEP_SUMMARY"
"""Names the file that GitHub Actions shows below a finished job."""
PERCENT = 100

EXAMPLES = """Example: fastsym regression --against main

Any project: python -m fastsym.regression --against HEAD~1 --bench benchmarks/ --budget 120 --markdown gate.md

Two saved runs: fastsym regression base.json head.json --tolerance 0.1"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog=EXAMPLES)
def regression(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[BASE.json HEAD.json]", help="Compare two saved runs of fastsym's benchmarks."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="REV", help="Compare with this revision; default: the commit where this branch left main."
        ),
    ] = None,
    bench: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="File, folder or node id that pytest collects; may be repeated."),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(min=LEAST_BUDGET_SECONDS, help="Seconds for the whole run; default 180."),
    ] = None,
    bar: Annotated[
        float | None, typer.Option(min=0, max=900, help="Smallest slowdown that matters, in percent; default 2.")
    ] = None,
    carry: Annotated[
        bool | None, typer.Option("--carry", help="Use the benchmark files of the working tree for both revisions.")
    ] = None,
    prepare: Annotated[
        str | None,
        typer.Option(metavar="CMD", help="Build each revision with this shell command, in its own environment."),
    ] = None,
    path: Annotated[
        list[str] | None,
        typer.Option(metavar="DIR", help="Folder of a checkout to put on PYTHONPATH; default: src and the root."),
    ] = None,
    dist: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the distribution; default: the name in pyproject.toml.")
    ] = None,
    pytest_arg: Annotated[
        list[str] | None, typer.Option(metavar="ARG", help="A further argument for pytest; may be repeated.")
    ] = None,
    code: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(CODES), help="What to do if the machine code of a Numba kernel is worse; default report."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the random orders; default: a random seed, which is shown.")
    ] = None,
    explain: Annotated[
        bool | None, typer.Option("--explain", help="Show the machine code of Numba kernels in both revisions.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="Write everything to this file, as JSON; - is standard output.")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables to this file; - is standard output.")] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0, max=0.99, help="For two saved runs: the loss of speed-up that does not matter; default 0.1."
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Say whether the working tree is slower than another revision; both are measured now, in turns.

    Works in any git repository with pytest-benchmark tests: python -m fastsym.regression --against main --bench
    benchmarks/. You can set defaults of the options in pyproject.toml, under [tool.fastsym.regression].

    With two JSON files, compare two saved runs of fastsym's own benchmarks: their speed-ups over the reference.

    Exit status: 0 if nothing is slower, 1 if a test is slower or fails in the working tree only, 2 if the gate cannot
    judge.
    """
    given = {
        "against": against,
        "bench": _texts(bench),
        "budget": budget,
        "bar": None if bar is None else bar / PERCENT,
        "carry": carry,
        "prepare": prepare,
        "path": _texts(path),
        "dist": dist,
        "pytest_args": _texts(pytest_arg),
        "code": code,
        "seed": seed,
    }
    if files:
        others = given | {"explain": explain, "json": json, "markdown": markdown}
        raise typer.Exit(_compare_saved(files, TOLERANCE if tolerance is None else tolerance, others))
    if tolerance is not None:
        raise typer.BadParameter("expected two saved runs with it; got none", param_hint="--tolerance")
    if code is not None and code not in CODES:
        raise typer.BadParameter(f"expected one of {', '.join(CODES)}; got {code!r}", param_hint="--code")
    if bench is not None and any(Path(name).is_absolute() for name in bench):
        raise typer.BadParameter("expected paths relative to the repository; got an absolute one", param_hint="--bench")
    if json is not None and json == markdown:
        raise typer.BadParameter(f"expected another place than --json has; got {json} twice", param_hint="--markdown")
    report = _run(given, quiet)
    try:
        _write(report, bool(explain), json, markdown)
    except OSError as error:
        typer.echo(f"cannot judge: the result could not be written: {disk_trouble(error, error.filename)}", err=True)
        raise typer.Exit(CANNOT_JUDGE) from error
    raise typer.Exit(report.exit_status)


def _texts(values: list[str] | None) -> tuple[str, ...] | None:
    return tuple(values) if values else None


def _run(given: dict[str, Any], quiet: bool) -> Report:
    # Ending all processes and removing the checkouts may take a while.
    with stoppable("processes and checkouts are removed"), unhurried(), progress_bar(quiet) as tell:
        try:
            repository = open_repository(Path.cwd())
            settings = combine(read_project(repository.root), given)
        except CannotJudgeError as error:
            return Report(reason=str(error))
        return run(repository, settings, tell)


def _compare_saved(files: list[Path], tolerance: float, others: dict[str, Any]) -> int:
    if len(files) != 2:
        raise typer.BadParameter(f"expected two files, BASE.json and HEAD.json; got {len(files)}")
    applied = [
        f"--{name.replace('_args', '_arg').replace('_', '-')}" for name, value in others.items() if value is not None
    ]
    if applied:
        raise typer.BadParameter(f"expected no {', '.join(applied)} with two saved runs; got it; leave it out")
    base, head = files
    return saved.show(base, head, tolerance)


def _write(report: Report, explain: bool, json: Path | None, markdown: Path | None) -> None:
    here = Path("-")
    if here not in (json, markdown):
        _print(report, explain)
    else:
        typer.echo(presentation.verdict(report), err=True)
    for path, text in ((json, presentation.as_json(report)), (markdown, presentation.markdown(report))):
        if path == here:
            typer.echo(text, nl=False)
        elif path is not None:
            path.write_text(text, encoding="utf-8")
    if os.environ.get(SUMMARY):
        with Path(os.environ[SUMMARY]).open("a", encoding="utf-8") as summary:
            summary.write(presentation.markdown(report))


def _print(report: Report, explain: bool) -> None:
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:  # a log has room
        console = Console(highlight=False, markup=False, width=saved.LOG_WIDTH)
    if explain:
        base, head = (report.fingerprints.get(label) for label in ("base", "head"))
        typer.echo(codediff.explain(base, head) if base and head else "no generated code to show")
    if report.decision is not None:
        console.print(presentation.table(report))
    for line in presentation.lines(report):
        console.print(line, soft_wrap=True)
    last = Console(stderr=True, highlight=False, markup=False) if report.exit_status == CANNOT_JUDGE else console
    last.print(presentation.verdict(report), soft_wrap=True)

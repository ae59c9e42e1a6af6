"""The command line of the gate: ``python -m fastsym.regression``, two ways. See ``--help``."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console

from fastsym._console import progress_bar
from fastsym.regression import codediff, presentation, saved
from fastsym.regression.cells import CELLS, Cell
from fastsym.regression.decision import LEAST_SLOTS
from fastsym.regression.findings import Report
from fastsym.regression.outcome import CANNOT_JUDGE, CannotJudgeError
from fastsym.regression.runner import Settings, run
from fastsym.regression.worktree import open_repository

TOLERANCE = 0.1
SUMMARY = "GITHUB_STEP_SUMMARY"
"""Names the file that GitHub Actions shows below a finished job."""
ENDINGS = ("SIGINT", "SIGTERM", "SIGHUP")


class Stopped(KeyboardInterrupt):
    """A signal asked the gate to end."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn the first signal to end into an exception, so that everything is cleaned up, and ignore further ones."""
    numbers = [getattr(signal, name) for name in ENDINGS if hasattr(signal, name)]

    def stop(number: int, _frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    before: dict[int, Any] = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def chosen_cells(text: str | None) -> tuple[Cell, ...]:
    """Select cells by words of their names: "simd H=4, fused" are two cells.

    Raises
    ------
    typer.BadParameter
        If words between commas fit no cell.
    """
    if text is None:
        return CELLS
    found: list[Cell] = []
    for part in text.split(","):
        fitting = [cell for cell in CELLS if part.split() and set(part.split()) <= set(cell.name.split())]
        if not fitting:
            names = ", ".join(cell.name for cell in CELLS)
            raise typer.BadParameter(f"expected words of one of {names}; got {part.strip()!r}", param_hint="--cells")
        found += fitting
    return tuple(cell for cell in CELLS if cell in found)


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def regression(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[BASE.json HEAD.json]", help="Two saved benchmark runs instead.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="REV", help="Compare with this revision; default: where this branch left main."),
    ] = None,
    budget: Annotated[float, typer.Option(min=1, help="Seconds that everything together may take.")] = 180.0,
    cells: Annotated[str | None, typer.Option(help="Only these: words of their names, commas between.")] = None,
    min_slots: Annotated[int, typer.Option(min=LEAST_SLOTS, help="Fewest process pairs.")] = LEAST_SLOTS,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the orders; drawn and shown if not given.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the generated code of both sides.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write everything to this file, as JSON; - is here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables to this file; - is here.")] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(min=0, max=0.99, help="Of two saved runs: loss of speed-up that does not matter; default 0.1."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Say whether this checkout is slower than another revision; both are measured now, in turns.

    Or compare the speed-ups over the reference of two saved benchmark runs.

    Exit status: 0 nothing is slower, 1 something is, or the head is wrong, 2 cannot judge.
    """
    if files:
        if len(files) != 2:
            raise typer.BadParameter(f"expected two files, BASE.json and HEAD.json; got {len(files)}")
        base, head = files
        raise typer.Exit(saved.show(base, head, TOLERANCE if tolerance is None else tolerance))
    if tolerance is not None:
        raise typer.BadParameter("expected two saved runs with it; got none", param_hint="--tolerance")
    settings = Settings(against, chosen_cells(cells), budget, min_slots, seed)
    try:
        with stoppable(), progress_bar(quiet) as tell:
            try:
                report = run(open_repository(Path.cwd()), settings, tell)
            except CannotJudgeError as error:
                report = Report(reason=str(error))
    except Stopped as stopped:
        typer.echo(f"stopped by {stopped}; processes and checkouts are removed", err=True)
        raise typer.Exit(128 + stopped.number) from None
    try:
        _write(report, explain, json, markdown)
    except OSError as error:
        typer.echo(f"cannot judge: the result could not be written: {error}", err=True)
        raise typer.Exit(CANNOT_JUDGE) from error
    raise typer.Exit(report.exit_status)


def _write(report: Report, explain: bool, json: Path | None, markdown: Path | None) -> None:
    here = Path("-")
    if here not in (json, markdown):
        _print(report)
    elif report.exit_status == CANNOT_JUDGE:
        typer.echo(presentation.verdict(report), err=True)
    for path, text in ((json, presentation.as_json(report)), (markdown, presentation.markdown(report))):
        if path == here:
            typer.echo(text, nl=False)
        elif path is not None:
            path.write_text(text, encoding="utf-8")
    if explain:
        base, head = (report.fingerprints.get(label) for label in ("base", "head"))
        typer.echo(codediff.explain(base, head) if base and head else "no generated code to show")
    if os.environ.get(SUMMARY):
        with Path(os.environ[SUMMARY]).open("a", encoding="utf-8") as summary:
            summary.write(presentation.markdown(report))


def _print(report: Report) -> None:
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:  # a log has room
        console = Console(highlight=False, markup=False, width=saved.LOG_WIDTH)
    if report.decision is not None:
        console.print(presentation.table(report))
    for line in presentation.lines(report):
        console.print(line, soft_wrap=True)
    last = Console(stderr=True, highlight=False, markup=False) if report.exit_status == CANNOT_JUDGE else console
    last.print(presentation.verdict(report), soft_wrap=True)

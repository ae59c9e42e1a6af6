"""The progress of a command: a bar on a terminal, lines elsewhere."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

Tell = Callable[[float, str], None]
"""Called with the fraction that is done, 0 to 1, and what is running now."""
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
"""The option of every command that shows progress."""


@contextmanager
def progress_bar(
    quiet: bool,
    line_seconds: float = 0.0,
    console: Console | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Tell]:
    """Show progress: a bar on a terminal, plain lines elsewhere, nothing if quiet.

    Parameters
    ----------
    quiet
        Show nothing.
    line_seconds
        Shortest time between two plain lines, for work that reports often; the lines then say how much time is left.
    console
        Where to show it; the default is standard error, so that standard output stays clean.
    clock
        Gives seconds.

    Yields
    ------
    Tell
        The function to report progress to.
    """
    console = console or Console(stderr=True)
    if quiet:
        yield lambda _fraction, _doing: None
    elif console.is_terminal:
        columns = (
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=1.0)
            yield lambda fraction, doing: bar.update(task, completed=fraction, description=doing)
    else:
        yield _lines(console, line_seconds, clock)


def _lines(console: Console, line_seconds: float, clock: Callable[[], float]) -> Tell:
    last_time, last_fraction = -math.inf, 0.0

    def tell(fraction: float, doing: str) -> None:
        nonlocal last_time, last_fraction
        now = clock()
        if now - last_time < line_seconds and fraction < 1:
            return
        left = ""
        if line_seconds and last_fraction < fraction < 1 and last_time > -math.inf:
            # From the speed since the last line, so that compiling at the beginning does not count for ever.
            seconds = (1 - fraction) * (now - last_time) / (fraction - last_fraction)
            left = f", {timedelta(seconds=round(seconds))} left"
        console.print(f"{fraction:4.0%}  {doing}{left}", markup=False, highlight=False, soft_wrap=True)
        last_time, last_fraction = now, fraction

    return tell

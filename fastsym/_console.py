"""Shows how far the work is: a bar on a terminal, plain lines elsewhere, nothing if asked to be quiet."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

Tell = Callable[[float, str], None]
"""Called with the fraction that is done, 0 to 1, and what is running now."""


@contextmanager
def shown(quiet: bool, console: Console | None = None) -> Iterator[Tell]:
    """Give a function to tell progress to.

    Parameters
    ----------
    quiet
        Show nothing.
    console
        Where to show it; the default is standard error, so that standard output stays clean.
    """
    console = console or Console(stderr=True)
    if quiet:
        yield lambda _fraction, _doing: None
    elif console.is_terminal:
        columns = (
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=1.0)
            yield lambda fraction, doing: bar.update(task, completed=fraction, description=doing)
    else:
        yield lambda fraction, doing: console.print(
            f"{fraction:4.0%}  {doing}", markup=False, highlight=False, soft_wrap=True
        )

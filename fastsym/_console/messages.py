"""What a command says in words: its error, its warnings, and text for Markdown."""

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import typer


def stop(error: object) -> typer.Exit:
    """Say on standard error what is wrong; raise the result, which ends the command with status 2."""
    typer.echo(f"error: {_explained(error)}", err=True)
    return typer.Exit(2)


def _explained(error: object) -> str:
    """Leave Python's "[Errno 30]" out of what the system says."""
    if not (isinstance(error, OSError) and error.strerror):
        return str(error)
    place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    return f"{place}{error.strerror}; choose another file or folder"


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Show each warning as one line of standard error, without the place in the source that nobody asked for."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: typer.echo(f"warning: {message}", err=True)
        yield


def markdown_escape(text: str) -> str:
    """Write text on one line so that Markdown takes none of it for markup."""
    return re.sub(r"([\\`*_\[\]<>|#&~$])", r"\\\1", " ".join(text.split()))


def markdown_row(cells: Iterable[str]) -> str:
    """Write one row of a Markdown table, its cells escaped."""
    return f"| {' | '.join(map(markdown_escape, cells))} |"

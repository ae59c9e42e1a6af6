"""``python -m fastsym.play``: starts the local page from the command line."""

import os
import socket
from typing import Annotated

import typer

from fastsym._console import run_program, stop, stoppable
from fastsym.model.table_options import TableOptions, with_table_options

DEFAULT_PORT = 8470

EXAMPLES = """Example: fastsym play

On your own table: fastsym play --csv examples/own_table/machines.csv --target failed --standardise"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def free_port(wanted: int | None) -> int:
    """Find a free port of the loopback interface.

    Parameters
    ----------
    wanted
        The requested port, or 0 for any free one; None for the default port or, if it is taken, any free one.

    Raises
    ------
    ValueError
        If the requested port is taken or not allowed.
    """
    tries = (DEFAULT_PORT, 0) if wanted is None else (wanted,)
    for port in tries:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            if os.name == "posix":  # elsewhere this option would let two servers share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ValueError(f"port: expected a free port; got {wanted}, which cannot be used; --port 0 takes any free one")


@app.command(epilog=EXAMPLES)
@stoppable()
@with_table_options
def play(
    table: TableOptions,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help=f"Port of the server; default: {DEFAULT_PORT}, or any free port if that one is taken.",
        ),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, but open no browser.")] = False,
) -> None:
    """Open a page that trains a network again whenever you move a slider; only this computer can reach it."""
    typer.echo("loading NiceGUI and Numba ...", err=True)
    try:
        from fastsym.play.page import HOST, serve
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("nicegui", "starlette"):
            raise
        raise stop("the playground needs NiceGUI: pip install 'fastsym[play]'") from error
    from fastsym.play import tables

    try:
        tables.use(table)
        found = free_port(port)
    except (OSError, ValueError) as error:
        raise stop(error) from error
    serve(found, not no_browser, lambda: typer.echo(f"http://{HOST}:{found}/ (Ctrl-C ends it)"), typer.echo)


if __name__ == "__main__":
    run_program(app, "python -m fastsym.play")

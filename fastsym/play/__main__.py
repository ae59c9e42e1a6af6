"""``python -m fastsym.play``: the local page, from the command line."""

import os
import socket
from typing import Annotated

import typer

from fastsym._console import stop

DEFAULT_PORT = 8470

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def free_port(wanted: int | None) -> int:
    """Find a free port of the loopback interface.

    Parameters
    ----------
    wanted
        The port that somebody asked for, 0 for any; None for the default or, if it is taken, any.

    Raises
    ------
    ValueError
        If the wanted one is taken or not allowed.
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
    raise ValueError(f"port: expected a free port; got {wanted}, which cannot be used; try --port 0, which takes any")


@app.command()
def play(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help=f"Port to serve at; {DEFAULT_PORT} or any free one if not given."),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Open a page, on this computer only, where 3000 iterations are trained anew at each move of a slider."""
    try:
        from fastsym.play.page import HOST, serve
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("nicegui", "starlette"):
            raise
        raise stop("the playground needs NiceGUI: pip install 'fastsym[play]'") from error
    from fastsym.play.retrain import warm_up

    try:
        found = free_port(port)
    except ValueError as error:
        raise stop(error) from error
    try:
        warm_up(typer.echo)
        serve(found, not no_browser, lambda: typer.echo(f"http://{HOST}:{found}/ (Ctrl-C ends it)"))
    except KeyboardInterrupt:
        typer.echo("stopped")
        raise typer.Exit(130) from None


if __name__ == "__main__":
    app(prog_name="python -m fastsym.play")

"""How a command ends by a signal, and its child processes with it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any, ClassVar

import typer
from rich.console import Console

ENDINGS = ("SIGINT", "SIGTERM", "SIGHUP")
HURRY_SECONDS = 0.5
"""Time from a signal until a command ends even though a compiler or a library has not returned to Python yet."""


class Stopped(KeyboardInterrupt):
    """A signal asked the command to end."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


class _State:
    """What handlers and threads must know: one for the process, as signal handlers are."""

    shields = 0
    unhurried = 0
    asked: int | None = None
    raised = False
    children: ClassVar[set[subprocess.Popen[bytes]]] = set()


_STATE = _State()


def _handle(number: int, _frame: FrameType | None) -> None:
    if _STATE.asked is None:
        _STATE.asked = number
    _raise_if_asked()


def _raise_if_asked() -> None:
    if _STATE.asked is not None and not _STATE.shields and not _STATE.raised:
        _STATE.raised = True
        raise Stopped(_STATE.asked)


def _unraisable(otherwise: Callable[[Any], Any], dropped: "sys.UnraisableHookArgs") -> None:
    """Note that Python dropped the exception of a signal, as it does in finalisers and in callbacks from C."""
    if isinstance(dropped.exc_value, Stopped):
        _STATE.raised = False
    else:
        otherwise(dropped)


def _insist(signals: socket.socket, heeded: Sequence[int], left: str, done: threading.Event) -> None:
    """End the process if the main thread does not: it may be inside a compiler, where it hears nothing for seconds."""
    with signals:
        number = 0
        while number not in heeded:
            heard = signals.recv(1)
            if not heard:
                return
            number = heard[0]
        _STATE.asked = _STATE.asked or number
        kill_children()
        while not done.wait(HURRY_SECONDS):
            if not _STATE.shields and not _STATE.unhurried:
                kill_children()
                Console(stderr=True).show_cursor()  # which the progress bar has hidden
                _say_stopped(Stopped(_STATE.asked), left)
                os._exit(128 + _STATE.asked)
            if not _STATE.raised:
                signal.raise_signal(_STATE.asked)
        while signals.recv(1):
            pass


def _say_stopped(stopped: Stopped, left: str) -> None:
    with suppress(OSError):  # the terminal may be gone
        typer.echo(f"stopped by {stopped}{'; ' if left else ''}{left}", err=True)


@contextmanager
def stoppable(left: str = "") -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP end a command in one line, with status 128 + the signal's number.

    The first one becomes :class:`Stopped`, so that all blocks clean up; further ones are ignored meanwhile, and so are
    those that were ignored before, as by ``nohup``. After :data:`HURRY_SECONDS` the process ends in any case, unless
    it is in an :func:`unhurried` block.

    Parameters
    ----------
    left
        What the line says of the state of things.

    Raises
    ------
    typer.Exit
        In place of :class:`Stopped`.
    """
    numbers = [getattr(signal, name) for name in ENDINGS if hasattr(signal, name)]
    heeded = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    _STATE.shields, _STATE.unhurried, _STATE.asked, _STATE.raised = 0, 0, None, False
    signals, caught = socket.socketpair()
    caught.setblocking(False)
    done = threading.Event()
    threading.Thread(target=_insist, args=(signals, heeded, left, done), daemon=True).start()
    before: dict[int, Any] = {number: signal.signal(number, _handle) for number in heeded}
    wakeup = signal.set_wakeup_fd(caught.fileno(), warn_on_full_buffer=False)
    hook, sys.unraisablehook = sys.unraisablehook, partial(_unraisable, sys.unraisablehook)
    try:
        yield
    except Stopped as stopped:
        done.set()
        _say_stopped(stopped, left)
        raise typer.Exit(128 + stopped.number) from None
    finally:
        done.set()
        sys.unraisablehook = hook
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        caught.close()  # which ends the thread
        _STATE.asked = None


def run_program(app: typer.Typer, name: str) -> None:
    """Run a command as the whole program; after a signal, without taking the interpreter apart, which takes long."""
    try:
        app(prog_name=name)
    except SystemExit as end:
        if _STATE.raised:
            os._exit(int(end.code or 0))
        raise


@contextmanager
def shielded() -> Iterator[None]:
    """Put a signal that comes inside the block off until its end: what is begun here is done whole."""
    _STATE.shields += 1
    try:
        yield
    finally:
        _STATE.shields -= 1
    _raise_if_asked()


@contextmanager
def unhurried() -> Iterator[None]:
    """Let the block clean up after a signal for as long as that takes."""
    _STATE.unhurried += 1
    try:
        yield
    finally:
        _STATE.unhurried -= 1


def run_child(arguments: Sequence[str], request: bytes, environment: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Run a process that does not outlive a command that is stopped, whichever thread waits for it.

    Parameters
    ----------
    arguments
        Program and arguments.
    request
        Its standard input.
    environment
        Its environment variables.

    Returns
    -------
    tuple
        Exit status, standard output and standard error.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, env=environment, stdin=pipe, stdout=pipe, stderr=pipe) as child:
        _STATE.children.add(child)
        try:
            if _STATE.asked is not None:  # it came too late to be killed with the others
                child.kill()
            out, err = child.communicate(request)
        except BaseException:
            child.kill()
            raise
        finally:
            _STATE.children.discard(child)
    return child.returncode, out, err


def kill_children() -> None:
    """Kill what :func:`run_child` started."""
    for child in tuple(_STATE.children):
        child.kill()

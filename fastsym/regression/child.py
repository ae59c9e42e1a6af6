"""A worker process as the gate sees it: started for one side, asked, and ended whatever happens."""

import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from fastsym._console import shielded
from fastsym.regression.checkouts import Tree
from fastsym.regression.outcome import DISK_FULL, CannotJudgeError, SideFailedError, disk_full

PLUGIN = "fastsym_gate_worker"
BLAS_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
LEFT_OUT = (
    "PYTHONDONTWRITEBYTECODE",  # without bytecode files every process would spend its start on parsing
    "PYTHONSAFEPATH",
    "PYTEST_CURRENT_TEST",
)
LEFT_OUT_PREFIXES = ("PYTEST_XDIST_", "COV_CORE_", "GIT_", "FASTSYM_GATE_")
OWN_FAULTS = ("SIGSEGV", "SIGILL", "SIGBUS", "SIGFPE", "SIGABRT")
"""Signals that a process brings upon itself; any other came from outside."""
ERROR_END = 2000
"""Characters of a dead process's last words that are shown."""
GLANCE_SECONDS = 0.5
"""How often to see whether a silent process still lives."""
BUSY_SHARE = 0.2
"""Of the time: a process that computed for longer does not hang. On a busy machine it gets no more."""
GOODBYE_SECONDS = 10.0
"""How long a process that has answered everything may take to end by itself."""

Message = dict[str, Any]


def processor_seconds(pid: int) -> float | None:
    """Tell how long a process has computed, without those that it started; None where the system does not say."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    user, system = 11, 12  # after the name, which may hold spaces
    return (int(fields[user]) + int(fields[system])) / os.sysconf("SC_CLK_TCK")


def processors() -> list[int] | None:
    """List the processors that this process may use; None where the system cannot pin a process."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


@dataclass(frozen=True)
class Side:
    """What a worker of one side needs to start."""

    label: str
    tree: Tree
    python: str
    bench: tuple[str, ...]
    """What pytest is to collect, relative to the checkout."""
    path: tuple[str, ...]
    """Folders of the checkout that go on PYTHONPATH, relative to it."""
    beside: tuple[Path, ...] = ()
    """Further folders on PYTHONPATH: the plug-in's, made-up metadata."""
    pytest_arguments: tuple[str, ...] = ()

    def environment(self, seed: int) -> dict[str, str]:
        """Fix what changes speed (threads, caches, hashes), the same for all sides of a triple."""
        allowed = processors()
        threads = len(allowed) if allowed is not None else os.cpu_count() or 1
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in LEFT_OUT and not name.startswith(LEFT_OUT_PREFIXES)
        }
        folders = [self.tree.path / name for name in self.path if (self.tree.path / name).is_dir()]
        defaults = dict.fromkeys(BLAS_THREADS, "1") | {"NUMBA_NUM_THREADS": str(threads)}
        return (
            defaults
            | inherited
            | {
                "PYTHONPATH": os.pathsep.join(map(str, [*folders, *self.beside])),
                "PYTHONHASHSEED": str(seed % 2**32),
                "NUMBA_CACHE_DIR": str(self.tree.cache),
                "TMPDIR": str(self.tree.temporary),
                "FASTSYM_GATE_KEEP": str(self.tree.kept),
                "FASTSYM_GATE_TREE": str(self.tree.path),
                "FASTSYM_GATE_SEED": str(seed),
                "FASTSYM_GATE_PROCESS": str(os.getpid()),
            }
        )

    def command(self, files: Sequence[str]) -> list[str]:
        """Make the command line of a worker that collects these files."""
        command = [self.python, "-P", "-m", "pytest", "-p", PLUGIN, f"--rootdir={self.tree.path}", "-q"]
        return [*command, *self.pytest_arguments, *files]


class Child:
    """A worker process; :func:`children` starts and ends it."""

    def __init__(self, side: Side, files: Sequence[str], seed: int, words: IO[bytes], *, watch: bool) -> None:
        self.side, self.label = side, side.label
        self._words = words
        self._waiting = b""
        ours, its = socket.socketpair()
        variables = {"FASTSYM_GATE_SOCKET": str(its.fileno())} | ({"FASTSYM_GATE_WATCH": "1"} if watch else {})
        with its:
            try:
                side.tree.temporary.mkdir(exist_ok=True)
                self._process = subprocess.Popen(
                    side.command(files),
                    env=side.environment(seed) | variables,
                    cwd=side.tree.path,
                    stdin=subprocess.DEVNULL,
                    stdout=words,
                    stderr=words,
                    pass_fds=[its.fileno()],
                    start_new_session=True,  # Ctrl-C is for the gate, which then ends its children
                )
            except OSError as error:
                ours.close()
                raise CannotJudgeError(
                    f"{side.label}: expected {side.python} to start; got {error}; install it"
                ) from error
        self._socket = ours

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def close(self) -> None:
        """End the process and those that it started, whatever they do, and wait until it is gone."""
        with shielded():
            self._socket.close()
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()

    def leave(self) -> None:
        """Let the process end by itself, so that it can clean up; for a while."""
        self.ask(bye=True, processors=processors())
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GOODBYE_SECONDS)

    def ask(self, **message: Any) -> None:
        """Send a request; :meth:`answer` waits for what comes back. In between, other children may work."""
        with suppress(OSError):  # it has died; the answer that does not come will say so
            self._socket.sendall((json.dumps(message) + "\n").encode())

    def answer(self, deadline: float) -> Message:
        """Wait for the next message.

        Parameters
        ----------
        deadline
            How long, on the clock of ``time.monotonic``.

        Raises
        ------
        SideFailedError
            If the side's code ended the process.
        CannotJudgeError
            If the process was killed from outside, hangs, or found the disk full.
        """
        began, spent = time.monotonic(), processor_seconds(self.pid)
        while b"\n" not in self._waiting:
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._late(time.monotonic() - began, spent)
            if not select.select([self._socket], [], [], min(left, GLANCE_SECONDS))[0]:
                if self._process.poll() is not None:  # and what it had started holds the socket open
                    raise self._death()
                continue
            try:
                more = self._socket.recv(1 << 16)
            except ConnectionError:
                more = b""
            if not more:
                raise self._death()
            self._waiting += more
        line, _, self._waiting = self._waiting.partition(b"\n")
        message: Message = json.loads(line)
        return message

    def said(self) -> str:
        """Return the last words that the process printed."""
        self._words.seek(0)
        return self._words.read().decode(errors="replace").strip()[-ERROR_END:]

    def _late(self, waited_seconds: float, spent_seconds: float | None) -> CannotJudgeError:
        """Say of a process that has not answered in time what it did meanwhile."""
        now = processor_seconds(self.pid)
        doing = "it hangs, or is still at work"
        if now is not None and spent_seconds is not None:
            computed = now - spent_seconds
            doing = f"it has computed for {computed:.0f} s of the last {waited_seconds:.0f} s, and "
            busy = "is still at work (compiling, or a long call)"
            doing += busy if computed > BUSY_SHARE * waited_seconds else "waits for a processor, or for something else"
        return CannotJudgeError(
            f"{self.label}: expected an answer of process {self.pid} before the time is up; got none; {doing}; allow "
            "more with --budget"
        )

    def _death(self) -> Exception:
        code = self._process.wait()
        words = self.said()
        if DISK_FULL in words:
            return disk_full(self.label)
        said = f"; it said: {words}" if words else ""
        if code >= 0:
            return SideFailedError(self.label, f"expected pytest to run its benchmarks; got its exit with {code}{said}")
        name = signal.Signals(-code).name
        if name in OWN_FAULTS:
            return SideFailedError(self.label, f"crashed with {name}{said}")
        return CannotJudgeError(
            f"{self.label}: expected a process that answers; got one killed by {name}, from outside, perhaps for want "
            f"of memory; run the gate again{said}"
        )


@contextmanager
def children(
    sides: Sequence[Side], seed: int, files: Mapping[str, Sequence[str]] | None = None, *, watch: bool = False
) -> Iterator[dict[str, Child]]:
    """Start a worker for each side, in the order given, and end all of them.

    Parameters
    ----------
    sides
        Label and more of each.
    seed
        Of hashes and random numbers in them.
    files
        Label -> what it collects, if not all of the side's.
    watch
        Let the workers note which files they open.
    """
    started: dict[str, Child] = {}
    with ExitStack() as stack:
        for side in sides:
            with shielded():
                words = stack.enter_context(tempfile.TemporaryFile())  # a pipe nobody reads would fill up and block
                chosen = side.bench if files is None else files[side.label]
                started[side.label] = Child(side, chosen, seed, words, watch=watch)
                stack.callback(started[side.label].close)
        yield started

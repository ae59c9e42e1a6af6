"""A worker process as the gate sees it: started for one checkout, asked, and ended whatever happens."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from fastsym.regression.outcome import CannotJudgeError, RevisionFailedError, disk_trouble
from fastsym.regression.worktree import Tree

WORKER = Path(__file__).with_name("worker.py")
BLAS_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
LEFT_OUT = ("PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE")
"""Of the environment: without bytecode files every process would spend its start on parsing."""
OWN_FAULTS = ("SIGSEGV", "SIGILL", "SIGBUS", "SIGFPE", "SIGABRT")
"""Signals that a process brings upon itself; any other came from outside."""
ERROR_END = 2000
"""Characters of a dead process's last words that are shown."""


def processors() -> list[int] | None:
    """List the processors that this process may use; None where the system cannot pin a process."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _environment(tree: Tree) -> dict[str, str]:
    """Fix what changes speed (threads, caches), and leave to chance what would favour one layout (hashes)."""
    allowed = processors()
    threads = len(allowed) if allowed is not None else os.cpu_count() or 1
    inherited = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return (
        inherited
        | dict.fromkeys(BLAS_THREADS, "1")
        | {"NUMBA_NUM_THREADS": str(threads), "NUMBA_CACHE_DIR": str(tree.cache), "PYTHONPATH": str(tree.path)}
    )


class Child:
    """A worker process for one checkout; :func:`children` starts and ends it."""

    def __init__(self, label: str, tree: Tree, errors: IO[bytes]) -> None:
        self.label, self.tree = label, tree
        self._errors = errors
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(WORKER)],
            env=_environment(tree),
            cwd=tree.path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for the gate, which then ends its children
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def close(self) -> None:
        """End the process, whatever it does, and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # a request that was never read
                    stream.close()

    def _read(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._answers.put(line)
        self._answers.put("")

    def ask(self, do: str, **details: Any) -> None:
        """Send a request; :meth:`answer` waits for what comes back. In between, other children may work."""
        if self._process.stdin is None:
            raise ValueError("stdin: expected a pipe; got none; start the child with one")
        with suppress(BrokenPipeError):  # it has died; its end of the other pipe says so
            self._process.stdin.write(json.dumps({"do": do} | details) + "\n")
            self._process.stdin.flush()

    def answer(self, deadline: float) -> dict[str, Any]:
        """Wait for the answer to the first request that has none yet.

        Parameters
        ----------
        deadline
            How long, on the clock of ``time.monotonic``.

        Returns
        -------
        dict
            What the worker's method of that name returned.

        Raises
        ------
        RevisionFailedError
            If the revision's code raised an error or crashed.
        CannotJudgeError
            If the process was killed from outside, hangs, or found the disk full.
        """
        try:
            line = self._answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise CannotJudgeError(
                f"{self.label}: expected an answer of process {self.pid} before the time is up; got none; it hangs, or "
                "the machine is too busy: allow more with --budget"
            ) from None
        if not line:
            raise self._death()
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            if answer["errno"] is not None and "No space left" in answer["failed"]:
                raise disk_trouble(OSError(answer["errno"], answer["failed"]), self.tree.cache)
            raise RevisionFailedError(self.label, answer["failed"])
        return answer

    def _death(self) -> Exception:
        code = self._process.wait()
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip()[-ERROR_END:]
        said = f"; it said: {words}" if words else ""
        if code >= 0:
            return RevisionFailedError(self.label, f"expected a process that answers; got its exit with {code}{said}")
        name = signal.Signals(-code).name
        if name in OWN_FAULTS:
            return RevisionFailedError(self.label, f"crashed with {name}{said}")
        return CannotJudgeError(
            f"{self.label}: expected a process that answers; got one killed by {name}, from outside, perhaps for want "
            f"of memory; run the gate again{said}"
        )


@contextmanager
def children(trees: Mapping[str, Tree]) -> Iterator[dict[str, Child]]:
    """Start a worker for every checkout, in the order given, and end all of them."""
    started: dict[str, Child] = {}
    with ExitStack() as stack:
        for label, tree in trees.items():
            errors = stack.enter_context(tempfile.TemporaryFile())  # a pipe nobody reads would fill up and block
            started[label] = Child(label, tree, errors)
            stack.callback(started[label].close)
        yield started


def answers(running: Mapping[str, Child], deadline: float) -> dict[str, dict[str, Any]]:
    """Wait until each of several children that work at once has answered."""
    return {label: child.answer(deadline) for label, child in running.items()}

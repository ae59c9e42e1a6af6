"""The gate's other end: what it asks for, and what is known of the test that runs."""

import atexit
import ctypes
import json
import os
import random
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from .files import Files
from .kernels import Kernels

Message = dict[str, Any]


class Gate:
    """The other end of the socket, and what is known of the test that runs."""

    def __init__(self, descriptor: int, environment: dict[str, str]) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = descriptor
        self._waiting = b""
        self.tree = Path(environment["FASTSYM_GATE_TREE"])
        self.seed = int(environment["FASTSYM_GATE_SEED"])
        self.broken: dict[str, str] = {}
        self.files = Files(self.tree) if environment.get("FASTSYM_GATE_WATCH") else None
        self.kernels = Kernels()
        self.untimed: set[str] = set()
        self.test: str | None = None
        self.session: pytest.Session | None = None
        self.used = self.stats_read = self.real = self.dismissed = False
        self.failed: tuple[str, str] | None = None

    def say(self, **message: Any) -> None:
        """Send a message."""
        data = (json.dumps(message) + "\n").encode()
        while data:
            data = data[os.write(self._socket, data) :]

    def hear(self) -> Message:
        """Wait for the gate's next message; without a gate, end."""
        while b"\n" not in self._waiting:
            more = os.read(self._socket, 65536)
            if not more:
                os.killpg(0, signal.SIGKILL)
            self._waiting += more
        line, _, self._waiting = self._waiting.partition(b"\n")
        answer: Message = json.loads(line)
        return answer

    def stop(self) -> None:
        """Leave out this test and all after it."""
        if self.session is not None:
            self.session.shouldstop = "the gate has no time for more"
        pytest.skip("no time")

    def begin(self, item: pytest.Item) -> None:
        """Forget the test before."""
        self.session = item.session
        self.test, self.used, self.stats_read, self.real, self.failed = item.nodeid, False, False, False, None
        self.seed_everything()

    def seed_everything(self) -> None:
        """Let all sides draw the same random numbers."""
        random.seed(self.seed)
        numpy = sys.modules.get("numpy")
        if numpy is not None and hasattr(numpy, "random"):
            numpy.random.seed(self.seed % 2**32)


def end_with(gate_process: int) -> None:
    """Let the system end this process when the gate's ends, even in the middle of a compilation (Linux)."""
    if sys.platform == "linux":
        set_death_signal = 1
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
        if os.getppid() != gate_process:
            os.kill(os.getpid(), signal.SIGKILL)


_GATE: Gate | None = None


def current() -> Gate:
    """Return the gate's end; connected when pytest loads its plug-ins."""
    if _GATE is None:
        raise RuntimeError("gate: expected to be started by python -m fastsym.regression; got no socket; start that")
    return _GATE


def leave() -> None:
    """End at once, as the last of what runs at the exit: freeing all memory would take longer than many a benchmark."""
    if current().dismissed:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(0)


def connect() -> Gate:
    """Find the gate, as the first thing in this process; the process ends when the gate does."""
    global _GATE
    end_with(int(os.environ["FASTSYM_GATE_PROCESS"]))
    atexit.register(leave)
    _GATE = Gate(int(os.environ.pop("FASTSYM_GATE_SOCKET")), dict(os.environ))
    sys.meta_path.insert(0, _GATE.kernels)
    if _GATE.files is not None:
        _GATE.files.during = lambda: current().test is not None
    _GATE.seed_everything()
    return _GATE

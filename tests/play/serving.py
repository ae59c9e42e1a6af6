"""A playground in a process of its own, for tests; how it ended is told wherever that matters."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 900
"""After which a server that does not start or end is given up: it compiles, maybe on a busy machine."""
HOPE_SECONDS = 0.05
"""Time between two looks at what it has written."""


class Server(NamedTuple):
    process: subprocess.Popen[bytes]
    output: Path
    """What it writes, both streams; a file never fills up, as an unread pipe would."""

    def text(self) -> str:
        return self.output.read_text()

    def line(self, pattern: str) -> str:
        """Wait for a line that begins like this."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            ended = self.process.poll() is not None  # looked at first: what it wrote before is then in the file
            found = re.search(f"^{pattern}.*\n", self.text(), re.MULTILINE)
            if found:
                return found[0]
            if ended:
                break
            time.sleep(HOPE_SECONDS)
        raise AssertionError(f"no line {pattern!r}; {self.state()}")

    def state(self) -> str:
        status = self.process.poll()
        life = "it is running" if status is None else f"it ended with status {status}"
        return f"the playground wrote:\n{self.text()}and {life}"

    @property
    def url(self) -> str:
        return self.line("http://").split()[0]


@contextmanager
def started(*options: str) -> Iterator[Server]:
    """Start the playground; whatever happens, it is gone afterwards."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "fastsym.play", "--port", "0", "--no-browser", *options]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        with output.open("wb") as stream:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stream, stderr=subprocess.STDOUT)
        server = Server(process, output)
        try:
            yield server
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Share a server among the tests of a module; it must outlive them."""
    with started() as running:
        assert running.url
        yield running
        assert running.process.poll() is None, running.state()

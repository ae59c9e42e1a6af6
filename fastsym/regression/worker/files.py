"""Which files of the checkout a worker has opened."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "ctypes.dlopen")
"""Audit events after which not all that was read is known."""


class Files:
    """Which files of the checkout this process has opened, and whether it has started programs."""

    def __init__(self, tree: Path) -> None:
        self._root = str(tree) + os.sep
        self.opened: set[str] = set()
        self.programs = False
        self.during: Callable[[], bool] = lambda: False
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path = arguments[0]
            if isinstance(path, bytes):
                path = os.fsdecode(path)
            if isinstance(path, str):
                path = os.path.abspath(path)
                if path.startswith(self._root):
                    self.opened.add(_source(path[len(self._root) :]))
        elif event in PROGRAMS and self.during():
            self.programs = True

    def known(self) -> list[str]:
        """List the files, those of modules included, relative to the checkout."""
        paths = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
        loaded = {os.path.abspath(path) for path in paths if isinstance(path, str)}
        inside = {_source(path[len(self._root) :]) for path in loaded if path.startswith(self._root)}
        return sorted(self.opened | inside)


def _source(path: str) -> str:
    """Name the source file of a bytecode file."""
    folder, _, name = path.rpartition("/")
    if name.endswith(".pyc") and folder.rpartition("/")[2] == "__pycache__":
        return f"{folder.rpartition('/')[0]}/{name.partition('.')[0]}.py".lstrip("/")
    return path

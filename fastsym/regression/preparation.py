"""What makes a checkout ready to be imported: a build of its own, or made-up metadata; whether it is imported."""

import os
import shlex
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from fastsym._console import shielded
from fastsym.regression.checkouts import Tree
from fastsym.regression.findings import Report
from fastsym.regression.outcome import DISK_FULL, CannotJudgeError, SideFailedError, disk_full
from fastsym.regression.settings import Settings

OUTPUT_END = 1500
PIP = '#!/bin/sh\nexec {python} -m pip "$@"\n'
SITE = "fastsym-gate-outer.pth"
INSTALLED = ("site-packages", "dist-packages")


def prepare(tree: Tree, label: str, command: str, deadline: float) -> str:
    """Make a virtual environment for a side that sees the outer one, and run a shell command in it.

    Parameters
    ----------
    tree
        The side's checkout, where the command runs.
    label
        Name of the side.
    command
        For example ``pip install --no-deps .``; ``python`` and ``pip`` are those of the side's environment.
    deadline
        On the clock of ``time.monotonic``.

    Returns
    -------
    str
        The side's Python.

    Raises
    ------
    SideFailedError
        If the command fails.
    CannotJudgeError
        If it does not end in time, or the disk is full.
    """
    venv.create(tree.environment, with_pip=False, symlinks=True)
    python = tree.environment / "bin" / "python"
    inner = tree.environment / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    # A virtual environment sees the system's packages, not those of another virtual environment.
    outer = dict.fromkeys(path for path in sys.path if Path(path).name in INSTALLED)
    outer |= dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (inner / SITE).write_text("".join(f"{path}\n" for path in outer), encoding="utf-8")
    pip = tree.environment / "bin" / "pip"
    pip.write_text(PIP.format(python=shlex.quote(str(python))), encoding="utf-8")
    pip.chmod(0o755)
    tree.temporary.mkdir(exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    variables = {
        "PATH": os.pathsep.join([str(tree.environment / "bin"), os.environ.get("PATH", os.defpath)]),
        "VIRTUAL_ENV": str(tree.environment),
        "TMPDIR": str(tree.temporary),
    }
    with tempfile.TemporaryFile() as words:
        status = _run(command, tree.path, inherited | variables, words, deadline)
        words.seek(0)
        said = words.read().decode(errors="replace").strip()[-OUTPUT_END:]
    if DISK_FULL in said:
        raise disk_full(label)
    if status is None:
        raise CannotJudgeError(
            f"{label}: expected --prepare to end within the budget; got none; allow more with --budget"
        )
    if status != 0:
        raise SideFailedError(label, f"--prepare ends with {status}: {said}")
    return str(python)


def _run(command: str, folder: Path, environment: Mapping[str, str], words: Any, deadline: float) -> int | None:
    with shielded():
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            start_new_session=True,
        )
    try:
        return process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None
    finally:
        with shielded():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def make_metadata(folder: Path, name: str, project: Mapping[str, Any]) -> None:
    """Make up what an installer would have written, so that code can ask for the version of its own distribution."""
    version = str(project.get("project", {}).get("version") or _installed_version(name))
    made = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    made.mkdir()
    made.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")


def _installed_version(name: str) -> str:
    """Ask the environment for what pyproject.toml leaves to the build; 0 where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "0"


def check_origin(modules: Mapping[str, str], root: Path, tree: Path, settings: Settings, report: Report) -> None:
    """Make sure that the workers imported the checkouts' code, not the working tree's or an installed one.

    Parameters
    ----------
    modules
        Name -> file, of the head's worker.
    root
        The user's working tree.
    tree
        The head's checkout.
    settings
        Tells where the checkout's packages lie.
    report
        Takes a note, if there is nothing of the checkout but its tests.

    Raises
    ------
    CannotJudgeError
        If a module came from elsewhere.
    """
    root = root.resolve()
    for name, file in modules.items():
        path = Path(file)
        if path.is_relative_to(root) and not path.is_relative_to(sys.prefix) and not {*INSTALLED} & {*path.parts}:
            raise CannotJudgeError(
                f"{name}: expected it from the checkout {tree}; got {file}, your working tree; name the folder that "
                "its packages lie in with --path"
            )
    if settings.prepare is not None:
        return
    for folder in settings.paths:
        for package in sorted((tree / folder).glob("*/__init__.py")):
            name = package.parent.name
            origin = modules.get(name)
            if origin is not None and not Path(origin).is_relative_to(tree):
                raise CannotJudgeError(
                    f"{name}: expected it from the checkout {tree}; got {origin}, an installed one; name the folder "
                    "that its packages lie in with --path, or build it with --prepare"
                )
    bench = {name.partition("::")[0].rstrip("/") for name in settings.bench}
    own = [Path(file).relative_to(tree).as_posix() for file in modules.values() if Path(file).is_relative_to(tree)]
    timed = [
        n for n in own if not any(n == b or n.startswith(f"{b}/") for b in bench) and Path(n).name != "conftest.py"
    ]
    if not timed:
        report.note(
            "nothing of the checkout was imported but its tests: if they should time more, use --path or --prepare"
        )

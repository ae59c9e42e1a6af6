"""Puts a finished report in place, all of it or nothing, and never over somebody else's files."""

import errno
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastsym._console import shielded, unhurried

MANIFEST = "report.json"
FORMAT = "fastsym-report"
MARKDOWN = "report.md"
MARKDOWN_TITLE = "# Breaking symmetry in deep learning\n"
ADVICE = "move it away or choose another --out"
PROBE_FILES, PROBE_BYTES = 16, 1 << 20
"""Together more than a report of this package's own table takes, and each at least as large as any of its files."""
FULL = (errno.ENOSPC, errno.EDQUOT)
MOUNTS = Path("/proc/self/mountinfo")
"""Of Linux; the others have :func:`os.path.ismount` alone, which does not see folders of the same disk."""


def check_destination(out: Path) -> None:
    """Refuse a destination whose files are not all from an earlier report, or that cannot be replaced.

    Parameters
    ----------
    out
        Where a report is to go. May be missing, empty, or an earlier report.

    Raises
    ------
    FileExistsError
        If something else is there; the message says what. Links and mount points are something else, wherever they
        lead: no report has any.
    OSError
        If the folder, or one in it, cannot be read or written.
    """
    with _explained(out):
        _refuse_foreign(_resolved(out))


def _refuse_foreign(out: Path) -> None:
    if not (out.exists() or out.is_symlink()):
        return
    if not out.is_dir():
        raise FileExistsError(f"out: expected a folder; got {out}, which is a file; {ADVICE}")
    mounts = _mount_points()
    if out in mounts or os.path.ismount(out):
        raise FileExistsError(f"out: expected a folder to replace; got {out}, a mount point; choose a folder in it")
    names = _files_of_report(out)
    for path in _entries(out):
        name = path.relative_to(out).as_posix()
        if path in mounts or path.is_symlink() or os.path.ismount(path) or not (path.is_dir() or name in names):
            raise FileExistsError(
                f"out: expected a missing or empty folder, or an earlier report; got {out}, which holds {name}; "
                f"{ADVICE}"
            )


def _resolved(out: Path) -> Path:
    """Follow links; :meth:`pathlib.Path.resolve` raises if they lead in a circle."""
    return Path(os.path.realpath(out))


def _entries(folder: Path) -> Iterator[Path]:
    """Give everything in a folder, without following links, and refuse to if a part of it cannot be replaced."""

    def refuse(error: OSError) -> None:
        raise error

    for name, folders, files in os.walk(folder, onerror=refuse):
        if not os.access(name, os.W_OK | os.X_OK):
            raise PermissionError(f"out: expected a folder that can be written; got {name}; choose another --out")
        yield from (Path(name, each) for each in sorted(folders + files))


def _mount_points() -> set[Path]:
    """Where other file systems, or other parts of this one, begin; empty where the system does not say."""
    try:
        lines = MOUNTS.read_bytes().splitlines()
    except OSError:
        return set()
    escaped = (line.split(b" ")[4] for line in lines)
    return {Path(os.fsdecode(re.sub(rb"\\(\d{3})", lambda m: bytes([int(m[1], 8)]), each))) for each in escaped}


def _files_of_report(out: Path) -> set[str]:
    """Names of the files that a report, or a sample of one, says it consists of; none if it is neither."""
    text = _text(out / MANIFEST)
    if text is None:
        return _files_of_sample(out)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return set()
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return set()
    files = content.get("files")
    return {MANIFEST, *(name for name in files if isinstance(name, str))} if isinstance(files, list) else set()


def _files_of_sample(out: Path) -> set[str]:
    """Names of the files of a sample, which has no manifest: its Markdown and the figures that this shows."""
    text = _text(out / MARKDOWN)
    if text is None or not text.startswith(MARKDOWN_TITLE):
        return set()
    return {MARKDOWN, *re.findall(r"\]\((figures/[a-z0-9-]+\.png)\)", text)}


def _text(file: Path) -> str | None:
    """Read a file; None if there is no ordinary one, and nothing if it is no text."""
    if not file.is_file() or file.is_symlink():
        return None
    try:
        return file.read_text(encoding="utf-8")
    except ValueError:
        return ""


def check_writable(out: Path) -> None:
    """Refuse a destination that a report cannot be written to, as found by writing as much beside it.

    Parameters
    ----------
    out
        Where a report is to go; nothing there is changed.

    Raises
    ------
    OSError
        If nothing can be written there, or not enough; the message says why.
    """
    with _explained(out):
        beside = _resolved(out).parent
        while not beside.exists() and beside != beside.parent:
            beside = beside.parent
        with unhurried(), tempfile.TemporaryDirectory(prefix=".fastsym-", dir=beside) as name:
            for i in range(PROBE_FILES):
                Path(name, str(i)).write_bytes(bytes(PROBE_BYTES))


@contextmanager
def _explained(out: Path) -> Iterator[None]:
    """Say what to do about an error of the system."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # says so already
            raise
        raise OSError(
            f"out: expected a folder that can be written; got {out}: {error.strerror}; choose another --out"
            + ("" if error.errno not in FULL else ", or make room there")
        ) from error


@contextmanager
def placed(out: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it becomes ``out`` when the block ends, and vanishes if the block fails.

    Parameters
    ----------
    out
        Where the finished report goes. An earlier report there is replaced in one rename; until then it stays.

    Yields
    ------
    pathlib.Path
        A folder beside ``out``, so that the rename never crosses file systems.

    Raises
    ------
    FileExistsError
        If ``out`` holds something that is not a report.
    OSError
        If it cannot be written; the message says why.
    """
    out = _resolved(out)
    check_destination(out)
    with _explained(out), _beside(out) as name:
        fresh, old = Path(name) / "fresh", Path(name) / "old"
        fresh.mkdir()
        yield fresh
        check_destination(out)
        with shielded():
            if out.exists():
                out.rename(old)
            try:
                fresh.rename(out)
            except OSError:
                if old.exists():
                    old.rename(out)
                raise


@contextmanager
def _beside(out: Path) -> Iterator[str]:
    """Give a folder beside another, which vanishes at the end with all that is in it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with unhurried(), tempfile.TemporaryDirectory(prefix=".fastsym-", dir=out.parent) as name:
        yield name

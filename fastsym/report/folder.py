"""Puts a finished report in place, all of it or nothing, and never over somebody else's files."""

import json
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


def check_destination(out: Path) -> None:
    """Refuse a destination whose files are not all from an earlier report.

    Parameters
    ----------
    out
        Where a report is to go. May be missing, empty, or an earlier report.

    Raises
    ------
    FileExistsError
        If something else is there; the message says what.
    """
    if not out.exists():
        return
    advice = "move it away or choose another --out"
    if not out.is_dir():
        raise FileExistsError(f"out: expected a folder; got {out}, which is a file; {advice}")
    present = {str(path.relative_to(out)) for path in out.rglob("*") if not path.is_dir()}
    if not present:
        return
    foreign = sorted(present - _files_of_report(out))
    if foreign:
        raise FileExistsError(
            f"out: expected a missing or empty folder, or an earlier report; got {out}, "
            f"which holds {foreign[0]}{f' and {len(foreign) - 1} more' if foreign[1:] else ''}; {advice}"
        )


def _files_of_report(out: Path) -> set[str]:
    """Names of the files that a report, or a sample of one, says it consists of; none if it is neither."""
    try:
        content = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return _files_of_sample(out)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return set()
    return {MANIFEST, *map(str, content.get("files", ()))}


def _files_of_sample(out: Path) -> set[str]:
    """Names of the files of a sample, which has no manifest: its Markdown and the figures that this shows."""
    try:
        text = (out / MARKDOWN).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return set()
    if not text.startswith(MARKDOWN_TITLE):
        return set()
    return {MARKDOWN, *re.findall(r"\]\((figures/[a-z0-9-]+\.png)\)", text)}


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
    """
    out = out.resolve()
    check_destination(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with unhurried(), tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as name:
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

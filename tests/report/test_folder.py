"""A report is put in place whole or not at all, and never over somebody else's files."""

import errno
import json
import os
from pathlib import Path

import pytest

from fastsym.report import folder as module
from fastsym.report.folder import MANIFEST, check_destination, check_writable, placed

PAGE = "index.html"


def fake_report(folder: Path, text: str = "old", then: BaseException | None = None) -> None:
    folder.mkdir(exist_ok=True)
    (folder / PAGE).write_text(text)
    (folder / MANIFEST).write_text(json.dumps({"format": "fastsym-report", "files": [PAGE]}))
    if then is not None:
        raise then


def test_an_interrupted_run_keeps_the_earlier_report(tmp_path: Path) -> None:
    out = tmp_path / "latest"
    fake_report(out)
    with pytest.raises(KeyboardInterrupt), placed(out) as folder:
        fake_report(folder, "new", then=KeyboardInterrupt())
    assert (out / PAGE).read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_failed_rename_keeps_the_earlier_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "latest"
    fake_report(out)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == "fresh":
            raise OSError("disk full")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="disk full"), placed(out) as folder:
        fake_report(folder, "new")
    assert (out / PAGE).read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_new_report_replaces_the_earlier_one(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "latest"
    for text in ("first", "second"):
        with placed(out) as folder:
            fake_report(folder, text)
        assert (out / PAGE).read_text() == text
    assert list(out.parent.iterdir()) == [out]


def test_missing_and_empty_destinations_are_fine(tmp_path: Path) -> None:
    check_destination(tmp_path / "missing")
    check_destination(tmp_path)


def test_foreign_files_are_refused_and_kept(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    fake_report(out)
    (out / "notes.txt").write_text("precious")
    with pytest.raises(FileExistsError, match=r"which holds notes\.txt; move it away or choose another --out"):
        check_destination(out)
    with pytest.raises(FileExistsError, match="which is a file"):
        check_destination(out / "notes.txt")
    assert (out / "notes.txt").read_text() == "precious"


def test_files_that_appear_meanwhile_are_kept(tmp_path: Path) -> None:
    out = tmp_path / "latest"

    def meanwhile(folder: Path) -> None:
        fake_report(folder)
        out.mkdir()
        (out / "notes.txt").write_text("precious")

    with pytest.raises(FileExistsError), placed(out) as folder:
        meanwhile(folder)
    assert (out / "notes.txt").read_text() == "precious"


@pytest.mark.parametrize(
    "manifest",
    [
        b"{}",
        b"no JSON",
        b"\xff",
        b"[]",
        b"null",
        b'{"format": "fastsym-report"}',
        b'{"format": "fastsym-report", "files": null}',
        b'{"format": "fastsym-report", "files": {"index.html": 1}}',
        b'{"format": "fastsym-report", "files": "index.html"}',
        b'{"format": "fastsym-report", "files": [["index.html"], 1, null]}',
        b'{"format": ["fastsym-report"], "files": ["index.html"]}',
        b"[" * 100_000,
    ],
)
def test_a_manifest_that_no_report_wrote_makes_no_report(tmp_path: Path, manifest: bytes) -> None:
    (tmp_path / PAGE).write_text("precious")
    (tmp_path / MANIFEST).write_bytes(manifest)
    with pytest.raises(FileExistsError, match=r"which holds (index\.html|report\.json); move it away"):
        check_destination(tmp_path)


@pytest.mark.parametrize("name", [PAGE, MANIFEST, "figures"])
def test_a_link_is_no_part_of_a_report(tmp_path: Path, name: str) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    fake_report(elsewhere)
    fake_report(out)
    (out / name).unlink(missing_ok=True)
    (out / name).symlink_to(elsewhere if name == "figures" else elsewhere / name)
    with pytest.raises(FileExistsError, match=r"which holds (index\.html|figures); move it"):
        check_destination(out)


def test_a_link_to_a_report_is_followed_and_one_in_a_circle_is_not(tmp_path: Path) -> None:
    real, link, circle = tmp_path / "real", tmp_path / "link", tmp_path / "circle"
    fake_report(real)
    link.symlink_to(real)
    with placed(link) as folder:
        fake_report(folder, "new")
    assert link.is_symlink()
    assert (real / PAGE).read_text() == "new"
    circle.symlink_to(circle)
    with pytest.raises(OSError, match="out: expected a folder"):
        check_destination(circle)


@pytest.mark.parametrize("inside", [False, True])
def test_a_mount_point_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool) -> None:
    out = tmp_path / "a b"
    mounted = out / "figures" if inside else out
    fake_report(out)
    mounted.mkdir(exist_ok=True)
    table = tmp_path / "mountinfo"
    escaped = str(mounted).replace(" ", "\\040")
    table.write_text(f"36 35 98:0 / / rw - ext4 /dev/root rw\n37 36 98:0 /x {escaped} rw - ext4 /dev/root rw\n")
    check_destination(out)
    monkeypatch.setattr(module, "MOUNTS", table)
    with pytest.raises(FileExistsError, match="which holds figures" if inside else "a mount point; choose a folder in"):
        check_destination(out)


def test_what_cannot_be_written_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    check_writable(tmp_path / "deep" / "er" / "out")
    message = r"out: expected a folder that can be written; got .*: (Not a directory|File name too long); choose"
    with pytest.raises(OSError, match=message):
        check_writable(tmp_path / "file" / "out")
    for out in (tmp_path / ("x" * 300), tmp_path / ("x" * 300) / "out"):
        with pytest.raises(OSError, match=message):
            check_destination(out)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_noticed_at_once_and_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    fake_report(out)

    def full(self: Path, _: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    message = r"got .*out: No space left on device; choose another --out, or make room there"
    with pytest.raises(OSError, match=message):
        check_writable(out)
    with pytest.raises(OSError, match=message), placed(out) as folder:
        (folder / PAGE).write_bytes(b"new")
    assert (out / PAGE).read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    fake_report(tmp_path / "out")
    (tmp_path / "out").chmod(0o555)
    with pytest.raises(OSError, match="out: expected a folder that can be written"):
        check_destination(tmp_path / "out")

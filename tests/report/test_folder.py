"""A report is put in place whole or not at all, and never over somebody else's files."""

import json
from pathlib import Path

import pytest

from fastsym.report.folder import MANIFEST, check_destination, placed

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
    for manifest in ("{}", "not json"):
        (out / MANIFEST).write_text(manifest)
        with pytest.raises(FileExistsError, match=r"index\.html and 2 more"):
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

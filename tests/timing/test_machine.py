"""Where something was measured: what is described, and how a revision is found."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fastsym.timing.machine import describe_machine, git_revision, machine_name, processor_name


def test_the_machine_is_described_for_json():
    description = json.loads(json.dumps(describe_machine()))
    assert description["cores"] >= 1
    assert description["versions"]["numpy"] == np.__version__
    assert description["cpu"] in machine_name(description)


def test_the_blas_is_the_one_of_numpy(monkeypatch):
    pools = [
        {
            "user_api": "blas",
            "filepath": f"/site/{owner}.libs/a.so",
            "internal_api": owner,
            "version": "1",
            "num_threads": 2,
        }
        for owner in ("scipy", "numpy")
    ]
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: pools)
    assert describe_machine()["blas"].startswith("numpy 1")


def test_the_revision_is_that_of_the_checkout_the_file_belongs_to(tmp_path):
    def git(*arguments):
        names = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", "-C", tmp_path, *names, *arguments], check=True, capture_output=True)

    tracked, other = tmp_path / "a.py", tmp_path / "b.py"
    tracked.write_text("1")
    other.write_text("1")
    assert git_revision(tracked) is None
    git("init")
    git("add", "a.py")
    git("commit", "-m", "first")
    git("tag", "-a", "v1", "-m", "a release must not take the commit's place")
    revision = git_revision(tracked)
    assert revision is not None
    assert len(revision) == 40
    assert git_revision(other) is None
    tracked.write_text("2")
    assert git_revision(tracked) == f"{revision}-dirty"
    assert git_revision(Path("/nowhere/c.py")) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("processor\t: 0\nmodel\t\t: 17\nmodel name\t: Toy 8086: fast\n\nmodel name\t: another\n", "Toy 8086: fast"),
        ("processor\t: 0\nBogoMIPS\t: 50.00\n", "arm64"),
        (None, "arm64"),
    ],
)
def test_the_processor_is_named_as_its_maker_does_or_by_its_architecture(tmp_path, monkeypatch, text, name):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.processor", str)
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    assert processor_name(tmp_path / "cpuinfo") == name

"""What the tests of the gate share, as a plug-in: a second conftest would take the first one's name."""

import pytest
from gate_repository import make


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where temporary folders are made, by our own process and by others."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path, temporary):  # noqa: ARG001
    """A repository with one commit."""
    return make(tmp_path / "repository")

"""Checkouts of the gate, in throw-away repositories."""

import errno
import os
import shutil

import pytest
from conftest import posix_only
from gate_repository import commit, git, leftovers, make, write

from fastsym.regression.outcome import CannotJudgeError
from fastsym.regression.worktree import checkouts, open_repository


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where temporary folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path):
    """Three commits on main; the last two have the package."""
    folder = make(tmp_path / "repository")
    for text in ("A = 1\n", "A = 2\n"):
        write(folder, text)
        commit(folder, text)
    return folder


def code(tree):
    return (tree.path / "fastsym/__init__.py").read_text()


def test_sides_are_equal_but_for_their_code(folder, temporary):
    repository = open_repository(folder / "fastsym")  # from a subfolder, too
    base, head = repository.commit("HEAD~1"), repository.commit("HEAD")
    with checkouts(repository, {"base": base, "again": base, "head": head}) as trees:
        assert code(trees["base"]).endswith("A = 1\n")
        assert code(trees["again"]) == code(trees["base"])
        assert code(trees["head"]).endswith("A = 2\n")
        assert len({len(str(tree.path)) for tree in trees.values()}) == 1
        assert len({tree.path for tree in trees.values()}) == 3
        assert len({len(str(tree.cache)) for tree in trees.values()}) == 1
        assert len({tree.cache for tree in trees.values()}) == 3
        assert all(tree.cache.is_dir() for tree in trees.values())
        assert len(leftovers(folder, temporary)) == 4  # three that git knows, and the folder they are in
    assert leftovers(folder, temporary) == []
    assert git(folder, "status", "--porcelain") == ""


def test_many_sides_have_equal_paths(folder, temporary):
    repository = open_repository(folder)
    with checkouts(repository, dict.fromkeys(map(str, range(11)), repository.commit("HEAD"))) as trees:
        assert len({len(str(tree.path)) for tree in trees.values()}) == 1
    assert leftovers(folder, temporary) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_after_an_error(folder, temporary, error):
    repository = open_repository(folder)
    with pytest.raises(error), checkouts(repository, {"head": repository.commit("HEAD")}):  # noqa: PT012
        assert leftovers(folder, temporary)
        raise error
    assert leftovers(folder, temporary) == []


def test_a_dirty_tree_is_taken_as_it_is(folder, temporary):
    (folder / "gone.py").write_text("")
    (folder / "renamed.py").write_text("R = 1\n")
    head = commit(folder, "More files")
    (folder / "gone.py").unlink()
    git(folder, "mv", "renamed.py", "other.py")
    write(folder, "A = 3\n")
    (folder / "fastsym/new ä.py").write_text("N = 1\n")
    (folder / "new").mkdir()
    (folder / "new/link").symlink_to("nowhere")
    (folder / "ignored.log").write_text("")
    repository = open_repository(folder)
    changed = repository.changed()
    assert changed == ["fastsym/__init__.py", "fastsym/new ä.py", "gone.py", "new/link", "other.py", "renamed.py"]
    with checkouts(repository, {"base": head, "head": head}, {"head": changed}) as trees:
        assert code(trees["head"]).endswith("A = 3\n")
        assert code(trees["base"]).endswith("A = 2\n")
        there = {p.relative_to(trees["head"].path).as_posix() for p in trees["head"].path.rglob("*.py")}
        assert there == {"fastsym/__init__.py", "fastsym/agreement.py", "fastsym/new ä.py", "other.py"}
        assert os.readlink(trees["head"].path / "new/link") == "nowhere"
        assert not (trees["head"].path / "ignored.log").exists()
        assert (trees["base"].path / "gone.py").exists()
    assert leftovers(folder, temporary) == []
    assert (folder / "new/link").is_symlink()


def test_the_usual_base(folder):
    repository = open_repository(folder)
    first, second = repository.commit("HEAD~1"), repository.commit("HEAD")
    assert repository.usual_base() == first  # on main: the commit before
    write(folder, "A = 4\n")
    assert repository.usual_base() == second  # with changes: what they were made to
    git(folder, "switch", "--quiet", "--create", "topic")
    commit(folder, "On a branch")
    assert repository.usual_base() == second
    git(folder, "branch", "--quiet", "--move", "main", "trunk")
    with pytest.raises(CannotJudgeError, match="base: expected a branch main"):
        repository.usual_base()


def test_titles(folder):
    repository = open_repository(folder)
    assert repository.title(repository.commit("HEAD")).endswith(" A = 2")


@pytest.mark.parametrize("revision", ["nonsense", "HEAD~7", "--help", "HEAD:fastsym", ""])
def test_an_unknown_revision(folder, revision):
    with pytest.raises(CannotJudgeError, match="expected a commit, branch or tag"):
        open_repository(folder).commit(revision)


def test_a_revision_without_the_package(folder):
    with pytest.raises(CannotJudgeError, match=r"revision 'HEAD~2': expected fastsym/__init__\.py in it"):
        open_repository(folder).commit("HEAD~2")


def test_no_repository(tmp_path):
    with pytest.raises(CannotJudgeError, match="expected a git repository; got none"):
        open_repository(tmp_path)


def test_no_git(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(CannotJudgeError, match="git not found; install it"):
        open_repository(folder)


def test_a_full_disk_while_files_are_copied(folder, temporary, monkeypatch):
    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copy2", full)
    repository = open_repository(folder)
    with (
        pytest.raises(CannotJudgeError, match="the disk is full; free some space"),
        checkouts(repository, {"head": repository.commit("HEAD")}, {"head": [".gitignore"]}),
    ):
        pass
    assert leftovers(folder, temporary) == []


@posix_only
def test_a_full_disk_while_git_writes(folder, temporary, monkeypatch, tmp_path):
    repository = open_repository(folder)
    head = repository.commit("HEAD")
    fake = tmp_path / "bin/git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'fatal: cannot create directory: No space left on device' >&2\nexit 128\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent))
    with pytest.raises(CannotJudgeError, match="git worktree: the disk is full"), checkouts(repository, {"head": head}):
        pass
    monkeypatch.undo()
    assert leftovers(folder, temporary) == []


def test_inside_a_hook_of_another_repository(folder, tmp_path, monkeypatch):
    other = make(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    assert open_repository(folder).root == folder.resolve()
    assert open_repository(folder).changed() == []


@posix_only
def test_hooks_do_not_run(folder, temporary):
    hook = folder / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{temporary}/hook-ran'\n")
    hook.chmod(0o755)
    repository = open_repository(folder)
    with checkouts(repository, {"head": repository.commit("HEAD")}):
        pass
    assert leftovers(folder, temporary) == []

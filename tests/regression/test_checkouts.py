"""Checkouts of the gate, in throw-away repositories: they hold what they should, and nothing is left or run."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import posix_only
from gate_repository import PACKAGE, commit, git, leftovers, make, write

from fastsym.regression.checkouts import carry, check_out, remove_stale, workshop
from fastsym.regression.outcome import CannotJudgeError
from fastsym.regression.repository import open_repository
from fastsym.regression.sources import files_of

pytest_plugins = ("gate_fixtures",)

CODE = "src/toy_package/__init__.py"


@pytest.fixture
def taken(folder, temporary):  # noqa: ARG001
    """Check out a commit, or the working tree; returns a function to look into it while it is there."""

    def look(function, revision="HEAD", *, working=False, where=folder):
        repository = open_repository(where)
        with workshop() as place:
            tree = place.tree()
            check_out(repository, repository.commit(revision), tree, place, working=working)
            return function(tree.path), list(place.notes)

    return look


def test_a_commit_and_the_working_tree(folder, temporary, taken):
    write(folder, {CODE: "A = 2\n"})
    assert taken(lambda tree: (tree / CODE).read_text())[0] == PACKAGE
    assert taken(lambda tree: (tree / CODE).read_text(), working=True)[0] == "A = 2\n"
    assert leftovers(folder, temporary) == []


def test_all_paths_are_equally_long(folder, temporary):  # noqa: ARG001
    with workshop() as place:
        trees = [place.tree() for _ in range(12)]
        for paths in zip(*(map(str, tree.folders) for tree in trees), strict=True):
            assert len(set(paths)) == 12
            assert len({len(path) for path in paths}) == 1


def test_the_working_tree_is_taken_as_it_is(folder, temporary, taken):
    write(folder, {"gone.py": "", "renamed.py": "R = 1\n", "deep/a/b.py": ""})
    commit(folder, "More files")
    (folder / "gone.py").unlink()
    git(folder, "mv", "renamed.py", "other.py")
    write(folder, {"src/new ä.py": "N = 1\n", "ignored.log": "", "new/x": ""})
    (folder / "new/link").symlink_to("nowhere")
    before = git(folder, "status", "--porcelain")
    found, _ = taken(lambda tree: (files_of(tree), os.readlink(tree / "new/link")), working=True)
    assert found[0] == {
        ".gitignore", "README.md", CODE, "bench/test_count.py", "other.py", "src/new ä.py", "new/x", "new/link",
        "deep/a/b.py",
    }  # fmt: skip
    assert found[1] == "nowhere"
    assert git(folder, "status", "--porcelain") == before
    assert leftovers(folder, temporary) == []


def to_folder(path):
    path.unlink()
    write(path, {"x": "1"})


def to_file(path):
    shutil.rmtree(path)
    path.write_text("1")


def to_link(path):
    shutil.rmtree(path)
    path.symlink_to("nowhere")


def to_link_to_folder(path):
    shutil.rmtree(path)
    path.symlink_to("bench")


@pytest.mark.parametrize(
    ("name", "change", "there", "gone"),
    [
        ("README.md", to_folder, "README.md/x", "README.md"),
        ("deep", to_file, "deep", "deep/a/b"),
        ("deep", to_link, "deep", "deep/a/b"),
        ("deep", to_link_to_folder, "deep", "deep/a/b"),
    ],
)
def test_files_and_folders_and_links_that_took_each_others_place(folder, taken, name, change, there, gone):
    write(folder, {"deep/a/b": "", "deep/c": ""})
    commit(folder, "A folder")
    change(folder / name)
    found, _ = taken(files_of, working=True)
    assert there in found
    assert gone not in found
    assert CODE in found


def test_submodules_are_filled_in_at_both_commits(tmp_path, folder, taken):
    inner = make(tmp_path / "inner", {"inner.py": "I = 1\n"})
    git(folder, "submodule", "--quiet", "add", str(inner), "libs/inner")
    commit(folder, "A submodule")
    write(inner, {"inner.py": "I = 2\n"})
    commit(inner, "Second")
    git(folder / "libs/inner", "pull", "--quiet")
    for revision, working, text in (("HEAD", False, "I = 1\n"), ("HEAD", True, "I = 2\n")):
        found, notes = taken(lambda tree: (tree / "libs/inner/inner.py").read_text(), revision, working=working)
        assert (found, notes) == (text, [])
    git(folder, "submodule", "--quiet", "deinit", "--force", "libs/inner")
    found, notes = taken(lambda tree: (tree / "libs/inner/inner.py").exists())
    assert not found
    assert "submodule inner is left empty" in notes[0]
    assert not taken(lambda tree: (tree / "libs/inner/inner.py").exists(), working=True)[0]


def test_generated_version_files_are_carried_along(folder, taken):
    write(
        folder, {".gitignore": "_version.py\n", "src/toy_package/_version.py": "version = '1'\n", "x/y/_version.py": ""}
    )
    found, _ = taken(files_of)
    assert "src/toy_package/_version.py" in found
    assert "x/y/_version.py" not in found


def test_a_checkout_is_a_repository_with_the_tags(folder, taken):
    git(folder, "tag", "v1.0")
    described, _ = taken(lambda tree: git(tree, "describe", "--tags", "--dirty"))
    assert described == "v1.0"


def test_a_shallow_clone(tmp_path, folder, taken):
    commit(folder, "Second")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{folder}", "shallow")
    assert taken(lambda tree: (tree / CODE).read_text(), where=tmp_path / "shallow")[0] == PACKAGE


def test_a_linked_worktree(tmp_path, folder, taken):
    git(folder, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    assert taken(lambda tree: (tree / CODE).read_text(), where=tmp_path / "linked")[0] == PACKAGE


@pytest.mark.parametrize("working", [False, True])
@posix_only
def test_no_program_of_the_configuration_runs(folder, temporary, taken, working):
    mark = temporary.parent / "ran"
    program = temporary.parent / "program"
    program.write_text(f"#!/bin/sh\necho $0 $@ >> '{mark}'\ncat\n")
    program.chmod(0o755)
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        shutil.copy(program, folder / ".git/hooks" / hook)
    for name in (
        "core.fsmonitor",
        "filter.x.smudge",
        "filter.x.clean",
        "filter.x.process",
        "diff.x.textconv",
        "gpg.program",
    ):
        git(folder, "config", name, str(program))
    git(folder, "config", "filter.x.required", "true")
    git(folder, "config", "log.showSignature", "true")
    (folder / ".git/info/attributes").write_text("README.md filter=x diff=x\n")
    write(folder, {"README.md": "Other\n"})
    taken(lambda tree: (tree / "README.md").read_text(), working=working)
    repository = open_repository(folder)
    repository.title(repository.commit("HEAD"))
    assert repository.usual_base() == repository.commit("HEAD")
    assert not mark.exists(), mark.read_text()


def test_inside_a_hook_of_another_repository(folder, tmp_path, monkeypatch):
    other = make(tmp_path / "other", {"other.py": ""})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    assert open_repository(folder).root == folder.resolve()
    assert "other.py" not in open_repository(folder).files()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_after_an_error(folder, temporary, error):
    with pytest.raises(error), workshop() as place:  # noqa: PT012
        assert list(temporary.iterdir())
        read_only = place.folder / "a" / "b"
        read_only.mkdir(parents=True)
        (read_only / "file").touch()
        read_only.chmod(0o500)
        raise error
    assert leftovers(folder, temporary) == []


@posix_only
def test_what_a_killed_run_left_is_removed_and_what_is_in_use_is_not(temporary):
    script = """
import os, signal
from fastsym.regression.checkouts import workshop
with workshop():
    os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", script], cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, check=False)
    assert len(list(temporary.iterdir())) == 1
    with workshop() as place:
        assert list(temporary.iterdir()) == [place.folder]
        remove_stale()
        assert list(temporary.iterdir()) == [place.folder]
    foreign = temporary / "fastsym-gate-without-a-lock"
    foreign.mkdir()
    remove_stale()
    assert list(temporary.iterdir()) == [foreign]


def test_a_full_disk_says_so(folder, temporary, monkeypatch, taken):
    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(CannotJudgeError, match="the disk is full; free some space"):
        taken(files_of, working=True)
    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(CannotJudgeError, match="temporary folder: the disk is full"):
        taken(files_of)
    assert leftovers(folder, temporary) == []


@posix_only
def test_a_full_disk_while_git_writes(folder, temporary, monkeypatch, tmp_path):
    fake = tmp_path / "bin/git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'fatal: cannot create directory: No space left on device' >&2\nexit 128\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent))
    with pytest.raises(CannotJudgeError, match="git rev-parse: the disk is full"):
        open_repository(folder)
    assert list(temporary.iterdir()) == []


def test_carrying_benchmarks(folder, temporary):  # noqa: ARG001
    base = git(folder, "rev-parse", "HEAD")
    write(
        folder,
        {
            "bench/test_new.py": "",
            "bench/test_count.py": "changed",
            "conftest.py": "",
            "src/conftest.py": "",
            CODE: "A = 2\n",
        },
    )
    (folder / "bench" / "old.py").write_text("")
    repository = open_repository(folder)
    with workshop() as place:
        tree = place.tree()
        check_out(repository, base, tree, place)
        write(tree.path, {"bench/only_at_the_base.py": ""})
        carry(repository, ["bench"], tree)
        assert {name for name in files_of(tree.path) if name.startswith("bench/")} == {
            "bench/test_new.py", "bench/test_count.py", "bench/old.py",
        }  # fmt: skip
        assert (tree.path / "bench/test_count.py").read_text() == "changed"
        assert (tree.path / "conftest.py").exists()
        assert not (tree.path / "src/conftest.py").exists()
        assert (tree.path / CODE).read_text() == PACKAGE


# Revisions


def test_the_usual_base(folder):
    repository = open_repository(folder)
    first = repository.commit("HEAD")
    with pytest.raises(CannotJudgeError, match="base: HEAD is on main, so expected a commit before it"):
        repository.usual_base()
    second = commit(folder, "Second")
    assert repository.usual_base() == first  # on main: the commit before
    write(folder, {CODE: "A = 4\n"})
    assert repository.usual_base() == second  # with changes: what they were made to
    git(folder, "switch", "--quiet", "--create", "topic")
    commit(folder, "On a branch")
    assert repository.usual_base() == second
    git(folder, "branch", "--quiet", "--move", "main", "master")
    assert repository.usual_base() == second
    git(folder, "branch", "--quiet", "--move", "master", "trunk")
    with pytest.raises(CannotJudgeError, match="base: expected a branch main"):
        repository.usual_base()


def test_titles(folder):
    repository = open_repository(folder)
    assert repository.title(repository.commit("HEAD")).endswith(" Begin | with `marks`")


@pytest.mark.parametrize("revision", ["nonsense", "HEAD~7", "--help", "HEAD:src", ""])
def test_an_unknown_revision(folder, revision):
    with pytest.raises(CannotJudgeError, match="expected a commit, branch or tag"):
        open_repository(folder).commit(revision)


def test_no_repository_and_no_git(tmp_path, monkeypatch):
    with pytest.raises(CannotJudgeError, match="expected a git repository; got none"):
        open_repository(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotJudgeError, match="git not found; install it"):
        open_repository(tmp_path)

"""Checkouts of several revisions beside each other, in folders whose paths are equally long.

The length of a path can move what a process keeps in memory, and with it its speed; here no side has the longer one.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fastsym.regression.outcome import CannotJudgeError, disk_trouble

MAIN = ("main", "origin/main")
PACKAGE = "fastsym/__init__.py"
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
"""Set inside hooks of git, where they would lead our own git commands to another checkout."""


@dataclass(frozen=True)
class Tree:
    """One checkout, with a Numba cache that nothing else uses."""

    path: Path
    cache: Path


@dataclass(frozen=True)
class Repository:
    """The checkout that the gate was started in."""

    root: Path

    def git(self, *arguments: str) -> str:
        """Run a git command here and return what it prints.

        Raises
        ------
        CannotJudgeError
            If there is no git, or it fails; the message holds what it said.
        """
        return _git(self.root, *arguments)

    def commit(self, revision: str) -> str:
        """Return the full name of a revision's commit, which must hold the package.

        Raises
        ------
        CannotJudgeError
            If there is no such revision, or no fastsym in it.
        """
        try:
            commit = self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
        except CannotJudgeError as error:
            raise CannotJudgeError(
                f"revision {revision!r}: expected a commit, branch or tag of {self.root}; got none of that name; "
                "fetch it (a shallow clone lacks the history: git fetch --unshallow), or name another with --against"
            ) from error
        try:
            self.git("cat-file", "-e", f"{commit}:{PACKAGE}")
        except CannotJudgeError as error:
            raise CannotJudgeError(
                f"revision {revision!r}: expected {PACKAGE} in it; got a revision without fastsym; name a later one "
                "with --against"
            ) from error
        return commit

    def title(self, commit: str) -> str:
        """Return the commit's short name and subject."""
        return self.git("show", "--no-patch", "--format=%h %s", commit).strip()

    def changed(self) -> list[str]:
        """List the files that differ from HEAD, new ones that git does not ignore included."""
        tracked = self.git("diff", "--name-only", "--no-renames", "-z", "HEAD")
        new = self.git("ls-files", "--others", "--exclude-standard", "-z")
        return sorted({name for name in (tracked + new).split("\0") if name and not name.endswith("/")})

    def usual_base(self) -> str:
        """Return the merge base of HEAD and main; on main itself, the commit before unless there are changes.

        Raises
        ------
        CannotJudgeError
            If there is no main, nothing in common with it, or no commit before.
        """
        head = self.commit("HEAD")
        for main in MAIN:
            try:
                base = self.git("merge-base", "HEAD", main).strip()
            except CannotJudgeError:
                continue
            return self.commit("HEAD~1") if base == head and not self.changed() else base
        raise CannotJudgeError(
            f"base: expected a branch {' or '.join(MAIN)} with which HEAD has a commit in common; got none; fetch it "
            "(a shallow clone lacks the history: git fetch --unshallow), or name the base with --against"
        )


def _git(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    command = ["git", "-C", str(folder), "-c", f"core.hooksPath={os.devnull}", *arguments]
    try:
        done = subprocess.run(
            command,
            env=environment | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError as error:
        raise CannotJudgeError("git not found; install it") from error
    if done.returncode != 0:
        if "No space left on device" in done.stderr:
            raise CannotJudgeError(
                f"git {arguments[0]}: the disk is full; free some space, or set TMPDIR to a folder on another disk"
            )
        raise CannotJudgeError(
            f"git {arguments[0]}: expected success; got exit {done.returncode}: {done.stderr.strip()}"
        )
    return done.stdout


def open_repository(folder: Path) -> Repository:
    """Find the checkout that a folder is in.

    Raises
    ------
    CannotJudgeError
        If git is missing, or the folder is in no checkout.
    """
    try:
        root = _git(folder, "rev-parse", "--show-toplevel").rstrip("\n")
    except CannotJudgeError as error:
        if "not a git repository" in str(error):
            raise CannotJudgeError(
                f"{folder}: expected a git repository; got none; start the gate inside a clone of fastsym"
            ) from error
        raise
    return Repository(Path(root))


@contextmanager
def checkouts(
    repository: Repository, revisions: Mapping[str, str], changed: Mapping[str, Collection[str]] | None = None
) -> Iterator[dict[str, Tree]]:
    """Check out revisions into a temporary folder, and remove them again whatever happens.

    Parameters
    ----------
    repository
        Where they come from.
    revisions
        Label -> commit. Two labels may have the same commit.
    changed
        Label -> names of files that are taken from the repository's working tree instead, or removed if they are not
        there: what :meth:`Repository.changed` returns.

    Yields
    ------
    dict
        Label -> :class:`Tree`.

    Raises
    ------
    CannotJudgeError
        If git fails or the disk is full.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="fastsym-gate-")).resolve()
    except OSError as error:
        raise disk_trouble(error, "temporary folder") from error
    width = len(str(len(revisions)))
    trees = {
        label: Tree(folder / f"tree-{index:0{width}}", folder / f"cache-{index:0{width}}")
        for index, label in enumerate(revisions)
    }
    begun: list[Tree] = []
    try:
        for label, tree in trees.items():
            begun.append(tree)
            repository.git("worktree", "add", "--quiet", "--detach", str(tree.path), revisions[label])
            try:
                tree.cache.mkdir()
                for name in (changed or {}).get(label, ()):
                    _take(repository.root / name, tree.path / name)
            except OSError as error:
                raise disk_trouble(error, tree.path) from error
        yield trees
    finally:
        _remove(repository, folder, [tree.path for tree in begun])


def _take(source: Path, target: Path) -> None:
    """Make a file of the working tree, present or removed, the same in the checkout."""
    if source.is_symlink() or source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    else:
        target.unlink(missing_ok=True)


def _remove(repository: Repository, folder: Path, paths: Sequence[Path]) -> None:
    """Remove checkouts, whole or half made, and the folder around them."""
    half_made = False
    for path in paths:
        try:
            repository.git("worktree", "remove", "--force", str(path))
        except CannotJudgeError:
            half_made = True
    shutil.rmtree(folder, ignore_errors=True)
    if half_made:
        with suppress(CannotJudgeError):  # then git cannot do anything here, and has not begun anything either
            repository.git("worktree", "prune")

"""The git repository that the gate was started in: revisions, and which files make its working tree.

No program that a configuration of git names is run: no hook, no file-system monitor, no filter, no signature check.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastsym.regression.outcome import DISK_FULL, CannotJudgeError, disk_full

MAIN = ("main", "origin/main", "master", "origin/master")
ELSEWHERE = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_EXTERNAL_DIFF",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
)
"""Set inside hooks of git, where they would lead our own git commands to another checkout."""
NO_PROGRAMS = (
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "log.showSignature=false",
)
LINK_TO_A_REPOSITORY = "160000"
"""The mode of a submodule in a tree."""


def git(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a git command in a folder and return what it prints.

    Raises
    ------
    CannotJudgeError
        If there is no git, or it fails; the message holds what it said.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *NO_PROGRAMS, *arguments],
            env=inherited | {"LC_ALL": "C", "GIT_NO_LAZY_FETCH": "1"} | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except FileNotFoundError as error:
        raise CannotJudgeError("git not found; install it") from error
    if done.returncode != 0:
        if DISK_FULL in done.stderr:
            raise disk_full(f"git {arguments[0]}")
        raise CannotJudgeError(
            f"git {arguments[0]}: expected success; got exit {done.returncode}: {done.stderr.strip()}"
        )
    return done.stdout


@dataclass(frozen=True)
class Repository:
    """The checkout that the gate was started in."""

    root: Path

    def git(self, *arguments: str) -> str:
        """Run a git command here, see :func:`git`."""
        return git(self.root, *arguments)

    def commit(self, revision: str) -> str:
        """Return the full name of a revision's commit.

        Raises
        ------
        CannotJudgeError
            If there is no such revision.
        """
        try:
            return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
        except CannotJudgeError as error:
            raise CannotJudgeError(
                f"revision {revision!r}: expected a commit, branch or tag of {self.root}; got none of that name; "
                "fetch it (a shallow clone lacks the history: git fetch --unshallow), or name another with --against"
            ) from error

    def title(self, commit: str) -> str:
        """Return the commit's short name and subject."""
        return self.git("log", "-1", "--no-show-signature", "--format=%h %s", commit).strip()

    def usual_base(self) -> str:
        """Return the merge base of HEAD and the main branch; on that branch, the commit before unless it is dirty.

        Raises
        ------
        CannotJudgeError
            If there is no main branch, nothing in common with it, or no commit before.
        """
        head = self.commit("HEAD")
        for main in MAIN:
            try:
                base = self.git("merge-base", "HEAD", main).strip()
            except CannotJudgeError:
                continue
            if base != head or self._dirty():
                return base
            try:
                return self.commit("HEAD~1")
            except CannotJudgeError:
                raise CannotJudgeError(
                    f"base: HEAD is on {main}, so expected a commit before it; got none; name another with --against "
                    "(a shallow clone lacks the history: git fetch --unshallow)"
                ) from None
        raise CannotJudgeError(
            f"base: expected a branch {' or '.join(MAIN)} with which HEAD has a commit in common; got none; fetch it "
            "(a shallow clone lacks the history: git fetch --unshallow), or name the base with --against"
        )

    def _dirty(self) -> bool:
        filters = self._filters_off()
        changed = git(self.root, *filters, "diff", "--name-only", "--no-ext-diff", "--no-textconv", "HEAD")
        return bool(changed or self.git("ls-files", "--others", "--exclude-standard"))

    def _filters_off(self) -> list[str]:
        try:
            names = self.git("config", "--name-only", "--get-regexp", r"^filter\.")
        except CannotJudgeError:  # none is configured
            return []
        return [part for name in names.splitlines() for part in ("-c", f"{name}={_off(name)}")]

    def files(self) -> list[str]:
        """List the working tree's files: those that git knows and that are there, and new ones that it does not ignore.

        A submodule is in it as the files of its own working tree.
        """
        return sorted(_files(self.root, ""))


def _off(name: str) -> str:
    return "false" if name.endswith(".required") else ""


def _files(folder: Path, prefix: str) -> list[str]:
    listed = git(folder, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    found: list[str] = []
    for name in dict.fromkeys(part.rstrip("/") for part in listed if part):
        path = folder / name
        if _through_link(folder, name):  # what git knew in a folder that is a link now
            continue
        if path.is_symlink() or path.is_file():
            found.append(prefix + name)
        elif (path / ".git").exists():
            found += _files(path, f"{prefix}{name}/")
    return found


def _through_link(folder: Path, name: str) -> bool:
    return any((folder / parent).is_symlink() for parent in Path(name).parents)


def submodules(folder: Path, commit: str) -> list[tuple[str, str]]:
    """List the submodules of a commit: path and commit of each."""
    entries = git(folder, "ls-tree", "-r", "-z", commit).split("\0")
    found = []
    for entry in entries:
        about, _, path = entry.partition("\t")
        if about.startswith(LINK_TO_A_REPOSITORY):
            found.append((path, about.split()[2]))
    return found


def open_repository(folder: Path) -> Repository:
    """Find the checkout that a folder is in.

    Raises
    ------
    CannotJudgeError
        If git is missing, or the folder is in no checkout.
    """
    try:
        root = git(folder, "rev-parse", "--show-toplevel").rstrip("\n")
    except CannotJudgeError as error:
        if "not a git repository" in str(error):
            raise CannotJudgeError(
                f"{folder}: expected a git repository; got none; start the gate inside a clone"
            ) from error
        raise
    return Repository(Path(root))


def object_folder(folder: Path) -> Path:
    """Return where a repository keeps its objects."""
    found = Path(git(folder, "rev-parse", "--git-path", "objects").rstrip("\n"))
    return found if found.is_absolute() else (folder / found).resolve()


def is_shallow_file(folder: Path) -> Path:
    """Return where a repository would list the commits that it lacks the parents of."""
    found = Path(git(folder, "rev-parse", "--git-path", "shallow").rstrip("\n"))
    return found if found.is_absolute() else folder / found


def tags(folder: Path) -> Sequence[str]:
    """List the tags as lines of a packed-refs file."""
    return git(folder, "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags").splitlines()

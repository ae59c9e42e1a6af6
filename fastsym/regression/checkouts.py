"""Checkouts of the sides beside each other, in folders whose paths are equally long.

The length of a path can move what a process keeps in memory, and with it its speed; here no side has the longer one.

They are repositories of their own that borrow the objects of the user's (``objects/info/alternates``): nothing is
written into the user's repository, so that nothing can be left in it, and its configuration does not hold in them.
All of a run lies in one temporary folder whose lock says that it is in use; the next run removes folders without.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fastsym._console import shielded
from fastsym.regression import repository as repositories
from fastsym.regression.outcome import CannotJudgeError, disk_trouble
from fastsym.regression.repository import Repository, git

PREFIX = "fastsym-gate-"
LOCK = "lock"
ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
"""No configuration but a checkout's own, which is empty."""
GENERATED = (":(glob)*/_version.py", ":(glob)src/*/_version.py")
"""Files that builds generate, that git ignores, and without which a bare checkout cannot be imported."""


@dataclass(frozen=True)
class Tree:
    """One side's checkout, with folders that nothing else uses."""

    path: Path
    cache: Path
    """For Numba."""
    kept: Path
    """What the suite's own code wants to keep between the processes of this side."""
    environment: Path
    """Of the packages that the side was built into, if it was."""
    temporary: Path
    """For the temporary files of its processes: what a killed one leaves goes with the run's folder."""

    @property
    def folders(self) -> tuple[Path, ...]:
        """All of them."""
        return self.path, self.cache, self.kept, self.environment, self.temporary

    def remove(self) -> None:
        """Remove what is there."""
        for folder in self.folders:
            if folder.exists():
                remove(folder)


@dataclass
class Workshop:
    """The temporary folder of a run."""

    folder: Path
    notes: list[str] = field(default_factory=list)
    _made: int = 0

    def tree(self) -> Tree:
        """Choose the next folder for a checkout."""
        number = f"{self._made:03}"
        self._made += 1
        parts = (self.folder / f"{kind}-{number}" for kind in ("tree", "cache", "kept", "venv", "temp"))
        return Tree(*parts)

    def note(self, text: str) -> None:
        """Keep a note, once."""
        if text not in self.notes:
            self.notes.append(text)


@contextmanager
def workshop() -> Iterator[Workshop]:
    """Make a temporary folder, and remove it again whatever happens; also those of runs that were killed.

    Raises
    ------
    CannotJudgeError
        If it cannot be made.
    """
    remove_stale()
    folder: Path | None = None
    lock: IO[str] | None = None
    try:
        with shielded():
            try:
                folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
                lock = (folder / LOCK).open("w", encoding="utf-8")
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError as error:
                raise disk_trouble(error, "temporary folder") from error
        yield Workshop(folder)
    finally:
        with shielded():
            if folder is not None:
                remove(folder)
            if lock is not None:
                lock.close()


def remove_stale() -> None:
    """Remove the folders of runs that ended without doing so themselves."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with (folder / LOCK).open("r+", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)
        except OSError:  # in use, just being made, or somebody else's
            continue


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, also what was made read-only."""

    def allow(function: object, path: str, _error: BaseException) -> None:
        with_parent = Path(path).parent
        for each in (with_parent, Path(path)):
            if not each.is_symlink() and each.is_dir():
                each.chmod(0o700)
        if function in (os.unlink, os.rmdir):
            try:
                os.unlink(path) if function is os.unlink else os.rmdir(path)
            except OSError:
                return
        else:
            shutil.rmtree(path, ignore_errors=True)

    shutil.rmtree(folder, onerror=lambda function, path, error: allow(function, path, error[1]))


def check_out(repository: Repository, commit: str, tree: Tree, notes: Workshop, *, working: bool = False) -> None:
    """Fill a folder with a commit, or with the working tree as it is now.

    Parameters
    ----------
    repository
        Where it comes from.
    commit
        Full name of the commit, which the checkout's HEAD will be.
    tree
        Where to.
    notes
        Takes what could not be had.
    working
        Take the files of the repository's working tree instead: also such as are not committed yet.

    Raises
    ------
    CannotJudgeError
        If git fails or the disk is full.
    """
    try:
        for folder in (tree.path, tree.cache, tree.kept):
            folder.mkdir()
        _borrow(repository.root, tree.path)
        git(tree.path, "update-ref", "--no-deref", "HEAD", commit, environment=ALONE)
        if working:
            git(tree.path, "read-tree", commit, environment=ALONE)
            for name in repository.files():
                _copy(repository.root / name, tree.path / name)
        else:
            git(tree.path, "read-tree", "-u", "--reset", commit, environment=ALONE)
            for path, inner in repositories.submodules(tree.path, commit):
                _submodule(repository.root / path, inner, tree.path / path, notes)
        for name in _generated(repository.root):
            if not (tree.path / name).exists():
                _copy(repository.root / name, tree.path / name)
    except OSError as error:
        raise disk_trouble(error, tree.path) from error


def _borrow(root: Path, path: Path) -> None:
    """Make an empty repository that reads the objects of another."""
    kind = git(root, "rev-parse", "--show-object-format").strip()
    options = [] if kind == "sha1" else [f"--object-format={kind}"]
    git(path.parent, "init", "--quiet", "--template=", *options, str(path), environment=ALONE)
    made = path / ".git"
    (made / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (made / "objects/info/alternates").write_text(f"{repositories.object_folder(root)}\n", encoding="utf-8")
    shallow = repositories.is_shallow_file(root)
    if shallow.exists():
        shutil.copy(shallow, made / "shallow")
    lines = repositories.tags(root)
    (made / "packed-refs").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _submodule(source: Path, commit: str, target: Path, notes: Workshop) -> None:
    """Fill in a submodule, from the one in the user's working tree."""
    target.mkdir(parents=True, exist_ok=True)
    try:
        folder = source if (source / ".git").exists() else source.parent / "not there"
        git(folder, "cat-file", "-e", f"{commit}^{{commit}}")
        _borrow(source, target)
        git(target, "read-tree", "-u", "--reset", commit, environment=ALONE)
    except CannotJudgeError:
        notes.note(f"submodule {source.name} is left empty: its commit {commit[:12]} is not here")
        return
    for path, inner in repositories.submodules(target, commit):
        _submodule(source / path, inner, target / path, notes)


def _generated(root: Path) -> list[str]:
    found = git(root, "ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", *GENERATED)
    return [name for name in found.split("\0") if name]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def carry(repository: Repository, paths: Sequence[str], tree: Tree) -> None:
    """Give a side the benchmark files of the working tree, and the conftest files on the way to them.

    Raises
    ------
    CannotJudgeError
        If a file cannot be copied.
    """
    wanted = []
    for name in repository.files():
        inside = any(name == path or name.startswith(f"{path.rstrip('/')}/") for path in paths)
        on_the_way = Path(name).name == "conftest.py" and any(
            Path(path).is_relative_to(Path(name).parent) for path in paths
        )
        if inside or on_the_way:
            wanted.append(name)
    try:
        for path in paths:
            there = tree.path / path
            if there.is_dir() and not there.is_symlink():
                shutil.rmtree(there)
        for name in wanted:
            target = tree.path / name
            if target.is_symlink() or target.is_file():
                target.unlink()
            _copy(repository.root / name, target)
    except OSError as error:
        raise disk_trouble(error, tree.path) from error

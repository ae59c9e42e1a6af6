"""Throw-away git repositories: a package of a few lines, and benchmarks of it."""

import os
import subprocess
from pathlib import Path

PACKAGE = """
def count(n):
    total = 0
    for i in range(n):
        total += i
    return total
"""
BENCH = """
import toy_package

def test_count(benchmark):
    assert benchmark(toy_package.count, 200) == 19900
"""
FILES = {"src/toy_package/__init__.py": PACKAGE, "bench/test_count.py": BENCH}
SLOWER = {
    "src/toy_package/__init__.py": PACKAGE.replace("range(n)", "range(3 * n)").replace("+= i\n", "+= i * (i < n)\n")
}
"""The same results, and three times the work."""


def git(folder: Path, *arguments: str) -> str:
    """Run git with a made-up author and no configuration of the user's."""
    names = {f"GIT_{role}_{part}": "toy@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", "-C", str(folder), "-c", "protocol.file.allow=always", *arguments],
        env={k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | names | alone,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files, in folders that may not be there yet."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def commit(folder: Path, message: str) -> str:
    """Commit everything and return the commit's name."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def make(folder: Path, files: dict[str, str] | None = None) -> Path:
    """Make a repository with one commit on main."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    write(folder, {".gitignore": "*.log\n__pycache__/\n", "README.md": "Toy\n"} | (FILES if files is None else files))
    commit(folder, "Begin | with `marks`")
    return folder


def leftovers(folder: Path, temporary: Path) -> list[str]:
    """List what a run left behind: checkouts git knows of, and files in the temporary folder."""
    known = git(folder, "worktree", "list").splitlines()[1:]
    return known + [str(path) for path in temporary.iterdir()]

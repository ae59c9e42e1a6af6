"""Throw-away git repositories whose ``fastsym`` is a toy: no Numba, starts in no time, fails as told."""

import os
import subprocess
from pathlib import Path

PACKAGE = """
import os, sys, time, typing

class Rows(list):
    def astype(self, dtype):
        return self

class Data(typing.NamedTuple):
    X: Rows
    y: Rows

class Params(typing.NamedTuple):
    W2: Rows

class Training(typing.NamedTuple):
    threads: int

VARIANTS = {"simd": None, "fused": None, "parallel": None}
LOOPS = 1000
THREADS = 1

def load_titanic(features="article"):
    return Data(Rows([1.0]), Rows([1.0]))

def initialise(kind, n_features, hidden=None, scale=0.01, seed=0):
    return Params(Rows([0.0]))

def work():
    pass

def train(X, y, params, iterations, learning_rate, variant="fast"):
    work()
    for _ in range(LOOPS):
        pass
    return Training(THREADS)
"""
"""Text appended to it may redefine anything."""

AGREEMENT = """
from dataclasses import dataclass

@dataclass
class Certificate:
    passed: bool
    reasons: tuple

def certify(variant, dtype):
    return Certificate({passed}, ("dW1: 7 times the bound",) if not {passed} else ())
"""


def git(folder: Path, *arguments: str) -> str:
    """Run git with a made-up author and no configuration of the user's."""
    names = {f"GIT_{role}_{part}": "toy@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env={k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | names | alone,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def write(folder: Path, code: str = "", passed: bool | None = True) -> None:
    """Write the toy package; ``passed`` is what its certificate says, None for a package without one."""
    package = folder / "fastsym"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text(PACKAGE + code)
    (package / "agreement.py").unlink(missing_ok=True)
    if passed is not None:
        (package / "agreement.py").write_text(AGREEMENT.format(passed=passed))


def commit(folder: Path, message: str) -> str:
    """Commit everything and return the commit's name."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def make(folder: Path) -> Path:
    """Make a repository with one commit on main: no package yet, but a file that ignores ``*.log``."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / ".gitignore").write_text("*.log\n__pycache__/\n")
    commit(folder, "Begin")
    return folder


def leftovers(folder: Path, temporary: Path) -> list[str]:
    """List what a run left behind: checkouts git knows of, and files in the temporary folder."""
    known = [
        line for line in git(folder, "worktree", "list").splitlines() if not line.startswith(str(folder.resolve()))
    ]
    return known + [str(path) for path in temporary.iterdir()]

"""Repositories for the study of the gate: suites whose tests can be made slower by a known amount of extra work.

``suite`` was made for the study: 50 benchmarks from a microsecond to a fifth of a second, of plain Python, NumPy,
Numba, allocation, threads and sleeping. Each does its work in units, and a file of the package says how many more of
them a test does: more of the same, and no other results.

``own`` is fastsym itself. There a share of the forward passes of the kernel is repeated, into scratch that the real
pass then overwrites, and not one bit of the results changes.
"""

import re
import shutil
import subprocess
from pathlib import Path

from bench import ROOT

EFFECTS = (0.0, 0.02, 0.05, 0.10, 0.20)
"""Extra work, as fractions."""
GIT = ("git", "-c", "user.name=study", "-c", "user.email=study@localhost", "-c", "commit.gpgsign=false")
EXTRA_FILE = "studied/extra.py"

WORK = '''"""Work in units; UNITS more of it in a test that is to be slower."""

import queue
import threading
import time

import numba
import numpy as np

SMALL, LARGE = np.linspace(0.0, 1.0, 500), np.linspace(0.0, 1.0, 20_000)
MATRIX = np.outer(SMALL[:40], SMALL[:40]) + np.eye(40)
WORDS = [f"word {i}" for i in range(30)]


def count(units):
    for _ in range(units):
        pass


def arithmetic(units):
    total = 0
    for i in range(units):
        total += i * i % 7
    return total


def text(units):
    for _ in range(units):
        found = "-".join(WORDS).upper().split("-")
    return found


def dictionary(units):
    for _ in range(units):
        found = {word: len(word) for word in WORDS}
    return found


def ordering(units):
    for _ in range(units):
        found = sorted(WORDS, key=len, reverse=True)
    return found


def allocate(units):
    for _ in range(units):
        kept = [bytearray(4096) for _ in range(20)]
    return len(kept)


def elementwise(units):
    for _ in range(units):
        found = np.exp(SMALL) * 2.0 + 1.0
    return found


def large(units):
    for _ in range(units):
        found = np.sqrt(LARGE) + LARGE
    return found


def product(units):
    for _ in range(units):
        found = MATRIX @ MATRIX
    return found


@numba.njit(cache=True)
def _sums(x, units):
    total = 0.0
    for _ in range(units):
        for value in x:
            total += value * value + total * 1e-9
    return total


def compiled(units):
    return _sums(SMALL, units)


def thread(units):
    done = queue.Queue()
    other = threading.Thread(target=lambda: done.put(arithmetic(100 * units)))
    other.start()
    other.join()
    return done.get()


def sleep(units):
    time.sleep(units * 20e-6)
'''
TESTS = '''"""{count} benchmarks."""

import pytest

from studied import work
from studied.extra import EXTRA

CASES = {cases!r}


@pytest.mark.parametrize(("kind", "units"), CASES, ids=[f"{{kind}}-{{units}}" for kind, units in CASES])
def test_work(benchmark, kind, units):
    more = round(units * (1 + EXTRA.get(f"{{kind}}-{{units}}", EXTRA.get("all", 0.0))))
    benchmark(getattr(work, kind), more)
'''
CASES = (
    *(("count", n) for n in (100, 1000, 10_000, 100_000)),
    *(("arithmetic", n) for n in (100, 300, 1000, 10_000, 100_000, 1_000_000)),
    *(("text", n) for n in (100, 300, 1000, 10_000)),
    *(("dictionary", n) for n in (100, 300, 1000, 10_000)),
    *(("ordering", n) for n in (100, 300, 1000, 10_000)),
    *(("allocate", n) for n in (100, 200, 500, 1000, 5000)),
    *(("elementwise", n) for n in (100, 200, 500, 1000, 5000)),
    *(("large", n) for n in (100, 200, 500, 1000)),
    *(("product", n) for n in (100, 200, 500, 1000, 5000)),
    *(("compiled", n) for n in (100, 500, 1000, 5000, 20_000)),
    *(("thread", n) for n in (100, 500)),
    *(("sleep", n) for n in (100, 500)),
)
"""Kind and units; two per cent of a hundred units are two."""

MARKER = re.compile(r"^( +)slice_sums\(table, .*\bslot \+ s\)$", re.MULTILINE)
"""The call, in the loop over iterations i and slices s, of which a part is repeated."""
EXTRA = """\
turn, rate = i * plan.slices + s, {share!r} * plan.groups / plan.slices
repeated = int((turn + 1) * rate) - int(turn * rate)  # whole groups; over the iterations it comes out right
begin = -(-plan.groups // plan.block) * s // plan.slices * plan.block
x = begin * plan.C * len(table.features) * 256 // table.X.itemsize
hidden_forward(table, plan, weights, scratch, x, min(repeated, plan.groups - begin))
"""
REPEATED_PER_EFFECT = 1.87
"""Share of the forward passes to repeat for a slowdown by 1, as once measured for H = 4."""


class UnknownKernelError(RuntimeError):
    """The kernel has changed, so that the study no longer knows where to slow it down."""


def make_suite(folder: Path) -> Path:
    """Make the repository of the study's own suite, with one commit, anew."""
    _empty(folder)
    for name, text in (
        ("studied/__init__.py", ""),
        ("studied/work.py", WORK),
        (EXTRA_FILE, "EXTRA = {}\n"),
        ("bench/test_suite.py", TESTS.format(count=len(CASES), cases=CASES)),
        ("pyproject.toml", '[tool.fastsym.regression]\nbench = "bench"\npath = ["."]\n'),
        (".gitignore", "__pycache__/\n"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return _committed(folder)


def make_own(folder: Path) -> Path:
    """Make a repository of this checkout's package and benchmarks, with one commit, anew."""
    _empty(folder)
    for name in ("fastsym", "data", "bench"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    return _committed(folder)


def slow_test(folder: Path, test: str, effect: float) -> None:
    """Let one test of the study's suite, or ``all``, do so much more work; a file changes even if it is none."""
    text = f"EXTRA = {{{test!r}: {effect!r}}}\nCHANGED = True\n"
    (folder / EXTRA_FILE).write_text(text, encoding="utf-8")


def slow_own(folder: Path, effect: float) -> None:
    """Let the kernels of fastsym's copy do so much more work, as of the commit."""
    subprocess.run([*GIT, "-C", str(folder), "checkout", "--quiet", "--force", "."], check=True)
    slow_down(folder / "fastsym" / "kernels", REPEATED_PER_EFFECT * effect)


def slow_down(kernels: Path, repeated: float) -> None:
    """Rewrite the training loop in a folder of kernels so that it repeats a share of its forward passes.

    Raises
    ------
    UnknownKernelError
        If the place is not there exactly once.
    """
    sources = {path: path.read_text(encoding="utf-8") for path in sorted(kernels.glob("*.py"))}
    places = [(path, match) for path, text in sources.items() for match in MARKER.finditer(text)]
    if len(places) != 1:
        raise UnknownKernelError(
            f"{kernels}: expected one line like {MARKER.pattern!r}; got {len(places)}; adapt MARKER and EXTRA in "
            f"{Path(__file__).name} to the kernel as it is now"
        )
    path, match = places[0]
    lines = "".join(f"{match[1]}{line}\n" for line in EXTRA.format(share=repeated).splitlines())
    text = sources[path][: match.start()] + lines + sources[path][match.start() :]
    if "def hidden_forward(" not in text:
        text = text.replace("\nfrom fastsym", "\nfrom fastsym.kernels.passes import hidden_forward\nfrom fastsym", 1)
    path.write_text(text, encoding="utf-8")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _committed(folder: Path) -> Path:
    for command in (["init", "--quiet", "--initial-branch=main"], ["add", "."], ["commit", "--quiet", "-m", "base"]):
        subprocess.run([*GIT, "-C", str(folder), *command], check=True)
    return folder

"""Copies of the package for the study of the gate: untouched ones, and ones whose kernel does extra work.

All lie in one folder under paths of equal length, each with its own Numba cache. A slowed copy repeats the forward
pass of some groups of samples in each iteration, into scratch that the real pass then overwrites: more of the same
instructions on the same data, and not one bit of the results changes.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numba
import numpy as np

from bench import ROOT
from fastsym._console import Tell
from fastsym.regression.cells import CELLS
from fastsym.regression.worktree import Tree

REPEATED = {"slow-00": 0.0, "slow-02": 0.038, "slow-05": 0.094, "slow-10": 0.187, "slow-20": 0.375}
"""Label -> share of all groups of samples whose forward pass is repeated; the command ``calibrate`` of
:mod:`bench.gate_study` says what is right."""
LABELS = ("base", "again", *REPEATED)
MARKER = re.compile(r"^( +)slice_sums\(X, .*\bplace \+ s\)$", re.MULTILINE)
"""The call, in the loop over iterations i and slices s, of which a part is repeated."""
EXTRA = """\
turn, rate = i * slices + s, {share!r} * plan.groups / slices
repeated = int((turn + 1) * rate) - int(turn * rate)  # whole groups; over the iterations it comes out right
begin = -(-plan.groups // plan.block) * s // slices * plan.block
place_in_X = begin * C * len(shape) * 256 // X.itemsize
hidden_forward(X, place_in_X, min(repeated, plan.groups - begin), shape, plan, scaled, bias, A, z)
"""
FINISHED = "finished.json"
TRAIN = """
import hashlib, json, sys
from pathlib import Path
import fastsym
data = fastsym.load_titanic()
digests = {{}}
for name, variant, hidden, dtype in {cells}:
    X, y = data.X.astype(dtype), data.y.astype(dtype)
    start = fastsym.initialise("normal", len(X), hidden, scale=0.1)
    training = fastsym.train(X, y, type(start)(*(a.astype(dtype) for a in start)), 70, 0.01, variant)
    digest = hashlib.sha256(training.costs.tobytes())
    for array in training.params:
        digest.update(array.tobytes())
    digests[name] = digest.hexdigest()
files = [Path(m.__file__) for name, m in sys.modules.items() if name.partition(".")[0] == "fastsym"]
print(json.dumps([digests, sorted(str(f.relative_to(Path.cwd())) for f in files)]))
"""
"""Fills the cache of a tree with all cells; prints what they compute, and which files it took."""


class UnknownKernelError(RuntimeError):
    """The kernel has changed, so that the study no longer knows where to slow it down."""


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
        text = text.replace("\nimport numpy", "\nfrom fastsym.kernels.simd import hidden_forward\nimport numpy", 1)
    path.write_text(text, encoding="utf-8")


def fingerprint(files: Iterable[str]) -> str:
    """Hash of everything that changes what is timed: these files of the checkout, the data and the environment."""
    recipe = [REPEATED, MARKER.pattern, EXTRA, TRAIN, repr(CELLS), sys.version, numba.__version__, np.__version__]
    digest = hashlib.sha256(json.dumps(recipe).encode())
    for path in [*(ROOT / file for file in sorted(files)), *sorted((ROOT / "data").iterdir())]:
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0")
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()


def state(work: Path) -> tuple[str, str] | None:
    """Fingerprint of the trees in a folder as they were made, and as they would be made now; None without trees."""
    mark = work / FINISHED
    if not mark.exists():
        return None
    made = json.loads(mark.read_text(encoding="utf-8"))
    return made["fingerprint"], fingerprint(made["files"])


def trees_in(work: Path) -> dict[str, Tree]:
    """Label -> where its tree is, or will be."""
    work = work.resolve()
    return {label: Tree(work / f"tree-{i}", work / f"cache-{i}") for i, label in enumerate(LABELS)}


def prepare(work: Path, tell: Tell) -> dict[str, Tree]:
    """Make all trees with warm caches, or take those that are there if they are of this source.

    Parameters
    ----------
    work
        Folder for them; only what this function once made in it is removed.
    tell
        Called with the fraction done, and what comes next.

    Raises
    ------
    UnknownKernelError
        If the kernel cannot be slowed down, or a slowed one computes something else than the base.
    """
    trees, mark, made = trees_in(work), work / FINISHED, state(work)
    if made is not None and made[0] == made[1]:
        return trees
    mark.unlink(missing_ok=True)
    for tree in trees.values():
        for folder in (tree.path, tree.cache):
            if folder.exists():
                shutil.rmtree(folder)
    for name in ("fastsym", "data"):  # once, so that all trees agree even if somebody edits meanwhile
        shutil.copytree(ROOT / name, trees["base"].path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for label, tree in trees.items():
        if label != "base":
            shutil.copytree(trees["base"].path, tree.path)
        if REPEATED.get(label):
            slow_down(tree.path / "fastsym" / "kernels", REPEATED[label])
    expected, files = None, []
    for done, (label, tree) in enumerate(trees.items()):
        tell(done / len(trees), f"compiling and checking the tree {label}")
        tree.cache.mkdir(parents=True)
        results, files = train_all(tree)
        expected = expected or results
        for name, digest in results.items():
            if digest != expected[name]:
                raise UnknownKernelError(
                    f"{label}: expected {name} to give the bits of the base, {expected[name]}; got {digest}; adapt "
                    f"EXTRA in {Path(__file__).name}"
                )
    mark.write_text(json.dumps({"fingerprint": fingerprint(files), "files": files}), encoding="utf-8")
    return trees


def train_all(tree: Tree) -> tuple[dict[str, str], list[str]]:
    """Train every cell and some odd sizes in a tree; return a hash of what each gave, and the files that were used.

    Raises
    ------
    UnknownKernelError
        If a training fails.
    """
    cells = [(cell.name, cell.variant, cell.hidden, cell.dtype) for cell in CELLS]
    cells += [(f"{v} H={h} {t}", v, h, t) for v in ("simd", "parallel") for h in (1, 5) for t in ("float64", "float32")]
    environment = os.environ | {
        "PYTHONPATH": str(tree.path),
        "NUMBA_CACHE_DIR": str(tree.cache),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-P", "-c", TRAIN.format(cells=cells)]
    done = subprocess.run(command, env=environment, cwd=tree.path, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UnknownKernelError(f"{tree.path}: expected results; got exit {done.returncode}: {done.stderr[-2000:]}")
    digests, files = json.loads(done.stdout)
    return digests, files

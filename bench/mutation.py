"""Mutation testing: change one place of a module at a time, and count which changes the checks notice.

    python -m bench.mutation loops                  # 100 changes drawn at random of one of TARGETS
    python -m bench.mutation stats --progress /tmp/stats.csv    # begin where that file ends
    python -m bench.mutation stats --progress /tmp/stats.csv --again    # ask anew about what has survived

Changes are judged in random order, so that a run that is ended early has judged a fair sample.

A mutant is the module with one operator, comparison, bound, index or constant changed. Each runs in a copy of the
checkout, in a process of its own that is forked after the large libraries have been imported. A kernel is asked by its
certificate first, in float64 and then in float32, and by the tests of its module only if that passes; kernels have an
empty compilation cache each time. Text, annotations and messages of errors are left alone. Nothing here is timed.

``reports/mutation.csv`` has one row a target, and ``reports/mutation-survivors.csv`` one for each change that nothing
noticed, with the reason why, which is written by hand and kept as long as the line stays as it is.
Where that reason ends with "Judged by reading alone", the change was not run.
"""

import ast
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numba
import pandas as pd
import pytest
import scipy.stats  # noqa: F401  as pandas and numba: not to be imported again in each fork
import typer
from filelock import FileLock

from bench import ROOT

COPIED = ("fastsym", "tests", "bench", "data", "docs", "examples", "reports", "pyproject.toml", "README.md")
"""What tests read; git's own files are none of it."""


@dataclass(frozen=True)
class Target:
    """What is changed, and who is asked whether it notices."""

    module: str
    tests: tuple[str, ...]
    certificate: str = ""
    """Variant whose certificate is asked first."""


_KERNELS = ("tests/kernels/test_one_result.py", "tests/kernels/test_kernels.py")
_SIMD = ("tests/kernels/test_one_result.py", "tests/kernels/test_simd.py", "-k", "not parallel")
_DRAWN = "memory and not stay_inside and not any_ and not overlapping and not huge"
"""Tests that train with every variant on what hypothesis draws."""
_SIMULATED = "four_of_five and not false_alarms"
"""Tests of many simulated runs of the gate."""
_DECISION = (
    "tests/regression/test_decision_borders.py",
    "tests/regression/test_decision.py",
    "-k",
    f"not {_SIMULATED}",
)
_LONG = "dask or scheduler or trained_alone or options_of_a_table or resumed"
"""Tests of sweeps that do not ask the store anything of their own."""
_CLAIMS = ("tests/experiments/test_judgements.py",)
TARGETS = {
    "loops": Target("fastsym/kernels/loops.py", (*_KERNELS, "-k", "loops"), "loops"),
    "fused": Target("fastsym/kernels/fused.py", (*_KERNELS, "-k", "fused"), "fused"),
    "simd": Target("fastsym/kernels/simd.py", _SIMD, "simd"),
    "passes": Target("fastsym/kernels/passes.py", _SIMD, "simd"),
    "stats": Target("fastsym/timing/stats.py", ("tests/timing/test_stats.py",)),
    "triples": Target("fastsym/regression/triples.py", _DECISION),
    "decision": Target("fastsym/regression/decision.py", _DECISION),
    "permutation": Target("fastsym/regression/permutation.py", ("tests/regression/test_permutation.py",)),
    "checks": Target(
        "fastsym/training/checks.py",
        ("tests/training/test_checks_population.py", "tests/training/test_checks.py", "-k", f"not {_DRAWN}"),
    ),
    "bounds": Target("fastsym/agreement/bounds.py", ("tests/agreement/test_bounds.py",)),
    "verdicts": Target("fastsym/experiments/claims/verdicts.py", _CLAIMS),
    "comparisons": Target("fastsym/experiments/claims/comparisons.py", _CLAIMS),
    "thresholds": Target("fastsym/experiments/claims/thresholds.py", _CLAIMS),
    "zero_start": Target("fastsym/experiments/claims/zero_start.py", _CLAIMS),
    "symmetry": Target("fastsym/experiments/symmetry.py", ("tests/experiments/test_symmetry.py",)),
    "store": Target(
        "fastsym/sweep/store.py", ("tests/sweep/test_parts.py", "tests/sweep/test_sweep.py", "-k", f"not ({_LONG})")
    ),
}
OUTCOMES = ("certificate", "tests", "survived")
SWAPPED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}
UNTOUCHED = (ast.Raise, ast.JoinedStr, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.arguments)
"""What these hold is not changed, but for the value of an annotated assignment and the defaults of arguments."""


@dataclass(frozen=True)
class Mutant:
    """One change of a module."""

    line: int
    column: int
    before: str
    after: str
    source: str
    """The whole module, changed."""


def mutants(source: str) -> list[Mutant]:
    """List all changes of one place, in the order of the lines."""
    found = []
    for node in _places(ast.parse(source)):
        text = ast.get_source_segment(source, node)
        if text is None:
            continue
        for changed in _changes(node):
            start = _offset(source, node.lineno, node.col_offset)
            changed_source = source[:start] + (changed if isinstance(node, ast.Slice) else f"({changed})")
            found.append(
                Mutant(node.lineno, node.col_offset, text, changed, changed_source + source[start + len(text) :])
            )
    return sorted(found, key=lambda each: each.line)


def _places(node: ast.AST) -> Iterator[ast.expr]:
    """Every expression that may be changed."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, UNTOUCHED):
            values = [child.value] if isinstance(child, ast.AnnAssign) and child.value else []
            values += (
                [each for each in (*child.defaults, *child.kw_defaults) if each]
                if isinstance(child, ast.arguments)
                else []
            )
            for value in values:
                yield from _places(ast.Expr(value))
            continue
        if isinstance(child, ast.expr):
            if isinstance(node, ast.FunctionDef) and (child in node.decorator_list or child is node.returns):
                continue
            if isinstance(node, ast.ClassDef) and child in node.decorator_list:
                continue
            yield child
        yield from _places(child)


def _changes(node: ast.expr) -> Iterator[str]:
    """Text of each change of one expression."""
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPPED:
        yield ast.unparse(ast.BinOp(node.left, SWAPPED[type(node.op)](), node.right))
    elif isinstance(node, ast.BoolOp):
        yield ast.unparse(ast.BoolOp(SWAPPED[type(node.op)](), node.values))
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPPED:
        yield ast.unparse(ast.Compare(node.left, [SWAPPED[type(node.ops[0])](), *node.ops[1:]], node.comparators))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield ast.unparse(node.operand)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        stop = min(1, len(node.args) - 1)
        arguments = [ast.unparse(each) for each in node.args]
        yield f"range({', '.join([*arguments[:stop], f'({arguments[stop]}) - 1', *arguments[stop + 1 :]])})"
    elif isinstance(node, ast.Slice) and node.upper is not None:
        yield f"{ast.unparse(node.lower) if node.lower else ''}:({ast.unparse(node.upper)}) - 1"
    elif isinstance(node, ast.IfExp):
        yield ast.unparse(ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield repr(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield repr(node.value + 1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield repr(node.value * 1.01 if node.value else 1.0)
    elif isinstance(node, ast.Name) and node.id in NAMES:
        yield NAMES[node.id]
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield f"({ast.unparse(node.value)}).{NAMES[node.attr]}"


def _offset(source: str, line: int, column: int) -> int:
    lines = source.split("\n")
    return sum(len(each) + 1 for each in lines[: line - 1]) + len(lines[line - 1].encode()[:column].decode())


def certified(variant: str) -> bool:
    """Whether the certificate, of this process's fastsym, passes in both precisions."""
    from fastsym import VARIANTS
    from fastsym.agreement import first_failure

    return all(first_failure(VARIANTS[variant], dtype) is None for dtype in ("float64", "float32"))


def tested(tests: Iterable[str]) -> bool:
    """Whether tests pass."""
    return pytest.main(["-q", "-x", "-n0", "-p", "no:cacheprovider", *tests]) == pytest.ExitCode.OK


class Copy:
    """A copy of the checkout in which one module is changed again and again."""

    def __init__(self, folder: Path, target: Target, names: Iterable[str] = COPIED) -> None:
        self.folder, self.target = folder, target
        for name in names:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / name)

    def judge(self, source: str, seconds: float) -> str:
        """Say what noticed the change: ``certificate``, ``tests``, or nothing, so that it ``survived``."""
        (self.folder / self.target.module).write_text(source, encoding="utf-8")
        variant, tests = self.target.certificate, self.target.tests
        if not variant:
            return "survived" if self._passes(lambda: tested(tests), seconds, self.folder / "cache") else "tests"
        with tempfile.TemporaryDirectory() as cache:
            if not self._passes(lambda: certified(variant), seconds, Path(cache)):
                return "certificate"
            return "survived" if self._passes(lambda: tested(tests), seconds, Path(cache)) else "tests"

    def _passes(self, check: Callable[[], bool], seconds: float, cache: Path) -> bool:
        """Whether a check that runs in this copy ends well, and in time."""

        def run() -> None:
            os.setsid()  # so that its own processes end with it
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nowhere, stream)
            os.chdir(self.folder)
            os.environ |= {"PYTHONPATH": str(self.folder), "NUMBA_CACHE_DIR": str(cache), "MPLBACKEND": "Agg"}
            os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "CI": "true"}  # CI: hypothesis draws the same each time
            sys.dont_write_bytecode, numba.config.CACHE_DIR = True, str(cache)
            sys.path.insert(0, str(self.folder))
            for name in [name for name in sys.modules if name.split(".")[0] in ("bench", "fastsym", "tests")]:
                del sys.modules[name]
            os._exit(0 if check() else 1)

        process = multiprocessing.get_context("fork").Process(target=run)
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            os.killpg(process.ident or 0, signal.SIGKILL)
            process.join()
        return process.exitcode == 0


def _progress(file: Path | None) -> pd.DataFrame:
    """Read what was judged before."""
    columns = ["line", "column", "code", "before", "after", "noticed_by"]
    if file is None or not file.exists():
        return pd.DataFrame(columns=columns)
    return pd.read_csv(file, dtype=str, keep_default_na=False)


def _replace(file: Path, rows: pd.DataFrame, target: str) -> None:
    """Write rows of a target into a table of all targets, in place of its old ones."""
    others = pd.read_csv(file, keep_default_na=False) if file.exists() else rows[:0]
    table = pd.concat([others[others["target"] != target], rows])
    order = {name: place for place, name in enumerate(TARGETS)}
    table.sort_values("target", key=lambda names: names.map(order), kind="stable").to_csv(file, index=False)


def record(folder: Path, target: str, seed: int, commit: str, judged: pd.DataFrame) -> None:
    """Write what is known of a target into the two tables of a folder."""
    counts = judged["noticed_by"].value_counts()
    row = {"target": target, "commit": commit, "seed": seed, "mutants": len(judged)}
    row |= {
        name: int(counts.get(outcome, 0))
        for name, outcome in zip(("by_certificate", "by_tests_only", "survivors"), OUTCOMES, strict=True)
    }
    left = judged[judged["noticed_by"] == "survived"]
    change = left["before"].str.split().str.join(" ") + " -> " + left["after"].str.split().str.join(" ")
    rows = pd.DataFrame({"line": left["line"], "code": left["code"], "change": change})
    rows.insert(0, "target", target)
    file = folder / "mutation-survivors.csv"
    with FileLock(folder / ".mutation.lock"):
        known = pd.read_csv(file, keep_default_na=False) if file.exists() else rows.assign(why="")[:0]
        key = ["target", "code", "change"]
        rows = rows.merge(known[[*key, "why"]].drop_duplicates(key), how="left", on=key).fillna("")
        _replace(file, rows, target)
        _replace(folder / "mutation.csv", pd.DataFrame([row]), target)


def main(
    name: Annotated[str, typer.Argument(help="One of " + ", ".join(TARGETS) + ".")],
    number: Annotated[int, typer.Option(help="How many changes, drawn at random; 0 for all.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    seconds: Annotated[float, typer.Option(help="A check that takes longer has failed: the loop is endless.")] = 900.0,
    progress: Annotated[Path | None, typer.Option(help="One row a change; what it has already is not judged.")] = None,
    again: Annotated[bool, typer.Option(help="Judge survivors in that file again.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the two tables are.")] = Path("reports"),
) -> None:
    """Change one place at a time, and count which changes are noticed."""
    if name not in TARGETS:
        raise typer.BadParameter(f"expected one of {', '.join(TARGETS)}; got {name}", param_hint="NAME")
    target = TARGETS[name]
    source = (ROOT / target.module).read_text(encoding="utf-8")
    chosen = mutants(source)
    chosen = random.Random(seed).sample(chosen, min(number or len(chosen), len(chosen)))
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    keys = [
        (str(each.line), str(each.column), source.split("\n")[each.line - 1].strip(), each.before, each.after)
        for each in chosen
    ]
    known = {
        tuple(row[:5]): row[5]
        for row in _progress(progress).itertuples(index=False)
        if not (again and row[5] == "survived")
    }
    with tempfile.TemporaryDirectory() as work:
        copy = Copy(Path(work), target)
        if copy.judge(source, seconds) != "survived":
            sys.exit(f"{target.module}: expected its checks to pass as it is; they fail; mend that first")
        for key, mutant in zip(keys, chosen, strict=True):
            if key in known:
                continue
            known[key] = copy.judge(mutant.source, seconds)
            typer.echo(f"{known[key]:11}  {target.module}:{mutant.line}  {mutant.before}  ->  {mutant.after}")
            rows = [(*each, known[each]) for each in sorted(keys, key=lambda key: int(key[0])) if each in known]
            table = pd.DataFrame(rows, columns=["line", "column", "code", "before", "after", "noticed_by"])
            if progress is not None:
                table.to_csv(progress, index=False)
            record(folder, name, seed, commit, table)


if __name__ == "__main__":
    typer.run(main)

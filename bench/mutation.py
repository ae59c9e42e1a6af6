"""Mutation testing: change one place of a module at a time, and count which changes the checks notice.

    python -m bench.mutation fastsym/kernels/simd.py --certificate simd --tests tests/kernels --csv reports/simd.csv
    python -m bench.mutation fastsym/timing/stats.py --tests tests/timing/test_stats.py --number 100

A mutant is the module with one operator, comparison, bound, index or constant changed. Each runs in a copy of the
checkout with a compilation cache of its own. What survives is printed with its line, to be explained or killed by a new
test. Text, annotations and messages of errors are left alone. Nothing here is timed.
"""

import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated

import pandas as pd
import typer

ROOT = Path(__file__).parents[1]
COPIED = ("fastsym", "tests", "bench", "data", "examples", "pyproject.toml", "README.md")
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
            found.append(Mutant(node.lineno, text, changed, changed_source + source[start + len(text) :]))
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


CERTIFY = """
import sys
from fastsym.agreement import first_failure
for variant in sys.argv[1:]:
    for dtype in ("float64", "float32"):
        failure = first_failure(__import__("fastsym").VARIANTS[variant], dtype)
        if failure is not None:
            sys.exit(failure)
"""


class Copy:
    """A copy of the checkout in which one module is changed again and again."""

    def __init__(self, folder: Path, module: str, names: Iterable[str] = COPIED) -> None:
        self.folder = folder
        self.module = folder / module
        for name in names:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, folder / name)

    def passes(self, arguments: list[str], seconds: float) -> bool:
        """Whether a Python command ends well in this copy, in time."""
        with tempfile.TemporaryDirectory() as cache:
            environment = os.environ | {"PYTHONPATH": str(self.folder), "NUMBA_CACHE_DIR": cache, "MPLBACKEND": "Agg"}
            environment |= {"PYTHONDONTWRITEBYTECODE": "1", "CI": "true"}
            command = [sys.executable, *arguments]
            try:
                done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, timeout=seconds)
            except subprocess.TimeoutExpired:
                return False
        return done.returncode == 0

    def judge(self, source: str, certified: list[str], tests: list[str], seconds: float) -> str:
        """Say what noticed the change: ``certificate``, ``tests``, or nothing, so that it ``survived``."""
        self.module.write_text(source, encoding="utf-8")
        if certified and not self.passes(["-c", CERTIFY, *certified], seconds):
            return "certificate"
        if tests and not self.passes(["-m", "pytest", "-q", "-x", "-n0", *tests], seconds):
            return "tests"
        return "survived"


def main(
    module: Annotated[str, typer.Argument(help="File to change, from the root of the checkout.")],
    certificate: Annotated[list[str] | None, typer.Option(help="Variant whose certificate is asked first.")] = None,
    tests: Annotated[list[str] | None, typer.Option(help="Tests that are asked next.")] = None,
    number: Annotated[int, typer.Option(help="How many changes, drawn at random; 0 for all.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    seconds: Annotated[float, typer.Option(help="A check that takes longer has failed: the loop is endless.")] = 600.0,
    jobs: Annotated[int, typer.Option(help="How many copies work at once.")] = 1,
    csv: Annotated[Path | None, typer.Option(help="Where to write one row a change.")] = None,
) -> None:
    """Change one place at a time, and count which changes are noticed."""
    source = (ROOT / module).read_text(encoding="utf-8")
    chosen = mutants(source)
    if 0 < number < len(chosen):
        chosen = sorted(random.Random(seed).sample(chosen, number), key=lambda each: each.line)
    with tempfile.TemporaryDirectory() as work:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for job in range(jobs):
            folder = Path(work) / str(job)
            folder.mkdir()
            copies.put(Copy(folder, module))
        first = copies.get()
        if first.judge(source, certificate or [], tests or [], seconds) != "survived":
            sys.exit(f"{module}: expected its checks to pass as it is; they fail; mend that first")
        copies.put(first)

        def judge(mutant: Mutant) -> str:
            copy = copies.get()
            try:
                outcome = copy.judge(mutant.source, certificate or [], tests or [], seconds)
            finally:
                copies.put(copy)
            typer.echo(f"{outcome:11}  {module}:{mutant.line}  {mutant.before}  ->  {mutant.after}")
            return outcome

        with ThreadPoolExecutor(jobs) as pool:
            outcomes = list(pool.map(judge, chosen))
    table = pd.DataFrame(
        {
            "module": module,
            "line": [each.line for each in chosen],
            "before": [each.before for each in chosen],
            "after": [each.after for each in chosen],
            "noticed_by": outcomes,
        }
    )
    if csv is not None:
        table.to_csv(csv, index=False)
    counts = table["noticed_by"].value_counts()
    typer.echo(f"{module}: {len(table)} changes; " + ", ".join(f"{name} {count}" for name, count in counts.items()))


if __name__ == "__main__":
    typer.run(main)

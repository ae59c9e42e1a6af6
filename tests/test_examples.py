"""The examples run as their READMEs say."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from fastsym.agreement import Certificate

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


def run(*arguments: str, paths: tuple[Path, ...] = ()) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, *paths)))}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed(folder: Path) -> list[str]:
    """Leave in a folder what an installer of the example would leave behind; return the variants' names."""
    project = tomllib.loads((EXAMPLES / "add_a_variant" / "pyproject.toml").read_text())["project"]
    metadata = folder / f"{project['name'].replace('-', '_')}-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0.1.0\n")
    points = project["entry-points"]["fastsym.variants"]
    lines = [f"{name} = {value}\n" for name, value in points.items()]
    (metadata / "entry_points.txt").write_text("[fastsym.variants]\n" + "".join(lines))
    return list(points)


def test_variants_of_another_package_are_rows_of_the_benchmarks(tmp_path: Path) -> None:
    names = installed(tmp_path)
    options = ("--collect-only", "-q", "-p", "no:cacheprovider", "-k", "H4-T100-")
    listed = run("-m", "pytest", "bench/test_train.py", *options, paths=(EXAMPLES / "add_a_variant", tmp_path))
    assert all(f"test_train[H4-T100-{name}]" in listed for name in (*names, "simd"))


def test_variants_of_another_package_are_certified_without_code_for_them(tmp_path: Path) -> None:
    example, names = EXAMPLES / "add_a_variant", installed(tmp_path)
    assert names == ["lean", "plain"]
    for name in names:
        code = f"from fastsym.agreement import certify; print(certify({name!r}).to_json())"
        certificate = Certificate.from_json(run("-c", code, paths=(example, tmp_path)))
        assert certificate.passed, certificate.summary()
        assert certificate.variant == name
        assert 0 not in certificate.hidden  # it trains no one-layer net


def test_own_table() -> None:
    lines = [line.split() for line in run(str(EXAMPLES / "own_table" / "own_table.py")).splitlines()]
    assert {line[0]: line[2] for line in lines} == {
        "zeros": "AAAA",
        "constant": "AAAA",
        "normal": "ABCD",
        "glorot": "ABCD",
    }


def printed(notebook: nbformat.NotebookNode) -> list[str]:
    streams = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "stream"
    ]
    return [output.text for output in streams if output.name == "stdout"]


@pytest.mark.parametrize("name", ["lesson", "lesson_solutions"])
def test_a_notebook_runs_and_prints_what_is_committed(name: str) -> None:
    # What depends on the processor is the value of a cell and not printed: it is not compared.
    committed = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    fresh = nbformat.from_dict({**committed, "cells": [cell.copy() for cell in committed.cells]})
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(fresh, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(EXAMPLES)}}).execute()
    assert "".join(printed(fresh)) == "".join(printed(committed)) != ""

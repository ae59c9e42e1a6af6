"""An installed wheel carries its data: the checkout's data/ directory is not there then."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
USE = "import fastsym; print(fastsym.__file__); print(fastsym.load_titanic().X.shape, fastsym.__version__)"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_has_the_table_once_and_nothing_else_of_the_checkout(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.endswith("titanic.csv")] == ["fastsym/titanic.csv"]
    assert len(names) == len(set(names))
    assert {name.split("/")[0].split("-")[0] for name in names} == {"fastsym"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_titanic_loads_from_an_unpacked_wheel(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    path, loaded = done.stdout.splitlines()
    assert Path(path).is_relative_to(tmp_path)
    assert loaded == "(9, 889) 0.1.0"

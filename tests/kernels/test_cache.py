"""The cache of kernels in copies of the package: never stale, and whole or not there, wherever it lies."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

import fastsym
from fastsym.model.datasets import data_file

PROBE = """
from fastsym.kernels._jit import jit

STEP = {step}

@jit
def probe(x):
    return x + STEP
"""
"""A kernel outside of the folder of kernels, as the roofline's are."""

HEAD = """
import json, shutil, sys, warnings
from pathlib import Path
cache, package = Path(sys.argv[1]), Path(sys.argv[2])

def call():
    \"\"\"Import anew, as another process would; the result, and how many kernels came from the cache.\"\"\"
    for name in [name for name in sys.modules if name.partition(".")[0] in ("fastsym", "probe")]:
        del sys.modules[name]
    from probe import probe
    return probe(1.0), sum(probe.stats.cache_hits.values())

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
"""
"""Begins a program for a process of its own: damaged machine code would take the tests' process along."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the package's kernels under an empty package, which is quick to import, and the probe."""
    package = tmp_path / "copy" / "fastsym"
    for wing in ("kernels", "model"):
        shutil.copytree(
            Path(fastsym.__file__).parent / wing, package / wing, ignore=shutil.ignore_patterns("__pycache__")
        )
    (package / "__init__.py").touch()
    (package.parent / "probe.py").write_text(PROBE.format(step=1.0))
    return package.parent


@pytest.fixture
def run(copy: Path, tmp_path: Path) -> Callable[..., Any]:
    """Run a program on the copy; it gets the cache's folder and the package's, and prints JSON."""

    def run(program: str, **environment: str) -> Any:
        body = indent(dedent(program), "    ")
        done = subprocess.run(
            [sys.executable, "-c", HEAD + body, str(tmp_path / "cache"), str(copy / "fastsym")],
            env=os.environ
            | {"PYTHONPATH": str(copy), "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
            | environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout)

    return run


def test_a_change_of_any_file_of_the_kernels_is_seen(run: Callable[..., Any], copy: Path) -> None:
    seen = run("""
        found = {"nothing": [call(), call()]}
        for file in sorted((package / "kernels").glob("*.py")):
            file.write_text(file.read_text(encoding="utf-8") + "# changed\\n", encoding="utf-8")
            found[file.name] = [call(), call()]
        print(json.dumps(found))
    """)
    assert set(seen) == {"nothing", *(file.name for file in (copy / "fastsym" / "kernels").glob("*.py"))}
    assert {"threads.py", "lanes.py", "_jit.py"} < set(seen)
    assert all(calls == [[2.0, 0], [2.0, 1]] for calls in seen.values()), seen


def test_a_change_of_the_file_that_defines_a_kernel_is_seen(run: Callable[..., Any]) -> None:
    """Its bytecode stays the same: only a constant changes."""
    seen = run("""
        first = [call(), call()]
        probe = package.parent / "probe.py"
        probe.write_text(probe.read_text().replace("STEP = 1.0", "STEP = 10.0"))
        print(json.dumps([*first, call(), call()]))
    """)
    assert seen == [[2.0, 0], [2.0, 1], [11.0, 0], [11.0, 1]]


def test_a_change_of_the_structs_that_kernels_take_is_seen(run: Callable[..., Any]) -> None:
    seen = run("""
        first = [call(), call()]
        with open(package / "model" / "params.py", "a") as file:
            file.write("# changed")
        print(json.dumps([*first, call()]))
    """)
    assert seen == [[2.0, 0], [2.0, 1], [2.0, 0]]


DAMAGES = {
    "empty": "b''",
    "half": "whole[: len(whole) // 2]",
    "a byte short": "whole[:-1]",
    "a byte more": "whole + b'x'",
    "one bit": "whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:]",
    "garbage": "b'garbage' * 1000",
    "zeros": "bytes(len(whole))",
}


def test_a_damaged_cache_is_compiled_anew(run: Callable[..., Any]) -> None:
    damages = ", ".join(f"{name!r}: lambda whole: {content}" for name, content in DAMAGES.items())
    seen = run(f"""
        found = dict(whole=[call(), call()])
        for name, damaged in {{{damages}}}.items():
            files = [file for file in cache.rglob("*") if file.is_file()]
            for file in files:
                file.write_bytes(damaged(file.read_bytes()))
            found[name] = [call(), call()]
        print(json.dumps([len(files), len(caught), found]))
    """)
    files, warned, calls = seen
    assert (files, warned) == (1, 0)
    assert set(calls) == {"whole", *DAMAGES}
    assert all(found == [[2.0, 0], [2.0, 1]] for found in calls.values()), calls


def test_an_entry_that_cannot_be_read_or_written_again_does_no_harm(run: Callable[..., Any]) -> None:
    seen = run("""
        first = call()
        (entry,) = cache.rglob("*.nbc")
        entry.unlink()
        entry.mkdir()
        blocked = call()
        print(json.dumps([first, blocked, [str(warning.message) for warning in caught]]))
    """)
    first, blocked, (warning,) = seen
    assert first == blocked == [2.0, 0]
    assert "kernels are not cached" in warning


NOWHERE = {"NUMBA_CACHE_DIR": "/dev/null/cache", "HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null/cache"}


def test_without_any_place_kernels_are_compiled_uncached_with_one_warning(run: Callable[..., Any], copy: Path) -> None:
    # Files where the folders would be keep root out, too.
    (copy / "__pycache__").touch()
    (copy / "fastsym" / "kernels" / "__pycache__").touch()
    seen = run(
        """
        first = call()
        import fastsym.kernels.loops as loops
        print(json.dumps([first, loops.sigmoid(0.0), [str(warning.message) for warning in caught]]))
    """,
        **NOWHERE,
    )
    result, half, (warning,) = seen
    assert (result, half) == ([2.0, 0], 0.5)
    assert "kernels are not cached" in warning
    assert "NUMBA_CACHE_DIR" in warning


def test_processes_at_once_leave_a_whole_cache(run: Callable[..., Any], copy: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from probe import probe; print(probe(1.0))"]
    environment = os.environ | {"PYTHONPATH": str(copy), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    at_once = [
        subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert [process.communicate()[0] for process in at_once] == ["2.0\n"] * 4
    assert [file.suffix for file in (tmp_path / "cache").rglob("*") if file.is_file()] == [".nbc"]
    assert run("print(json.dumps(call()))") == [2.0, 1]


# From a zip archive

TRAIN = """
import json, sys, warnings
warnings.simplefilter("error")
import fastsym
from fastsym.agreement.truth import truth_sha256
from fastsym.kernels.loops import sigmoid
data = fastsym.load_titanic()
training = fastsym.train(data.X, data.y, fastsym.initialise("zeros", 9, 4), 3, 0.01, "reference")
half = sigmoid(0.0)
print(json.dumps([fastsym.__file__, training.costs[0], half, sum(sigmoid.stats.cache_hits.values()), truth_sha256()]))
"""


@pytest.mark.parametrize("layout", ["wheel", "checkout"])
def test_trains_from_a_zip(layout: str, tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked"
    shutil.copytree(Path(fastsym.__file__).parent, unpacked / "fastsym", ignore=shutil.ignore_patterns("__pycache__"))
    data = unpacked / ("fastsym" if layout == "wheel" else "data")
    data.mkdir(exist_ok=True)
    for name in ("titanic.csv", "truth.npz"):
        (data / name).write_bytes(data_file(name).read_bytes())
    archive = shutil.make_archive(str(tmp_path / "fastsym"), "zip", unpacked)
    environment = os.environ | {"PYTHONPATH": archive, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for hits in (0, 1):
        done = subprocess.run(
            [sys.executable, "-c", TRAIN], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        file, cost, half, found, _ = json.loads(done.stdout)
        assert file.startswith(archive)
        assert cost == pytest.approx(0.6931, abs=1e-4)
        assert (half, found) == (0.5, hits)

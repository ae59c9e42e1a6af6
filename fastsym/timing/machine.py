"""Where something was measured: the processor, the libraries and the revision of the code."""

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any


def describe_machine() -> dict[str, Any]:
    """Describe where something was measured, as far as it changes times.

    Returns
    -------
    dict
        Ready for JSON: ``cpu``, ``target`` (what LLVM compiles for), ``cores`` this process may use, ``system``,
        ``blas`` with its kernels and threads, ``threads`` of Numba, ``versions``, and the ``revision`` of the checkout
        (``None`` outside one).
    """
    import llvmlite.binding
    import numba
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    pools.sort(key=lambda pool: "numpy" not in pool["filepath"])  # SciPy may have loaded one of its own
    blas = (f"{p['internal_api']} {p['version']} ({p.get('architecture')}, {p['num_threads']} threads)" for p in pools)
    return {
        "cpu": processor_name(),
        "target": llvmlite.binding.get_host_cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "system": platform.platform(terse=True),
        "blas": next(blas, "unknown"),
        "threads": numba.get_num_threads(),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("numpy", "numba", "llvmlite")},
        "revision": git_revision(Path(__file__)),
    }


def machine_name(description: dict[str, Any]) -> str:
    """One short name of a machine described by :func:`describe_machine`."""
    return f"{description['cpu']}, {description['cores']} cores"


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Name the processor as its maker does, or by its architecture where the system does not tell.

    Parameters
    ----------
    cpuinfo
        Linux's list of processors.
    """
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        name = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    elif cpuinfo.is_file():
        lines = (line.partition(":") for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines())
        name = next((value.strip() for key, _, value in lines if key.strip() == "model name"), "")
    else:
        name = platform.processor()
    return name or platform.machine()


def git_revision(file: Path) -> str | None:
    """Commit of the checkout that ``file`` is tracked in, with ``-dirty`` if anything differs from it."""
    git = ["git", "-C", str(file.parent)]
    try:
        subprocess.run([*git, "ls-files", "--error-unmatch", file.name], check=True, capture_output=True)
        described = subprocess.run(
            [*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):  # no git here, or not in a checkout
        return None
    return described.stdout.strip()

"""What a run is asked to do: options of the command line, and their defaults in ``pyproject.toml``."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast

from fastsym.regression.outcome import CannotJudgeError

Code = Literal["fail", "report", "off"]
CODES: tuple[Code, ...] = ("fail", "report", "off")
TABLE = "[tool.fastsym.regression]"
LEAST_BUDGET_SECONDS = 1.0


@dataclass(frozen=True)
class Settings:
    """What a run is asked to do."""

    against: str | None = None
    """Revision to compare with; None for the usual one."""
    bench: tuple[str, ...] = ()
    """Files, folders or node ids for pytest, relative to the repository."""
    budget: float = 180.0
    """Seconds that everything together may take."""
    bar: float = 0.02
    """Smallest slowdown that matters, as a fraction."""
    carry: bool = False
    """Put the head's benchmark files on both sides."""
    prepare: str | None = None
    """Shell command that builds a side into its own environment."""
    path: tuple[str, ...] | None = None
    """Folders of a checkout for PYTHONPATH; None for ``src`` and ``.``, with ``prepare`` for ``.`` alone."""
    dist: str | None = None
    """Name of the distribution; None for that in pyproject.toml."""
    pytest_args: tuple[str, ...] = ()
    code: Code = "report"
    """What a loss in the machine code of Numba's kernels does."""
    seed: int | None = None
    """Of all orders; None draws one."""

    @property
    def paths(self) -> tuple[str, ...]:
        """What goes on PYTHONPATH."""
        return self.path if self.path is not None else ((".",) if self.prepare else ("src", "."))

    @property
    def bench_files(self) -> tuple[str, ...]:
        """The benchmarks' files and folders, without what node ids add."""
        return tuple(dict.fromkeys(name.partition("::")[0] for name in self.bench))


def read_project(root: Path) -> dict[str, Any]:
    """Read ``pyproject.toml``; empty if there is none.

    Raises
    ------
    CannotJudgeError
        If it is not TOML.
    """
    try:
        return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CannotJudgeError(f"pyproject.toml: expected TOML; got {error}; repair it") from error


def combine(project: dict[str, Any], given: dict[str, Any]) -> Settings:
    """Join the options that were given with the project's defaults.

    Parameters
    ----------
    project
        As from :func:`read_project`.
    given
        Name of a field of :class:`Settings` -> value; None for what was not given.

    Raises
    ------
    CannotJudgeError
        If a default has an unknown name or a wrong type, or a value is out of range.
    """
    table = project.get("tool", {}).get("fastsym", {}).get("regression", {})
    defaults = {str(name).replace("-", "_"): value for name, value in table.items()}
    known = {field.name for field in fields(Settings)} - {"seed"}
    for name in defaults:
        if name not in known:
            raise CannotJudgeError(f"{TABLE}: expected one of {', '.join(sorted(known))}; got {name!r}; rename it")
    chosen = {name: _checked(name, value) for name, value in defaults.items()}
    chosen |= {name: value for name, value in given.items() if value is not None}
    settings = Settings(**chosen)
    distribution = str(project.get("project", {}).get("name", "")) or None
    if not settings.bench:
        raise CannotJudgeError(
            f"--bench: expected files or folders with pytest-benchmark tests; got none; name them, or set bench in "
            f"{TABLE}"
        )
    if not (settings.budget >= LEAST_BUDGET_SECONDS) or not (0 <= settings.bar < 10):
        raise CannotJudgeError(
            f"--budget, --bar: expected at least {LEAST_BUDGET_SECONDS:.0f} s and a fraction from 0 to 10; got "
            f"{settings.budget} s and {settings.bar}; 180 and 0.02 are usual"
        )
    return settings if settings.dist is not None else Settings(**(vars(settings) | {"dist": distribution}))


def _checked(name: str, value: Any) -> Any:
    texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    right = {
        "bench": isinstance(value, str) or texts,
        "path": isinstance(value, str) or texts,
        "pytest_args": texts,
        "budget": isinstance(value, int | float) and not isinstance(value, bool),
        "bar": isinstance(value, int | float) and not isinstance(value, bool),
        "carry": isinstance(value, bool),
        "code": value in CODES,
    }.get(name, isinstance(value, str))
    if not right:
        raise CannotJudgeError(f"{TABLE}: {name}: expected another kind of value; got {value!r}; see docs/gate.md")
    if name in ("bench", "path", "pytest_args"):
        return (value,) if isinstance(value, str) else tuple(cast("list[str]", value))
    return float(value) if name in ("budget", "bar") else value

"""Print the lowest versions that pyproject.toml declares, as constraints for pip; those of what only lints left out."""

import re
import tomllib
from pathlib import Path

LINTS = re.compile(r"mypy|ruff|pre-commit|types-|\S+-stubs")

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
lowest: dict[str, tuple[int, ...]] = {}
for requirement in (*project["dependencies"], *project["optional-dependencies"]["test"]):
    name, version = requirement.split(">=")
    if not LINTS.match(name):  # what both lists name is needed as the higher one says
        lowest[name] = max(lowest.get(name, ()), tuple(map(int, version.split("."))))
for name, parts in lowest.items():
    print(f"{name}=={'.'.join(map(str, parts))}")

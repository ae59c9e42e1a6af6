"""Print the lowest versions that pyproject.toml declares, as constraints for pip; those of what only lints left out."""

import re
import tomllib
from pathlib import Path

LINTS = re.compile(r"mypy|ruff|pre-commit|types-|\S+-stubs")

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
for requirement in (*project["dependencies"], *project["optional-dependencies"]["test"]):
    if not LINTS.match(requirement):
        print(requirement.replace(">=", "=="))

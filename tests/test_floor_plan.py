"""The arrows of the floor plan (README.md): a module imports from lower floors, or from its own room."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "fastsym"

README = PACKAGE.parent / "README.md"


def floors_of_readme() -> dict[str, int]:
    """Room -> floor, from the list in the README."""
    lines = README.read_text(encoding="utf-8").split("## Floor plan")[1].split("\n## ")[0].splitlines()
    floors, here = {}, -1
    for line in lines:
        match = re.fullmatch(r"    (?:floor (\d)|       )   (\w+) +\S.*", line)
        if match:
            here = int(match[1] or here)
            floors[match[2]] = here
    return floors


FLOOR = floors_of_readme()
FACADE = "__init__"
"""fastsym/__init__ gathers the public names; it may import anything, and counts as the floor of ``train``."""
LEDGER = ("stats", "records", "published", "scaling", "report")
DOORS = ("report.__main__", "report.collect", "report.timing")
"""Where the wing that makes results and the ledger that reads them meet."""
COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "cfunc", "stencil", "generated_jit"}

MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def imported_from_fastsym(module: str) -> set[str]:
    """Modules of fastsym that a module imports anywhere, inside functions too, without the package's name."""
    found = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "fastsym"}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import in line {node.lineno}; write it from fastsym on"
            if node.module and node.module.split(".")[0] == "fastsym":
                # A name may be a module of that package, or something inside the module.
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    found.add(inner if inner.removeprefix("fastsym.") in MODULES else node.module)
    return {FACADE if name == "fastsym" else name.removeprefix("fastsym.") for name in found}


def room(module: str) -> str:
    return module.split(".")[0]


def floor(module: str) -> int:
    return FLOOR["variants"] if module == FACADE else FLOOR[room(module)]


def test_every_module_has_a_floor() -> None:
    rooms = {room(module) for module in MODULES} - {FACADE}
    assert rooms == set(FLOOR), f"floor plan in README.md: add {rooms - set(FLOOR)}, remove {set(FLOOR) - rooms}"


@pytest.mark.parametrize("module", sorted(set(MODULES) - {FACADE}))
def test_imports_point_down(module: str) -> None:
    for imported in imported_from_fastsym(module):
        same_room = room(module) == room(imported)
        assert same_room or floor(imported) < floor(module), f"{module} imports {imported}, which is not below it"


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) in LEDGER and name not in DOORS])
def test_the_ledger_never_trains(module: str) -> None:
    """Of what makes results it knows the types and constants, which begin with a capital, and no function."""
    for node in ast.walk(tree_of(module)):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        source = node.module.removeprefix("fastsym").removeprefix(".") or FACADE
        if node.module.split(".")[0] == "fastsym" and floor(source) > 1 and room(source) not in LEDGER:
            names = {alias.name for alias in node.names} - {"__version__"}
            assert all(name[0].isupper() for name in names), f"{module} imports {names} from {source}"


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"_jit"}))
def test_compilers_are_spelled_in_one_place(module: str) -> None:
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("numba", "nb"):
            assert node.attr not in COMPILERS, f"{module}, line {node.lineno}: use fastsym._jit"
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "numba":
            names = {alias.name for alias in node.names}
            assert not names & COMPILERS, f"{module}, line {node.lineno}: use fastsym._jit"


def test_the_readme_has_all_floors() -> None:
    assert sorted(set(FLOOR.values())) == list(range(7))
    assert FLOOR["_jit"] < FLOOR["elementwise"] < FLOOR["kernels"] < FLOOR["variants"] < FLOOR["agreement"]

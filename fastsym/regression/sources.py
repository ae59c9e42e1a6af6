"""What the timed code is made of, and whether the two sides differ in any of it."""

import ast
import re
from collections.abc import Collection, Mapping
from pathlib import Path

DOCUMENTS = (".md", ".rst", ".txt", ".adoc", ".png", ".svg", ".jpg", ".jpeg", ".gif", ".ipynb", ".html", ".css")
DOCUMENTS_BY_NAME = ("LICENSE", "LICENCE", "COPYING", "AUTHORS", "CODEOWNERS", ".gitignore", ".gitattributes")
FOLDERS_OF_SERVICES = (".github/", ".gitlab/", ".circleci/", ".ci/")
SOURCE = ".py"
NEVER = (".git", "__pycache__", ".pytest_cache")


def files_of(tree: Path) -> set[str]:
    """List the files of a checkout, relative to it."""
    found = set()
    for path in tree.rglob("*"):
        parts = path.relative_to(tree).parts
        if not set(parts) & {*NEVER} and (path.is_symlink() or path.is_file()):
            found.add("/".join(parts))
    return found


def differing_files(base: Path, head: Path, *, layout: bool = False) -> list[str]:
    """List the files that are not the same in two checkouts.

    Parameters
    ----------
    base, head
        The checkouts.
    layout
        Whether comments and the layout of Python code count.
    """
    before, after = files_of(base), files_of(head)
    unlike = {name for name in before & after if not _same(base / name, head / name, layout)}
    return sorted((before ^ after) | unlike)


def _same(before: Path, after: Path, layout: bool) -> bool:
    if before.is_symlink() or after.is_symlink():
        return before.is_symlink() and after.is_symlink() and before.readlink() == after.readlink()
    contents = before.read_bytes(), after.read_bytes()
    if contents[0] == contents[1] or layout or before.suffix != SOURCE:
        return contents[0] == contents[1]
    try:
        trees = [ast.dump(ast.parse(content)) for content in contents]
    except (SyntaxError, ValueError, RecursionError):
        return False
    return trees[0] == trees[1]


def is_document(name: str) -> bool:
    """Whether a file is one that programs hardly read."""
    path = Path(name)
    return (
        path.suffix.lower() in DOCUMENTS
        or path.name.startswith(DOCUMENTS_BY_NAME)
        or name.startswith(FOLDERS_OF_SERVICES)
    )


def only_documents(differing: Collection[str], opened: Collection[str], tree: Path) -> bool:
    """Whether, before any test ran, all that differs is documentation that the loaded code neither opened nor names.

    Parameters
    ----------
    differing
        As from :func:`differing_files`.
    opened
        Files that were opened while the tests were collected.
    tree
        The checkout, for the text of those files.
    """
    if not all(is_document(name) for name in differing) or {*differing} & {*opened}:
        return False
    patterns = {re.escape(Path(name).name) for name in differing}
    patterns |= {rf"""[*"']{re.escape(Path(name).suffix)}["']""" for name in differing if Path(name).suffix}
    named = re.compile("|".join(patterns))
    sources = [tree / name for name in opened if name.endswith(SOURCE)]
    return not any(
        named.search(source.read_text(encoding="utf-8", errors="replace")) for source in sources if source.is_file()
    )


def untouched(differing: Collection[str], opened: Collection[str], *, programs: bool) -> bool:
    """Whether nothing that the tests were seen to read differs.

    Parameters
    ----------
    differing
        As from :func:`differing_files`.
    opened
        Files that either side opened, or loaded modules from, from its start to the end of the tests.
    programs
        Whether a test started another program or library, whose reading is not seen.
    """
    if {*differing} & {*opened}:
        return False
    # A library in C may read data without being seen; source files are read by Python alone.
    return all(is_document(name) or (name.endswith(SOURCE) and not programs) for name in differing)


def changed_functions(base: Path, head: Path, differing: Collection[str]) -> list[str]:
    """List the functions that differ: ``name (file:line)``, the line at the head; for one who looks for a cause."""
    found = []
    for name in sorted(differing):
        if not name.endswith(SOURCE):
            continue
        before, after = _functions(base / name), _functions(head / name)
        found += [
            f"{function} ({name}:{line})"
            for function, (line, text) in after.items()
            if before.get(function, (0, ""))[1] != text
        ]
    return found


def _functions(path: Path) -> Mapping[str, tuple[int, str]]:
    """Name -> line and normalised text of every function of a file that holds no other function that differs."""
    try:
        parsed = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return {}
    found: dict[str, tuple[int, str]] = {}

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                found[prefix + child.name] = child.lineno, ast.dump(child)
            if isinstance(child, ast.ClassDef):
                visit(child, f"{prefix}{child.name}.")

    visit(parsed, "")
    return found

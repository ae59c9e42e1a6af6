"""What differs between two checkouts, and whether it can matter to what was loaded."""

import pytest

from fastsym.regression.sources import changed_functions, differing_files, only_documents, untouched

CODE = "import math\n\ndef area(r):\n    return math.pi * r * r\n"


@pytest.fixture
def trees(tmp_path):
    for side in ("base", "head"):
        for name, text in (("pkg/a.py", CODE), ("README.md", "Hello\n"), ("data.bin", "\0")):
            (tmp_path / side / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / side / name).write_text(text)
        (tmp_path / side / ".git").mkdir()
        (tmp_path / side / ".git" / "index").write_text(side)
    return tmp_path / "base", tmp_path / "head"


def test_equal_trees(trees):
    assert differing_files(*trees) == []


def test_what_differs(trees):
    base, head = trees
    (head / "README.md").write_text("Hello you\n")
    (head / "new.py").write_text("")
    (base / "data.bin").unlink()
    (head / "link").symlink_to("nowhere")
    assert differing_files(base, head) == ["README.md", "data.bin", "link", "new.py"]
    (base / "link").symlink_to("elsewhere")
    assert "link" in differing_files(base, head)
    (base / "link").unlink()
    (base / "link").symlink_to("nowhere")
    assert "link" not in differing_files(base, head)


@pytest.mark.parametrize(
    ("code", "same"),
    [
        (CODE.replace("import math\n", "import math  # for pi\n\n\n"), True),
        (CODE.replace("r * r", "r*r"), True),
        (CODE.replace("r * r", "r ** 2"), False),
        (CODE.replace("def area(r):\n", 'def area(r):\n    """Of a circle."""\n'), False),  # parsers read docstrings
        ("def (", False),
        ("x = 1\0", False),
    ],
)
def test_comments_and_layout_do_not_count(trees, code, same):
    base, head = trees
    (head / "pkg/a.py").write_text(code)
    assert differing_files(base, head) == ([] if same else ["pkg/a.py"])


@pytest.mark.parametrize(
    "name", ["README.md", "docs/index.rst", "LICENSE", ".github/workflows/ci.yml", "a/b/picture.PNG"]
)
def test_documents_that_nothing_reads_do_not_matter(trees, name):
    assert only_documents([name], ["pkg/a.py"], trees[1])
    assert untouched([name], ["pkg/a.py"], programs=True)
    assert not only_documents([name], ["pkg/a.py", name], trees[1])
    assert not untouched([name], ["pkg/a.py", name], programs=False)
    assert not only_documents([name, "pkg/a.py"], [], trees[1])


@pytest.mark.parametrize(("code", "only"), [("open('README.md')", False), ("glob('*.md')", False), ("x = 'amd'", True)])
def test_a_document_that_the_code_names_may_matter(trees, code, only):
    (trees[1] / "pkg/a.py").write_text(code)
    assert only_documents(["README.md"], ["pkg/a.py", "gone.py"], trees[1]) is only


def test_code_that_was_not_loaded_does_not_matter_unless_programs_ran():
    assert untouched(["tests/test_other.py"], ["pkg/a.py"], programs=False)
    assert not untouched(["tests/test_other.py"], ["pkg/a.py"], programs=True)
    assert not untouched(["pkg/a.py"], ["pkg/a.py"], programs=False)
    assert not untouched(["data.parquet"], ["pkg/a.py"], programs=False)  # a library in C may have read it
    assert untouched([], [], programs=True)


def test_changed_functions_have_their_place(trees):
    base, head = trees
    (base / "pkg/a.py").write_text(CODE + "class A:\n    def same(self): ...\n    def other(self): ...\n")
    (head / "pkg/a.py").write_text(
        "x = 1\n" + CODE.replace("r * r", "r") + "class A:\n    def same(self): ...\n    def other(self): return 1\n"
    )
    (head / "pkg/b.py").write_text("async def new(): ...\n")
    names = ["README.md", "pkg/a.py", "pkg/b.py", "pkg/gone.py"]
    assert changed_functions(base, head, names) == ["area (pkg/a.py:4)", "A.other (pkg/a.py:8)", "new (pkg/b.py:1)"]

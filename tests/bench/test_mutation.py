import ast
from pathlib import Path

import pandas as pd
import pytest

from bench import ROOT
from bench.mutation import TARGETS, Copy, Target, mutants

SOURCE = """
def share(a: int, b: int = 2, *, c: float = 0.5) -> "list[int]":
    \"\"\"A text with 1 and 2.\"\"\"
    if a < b and not c == 1:
        raise ValueError(f"a: expected {b + 1}")
    return [i * 3 for i in range(a, b)][: a - 1]
"""


def test_each_mutant_changes_one_place_and_is_a_program():
    found = mutants(SOURCE)
    for mutant in found:
        assert ast.dump(ast.parse(mutant.source)) != ast.dump(ast.parse(SOURCE))
        changed = [(a, b) for a, b in zip(SOURCE.split("\n"), mutant.source.split("\n"), strict=True) if a != b]
        assert len(changed) == 1
        assert changed[0][0] == SOURCE.split("\n")[mutant.line - 1]
    assert len({mutant.source for mutant in found}) == len(found)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a < b", "a <= b"),
        ("a < b and not c == 1", "a < b or not c == 1"),
        ("not c == 1", "c == 1"),
        ("2", "3"),
        ("0.5", "0.505"),
        ("i * 3", "i / 3"),
        ("range(a, b)", "range(a, (b) - 1)"),
        (": a - 1", ":(a - 1) - 1"),
    ],
)
def test_operators_bounds_indices_and_constants_are_changed(before, after):
    assert (before, after) in [(mutant.before, mutant.after) for mutant in mutants(SOURCE)]


def test_text_annotations_and_messages_are_left_alone():
    assert not [mutant for mutant in mutants(SOURCE) if mutant.line in (3, 5)]


def test_every_mutant_of_a_kernel_is_a_program():
    for mutant in mutants((ROOT / "fastsym" / "kernels" / "loops.py").read_text(encoding="utf-8")):
        compile(mutant.source, "loops.py", "exec")


def test_a_copy_tells_who_noticed(tmp_path: Path):
    (tmp_path / "module.py").touch()
    copy = Copy(tmp_path, Target("module.py", ("test_module.py",)), names=())
    (tmp_path / "test_module.py").write_text("import module\n\n\ndef test_one():\n    assert module.ONE == 1\n")
    assert copy.judge("ONE = 1\n", 60) == "survived"
    assert copy.judge("ONE = (2)\n", 60) == "tests"


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_every_target_and_its_tests_are_there(target):
    assert (ROOT / target.module).is_file()
    assert all((ROOT / name).is_file() for name in target.tests if name.endswith(".py"))


def test_equal_changes_of_one_line_are_told_apart():
    found = mutants("a = [b[1], b[1]]\n")
    assert len({(each.line, each.column, each.before, each.after) for each in found}) == len(found) == 2


def test_every_recorded_survivor_is_explained_and_few_of_the_kernels_make_a_difference():
    table = pd.read_csv(ROOT / "reports" / "mutation.csv", index_col="target")
    left = pd.read_csv(ROOT / "reports" / "mutation-survivors.csv", keep_default_na=False)
    noticed = table["by_certificate"] + table["by_tests_only"]
    assert (noticed + table["survivors"] == table["mutants"]).all()
    counts = left["target"].value_counts().reindex(table.index, fill_value=0)
    assert (counts == table["survivors"]).all()
    assert left["why"].str.endswith(".").all()
    different = left["target"][left["why"].str.startswith("Not equivalent")].value_counts()
    for name, target in TARGETS.items():
        if target.certificate:
            assert noticed[name] >= 0.95 * (noticed[name] + different.get(name, 0))

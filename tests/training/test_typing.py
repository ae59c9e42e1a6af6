import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTINGS = """[mypy]
strict = true
[mypy-numba.*,llvmlite.*]
follow_imports = skip
[mypy-fastsym.*]
follow_imports = silent
"""
PROGRAM = """
two = fastsym.initialise("normal", n_features=8, hidden=4)
layer = fastsym.initialise("zeros", n_features=8)
training_of_two = fastsym.train(data.X, data.y, two, 3, 0.01, record_every=1)
W2 = training_of_two.params.W2.sum()
reveal_type(training.params)
reveal_type(training_of_two.history)
reveal_type(fastsym.train(data.X, data.y, layer, 3, 0.01).params)
reveal_type(fastsym.train_population(data.X, data.y, two, 3, [0.01]).params)
reveal_type(fastsym.VARIANTS["simd"])
"""


def readme_program() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.split("```python\n")[1].split("```")[0]


def test_the_readmes_lines_print_what_it_shows():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.match(r"\n+((?:    .*\n)+)", text.split("```python\n")[1].split("```")[1])
    done = subprocess.run([sys.executable, "-c", readme_program()], capture_output=True, text=True, check=True)
    assert shown is not None
    assert done.stdout == textwrap.dedent(shown[1])


def test_mypy_accepts_a_users_program_and_knows_the_parameters(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(readme_program() + PROGRAM, encoding="utf-8")
    (tmp_path / "mypy.ini").write_text(SETTINGS)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", program.name],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    revealed = [line.split("Revealed type is ")[1] for line in done.stdout.splitlines() if "Revealed type" in line]
    assert done.returncode == 0, done.stdout
    expected = ["Params", "Params | None", "LayerParams", "Params", "Variant"]
    assert [re.sub(r".*\.(\w+)[\]\")]*( \| None)?\"?$", r"\1\2", each) for each in revealed] == expected

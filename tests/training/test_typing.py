import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
training_of_two = fastsym.train(data.X, data.y, start, 3, 0.01, record_every=1)
W2 = training_of_two.params.W2.sum()
reveal_type(training.params)
reveal_type(training_of_two.history)
reveal_type(fastsym.train(data.X, data.y, layer, 3, 0.01).params)
reveal_type(fastsym.train_population(data.X, data.y, start, 3, [0.01]).params)
reveal_type(fastsym.VARIANTS["simd"])
"""


def readme_program() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.split("```python\n")[1].split("```")[0]


def test_mypy_accepts_a_users_program_and_knows_the_parameters(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(readme_program() + PROGRAM, encoding="utf-8")
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\n[mypy-numba.*,llvmlite.*]\nfollow_imports = skip\n")
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

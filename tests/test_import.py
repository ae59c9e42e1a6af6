"""``import fastsym`` is quick, for it imports what is asked for; and all that was there is."""

import subprocess
import sys

import pytest

import fastsym
from fastsym import sweep

HEAVY = "numba", "pandas", "matplotlib", "scipy"


@pytest.mark.parametrize(
    "code",
    [
        "import fastsym",
        "from fastsym import load_titanic; load_titanic()",
        "import fastsym.__main__",
        "import fastsym.report.__main__",
        "import fastsym.play.__main__",
        "import fastsym.regression",
        "import fastsym.sweep.__main__",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code: str) -> None:
    script = f"import sys\n{code}\nprint(*sorted({{*{HEAVY}}} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_public_name_and_wing_is_there() -> None:
    wings = ["kernels", "model", "training"]
    for name in [*fastsym.__all__, *wings]:
        assert getattr(fastsym, name) is not None
    assert {*fastsym.__all__, *wings, "__version__"} <= {*dir(fastsym)}
    assert fastsym.train.__module__ == "fastsym.training.train"
    assert sweep.Grid is not None
    everything: dict[str, object] = {}
    exec("from fastsym import *", everything)
    assert {*fastsym.__all__} <= {*everything}


def test_modules_of_the_wings_are_there_in_a_fresh_process() -> None:
    for name in ("model.params", "training.registry", "kernels.loops"):
        subprocess.run([sys.executable, "-c", f"import fastsym; fastsym.{name}"], check=True)


def test_what_is_not_there_is_an_attribute_error() -> None:
    assert not hasattr(fastsym, "trian")
    with pytest.raises(ImportError, match="trian"):
        exec("from fastsym import trian")

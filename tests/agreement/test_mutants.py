import numpy as np
import pytest

from fastsym import VARIANTS, load_titanic, train
from fastsym.agreement import certify, first_failure
from fastsym.agreement.mutants import HONEST, MUTANTS
from fastsym.model import reference
from fastsym.model.initialise import initialise
from fastsym.model.params import Params

DTYPES = ("float64", "float32")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_broken_program_is_rejected_by_the_certificate_alone(mutant, dtype):
    assert first_failure(mutant, dtype) is not None


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_program_they_were_made_from_is_not(dtype):
    assert first_failure(HONEST, dtype) is None
    assert certify(HONEST, dtype, thorough=True).passed


def test_there_are_enough_of_them_and_each_says_what_is_wrong():
    assert len(MUTANTS) >= 50
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert all(mutant.summary for mutant in MUTANTS)


def test_the_zero_start_would_let_wrong_programs_pass():
    # Why no case starts from zeros: there every hidden gradient is exactly zero, whatever the formula.
    X, y, _ = load_titanic("standardised")
    hidden_slips = [mutant for mutant in MUTANTS if mutant.name in ("ActivationForItsSquare", "NeighbouringSample")]
    assert len(hidden_slips) == 2
    right = train(X, y, initialise("zeros", 8, 4), 20, 0.01, "reference")
    for mutant in hidden_slips:
        params = Params(*(np.zeros_like(field) for field in right.params))
        mutant.train_network(X, y, params, 0.01, np.empty(20))
        assert all(np.allclose(a, b, atol=1e-15) for a, b in zip(params, right.params, strict=True))


def test_the_reference_is_not_among_them():
    assert VARIANTS["reference"].train_network is reference.train_network

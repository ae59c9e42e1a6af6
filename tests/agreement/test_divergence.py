import numpy as np
import pytest

from fastsym import VARIANTS, load_titanic
from fastsym.agreement import divergence
from fastsym.agreement.mutants import formula
from fastsym.model import reference


@pytest.mark.parametrize("hidden", divergence.WIDTHS)
@pytest.mark.parametrize("name", ["numpy", "loops", "fused", "simd", "parallel"])
def test_every_variant_stays_inside_the_band_until_paths_cannot_be_compared(name, hidden):
    band = divergence.band(hidden)
    distances = divergence.divergence(VARIANTS[name].train_network, hidden, last=300)
    assert (distances <= band.envelope[: len(distances)]).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_four_units_stay_at_rounding_level_and_sixteen_do_not(dtype):
    rounding = np.finfo(dtype).eps
    calm, chaotic = divergence.band(4, dtype), divergence.band(16, dtype)
    assert calm.envelope[-1] < 200 * rounding
    assert calm.comparable_until == 3000
    assert chaotic.envelope[-1] > 0.1
    assert 20 < chaotic.comparable_until < 120
    for band in (calm, chaotic):
        assert band.distances.shape == (32, len(divergence.CHECKPOINTS))
        assert (band.distances[:, 0] > 0).all()


def test_a_short_recomputation_agrees_with_the_stored_band():
    table = load_titanic("article")
    checkpoints = tuple(c for c in divergence.CHECKPOINTS if c <= 60)
    fresh = divergence.perturb(table.X, table.y, 16, "float64", runs=4, checkpoints=checkpoints)
    envelope = divergence.band(16).envelope[: len(checkpoints)]
    # Another BLAS rounds otherwise; a factor is a little earlier or later, not another band.
    assert (fresh.max(axis=0) <= 4 * envelope).all()
    assert (np.maximum.accumulate(fresh.max(axis=0)) >= envelope / 30).all()


def test_a_wrong_program_leaves_the_band_at_once():
    distances = divergence.divergence(formula.ActivationForItsSquare().train, 4, last=10)
    assert not (distances[0] <= 1e6 * divergence.band(4).envelope[0])


def test_the_reference_has_no_distance_from_itself():
    assert (divergence.divergence(reference.train_network, 4, last=10) == 0).all()

import numpy as np
import pytest

from fastsym import VARIANTS, load_titanic, path, reference
from fastsym.mutants import formula


@pytest.mark.parametrize("hidden", path.WIDTHS)
@pytest.mark.parametrize("name", ["numpy", "loops", "fused", "simd", "parallel"])
def test_every_variant_stays_inside_the_band_until_paths_cannot_be_compared(name, hidden):
    band = path.band(hidden)
    distances = path.divergence(VARIANTS[name].train_network, hidden, last=300)
    assert (distances <= band.envelope[: len(distances)]).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_four_units_stay_at_rounding_level_and_sixteen_do_not(dtype):
    rounding = np.finfo(dtype).eps
    calm, chaotic = path.band(4, dtype), path.band(16, dtype)
    assert calm.envelope[-1] < 200 * rounding
    assert calm.comparable_until == 3000
    assert chaotic.envelope[-1] > 0.1
    assert 20 < chaotic.comparable_until < 120
    for band in (calm, chaotic):
        assert band.distances.shape == (32, len(path.CHECKPOINTS))
        assert (band.distances[:, 0] > 0).all()


def test_a_short_recomputation_agrees_with_the_stored_band():
    table = load_titanic("article")
    checkpoints = tuple(c for c in path.CHECKPOINTS if c <= 60)
    fresh = path.perturb(table.X, table.y, 16, "float64", runs=4, checkpoints=checkpoints)
    envelope = path.band(16).envelope[: len(checkpoints)]
    # Another BLAS rounds otherwise; a factor is a little earlier or later, not another band.
    assert (fresh.max(axis=0) <= 4 * envelope).all()
    assert (np.maximum.accumulate(fresh.max(axis=0)) >= envelope / 30).all()


def test_a_wrong_program_leaves_the_band_at_once():
    distances = path.divergence(formula.ActivationForItsSquare().train, 4, last=10)
    assert not (distances[0] <= 1e6 * path.band(4).envelope[0])


def test_the_reference_has_no_distance_from_itself():
    assert (path.divergence(reference.train_network, 4, last=10) == 0).all()

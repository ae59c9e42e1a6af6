"""One result everywhere: the same bits for any thread count, and any kind of x86-64 or 64-bit ARM processor."""

import hashlib
import os
import platform
import subprocess
import sys

import pytest

import fastsym

PUBLISHED = {
    "article": "fe33c3a7eaff444bbd10ed8c5487dc5454f55e9290a59757adad3788e890722a",
    "no_id": "dab5758199e393ab79f0fd379f0978702d2abe75cde2c13bed3487a65d80558e",
    "standardised": "542222bf8944377fe83caa144982606dceacdecda6fb899d768f835fca1f6c74",
}
"""sha256 of W1, b1, W2, b2 after 300 iterations: float64, H = 5, seed 0, scale 0.01, learning rate 0.01."""

# Names that LLVM does not know on a machine's architecture end the process.
ON_X86 = {"x86-64": "", "haswell": " avx2 ", "skylake-avx512": " avx512dq "}
ON_ARM = {"generic": "", "cortex-a72": ""}
TARGETS = ON_ARM if platform.machine().lower() in ("aarch64", "arm64") else ON_X86
"""Name of a processor -> what /proc/cpuinfo says of one that runs its code; nothing if all do."""


def fingerprint(features, variant):
    data = fastsym.load_titanic(features)
    start = fastsym.initialise("normal", len(data.X), 5)
    trained = fastsym.train(data.X, data.y, start, 300, 0.01, variant)
    digest = hashlib.sha256()
    for a in trained.params:
        digest.update(a.astype("<f8").tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("features", PUBLISHED)
@pytest.mark.parametrize("variant", ["simd", "parallel"])
def test_published_bits(features, variant):
    assert fingerprint(features, variant) == PUBLISHED[features]


def _runs_here(flag):
    if not flag:
        return True
    try:
        with open("/proc/cpuinfo", encoding="ascii") as info:
            return flag in info.read()
    except OSError:
        return False


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory):
    """One for all targets: none may take another's code."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("target", TARGETS)
def test_other_processors_give_the_same_bits(target, shared_cache):
    if not _runs_here(TARGETS[target]):
        pytest.skip(f"this processor cannot run code for {target}")
    code = """
import test_one_result as t
from fastsym.kernels import simd
print(*(t.fingerprint(f, 'parallel') for f in ('article', 'standardised')), simd.train_networks.stats.cache_hits)
"""
    processor = {"NUMBA_CPU_NAME": target, "NUMBA_CPU_FEATURES": ""}
    environment = os.environ | processor | {"NUMBA_CACHE_DIR": str(shared_cache)}
    environment["PYTHONPATH"] = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    output = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    assert output == [PUBLISHED["article"], PUBLISHED["standardised"], "Counter()"]


def test_the_fingerprint_sees_a_small_change():
    data = fastsym.load_titanic("standardised")
    start = fastsym.initialise("normal", 8, 5)
    start.W1[0, 0] *= 1 + 1e-9  # one unit in the last place could be forgotten on the way
    trained = fastsym.train(data.X, data.y, start, 300, 0.01, "simd")
    digest = hashlib.sha256(b"".join(a.tobytes() for a in trained.params)).hexdigest()
    assert digest != PUBLISHED["standardised"]

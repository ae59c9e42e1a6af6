"""What is chosen for a processor's registers: read off LLVM's code for it, and never more than fits."""

import pytest
from llvmlite import binding

from fastsym.kernels import layout, target

X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"


def machine(triple, cpu):
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    try:
        return binding.Target.from_triple(triple).create_target_machine(cpu=cpu)
    except RuntimeError:
        pytest.skip(f"this LLVM makes no code for {triple}")


@pytest.mark.parametrize(
    ("triple", "cpu", "capacity"),
    [
        (X86, "x86-64", 4),
        (X86, "haswell", 8),
        (X86, "skylake-avx512", 32),
        (X86, "znver4", 32),
        (ARM, "generic", 8),
        (ARM, "neoverse-v1", 8),
    ],
)
def test_capacity_is_that_of_the_registers(triple, cpu, capacity):
    assert target.capacity_of(machine(triple, cpu)) == capacity


@pytest.mark.parametrize("capacity", [8, 32])
@pytest.mark.parametrize("features", layout.CHUNK_SIZES)
def test_sums_fit_into_the_registers(capacity, features):
    later = target.later_count(capacity, features)
    units = 2 if target.has_pairs(capacity) else 1
    beside = 2  # a slope, and what it is multiplied with
    assert units * (features - later + 2) + beside <= capacity
    assert 0 <= later < features
    assert later + beside <= capacity
    assert 2 * target.tile_of(capacity) + beside <= capacity


def test_a_tile_divides_a_group():
    assert all(4 % target.tile_of(capacity) == 0 for capacity in (4, 8, 32))

"""The processor that kernels are compiled for: its vector registers, and how much of a sum they hold at once.

:mod:`fastsym.kernels.lanes` counts in registers of 64 bytes, whatever the processor has. Here is how many of those fit
into its own: 32 with AVX-512, 8 with AVX2 (16 of 32 bytes) and on 64-bit ARM (32 of 16), 4 on a plain x86-64. Loops
that keep more than that write sums to memory and read them back. What they keep together changes no sum, so results
do not depend on it.

Decided while a kernel is compiled. A cached kernel is never taken for another processor's: Numba's key of it has the
processor's name and features.
"""

import re
from functools import cache
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core.registry import cpu_target
from numba.core.typing.templates import signature
from numba.extending import intrinsic

# Only what fills the widest register that LLVM uses for such a value names it.
_PROBE = """
define <8 x double> @probe(<8 x double> %a, <8 x double> %b) {
  %sum = fadd <8 x double> %a, %b
  ret <8 x double> %sum
}
"""
X86_REGISTERS = {"zmm": 32, "ymm": 8, "xmm": 4}
"""Name of the widest registers in x86-64 assembly -> how many registers of 64 bytes all of them hold."""
ARM_REGISTERS = 8
_INTEGER = ir.IntType(types.intp.bitwidth)


def capacity_of(machine: Any) -> int:
    """Return how many registers of 64 bytes the vector registers hold, for a target machine of LLVM."""
    assembly = machine.emit_assembly(binding.parse_assembly(_PROBE))
    widest = max(re.findall(r"[xyz]mm", assembly), default="")
    return X86_REGISTERS.get(widest, ARM_REGISTERS)


@cache
def capacity() -> int:
    """Return :func:`capacity_of` the processor that Numba compiles for in this process."""
    return capacity_of(cpu_target.target_context.codegen()._tm)


def tile_of(capacity: int) -> int:
    """Return how many registers of samples to work on at once: two units' arguments, or what tanh needs, must fit."""
    return min(4, capacity // 4)


def has_pairs(capacity: int) -> bool:
    """Tell whether all gradients of two units' chunks fit, 22 registers at most, beside what they are made of."""
    return capacity >= 24


def later_count(capacity: int, features: int) -> int:
    """Return how many of a chunk's gradients are summed in a second pass: half of all, with b1 and W2."""
    return 0 if has_pairs(capacity) else (features + 2) // 2


# In kernels: decided for each processor when the kernel is compiled


@intrinsic
def tile(typingctx: Any) -> Any:
    """``tile()``: registers of samples in a tile; a literal, for :func:`fastsym.kernels.lanes.load` and its kind."""
    count = tile_of(capacity())
    return signature(types.literal(count)), lambda context, builder, sig, args: ir.Constant(_INTEGER, count)


@intrinsic
def in_pairs(typingctx: Any) -> Any:
    """``in_pairs()``: whether gradients of two units are summed at once."""
    chosen = has_pairs(capacity())
    return signature(types.boolean), lambda context, builder, sig, args: ir.Constant(ir.IntType(1), chosen)


def _zeros(count: int) -> Any:
    """Tuple of so many zeros, as type and code."""
    ty = types.UniTuple(types.intp, count)
    return ty, lambda context, builder, sig, args: ir.Constant(context.get_value_type(ty), None)


@intrinsic
def first_features(typingctx: Any, features: Any) -> Any:
    """``first_features(features)``: zeros for those, the last, whose gradients are summed first."""
    ty, codegen = _zeros(features.count - later_count(capacity(), features.count))
    return signature(ty, features), codegen


@intrinsic
def later_features(typingctx: Any, features: Any) -> Any:
    """``later_features(features)``: zeros for the others, all before them."""
    ty, codegen = _zeros(later_count(capacity(), features.count))
    return signature(ty, features), codegen

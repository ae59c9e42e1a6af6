"""Fingerprints of the machine code that Numba made: what the hot loops consist of, and what changed between two sides.

A time is noisy, generated code is not: under one Numba, one LLVM and one processor the same source gives the same
instructions. So a loop that is no longer vectorised, or that calls a function now, shows without any clock.

The modules: what an instruction does, for each kind of processor (``x86_64``, ``aarch64``); functions, blocks and loops
of a listing (``loops``); the kernels of a process (``kernels``).

Imports Numba and the standard library only, and its own modules relatively: it is loaded by its path into processes of
other revisions. Numba comes with the first kernel, for the gate of projects without any.
"""

from .instructions import ARITHMETIC, SCALAR, Fingerprint
from .kernels import MACHINES, Fingerprints, assembly_of, target
from .loops import find_loops, fingerprint_assembly

__all__ = [
    "ARITHMETIC",
    "MACHINES",
    "SCALAR",
    "Fingerprint",
    "Fingerprints",
    "assembly_of",
    "find_loops",
    "fingerprint_assembly",
    "target",
]

"""What the modules of all processors share: an instruction, and what the counts are called."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

Fingerprint = dict[str, Any]
Instruction = tuple[str, list[str]]
"""Mnemonic and operands, as the assembler of the processor writes them."""
Operations = Counter[tuple[str, str]]
"""(Width of the registers in bits or :data:`SCALAR`, kind) -> how often."""

SCALAR = "scalar"
ARITHMETIC = ("fma", "mul", "add", "div", "sqrt", "minmax")


class Architecture(Protocol):
    """What :mod:`.loops` asks the module of a kind of processor."""

    @property
    def COMMENT(self) -> re.Pattern[str]:  # noqa: N802 - a constant of a module
        """Where a comment begins within a line."""

    def read(self, text: str) -> Instruction:
        """Read a line of a listing."""

    def flow(self, mnemonic: str, operands: Sequence[str]) -> tuple[str, str]:
        """Tell where it goes on: ``jump``, ``branch`` or ``call`` and the label or ``*`` and the place, or ``end``."""

    def assigned(self, mnemonic: str, operands: Sequence[str]) -> list[tuple[str, str, str]]:
        """List the places it writes, each with the symbol put there, or the place it is copied from, or neither."""

    def sets_frame_pointer(self, mnemonic: str, operands: Sequence[str]) -> bool:
        """Tell whether a register besides the stack pointer points to the stack from here on."""

    def count_operations(self, block: list[Instruction], frame_pointer: bool) -> tuple[Operations, Counter[str]]:
        """Count the operations of a block by width and kind, and what it keeps on the stack."""

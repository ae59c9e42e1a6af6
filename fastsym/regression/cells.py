"""What the gate times: one training call each, chosen so that every rung and both precisions are in it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One training of the article's data, as each timed block repeats it."""

    variant: str
    hidden: int
    """H."""
    iterations: int
    """T of one call; long enough that checking the input does not count, short enough for a few calls a block."""
    dtype: str = "float64"

    @property
    def name(self) -> str:
        """What the cell is called in tables and on the command line."""
        return f"{self.variant} H={self.hidden} {self.dtype}"


CELLS: tuple[Cell, ...] = (
    Cell("simd", 4, 3000),
    Cell("simd", 64, 200),
    Cell("simd", 64, 400, "float32"),
    Cell("fused", 4, 1000),
    Cell("parallel", 256, 50),
)
"""The default kernel first; one call takes 10 to 30 ms on a processor of 2023."""

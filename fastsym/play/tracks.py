"""How the position of a slider and the text of its setting belong together."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Track:
    """The path of a slider; the setting itself may go further than its slider."""

    low: float
    high: float
    step: float
    logarithmic: bool = False
    """Positions are the decimal logarithm of the value."""
    zero: bool = False
    """The leftmost position means 0."""

    def text(self, position: float) -> str:
        """Write the value at a position as :func:`fastsym.play.settings.to_texts` does."""
        if not self.logarithmic:
            return str(round(position))
        if self.zero and position <= self.low:
            return "0.0"
        return str(float(f"{10**position:.3g}"))  # as many digits as one step of the slider tells apart

    def position(self, value: float) -> float:
        """Return the position nearest to a value; an end of the track if the value lies beyond."""
        if not self.logarithmic:
            exact = value
        elif value > 0:
            exact = math.log10(value)
        else:
            exact = self.low
        steps = round((min(max(exact, self.low), self.high) - self.low) / self.step)
        return round(self.low + steps * self.step, 10)


TRACKS: Mapping[str, Track] = {
    "hidden": Track(1, 64, 1),
    "scale": Track(-6, 1, 0.05, logarithmic=True),
    "learning_rate": Track(-4, 1, 0.05, logarithmic=True),
    "perturbation": Track(-12, 0, 0.25, logarithmic=True, zero=True),
    "seed": Track(0, 99, 1),
}

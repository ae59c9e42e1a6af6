"""The page's controls: each passes on a setting's new text, and shows an error if it is invalid."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nicegui import ui

from fastsym.model.initialise import BLOCKS
from fastsym.play.settings import CHOICES, DEFAULT, LABELS, RANGES
from fastsym.play.words import CONTROLS

BLOCKS_LABEL = "Sizes of the blocks"
FIRST_BLOCKS = "2+1"


@dataclass(frozen=True)
class Slider:
    """The positions of a slider and their values; the setting itself may have a wider range than its slider."""

    low: float
    high: float
    step: float
    logarithmic: bool = False
    """The position is the decimal logarithm of the value."""
    zero: bool = False
    """The leftmost position means 0."""
    whole: bool = False
    """The values are whole numbers."""

    def text(self, position: float) -> str:
        """Write the value at a position as :func:`fastsym.play.settings.to_texts` does."""
        if not self.logarithmic:
            return str(round(position))
        if self.whole:
            return str(round(10**position))
        if self.zero and position <= self.low:
            return "0.0"
        return str(float(f"{10**position:.3g}"))  # enough digits to tell neighbouring positions apart

    def position(self, value: float) -> float:
        """Return the position nearest to a value; an end of the slider if the value lies beyond it."""
        if not self.logarithmic:
            exact = value
        elif value > 0:
            exact = math.log10(value)
        else:
            exact = self.low
        steps = round((min(max(exact, self.low), self.high) - self.low) / self.step)
        return round(self.low + steps * self.step, 10)


SLIDERS: Mapping[str, Slider] = {
    "hidden": Slider(1, 64, 1),
    "scale": Slider(-6, 1, 0.05, logarithmic=True),
    "learning_rate": Slider(-4, 1, 0.05, logarithmic=True),
    "perturbation": Slider(-12, 0, 0.25, logarithmic=True, zero=True),
    "seed": Slider(0, 99, 1),
    "iterations": Slider(1, 4, 0.05, logarithmic=True, whole=True),
}

Change = Callable[[str, str], str | None]
"""Takes a setting's name and new text; returns an error message, or None."""


def text_element(tag: str, text: str) -> ui.label:
    """Add an element with the given tag and nothing but text in it."""
    label = ui.label(text)
    label.tag = tag
    return label


def explain(word: str) -> None:
    """Add a question mark that explains a word to who points at it, taps it or reaches it by the keyboard."""
    mark = text_element("span", "?").classes("word")
    mark._props |= {"tabindex": 0, "role": "note", "data-tip": word, "aria-label": word}


class NumberControl(ui.element, component="number.js"):
    """A number: an input field for all values, and a slider for the usual ones."""

    def __init__(self, name: str, text: str, change: Change) -> None:
        super().__init__()
        self._name, self._change = name, change
        self._slider = SLIDERS[name]
        low, high = RANGES[name]
        keyboard = "numeric" if isinstance(getattr(DEFAULT, name), int) else "decimal"
        self._props |= {"label": LABELS[name], "hint": f"{low:g} to {high:.10g}", "keyboard": keyboard}
        self._props["word"] = CONTROLS[name]
        self._props |= {"low": self._slider.low, "high": self._slider.high, "step": self._slider.step}
        self._props |= {"start": {"text": text, "position": self._slider.position(float(text))}}
        self.on("slid", lambda event: self._settle(self._slider.text(float(event.args)), slid=True), throttle=0.05)
        self.on("typed", lambda event: self._settle(str(event.args or "").strip(), slid=False))

    def _settle(self, text: str, *, slid: bool) -> None:
        wrong = self._change(self._name, text)
        if wrong is not None:
            self.run_method("refuse", wrong)
        else:
            self.run_method("settle", text, None if slid else self._slider.position(float(text)))

    def set(self, text: str) -> None:
        """Show another value, which the page has chosen."""
        self.run_method("settle", text, self._slider.position(float(text)))

    def enable(self, useful: bool) -> None:
        """Let it be used, or not, because it has no effect now."""
        self.run_method("enable", useful)


class ChoiceControl:
    """A choice between a few names."""

    def __init__(self, name: str, text: str, change: Change) -> None:
        with ui.element("div").classes("control choice"):
            self._select = ui.select(list(CHOICES[name]), label=LABELS[name], value=text)
            self._select.props("dense outlined options-dense")
            explain(CONTROLS[name])
        self._select.on_value_change(lambda event: change(name, str(event.value)))

    def set(self, text: str) -> None:
        """Show another value, which the page has chosen."""
        self._select.value = text


class StartControl:
    """The kind of start, and the sizes of the blocks if the kind is blocks."""

    def __init__(self, text: str, change: Change) -> None:
        self._change = change
        kinds = [kind.removesuffix("SIZES") for kind in CHOICES["start"]]
        options = {kind: kind.rstrip(":").replace("_", " ") for kind in kinds}
        in_blocks = text.startswith(BLOCKS)
        with ui.element("div").classes("control choice"):
            self._kind = ui.select(options, label=LABELS["start"], value=BLOCKS if in_blocks else text)
            self._kind.props("dense outlined options-dense")
            explain(CONTROLS["start"])
            self._sizes = ui.input(BLOCKS_LABEL, value=text.removeprefix(BLOCKS) if in_blocks else FIRST_BLOCKS)
            self._sizes.props('dense outlined hint="such as 2+1; units left over start at 0"').set_visibility(in_blocks)
            self._error = text_element("p", "").classes("alert").props("role=alert")
        self._kind.on_value_change(self._chosen)
        self._sizes.on("blur", self._chosen)
        self._sizes.on("keydown.enter", self._chosen)

    def set(self, text: str) -> None:
        """Show another kind that has no blocks, which the page has chosen."""
        self._kind.value = text

    def _chosen(self) -> None:
        kind = str(self._kind.value)
        in_blocks = kind == BLOCKS
        self._sizes.set_visibility(in_blocks)
        sizes = (self._sizes.value or "").strip() if in_blocks else ""
        wrong = self._change("start", kind + sizes)
        self._sizes.props(remove="error") if wrong is None else self._sizes.props("error")
        self._error.text = wrong or ""

"""The page's controls: each tells a setting's new text, and shows what is wrong with it."""

from collections.abc import Callable

from nicegui import ui

from fastsym.model.initialise import BLOCKS
from fastsym.play.settings import CHOICES, DEFAULT, RANGES
from fastsym.play.tracks import TRACKS

LABELS = {
    "hidden": "Hidden units H",
    "start": "Start of the weights",
    "scale": "Scale of the start",
    "learning_rate": "Learning rate",
    "perturbation": "Perturbation",
    "features": "Features",
    "dtype": "Precision",
    "seed": "Seed",
}
BLOCKS_LABEL = "Sizes of the blocks"
FIRST_BLOCKS = "2+1"

Change = Callable[[str, str], str | None]
"""Told a setting's name and new text; returns what is wrong with it, or None."""


def text_element(tag: str, text: str) -> ui.label:
    """Add an element of that tag with nothing but text in it."""
    label = ui.label(text)
    label.tag = tag
    return label


class NumberControl(ui.element, component="number.js"):
    """A number: a field for all values, and a slider for the usual ones."""

    def __init__(self, name: str, text: str, change: Change) -> None:
        super().__init__()
        self._name, self._change = name, change
        self._track = TRACKS[name]
        low, high = RANGES[name]
        keyboard = "numeric" if isinstance(getattr(DEFAULT, name), int) else "decimal"
        self._props |= {"label": LABELS[name], "hint": f"{low:g} to {high:.10g}", "keyboard": keyboard}
        self._props |= {"low": self._track.low, "high": self._track.high, "step": self._track.step}
        self._props |= {"start": {"text": text, "position": self._track.position(float(text))}}
        self.on("slid", lambda event: self._settle(self._track.text(float(event.args)), slid=True), throttle=0.05)
        self.on("typed", lambda event: self._settle(str(event.args or "").strip(), slid=False))

    def _settle(self, text: str, *, slid: bool) -> None:
        wrong = self._change(self._name, text)
        if wrong is not None:
            self.run_method("refuse", wrong)
        else:
            self.run_method("settle", text, None if slid else self._track.position(float(text)))


def _refused(wrong: str | None, field: ui.input, error: ui.label) -> bool:
    """Mark a field, or not, and say below it what is wrong."""
    field.props(remove="error") if wrong is None else field.props("error")
    error.text = wrong or ""
    return wrong is not None


class ChoiceControl:
    """One of few names."""

    def __init__(self, name: str, text: str, change: Change) -> None:
        self._select = ui.select(list(CHOICES[name]), label=LABELS[name], value=text)
        self._select.props("dense outlined options-dense").classes("control")
        self._select.on_value_change(lambda event: change(name, str(event.value)))


class StartControl:
    """The kind of start, and the sizes of blocks where the kind is blocks."""

    def __init__(self, text: str, change: Change) -> None:
        self._change = change
        blocks = BLOCKS
        kinds = [kind.removesuffix("SIZES") for kind in CHOICES["start"]]
        options = {kind: kind.rstrip(":").replace("_", " ") for kind in kinds}
        in_blocks = text.startswith(blocks)
        with ui.element("div").classes("control"):
            self._kind = ui.select(options, label=LABELS["start"], value=blocks if in_blocks else text)
            self._kind.props("dense outlined options-dense")
            self._sizes = ui.input(BLOCKS_LABEL, value=text.removeprefix(blocks) if in_blocks else FIRST_BLOCKS)
            self._sizes.props('dense outlined hint="such as 2+1"').set_visibility(in_blocks)
            self._error = text_element("p", "").classes("alert").props("role=alert")
        self._kind.on_value_change(self._chosen)
        self._sizes.on("blur", self._chosen)
        self._sizes.on("keydown.enter", self._chosen)

    def _chosen(self) -> None:
        kind = str(self._kind.value)
        in_blocks = kind == BLOCKS
        self._sizes.set_visibility(in_blocks)
        sizes = (self._sizes.value or "").strip() if in_blocks else ""
        _refused(self._change("start", kind + sizes), self._sizes, self._error)

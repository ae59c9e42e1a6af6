"""The page's controls: each tells a setting's new text, and shows what is wrong with it."""

from collections.abc import Callable

from nicegui import ui

from fastsym import starts
from fastsym.play.settings import CHOICES, DEFAULT, RANGES
from fastsym.play.tracks import TRACKS, Track

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


class Slider(ui.element, component="slider.js"):
    """A slider that also says its value in words; emits ``slid`` with its position."""

    def __init__(self, label: str, track: Track, text: str) -> None:
        super().__init__()
        self._props |= {"low": track.low, "high": track.high, "step": track.step, "aria-label": label}
        self._props |= {"start": track.position(float(text)), "start-text": text}

    def place(self, position: float | None, text: str) -> None:
        """Move it, unless the position is None, and tell it what its position means."""
        self.run_method("place", position, text)


class NumberControl:
    """A number: a field for all values, and a slider for the usual ones."""

    def __init__(self, name: str, text: str, change: Change) -> None:
        self._name, self._change = name, change
        self._track = TRACKS[name]
        low, high = RANGES[name]
        keyboard = "numeric" if isinstance(getattr(DEFAULT, name), int) else "decimal"
        with ui.element("div").classes("control number"):
            self._field = ui.input(LABELS[name], value=text)
            self._field.props(f'dense outlined inputmode={keyboard} hint="{low:g} to {high:.10g}"')
            self._slider = Slider(LABELS[name], self._track, text)
            self._error = text_element("p", "").classes("alert").props("role=alert")
        self._slider.on("slid", lambda event: self._slid(float(event.args)), throttle=0.05)
        self._field.on("blur", self._typed)
        self._field.on("keydown.enter", self._typed)

    def _slid(self, position: float) -> None:
        text = self._track.text(position)
        self._field.value = text
        self._slider.place(None, text)
        _refused(self._change(self._name, text), self._field, self._error)

    def _typed(self) -> None:
        text = (self._field.value or "").strip()
        if not _refused(self._change(self._name, text), self._field, self._error):
            self._slider.place(self._track.position(float(text)), text)


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
        blocks = starts.BLOCKS
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
        in_blocks = kind == starts.BLOCKS
        self._sizes.set_visibility(in_blocks)
        sizes = (self._sizes.value or "").strip() if in_blocks else ""
        _refused(self._change("start", kind + sizes), self._sizes, self._error)

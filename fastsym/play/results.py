"""The results that the page shows: a sentence, charts and numbers."""

from collections.abc import Callable

from nicegui import ui

from fastsym.play import charts
from fastsym.play.retrain import Observed

FIGURES: dict[str, tuple[Callable[[Observed], str], Callable[[Observed], charts.Options]]] = {
    "cost": (charts.cost_title, charts.cost_options),
    "weights": (charts.weights_title, charts.weights_options),
    "rows": (charts.rows_title, charts.rows_options),
}
"""Name -> functions that make its title and its chart."""
WAITING = "training …"


class Results(ui.element, component="results.js"):
    """The part of the page that shows one training's results."""

    def __init__(self) -> None:
        super().__init__()
        ids = {}
        for name in FIGURES:
            with self.add_slot(name):
                ids[name] = ui.echart({}, renderer="svg").id
        self._props |= {"charts": ids, "opening": WAITING}

    def wait(self, address: str) -> None:
        """Say that a training is running, and set the page's address."""
        self.run_method("wait", WAITING, address)

    def show(self, observed: Observed, address: str) -> None:
        """Show one training's results, and set the page's address."""
        titles = {name: title(observed) for name, (title, _) in FIGURES.items()}
        options = {name: draw(observed) for name, (_, draw) in FIGURES.items()}
        self.run_method("show", charts.summary(observed), address, charts.facts(observed), titles, options)

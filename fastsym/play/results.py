"""The results that the page shows: a sentence, charts, the network at a moment, and numbers."""

from nicegui import events, ui

from fastsym.play import charts
from fastsym.play.network import picture
from fastsym.play.retrain import Observed
from fastsym.play.words import FACTS

CURVES = ("cost", "weights")
FIGURES = (*CURVES, "network", "rows")
WAITING = "training …"


class Results(ui.element, component="results.js"):
    """The part of the page that shows one training's results, with the run before as grey lines."""

    def __init__(self) -> None:
        super().__init__()
        ids: dict[str, int] = {}
        for name in FIGURES:
            if name != "network":
                with self.add_slot(name):
                    ids[name] = ui.echart({}, renderer="svg").id
        self._props |= {"figures": list(FIGURES), "charts": ids, "opening": WAITING, "words": FACTS}
        self._observed: Observed | None = None
        self.on("moved", self._moved, throttle=0.05)

    @property
    def observed(self) -> Observed | None:
        """The training that is shown."""
        return self._observed

    def wait(self, fraction: float, address: str) -> None:
        """Say that a training is running and how far it is, and set the page's address."""
        self.run_method("wait", f"{WAITING} {100 * fraction:.0f} %" if fraction else WAITING, address)

    def show(self, observed: Observed, address: str, alone: bool = False) -> None:
        """Show one training's results, with or without those before, and set the page's address."""
        before = None if alone else self._observed
        if before is not None and before.settings == observed.settings:
            before = None  # the same again, as after a reconnection
        self._observed = observed
        options = {
            "cost": charts.cost_options(observed, before),
            "weights": charts.weights_options(observed, before),
        }
        titles = {"cost": charts.cost_title(observed), "weights": charts.weights_title(observed)}
        last = len(observed.iterations) - 1
        shown = {"status": charts.summary(observed), "facts": charts.facts(observed), "last": last}
        self.run_method("show", address, shown | self._at(last), titles, options)

    def _moved(self, event: events.GenericEventArguments) -> None:
        if self._observed is not None:
            last = len(self._observed.iterations) - 1
            self.run_method("move", self._at(min(max(int(event.args), 0), last)))

    def _at(self, index: int) -> dict[str, object]:
        """Everything about one snapshot."""
        assert self._observed is not None
        observed = self._observed
        network = picture(observed.at(index), observed.feature_names)
        return {
            "index": index,
            "iteration": int(observed.iterations[index]) or charts.ZERO_AT,
            "moment": charts.moment(observed, index),
            "network": network,
            "rows": charts.rows_options(observed, index),
            "rowsTitle": charts.rows_title(observed),
        }

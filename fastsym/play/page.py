"""The page, one instance for each visitor, and its server."""

import asyncio
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from types import FrameType
from weakref import WeakSet

from nicegui import Client, app, background_tasks, ui
from starlette.requests import Request

from fastsym.model.initialise import default_scale
from fastsym.play import tables
from fastsym.play.controls import SLIDERS, ChoiceControl, NumberControl, StartControl, text_element
from fastsym.play.guard import protect
from fastsym.play.newest import Newest
from fastsym.play.results import Results
from fastsym.play.retrain import Observed, retrain, warm_up
from fastsym.play.settings import (
    DEFAULT,
    LABELS,
    InvalidSetting,
    Settings,
    from_query,
    parse,
    to_python,
    to_query,
    to_texts,
)
from fastsym.play.words import TOUR

HOST = "127.0.0.1"
STYLE = Path(__file__).with_name("play.css")
SLOW_SECONDS = 0.4
"""The page announces a training that takes longer than this."""


def serve(port: int, show: bool, ready: Callable[[], None], tell: Callable[[str], object]) -> None:
    """Serve the page on the loopback interface until interrupted.

    Parameters
    ----------
    port
        A free port.
    show
        Open a browser.
    ready
        Called as soon as the server answers.
    tell
        Called with a line of text while it compiles, which goes on behind the first pages.
    """
    open_pages: WeakSet[Playground] = WeakSet()

    @ui.page("/")
    def index(request: Request, client: Client) -> None:
        playground = Playground(client, *from_query(request.url.query))
        open_pages.add(playground)
        client.on_connect(playground.ask)
        client.on_delete(playground.newest.close)

    def give_up() -> None:
        for playground in open_pages:
            playground.newest.close()

    async def improve() -> None:
        for playground in list(open_pages):
            playground.improve()

    def compile_all(loop: asyncio.AbstractEventLoop) -> None:
        ready()
        warm_up(tell, lambda *_: asyncio.run_coroutine_threadsafe(improve(), loop))

    def started() -> None:
        running.enter_context(_until_hang_up())
        background_tasks.create(_call_when_listening(port, compile_all), name="ready")

    app.on_startup(started)
    app.on_shutdown(give_up)
    protect([HOST, "localhost"])
    with ExitStack() as running:
        ui.run(
            host=HOST,
            port=port,
            title="fastsym playground",
            language="en-GB",
            dark=None,  # follows the browser
            show=show,
            reload=False,
            tailwind=False,
            show_welcome_message=False,
            timeout_graceful_shutdown=2,
        )


async def _call_when_listening(port: int, work: Callable[[asyncio.AbstractEventLoop], None]) -> None:
    """Work in a thread as soon as the port is open."""
    # NiceGUI's start-up hooks run before the port is open: whoever reads the address then may be refused.
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            # As a daemon: a compiler hears of no signal, and nothing waits for it at the end.
            Thread(target=work, args=(asyncio.get_running_loop(),), name="compile", daemon=True).start()
            return


@contextmanager
def _until_hang_up() -> Iterator[None]:
    """End the server by SIGHUP and raise the signal again, which Uvicorn does with SIGINT and SIGTERM alone."""
    came: list[int] = []

    def hang_up(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        app.shutdown()

    number = getattr(signal, "SIGHUP", None)
    if number is None or signal.getsignal(number) is signal.SIG_IGN:
        yield
        return
    before = signal.signal(number, hang_up)
    try:
        yield
    finally:
        signal.signal(number, before)
        if came:
            signal.raise_signal(number)


class Playground:
    """One client's page: its controls, its settings and its results.

    Parameters
    ----------
    client
        The browser tab that shows the page.
    settings
        The settings at the beginning.
    problems
        Errors in the address.
    """

    def __init__(self, client: Client, settings: Settings, problems: tuple[InvalidSetting, ...]) -> None:
        self._client = client
        self._texts = to_texts(settings)
        self._controls: dict[str, NumberControl | ChoiceControl | StartControl] = {}
        self._fraction = 0.0
        self._waiting = False
        self._step: int | None = None
        """Of the tour, if it is on."""
        ui.add_css(STYLE)
        with ui.element("div").classes("play"):
            with ui.element("header"):
                text_element("h1", "fastsym playground")
                text_element("p", f"A small neural network on {tables.name()}. Each change trains it again.")
                ui.button("Tour in five steps", on_click=lambda: self._go(0)).props("outline no-caps dense")
                self._tour()
                self._alert = text_element("p", "").classes("alert").props("role=alert")
            with ui.element("section").classes("controls").props('aria-label="Settings"'):
                for name in LABELS:
                    self._controls[name] = self._control(name)
                ui.button("Python for this run", on_click=self.export).props("outline no-caps")
            self._results = Results()
            self._exported()
        self.newest: Newest[Settings, Observed] = Newest(self._retrain, self._show)
        self._warn(problems)
        self._enable()

    def _control(self, name: str) -> NumberControl | ChoiceControl | StartControl:
        if name in SLIDERS:
            return NumberControl(name, self._texts[name], self.change)
        if name == "start":
            return StartControl(self._texts[name], self.change)
        return ChoiceControl(name, self._texts[name], self.change)

    def _tour(self) -> None:
        with ui.element("div").classes("tour").props("role=region aria-label=Tour") as self._tour_panel:
            self._tour_title = text_element("h2", "")
            self._tour_text = text_element("p", "").props("role=status")
            with ui.element("div"):
                self._back = ui.button("Back", on_click=lambda: self._move(-1)).props("flat no-caps dense")
                self._next = ui.button("Next", on_click=lambda: self._move(1)).props("outline no-caps dense")
                ui.button("End the tour", on_click=lambda: self._go(len(TOUR))).props("flat no-caps dense")
        self._tour_panel.set_visibility(False)

    def _move(self, steps: int) -> None:
        if self._step is not None:
            self._go(self._step + steps)

    def _go(self, step: int) -> None:
        """Show a step of the tour and train its settings, or end it."""
        self._step = step if 0 <= step < len(TOUR) else None
        self._tour_panel.set_visibility(self._step is not None)
        if self._step is None:
            return
        title, text, changes = TOUR[step]
        self._tour_title.text = f"{step + 1} of {len(TOUR)}. {title}"
        self._tour_text.text = text
        self._back.set_enabled(step > 0)
        self._next.set_visibility(step + 1 < len(TOUR))
        kept = {name: self._texts[name] for name in ("features", "dtype", "test")}
        if kept["features"] == "article" or kept["features"] == "no_id":
            kept["features"] = DEFAULT.features  # at the story's learning rate, raw columns only saturate
        self._texts = to_texts(DEFAULT) | kept | changes
        for name, control in self._controls.items():
            control.set(self._texts[name])  # each finds its text known, so that one training follows
        self._changed()

    def _exported(self) -> None:
        with ui.dialog() as self._dialog, ui.card().classes("export"):
            text_element("h2", "Python for this run")
            self._copied = text_element("p", "").props("role=status")
            self._code = text_element("pre", "").props("tabindex=0")
            ui.button("Close", on_click=self._dialog.close).props("flat no-caps")

    def _warn(self, problems: tuple[InvalidSetting, ...]) -> None:
        lines = [f"{problem.message}; the default is used" for problem in problems]
        self._alert.text = "\n".join(["The address holds errors:", *lines] if lines else [])

    def _enable(self) -> None:
        without_effect = self._settings().without_effect
        for name, control in self._controls.items():
            if isinstance(control, NumberControl):
                control.enable(name not in without_effect)

    def change(self, name: str, text: str) -> str | None:
        """Take one setting's new text and retrain, or return what is wrong and keep the old value."""
        if text == self._texts[name]:
            return None
        _, problems = parse(self._texts | {name: text})
        if problems:
            return f"{problems[0].message}; {self._texts[name]} stays in use"
        if name == "start" and float(self._texts["scale"]) == default_scale(self._texts["start"]):
            # A scale that nobody has changed follows the start: Glorot, He and orthogonal set the size themselves.
            self._texts["scale"] = str(default_scale(text))
            self._controls["scale"].set(self._texts["scale"])
        self._texts[name] = text
        self._changed()
        return None

    def _changed(self) -> None:
        self._warn(())
        self._enable()
        self.ask()

    def ask(self) -> None:
        """Train with the current settings."""
        background_tasks.create(self.newest.ask(self._settings()), name="retrain")
        if not self._waiting:
            background_tasks.create(self._say_if_slow(), name="say if slow")

    def improve(self) -> None:
        """Train again what was trained by NumPy because the quick variants were not compiled yet."""
        observed = self._results.observed
        if observed is not None and observed.variant == "numpy":
            self.ask()

    def _retrain(self, settings: Settings, abandoned: Callable[[], bool]) -> Observed | None:
        def tell(fraction: float) -> None:
            self._fraction = fraction

        return retrain(settings, abandoned, tell)

    def _settings(self) -> Settings:
        return parse(self._texts)[0]

    def _address(self) -> str:
        return f"?{to_query(self._settings())}"

    def _show(self, observed: Observed) -> None:
        with self._client:
            # The tour begins with one run; its second step says what the grey lines are.
            self._results.show(observed, self._address(), alone=self._step == 0)

    async def _say_if_slow(self) -> None:
        # Drawing this message at once would take the browser longer than a small network takes to train.
        self._waiting = True
        try:
            while True:
                await asyncio.sleep(SLOW_SECONDS)
                if not self.newest.busy:
                    return
                with self._client:
                    self._results.wait(self._fraction, self._address())
        finally:
            self._waiting = False

    async def export(self) -> None:
        """Show the lines of Python for the current settings, and copy them."""
        settings = self._settings()
        code = to_python(settings, tables.python(settings.features))
        self._code.text = code
        self._copied.text = ""
        self._dialog.open()
        copy = f"return navigator.clipboard.writeText({json.dumps(code)}).then(() => true, () => false)"
        copied = await self._client.run_javascript(copy, timeout=3)
        self._copied.text = (
            "Copied. These lines print the final cost of this run."
            if copied
            else "The browser did not allow copying. These lines print the final cost of this run."
        )

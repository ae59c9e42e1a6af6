"""How long the playground takes from a key to the charts, in headless Chromium on this machine.

    python -m bench.playground --csv reports/playground.csv

Needs ``pip install -e '.[play]' playwright`` and Chromium. Server and browser share the machine. A slider is moved by
one step, many times; "drawn" is when the last chart has changed in the page, "painted" when the frame that shows it
has been handed on. Both count from the key event, in the page's own clock.
"""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from playwright.sync_api import Page, sync_playwright

from bench import ROOT
from fastsym.timing.machine import describe_machine, machine_name

CASES = (
    ("H = 4", "", 100),
    ("H = 64", "?hidden=64", 300),
    ("H = 64, article", "?hidden=64&features=article&learning_rate=0.01", 300),
    ("H = 64, float32", "?hidden=64&dtype=float32", 300),
)
"""Name, query and milliseconds that the charts may take."""
PAUSE_MILLISECONDS = 300
"""Between two moves: what the browser puts off until it has time is not part of the next one."""

WATCH = """() => {
    window.moved = new Promise(resolve => {
        let begin = 0;
        document.addEventListener("keydown", event => { begin = event.timeStamp; }, { capture: true, once: true });
        const waiting = new Set(document.querySelectorAll("figure svg"));
        for (const chart of [...waiting]) {
            const observer = new MutationObserver(() => {
                observer.disconnect();
                waiting.delete(chart);
                if (waiting.size) return;
                const drawn = performance.now() - begin;
                const { port1, port2 } = new MessageChannel();  // its message comes after the frame
                port1.onmessage = () => resolve([drawn, performance.now() - begin,
                    parseFloat(document.querySelector('[data-fact="Training took"]').textContent)]);
                requestAnimationFrame(() => port2.postMessage(null));
            });
            observer.observe(chart, { subtree: true, childList: true, characterData: true, attributes: true });
        }
    });
}"""


def moves(page: Page, count: int) -> pd.DataFrame:
    """Move the seed's slider a number of times, and return the milliseconds of each."""
    slider = page.get_by_role("slider", name="Seed")
    slider.focus()
    taken = []
    for _ in range(count):
        page.evaluate(WATCH)
        slider.press("ArrowRight")
        taken.append(page.evaluate("window.moved"))
        page.wait_for_timeout(PAUSE_MILLISECONDS)
    return pd.DataFrame(taken, columns=["drawn", "painted", "training"])


def measure(count: int, url: str, chromium: str) -> pd.DataFrame:
    """Measure each case in a page of its own."""
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, query, asked in CASES:
            page = browser.new_page(viewport={"width": 1200, "height": 1000})
            page.goto(url + query)
            page.locator("figure svg").nth(2).wait_for()
            page.wait_for_timeout(2000)
            taken = moves(page, count)
            row: dict[str, object] = {"case": name, "asked_ms": asked, "moves": count}
            for quantity, values in taken.items():
                row |= {f"{quantity}_median_ms": values.median(), f"{quantity}_max_ms": values.max()}
            row |= {f"{quantity}_within": (taken[quantity] <= asked).mean() for quantity in ("drawn", "painted")}
            rows.append(row)
            typer.echo(f"{name}: {row}", err=True)
            page.close()
        browser.close()
    return pd.DataFrame(rows).round(2)


def main(
    csv: Annotated[Path | None, typer.Option(help="File to write.")] = None,
    count: Annotated[int, typer.Option("--moves", min=1, help="Moves of the slider in each case.")] = 40,
) -> None:
    """Serve the playground, move a slider in a browser, and print a table."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("chromium: expected it to be installed; found none; install Debian's package chromium")
    command = [sys.executable, "-m", "fastsym.play", "--port", "0", "--no-browser"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        said = (re.match(r"http://\S+", line) for line in server.stdout)
        url = next(filter(None, said))[0]
        table = measure(count, url, chromium)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()
    table["machine"] = machine_name(describe_machine())
    if csv is not None:
        table.to_csv(csv, index=False)
    typer.echo(table.to_string(index=False))


if __name__ == "__main__":
    typer.run(main)

"""How long the playground takes from a key to the charts, in headless Chromium on this machine.

    python -m bench.playground --csv reports/playground.csv

Needs ``pip install -e '.[play]' playwright`` and Chromium. Server and browser share the machine. A slider is moved by
one step, many times; "drawn" is when the last chart has changed in the page, "painted" when the frame that shows it
has been handed on. Both count from the key event, in the page's own clock. The table has one row a case and quantity,
with the share of moves within the limit.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import pandas as pd
import typer
from playwright.sync_api import Page, sync_playwright

from bench import ROOT
from fastsym.timing.machine import describe_machine, machine_name

CASES = (
    ({"hidden": 4, "features": "standardised", "dtype": "float64"}, "", 100),
    ({"hidden": 64, "features": "standardised", "dtype": "float64"}, "", 300),
    ({"hidden": 64, "features": "article", "dtype": "float64"}, "&learning_rate=0.01", 300),
    ({"hidden": 64, "features": "standardised", "dtype": "float32"}, "", 300),
)
"""Settings, the rest of the query, and the milliseconds that the charts may take."""
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
    rows: list[dict[str, object]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for case, more, limit in CASES:
            page = browser.new_page(viewport={"width": 1200, "height": 1000})
            page.goto(f"{url}?{urlencode(case)}{more}")
            page.locator("figure svg").nth(2).wait_for()
            page.wait_for_timeout(2000)
            taken = moves(page, count)
            rows += case_rows(case, limit, taken)
            typer.echo(rows[-len(taken.columns) :], err=True)
            page.close()
        browser.close()
    return pd.DataFrame(rows)


def case_rows(case: Mapping[str, object], limit_ms: int, taken: pd.DataFrame) -> list[dict[str, object]]:
    """Summarise the moves of a case: one row a quantity; training alone has no limit."""
    rows: list[dict[str, object]] = []
    for quantity, values in taken.items():
        row = dict(case) | {"quantity": quantity, "moves": len(values)}
        row |= {"median_ms": round(values.median(), 2), "max_ms": round(values.max(), 2)}
        if quantity != "training":
            row |= {"limit_ms": limit_ms, "within": round((values <= limit_ms).mean(), 3)}
        rows.append(row)
    return rows


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
        server.terminate()
        server.wait()
    table["machine"] = machine_name(describe_machine())
    if csv is not None:
        table.to_csv(csv, index=False)
    typer.echo(table.to_string(index=False))


if __name__ == "__main__":
    typer.run(main)

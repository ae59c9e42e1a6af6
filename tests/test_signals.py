"""Commands that a signal ends: at once, in one line, whatever they are doing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import posix_only

import fastsym

pytestmark = posix_only

PROGRAM = """
import hashlib, os, sys, threading, time
import typer
from fastsym._console import run_child, run_program, shielded, stoppable, unhurried

app = typer.Typer(pretty_exceptions_enable=False)

@app.command()
@stoppable("all is well")
def command() -> None:
    {body}

run_program(app, "program")
"""
READY = "print('ready', flush=True)"
DEAF = "hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)"
"""Minutes inside a library that does not return to Python."""
BODIES = {
    "python": f"{READY}; time.sleep(600)",
    "in a library": f"{READY}; {DEAF}",
    "in a finaliser": f"""
    class Slow:
        def __del__(self):
            {READY}
            end = time.monotonic() + 0.2
            while time.monotonic() < end: pass
    while True:
        Slow()""",
    "in a broad except": f"""
    {READY}
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass""",
    "in a thread with a child": f"""
    child = [sys.executable, '-c', 'import time; time.sleep(600)']
    thread = threading.Thread(target=run_child, args=(child, b'', os.environ))
    thread.start()
    {READY}
    thread.join()""",
}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if os.name == "posix" else ()


def program(body: str, *before: str) -> "subprocess.Popen[str]":
    package_parent = str(Path(fastsym.__file__).parents[1])
    process = subprocess.Popen(
        [*before, sys.executable, "-c", PROGRAM.format(body=body)],
        env=os.environ | {"PYTHONPATH": package_parent},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def is_running(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_signal_ends_a_command_in_one_line(body: str, number: signal.Signals) -> None:
    process = program(body)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)  # of the minutes that it would take
    assert process.returncode == 128 + number
    assert err == f"stopped by {number.name}; all is well\n"


def test_a_child_that_a_thread_waits_for_ends_with_the_command(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    code = f"import os, time; open({str(noted)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    process = program(f"""
    child = [sys.executable, '-c', {code!r}]
    threading.Thread(target=run_child, args=(child, b'', os.environ), daemon=True).start()
    while not (os.path.exists({str(noted)!r}) and open({str(noted)!r}).read()):
        time.sleep(0.01)
    {READY}
    {DEAF}""")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    end = time.monotonic() + 60  # of the minutes that it would take
    while is_running(int(noted.read_text())) and time.monotonic() < end:
        time.sleep(0.01)
    assert not is_running(int(noted.read_text()))


def test_a_shielded_block_is_done_whole_and_then_the_command_ends() -> None:
    process = program(f"""
    with shielded():
        {READY}
        time.sleep(1)
        print('done', flush=True)
    time.sleep(600)""")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (143, "done\n", "stopped by SIGTERM; all is well\n")


def test_an_unhurried_block_cleans_up_for_as_long_as_it_takes() -> None:
    process = program(f"""
    with unhurried():
        try:
            {READY}
            time.sleep(600)
        finally:
            print('cleaning', flush=True)
            time.sleep(2)
            print('clean', flush=True)""")
    assert process.stdout is not None
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "cleaning\n"  # of two at once, Python hears the lower number first
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (143, "clean\n", "stopped by SIGTERM; all is well\n")


def test_what_nohup_ignores_stays_ignored() -> None:
    process = program(f"{READY}; time.sleep(1); print('done', flush=True)", "nohup")
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "done\n")

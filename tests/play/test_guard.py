"""What the playground's server refuses: other origins and names, frames, events made by hand."""

import asyncio
import json
import logging
import re
import socket
import sys
import urllib.error
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest

pytest.importorskip("nicegui", reason="pip install nicegui")
aiohttp = pytest.importorskip("aiohttp", reason="pip install nicegui, which brings it")

from fastsym.play.guard import SHOWN_OF_LINE, in_one_line  # noqa: E402
from tests.play.serving import Server, server, started  # noqa: E402

__all__ = ["server"]
SOCKET = "_nicegui_ws/socket.io/?EIO=4&transport=polling"


def status(url: str, headers: dict[str, str]) -> int:
    try:
        with urlopen(Request(url, headers=headers), timeout=300) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def test_the_socket_accepts_its_own_origin_only(server: Server) -> None:
    url = server.url
    port = int(url.rsplit(":", 1)[1].strip("/"))
    for own in (f"http://127.0.0.1:{port}", f"http://localhost:{port}"):
        assert status(own + "/" + SOCKET, {"Origin": own}) == 200
    for foreign in ("http://other.example", "null", f"https://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}"):
        assert status(url + SOCKET, {"Origin": foreign}) == 400, foreign
    # A web socket is refused as well, before anything is exchanged.
    lines = (
        f"GET /{SOCKET.replace('polling', 'websocket')} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Origin: http://other.example",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    )
    with socket.create_connection(("127.0.0.1", port), timeout=300) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        assert b" 403 " in connection.recv(64)


def test_only_this_computer_is_served_and_by_its_own_name(server: Server) -> None:
    port = int(server.url.rsplit(":", 1)[1].strip("/"))
    if sys.platform == "linux":  # elsewhere only one address is local
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), timeout=300)
    assert status(server.url, {"Host": "elsewhere.example"}) == 400


@pytest.mark.parametrize("path", ["", SOCKET, "favicon.ico"])
def test_no_other_page_may_frame_it_and_nothing_may_be_loaded_from_elsewhere(server: Server, path: str) -> None:
    with urlopen(server.url + path, timeout=300) as answer:
        assert answer.headers["X-Frame-Options"] == "DENY"
        policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"} <= set(policy)
    assert not [source for source in policy if "*" in source or "http" in source]


VALUES: list[Any] = [None, True, -1, 0.5, 1e308, "nan", "<b>", "x" * 5000, [], [[1]], {}, {"a": 1}, 10**30]


def made_by_hand(page: str, client: str) -> Iterator[str]:
    """Messages that no page of ours sends: values of wrong kinds, to each listener and to what NiceGUI itself hears."""
    text = page.replace("&quot;", '"')
    parents = [(found.start(), int(found[1])) for found in re.finditer(r'"(\d+)":\{"tag"', text)]
    listeners = [
        ([number for start, number in parents if start < found.start()][-1], found[1])
        for found in re.finditer(r'"listener_id":"([0-9a-f-]{36})"', text)
    ]
    assert len(listeners) > 10
    for value in VALUES:
        events = [["event", value], ["event"], [value, value], ["event", {"client_id": value}], ["handshake", value]]
        for name, more in {
            "ack": {"next_message_id": value},
            "log": {"level": value, "message": value},
            "javascript_response": {"request_id": value},
            "event": {"id": value, "listener_id": value, "args": value},
        }.items():
            events.append([name, {"client_id": client} | more])
        for element, listener in listeners:
            sent = {"id": element, "client_id": client, "listener_id": listener, "args": [json.dumps(value)]}
            events.append(["event", sent])
        yield from (f"42{json.dumps(event)}" for event in events)
        yield from (f"42{json.dumps(value)}", f"4{json.dumps(value)}")
    yield from ("42", "42[]", "42{", "45", "9", "42" + "x" * 3_000_000)


async def send_by_hand(url: str) -> int:
    """Send each message over a socket, a new one where the server has closed it; return their number."""
    query = "EIO=4&transport=websocket&implicit_handshake=true&tab_id=t&document_id=d&next_message_id=0"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            page = await answer.text()
        found = re.search(r"[\"']?client_id[\"']?:\s*[\"']([0-9a-f-]{36})", page)
        assert found

        async def connect() -> Any:
            address = f"{url}_nicegui_ws/socket.io/?{query}&client_id={found[1]}"
            connection = await session.ws_connect(address, max_msg_size=0)
            await connection.send_str("40")
            while not (await connection.receive_str()).startswith("40"):
                pass
            return connection

        messages = list(made_by_hand(page, found[1]))
        connection = await connect()
        for message in messages:
            try:
                await connection.send_str(message)
            except ConnectionError:
                connection = await connect()
                await connection.send_str(message)
            await asyncio.sleep(0)
        connection = await connect()  # answered only after all that was sent before
        await connection.close()
        return len(messages)


def test_events_made_by_hand_end_in_one_line_each_and_the_page_stays_alive() -> None:
    with started() as server:
        sent = asyncio.run(send_by_hand(server.url))
        assert status(server.url, {}) == 200
        assert server.process.poll() is None
        said = server.text()
    assert "Traceback" not in said
    assert '  File "' not in said
    assert "Error: " in said  # some of them arrived where they do harm
    assert len(said.splitlines()) < sent + 20


def test_a_log_record_becomes_one_short_line_that_says_where() -> None:
    def fail() -> None:
        raise ValueError("many\nlines " + "x" * 1000)

    try:
        fail()
    except ValueError:
        record = logging.LogRecord("nicegui", logging.ERROR, __file__, 1, "it\n%s", ("failed",), sys.exc_info())
    assert in_one_line(record)
    text = logging.Formatter().format(record)
    assert text.startswith("ValueError: many lines xxx")
    assert "\n" not in text
    assert len(text) <= SHOWN_OF_LINE + 1

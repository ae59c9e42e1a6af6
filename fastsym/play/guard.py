"""What the server lets through: its own pages only, none inside a frame, and one log line for a bad event."""

import logging
import traceback

from nicegui import app, core
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'self'",
        # NiceGUI's page starts by inline scripts, compiles Vue templates and runs what the server sends by eval.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",  # Vue, Quasar and ECharts write style attributes and elements
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The content security policy: nothing from other servers, no frame around the page."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
LOGGERS = ("nicegui", "socketio.server", "engineio.server", "asyncio", "uvicorn.error")
"""The loggers that hear of events which fail."""
SHOWN_OF_LINE = 300
"""Number of characters of a log line; an event may hold a megabyte."""


def protect(hosts: list[str]) -> None:
    """Let only pages of this server use it; to be called before the server starts.

    Parameters
    ----------
    hosts
        The names under which it may be asked. Another site's name for this address, as after DNS rebinding, is refused.
    """
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts)
    app.add_middleware(_Headers)
    # None: the socket's Origin must be the scheme, host and port that the request itself names; NiceGUI allows any.
    core.sio.eio.cors_allowed_origins = None
    for name in LOGGERS:
        logging.getLogger(name).addFilter(in_one_line)


def in_one_line(record: logging.LogRecord) -> bool:
    """Shorten a record to one line that names the error and where it arose; to be used as a filter."""
    text = record.getMessage()
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        places = traceback.extract_tb(error.__traceback__)
        where = f" ({places[-1].filename}:{places[-1].lineno})" if places else ""
        text = f"{type(error).__name__}: {str(error)[:SHOWN_OF_LINE]}{where}"
        record.exc_info = record.exc_text = None
    text = " ".join(text.split())
    record.msg, record.args = text if len(text) <= SHOWN_OF_LINE else f"{text[:SHOWN_OF_LINE]}…", ()
    return True


class _Headers:
    """Adds :data:`HEADERS` to each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)

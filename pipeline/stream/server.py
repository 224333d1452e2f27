"""A page on this machine for one person: served once, then kept up to date through a websocket.

Only the loopback address is listened at. Whoever comes has to know the token in the address, and to have been sent by
the page itself: a page from elsewhere that a browser shows has another Origin, and one whose name was made to point
here (DNS rebinding) another Host. No file is read.
"""

from __future__ import annotations

import errno
import hmac
import json
import logging
import queue
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Origin

from lexicon.errors import UserError

LOOPBACK = "127.0.0.1"
KEPT = 6000  # messages, about four minutes, for a page that is opened late
BEHIND = 2000  # messages by which a page may be behind before it is left alone
CLOSE_S = 2.0


class Page:
    """Serves ``make(nonce)``, an HTML page whose script has that nonce, and hands messages to whoever looks at it."""

    def __init__(self, port: int, make: Callable[[str], str]):
        """``port`` 0 is any that is free; UserError for one that is not."""
        self.socket = _listening(port)
        self.port = self.socket.getsockname()[1]
        self.token, self.nonce = secrets.token_urlsafe(24), secrets.token_urlsafe(16)
        self.html = make(self.nonce).encode()
        self.hosts = {f"{name}:{self.port}" for name in (LOOPBACK, "localhost")}
        self.sent: deque[str] = deque(maxlen=KEPT)
        self.first: list[str] = []
        self.viewers: set[queue.Queue[str | None]] = set()
        self.lock = threading.Lock()
        quiet = logging.getLogger("phonoscope.page")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False
        self.server = serve(
            self._view,
            sock=self.socket,
            origins=[Origin(f"http://{host}") for host in self.hosts],
            process_request=self._answer,
            server_header=None,
            max_size=1024,
            close_timeout=CLOSE_S,
            logger=quiet,
        )
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/{self.token}/"

    def send(self, message: dict[str, Any], first: bool = False) -> None:
        """To all who look, and to those who will; what is ``first`` comes first for these, however late they are."""
        text = json.dumps(message, separators=(",", ":"))
        with self.lock:
            (self.first if first else self.sent).append(text)
            for viewer in list(self.viewers):
                if viewer.qsize() > BEHIND:
                    self.viewers.discard(viewer)
                    viewer.put(None)
                else:
                    viewer.put(text)

    def close(self) -> None:
        """Send what is left and end."""
        with self.lock:
            for viewer in self.viewers:
                viewer.put(None)
        until = time.monotonic() + CLOSE_S
        while self.viewers and time.monotonic() < until:
            time.sleep(0.01)
        self.server.shutdown()
        self.thread.join(CLOSE_S)

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """The page, a refusal, or None where a websocket may be opened."""
        hosts = request.headers.get_all("Host")
        parts = request.path.split("/")
        known = len(parts) == 3 and hmac.compare_digest(parts[1].encode(), self.token.encode())
        if len(hosts) != 1 or hosts[0] not in self.hosts or not known:
            return connection.respond(HTTPStatus.FORBIDDEN, "Open the address that make listen printed.\n")
        if parts[2] == "live":
            return None
        if parts[2]:
            return connection.respond(HTTPStatus.NOT_FOUND, "There is one page only.\n")
        socket_at = " ".join(f"ws://{host}" for host in sorted(self.hosts))
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(self.html)),
            "Content-Security-Policy": f"default-src 'none'; script-src 'nonce-{self.nonce}'; style-src"
            f" 'unsafe-inline'; img-src data:; connect-src {socket_at}; base-uri 'none'; frame-ancestors 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Connection": "close",
        }
        return Response(200, "OK", Headers(headers), self.html)

    def _view(self, connection: ServerConnection) -> None:
        viewer: queue.Queue[str | None] = queue.Queue()
        with self.lock:
            for text in (*self.first, *self.sent):
                viewer.put(text)
            self.viewers.add(viewer)
        try:
            while (message := viewer.get()) is not None:
                connection.send(message)
        except ConnectionClosed:
            pass
        finally:
            with self.lock:
                self.viewers.discard(viewer)


def _listening(port: int) -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((LOOPBACK, port))
        found.listen()
    except (OSError, OverflowError) as error:
        found.close()
        why = {errno.EADDRINUSE: "another program has it", errno.EACCES: "it is kept for the system"}
        reason = why.get(getattr(error, "errno", 0) or 0, str(error))
        raise UserError(f"--port {port}: {reason}; give another, or 0 for any that is free") from None
    return found

"""A page for one person on this machine alone: a free port of 127.0.0.1, a token in its address, files of a folder.

For the demo and for looks into rooms. The ward board, which others reach too, has logins and TLS of its own.
"""

import hmac
import os
import secrets
import socket
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from stillroom.errors import ConfigError

COOKIE = "stillroom-page"
FILES = {"": "page.html", "page.css": "page.css", "page.js": "page.js"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class LocalPage:
    """Make it with what it serves beside its files, `start`, and `stop`. Each handler asks `check` first."""

    def __init__(self, folder: Path, port: int) -> None:
        """folder: has page.html, page.css and page.js. port: 0 takes a free one. Raises ConfigError: it is taken."""
        self._folder = folder
        self._token = secrets.token_urlsafe(16)
        self._socket = bound(port)
        self._server: uvicorn.Server | None = None

    @property
    def url(self) -> str:
        host, port = self._socket.getsockname()
        return f"http://{host}:{port}/?token={self._token}"

    def start(self, routes: Sequence[BaseRoute], name: str) -> None:
        """Serve in a thread of its own."""
        served = [Route(f"/{path}", self._file) for path in FILES]
        app = Starlette(routes=[*served, *routes])
        settings = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        server = self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(
            target=lambda: server.run(sockets=[self._socket]), name=name, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
            self._thread.join(3.0)

    def open(self) -> None:
        """In a browser where there is a screen for one; else it may be one in this terminal."""
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            webbrowser.open(self.url)

    def check(self, request: Request) -> None:
        """Who has the token, at our own address (a foreign name that resolves here is a page of somebody else's)."""
        host, port = self._socket.getsockname()
        if request.headers.get("host") not in {f"{host}:{port}", f"localhost:{port}"}:
            raise HTTPException(421)
        given = request.query_params.get("token") or request.cookies.get(COOKIE) or ""
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise HTTPException(403, "open the address that was printed")

    async def _file(self, request: Request) -> Response:
        """A file, and the cookie that stands for the token from then on."""
        self.check(request)
        answer = FileResponse(self._folder / FILES[request.url.path[1:]], headers=HEADERS)
        answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict")
        return answer


def bound(port: int) -> socket.socket:
    """Taken now, so that a port in use is said before anything serves. Raises ConfigError: it is taken."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"--port {port}: {error.strerror}: another program has it; name another, or 0 for any free one"
        ) from None
    return listening

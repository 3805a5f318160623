"""The demo's page, on this machine alone: one thread serves, one watches the rooms, acts are the demo's loop's.

Nothing of it is part of a site: the ward board is (`stillroom site board`). Whoever opens the page needs the token that
stands in the address that the demo prints; other users of the machine do not have it.
"""

import asyncio
import hmac
import os
import queue
import secrets
import socket
import threading
import webbrowser
from collections import deque
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from stillroom.clock import SystemClock
from stillroom.errors import ConfigError
from stillroom_tools.lab.demo_gateway import Line
from stillroom_tools.lab.demo_page import shown
from stillroom_tools.lab.demo_page.attacked import Attacked
from stillroom_tools.lab.demo_page.tap import Tap
from stillroom_tools.lab.demo_page.twin import Twin
from stillroom_tools.lab.demo_screen import EVENTS_KEPT
from stillroom_tools.lab.demo_ward import ACTS, Ward, say
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.watching import Watch

HERE = Path(__file__).parent
FILES = {"": "page.html", "page.css": "page.css", "page.js": "page.js"}
SEND_EVERY_S = 0.25
MAX_BODY_BYTES = 512
COOKIE = "stillroom-demo"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody pressed."""

    unit: str
    act: str


class Page:
    """Use with `with`; from the demo's own loop call `work` and `heard`."""

    def __init__(self, ward: Ward, port: int) -> None:
        """Raises ConfigError: the port is taken."""
        self._ward, self._site = ward, open_site(ward.site)
        self._token = secrets.token_urlsafe(16)
        self._socket = _bound(port)
        self._watch = Watch(self._site, SystemClock(), lambda _text: None)
        self._tap, self._attacked = Tap(self._site), Attacked(ward)
        self._events: deque[Line] = deque(maxlen=EVENTS_KEPT)
        self._wanted: queue.Queue[Wanted] = queue.Queue(64)
        self._over = threading.Event()
        self._units = {unit.name: unit for unit in ward.units}
        routes = [Route(f"/{path}", self._file) for path in FILES]
        routes += [
            Route("/live", self._live),
            Route("/picture/{unit}", self._picture),
            Route("/act", self._act, methods=["POST"]),
        ]
        settings = uvicorn.Config(
            Starlette(routes=routes), log_level="critical", lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(settings)
        self._serving = threading.Thread(
            target=lambda: self._server.run(sockets=[self._socket]), name="page", daemon=True
        )
        self._watching = threading.Thread(target=self._look, name="rooms", daemon=True)

    @property
    def url(self) -> str:
        host, port = self._socket.getsockname()
        return f"http://{host}:{port}/?token={self._token}"

    def __enter__(self) -> "Page":
        self._watch.__enter__()
        self._tap.__enter__()
        self._watching.start()
        self._serving.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.should_exit = True
        self._serving.join(3.0)
        self._watching.join()
        self._tap.__exit__()
        self._watch.__exit__()

    def tell(self) -> None:
        """Say where it is, and open a browser where there is one to be seen."""
        say(f"open {self.url}")
        say("Ctrl-C ends the demo and settles the ledger")
        if os.environ.get("DISPLAY") or os.environ.get(
            "WAYLAND_DISPLAY"
        ):  # else it may be one in this terminal
            webbrowser.open(self.url)

    def work(self) -> None:
        """Do what was pressed. In the thread that started the broker: it dies with the one that starts it."""
        while not self._wanted.empty():
            wanted = self._wanted.get()
            unit = self._units[wanted.unit]
            if wanted.act == "attack":
                self._attacked.begin(self._tap, unit.name)
            else:
                self._ward.act(unit, wanted.act)

    def heard(self, line: Line) -> None:
        """An event was opened at the other end."""
        self._events.append(line)

    def _look(self) -> None:
        while not self._over.is_set():
            self._watch.look(0.2)

    # answers

    def _allowed(self, request: Request) -> None:
        """Who has the token, at our own address (a foreign name that resolves here is a page of somebody else's)."""
        host, port = self._socket.getsockname()
        if request.headers.get("host") not in {f"{host}:{port}", f"localhost:{port}"}:
            raise HTTPException(421)
        given = request.query_params.get("token") or request.cookies.get(COOKIE) or ""
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise HTTPException(403, "open the address that the demo printed")

    async def _file(self, request: Request) -> Response:
        self._allowed(request)
        answer = FileResponse(HERE / FILES[request.url.path[1:]], headers=HEADERS)
        answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict")
        return answer

    async def _live(self, request: Request) -> Response:
        self._allowed(request)
        return StreamingResponse(self._states(self._chosen(request)), 200, HEADERS, "text/event-stream")

    async def _states(self, unit: str) -> AsyncIterator[bytes]:
        before = b""
        while not self._over.is_set():
            now = msgspec.json.encode(self._state(unit))
            if now != before:
                yield b"data: " + now + b"\n\n"
            before = now
            await asyncio.sleep(SEND_EVERY_S)

    def _state(self, unit: str) -> dict[str, Any]:
        ward = self._ward
        note = "; ".join(filter(None, [ward.note, self._watch.status(), ward.models_note()]))
        return {
            "rooms": shown.rooms(self._watch.rooms.all(), ward.units, SystemClock().utc_ms()),
            "unit": unit,
            "undoes": sorted(ward.undoes(self._units[unit])),
            "ledger": ward.ledger.line(),
            "balanced": ward.ledger.balanced,
            "note": note,
            "wire": shown.wire(self._tap.latest(unit)),
            "events": shown.events(self._events, unit),
            "attacks": self._attacked.rows(),
        }

    async def _picture(self, request: Request) -> Response:
        """Pictures one after another. The file of a recording is not drawn again: there is none of it here."""
        self._allowed(request)
        unit = self._units[self._chosen(request)]
        if not unit.simulated:
            raise HTTPException(404)
        kind = "multipart/x-mixed-replace; boundary=picture"
        return StreamingResponse(_parts(Twin(unit.folder), self._over), 200, HEADERS, kind)

    async def _act(self, request: Request) -> Response:
        self._allowed(request)
        if (
            request.headers.get("content-type") != "application/json"
        ):  # a foreign page cannot send that unasked
            raise HTTPException(415)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY_BYTES:
                raise HTTPException(413)
        try:
            wanted = msgspec.json.decode(body, type=Wanted)
            if wanted.unit not in self._units or wanted.act not in (*ACTS, "attack"):
                raise HTTPException(400, f"acts: {', '.join(ACTS)}, attack")
            self._wanted.put_nowait(wanted)
        except msgspec.MsgspecError as error:
            raise HTTPException(400, str(error)) from None
        except queue.Full:
            raise HTTPException(429) from None
        return Response(status_code=204)

    def _chosen(self, request: Request) -> str:
        unit = str(
            request.path_params.get("unit") or request.query_params.get("unit") or self._ward.units[0].name
        )
        if unit not in self._units:
            raise HTTPException(404)
        return unit


def _parts(twin: Twin, over: threading.Event) -> Iterator[bytes]:
    """The browser that goes away ends the iterator, and the drawing with it."""
    try:
        for picture in twin.pictures():
            if over.is_set():
                return
            yield b"--picture\r\nContent-Type: image/jpeg\r\n\r\n" + picture + b"\r\n"
    finally:
        twin.close()


def _bound(port: int) -> socket.socket:
    """Taken now, so that a port in use is said before anything serves."""
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

"""The demo's page, on this machine alone: one thread serves, one watches the rooms, acts are the demo's loop's.

Nothing of it is part of a site: the ward board is (`stillroom site board`). Whoever opens the page needs the token that
stands in the address that the demo prints; other users of the machine do not have it.
"""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from stillroom.clock import SystemClock
from stillroom_tools.lab.demo_gateway import Line
from stillroom_tools.lab.demo_page import shown
from stillroom_tools.lab.demo_page.attacked import Attacked
from stillroom_tools.lab.demo_page.tap import Tap
from stillroom_tools.lab.demo_page.twin import Twin
from stillroom_tools.lab.demo_screen import EVENTS_KEPT
from stillroom_tools.lab.demo_ward import ACTS, Ward, say
from stillroom_tools.local_page import HEADERS, LocalPage
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.watching import Watch

SEND_EVERY_S = 0.25
MAX_BODY_BYTES = 512


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody pressed."""

    unit: str
    act: str


class Page:
    """Use with `with`; from the demo's own loop call `work` and `heard`."""

    def __init__(self, ward: Ward, port: int) -> None:
        """Raises ConfigError: the port is taken."""
        self._ward, self._site = ward, open_site(ward.site)
        self._page = LocalPage(Path(__file__).parent, port)
        self._watch = Watch(self._site, SystemClock(), lambda _text: None)
        self._tap, self._attacked = Tap(self._site), Attacked(ward)
        self._events: deque[Line] = deque(maxlen=EVENTS_KEPT)
        self._wanted: queue.Queue[Wanted] = queue.Queue(64)
        self._over = threading.Event()
        self._units = {unit.name: unit for unit in ward.units}
        self._routes = (
            Route("/live", self._live),
            Route("/picture/{unit}", self._picture),
            Route("/act", self._act, methods=["POST"]),
        )
        self._watching = threading.Thread(target=self._look, name="rooms", daemon=True)

    def __enter__(self) -> "Page":
        self._watch.__enter__()
        self._tap.__enter__()
        self._watching.start()
        self._page.start(self._routes, "page")
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._page.stop()
        self._watching.join()
        self._tap.__exit__()
        self._watch.__exit__()

    def tell(self) -> None:
        """Say where it is, and open a browser where there is one to be seen."""
        say(f"open {self._page.url}")
        say("Ctrl-C ends the demo and settles the ledger")
        self._page.open()

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

    async def _live(self, request: Request) -> Response:
        self._page.check(request)
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
            "board": ward.board.login() if ward.board else None,
        }

    async def _picture(self, request: Request) -> Response:
        """Pictures one after another. The file of a recording is not drawn again: there is none of it here."""
        self._page.check(request)
        unit = self._units[self._chosen(request)]
        if not unit.simulated:
            raise HTTPException(404)
        kind = "multipart/x-mixed-replace; boundary=picture"
        return StreamingResponse(_parts(Twin(unit.folder), self._over), 200, HEADERS, kind)

    async def _act(self, request: Request) -> Response:
        self._page.check(request)
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

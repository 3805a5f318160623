"""The page of one look. Frames live in this process and in the browser's tab, and in no file."""

import asyncio
import base64
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from stillroom.errors import EXIT_OK, StillroomError
from stillroom.view_forms import HEIGHT_PX, WIDTH_PX
from stillroom_tools.local_page import HEADERS, LocalPage
from stillroom_tools.site.view.look import BLANK_WORDS, Frame, Look

LINGER_S = 3.0
"""After the end, so that the page can say that it is over."""
OPEN_WITHIN_S = 60.0


def show(look: Look, room: str, port: int) -> int:
    """The look begins when the page is open: its time is not spent on an address that nobody has opened yet."""
    page = LocalPage(Path(__file__).parent, port)
    seen = _Seen(look, room)
    page.start([Route("/live", seen.handler(page))], "view")
    try:
        print(f"open {page.url}", file=sys.stderr, flush=True)
        page.open()
        if not seen.opened.wait(OPEN_WITHIN_S):
            raise StillroomError(f"nobody opened the page within {OPEN_WITHIN_S:g} s: nothing was asked for")
        for frame in look.frames():
            seen.take(frame)
        seen.end("over")
    except StillroomError as error:
        seen.end(str(error))
        raise
    finally:
        time.sleep(LINGER_S)
        page.stop()
    return EXIT_OK


class _Seen:
    """The newest frame, for the page."""

    def __init__(self, look: Look, room: str) -> None:
        self.opened = threading.Event()
        self._about = {"room": room, "viewer": look.viewer, "seconds": look.seconds, "id": look.id}
        self._frame: Frame | None = None
        self._ended = ""

    def take(self, frame: Frame) -> None:
        self._frame = frame

    def end(self, how: str) -> None:
        self._ended, self._frame = how, None

    def handler(self, page: LocalPage) -> Any:
        async def live(request: Request) -> Response:
            page.check(request)
            self.opened.set()
            return StreamingResponse(self._states(), 200, HEADERS, "text/event-stream")

        return live

    async def _states(self) -> AsyncIterator[bytes]:
        before: object = None
        while True:
            now = (self._frame, self._ended)
            if now != before:
                yield b"data: " + msgspec.json.encode(self._state()) + b"\n\n"
            before = now
            if self._ended:
                return
            await asyncio.sleep(0.03)

    def _state(self) -> dict[str, Any]:
        frame = self._frame
        state: dict[str, Any] = {**self._about, "ended": self._ended, "size": [WIDTH_PX, HEIGHT_PX]}
        if frame is not None:
            shown = frame.shown
            state |= {
                "number": frame.number,
                "level": shown.level,
                "block": shown.block,
                "blank": shown.blank,
                "why": BLANK_WORDS.get(shown.blank, ""),
                "left_ms": shown.left_ms,
                "luma": base64.b64encode(shown.luma).decode() if shown.blank == "shown" else "",
            }
        return state

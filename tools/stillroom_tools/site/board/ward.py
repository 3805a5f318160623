"""The page of all rooms, and what feeds it: a stream of what has changed, with a beat each second.

A page that hears no beat for three seconds says that it has lost the board, and holds nothing for true any more.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from stillroom_tools.site.board.desk import Desk
from stillroom_tools.site.board.live import Face
from stillroom_tools.site.board.sessions import WARNING_S, Session

BEAT_S = 1.0
LEAST_S = 0.1
"""Between two events: what changes meanwhile goes into one."""


class Ward:
    """Pages for whoever is logged in; what they show of persons depends on the role."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def _face(self, session: Session) -> Face:
        return self._desk.live.faces[session.may("persons")]

    async def page(self, request: Request) -> Response:
        session = self._desk.needs(request)
        frame = watched(self._desk, session)
        face = self._face(session)
        tiles = [face.tiles[unit][1] for unit in face.order[1] if unit in face.tiles]
        return self._desk.page("ward.html", session, tiles=tiles, **frame)

    async def events(self, request: Request) -> Response:
        """Server-sent events; `after`: the version that the page has. It does not keep the session alive."""
        session = self._desk.session(request, use=False)
        if session is None:
            return Response(status_code=401)
        after = request.query_params.get("after", "0")
        version = int(after) if after.isascii() and after.isdigit() and len(after) < 16 else 0
        headers = {"x-accel-buffering": "no"}
        return StreamingResponse(self._stream(session, version), 200, headers, "text/event-stream")

    async def _stream(self, session: Session, version: int) -> AsyncIterator[bytes]:
        """A page of an earlier run of the board has a version that may be ahead of ours: it gets all."""
        live = self._desk.live
        version = version if version <= live.version else 0
        while True:
            left_s = self._desk.sessions.left_s(session)
            if self._desk.closing:
                return
            if not left_s or not self._desk.still(session):
                yield _event({"ended": True})
                return
            newest = live.version
            said = self._news(self._face(session), version) | self._beat(session, left_s)
            yield _event(said | {"version": newest})
            version = newest
            await asyncio.sleep(LEAST_S)
            await live.changed(version, BEAT_S)

    def _beat(self, session: Session, left_s: int) -> dict[str, Any]:
        live = self._desk.live
        return {
            "now": self._desk.clock.utc_ms(),
            "wrong": live.what_is_wrong(),
            "deaf": live.deaf,
            "sound": self._face(session).sound,
            "left": left_s if left_s <= WARNING_S else None,
        }

    def _news(self, face: Face, after: int) -> dict[str, Any]:
        """HTML of what is newer than this version."""
        changed = {unit: html for unit, (version, html) in list(face.tiles.items()) if version > after}
        said: dict[str, Any] = {"tiles": changed} if changed else {}
        parts = {"head": face.head, "alerts": face.alerts, "order": face.order}
        return said | {name: value for name, (version, value) in parts.items() if version > after}


def watched(desk: Desk, session: Session) -> dict[str, Any]:
    """What every page needs that is kept up: taken before its tiles, so that none of their changes is missed."""
    live = desk.live
    version = live.version
    face = live.faces[session.may("persons")]
    return {
        "version": version,
        "head": face.head[1],
        "alerts": face.alerts[1],
        "deaf": live.deaf,
        "may_act": session.may("act"),
    }


def _event(data: dict[str, Any]) -> bytes:
    """JSON has no line breaks of its own."""
    return b"data: " + msgspec.json.encode(data, enc_hook=str) + b"\n\n"

"""The page of one room: now, what is allowed, a day of it, and who looked. Each part is for whoever may see it.

That somebody read a day of a room is written down before it is shown.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from stillroom.document_forms import from_ms, to_ms
from stillroom.errors import StillroomError
from stillroom_tools.site.board.desk import Desk
from stillroom_tools.site.board.history import Allowed, Stay
from stillroom_tools.site.board.log import Deed
from stillroom_tools.site.board.sessions import Session
from stillroom_tools.site.board.ward import watched
from stillroom_tools.site.gateway.alert_book import AlertLine

DAY = timedelta(days=1)
MOST_DEEDS = 50
SEARCHED_DEEDS = 5_000


@dataclass
class Told:
    """What the stores had to say, and what they could not."""

    trouble: str = ""
    trouble_papers: str = ""
    allowed: list[Allowed] = field(default_factory=list)
    halted: list[str] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    changes: list[AlertLine] = field(default_factory=list)
    links: list[tuple[int, str]] = field(default_factory=list)
    deeds: list[tuple[int, Deed]] = field(default_factory=list)


class RoomPage:
    """`/rooms/UNIT`, with `?day=2026-11-25`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request) -> Response:
        session = self._desk.needs(request)
        unit = request.path_params["unit"]
        frame = watched(self._desk, session)
        face = self._desk.live.faces[session.may("persons")]
        if unit not in face.tiles:
            raise HTTPException(404, "No unit of that name is enrolled here.")
        name, tile = face.shown[unit].name, face.tiles[unit][1]
        day = self._day(request.query_params.get("day"))
        if session.may("persons") or session.may("audit"):
            await self._desk.write(session.name, "room-read", f"{unit} {name} {day}")
        told = await to_thread.run_sync(self._ask, session, unit, name, day)
        today = from_ms(self._desk.clock.utc_ms()).date()
        return self._desk.page(
            "room.html",
            session,
            unit=unit,
            name=name,
            tile=tile,
            day=day.isoformat(),
            before=(day - DAY).isoformat(),
            after=(day + DAY).isoformat() if day < today else "",
            persons=session.may("persons"),
            audit=session.may("audit"),
            **frame,
            **vars(told),
        )

    def _day(self, text: str | None) -> date:
        """Raises HTTPException for what is no day up to today."""
        today = from_ms(self._desk.clock.utc_ms()).date()
        try:
            day = today if text is None else date.fromisoformat(text)
        except ValueError:
            day = today + DAY
        if not date(2000, 1, 2) <= day <= today:
            raise HTTPException(400, "A day up to today is needed, as in 2026-11-25.")
        return day

    def _ask(self, session: Session, unit: str, room: str, day: date) -> Told:
        """What of it cannot be had is said, and the rest is shown."""
        told, history = Told(), self._desk.history
        start_ms = to_ms(datetime(day.year, day.month, day.day, tzinfo=UTC))
        span = (start_ms, start_ms + to_ms(datetime.fromtimestamp(0, UTC) + DAY))
        try:
            told.allowed, told.halted = history.allowed(unit), history.halted(unit)
        except StillroomError as error:
            told.trouble_papers = f"Not all documents of this site can be read: {error}"
        try:
            if session.may("persons"):
                told.stays = history.stays(unit, room, *span)
                told.changes = history.alerts(unit, *span)
            if session.may("audit"):
                told.links = history.links(unit)
                told.deeds = self._deeds(unit)
        except StillroomError as error:
            told.trouble = f"What the gateway has kept cannot be read: {error}"
        return told

    def _deeds(self, unit: str) -> list[tuple[int, Deed]]:
        """What was done at this board about this unit, the newest first."""
        newest = self._desk.log.newest(SEARCHED_DEEDS)
        return [(at_ms, deed) for at_ms, deed in newest if unit in deed.about.split(" ")][:MOST_DEEDS]

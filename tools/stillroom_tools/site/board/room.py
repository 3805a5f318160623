"""The page of one room: now, what is allowed, a day of it, and who looked. Each part is for whoever may see it.

The day is the picture and the words that `stillroom site report` makes, and no other. That somebody read it is written
down before it is shown.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import date, timedelta

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from stillroom.errors import StillroomError
from stillroom_tools.site.audit_file import link_of
from stillroom_tools.site.audit_words import words
from stillroom_tools.site.board.desk import Desk
from stillroom_tools.site.board.history import Allowed
from stillroom_tools.site.board.log import Deed
from stillroom_tools.site.board.recordings import Recording, running
from stillroom_tools.site.board.sessions import Session
from stillroom_tools.site.board.ward import watched
from stillroom_tools.site.report.day import RoomDay
from stillroom_tools.site.report.picture import picture
from stillroom_tools.site.report.sheet import STYLE
from stillroom_tools.site.report.words import lines, sentences

DAY = timedelta(days=1)
FIRST_DAY = date(2000, 1, 2)
MOST_DEEDS = 50
MOST_LINKS = 100
SEARCHED_DEEDS = 5_000
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
PICTURE_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'"
"""The picture carries its own style sheet, which is this one and no other."""


@dataclass
class Told:
    """What the stores had to say, and what they could not."""

    trouble: str = ""
    trouble_papers: str = ""
    recording: Recording | None = None
    recording_known: bool = False
    allowed: list[Allowed] = field(default_factory=list)
    halted: list[str] = field(default_factory=list)
    kept: RoomDay | None = None
    sentences: list[str] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)
    links: list[tuple[int, str]] = field(default_factory=list)
    deeds: list[tuple[int, Deed]] = field(default_factory=list)


class RoomPage:
    """`/rooms/UNIT` and `/rooms/UNIT/day.svg`, with `?day=2026-11-25`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request) -> Response:
        session = self._desk.needs(request)
        frame = watched(self._desk, session)
        unit, name = self._named(request, session)
        day = self._day(request)
        if session.may("persons") or session.may("audit"):
            await self._desk.write(session.name, "room-read", f"{unit} {name} {day}")
        told = await to_thread.run_sync(self._ask, session, unit, name, day)
        return self._desk.page(
            "room.html",
            session,
            unit=unit,
            name=name,
            tile=self._desk.live.faces[session.may("persons")].tiles[unit][1],
            day=day.isoformat(),
            day_words=self._desk.history.local(day).words,
            clock=self._desk.history.local(day).clock,
            before=(day - DAY).isoformat(),
            after=(day + DAY).isoformat() if day < self._desk.history.today() else "",
            persons=session.may("persons"),
            audit=session.may("audit"),
            **frame,
            **vars(told),
        )

    async def picture(self, request: Request) -> Response:
        """The day, drawn."""
        session = self._desk.needs(request, "persons")
        _, name = self._named(request, session)
        day = self._day(request)

        def draw() -> bytes:
            return picture(self._desk.history.day(name, day), self._desk.history.local(day))

        headers = {"content-security-policy": PICTURE_POLICY}
        return Response(await to_thread.run_sync(draw), 200, headers, "image/svg+xml")

    def _named(self, request: Request, session: Session) -> tuple[str, str]:
        """Unit and room. Raises HTTPException where there is no such unit."""
        unit = request.path_params["unit"]
        found = self._desk.live.faces[session.may("persons")].shown.get(unit)
        if found is None:
            raise HTTPException(404, "No unit of that name is enrolled here.")
        return unit, found.name

    def _day(self, request: Request) -> date:
        """Raises HTTPException for what is no day up to today."""
        today, text = self._desk.history.today(), request.query_params.get("day")
        try:
            day = today if text is None else date.fromisoformat(text)
        except ValueError:
            day = today + DAY
        if not FIRST_DAY <= day <= today:
            raise HTTPException(400, "A day up to today is needed, as in 2026-11-25.")
        return day

    def _ask(self, session: Session, unit: str, room: str, day: date) -> Told:
        """What of it cannot be had is said, and the rest is shown."""
        told, history = Told(), self._desk.history
        try:
            told.allowed, told.halted = history.allowed(unit), history.halted(unit)
        except StillroomError as error:
            told.trouble_papers = f"Not all documents of this site can be read: {error}"
        try:
            chain = history.chain(unit)
            told.recording, told.recording_known = running(chain), True
            if session.may("audit"):
                told.deeds = self._deeds(unit)
                told.links = [(one.at_ms, words(link_of(one))) for one in reversed(chain[-MOST_LINKS:])]
            if session.may("persons"):
                told.kept = history.day(room, day)
                told.sentences = list(sentences(told.kept))
                told.happened = [
                    line.said for one in told.kept.units for line in lines(one, history.local(day))[0]
                ]
        except StillroomError as error:
            told.trouble = f"What the gateway has kept cannot be shown: {error}"
        return told

    def _deeds(self, unit: str) -> list[tuple[int, Deed]]:
        """What was done at this board about this unit, the newest first."""
        newest = self._desk.log.newest(SEARCHED_DEEDS)
        return [(at_ms, deed) for at_ms, deed in newest if unit in deed.about.split(" ")][:MOST_DEEDS]

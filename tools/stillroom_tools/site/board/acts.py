"""What people do about alerts from the page: one at a time, about what they saw, under their own name.

A button carries the stamp of the alert as it was shown. Where somebody else was quicker, nothing is done and his name
is said: two nurses who press at once do not both believe that it is theirs. To attend is never refused for that: who is
in the room is in the room.
"""

import asyncio
from typing import Literal, get_args

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from stillroom.document_forms import now
from stillroom_tools.site.alerts import hand_over
from stillroom_tools.site.board.desk import Desk, there
from stillroom_tools.site.board.tiles import stamp_of
from stillroom_tools.site.gateway import alert_file
from stillroom_tools.site.gateway.acts import AlertAct
from stillroom_tools.site.gateway.alert_forms import SILENT, Alert
from stillroom_tools.site.room_words import spoken

What = Literal["acknowledge", "pause-audio", "attend"]
DONE: dict[What, str] = {
    "acknowledge": "You have taken on",
    "pause-audio": "You have paused the sound of",
    "attend": "You are written down as attending to",
}


class Acts:
    """`POST /acts`, with `act`: `WHAT UNIT KIND STAMP`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._one_at_a_time = asyncio.Lock()

    async def act(self, request: Request) -> Response:
        session, fields = await self._desk.form(request, "act")
        words = fields.get("act", "").split(" ")
        if len(words) != 4 or words[0] not in get_args(What) or not words[3].isdecimal():
            return _answer(request, 400, "That is no act of this board.")
        what, unit, kind, stamp = words[0], words[1], words[2], int(words[3])
        async with self._one_at_a_time:
            status, text = await self._do(session.name, what, unit, kind, stamp)  # type: ignore[arg-type]
        return _answer(request, status, text)

    async def _do(self, by: str, what: What, unit: str, kind: str, stamp: int) -> tuple[int, str]:
        """Status and what is said to whoever did it."""
        alert, known = self._standing(unit, kind)
        if not known:
            return 503, "Nothing was done: no gateway runs here, so the alerts are not known. Look in."
        if alert is None:
            return 409, f"Nothing was done: {kind} of {unit} does not stand any more."
        if what != "attend" and alert.state in SILENT and stamp_of(alert) != stamp and alert.owner != by:
            return 409, f"Nothing was done: {alert.owner} was quicker, and has {_room(alert)} now."
        paper = AlertAct(
            at=now(self._desk.clock), act=what, by=by, kind=alert.kind, site=self._desk.site.name, unit=unit
        )
        await self._desk.write(by, what, f"{unit} {alert.kind}")
        if not await to_thread.run_sync(hand_over, self._desk.site, paper):
            return 202, "It is left for the gateway, which has not answered yet: look in."
        return 200, f"{DONE[what]} '{spoken(alert.kind)}' in {_room(alert)}."

    def _standing(self, unit: str, kind: str) -> tuple[Alert | None, bool]:
        """The alert as the gateway has it now, and whether there is a gateway."""
        found = alert_file.read(self._desk.site.folder / "gateway", self._desk.clock.utc_ms())
        if found is None:
            return None, False
        return next((one for one in found.alerts if (one.unit, one.kind) == (unit, kind)), None), True


def _room(alert: Alert) -> str:
    return alert.room or alert.unit


def _answer(request: Request, status: int, text: str) -> Response:
    """For the page's script in words; for a browser without it, the ward page again, or the words where it failed."""
    if status < 400 and "text/plain" not in request.headers.get("accept", ""):
        return there("/")
    return PlainTextResponse(text, status)

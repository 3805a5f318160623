"""The manager's page of what alerts asked of staff: the numbers and words of `stillroom site report --burden`."""

from dataclasses import dataclass
from datetime import timedelta

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from stillroom.errors import StillroomError
from stillroom_tools.site.board.desk import Desk
from stillroom_tools.site.report import burden
from stillroom_tools.site.report.burden_words import COLUMNS, Report, head, rate, row
from stillroom_tools.site.report.period import period_of

SPANS = (7, 28, 90)
"""Days that can be chosen, up to today."""


@dataclass(frozen=True)
class Asked:
    """What is shown; `fault` in its place."""

    fault: str = ""
    said: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    rooms: tuple[tuple[str, str, str], ...] = ()
    """Room, its alerts, and those of a sensed night."""


class BurdenPage:
    """`/burden?days=28`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request) -> Response:
        session = self._desk.needs(request, "burden")
        text = request.query_params.get("days", "28")
        if text not in map(str, SPANS):
            raise HTTPException(400, f"One of {', '.join(map(str, SPANS))} days can be chosen.")
        await self._desk.write(session.name, "burden-read", f"{text} days")
        asked = await to_thread.run_sync(self._ask, int(text))
        return self._desk.page(
            "burden.html", session, asked=asked, days=int(text), spans=SPANS, columns=COLUMNS
        )

    def _ask(self, days: int) -> Asked:
        site, today = self._desk.site, self._desk.history.today()
        try:
            period = period_of(site, today - timedelta(days=days - 1), today)
            found = burden.tallies(site, period, self._desk.clock.utc_ms())
        except StillroomError as error:
            return Asked(fault=f"What the gateway has kept cannot be counted: {error}")
        nights = len(period.nights)
        whole = burden.summed(found.values()).burden(None, nights)
        rooms = tuple(tally.burden(room, nights) for room, tally in found.items())
        night = (period.night_from, period.night_until)
        until = period.last + timedelta(days=1)
        report = Report(site.name, site.config.time_zone, period.first, until, night, whole, rooms, None)
        return Asked(
            said=tuple(head(report)),
            rows=tuple(row(kind, whole) for kind in whole.kinds),
            rooms=tuple(_room(one) for one in rooms),
        )


def _room(one: burden.Burden) -> tuple[str, str, str]:
    nightly = sum(kind.alerts_night for kind in one.kinds)
    return one.room or "", str(sum(kind.alerts for kind in one.kinds)), rate(nightly, one.room_nights)

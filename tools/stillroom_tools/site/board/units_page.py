"""How each unit itself is: heat, frames, card, software; the numbers of `stillroom site units`, of nobody."""

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from stillroom.errors import StillroomError
from stillroom_tools.site import units
from stillroom_tools.site.board.desk import Desk


class UnitsPage:
    """`/units`, for whoever looks after the machines."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request) -> Response:
        session = self._desk.needs(request, "health")
        found, trouble = await to_thread.run_sync(self._ask)
        now_ms = self._desk.clock.utc_ms()
        names = {unit: tile.name for unit, tile in self._desk.live.faces[False].shown.items()}
        rows = [
            (one.unit, names.get(one.unit, ""), units.cells(one, now_ms)[1:], units.concerns(one, now_ms))
            for one in found
        ]
        return self._desk.page("units.html", session, rows=rows, columns=units.COLUMNS[1:], trouble=trouble)

    def _ask(self) -> tuple[list[units.Line], str]:
        try:
            return self._desk.history.units(), ""
        except StillroomError as error:
            return [], f"What units have told of themselves cannot be shown: {error}"

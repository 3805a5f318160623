"""Where an installer draws bed and floor of a room: over an empty canvas, since a unit sends no picture of any kind.

Not even the empty room that it has learned leaves a unit, so the canvas shows nothing but the zones that were drawn or
signed here before; what stands in the unit's own file is not known at the facility. A drawing is kept for whoever holds
the authority's key, and changes nothing before it is signed.
"""

from collections.abc import Sequence

import msgspec
from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from stillroom.errors import ConfigError
from stillroom_tools.site import drawn
from stillroom_tools.site.board.desk import Desk
from stillroom_tools.site.board.sessions import Session


class ZonesPage:
    """`/rooms/UNIT/zones`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request) -> Response:
        if request.method != "POST":
            session = self._desk.needs(request, "zones")
            return await to_thread.run_sync(self._show, session, self._unit(request), "", "", None)
        session, fields = await self._desk.form(request, "zones")
        unit = self._unit(request)
        given = {name: fields.get(name, "") for name in drawn.ZONES}
        try:
            bed, floor = (drawn.parse(text, name) for name, text in given.items())
        except ConfigError as error:
            return await to_thread.run_sync(
                self._show, session, unit, f"Nothing was kept. {error}.", "", given
            )
        await self._desk.write(session.name, "zones-drawn", unit)
        paper = drawn.Drawn(session.name, self._desk.clock.utc_ms(), bed, floor)
        await to_thread.run_sync(drawn.write, self._desk.site, unit, paper)
        said = "Kept. Nothing has changed at the unit: whoever holds the authority's key signs it."
        return await to_thread.run_sync(self._show, session, unit, "", said, None)

    def _unit(self, request: Request) -> str:
        """Raises HTTPException where there is no such unit."""
        unit: str = request.path_params["unit"]
        if unit not in self._desk.live.faces[False].shown:
            raise HTTPException(404, "No unit of that name is enrolled here.")
        return unit

    def _show(
        self, session: Session, unit: str, fault: str, said: str, given: dict[str, str] | None
    ) -> Response:
        """given: what did not do, to be mended."""
        kept, signed = drawn.read(self._desk.site, unit), self._desk.site.configuration(unit)
        newest = kept or signed
        zones = given or {name: _shares(getattr(newest, name, None)) for name in drawn.ZONES}
        return self._desk.page(
            "zones.html",
            session,
            400 if fault else 200,
            unit=unit,
            room=self._desk.live.faces[False].shown[unit].name,
            kept=kept,
            signed=signed,
            zones=zones,
            fault=fault,
            said=said,
        )


def _shares(corners: Sequence[tuple[int, int]] | None) -> str:
    """As a form has them."""
    return msgspec.json.encode([[x / 1000, y / 1000] for x, y in corners]).decode() if corners else ""

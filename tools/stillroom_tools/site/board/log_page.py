"""The page of the board's own log, for managers and auditors: verified anew each time it is shown."""

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from stillroom.errors import TrustError
from stillroom_tools.site.board.desk import Desk
from stillroom_tools.site.board.log import Deed

MOST = 500


class LogPage:
    """The newest links."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request) -> Response:
        session = self._desk.needs(request, "audit")
        await self._desk.write(session.name, "log-read")
        count, head, fault, deeds = await to_thread.run_sync(self._read)
        return self._desk.page("log.html", session, count=count, head=head.hex(), fault=fault, deeds=deeds)

    def _read(self) -> tuple[int, bytes, str, list[tuple[int, Deed]]]:
        """How many, the newest head, what is wrong, and the newest."""
        log = self._desk.log
        try:
            count, head = log.verify(self._desk.site.keys("board").signing.verify_key)
            return count, head, "", log.newest(MOST)
        except TrustError as error:
            return 0, b"", str(error), []

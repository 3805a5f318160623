"""All pages of the board as one ASGI application."""

from collections.abc import Collection

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from stillroom.errors import StillroomError
from stillroom_tools.site.board.acts import Acts
from stillroom_tools.site.board.burden_page import BurdenPage
from stillroom_tools.site.board.desk import HERE, Desk, there
from stillroom_tools.site.board.door import SAFE, Door
from stillroom_tools.site.board.log_page import LogPage
from stillroom_tools.site.board.login import Login
from stillroom_tools.site.board.people_page import PeoplePage
from stillroom_tools.site.board.room import RoomPage
from stillroom_tools.site.board.units_page import UnitsPage
from stillroom_tools.site.board.ward import Ward
from stillroom_tools.site.board.zones_page import ZonesPage


def application(desk: Desk, hosts: Collection[str]) -> Starlette:
    """`hosts`: the names under which the board is reached."""
    login, ward, acts, people = Login(desk), Ward(desk), Acts(desk), PeoplePage(desk)
    rooms, log, zones, burden = RoomPage(desk), LogPage(desk), ZonesPage(desk), BurdenPage(desk)
    routes = [
        Route("/", ward.page),
        Route("/events", ward.events),
        Route("/acts", acts.act, methods=["POST"]),
        Route("/login", login.login, methods=["GET", "POST"]),
        Route("/logout", login.logout, methods=["POST"]),
        Route("/stay", login.stay, methods=["POST"]),
        Route("/set-up", login.set_up, methods=["GET", "POST"]),
        Route("/rooms/{unit}", rooms.page),
        Route("/rooms/{unit}/day.svg", rooms.picture),
        Route("/rooms/{unit}/zones", zones.page, methods=["GET", "POST"]),
        Route("/units", UnitsPage(desk).page),
        Route("/burden", burden.page),
        Route("/log", log.page),
        Route("/people", people.page, methods=["GET", "POST"]),
        Mount("/static", _Static(directory=HERE / "static")),
    ]

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 401 and request.method in SAFE:
            return there("/login")
        said = "Log in again: your session has ended." if error.status_code == 401 else error.detail
        return _failed(desk, request, error.status_code, said)

    async def own_error(request: Request, error: Exception) -> Response:
        """A disk that is full, a file that is damaged: said, and nothing was done."""
        return _failed(desk, request, 503, f"Nothing was done: {error}")

    return Starlette(
        routes=routes,
        middleware=[
            Middleware(Door, hosts=hosts, tls=desk.tls),
            Middleware(GZipMiddleware, minimum_size=512, compresslevel=6),
        ],
        exception_handlers={HTTPException: http_error, StillroomError: own_error},
    )


def _failed(desk: Desk, request: Request, status: int, text: str) -> Response:
    if "text/plain" in request.headers.get("accept", ""):
        return PlainTextResponse(text, status)
    return desk.page("failed.html", desk.session(request, use=False), status, text=text)


class _Static(StaticFiles):
    """Asked for again with each page, and answered "not changed": after an update no page runs an older script."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers["cache-control"] = "no-cache"
        return answer

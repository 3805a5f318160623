"""What the pages share: who asks, what he may, and how a page is drawn."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from stillroom.clock import Clock, utc_text
from stillroom_tools.site.board.door import form_of
from stillroom_tools.site.board.history import History
from stillroom_tools.site.board.limits import Limiter
from stillroom_tools.site.board.live import Live
from stillroom_tools.site.board.log import Log
from stillroom_tools.site.board.people import People
from stillroom_tools.site.board.roles import MEANINGS, Right
from stillroom_tools.site.board.sessions import Session, Sessions
from stillroom_tools.site.layout import Site
from stillroom_tools.site.room_words import span, spoken

HERE = Path(__file__).parent
Page = Callable[[Request], Awaitable[Response]]


def environment() -> Environment:
    """The templates; whatever is put into them is text, never HTML."""
    made = Environment(
        loader=FileSystemLoader(HERE / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(roles=MEANINGS)
    made.filters.update(span=span, moment=moment, spoken=spoken, date="{:%Y-%m-%d %H:%M}".format, utc=_utc)
    return made


def moment(utc_ms: int) -> str:
    """`2026-11-22 08:00:00`, UTC."""
    return utc_text(utc_ms).replace("T", " ").rstrip("Z")


def _utc(text: str) -> str:
    """`2026-11-22 08:00:00 UTC` of the form that links have."""
    return text.replace("T", " ").replace("Z", " UTC")


@dataclass
class Desk:
    """One board."""

    site: Site
    clock: Clock
    people: People
    sessions: Sessions
    log: Log
    live: Live
    history: History
    pages: Environment
    tls: bool
    first_token: str = ""
    """Makes the first manager, once; empty where there is one."""
    closing: bool = False
    """The board is about to end, and streams with it."""
    names: Limiter = field(init=False)
    addresses: Limiter = field(init=False)
    hashing: CapacityLimiter = field(init=False)
    """One password at a time: each takes 64 MiB."""

    def __post_init__(self) -> None:
        self.names = Limiter(self.clock, burst=5, refill_s=20)
        self.addresses = Limiter(self.clock, burst=20, refill_s=6)
        self.hashing = CapacityLimiter(1)

    @property
    def cookie(self) -> str:
        """Its name: over TLS a browser takes it from this very host alone, with `Secure` and no `Domain`."""
        return "__Host-stillroom" if self.tls else "stillroom"

    def session(self, request: Request, *, use: bool = True) -> Session | None:
        """Who asks; None where nobody is logged in any more. `use`: it keeps the session alive."""
        session = self.sessions.find(request.cookies.get(self.cookie, ""))
        if session is None or not self.still(session):
            return None
        if use:
            self.sessions.use(session)
        return session

    def still(self, session: Session) -> bool:
        """Whether its person is there still, as he was when he logged in."""
        person = self.people.find(session.name)
        return bool(person and person.ready and person.generation == session.generation)

    def needs(self, request: Request, right: Right | None = None) -> Session:
        """Who asks, with this right. Raises HTTPException 401 (not logged in) or 403."""
        session = self.session(request)
        if session is None:
            raise HTTPException(401)
        if right is not None and not session.may(right):
            raise HTTPException(403, "This is not for your role here.")
        return session

    async def form(self, request: Request, right: Right | None = None) -> tuple[Session, dict[str, str]]:
        """Who sent a form of ours, and its fields. Raises HTTPException."""
        session = self.needs(request, right)
        fields = await form_of(request)
        if not session.takes(fields.pop("csrf", "")):
            raise HTTPException(
                403, "This form is of an earlier login: open the page again. Nothing was done."
            )
        return session, fields

    async def write(self, by: str, what: str, about: str = "") -> None:
        """Into the board's log, before it is done. Raises StorageError, TrustError."""
        await to_thread.run_sync(self.log.add, by, what, about)

    def page(self, template: str, session: Session | None, status: int = 200, /, **values: Any) -> Response:
        """A template with what all of them need."""
        frame = {
            "me": session,
            "site": self.site.name,
            "now_ms": self.clock.utc_ms(),
            "wrong": self.live.what_is_wrong() if session else "",
        }
        return HTMLResponse(self.draw(template, **frame, **values), status)

    def draw(self, template: str, /, **values: Any) -> Markup:
        return Markup(self.pages.get_template(template).render(**values))


def there(place: str) -> Response:
    """Go and see, after a form."""
    return RedirectResponse(place, 303)

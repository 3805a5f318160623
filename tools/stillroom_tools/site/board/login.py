"""Logging in and out, and the first time: a token, a password of one's own, and a phone."""

import hmac
from functools import partial

import segno
from anyio import to_thread
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from stillroom.clock import MS_PER_S
from stillroom_tools.site.board import passwords, totp
from stillroom_tools.site.board.desk import Desk, there
from stillroom_tools.site.board.door import form_of
from stillroom_tools.site.board.people import Person, is_name

WRONG = "Name, password or code is not right, or the code was used already."
_PHONE_LASTS = 200
"""So many phones may be half set up at once."""


class Login:
    """Pages for whoever is not logged in."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._phones: dict[str, bytes] = {}
        """Secrets shown and not yet confirmed, by token."""

    async def login(self, request: Request) -> Response:
        if request.method != "POST":
            return self._desk.page("login.html", None, ended="ended" in request.query_params, wrong_login="")
        fields = await form_of(request)
        name = fields.get("name", "").strip().lower()
        wait_s = self._wait_s(request, name)
        if wait_s:
            return self._again(429, f"Too many tries. Try again in {wait_s} seconds.")
        person = await self._checked(name, fields.get("password", ""), fields.get("code", ""))
        if person is None:
            await self._desk.write("", "login-refused", name if is_name(name) else "")
            return self._again(401, WRONG)
        await self._desk.write(person.name, "login")
        self._desk.names.forgive(name)
        return self._enter(person)

    async def logout(self, request: Request) -> Response:
        session, _ = await self._desk.form(request)
        await self._desk.write(session.name, "logout")
        self._desk.sessions.end(session)
        answer = there("/login")
        answer.delete_cookie(self._desk.cookie, secure=self._desk.tls, httponly=True, samesite="strict")
        return answer

    async def stay(self, request: Request) -> Response:
        """Somebody is there: the session goes on."""
        await self._desk.form(request)
        return Response(status_code=204)

    async def set_up(self, request: Request) -> Response:
        """Two steps: name and token; then a password, and the code that the phone shows."""
        if request.method != "POST":
            return self._desk.page("set_up.html", None, step=1, fault="", name="", first=self._first())
        fields = await form_of(request)
        name, token = fields.get("name", "").strip().lower(), fields.get("token", "").strip()
        wait_s = self._wait_s(request, name)
        if wait_s:
            return self._start(429, name, f"Too many tries. Try again in {wait_s} seconds.")
        if not self._may(name, token):
            await self._desk.write("", "set-up-refused", name if is_name(name) else "")
            return self._start(403, name, "Name or token is not right, or the token was used or is too old.")
        if "password" not in fields:
            self._desk.names.forgive(name)
            return self._second(200, name, token, "")
        return await self._finish(name, token, fields["password"], fields.get("code", ""))

    async def _finish(self, name: str, token: str, password: str, code: str) -> Response:
        fault = passwords.fault(password, name)
        secret = self._phones.get(token, b"")
        step = totp.step_of(secret, code, self._desk.clock.utc_ms() // MS_PER_S, 0) if secret else None
        if fault or step is None:
            return self._second(
                400, name, token, fault or "The code is not right: type the one that your phone shows now."
            )
        await self._desk.write(name, "set-up")
        if self._is_first(name, token):
            self._desk.people.add(name, ("manager",), token)
            self._desk.first_token = ""
        done = partial(self._desk.people.set_up, name, token, password, secret, step)
        person = await to_thread.run_sync(done, limiter=self._desk.hashing)
        self._phones.pop(token, None)
        if person is None:
            return self._start(409, name, "This token was used in the meantime.")
        return self._enter(person)

    async def _checked(self, name: str, password: str, code: str) -> Person | None:
        """The person whose all three are; all are looked at, whichever is wrong."""
        person = self._desk.people.find(name)
        kept = person.password if person else ""
        right = await to_thread.run_sync(passwords.is_right, kept, password, limiter=self._desk.hashing)
        if not right or person is None or not self._desk.people.take_code(name, person.generation, code):
            return None
        return person

    def _wait_s(self, request: Request, name: str) -> int:
        address = request.client.host if request.client else ""
        return max(self._desk.addresses.wait_s(address), self._desk.names.wait_s(name[:32]))

    def _first(self) -> bool:
        return bool(self._desk.first_token)

    def _is_first(self, name: str, token: str) -> bool:
        plain = "".join(token.split()).replace("-", "").lower().encode()
        first = self._desk.first_token.replace("-", "").encode()
        right = bool(first) and hmac.compare_digest(first, plain)
        return right and is_name(name) and self._desk.people.find(name) is None

    def _may(self, name: str, token: str) -> bool:
        return self._desk.people.takes(name, token) or self._is_first(name, token)

    def _enter(self, person: Person) -> Response:
        cookie, _ = self._desk.sessions.begin(person)
        answer = there("/")
        answer.set_cookie(
            self._desk.cookie, cookie, secure=self._desk.tls, httponly=True, samesite="strict", path="/"
        )
        return answer

    def _again(self, status: int, text: str) -> Response:
        return self._desk.page("login.html", None, status, ended=False, wrong_login=text)

    def _start(self, status: int, name: str, fault: str) -> Response:
        return self._desk.page(
            "set_up.html", None, status, step=1, fault=fault, name=name, first=self._first()
        )

    def _second(self, status: int, name: str, token: str, fault: str) -> Response:
        while len(self._phones) > _PHONE_LASTS:
            self._phones.pop(next(iter(self._phones)))
        secret = self._phones.setdefault(token, totp.new_secret())
        address = totp.address(secret, name, self._desk.site.name)
        square = segno.make(address, error="m").svg_inline(omitsize=True)
        return self._desk.page(
            "set_up.html",
            None,
            status,
            step=2,
            fault=fault,
            name=name,
            token=token,
            secret=totp.shown(secret),
            square=Markup(square),
            first=self._first(),
        )

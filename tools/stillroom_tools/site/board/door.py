"""What every request meets first, and every answer carries: bounds, the right host, the same origin, strict headers.

A page may load from the board alone, and no script or style stands in it: what a hostile name would carry is text.
"""

from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 16 * 1024
MAX_FIELDS = 32
SAFE = ("GET", "HEAD")

HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=(), payment=()",
}
HSTS = "max-age=31536000"


class Door:
    """ASGI middleware. `hosts`: the names under which the board is reached, without ports."""

    def __init__(self, app: ASGIApp, hosts: Collection[str], *, tls: bool) -> None:
        self._app, self._hosts, self._tls = app, frozenset(hosts), tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._clothe(MutableHeaders(scope=message))
            await send(message)

        refused = self._refused(scope, Headers(scope=scope))
        if refused:
            status, text = refused
            await PlainTextResponse(text + "\n", status)(scope, receive, answer)
            return
        await self._app(scope, receive, answer)

    def _clothe(self, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("cache-control", "no-store")
        if self._tls:
            headers["strict-transport-security"] = HSTS

    def _refused(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Status and text where it goes no further. A page of another host cannot send what passes here."""
        if _name(headers.get("host", "")) not in self._hosts:
            return 421, "This board is not reached under that name: see --host."
        if scope["method"] in SAFE:
            return None
        origin = f"{'https' if self._tls else 'http'}://{headers.get('host', '')}"
        if headers.get("origin") != origin:
            return 403, "This did not come from a page of this board: nothing was done."
        length = headers.get("content-length", "")
        if not length.isascii() or not length.isdigit() or int(length) > MAX_BODY_BYTES:
            return 413, f"At most {MAX_BODY_BYTES} bytes, and their number said before them."
        return None


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, each once. Raises HTTPException for anything else."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, "That is more than any form of this board.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), True, True, encoding="utf-8", errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise HTTPException(400, "That is no form of this board.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise HTTPException(400, "A field stands twice in that form.")
    return fields


def _name(host: str) -> str:
    """Without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""

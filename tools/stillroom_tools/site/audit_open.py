"""When the camera was open, as the links of a chain prove it: never longer, and where the end is not known, that.

A camera that opened is open until a link says that it closed. What ends without a word (a power cut) is counted up to
the last link before; so is what runs into links that were erased or lost, since one of those may say that it closed.
`lease` links, which a unit writes each quarter of an hour, prove the time in between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stillroom_tools.site.audit_file import Link

_CLOSES = {"camera-closed", "stop"}
_WITHOUT_A_WORD = {"start", "storage-damaged"}
FOREVER_MS = 2**53


@dataclass(frozen=True)
class Period:
    """The camera was open. Where its end is not `certain`, at least until `until_ms`, and not beyond `latest_ms`.

    under: under which authorisations, each with the time of the last link that proves it open under that one.
    """

    from_ms: int
    until_ms: int
    certain: bool = True
    latest_ms: int = FOREVER_MS
    under: tuple[tuple[str, int], ...] = ()

    def within(self, from_ms: int, until_ms: int) -> "Period":
        """The part of it in a time. What goes on beyond that time is certain within it."""
        beyond = self.until_ms >= until_ms
        start = max(self.from_ms, from_ms)
        end = max(min(self.until_ms, until_ms), start)
        return replace(self, from_ms=start, until_ms=end, certain=self.certain or beyond)


@dataclass
class _Camera:
    """What is known of it, link after link."""

    since_ms: int | None = None
    proven_ms: int = 0
    doubt: bool = False
    """Since `proven_ms` there was a link without words: it may have closed since."""
    authorisation: str | None = None
    under: dict[str, int] = field(default_factory=dict)

    def open(self, since_ms: int, at_ms: int) -> None:
        if self.since_ms is None:
            self.since_ms, self.under = since_ms, {}
        self.doubt = False
        self.prove(at_ms)

    def prove(self, at_ms: int) -> None:
        """It is open still, at this time."""
        if self.since_ms is not None and not self.doubt:
            self.proven_ms = max(at_ms, self.since_ms)
            if self.authorisation is not None:
                self.under[self.authorisation] = self.proven_ms

    def end(self, latest_ms: int, *, certain: bool) -> Iterator[Period]:
        if self.since_ms is not None:
            sure = certain and not self.doubt
            until_ms = max(latest_ms, self.since_ms) if sure else self.proven_ms
            yield Period(self.since_ms, until_ms, sure, latest_ms, tuple(self.under.items()))
        self.since_ms, self.doubt = None, False


def open_periods(links: Sequence[Link]) -> list[Period]:
    """In the order in which they began."""
    camera, found, index = _Camera(), list[Period](), 0
    for link in links:
        camera.doubt |= link.erased or link.index != index + 1
        index = link.index
        found += _take(camera, link.at_ms, link.said())
    return [*found, *camera.end(FOREVER_MS, certain=False)]


def _take(camera: _Camera, at_ms: int, said: dict[str, Any]) -> Iterator[Period]:
    what = str(said.get("what"))
    if what in _WITHOUT_A_WORD:
        yield from camera.end(at_ms, certain=False)
    elif what in _CLOSES:
        camera.prove(at_ms)
        yield from camera.end(at_ms, certain=True)
    elif what == "lease":
        yield from _still_open(camera, at_ms, said)
    elif what == "camera-opened":
        if camera.doubt:
            yield from camera.end(at_ms, certain=False)
        camera.open(at_ms, at_ms)
    else:
        camera.prove(at_ms)
        if what == "gate":
            name = said.get("authorisation")
            camera.authorisation = name if isinstance(name, str) and said.get("gate") == "open" else None
            camera.prove(at_ms)


def _still_open(camera: _Camera, at_ms: int, said: dict[str, Any]) -> Iterator[Period]:
    """A link that says since when: another time than was known means that the links between are not all there."""
    since_ms, name = said.get("since_ms"), said.get("authorisation")
    since_ms = min(since_ms, at_ms) if isinstance(since_ms, int) and since_ms >= 0 else at_ms
    if camera.since_ms is not None and camera.doubt and camera.since_ms != since_ms:
        yield from camera.end(since_ms, certain=False)
    camera.authorisation = name if isinstance(name, str) else camera.authorisation
    camera.open(since_ms, at_ms)

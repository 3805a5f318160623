"""All that the store holds of a room and a time, as lines of JSON, a kind a line; a person reads `page` beside it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from stillroom.events import Audited
from stillroom_tools.site.audit_file import link_of
from stillroom_tools.site.audit_words import words
from stillroom_tools.site.gateway.alert_book import AlertLine, kept_of, within
from stillroom_tools.site.gateway.arrived import Kept
from stillroom_tools.site.gateway.erased import Erased, Told, decode
from stillroom_tools.site.gateway.erasing import commands_of, days_of
from stillroom_tools.site.gateway.erasures import Wish
from stillroom_tools.site.gateway.reader import Reader
from stillroom_tools.site.gateway.sealed import DAY_MS
from stillroom_tools.site.report.days import Span


class Thing:
    """One thing that is kept: `line` for the file; `event`, `change` for the page."""

    __slots__ = ("at_ms", "change", "event", "kind", "line")

    def __init__(self, kind: str, at_ms: int, line: dict[str, Any], event: Told | None = None) -> None:
        self.kind, self.at_ms, self.event = kind, at_ms, event
        self.line = {"kind": kind, **line}
        self.change: AlertLine | None = None


def everything(reader: Reader, wish: Wish) -> Iterator[Thing]:
    """By day, and within a day by kind and time. Raises StorageError."""
    for day in days_of(reader.fetch, wish):
        span = Span(day * DAY_MS, (day + 1) * DAY_MS).within(Span(wish.from_ms, wish.until_ms))
        for kept in reader.entries(wish.room, span.from_ms, span.until_ms):
            yield _entry(kept)
        yield from _changes(reader, wish, span)
        for row in commands_of(reader.fetch, wish, day):
            yield _command(row)
    yield from _alerts(reader, wish)


def counts_of(things: Iterator[Thing]) -> Counter[str]:
    return Counter(thing.kind for thing in things)


def _entry(kept: Kept) -> Thing:
    event = decode(kept.event)
    if isinstance(event, Audited | Erased):
        link = link_of(event)
        told = {**msgspec.to_builtins(link), "in_words": words(link)}
    else:
        told = msgspec.to_builtins(event)
    told.pop("type", None)
    rest = {name: getattr(kept, name) for name in kept.__struct_fields__ if name != "event"}
    return Thing(str(type(event).__struct_config__.tag), kept.at_ms, {**rest, "event": told}, event)


def _changes(reader: Reader, wish: Wish, span: Span) -> Iterator[Thing]:
    for change in reader.alert_history(span.from_ms, span.until_ms):
        if change.room == wish.room:
            thing = Thing("alert-change", change.at_ms, msgspec.to_builtins(change) | {"alert": change.kind})
            thing.line["kind"], thing.change = "alert-change", change
            yield thing


def _alerts(reader: Reader, wish: Wish) -> Iterator[Thing]:
    """What each alert of the room has become, also of those that are over."""
    for alert in kept_of(reader.fetch, wish.room):
        if within(alert, wish.from_ms, wish.until_ms):
            thing = Thing("alert", alert.first_ms, msgspec.to_builtins(alert) | {"alert": alert.kind})
            thing.line["kind"] = "alert"
            yield thing


def _command(row: Any) -> Thing:
    told = {"unit": row.unit, "document": row.kind, "queued_ms": row.queued_ms, "outcome": row.outcome}
    return Thing("command", row.queued_ms, {**told, "note": row.note.decode("utf-8", "replace")})

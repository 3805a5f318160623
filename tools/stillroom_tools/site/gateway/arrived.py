"""An entry on its way into the gateway, and as it comes out."""

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Select, select

from stillroom.receiver import Opened
from stillroom_tools.site.gateway.sealed import unseal, with_key
from stillroom_tools.site.gateway.tables import entries


@dataclass(frozen=True)
class Arrived:
    """An opened record and when it was opened (UTC of this machine)."""

    opened: Opened
    opened_ms: int


class Kept(msgspec.Struct, frozen=True):
    """One entry as the gateway reports it; `event` is JSON."""

    unit: str
    room: str
    number: int
    at_ms: int
    accepted_ms: int
    sealed_ms: int
    opened_ms: int
    late: bool
    event: msgspec.Raw


def select_kept() -> Select[Any]:
    """The place of each entry, and what `kept` makes it of."""
    names = ("id", *Kept.__struct_fields__)
    return with_key(select(*(entries.c[name] for name in names)), entries)


def kept(row: Any) -> Kept:
    """Of a row of `select_kept`. Raises StorageError where it cannot be opened."""
    _, unit, room, number, at_ms, accepted_ms, sealed_ms, opened_ms, late, event, key = row
    event = msgspec.Raw(unseal(key, event))
    return Kept(unit, room, number, at_ms, accepted_ms, sealed_ms, opened_ms, late, event)

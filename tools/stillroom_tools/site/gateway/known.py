"""What a unit has said last of its room and of itself: there at once after a restart, with the time of its last word.

Only what is durable (`StateChanged`, `GateChanged`, `Telemetry`): a snapshot is live, and never stored.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from sqlalchemy import CursorResult, select

from stillroom.events import Entry, Event, GateChanged, StateChanged, Telemetry
from stillroom_tools.site.gateway import tables
from stillroom_tools.site.gateway.rooms import LastKnown
from stillroom_tools.site.gateway.sealed import unseal, with_key

_decode = msgspec.json.Decoder(Event).decode
_KIND = {StateChanged: "state", GateChanged: "gate", Telemetry: "telemetry"}


class Latest:
    """The newest state, gate and telemetry of each unit: `take` entries as they are kept, and write what `changed`."""

    def __init__(self, rows: Iterable[Any]) -> None:
        """rows: of `tables.latest`."""
        self._newest = {(row.unit, row.kind): (row.number, row.at_ms) for row in rows}
        self._changed: dict[tuple[str, str], dict[str, Any]] = {}

    def take(self, unit: str, room: str, entry: Entry, event: bytes) -> None:
        """An entry that was not here before. One that was delayed says nothing of what is newest."""
        kind = _KIND.get(type(entry.event))
        if kind is None:
            return
        number, at_ms = self._newest.get((unit, kind), (0, -1))
        # Numbers begin anew where a key is new or a card was put back: then time decides.
        if entry.number > number or (entry.at_ms > at_ms and not entry.late):
            self._newest[unit, kind] = entry.number, entry.at_ms
            self._changed[unit, kind] = {
                "unit": unit,
                "kind": kind,
                "room": room,
                "number": entry.number,
                "at_ms": entry.at_ms,
                "event": event,
            }

    def changed(self) -> list[dict[str, Any]]:
        """Rows to be written, since the last call."""
        taken, self._changed = self._changed, {}
        return list(taken.values())


def read_known(run: Callable[..., CursorResult[Any]]) -> list[LastKnown]:
    """Every unit that was ever heard, by name. `run` executes a statement."""
    units = tables.units.c
    found = {
        row.unit: LastKnown(row.unit, row.room, row.heard_ms)
        for row in run(select(units.unit, units.room, units.heard_ms).order_by(units.unit))
    }
    for row in run(with_key(select(tables.latest), tables.latest)):
        if row.unit in found:
            found[row.unit] = _with(found[row.unit], _decode(unseal(row[-1], row.event)), row.at_ms)
    return list(found.values())


def _with(known: LastKnown, event: Event, at_ms: int) -> LastKnown:
    if isinstance(event, StateChanged):
        return msgspec.structs.replace(known, state=event.state, since_ms=at_ms)
    if isinstance(event, GateChanged):
        return msgspec.structs.replace(known, gate=event.gate, gate_since_ms=at_ms)
    if isinstance(event, Telemetry):
        return msgspec.structs.replace(known, telemetry=event)
    return known

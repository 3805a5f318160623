"""What the page is told of rooms, records and events, as plain values."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from stillroom_tools.lab.demo_gateway import Line
from stillroom_tools.lab.demo_page.tap import Tapped
from stillroom_tools.lab.demo_screen import told
from stillroom_tools.lab.demo_unit import DemoUnit
from stillroom_tools.site.gateway.rooms import Room
from stillroom_tools.site.room_words import reading_text, span
from stillroom_tools.site.room_words import say as words

EVENTS = 12
HEX_BYTES = 512


def rooms(found: Sequence[Room], units: Iterable[DemoUnit], now_ms: int) -> list[dict[str, Any]]:
    """One row a room, in the order of the units."""
    by_unit = {room.unit: room for room in found}
    return [_room(by_unit[unit.name], unit, now_ms) for unit in units if unit.name in by_unit]


def _room(room: Room, unit: DemoUnit, now_ms: int) -> dict[str, Any]:
    said, snapshot = words(room, now_ms), room.snapshot
    sensed = said.sensed and snapshot is not None
    return {
        "unit": room.unit,
        "room": unit.room,
        "life": unit.life,
        "state": said.state,
        "loud": said.state != said.state.lower(),
        "since": "" if said.for_ms is None else span(said.for_ms),
        "breathing": reading_text(snapshot.breathing, 1) if sensed and snapshot else "",
        "pulse": reading_text(snapshot.pulse, 0) if sensed and snapshot else "",
        "light": unit.light,
        "alerts": [f"{alert.priority}: {alert.kind}" for alert in room.alerts or ()],
    }


def wire(tapped: Tapped | None) -> dict[str, Any] | None:
    """The newest record as an eavesdropper has it; None before there is one."""
    if tapped is None:
        return None
    return {
        "topic": tapped.topic,
        "bytes": len(tapped.record),
        "count": tapped.count,
        "gap_s": round(tapped.gap_s, 1),
        "at": time.strftime("%H:%M:%S", time.gmtime(tapped.at_s)),
        "hex": tapped.record[:HEX_BYTES].hex(" "),
    }


def events(lines: Iterable[Line], unit: str) -> list[str]:
    """The last things that were opened at the other end of this unit, the newest first."""
    return [told(line) for line in lines if line.unit == unit][: -EVENTS - 1 : -1]

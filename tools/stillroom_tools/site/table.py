"""Rooms as a table for a terminal, from 80 columns up.

The words alone carry the meaning, colour only helps: what is not known stands in capitals in the place of the
state, and nothing that was known before stands beside it as if it still held.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from stillroom.clock import utc_text
from stillroom.observation import Reading
from stillroom_tools.site.gateway.rooms import Room
from stillroom_tools.site.table_alerts import alert_lines, alert_rank, alert_text, alert_title, span

ALERT_COLUMNS = 100
"""From here on there is a column for alerts; below, they stand under the state."""
NOTE_COLUMNS = 130
"""From here on there is a column for notes; below, they stand under the table."""

_KINDS = ("sensing", "WAITING", "PAUSED", "DARK", "LATE", "SILENT")

_DARK = "bold white on blue"
_ALARM = "bold white on red"
_DOUBT = "bold black on yellow"

_ALARMS = {
    "cloned": "KEY COPIED? {n} records of a second start",
    "rolled-back": "CARD PUT BACK? {n} records of an unknown start",
    "stale": "KEY COPIED? {n} records of an earlier start",
    "withheld": "{n} RECORDS NEVER CAME",
}

_STATE_STYLES = {
    "unknown": _DOUBT,
    "empty": "dim",
    "in-bed": "green",
    "occupied": "green",
    "bathroom": "green",
    "bed-edge": "bold yellow",
    "out-of-bed": "bold yellow",
    "several-people": "cyan",
    "on-floor": _ALARM,
}


@dataclass(frozen=True)
class Said:
    """What is shown of a room, in words."""

    state: str
    style: str
    for_ms: int | None
    """How long it has been so; None where nobody can tell."""
    sensed: bool
    """Whether the readings hold now."""


def say(room: Room, now_ms: int) -> Said:
    """The one thing to show for this room now: what is unknown comes before what was said last."""
    snapshot = room.snapshot
    if room.presence == "silent":
        last = f"was {_words(snapshot.state)}" if snapshot else "never heard"
        return Said(f"SILENT, {last}", _ALARM, now_ms - (room.seen_ms or room.since_ms), False)
    if snapshot is None:
        return Said("WAITING for a record", _DOUBT, now_ms - room.since_ms, False)
    if room.presence == "late":
        return Said(f"LATE {late_by(room)}", _DOUBT, now_ms - room.since_ms, False)
    if snapshot.gate == "paused":
        return Said("PAUSED by the room", _DARK, None, False)
    if snapshot.gate != "open":
        return Said(f"DARK, {_words(snapshot.gate)}", _DARK, None, False)
    for_ms = None if snapshot.clock == "unsure" else now_ms - snapshot.state_since_ms
    word = _words(snapshot.state)
    loud = snapshot.state in {"unknown", "on-floor"}
    return Said(word.upper() if loud else word, _STATE_STYLES[snapshot.state], for_ms, True)


def fit(rooms: Sequence[Room], lines: int) -> list[Room]:
    """As many rooms as there are lines for, in their order: whatever needs somebody stays in, alerts before all."""

    def calm(room: Room) -> int:
        if room.alarms:
            return 0
        if room.presence == "live" and room.snapshot is not None and room.snapshot.gate == "open":
            return {"on-floor": 0, "unknown": 2, "empty": 4}.get(room.snapshot.state, 3)
        return 2 if room.presence == "live" else 1

    kept: set[str] = set()
    for room in sorted(rooms, key=lambda room: (alert_rank(room), calm(room))):
        lines -= 1 + alert_lines(room)
        if lines < 0 and kept:
            break
        kept.add(room.unit)
    return [room for room in rooms if room.unit in kept]


def late_by(room: Room) -> str:
    """How far the unit's time is from ours, and on which side."""
    return (
        f"by {span(room.behind_ms)}" if room.behind_ms >= 0 else f"its clock is {span(-room.behind_ms)} ahead"
    )


def notes(room: Room) -> list[str]:
    """What else must be said of this room: alarms first, then faults."""
    said = [_ALARMS[alarm].format(n=n) for alarm, n in room.alarms]
    snapshot = room.snapshot
    if snapshot is None:
        return said
    said += [f"fault {_words(fault)}" for fault in snapshot.faults]
    if snapshot.clock == "unsure":
        said.append("clock unsure")
    if snapshot.camera not in ("picamera2", "none"):
        said.append(f"{snapshot.camera} camera")
    if snapshot.model == "none" and snapshot.camera != "none":
        said.append("model: none")
    if snapshot.waiting > 0:
        said.append(f"{snapshot.waiting} waiting")
    if snapshot.refused > 0:
        said.append(f"refused {snapshot.refused} of what came down")
    return said


def reading_text(reading: Reading, digits: int) -> str:
    """`15.2  93%`, or the one word why there is none."""
    if reading.value is None or reading.quality is None:
        return _words(reading.withheld or "unknown")
    sure = min(99, round(reading.quality * 100))  # a probability that was fitted is never all
    return f"{reading.value:.{digits}f} {sure:3d}%"


def render(
    rooms: Sequence[Room],
    now_ms: int,
    *,
    width: int = 80,
    status: str = "",
    only: Sequence[Room] | None = None,
) -> Table:
    """The table of all rooms. `width` in columns of the terminal; `status`: one line on the connection.

    `only`: those that get a line (see `fit`); the title counts all of them.
    """
    noted = width >= NOTE_COLUMNS
    shared = _shared_notes(rooms)
    table = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title=_title(rooms, now_ms),
        title_justify="left",
        title_style="bold",
        caption=_caption(rooms, shared, noted, status),
        caption_justify="left",
        caption_style="",
        width=width,
    )
    _columns(table, width)
    for room in rooms if only is None else only:
        own = [note for note in notes(room) if note not in shared]
        cells = _row(room, now_ms)
        alerts = alert_text(room, now_ms)
        if width >= ALERT_COLUMNS:
            cells.append(alerts)
        elif room.alerts:
            cells[1] = Text.assemble(cells[1], "\n", alerts)
        table.add_row(*cells, *([Text(", ".join(own))] if noted else []))
    return table


def _columns(table: Table, width: int) -> None:
    wide = width >= ALERT_COLUMNS
    table.add_column("Room", overflow="fold", max_width=20 if wide else 14)
    table.add_column("State", overflow="fold", width=22 if wide else 20)
    table.add_column("For", justify="right", width=6, no_wrap=True)
    table.add_column("Breaths/min", justify="right", width=11, overflow="fold")
    table.add_column("Pulse/min", justify="right", width=11, overflow="fold")
    table.add_column("Seen", justify="right", width=6, no_wrap=True)
    if wide:
        table.add_column("Alert", overflow="fold", ratio=1)
    if width >= NOTE_COLUMNS:
        table.add_column("Notes", overflow="fold", ratio=1)


def _row(room: Room, now_ms: int) -> list[Text]:
    said = say(room, now_ms)
    dim = "" if said.sensed else "dim"
    return [
        Text(room.name, "bold"),
        Text(said.state, said.style),
        Text("?" if said.for_ms is None else span(said.for_ms)),
        Text(_reading(room, said, "breathing"), dim),
        Text(_reading(room, said, "pulse"), dim),
        Text("never" if room.seen_ms is None else span(now_ms - room.seen_ms)),
    ]


def _reading(room: Room, said: Said, which: str) -> str:
    if not said.sensed or room.snapshot is None:
        return "--"
    if which == "breathing":
        return reading_text(room.snapshot.breathing, 1)
    return reading_text(room.snapshot.pulse, 0)


def _title(rooms: Sequence[Room], now_ms: int) -> str:
    said = [f"{len(rooms)} room{'' if len(rooms) == 1 else 's'}"]
    kinds = Counter(_kind(room, now_ms) for room in rooms)
    said += [f"{kinds[kind]} {kind}" for kind in _KINDS if kinds[kind]]
    said += alert_title(rooms)
    return f"Stillroom  {utc_text(now_ms)[11:19]} UTC  {', '.join(said)}"


def _kind(room: Room, now_ms: int) -> str:
    """Under which word a room is counted: `sensing`, or the capitals that stand in place of its state."""
    said = say(room, now_ms)
    return "sensing" if said.sensed else said.state.split()[0].rstrip(",")


def _caption(rooms: Sequence[Room], shared: Sequence[str], noted: bool, status: str) -> Text:
    lines = [f"every room: {', '.join(shared)}"] if shared else []
    if not rooms:
        lines.append("No unit is enrolled here yet: `stillroom make unit DIR --site SITE` makes one.")
    if not noted:
        lines += _grouped(rooms, shared)
    text = Text("\n".join(lines))
    return Text.assemble((status, _DOUBT), "\n" if lines else "", text) if status else text


def _shared_notes(rooms: Sequence[Room]) -> list[str]:
    """What is true of every room is said once, under the table."""
    heard = [notes(room) for room in rooms if room.snapshot]
    if len(heard) < 2:
        return []
    return [note for note in heard[0] if all(note in others for others in heard)]


def _grouped(rooms: Sequence[Room], shared: Sequence[str]) -> list[str]:
    """Each remaining note once, with the rooms that it is true of."""
    holders: dict[str, list[str]] = {}
    for room in rooms:
        for note in notes(room):
            if note not in shared:
                holders.setdefault(note, []).append(room.name)
    return [f"{note}: {', '.join(names)}" for note, names in holders.items()]


def _words(code: str) -> str:
    return code.replace("-", " ")

"""Rooms as a table for a terminal, from 80 columns up. The words are those of `room_words`; colour only helps."""

from collections import Counter
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from stillroom.clock import utc_text
from stillroom_tools.site.gateway.rooms import Room
from stillroom_tools.site.room_words import (
    UNSENSED,
    Said,
    Tone,
    notes,
    reading_text,
    say,
    shared_notes,
    span,
)
from stillroom_tools.site.table_alerts import alert_lines, alert_rank, alert_text, alert_title

ALERT_COLUMNS = 100
"""From here on there is a column for alerts; below, they stand under the state."""
NOTE_COLUMNS = 130
"""From here on there is a column for notes; below, they stand under the table."""

_DOUBT = "bold black on yellow"

_STYLES: dict[Tone, str] = {
    "empty": "dim",
    "calm": "green",
    "stirring": "bold yellow",
    "several": "cyan",
    "doubt": _DOUBT,
    "dark": "bold white on blue",
    "alarm": "bold white on red",
}


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
    shared = shared_notes(rooms)
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
        Text(said.state, _STYLES[said.tone]),
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
    shown = [say(room, now_ms) for room in rooms]
    sensing = sum(one.sensed for one in shown)
    said += [f"{sensing} sensing"] if sensing else []
    kinds = Counter(one.kind for one in shown)
    said += [f"{kinds[kind]} {kind.upper()}" for kind in UNSENSED if kinds[kind]]
    said += alert_title(rooms)
    return f"Stillroom  {utc_text(now_ms)[11:19]} UTC  {', '.join(said)}"


def _caption(rooms: Sequence[Room], shared: Sequence[str], noted: bool, status: str) -> Text:
    lines = [f"every room: {', '.join(shared)}"] if shared else []
    if not rooms:
        lines.append("No unit is enrolled here yet: `stillroom make unit DIR --site SITE` makes one.")
    if not noted:
        lines += _grouped(rooms, shared)
    text = Text("\n".join(lines))
    return Text.assemble((status, _DOUBT), "\n" if lines else "", text) if status else text


def _grouped(rooms: Sequence[Room], shared: Sequence[str]) -> list[str]:
    """Each remaining note once, with the rooms that it is true of."""
    holders: dict[str, list[str]] = {}
    for room in rooms:
        for note in notes(room):
            if note not in shared:
                holders.setdefault(note, []).append(room.name)
    return [f"{note}: {', '.join(names)}" for note, names in holders.items()]

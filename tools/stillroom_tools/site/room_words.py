"""What is said of a room, in words: one place for the terminal's table and the ward board's page.

What is not known stands in capitals in the place of the state, and nothing that was known before stands beside it as if
it still held. A tone goes with each word, for whoever has colours; the words alone carry the meaning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from stillroom.clock import MS_PER_S
from stillroom.events import RoomState
from stillroom.explain import CLOSED
from stillroom.observation import Reading
from stillroom_tools.site.gateway.rooms import Room

Tone = Literal["empty", "calm", "stirring", "several", "doubt", "dark", "alarm"]
Kind = Literal[RoomState, "silent", "waiting", "late", "paused", "dark"]
"""What is shown: a state of the room, or what stands in its place."""

UNSENSED: tuple[Kind, ...] = ("waiting", "paused", "dark", "late", "silent")
"""In place of a state, in the order in which they are counted."""

_ALARMS = {
    "cloned": "KEY COPIED? {n} records of a second start",
    "rolled-back": "CARD PUT BACK? {n} records of an unknown start",
    "stale": "KEY COPIED? {n} records of an earlier start",
    "withheld": "{n} RECORDS NEVER CAME",
    "key-rotated": "{n} records with its old key",
    "software-behind": "older software than others here",
    "configuration-differs": "OTHER SETTINGS THAN WERE SIGNED",
}

_TONES: dict[RoomState, Tone] = {
    "unknown": "doubt",
    "empty": "empty",
    "in-bed": "calm",
    "occupied": "calm",
    "bathroom": "calm",
    "bed-edge": "stirring",
    "out-of-bed": "stirring",
    "several-people": "several",
    "on-floor": "alarm",
}


@dataclass(frozen=True)
class Said:
    """What is shown of a room, in words."""

    kind: Kind
    state: str
    tone: Tone
    for_ms: int | None
    """How long it has been so; None where nobody can tell."""
    sensed: bool
    """Whether the readings hold now."""
    because: str = ""
    """Why nothing is sensed, where the unit has said so."""


def say(room: Room, now_ms: int) -> Said:
    """The one thing to show for this room now: what is unknown comes before what was said last."""
    snapshot = room.snapshot
    if room.presence == "silent":
        last = f"was {spoken(snapshot.state)}" if snapshot else "never heard"
        return Said("silent", f"SILENT, {last}", "alarm", now_ms - (room.seen_ms or room.since_ms), False)
    if snapshot is None:
        return Said("waiting", "WAITING for a record", "doubt", now_ms - room.since_ms, False)
    if room.presence == "late":
        return Said("late", f"LATE {late_by(room)}", "doubt", now_ms - room.since_ms, False)
    because = CLOSED.get(snapshot.gate, "")
    if snapshot.gate == "paused":
        return Said("paused", "PAUSED by the room", "dark", None, False, because)
    if snapshot.gate != "open":
        return Said("dark", f"DARK, {spoken(snapshot.gate)}", "dark", None, False, because)
    for_ms = None if snapshot.clock == "unsure" else now_ms - snapshot.state_since_ms
    word = spoken(snapshot.state)
    loud = snapshot.state in {"unknown", "on-floor"}
    return Said(snapshot.state, word.upper() if loud else word, _TONES[snapshot.state], for_ms, True)


def late_by(room: Room) -> str:
    """How far the unit's time is from ours, and on which side."""
    return (
        f"by {span(room.behind_ms)}" if room.behind_ms >= 0 else f"its clock is {span(-room.behind_ms)} ahead"
    )


def notes(room: Room) -> list[str]:
    """What else must be said of this room: alarms first, then faults."""
    said = [_ALARMS.get(alarm, f"{spoken(alarm)}: {{n}}").format(n=n) for alarm, n in room.alarms]
    snapshot = room.snapshot
    if snapshot is None:
        return said
    said += [f"fault {spoken(fault)}" for fault in snapshot.faults]
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


def shared_notes(rooms: Sequence[Room]) -> list[str]:
    """What is true of every room is said once."""
    heard = [notes(room) for room in rooms if room.snapshot]
    if len(heard) < 2:
        return []
    return [note for note in heard[0] if all(note in others for others in heard)]


def sure_percent(reading: Reading) -> int | None:
    """The quality in per cent; a probability that was fitted is never all. None where the reading is withheld."""
    return None if reading.quality is None else min(99, round(reading.quality * 100))


def reading_text(reading: Reading, digits: int) -> str:
    """`15.2  93%`, or the one word why there is none."""
    if reading.value is None or reading.quality is None:
        return spoken(reading.withheld or "unknown")
    return f"{reading.value:.{digits}f} {sure_percent(reading):3d}%"


def span(duration_ms: int) -> str:
    """`7 s`, `12 min`, `3 h`, `2 d`."""
    seconds = max(duration_ms, 0) // MS_PER_S
    for limit, size, unit in ((100, 1, "s"), (6_000, 60, "min"), (172_800, 3_600, "h")):
        if seconds < limit:
            return f"{seconds // size} {unit}"
    return f"{seconds // 86_400} d"


def spoken(code: str) -> str:
    """A code as words."""
    return code.replace("-", " ")

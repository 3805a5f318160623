"""What the demo shows: the ward's table, the ledger, the last events, and which key does what."""

import base64
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from stillroom.clock import utc_text
from stillroom_tools.lab.demo_gateway import Line
from stillroom_tools.lab.demo_ledger import Ledger
from stillroom_tools.site.gateway.rooms import Room
from stillroom_tools.site.table import render

EVENTS_SHOWN = 8
KEYS = (
    "e enter   l lie down   g get up   f fall   v leave   c cover/uncover camera\n"
    "p pause button   w withdraw/give authorisation   b cut/mend broker   1-9 room   q quit"
)


def told(line: Line) -> str:
    """One event in words: `room-1 #12 state in-bed (was occupied): 7.8% of the picture moves`."""
    event = line.event
    kind = str(event.get("type"))
    words = _WORDS[kind](event) if kind in _WORDS else kind
    late = " (late)" if line.late else ""
    return f"{utc_text(line.at_ms)[11:19]} {line.room} #{line.number} {words}{late}"


def screen(
    rooms: Sequence[Room],
    chosen: str,
    ledger: Ledger,
    events: Iterable[Line],
    note: str,
    now_ms: int,
    width: int,
) -> RenderableType:
    """The whole picture for a terminal of `width` columns."""
    balanced = ledger.balanced
    return Group(
        render(rooms, now_ms, width=width, status=note),
        Text(f"ledger: {ledger.line()}", "bold green" if balanced else "bold yellow"),
        Panel("\n".join(told(line) for line in events) or "no events yet", title="opened at the other end"),
        Text(f"keys act on {chosen}:", "bold"),
        Text(KEYS),
    )


def _condition(event: dict[str, Any]) -> str:
    return (
        f"{event['level']} condition {event['kind']} {'began' if event['active'] else 'ended'}{_why(event)}"
    )


def _why(event: dict[str, Any]) -> str:
    return f": {event['why']}" if event.get("why") else ""


def _summary(event: dict[str, Any]) -> str:
    breathing, pulse = event["breaths_per_min"], event["pulse_bpm"]
    said = [f"breathing {breathing:.1f}"] if breathing is not None else []
    said += [f"pulse {pulse:.0f}"] if pulse is not None else []
    return f"summary: {event['state']}, {', '.join(said) or 'no trusted reading'}"


def _audit(event: dict[str, Any]) -> str:
    link = msgspec.json.decode(base64.b64decode(event["body"]))
    details = " ".join(str(v) for k, v in link.items() if k not in {"what", "at_ms"})
    return f"audit {event['index']}: {link['what']} {details}".rstrip()


_WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "state": lambda e: f"state {e['state']} (was {e['before']}){_why(e)}",
    "condition": _condition,
    "gate": lambda e: f"gate {e['gate']}",
    "audit": _audit,
    "summary": _summary,
    "lost": lambda e: f"LOST {e['ranges']}: {e['reason']}",
}

"""What the demo shows: the ward's table, the ledger, the last events, and which key does what."""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from stillroom.clock import utc_text
from stillroom_tools.lab.demo_gateway import Line
from stillroom_tools.lab.demo_ledger import Ledger
from stillroom_tools.site.gateway.rooms import Room
from stillroom_tools.site.table import fit, render

EVENTS_KEPT = 40
FRAME_LINES = 12
"""Of the terminal: title, head, what stands under the table, ledger, keys."""
LEAST_ROOMS = 3
PANEL_LINES = 2
KEYS = (
    "e enter   l lie down   g get up   f fall   v leave   c cover/uncover\n"
    "p pause   w withdraw/authorise   b cut/mend broker   1-9 room   q quit"
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
    light: str,
    ledger: Ledger,
    events: Sequence[Line],
    note: str,
    now_ms: int,
    console: Console,
) -> RenderableType:
    """The whole picture for a terminal. What is least needed gives way first: old events, then calm rooms."""
    width, height = console.size
    shown = fit(rooms, max(height - FRAME_LINES, LEAST_ROOMS))
    hidden = len(rooms) - len(shown)
    status = "; ".join(filter(None, [note, f"{hidden} MORE ROOMS do not fit" if hidden else ""]))
    above = Group(
        render(rooms, now_ms, width=width, status=status, only=shown),
        Text(f"ledger: {ledger.line()}", "bold green" if ledger.balanced else "bold yellow"),
        Text.assemble((f"keys act on {chosen}, whose light is {light}:\n", "bold"), KEYS),
    )
    left = height - len(console.render_lines(above, pad=False)) - PANEL_LINES
    return Group(above, _panel(events, left)) if left > 0 else above


def _panel(events: Sequence[Line], lines: int) -> Panel:
    newest = [told(line) for line in events][-lines:]
    said = Text("\n".join(newest) or "no events yet", no_wrap=True, overflow="ellipsis")
    return Panel(said, title="opened at the other end")


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

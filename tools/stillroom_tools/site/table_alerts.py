"""The alerts of a room as words for a table: by priority, since when, in which state, whose.

Colours as IEC 60601-1-8 has them for lights (red, yellow, cyan) while an alert sounds; the words carry the meaning.
"""

from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from stillroom_tools.site.gateway.alert_book import words
from stillroom_tools.site.gateway.alert_forms import PRIORITIES, Alert
from stillroom_tools.site.gateway.rooms import Room
from stillroom_tools.site.room_words import span, spoken

_SOUNDING = {"high": "bold white on red", "medium": "bold black on yellow", "low": "bold black on cyan"}
_SILENT = {"high": "bold red", "medium": "bold yellow", "low": "cyan"}


def alert_text(room: Room, now_ms: int) -> Text:
    """The most urgent alert of this room and how many more there are; `?` where nobody here knows."""
    if room.alerts is None:
        return Text("?")
    if not room.alerts:
        return Text("none", "dim")
    return Text("\n").join(_said(room.alerts, now_ms))


def alert_lines(room: Room) -> int:
    """How many lines of a table its alerts take, at least."""
    return len(_said(room.alerts, 0)) if room.alerts else 0


def _said(alerts: Sequence[Alert], now_ms: int) -> list[Text]:
    first, *others = alerts
    style = _style(first)
    head = f"{first.priority.upper()} {spoken(first.kind)} {span(now_ms - first.first_ms)}"
    said = [Text(head, style), Text(words(first), style)]
    said += [Text(f"back in {span(first.until_ms - now_ms)}", style)] if first.owner else []
    return said + ([Text(f"and {_counted(others)}", "bold")] if others else [])


def alert_rank(room: Room) -> int:
    """0 for a high alert that sounds, 6 for none."""
    first = room.alerts[0] if room.alerts else None
    return 6 if first is None else 2 * PRIORITIES.index(first.priority) + (not first.sounding)


def alert_title(rooms: Sequence[Room]) -> list[str]:
    """`ALERTS 1 high, 2 low`, or nothing."""
    standing = [alert for room in rooms for alert in room.alerts or ()]
    return [f"ALERTS {_counted(standing)}"] if standing else []


def _style(alert: Alert) -> str:
    if alert.state == "alarm-paused":
        return "dim"
    return (_SOUNDING if alert.sounding else _SILENT)[alert.priority]


def _counted(alerts: Sequence[Alert]) -> str:
    counts = Counter(alert.priority for alert in alerts)
    return ", ".join(f"{counts[priority]} {priority}" for priority in PRIORITIES if counts[priority])

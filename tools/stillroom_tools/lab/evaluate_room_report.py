"""What a program said of rooms, as JSON or as a table, both on standard output."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stillroom_tools.lab.evaluate_report import WIDTH
from stillroom_tools.lab.evaluate_room import RoomResult, Told


def as_json(results: list[RoomResult]) -> str:
    """The results; null where nothing is known, never NaN."""
    return json.dumps({"files": [_entry(result) for result in results]}, indent=2, allow_nan=False)


def _entry(result: RoomResult) -> dict[str, Any]:
    began = [told for told in result.conditions if told.active]
    ended = [told for told in result.conditions if not told.active]
    return {
        "file": result.file,
        "duration_s": round(result.duration_s, 3),
        "model": result.model,
        "states": [[round(told.at_s, 3), told.name] for told in result.states],
        "conditions": [[round(told.at_s, 3), told.name, told.level] for told in began],
        "ended": [[round(told.at_s, 3), told.name] for told in ended],
        "posture": {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(result.posture).items()
        },
        "looks": dict(result.looks),
    }


def print_table(results: list[RoomResult]) -> None:
    """A row for each state, and for each condition that began or ended, with its reason."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title="What the whole program says of the room (a recording begins with nothing known of it)"
    )
    table.add_column("recording", overflow="fold")
    table.add_column("at", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("condition", no_wrap=True)
    table.add_column("why")
    for result in results:
        table.add_row(Path(result.file).name, "0.0 s", "unknown", "", _head(result))
        for told in sorted([*result.states, *result.conditions], key=lambda each: each.at_s):
            table.add_row(*_row(told, told in result.states))
        table.add_section()
    width = None if sys.stdout.isatty() else WIDTH
    Console(file=sys.stdout, width=width).print(table)


def _row(told: Told, is_state: bool) -> tuple[str, ...]:
    at = f"{told.at_s:.1f} s"
    if is_state:
        return "", at, told.name, "", told.why
    return "", at, "", f"{told.name} {told.level if told.active else 'ended'}", told.why


def _head(result: RoomResult) -> str:
    looks = ", ".join(f"{count} of {kind}" for kind, count in result.looks.items())
    head = f"{result.duration_s:.1f} s; model {result.model}" + (f"; looks: {looks}" if looks else "")
    known = result.posture
    if known.agreement is None:
        return head
    shares = [f"posture agrees in {known.agreement:.1%} of {known.frames} frames"]
    shares += [] if known.lying is None else [f"lying {known.lying:.1%}"]
    shares += [] if known.not_lying is None else [f"not lying {known.not_lying:.1%}"]
    return f"{head}; {', '.join(shares)}"

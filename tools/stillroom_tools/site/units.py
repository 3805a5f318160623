"""`stillroom site units`: each unit's own health as it told it last: heat, frames, models, card, versions, drift.

From what the gateway keeps, also while it runs. Nothing of who is in a room.
"""

import argparse
import sys
from pathlib import Path
from textwrap import fill
from typing import Any

import msgspec
from msgspec import Struct
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from stillroom.clock import MS_PER_S, SystemClock
from stillroom.config_technical import TechnicalConfig
from stillroom.errors import EXIT_OK
from stillroom.events import Telemetry
from stillroom_tools.site.gateway.reader import Reader, open_reader
from stillroom_tools.site.gateway.versions import BEHIND, DIFFERS, Signed, Versions
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.room_words import span

HELP = "each unit's own health: heat, frames, card, software and configuration"
COLUMNS = (
    "Unit", "Told", "Heat", "Slowed", "Frames/s", "Lost", "Look", "Waiting", "Card", "Software", "Settings",
)  # fmt: skip
WIDTH = 200
"""Where nobody's terminal says."""
_DAY_MS = 86_400 * MS_PER_S
LATE_MS = 3_600 * MS_PER_S
"""Four times as long as a unit takes to tell of itself again."""
WORN = 0.8
"""Of the life that the card's maker gives it."""


class Line(Struct, frozen=True):
    """One unit. Null: it has told nothing yet."""

    unit: str
    heard_ms: int | None
    told: Telemetry | None
    signed_configuration: int
    """The newest version that was signed for it; 0: none was."""
    alarms: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each unit")


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, StorageError: no gateway has run here yet."""
    site = open_site(options.site)
    with open_reader(site) as reader:
        found = lines(site, reader)
    if options.json:
        sys.stdout.write("".join(msgspec.json.encode(one).decode() + "\n" for one in found))
        return EXIT_OK
    show(found, SystemClock().utc_ms(), None if sys.stdout.isatty() else WIDTH)
    return EXIT_OK


def show(found: list[Line], now_ms: int, width: int | None) -> None:
    """A table; where it is too wide (in columns; None: as the terminal is), a paragraph for each unit."""
    console = Console(highlight=False, markup=False, width=width)
    table = _table(found, now_ms)
    if console.measure(table, options=console.options.update(width=1_000)).maximum <= console.width:
        console.print(table)
        return
    for one in found:
        name, *rest = cells(one, now_ms)
        said = ", ".join(f"{column.lower()} {cell}" for column, cell in zip(COLUMNS[1:], rest, strict=True))
        console.print(
            f"{name}\n" + fill(said, console.width - 1, initial_indent="  ", subsequent_indent="  ")
        )


def lines(site: Site, reader: Reader) -> list[Line]:
    """Every enrolled unit, by name. Raises StorageError, TrustError."""
    known = {one.unit: one for one in reader.known()}
    signed = Signed(site)
    versions = Versions(signed.of, SystemClock())
    enrolled = [enrolment.unit for enrolment in site.enrolments()]
    for unit in enrolled:
        told = known[unit].telemetry if unit in known else None
        if told is not None:
            versions.remember(unit, told)
    return [_line(unit, known, signed, versions) for unit in sorted(enrolled)]


def _line(unit: str, known: dict[str, Any], signed: Signed, versions: Versions) -> Line:
    paper, one = signed.of(unit), known.get(unit)
    return Line(
        unit,
        one.heard_ms if one else None,
        one.telemetry if one else None,
        paper.version if paper else 0,
        tuple(versions.of(unit)),
    )


def _table(found: list[Line], now_ms: int) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in COLUMNS:
        left = name in ("Unit", "Software", "Settings")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for one in found:
        table.add_row(*cells(one, now_ms))
    return table


def concerns(one: Line, now_ms: int) -> list[str]:
    """What somebody should look after, in words: the thresholds are those of the unit's own conditions."""
    told, usual = one.told, TechnicalConfig()
    if told is None:
        return ["has told nothing of itself yet"]
    silent_ms, age_ms = now_ms - told.until_ms, now_ms - told.software_ms
    found = {
        f"has told nothing for {span(silent_ms)}": silent_ms > LATE_MS,
        "hot": told.celsius is not None and told.celsius >= usual.hot_c,
        "the board slows down": bool(told.throttled),
        "the card is worn": told.card_worn is not None and told.card_worn >= WORN,
        "older software than others here": BEHIND in one.alarms,
        "nothing newer was put on it for half a year": age_ms > usual.software_old_days * _DAY_MS,
        "other settings than were signed": DIFFERS in one.alarms,
    }
    return [said for said, holds in found.items() if holds]


def cells(one: Line, now_ms: int) -> list[str]:
    """Under `COLUMNS`."""
    told = one.told
    if told is None:
        return [one.unit, "never", *["?"] * 9]
    age = f"{max(0, now_ms - told.software_ms) // _DAY_MS} d"
    behind = ", BEHIND" if BEHIND in one.alarms else ""
    differs = f", signed {one.signed_configuration}: DIFFERS" if DIFFERS in one.alarms else ""
    worn = "" if told.card_worn is None else f", {told.card_worn:.0%} worn"
    return [
        one.unit,
        span(now_ms - told.until_ms),
        "?" if told.celsius is None else f"{told.celsius:.0f} C",
        "?" if told.throttled is None else f"{told.throttled}",
        "-" if told.frames_per_s is None else f"{told.frames_per_s:.1f}",
        f"{told.frames_dropped}",
        "-" if told.look_ms is None else f"{told.look_ms:.0f} ms",
        f"{told.waiting}",
        f"{told.free_mb} MB{worn}",
        f"{told.software}, {age}{behind}",
        f"{told.configuration or 'as installed'}{differs}",
    ]

"""`stillroom site configure UNIT --site SITE_DIR --set KEY=VALUE`: change what may be changed of a unit from afar.

Keys are those of `unit.toml`; which ones, and why no others, is in `orders.Configuration`. What was set before stays
set, until `--reset`: then all is as installed but what is set now. Conditions are for the room that the unit is
authorised for, and go with it: those of another room are not carried over.
"""

import argparse
import difflib
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from stillroom import outline
from stillroom.check import cannot_come_about
from stillroom.clock import MS_PER_S, SystemClock, utc_text
from stillroom.config import UnitConfig, load
from stillroom.config_technical import TechnicalConfig
from stillroom.document_forms import now
from stillroom.documents import KINDS
from stillroom.errors import EXIT_OK, ConfigError
from stillroom.files import make_folder, replace_file
from stillroom.keeper.settings import CONFIGURATION_FILE, applied, check, corners
from stillroom.notes import sign_note
from stillroom.orders import Configuration, RoomConditions
from stillroom_tools.site import drawn
from stillroom_tools.site.authorise import recipient
from stillroom_tools.site.configure_rows import CODES, TIME_ZONE, with_rows
from stillroom_tools.site.layout import Site
from stillroom_tools.site.send import add_send, deliver

HELP = "change what may be changed of a unit from afar"

_KEYS = {
    "room.enter_dwell_s": ("enter_dwell_ms", MS_PER_S, "0.2 to 30 s"),
    "room.bed_dwell_s": ("bed_dwell_ms", MS_PER_S, "0.5 to 120 s"),
    "room.leave_dwell_s": ("leave_dwell_ms", MS_PER_S, "1 to 600 s"),
    "outbox.summary_s": ("summary_s", 1, "10 to 3600 s, whole seconds"),
    "zones.bed": ("bed", 1000, "3 to 32 points [x, y], each 0 to 1"),
    "zones.floor": ("floor", 1000, "3 to 32 points [x, y], each 0 to 1"),
}
"""Key of `unit.toml`: field of the document, how many of its units make one of the key's, what is allowed."""


_CONDITIONS = "conditions"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", type=Path, metavar="UNIT_DIR", help="the unit's folder (where unit.toml is)")
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"of {', '.join(_KEYS)}; for the room it is authorised for: conditions.NAME, technical.NAME (rows)",
    )
    parser.add_argument("--drawn", action="store_true", help="bed and floor as drawn at the ward board")
    parser.add_argument("--reset", action="store_true", help="all else as it was installed")
    add_send(parser)


def run(options: argparse.Namespace) -> int:
    """Prints the configuration's version. Raises ConfigError, TrustError, StorageError."""
    site, unit, trust = recipient(options)
    if not (options.set or options.reset or options.drawn):
        raise ConfigError("nothing is to change: --set KEY=VALUE, --drawn, or --reset")
    before = site.configuration(unit)
    fields = _fields(None if options.reset else before)
    if options.drawn:
        fields |= _drawn(site, unit)
    for words in options.set:
        key, _, text = words.partition("=")
        if key in CODES or key == TIME_ZONE:
            fields[_CONDITIONS] = with_rows(_of_room(fields[_CONDITIONS], site, unit), key, text)
        else:
            fields |= _parsed(key, text)
    version = before.version + 1 if before else 1
    paper = Configuration(at=now(SystemClock()), site=site.name, unit=unit, version=version, **fields)
    # Where the unit is not at hand, what is told of its own rows is a unit's as it is made; it checks for itself.
    installed = load(options.unit / "unit.toml") if trust else None
    check(installed or UnitConfig(site.name, unit), paper)
    note = sign_note(KINDS[Configuration], paper, [site.authority_keys()])
    make_folder(site.configurations_dir)
    replace_file(site.configurations_dir / f"{unit}.note", note)
    deliver(site, unit, trust, CONFIGURATION_FILE, note)
    of_room = f", with conditions for room {paper.conditions.room}" if paper.conditions else ""
    print(f"unit {unit}: configuration {version} is signed{of_room}", file=sys.stderr)
    if installed and paper.conditions:
        for line in cannot_come_about(applied(installed, paper, paper.conditions.room)):
            print(f"unit {unit}: {line}", file=sys.stderr)
    print(version)
    return EXIT_OK


def _fields(before: Configuration | None) -> dict[str, Any]:
    """What was set before, or nothing."""
    names = [*(name for name, _, _ in _KEYS.values()), _CONDITIONS]
    return {name: getattr(before, name, None) for name in names}


def _of_room(before: RoomConditions | None, site: Site, unit: str) -> RoomConditions:
    """Those set for the room that the unit is authorised for. Raises ConfigError: it is for none."""
    withdrawn = site.withdrawn()
    papers = [paper for paper in site.authorisations(unit) if paper.id not in withdrawn]
    if not papers:
        raise ConfigError(f"unit '{unit}' is authorised for no room: 'site authorise new' first")
    room = max(papers, key=lambda paper: (paper.start, paper.until, paper.id)).room
    return before if before is not None and before.room == room else RoomConditions(room, None, ())


def _drawn(site: Site, unit: str) -> dict[str, Any]:
    """The zones that somebody drew at the ward board, said before they are signed. Raises ConfigError."""
    found = drawn.read(site, unit)
    if found is None:
        raise ConfigError(f"--drawn: nobody has drawn zones of unit '{unit}' at the ward board")
    zones = {name: getattr(found, name) for name in drawn.ZONES if getattr(found, name) is not None}
    said = "; ".join(f"{name} {corners(zone)}" for name, zone in zones.items()) or "none"
    print(f"unit {unit}: drawn by {found.by}, {utc_text(found.at_ms)}: {said}", file=sys.stderr)
    return zones


def _parsed(key: str, text: str) -> dict[str, Any]:
    """One `KEY=VALUE` as a field of the document. Raises ConfigError: key, value, what is allowed."""
    if key not in _KEYS:
        is_limit = key.partition(".")[2] in TechnicalConfig.__struct_fields__
        near = [] if is_limit else difflib.get_close_matches(key, [*CODES, *_KEYS], 1, 0.8)
        if near:
            raise ConfigError(f"--set {key!a}: did you mean '{near[0]}'?")
        rows = "conditions.NAME, technical.NAME (rows)"
        raise ConfigError(
            f"--set {key!a}: can be changed at the unit alone; from afar: {', '.join(_KEYS)}, {rows}"
        )
    field, per_unit, allowed = _KEYS[key]
    try:
        (given,) = tomllib.loads(f"value = {text}").values()
        value = _scaled(given, per_unit)
        probe = _fields(None) | {field: value}
        whole = {"at": "2026-01-01T00:00:00Z", "site": "s", "unit": "u", "version": 1}
        found = getattr(msgspec.convert(whole | probe, Configuration), field)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, TypeError, ValueError, OverflowError):
        raise ConfigError(f"--set {key}={text!a}: {allowed}") from None
    wrong = outline.fault(corners(found)) if key.startswith("zones.") else None
    if wrong:
        raise ConfigError(f"--set {key}={text!a}: {wrong}")
    return {field: found}


def _scaled(value: Any, per_unit: int) -> Any:
    """Numbers in the document's units, to the nearest; lists all through. Raises TypeError."""
    if isinstance(value, list):
        return [_scaled(one, per_unit) for one in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or (per_unit == 1 and value % 1):
        raise TypeError
    return round(value * per_unit)

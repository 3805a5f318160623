"""`stillroom check FILE`: is this configuration, scenario or file of limits sound, and what does it ask for?

Starts nothing.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from stillroom import config, guard
from stillroom.clock import SystemClock
from stillroom.errors import EXIT_OK, ConfigError, SetupError
from stillroom.keeper.conditions import needing
from stillroom.keeper.heat import hottest
from stillroom.keeper.own_keys import own_keys
from stillroom.keeper.roster import ROSTER_FILE, load_roster
from stillroom.keeper.zones import contains
from stillroom.note_reading import Signer
from stillroom.permits import authority_of
from stillroom.pinning import pin
from stillroom.run import find_opener
from stillroom.selftest_limits import MARK, check_file
from stillroom.status import HOLDS, read_running

HELP = "check a configuration file, limits of a self-test or a scenario, and say what it asks for"
CHECKS = "stillroom.checks"
"""Entry points of the tools that check files of theirs: called with the path, they give lines or raise ConfigError."""
HIDDEN = 0.5
"""Of a zone, from which on `check` says so: a body rests in a zone with half of its box."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=Path, help="a unit.toml, a selftest.toml, or a scenario of the lab")
    parser.add_argument(
        "--authority",
        metavar="FINGERPRINT",
        help="of the site's authority, for a unit of an earlier version: from now on it stands in its unit.toml",
    )


def run(options: argparse.Namespace) -> int:
    """Prints a few plain lines; raises ConfigError for the first thing wrong."""
    if options.authority is not None:
        pinned = pin(options.config, options.authority)
        print(f"{options.config}: the unit obeys {pinned.name}, key {pinned.fingerprint}")
        return EXIT_OK
    raw = config.read_toml(options.config)
    if "title" in raw and "site" not in raw:
        print("\n".join(_check_scenario(options.config)))
        return EXIT_OK
    if MARK in raw:
        print("\n".join(check_file(options.config)))
        return EXIT_OK
    unit = config.load(options.config)
    _check_files(options.config, unit)
    authority, own = _check_site(unit)
    find_opener(unit.camera.kind)
    print(f"{options.config}: sound")
    print(f"  unit {unit.unit} of site {unit.site}, profile {unit.profile}")
    print(f"  its own key, as on its label: {own}")
    print(f"  it obeys {authority.name}, as on the site's papers: {authority.fingerprint}")
    source = f" from {unit.camera.source}" if unit.camera.source else ""
    camera = unit.camera
    size = f"{camera.width_px}x{camera.height_px}" if camera.kind != "recorded" else "the file's own size"
    print(f"  camera {camera.kind}{source}, {size}, {camera.frames_per_s:g} frames a second")
    zones = [name for name in unit.zones.__struct_fields__ if name != "private" and getattr(unit.zones, name)]
    print(f"  zones {', '.join(zones).replace('_', ' ') or 'none'}; private zones: {len(unit.zones.private)}")
    for line in (*cannot_come_about(unit), *_hidden(unit.zones)):
        print(f"  {line}")
    found = hottest(unit.technical.hot_sensors)
    heat = (
        f"{found[0]:.1f} C at {found[1]}" if found else "no sensor here: the condition hot cannot come about"
    )
    print(f"  heat: {heat}")
    print(f"  one record every {unit.slots.period_s:g} s to {_broker(unit)}")
    for line in _guards(unit):
        print(f"  {line}")
    return EXIT_OK


def _check_scenario(path: Path) -> list[str]:
    """A scenario is the lab's, which this package does not know. Raises ConfigError, SetupError."""
    from importlib.metadata import entry_points

    for point in entry_points(group=CHECKS, name="scenario"):
        lines: list[str] = point.load()(path)
        return lines
    raise SetupError(f"{path}: a scenario; to check it: pip install 'stillroom[tools]'")


def cannot_come_about(unit: config.UnitConfig) -> Iterator[str]:
    """A line for each condition that is asked for in vain."""
    for code, key in needing(unit.conditions, unit.zones, bool(unit.detector.models)).items():
        yield f"condition {code} cannot come about: it needs '{key}'"


def _hidden(zones: config.Zones) -> Iterator[str]:
    """A line for each zone half of which lies in private ones, where nobody is ever seen."""
    drawn = {name: getattr(zones, name) for name in zones.__struct_fields__ if name != "private"}
    whole: config.Polygon = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    outlines = {"the picture": whole} | {
        f"zone {name.replace('_', ' ')}": each for name, each in drawn.items() if each
    }
    for name, polygon in outlines.items():
        private = share_private(polygon, zones.private)
        if private >= HIDDEN:
            yield f"{name}: {private:.0%} of it is private, where nobody is seen"


def share_private(polygon: config.Polygon, private: Sequence[config.Polygon]) -> float:
    """Of the polygon, by an even lattice of 64 x 48 points over the picture; 0 where none lies in it."""
    lattice = (((col + 0.5) / 64, (row + 0.5) / 48) for row in range(48) for col in range(64))
    inside = [point for point in lattice if contains(polygon, *point)]
    hidden = sum(any(contains(each, *point) for each in private) for point in inside)
    return hidden / len(inside) if inside else 0.0


def _guards(unit: config.UnitConfig) -> Iterator[str]:
    """What this machine can enforce, and what the running processes say of themselves."""
    for row in guard.here():
        lacks = "not here, and profile 'care' needs it" if row.name in guard.REQUIRED else "not here"
        yield f"guard {row.name}: {'here' if row.held else lacks}: {row.why}"
    status = read_running(unit.path(unit.paths.run), unit.slots.period_s)
    for process, found in (status.guards if status else {}).items():
        missing = [f"{name} ({why})" for name, why in found.items() if why != HOLDS]
        yield f"running {process}: {'without ' + ', '.join(missing) if missing else 'all its guards hold'}"


def _check_site(unit: config.UnitConfig) -> tuple[Signer, str]:
    """Whom it obeys, and its own fingerprint: its authority is its site's and has signed the roster, the key is this
    unit's and its alone to read. Raises ConfigError, TrustError.
    """
    authority = authority_of(unit)
    if (unit.path(unit.paths.trust) / ROSTER_FILE).exists():
        load_roster(unit, SystemClock())
    return authority, own_keys(unit).signing.verify_key.fingerprint


def _broker(unit: config.UnitConfig) -> str:
    broker = unit.broker
    return f"{broker.host}:{broker.port} {'over TLS 1.3' if broker.tls else 'without TLS'}"


def _check_files(path: Path, unit: config.UnitConfig) -> None:
    broker = unit.broker
    named = {
        "broker.ca_file": broker.ca_file,
        "broker.certificate_file": broker.certificate_file,
        "broker.key_file": broker.key_file,
        "broker.password_file": broker.password_file,
        "paths.keys": unit.paths.keys,
        "paths.trust": unit.paths.trust,
    }
    if unit.camera.kind != config.OWN_CAMERA:
        named["camera.source"] = unit.camera.source
    for key, value in named.items():
        if value and not unit.path(value).exists():
            raise ConfigError(f"{path}: key '{key}' = '{value}': not found at {unit.path(value)}")

"""Sending a signed document to a unit through the gateway, for units that are not at hand."""

import argparse
import sys
from pathlib import Path

from stillroom import config
from stillroom.files import make_folder, replace_file
from stillroom_tools.site.layout import Site, check_name


def add_send(parser: argparse.ArgumentParser) -> None:
    """The option `--send`."""
    parser.add_argument(
        "--send",
        action="store_true",
        help="through the running gateway; UNIT_DIR may then be the unit's id, and the unit be anywhere",
    )


def unit_named(unit: Path, site: Site) -> str:
    """The id of an enrolled unit, given as such or by its folder. Raises ConfigError, TrustError."""
    name = unit_id(unit)
    site.enrolment(name)
    return name


def unit_id(unit: Path) -> str:
    """The id of a unit, enrolled or not, given as such or by its folder. Raises ConfigError."""
    settings = unit / "unit.toml"
    return config.load(settings).unit if settings.exists() else check_name(str(unit), "unit")


def deliver(site: Site, unit: str, trust: Path | None, place: str, note: bytes) -> None:
    """Put it where it belongs in a unit's trust folder (`halts/h-1.note`); without a folder, `send` it.

    Raises StorageError.
    """
    if trust is None:
        send(site, unit, place.removesuffix(".note").replace("/", "-"), note)
        return
    path = trust / place
    make_folder(path.parent)
    replace_file(path, note)


def send(site: Site, unit: str, name: str, note: bytes) -> None:
    """Leave it for the gateway, which tells the unit until its receipt has come. Raises StorageError."""
    folder = site.commands_dir / unit
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    replace_file(folder / f"{name}.note", note)
    print(f"unit {unit}: left for the gateway; its receipt comes as an event", file=sys.stderr)

"""`stillroom site authorise UNIT_DIR --site SITE_DIR --room R --days D --scopes S`: leave to sense, signed."""

import argparse
import math
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import get_args

import msgspec

from stillroom import config
from stillroom.clock import SystemClock
from stillroom.documents import KINDS, MAX_AUTHORISATION, Authorisation, Code, Scope, now
from stillroom.errors import EXIT_OK, ConfigError
from stillroom.files import replace_file, write_new
from stillroom.notes import sign_note
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.send import add_send, send, unit_named

HELP = "let a unit sense a room, for 28 days at most"
SCOPES: tuple[Scope, ...] = get_args(Scope)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", type=Path, metavar="UNIT_DIR", help="the unit's folder (where unit.toml is)")
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--room", required=True, metavar="R", help="a pseudonym of the room, no name")
    parser.add_argument("--days", type=float, required=True, metavar="D", help="more than 0, at most 28")
    parser.add_argument(
        "--scopes", default=",".join(SCOPES), metavar="S", help=f"of {','.join(SCOPES)} (all)"
    )
    add_send(parser)
    parser.add_argument("--purpose", default="safety", metavar="CODE", help="why (safety)")


def run(options: argparse.Namespace) -> int:
    """Prints the authorisation's id. Raises ConfigError, TrustError, StorageError."""
    days = _days(options.days)
    room, purpose = _code(options.room, "--room"), _code(options.purpose, "--purpose")
    scopes = _scopes(options.scopes)
    site, unit, trust = recipient(options)
    start = now(SystemClock())
    paper = Authorisation(
        start=start,
        until=start + days,
        id=f"a-{secrets.token_hex(8)}",
        site=site.name,
        unit=unit,
        room=room,
        scopes=scopes,
        purpose=purpose,
    )
    note = sign_note(KINDS[Authorisation], paper, [site.authority_keys()])
    write_new(site.authorisations_dir / f"{paper.id}.note", note, 0o644)
    if trust is None:
        send(site, unit, paper.id, note)
    else:
        replace_file(trust / "authorisations" / f"{paper.id}.note", note)
    until = f"{paper.until:%Y-%m-%d %H:%M:%S} UTC"
    print(f"unit {unit} may sense room {room} ({', '.join(scopes)}) until {until}", file=sys.stderr)
    print(paper.id)
    return EXIT_OK


def recipient(options: argparse.Namespace) -> tuple[Site, str, Path | None]:
    """Site, unit's id and its trust folder; None for the folder where the document is to be sent."""
    if not options.send:
        return find_unit(options.unit, options.site)
    site = open_site(options.site)
    return site, unit_named(options.unit, site), None


def find_unit(folder: Path, site_folder: Path) -> tuple[Site, str, Path]:
    """Site, unit's id and the unit's trust folder. Raises ConfigError, TrustError where they do not belong together."""
    site = open_site(site_folder)
    settings = config.load(folder / "unit.toml")
    if settings.site != site.name:
        raise ConfigError(f"{folder}: a unit of site '{settings.site}', and {site_folder} is '{site.name}'")
    site.enrolment(settings.unit)
    trust = settings.path(settings.paths.trust)
    for name in ("authorisations", "withdrawals"):
        if not (trust / name).is_dir():
            raise ConfigError(f"{trust / name}: no such folder: stillroom make unit makes it")
    return site, settings.unit, trust


def _days(days: float) -> timedelta:
    most = MAX_AUTHORISATION.days
    if not (math.isfinite(days) and 0 < days <= most and timedelta(days=days) >= timedelta(seconds=1)):
        raise ConfigError(f"--days {days:g}: more than 0 and at most {most}")
    return timedelta(seconds=int(days * 86_400))


def _code(text: str, what: str) -> str:
    try:
        return msgspec.convert(text, Code)
    except msgspec.ValidationError:
        raise ConfigError(f"{what} '{text}': 1 to 48 of a-z 0-9 . - are allowed") from None


def _scopes(text: str) -> tuple[Scope, ...]:
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [part for part in wanted if part not in SCOPES]
    if unknown or not wanted:
        raise ConfigError(f"--scopes '{text}': one or more of {', '.join(SCOPES)}, with commas between")
    return tuple(scope for scope in SCOPES if scope in wanted)

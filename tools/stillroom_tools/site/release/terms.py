"""The terms of a release, from the command line."""

import argparse
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from stillroom.clock import SystemClock
from stillroom.errors import ConfigError, TrustError
from stillroom.release_forms import MAX_MB, RATES, SIZES, body_bytes
from stillroom.release_papers import MAX_KEPT, MAX_RELEASE, Release
from stillroom_tools.site.authorise_terms import code, parse_moment, span
from stillroom_tools.site.layout import Site

__all__ = ["add_arguments", "code", "made"]

_SIZES = [f"{width}x{height}" for width, height in SIZES]
_MB = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--room", required=True, metavar="R", help="as its authorisation names it")
    parser.add_argument(
        "--purpose", required=True, metavar="CODE", help="why, in a word that is kept for good"
    )
    parser.add_argument("--custodian", required=True, metavar="NAME", help="of the roster: he alone opens it")
    parser.add_argument("--hours", type=float, required=True, metavar="H", help="more than 0, at most 168")
    parser.add_argument("--from", dest="start", metavar="T", help="2026-11-22T08:00:00Z (now)")
    parser.add_argument("--size", choices=_SIZES, default=_SIZES[0], help=f"of the picture ({_SIZES[0]})")
    parser.add_argument(
        "--rate", type=int, choices=RATES, default=RATES[-1], help=f"frames a second ({RATES[-1]})"
    )
    parser.add_argument(
        "--max-mb",
        type=int,
        metavar="N",
        help=f"of the card at most, 1 to {MAX_MB} (what all its time takes)",
    )
    parser.add_argument(
        "--keep-days",
        type=float,
        default=7,
        metavar="D",
        help=f"then it is deleted; at most {MAX_KEPT.days} (7)",
    )
    parser.add_argument(
        "--draft", type=Path, required=True, metavar="FILE", help="written there, to be signed"
    )


def made(options: argparse.Namespace, site: Site, unit: str, moment: datetime) -> Release:
    """Raises ConfigError; TrustError: no such custodian."""
    start = moment if options.start is None else parse_moment(options.start)
    length = _hours(options.hours)
    width, height = SIZES[_SIZES.index(options.size)]
    kept = span(options.keep_days, "--keep-days", MAX_KEPT.days)
    return Release(
        start=start,
        until=start + length,
        id=f"r-{secrets.token_hex(8)}",
        site=site.name,
        unit=unit,
        room=code(options.room, "--room"),
        purpose=code(options.purpose, "--purpose"),
        custodian=options.custodian,
        box=_box(site, options.custodian),
        width_px=width,
        height_px=height,
        frames_per_s=options.rate,
        max_mb=_max_mb(options, length, (width, height, options.rate)),
        expires=start + length + kept,
    )


def _hours(hours: float) -> timedelta:
    most = MAX_RELEASE / timedelta(hours=1)
    if not 1 / 3600 <= hours <= most:
        raise ConfigError(f"--hours {hours:g}: more than 0 and at most {most:g}")
    return timedelta(seconds=int(hours * 3_600))


def _max_mb(options: argparse.Namespace, length: timedelta, form: tuple[int, int, int]) -> int:
    """A chunk a second, and a little for each file."""
    needed = 2 + round(length.total_seconds() * (body_bytes(*form) + 200)) // _MB
    found = needed if options.max_mb is None else options.max_mb
    if not 1 <= found <= MAX_MB:
        asked = (
            f"--max-mb {found}" if options.max_mb is not None else f"so long at this size takes {found} MB"
        )
        raise ConfigError(f"{asked}: 1 to {MAX_MB}: choose a smaller --size, --rate or --hours")
    return int(found)


def _box(site: Site, name: str) -> bytes:
    """The newest key of a custodian that may be sealed to now."""
    found = [one for one in site.roster().recipients if (one.role, one.name) == ("custodian", name)]
    key = found[0].key_at(SystemClock().utc_ms()) if found else None
    if key is None:
        raise TrustError(
            f"--custodian '{name}': the roster names none of this name with a key of now: "
            "stillroom site signer set --role custodian"
        )
    return key.raw

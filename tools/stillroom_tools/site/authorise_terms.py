"""The terms of an authorisation, from the command line or from the one before."""

import argparse
import hashlib
import math
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import msgspec

from stillroom.clock import SystemClock
from stillroom.document_forms import Code, now
from stillroom.documents import MAX_AUTHORISATION, VIEWS, Authorisation, Scope, ViewLimits
from stillroom.errors import ConfigError, InputError, TrustError
from stillroom_tools.site.layout import Site

SCOPES: tuple[Scope, ...] = get_args(Scope)
USUAL: tuple[Scope, ...] = ("status", "breathing", "pulse")
VIEW_S = 15
LOOKS_PER_HOUR = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--room", required=True, metavar="R", help="a pseudonym of the room, no name")
    parser.add_argument("--days", type=float, required=True, metavar="D", help="more than 0, at most 28")
    parser.add_argument("--from", dest="start", metavar="T", help="2026-11-22T08:00:00Z (now)")
    parser.add_argument(
        "--scopes",
        default=",".join(USUAL),
        metavar="S",
        help=f"status, and of {','.join(SCOPES[1:])} ({','.join(USUAL)})",
    )
    parser.add_argument("--purpose", default="safety", metavar="CODE", help="why (safety)")
    parser.add_argument("--consent", metavar="CODE", help="your own reference to the consent (none)")
    parser.add_argument(
        "--assessment", type=Path, metavar="FILE", help="the impact assessment; its hash goes in"
    )
    parser.add_argument("--view-seconds", type=int, metavar="S", help=f"of one look, 1 to 60 ({VIEW_S})")
    parser.add_argument("--looks-per-hour", type=int, metavar="N", help=f"1 to 60 ({LOOKS_PER_HOUR})")
    _add_review(parser)


def add_renew_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--id", metavar="ID", help="on whose terms (the one that lasts longest)")
    parser.add_argument("--days", type=float, metavar="D", help="more than 0, at most 28 (as before)")
    _add_review(parser)


def _add_review(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--review-days", type=float, metavar="D", help="sensing ends unless it is renewed by then (--days)"
    )


def check(options: argparse.Namespace) -> None:
    """Whether the numbers can be used, before anything is opened. Raises ConfigError."""
    for name in ("days", "review_days"):
        if getattr(options, name) is not None:
            span(getattr(options, name), f"--{name.replace('_', '-')}")


def made(options: argparse.Namespace, site: Site, unit: str, moment: datetime) -> Authorisation:
    """Raises ConfigError, InputError (the assessment cannot be read)."""
    start = moment if options.start is None else parse_moment(options.start)
    scopes = _scopes(options.scopes)
    length = span(options.days, "--days")
    return Authorisation(
        start=start,
        until=start + length,
        id=_id(),
        site=site.name,
        unit=unit,
        room=code(options.room, "--room"),
        scopes=scopes,
        purpose=code(options.purpose, "--purpose"),
        review_by=start + _review(options, length),
        assessment=_hash(options.assessment) if options.assessment else None,
        consent=code(options.consent, "--consent") if options.consent is not None else None,
        view=_view(options, scopes),
    )


def renewed(options: argparse.Namespace, site: Site, unit: str, moment: datetime) -> Authorisation:
    """The terms of an earlier one, from `moment` on. Raises ConfigError, TrustError (there is none)."""
    old = _earlier(site, unit, options.id)
    length = old.until - old.start if options.days is None else span(options.days, "--days")
    review = (
        min(old.review_by - old.start, length) if options.review_days is None else _review(options, length)
    )
    return msgspec.structs.replace(
        old, start=moment, until=moment + length, id=_id(), review_by=moment + review
    )


def _earlier(site: Site, unit: str, name: str | None) -> Authorisation:
    withdrawn = site.withdrawn()
    known = [paper for paper in site.authorisations(unit) if paper.id not in withdrawn]
    chosen = [paper for paper in known if name in {None, paper.id}]
    if not chosen:
        ids = ", ".join(paper.id for paper in known) or "none"
        raise TrustError(
            f"unit '{unit}': nothing to renew{f' under --id {name!r}' if name else ''}; known: {ids}"
        )
    return max(chosen, key=lambda paper: (paper.until, paper.id))


def _id() -> str:
    return f"a-{secrets.token_hex(8)}"


def span(days: float, what: str, most: int = MAX_AUTHORISATION.days) -> timedelta:
    """So many days. Raises ConfigError."""
    if not (math.isfinite(days) and 0 < days <= most and timedelta(days=days) >= timedelta(seconds=1)):
        raise ConfigError(f"{what} {days:g}: more than 0 and at most {most}")
    return timedelta(seconds=int(days * 86_400))


def _review(options: argparse.Namespace, length: timedelta) -> timedelta:
    if options.review_days is None:
        return length
    review = span(options.review_days, "--review-days")
    if review > length:
        raise ConfigError(f"--review-days {options.review_days:g}: not after its end: at most as --days")
    return review


def parse_moment(text: str) -> datetime:
    """Of `--from`. Raises ConfigError."""
    try:
        found = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise ConfigError(f"--from '{text}': UTC to the second is needed: 2026-11-22T08:00:00Z") from None
    if found < now(SystemClock()) - MAX_AUTHORISATION:
        raise ConfigError(f"--from '{text}': so long ago that it would be over")
    return found


def code(text: str, what: str) -> str:
    """Raises ConfigError."""
    try:
        return msgspec.convert(text, Code)
    except msgspec.ValidationError:
        raise ConfigError(f"{what} '{text}': 1 to 48 of a-z 0-9 . - are allowed") from None


def _scopes(text: str) -> tuple[Scope, ...]:
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [part for part in wanted if part not in SCOPES]
    if unknown or "status" not in wanted:
        raise ConfigError(
            f"--scopes '{text}': status, and any of {', '.join(SCOPES[1:])}, with commas between"
        )
    return tuple(scope for scope in SCOPES if scope in wanted)


def _view(options: argparse.Namespace, scopes: tuple[Scope, ...]) -> ViewLimits | None:
    asked = (options.view_seconds, options.looks_per_hour)
    if not any(scope in VIEWS for scope in scopes):
        if asked != (None, None):
            raise ConfigError("--view-seconds, --looks-per-hour: only with scope view-figure or view-picture")
        return None
    limits = {"seconds": VIEW_S if asked[0] is None else asked[0]}
    limits["looks_per_hour"] = LOOKS_PER_HOUR if asked[1] is None else asked[1]
    try:
        return msgspec.convert(limits, ViewLimits)
    except msgspec.ValidationError:
        raise ConfigError("--view-seconds, --looks-per-hour: each 1 to 60") from None


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None

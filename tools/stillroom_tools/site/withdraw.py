"""`stillroom site withdraw UNIT_DIR --site SITE_DIR [--id ID]`: take an authorisation back, for good."""

import argparse
import sys
from pathlib import Path

from stillroom.clock import Clock, SystemClock
from stillroom.documents import KINDS, Withdrawal, now, to_ms
from stillroom.errors import EXIT_OK, TrustError
from stillroom.files import replace_file
from stillroom.keys import KeyRing
from stillroom.notes import sign_note
from stillroom_tools.site.authorise import recipient
from stillroom_tools.site.layout import Site
from stillroom_tools.site.send import add_send, send

HELP = "take an authorisation back, for good"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", type=Path, metavar="UNIT_DIR", help="the unit's folder (where unit.toml is)")
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--id", metavar="ID", help="which one; without it, all that stand for this unit")
    add_send(parser)


def run(options: argparse.Namespace) -> int:
    """Prints the ids withdrawn, one a line; none where none stood. Raises ConfigError, TrustError, StorageError."""
    site, unit, trust = recipient(options)
    clock = SystemClock()
    ids = _standing(site, unit, clock) if options.id is None else _named(site, unit, options.id)
    if not ids:
        print(f"unit {unit}: no authorisation stands: nothing was withdrawn", file=sys.stderr)
        return EXIT_OK
    authority = site.authority_keys()
    for name in ids:
        _withdraw(site, unit, trust, name, authority, clock)
        print(name)
    return EXIT_OK


def _standing(site: Site, unit: str, clock: Clock) -> list[str]:
    withdrawn = site.withdrawn()
    now_ms = clock.utc_ms()
    papers = site.authorisations(unit)
    return [p.id for p in papers if p.id not in withdrawn and to_ms(p.until) > now_ms]


def _named(site: Site, unit: str, name: str) -> list[str]:
    known = [paper.id for paper in site.authorisations(unit)]
    if name not in known:
        raise TrustError(
            f"--id '{name}': never signed for unit '{unit}'; known: {', '.join(known) or 'none'}"
        )
    return [name]


def _withdraw(site: Site, unit: str, trust: Path | None, name: str, authority: KeyRing, clock: Clock) -> None:
    document = Withdrawal(authorisation=name, site=site.name, unit=unit, at=now(clock))
    note = sign_note(KINDS[Withdrawal], document, [authority])
    replace_file(site.withdrawals_dir / f"{name}.note", note)
    if trust is None:
        send(site, unit, f"withdrawal-{name}", note)
    else:
        replace_file(trust / "withdrawals" / f"{name}.note", note)
    print(f"unit {unit}: authorisation {name} is withdrawn", file=sys.stderr)

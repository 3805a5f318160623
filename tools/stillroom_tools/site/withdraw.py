"""`stillroom site authorise withdraw`: take an authorisation back, for good. The authority's signature is enough."""

import argparse
import sys
from pathlib import Path

from stillroom.clock import Clock, SystemClock
from stillroom.document_forms import now, to_ms
from stillroom.documents import KINDS, Withdrawal
from stillroom.errors import EXIT_OK, TrustError
from stillroom.files import read_bounded, replace_file
from stillroom.keeper.authorisation import WITHDRAWALS
from stillroom.notes import sign_note
from stillroom_tools.site.layout import Site
from stillroom_tools.site.send import deliver

HELP = "take an authorisation back, for good"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--id", metavar="ID", help="which one; without it, all that stand for this unit")


def run(options: argparse.Namespace, site: Site, unit: str, trust: Path | None) -> int:
    """Prints the ids withdrawn, one a line. Raises ConfigError, TrustError, StorageError.

    Said again, it delivers again what was withdrawn before: a unit that was away, or a disk that refused, gets it too.
    """
    clock = SystemClock()
    ids = _running(site, unit, clock) if options.id is None else _named(site, unit, options.id)
    if not ids:
        print(f"unit {unit}: no authorisation runs: there is nothing to withdraw", file=sys.stderr)
        return EXIT_OK
    known = site.withdrawn()
    for name in ids:
        path = site.withdrawals_dir / f"{name}.note"
        note = read_bounded(path) if name in known else _sign(site, unit, name, clock)
        deliver(site, unit, trust, f"{WITHDRAWALS}/{name}.note", note)
        print(f"unit {unit}: authorisation {name} {_became(name in known, trust)}", file=sys.stderr)
        print(name)
    return EXIT_OK


def _became(known: bool, trust: Path | None) -> str:
    """In words."""
    if not known:
        return "is withdrawn"
    return "was withdrawn before; " + (
        "delivered again" if trust else "the gateway tells it to the unit again"
    )


def _running(site: Site, unit: str, clock: Clock) -> list[str]:
    """Those whose time is not over, withdrawn or not: the unit may not have heard of it yet."""
    now_ms = clock.utc_ms()
    return [paper.id for paper in site.authorisations(unit) if to_ms(paper.until) > now_ms]


def _named(site: Site, unit: str, name: str) -> list[str]:
    known = [paper.id for paper in site.authorisations(unit)]
    if name not in known:
        raise TrustError(
            f"--id '{name}': never signed for unit '{unit}'; known: {', '.join(known) or 'none'}"
        )
    return [name]


def _sign(site: Site, unit: str, name: str, clock: Clock) -> bytes:
    """A new withdrawal, kept by the site."""
    document = Withdrawal(authorisation=name, site=site.name, unit=unit, at=now(clock))
    note = sign_note(KINDS[Withdrawal], document, [site.authority_keys()])
    replace_file(site.withdrawals_dir / f"{name}.note", note)
    return note

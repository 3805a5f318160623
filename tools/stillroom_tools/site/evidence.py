"""`stillroom site evidence`: what a site's units were allowed to do and did, over a time, as one signed file.

It holds each unit's authorisations, how long its camera was open, looks, refusals, pauses, halts, whether its audit
chain is whole, and from when until when anything is known. The gateway signs it: it says what the gateway holds, and
no more. The page beside it says the same to people.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from stillroom.clock import MS_PER_S, SystemClock
from stillroom.document_forms import from_ms, now, to_ms
from stillroom.documents import Authorisation
from stillroom.errors import EXIT_OK, ConfigError, InputError, TrustError
from stillroom.files import replace_file
from stillroom.note_reading import NoteError, Signer, encode, open_note
from stillroom.notes import add_signature
from stillroom.public_keys import VerifyKey
from stillroom_tools.site import audit_file, retired
from stillroom_tools.site.audit_facts import Facts, gather
from stillroom_tools.site.audit_kept import head_of, links_of
from stillroom_tools.site.audit_keys import Keys
from stillroom_tools.site.audit_open import Period
from stillroom_tools.site.audit_part import Part, part_that_verifies
from stillroom_tools.site.audit_words import LAST_MS
from stillroom_tools.site.evidence_forms import (
    GAPS,
    NOT_STARTED,
    SOUND,
    WHOLE,
    Allowed,
    Evidence,
    Halt,
    Known,
    Look,
    Open,
    Pause,
    Recording,
    Refused,
    UnitEvidence,
)
from stillroom_tools.site.gateway.reader import Reader, open_reader
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.report import simulated as simulated_file
from stillroom_tools.site.report.burden import Burden, summed, tallies
from stillroom_tools.site.report.period import period_of

HELP = "what units were allowed to do and did, as one signed file and a page"
KIND = "evidence"
MAX_BYTES = 64 * 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--from", dest="start", metavar="DAY", help="2026-11-01, UTC, included")
    parser.add_argument("--to", dest="until", metavar="DAY", help="2026-12-01, UTC, not included")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where to write it; the page goes to FILE.html"
    )
    parser.add_argument(
        "--simulated", type=Path, metavar="FILE", help="beside it: what `stillroom simulate --json` wrote"
    )
    parser.add_argument(
        "--check", type=Path, metavar="FILE", help="is this one signed by the site's gateway?"
    )


def _count(evidence: Evidence) -> str:
    return "1 unit" if len(evidence.units) == 1 else f"{len(evidence.units)} units"


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, InputError, StorageError, TrustError."""
    making = (options.start, options.until, options.out)
    if (options.check is None) == (None in making) or (options.check and any((*making, options.simulated))):
        raise ConfigError("--from, --to and --out, all of them (and --simulated); or --check alone")
    site = open_site(options.site)
    if options.check is not None:
        found = read(options.check, site)
        period = f"{found.start:%Y-%m-%d} to {found.until:%Y-%m-%d}"
        print(f"signed by the gateway of site '{site.name}': {period}, {_count(found)}")
        return EXIT_OK
    start, until = _day(options.start, "--from"), _day(options.until, "--to")
    if start >= until:
        raise ConfigError(f"--to {options.until}: must be after --from {options.start}")
    from stillroom_tools.site import evidence_page

    simulated = simulated_file.read(options.simulated) if options.simulated else None
    evidence = replace(collect(site, start, until, now(SystemClock())), simulated=simulated)
    note = add_signature(encode(KIND, evidence), site.keys("gateway"), MAX_BYTES)
    for path, data in (
        (options.out, note),
        (options.out.with_name(options.out.name + ".html"), evidence_page.page(evidence).encode()),
    ):
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a plain file: name one, or a place where there is none yet")
        replace_file(path, data)
    print(f"{options.out}: {_count(evidence)}; the page is {options.out}.html", file=sys.stderr)
    broken = [unit.unit for unit in evidence.units if unit.chain not in SOUND]
    if broken:
        raise TrustError(f"{options.out}: written; but the audit chain is not whole: {', '.join(broken)}")
    return EXIT_OK


def read(path: Path, site: Site) -> Evidence:
    """Raises InputError, TrustError: not signed by the gateway of the roster, altered, not in its one form."""
    keys = [r.sign for r in site.roster().recipients if (r.name, r.role) == ("gateway", "gateway")]
    try:
        with path.open("rb") as file:
            note = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        signers = [Signer(f"{site.name}/gateway", VerifyKey(key)) for key in keys]
        return open_note(note, KIND, Evidence, signers, limit=MAX_BYTES)
    except NoteError as error:
        raise NoteError(error.reason, f"{path}: {error}") from None


def collect(site: Site, start: datetime, until: datetime, made: datetime) -> Evidence:
    """From the site's archive and the gateway's store. Raises StorageError, TrustError (a document of the archive)."""
    withdrawn = site.withdrawn()
    with open_reader(site) as kept:
        units = tuple(_unit(site, kept, unit, withdrawn, start, until) for unit in retired.everybody(site))
    burden = _burden(site, start, until, made)
    return Evidence(start=start, until=until, site=site.name, made=made, units=units, burden=burden)


def _burden(site: Site, start: datetime, until: datetime, made: datetime) -> Burden:
    """Summed over rooms before anything is written: what one of them asked of staff tells of who lives in it."""
    period = period_of(site, start.date(), (until - timedelta(days=1)).date())
    found = tallies(site, period, to_ms(made))
    return summed(found.values()).burden(None, len(period.nights))


def _unit(
    site: Site,
    kept: Reader,
    unit: str,
    withdrawn: Mapping[str, datetime],
    start: datetime,
    until: datetime,
) -> UnitEvidence:
    links = links_of(kept, unit)
    head = head_of(site, unit, links)
    key = VerifyKey(bytes.fromhex(head.key))
    chain = _verdict(kept, head, key, links)
    part = Part(links) if chain in SOUND else part_that_verifies(links, Keys.of(links, key))
    facts = gather(part.links, to_ms(start), to_ms(until), part.outside)
    papers = [p for p in site.authorisations(unit) if p.start < until and p.until > start]
    return UnitEvidence(
        unit=unit,
        fingerprint=key.fingerprint,
        chain=chain,
        links=len(links),
        missing=tuple(audit_file.missing(part.links)),
        head=links[-1].head if links else None,
        known=_known(facts),
        allowed=tuple(_allowed(paper, withdrawn.get(paper.id), facts.open_periods) for paper in papers),
        sensed_s=facts.sensed_s,
        at_least=facts.at_least,
        open=tuple(Open(_at(p.from_ms), _at(p.until_ms), p.certain) for p in facts.open_periods),
        looks=tuple(Look(_at(o.at_ms), o.by, o.level, o.reason, o.seconds, o.answer) for o in facts.looks),
        recordings=tuple(
            Recording(
                _at(r.at_ms),
                None if r.ended_ms is None else _at(r.ended_ms),
                r.release,
                r.file,
                r.by,
                r.level,
                r.seconds,
                r.how,
            )
            for r in facts.recordings
        ),
        pauses=tuple(
            Pause(_at(p.at_ms), p.by, _at(p.until_ms), None if p.ended_ms is None else _at(p.ended_ms))
            for p in facts.pauses
        ),
        halts=tuple(
            Halt(_at(h.at_ms), h.id, None if h.lifted_ms is None else _at(h.lifted_ms)) for h in facts.halts
        ),
        refused=tuple(Refused(_at(at_ms), reason) for at_ms, reason in facts.refused),
    )


def _known(facts: Facts) -> Known | None:
    if facts.known is None:
        return None
    return Known(_at(facts.known[0]), _at(facts.known[1]), facts.erased, facts.missing, facts.outside)


def _allowed(paper: Authorisation, withdrawn: datetime | None, periods: Sequence[Period]) -> Allowed:
    proven_ms = max((at for period in periods for name, at in period.under if name == paper.id), default=0)
    after_s = max(proven_ms - to_ms(withdrawn), 0) // MS_PER_S if withdrawn else 0
    return Allowed(paper, withdrawn, after_s)


def _verdict(kept: Reader, head: audit_file.Head, key: VerifyKey, links: list[audit_file.Link]) -> str:
    unit = head.unit
    if not links and not kept.was_heard(unit):
        return NOT_STARTED
    try:
        audit_file.verify(Path(unit), head, links, key.fingerprint)
    except TrustError as error:
        return str(error).removeprefix(f"{unit}: ")
    return GAPS if audit_file.missing(links) else WHOLE


def _at(utc_ms: int) -> datetime:
    return from_ms(min(utc_ms, LAST_MS))


def _day(text: str, what: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ConfigError(f"{what} '{text}': a day is needed: 2026-11-01") from None

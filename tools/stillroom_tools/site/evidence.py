"""`stillroom site evidence`: what a site's units were allowed to do and did, over a time, as one signed file.

It holds each unit's authorisations, how long its camera was open, looks, refusals, pauses, and whether its audit chain
is whole. The gateway signs it: it says what the gateway holds, and no more. The page beside it says the same to people.
"""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from stillroom.clock import MS_PER_S, SystemClock
from stillroom.document_forms import Time, Timed, from_ms, now, to_ms
from stillroom.documents import Authorisation
from stillroom.errors import EXIT_OK, ConfigError, InputError, TrustError
from stillroom.files import replace_file
from stillroom.keys import PlainName, VerifyKey
from stillroom.notes import NoteError, Signer, add_signature, encode, open_note
from stillroom_tools.site import audit_file, audit_page
from stillroom_tools.site.audit_facts import gather
from stillroom_tools.site.layout import Site, open_site

HELP = "what units were allowed to do and did, as one signed file and a page"
KIND = "evidence"
MAX_BYTES = 64 * 1024 * 1024

Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Open(Struct, frozen=True, forbid_unknown_fields=True):
    """The camera was open; where it is not `certain`, until the last that is known."""

    opened: Time
    closed: Time
    certain: bool


class Look(Struct, frozen=True, forbid_unknown_fields=True):
    at: Time
    by: str
    level: str
    reason: str
    seconds: Count
    answer: str


class Pause(Struct, frozen=True, forbid_unknown_fields=True):
    at: Time
    by: str
    how_long: str


class Refused(Struct, frozen=True, forbid_unknown_fields=True):
    at: Time
    reason: str


class Allowed(Struct, frozen=True, forbid_unknown_fields=True):
    """An authorisation that was in force at some time of the period."""

    authorisation: Authorisation
    withdrawn: bool


class UnitEvidence(Struct, frozen=True, forbid_unknown_fields=True):
    """One unit. `chain`: `whole`, or what is wrong with it; then what follows from it is worth no more than that."""

    unit: PlainName
    fingerprint: str
    chain: str
    links: Count
    erased: Count
    head: str | None
    allowed: tuple[Allowed, ...]
    sensed_s: Count
    open: tuple[Open, ...]
    looks: tuple[Look, ...]
    pauses: tuple[Pause, ...]
    refused: tuple[Refused, ...]


class Evidence(Timed, frozen=True, forbid_unknown_fields=True):
    """All of the file."""

    site: PlainName
    made: Time
    units: tuple[UnitEvidence, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--from", dest="start", metavar="DAY", help="2026-11-01, UTC, included")
    parser.add_argument("--to", dest="until", metavar="DAY", help="2026-12-01, UTC, not included")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="where to write it; the page goes to FILE.html"
    )
    parser.add_argument(
        "--check", type=Path, metavar="FILE", help="is this one signed by the site's gateway?"
    )


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, InputError, StorageError, TrustError."""
    making = (options.start, options.until, options.out)
    if (options.check is None) == (None in making) or (options.check and any(making)):
        raise ConfigError("--from, --to and --out, all of them; or --check alone")
    site = open_site(options.site)
    if options.check is not None:
        found = read(options.check, site)
        period = f"{found.start:%Y-%m-%d} to {found.until:%Y-%m-%d}"
        print(f"signed by the gateway of site '{site.name}': {period}, {len(found.units)} units")
        return EXIT_OK
    start, until = _day(options.start, "--from"), _day(options.until, "--to")
    if start >= until:
        raise ConfigError(f"--to {options.until}: must be after --from {options.start}")
    evidence = collect(site, start, until, now(SystemClock()))
    note = add_signature(encode(KIND, evidence), site.keys("gateway"), MAX_BYTES)
    for path, data in (
        (options.out, note),
        (options.out.with_name(options.out.name + ".html"), page(evidence).encode()),
    ):
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a plain file: name one, or a place where there is none yet")
        replace_file(path, data)
    print(f"{options.out}: {len(evidence.units)} units; the page is {options.out}.html", file=sys.stderr)
    broken = [unit.unit for unit in evidence.units if unit.chain != "whole"]
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
    units = tuple(
        _unit(site, enrolment.unit, VerifyKey(enrolment.sign), withdrawn, start, until)
        for enrolment in site.enrolments()
    )
    return Evidence(start=start, until=until, site=site.name, made=made, units=units)


def _unit(
    site: Site, unit: str, key: VerifyKey, withdrawn: frozenset[str], start: datetime, until: datetime
) -> UnitEvidence:
    links = audit_file.read_gateway(site.folder, unit)
    facts = gather(links, to_ms(start), to_ms(until))
    papers = [p for p in site.authorisations(unit) if p.start < until and p.until > start]
    return UnitEvidence(
        unit=unit,
        fingerprint=key.fingerprint,
        chain=_verdict(site, unit, key, links),
        links=len(links),
        erased=sum(link.erased for link in links),
        head=links[-1].head if links else None,
        allowed=tuple(Allowed(paper, paper.id in withdrawn) for paper in papers),
        sensed_s=sum(p.until_ms - p.from_ms for p in facts.open_periods) // MS_PER_S,
        open=tuple(Open(from_ms(p.from_ms), from_ms(p.until_ms), p.certain) for p in facts.open_periods),
        looks=tuple(
            Look(from_ms(o.at_ms), o.by, o.level, o.reason, o.seconds, o.answer) for o in facts.looks
        ),
        pauses=tuple(Pause(from_ms(p.at_ms), p.by, p.how_long) for p in facts.pauses),
        refused=tuple(Refused(from_ms(at_ms), reason) for at_ms, reason in facts.refused),
    )


def _verdict(site: Site, unit: str, key: VerifyKey, links: list[audit_file.Link]) -> str:
    head = audit_file.Head(audit_file.KIND, site.name, unit, key.raw.hex())
    try:
        audit_file.verify(Path(unit), head, links, key.fingerprint)
    except TrustError as error:
        return str(error).removeprefix(f"{unit}: ")
    return "whole"


def page(evidence: Evidence) -> str:
    """The same for people."""
    period = f"from {evidence.start:%-d %b %Y} until {evidence.until:%-d %b %Y}, the last day not included"
    body = [f"<p class=small>Site {audit_page.code(evidence.site)}, {period}. All times are UTC.</p>"]
    rows = (
        (
            audit_page.code(unit.unit),
            audit_page.text(audit_page.duration(unit.sensed_s)),
            str(len(unit.looks)),
            str(len(unit.pauses)),
            str(len(unit.refused)),
            "whole" if unit.chain == "whole" else "<b>not whole</b>",
        )
        for unit in evidence.units
    )
    names = ("Unit", "Camera open", "Asked to look", "Pauses", "Documents refused", "Record")
    body += audit_page.table(names, rows)
    for unit in evidence.units:
        body += _unit_words(unit)
    body.append(
        f"<p class=small>Made {audit_page.moment(to_ms(evidence.made))} and signed by the site's gateway, which "
        "says what it holds and no more. A facility can check it: <code>stillroom site evidence --check</code>; a "
        "unit's own record needs no trust in the facility: <code>stillroom site audit verify</code>.</p>"
    )
    return audit_page.document("What the cameras were allowed to do, and did", body)


def _unit_words(unit: UnitEvidence) -> Iterator[str]:
    yield f"<h2>Unit {audit_page.code(unit.unit)}</h2>"
    good = unit.chain == "whole"
    verdict = "its record is whole" if good else f"its record is not whole: {unit.chain}"
    yield (
        f"<p class='answer{'' if good else ' bad'}'>The camera was open for {audit_page.duration(unit.sensed_s)}, and "
        f"{audit_page.text(verdict)}.</p><p class=small>Fingerprint {audit_page.code(unit.fingerprint)}; "
        f"{unit.links} links"
        f"{f', {unit.erased} of them erased' if unit.erased else ''}.</p>"
    )
    yield from _table(
        "Authorisations",
        ("Id", "Room", "Scopes", "Purpose", "From", "Until", "Review by", "Ended"),
        _papers(unit),
    )
    opens = ((_time(o.opened), _time(o.closed) + ("" if o.certain else " ?")) for o in unit.open)
    yield from _table("Camera open", ("From", "Until"), opens)
    looks = ((_time(o.at), o.by, f"{o.level}, {o.seconds} s", o.reason, o.answer) for o in unit.looks)
    yield from _table("Asked to look, and refused", ("When", "Who", "What", "Why", "Answer"), looks)
    yield from _table(
        "Pauses", ("When", "Who", "For how long"), ((_time(p.at), p.by, p.how_long) for p in unit.pauses)
    )
    yield from _table("Documents refused", ("When", "Why"), ((_time(r.at), r.reason) for r in unit.refused))


def _papers(unit: UnitEvidence) -> Iterator[tuple[str, ...]]:
    for one in unit.allowed:
        paper = one.authorisation
        times = (_time(paper.start), _time(paper.until), _time(paper.review_by))
        ended = "withdrawn" if one.withdrawn else ""
        yield (paper.id, paper.room, ", ".join(paper.scopes), paper.purpose, *times, ended)


def _table(title: str, names: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    cells = [tuple(audit_page.text(cell) for cell in row) for row in rows]
    yield f"<h3>{title}</h3>"
    yield from audit_page.table(names, cells) if cells else ["<p>None.</p>"]


def _time(when: datetime) -> str:
    return audit_page.moment(to_ms(when))


def _day(text: str, what: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ConfigError(f"{what} '{text}': a day is needed: 2026-11-01") from None

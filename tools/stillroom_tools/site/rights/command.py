"""`stillroom site subject export|erase|log|check`: rights of the person in the bed, by room and time.

No unit and no gateway knows a patient; the facility knows who was in which room when. A manager signs with his own key,
and what was asked for, by whom, is kept in a log and a receipt.
"""

import argparse
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from stillroom.clock import Clock, SystemClock
from stillroom.document_forms import Code, now
from stillroom.errors import EXIT_OK, ConfigError, InputError, TrustError
from stillroom.files import replace_file, write_new
from stillroom.keys import KeyRing
from stillroom.notes import sign_note
from stillroom_tools.site.fhir.output import write_whole
from stillroom_tools.site.gateway.erasing import refuse_standing, would_go
from stillroom_tools.site.gateway.erasures import Wish
from stillroom_tools.site.gateway.reader import Reader, open_reader
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.report.kept import no_such_room
from stillroom_tools.site.rights.copy import everything
from stillroom_tools.site.rights.forms import (
    RECEIPT_KIND,
    ErasureOrder,
    Receipt,
    folder_of,
    sha256,
)
from stillroom_tools.site.rights.ordering import confirm, erase
from stillroom_tools.site.rights.page import Page
from stillroom_tools.site.rights.period import Asked, asked_for
from stillroom_tools.site.rights.record import (
    open_log,
    read_receipt,
    receipts_of,
    refuse_cut,
    told,
    written_down,
)
from stillroom_tools.site.rights.wishes import counted, words
from stillroom_tools.site.signer import person_keys

HELP = "a copy of what is kept of a room, or erase it: with a signed receipt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    copy = choices.add_parser(
        "export", help="all that is kept of a room and a time, as a file and a page in words"
    )
    copy.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="JSON lines; the page is FILE.txt"
    )
    gone = choices.add_parser("erase", help="delete it and destroy its keys, for good")
    gone.add_argument("--dry-run", action="store_true", help="say what would go, and do nothing")
    gone.add_argument("--yes", action="store_true", help="do not ask")
    gone.add_argument(
        "--keep-audit", action="store_true", help="leave the record of who looked and what was done"
    )
    for each in (copy, gone):
        each.add_argument("room", metavar="ROOM", help="as its authorisation names it")
        each.add_argument("--from", dest="start", required=True, metavar="DAY", help="2026-11-01, included")
        each.add_argument("--to", dest="until", required=True, metavar="DAY", help="2026-12-01, not included")
        each.add_argument(
            "--key", type=Path, metavar="KEY", help="a manager's own NAME.key, who answers for it"
        )
        each.add_argument(
            "--asked-by", metavar="CODE", help="who wished it: resident, advocate-7 ...; no names"
        )
    log = choices.add_parser("log", help="who asked for what, and that the record of it is whole")
    log.add_argument("--head", metavar="H", help="a head that was noted earlier: it must be in it")
    check = choices.add_parser("check", help="is this receipt signed by the site's gateway?")
    check.add_argument("receipt", type=Path, metavar="RECEIPT", help="rights/ID.note, or FILE.receipt")
    check.add_argument("--file", type=Path, metavar="FILE", help="and is this the file that it is of?")
    for each in choices.choices.values():
        each.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, InputError, TrustError, StorageError; AlertsStand: somebody must answer for one first."""
    site, clock = open_site(options.site), SystemClock()
    if options.what == "log":
        return _show_log(site, clock, options.head)
    if options.what == "check":
        return _check(site, options.receipt, options.file)
    dry = options.what == "erase" and options.dry_run
    if dry and options.key is None:
        ring = None
    elif options.key is None:
        raise ConfigError(
            "--key: a manager's own key is needed, who answers for it: stillroom site signer new"
        )
    else:
        ring = person_keys(site, options.key, "manager")
    asked_by = "" if dry else _code(options.asked_by)
    asked = asked_for(site, options.start, options.until, clock)
    with open_reader(site) as reader:
        if options.room not in reader.rooms():
            raise no_such_room(reader, options.room)
        if options.what == "erase":
            wish = asked.wish(_id("e"), options.room, not options.keep_audit)
            _say_what_goes(reader, wish, asked)
        else:
            assert ring is not None
            wish = asked.wish(_id("c"), options.room, audit=True)
            return _export(site, reader, wish, ring, asked_by, options.out, asked, clock)
    if options.dry_run:
        return EXIT_OK
    assert ring is not None
    confirm(options.yes, options.room)
    order = ErasureOrder(
        start=asked.start, until=asked.until, at=now(clock), id=wish.id, site=site.name, room=wish.room,
        asked_by=asked_by, by=ring.name, audit=wish.audit,
    )  # fmt: skip
    return erase(site, order, ring, clock)


def _export(
    site: Site,
    reader: Reader,
    wish: Wish,
    ring: KeyRing,
    asked_by: str,
    out: Path,
    asked: Asked,
    clock: Clock,
) -> int:
    page = Page(asked.zone)
    gateway = site.keys("gateway")

    def lines() -> Iterator[bytes]:
        head = {
            "stillroom": "subject-export/1", "id": wish.id, "site": site.name, "room": wish.room,
            "from": asked.start, "until": asked.until, "times": "UTC in ms",
        }  # fmt: skip
        yield msgspec.json.encode(head)
        for thing in everything(reader, wish):
            page.add(thing)
            yield msgspec.json.encode(thing.line)

    about = f"{wish.room} {wish.id} {asked_by}"
    logged = written_down(open_log(site, clock), ring.name, "subject-export", about)
    with logged as (line, head), _all_or_none(out) as (in_words, proof):
        write_whole(out, lines())
        receipt = Receipt(
            start=asked.start, until=asked.until, at=now(clock), id=wish.id, site=site.name, room=wish.room,
            asked_by=asked_by, by=ring.name, what="export", counts=counted(page.counts), hash=_hash_of(out),
            log_line=line, log_head=head.hex(),
        )  # fmt: skip
        signed = sign_note(RECEIPT_KIND, receipt, [ring, gateway])
        write_new(in_words, page.text(receipt, out.name).encode())
        write_new(proof, signed)
        replace_file(folder_of(site) / f"{wish.id}.note", signed)
    print(f"{out}: {words(receipt)}; in words: {out}.txt; receipt {out}.receipt", file=sys.stderr)
    print(receipt.id)
    return EXIT_OK


@contextmanager
def _all_or_none(out: Path) -> Iterator[tuple[Path, Path]]:
    """The page and the receipt beside a copy; none of the three is left where one fails, as the log then says.

    Raises InputError: one is there, which may have been handed out already.
    """
    beside = out.with_name(f"{out.name}.txt"), out.with_name(f"{out.name}.receipt")
    for path in (out, *beside):
        if path.exists():
            raise InputError(f"{path}: is there already; it is never replaced: name another, or move it away")
    try:
        yield beside
    except BaseException:
        for path in (out, *beside):
            with suppress(OSError):
                path.unlink()
        raise


def _say_what_goes(reader: Reader, wish: Wish, asked: Asked) -> None:
    refuse_standing(reader.alerts(), wish)
    counts = would_go(reader.fetch, wish)
    said = ", ".join(f"{count:,} {what}" for what, count in sorted(counts.items())) or "nothing is kept of it"
    print(f"room {wish.room}, {asked.words}: {said}", file=sys.stderr)
    if counts["looks"]:
        print(
            f"{counts['looks']} of it tell that somebody looked or recorded: --keep-audit leaves the record of that",
            file=sys.stderr,
        )


def _check(site: Site, path: Path, file: Path | None) -> int:
    receipt = read_receipt(path, site)
    if file is not None and _hash_of(file) != receipt.hash:
        raise TrustError(f"{file}: not the file that {path} is of, or changed since")
    refuse_cut(site, list(open_log(site, SystemClock()).read()), [(path, receipt)])
    did = "a copy handed out" if receipt.what == "export" else "erased"
    print(
        f"signed by the gateway of site '{site.name}': room {receipt.room}, {receipt.start:%Y-%m-%d %H:%M} to "
        f"{receipt.until:%Y-%m-%d %H:%M} UTC, {did} by {receipt.by} on {receipt.at:%Y-%m-%d %H:%M}, asked for by "
        f"{receipt.asked_by}: {words(receipt)}"
    )
    return EXIT_OK


def _show_log(site: Site, clock: Clock, noted: str | None) -> int:
    log = open_log(site, clock)
    receipts = receipts_of(site)  # before the lines, which are written before them
    _, head = log.verify(site.keys("gateway").signing.verify_key)
    lines = list(log.read())
    for line in told(lines, [receipt for _, receipt in receipts]):
        print(line)
    refuse_cut(site, lines, receipts)
    if noted is not None and noted.lower() not in {link.head.hex() for link, _ in lines}:
        raise TrustError(f"--head {noted}: in no line of it: cut off since, another log, or not a head of it")
    print(
        f"whole: {len(lines)} lines, with those of {len(receipts)} receipts; the newest head is {head.hex()}: note it",
        file=sys.stderr,
    )
    return EXIT_OK


def _hash_of(path: Path) -> str:
    """Raises InputError."""
    try:
        return sha256(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _id(letter: str) -> str:
    return f"{letter}-{secrets.token_hex(8)}"


def _code(text: str | None) -> str:
    if text is None:
        raise ConfigError(
            "--asked-by: who wished it is needed, for it stands in the receipt: a code (resident, advocate-7), no name"
        )
    try:
        return msgspec.convert(text, Code)
    except msgspec.ValidationError:
        raise ConfigError(
            f"--asked-by '{text}': a code of a-z 0-9 . -, at most 48: whose list says who it is"
        ) from None

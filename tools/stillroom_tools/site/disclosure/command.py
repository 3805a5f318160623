"""`stillroom site export`: counts for a purpose as CSV, let out only where attacks on it gain little over chance.

Purposes and their columns stand in `[export]` of site.toml. What was let out is kept in mind: another table of the same
weeks could be subtracted from it, so only the very same one is let out again, and not once something of it was erased.
"""

import argparse
import secrets
import sys
from pathlib import Path

import msgspec
from sqlalchemy import select

from stillroom.clock import Clock, SystemClock
from stillroom.document_forms import from_ms, now, to_ms
from stillroom.errors import EXIT_OK, ConfigError, InputError, StillroomError
from stillroom.files import make_folder, replace_file
from stillroom.keys import KeyRing
from stillroom.notes import sign_note
from stillroom_tools.site.disclosure import verdict as verdicts
from stillroom_tools.site.disclosure.attacks import Known, attack
from stillroom_tools.site.disclosure.counts import count, from_csv, naive, to_csv
from stillroom_tools.site.disclosure.receipt import KIND, ExportReceipt, read_all
from stillroom_tools.site.disclosure.records import Weeks, read, weeks_of, what_of
from stillroom_tools.site.disclosure.roster import Roster, synthetic
from stillroom_tools.site.disclosure.roster import read as read_roster
from stillroom_tools.site.disclosure.settings import Purpose
from stillroom_tools.site.disclosure.suppress import FEWEST_ROOMS, narrowest, protect
from stillroom_tools.site.disclosure.verdict import Verdict
from stillroom_tools.site.fhir.output import write_whole
from stillroom_tools.site.gateway.reader import Reader, open_reader
from stillroom_tools.site.gateway.rooms import NO_ROOM
from stillroom_tools.site.gateway.tables import entries, erasures
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.report.days import parse_day
from stillroom_tools.site.rights.forms import folder_of, sha256
from stillroom_tools.site.rights.record import open_log, written_down
from stillroom_tools.site.signer import person_keys

HELP = "counts for a purpose as CSV, where attacks on it gain little over chance"
COLUMNS_LINE = 'columns = ["week", "shift", "condition"]'
"""An example of what a purpose needs."""


class Refused(StillroomError):
    """The attacks, or the rules, speak against it; the report says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--purpose", required=True, metavar="CODE", help="of [export.purposes] in site.toml")
    parser.add_argument(
        "--from", dest="start", required=True, metavar="DAY", help="a Monday: 2026-11-02, included"
    )
    parser.add_argument("--to", dest="until", required=True, metavar="DAY", help="a Monday, not included")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="CSV; the report is FILE.report.txt and .json"
    )
    parser.add_argument(
        "--replace", action="store_true", help="what lies at --out goes, with its report and receipt"
    )
    parser.add_argument(
        "--key", type=Path, metavar="KEY", help="a manager's own NAME.key, who answers for it"
    )
    parser.add_argument(
        "--staff",
        type=Path,
        metavar="CSV",
        help="name,room,from,until: what an attacker may have (synthetic)",
    )


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, InputError, TrustError, StorageError; Refused, once the report is written."""
    site, clock = open_site(options.site), SystemClock()
    purpose = _purpose(site, options.purpose)
    if options.key is None:
        raise ConfigError(
            "--key: a manager's own key is needed, who answers for it: stillroom site signer new"
        )
    ring = person_keys(site, options.key, "manager")
    days = parse_day(options.start, "--from"), parse_day(options.until, "--to")
    weeks = weeks_of(site, *days, clock.utc_ms())
    _refuse_to_replace(options.out, options.replace)
    staff = read_roster(options.staff) if options.staff else None
    log = open_log(site, clock)
    about = f"{options.purpose} {weeks.first} {weeks.until}"
    try:
        with open_reader(site) as reader:
            _refuse_differences(site, reader, options.purpose, purpose, weeks)
            data, verdict = _made(site, reader, options.purpose, purpose, weeks, staff)
    except Refused as error:
        log.add(ring.name, "export-refused", about)
        early = verdicts.Early(
            options.purpose, purpose.columns, str(weeks.first), str(weeks.until), (str(error),)
        )
        place = _write_refusal(options.out, early)
        raise Refused(f"{error}: {place} says so too") from None
    if verdict.refused:
        log.add(ring.name, "export-refused", about)
        place = _write_refusal(options.out, verdict)
        raise Refused(f"{options.out}: not let out: {verdict.refused[0]}: {place} says all")
    name = f"x-{secrets.token_hex(8)}"
    with written_down(log, ring.name, "export", f"{about} {name}") as line:
        receipt = _receipt(site, name, ring, clock, weeks, verdict, data, line)
        signed = sign_note(KIND, receipt, [ring, site.keys("gateway")])
        make_folder(folder_of(site) / "exports")
        kept = folder_of(site) / "exports" / f"{receipt.id}.note"
        replace_file(kept, signed)  # kept in mind before it is out
        try:
            write_whole(options.out, data.splitlines())
            _write_report(options.out, verdict)
        except BaseException:
            kept.unlink()
            raise
        replace_file(options.out.with_name(f"{options.out.name}.receipt"), signed, 0o600)
    out = verdict.numbers - verdict.left_out_small - verdict.left_out_derivable
    print(
        f"{options.out}: {out} of {verdict.numbers} numbers; report {options.out}.report.txt", file=sys.stderr
    )
    print(receipt.id)
    return EXIT_OK


def _purpose(site: Site, name: str) -> Purpose:
    purposes = site.config.export.purposes
    if name not in purposes:
        known = ", ".join(sorted(purposes)) or "none"
        key = name if name.replace("-", "").isalnum() else f'"{name}"'
        raise ConfigError(
            f"--purpose '{name}': allowed in [export.purposes] of {site.folder / 'site.toml'}: {known}; to allow it, "
            f"put two lines at the end of that file: '[export.purposes.{key}]' and '{COLUMNS_LINE}'"
        )
    return purposes[name]


def _made(
    site: Site, reader: Reader, name: str, purpose: Purpose, weeks: Weeks, staff: Roster | None
) -> tuple[bytes, Verdict]:
    """The file as it would be, and what the attacks made of it."""
    rooms = _rooms(reader, weeks)
    if len(rooms) < FEWEST_ROOMS:
        raise Refused(
            f"{len(rooms)} rooms were heard of in these weeks: {FEWEST_ROOMS} are needed for anybody to be lost in"
        )
    records = read(reader, weeks)
    if not records:
        raise Refused("nothing was told in these weeks: there is nothing to count")
    roster = staff or synthetic(rooms, weeks.from_ms, weeks.until_ms)
    counted = count(records, len(rooms), purpose, weeks)
    made = protect(counted.grid, len(rooms))
    data = to_csv(counted, made, purpose)
    known = Known(
        records, counted.grid, lambda at: weeks.when(at, purpose.when), lambda r: what_of(r, purpose)
    )
    results = attack(from_csv(data, purpose, len(rooms)), known, roster)
    bare, exact, hour = naive(records, weeks, purpose)
    control = attack(bare, Known(records, exact.grid, hour, known.what), roster)
    narrow, most = narrowest(counted.grid, made), site.config.export.most_risk
    verdict = Verdict(
        purpose=name, columns=purpose.columns, start=str(weeks.first), until=str(weeks.until), narrowest=narrow,
        roster=roster.words, most_risk=most, found=verdicts.found(results), control=verdicts.found(control),
        refused=tuple(verdicts.why_refused(results, control, narrow, made, most)), **verdicts.shown(counted, made),
    )  # fmt: skip
    return data, verdict


def _rooms(reader: Reader, weeks: Weeks) -> list[str]:
    """Heard of in these weeks: everybody in the house knows how many there are."""
    query = select(entries.c.room).where(entries.c.at_ms >= weeks.from_ms, entries.c.at_ms < weeks.until_ms)
    return sorted({room for (room,) in reader.fetch(query.distinct()) if room != NO_ROOM})


def _refuse_differences(site: Site, reader: Reader, name: str, purpose: Purpose, weeks: Weeks) -> None:
    """Raises Refused where another table of these weeks is out already, or something was erased since this one was."""
    for _, receipt in read_all(site):
        if not (receipt.first < weeks.until and weeks.first < receipt.until_day):
            continue
        said = f"{receipt.first} to {receipt.until_day} were let out on {receipt.at:%Y-%m-%d} for '{receipt.purpose}'"
        if (receipt.first, receipt.until_day, set(receipt.columns)) != (
            weeks.first,
            weeks.until,
            set(purpose.columns),
        ):
            raise Refused(f"{said}, as another table: one could be subtracted from the other")
        since = erasures.c.at_ms >= to_ms(receipt.at)
        of_them = (erasures.c.from_ms < weeks.until_ms) & (erasures.c.until_ms > weeks.from_ms)
        gone = select(erasures.c.id).where(since, of_them)
        if reader.fetch(gone):
            raise Refused(
                f"{said}, and something of them was erased since: the difference would tell of whom"
            )


def _refuse_to_replace(out: Path, replace: bool) -> None:
    """Raises InputError: what was let out before lies there, and may be the only copy."""
    for path in (out, out.with_name(f"{out.name}.receipt")):
        if path.is_file() and not replace:
            raise InputError(
                f"{path}: is there already: name another file, or say --replace; nothing was changed"
            )


def _write_refusal(out: Path, verdict: Verdict | verdicts.Early) -> Path:
    """Where it lies: never in the place of the report of what was let out before, which stays too."""
    return _write_report(out.with_name(f"{out.name}.refused") if out.is_file() else out, verdict)


def _write_report(out: Path, verdict: Verdict | verdicts.Early) -> Path:
    path = out.with_name(f"{out.name}.report.txt")
    write_whole(path, verdicts.text(verdict).encode().splitlines())
    told = msgspec.json.format(msgspec.json.encode(verdict), indent=2)
    write_whole(out.with_name(f"{out.name}.report.json"), told.splitlines())
    return path


def _receipt(
    site: Site,
    name: str,
    ring: KeyRing,
    clock: Clock,
    weeks: Weeks,
    verdict: Verdict,
    data: bytes,
    line: tuple[int, bytes],
) -> ExportReceipt:
    return ExportReceipt(
        start=from_ms(weeks.from_ms), until=from_ms(weeks.until_ms), at=now(clock), id=name,
        site=site.name, by=ring.name, purpose=verdict.purpose, columns=verdict.columns, first=weeks.first,
        until_day=weeks.until, numbers=verdict.numbers,
        left_out=verdict.left_out_small + verdict.left_out_derivable, hash=sha256(data),
        risks=tuple((found.attack, found.risk) for found in verdict.found), log_line=line[0], log_head=line[1].hex(),
    )  # fmt: skip

"""The custodian's own: recordings opened, each opening listed and signed first, and what is wrong with them told.

A file is opened only before its release expires, with the key that the release names, and never before the opening is
on the custodian's disk. Chunks that the unit has signed are shown, also where others are missing; altered ones are not.
Recordings stay readable when their unit has new keys, or is gone; of a key that was revoked that is a line.
"""

import argparse
import sys
from pathlib import Path

from stillroom.clock import Clock, SystemClock, utc_text
from stillroom.document_forms import from_ms, to_ms
from stillroom.documents import KINDS
from stillroom.errors import EXIT_OK, InputError, TrustError, WireError
from stillroom.files import make_folder, read_bounded
from stillroom.keys import BoxKey, KeyRing, load_keys
from stillroom.public_keys import VerifyKey
from stillroom.release_forms import NOTE_FILE
from stillroom.release_papers import Release
from stillroom.release_rules import expired, release_id
from stillroom.release_wire import open_chunk, read_block
from stillroom_tools.site import retired
from stillroom_tools.site.board.log import Log
from stillroom_tools.site.drafts import read_draft
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.release.films import Film
from stillroom_tools.site.release.follow import Expected, Follower

OPENED = "release-opened"
OPENINGS = "openings"
_REVOKED = (
    "signed with a key that was revoked at {0.at} ({0.reason}): whoever has it can have made this later"
)


def run(options: argparse.Namespace) -> int:
    """A line for each file; `TrustError.exit_code` where something is wrong with one.

    Raises InputError, TrustError (expired, another custodian's, of no release that is known here), StorageError.
    """
    site, ring, clock = open_site(options.site), load_keys(options.key, "custodian"), SystemClock()
    if ring.site != site.name:
        raise TrustError(f"{options.key}: of site '{ring.site}', and {options.site} is '{site.name}'")
    log = _log(options.openings or options.key.parent / OPENINGS, ring, clock)
    papers = [(path, _paper_of(path, site)) for path in options.files]
    for path, paper in papers:
        _check(path, paper, clock)
    findings = sum(_open(path, paper, site, ring, log, options) for path, paper in papers)
    return TrustError.exit_code if findings else EXIT_OK


def _open(
    path: Path, paper: Release, site: Site, ring: KeyRing, log: Log, options: argparse.Namespace
) -> int:
    """How many things are wrong with it."""
    box, keys = _box(path, paper, ring), [VerifyKey(sign) for sign in retired.keys_of(site, paper.unit)]
    log.add(ring.name, OPENED, path.name[:100])
    follower = Follower(path, Expected(keys, release_id(paper)), lambda text: print(text, file=sys.stderr))
    film = Film(path.stem, paper, options.out, options.frames)
    missed, senders = 0, set[bytes]()
    try:
        for block in follower.chunks():
            senders.add(block.sender_id)
            try:
                frames = open_chunk(block, box)
            except WireError as error:
                follower.wrong(f"chunk {block.number} does not open ({error.reason})")
                continue
            missed += frames.missed
            film.add(block, frames)
    finally:
        film.close()
    for gone in retired.all_of(site):
        if gone.key.id in senders and gone.paper.why == "revoked":
            follower.wrong(_REVOKED.format(gone.paper))
    ended = f"ended: {follower.ended}" if follower.ended else "no end"
    left_out = f", {missed} left out by the unit" if missed else ""
    print(f"{path.name}: {follower.chunks_seen} chunks, {film.frames} frames{left_out}; {ended}")
    return follower.findings


def _paper_of(path: Path, site: Site) -> Release:
    """The release that its first block names: beside it, or in the site's folder. Raises InputError, TrustError."""
    try:
        with path.open("rb") as file:
            first = read_block(file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except WireError as error:
        raise TrustError(f"{path}: no recording, or its beginning is damaged: {error}") from None
    if first is None:
        raise TrustError(f"{path}: empty: no recording")
    places = [path.with_name(NOTE_FILE), *sorted(site.releases_dir.glob("*.note"))]
    for place in (place for place in places if place.exists()):
        paper = read_draft(place, read_bounded(place), KINDS[Release], Release)
        if release_id(paper) == first.release:
            return paper
    raise TrustError(f"{path}: its release is not here: put its {NOTE_FILE} beside it")


def _check(path: Path, paper: Release, clock: Clock) -> None:
    if expired(paper, clock.utc_ms()):
        when = utc_text(to_ms(paper.expires))
        raise TrustError(f"{path}: release {paper.id} expired on {when}: delete it; it is opened no more")


def _box(path: Path, paper: Release, ring: KeyRing) -> BoxKey:
    for box in ring.boxes:
        if box.public.raw == paper.box:
            return box
    raise TrustError(f"{path}: sealed to another key: of custodian '{paper.custodian}', not of '{ring.name}'")


def _log(folder: Path, ring: KeyRing, clock: Clock) -> Log:
    make_folder(folder)
    return Log(folder, ring, clock)


def run_list(options: argparse.Namespace) -> int:
    """A line for each opening.

    Raises InputError: there is no list; TrustError: it is not whole, or not a custodian's of this site.
    """
    site = open_site(options.site)
    people = [one for one in site.roster().recipients if one.role == "custodian"]
    log = Log(options.folder, KeyRing.generate(site.name, "custodian", "reader", 0), SystemClock())
    first = next(iter(log.read()), None)
    if first is None:
        raise InputError(
            f"{options.folder}: no list of openings here: it is the folder '{OPENINGS}' beside the custodian's "
            "key, from the first `release open` on, or what --openings named"
        )
    by = first[1].by
    custodian = next((one for one in people if one.name == by), None)
    if custodian is None:
        raise TrustError(f"{options.folder}: no list of a custodian whom the roster names ('{by}')")
    count, head = log.verify(VerifyKey(custodian.sign))
    for link, deed in log.read():
        print(f"{from_ms(link.at_ms):%Y-%m-%d %H:%M:%S}  {deed.by}  {deed.what}  {deed.about}")
    print(f"whole: {count} openings, head {head.hex()}", file=sys.stderr)
    return EXIT_OK

"""`stillroom make rotate DIR`: new keys for a unit, named by its old ones; at once beside its site, else by its card.

On the unit the new key waits as `next.key`; what goes out is its request, signed by both keys, and one for a
certificate, which the new key signs for. The site enrols that in place of the one before and retires the old key. When
the papers are back the new key takes its place, and the unit's chain says so (`keeper/rotated.py`). A key that was
stolen is not rotated but revoked: its thief could sign as well.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from msgspec import Struct

from stillroom import config
from stillroom.clock import SystemClock
from stillroom.config import UnitConfig
from stillroom.document_forms import now
from stillroom.documents import KINDS, Enrolment, Sha256
from stillroom.errors import EXIT_OK, ConfigError, InputError, StorageError, TrustError
from stillroom.files import lock_folder, make_folder, read_bounded, replace_file
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.rotated import BEFORE_FILE, is_told
from stillroom.keys import KeyRing, load_keys
from stillroom.note_reading import NoteError, open_note
from stillroom.notes import add_signature, sign_note
from stillroom.public_keys import PlainName, VerifyKey
from stillroom_tools.make import identity, manifest, papers
from stillroom_tools.make.card import TICKET, Ticket, read_ticket
from stillroom_tools.make.decommission import KEEPERS_LOCK
from stillroom_tools.make.key_place import KeyPlace, place_of
from stillroom_tools.make.papers import Papers
from stillroom_tools.site import admit, retired
from stillroom_tools.site.authorise import check_authority
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.retired import Retirement

HELP = "new keys for a unit, named by its old ones"
KIND = "certificate-request"
REQUEST, ASKED, OWN, PAPERS = "rotation.note", "rotation.csr", "rotation.csr.note", "papers"


class OwnRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The unit's new key says which request for a certificate is its own: anybody can write one with its name."""

    site: PlainName
    unit: PlainName
    certificate_request: Sha256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="the unit's folder; with --sign: its card's")
    parser.add_argument("--site", type=Path, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--card", type=Path, metavar="CARD", help="on the unit: where its request goes")
    parser.add_argument(
        "--sign",
        action="store_true",
        help="at the site: what lies on a card is signed, and its papers put there",
    )


def run(options: argparse.Namespace) -> int:
    """Prints the new fingerprint. Raises ConfigError, TrustError, StorageError."""
    if options.sign:
        if options.site is None:
            raise ConfigError("--sign: needs --site SITE_DIR")
        key = _sign_card(open_site(options.site), options.folder)
    elif (options.site is None) == (options.card is None):
        raise ConfigError("--site SITE_DIR where it is at hand, or --card CARD on the unit: one of them")
    else:
        key = _on_unit(options)
    print(key.fingerprint)
    return EXIT_OK


def _on_unit(options: argparse.Namespace) -> VerifyKey:
    settings = config.load(options.folder / identity.UNIT_FILE)
    place, state = place_of(settings), settings.path(settings.paths.state)
    os.close(lock_folder(state, KEEPERS_LOCK, "keeper", "paths.state"))
    try:
        return _rotated(options, settings, place)
    finally:
        place.settle()


def _rotated(options: argparse.Namespace, settings: UnitConfig, place: KeyPlace) -> VerifyKey:
    site = open_site(options.site) if options.site else None
    if site is not None:
        _check_site(site, settings, place)
    else:
        _check_card(options.card, settings)
    fresh = _next_keys(settings, place)
    given = _by_site(site, place, fresh) if site else _by_card(options.card, settings, place, fresh)
    if given is None:
        _say(
            f"unit '{fresh.name}': its request is on the card: the site signs it (`make rotate CARD --sign --site`)"
        )
        return fresh.signing.verify_key
    papers.check(options.folder, settings, fresh, given)
    place.switch()
    papers.install_for(fresh, options.folder, given, place.keep_password)
    _say(
        f"unit '{fresh.name}': done: it has its new keys; print its new label (`make label new`), and {place.then}"
    )
    return fresh.signing.verify_key


def _check_site(site: Site, settings: UnitConfig, place: KeyPlace) -> None:
    """That this site can enrol the unit anew, before it makes keys. Raises ConfigError, TrustError."""
    if site.name != settings.site:
        raise ConfigError(f"--site {site.folder}: is '{site.name}', and the unit is of '{settings.site}'")
    known = site.enrolment(settings.unit)
    own = [ring for ring in (place.own(), place.next()) if ring is not None]
    if known.sign not in [ring.signing.verify_key.raw for ring in own]:
        raise TrustError(
            f"--site {site.folder}: its unit '{settings.unit}' has the key {VerifyKey(known.sign).fingerprint}, "
            f"and this one {own[0].signing.verify_key.fingerprint}: name the site where this unit is enrolled"
        )
    check_authority(settings, site)
    site.authority_keys()


def _check_card(card: Path, settings: UnitConfig) -> None:
    """That the unit's request can lie there, and nothing of another unit does, before it makes keys.

    Raises InputError, TrustError: another unit's card; StorageError: nothing can be written there.
    """
    if card.exists() and not card.is_dir():
        raise InputError(f"--card {card}: not a folder: name the one on the card")
    for one in _named_on(card):
        if (one.site, one.unit) != (settings.site, settings.unit):
            raise TrustError(
                f"--card {card}: the card of unit '{one.unit}' of site '{one.site}', and this is '{settings.unit}' "
                f"of '{settings.site}': bring this unit's own, or an empty folder"
            )
    make_folder(card)
    try:
        with TemporaryFile(dir=card):
            pass
    except OSError as error:
        raise StorageError(f"--card {card}: nothing can be written there: {error.strerror}") from None


def _named_on(card: Path) -> Iterator[Ticket | Enrolment]:
    """Whose card it says to be; a request or paper that is damaged says nothing: it is written again."""
    if (card / TICKET).exists():
        yield read_ticket(card)
    for path in (card / REQUEST, card / PAPERS / papers.ENROLMENT):
        with suppress(TrustError):
            yield admit.read_request(read_bounded(path))


def _next_keys(settings: UnitConfig, place: KeyPlace) -> KeyRing:
    """Those made before and not in their place yet, or never used; else new ones."""
    waiting = place.next()
    if waiting is not None:
        _say("new keys: again: they wait for the site's papers")
        return waiting
    own = place.own()
    if not _is_told(settings, own):
        _say("new keys: again: the unit has them, and was not started since")
        return own
    fresh = KeyRing.generate(own.site, "unit", own.name)
    place.keep_next(fresh)
    _say("new keys: done")
    return fresh


def _is_told(settings: UnitConfig, own: KeyRing) -> bool:
    """Whether the chain names these keys: only then may the ones before go, and others come."""
    state = settings.path(settings.paths.state)
    path = state / BEFORE_FILE
    if not path.exists() or load_keys(path, "unit").signing.verify_key == own.signing.verify_key:
        return True
    outbox = Outbox(state, settings.outbox.max_entries)
    try:
        return is_told(outbox, own.signing.verify_key)
    finally:
        outbox.close()


def _by_site(site: Site, place: KeyPlace, fresh: KeyRing) -> Papers:
    own = place.own()
    request = identity.request(fresh, own) if own.signing.verify_key != fresh.signing.verify_key else None
    asked = identity.certificate_asked(Path(), fresh.name, place.tls_key())
    return _enrol(site, fresh.name, request or identity.request(fresh), asked)


def _by_card(card: Path, settings: UnitConfig, place: KeyPlace, fresh: KeyRing) -> Papers | None:
    """None while the site's papers are not there."""
    given = papers.read(card / PAPERS) if (card / PAPERS).is_dir() else {}
    if papers.ENROLMENT in given and _names(given[papers.ENROLMENT], fresh):
        return given
    if place.next() is None:
        raise ConfigError(
            f"{settings.folder}: the unit was not started since its last rotation: start it once"
        )
    asked = identity.certificate_asked(settings.folder, fresh.name, place.tls_key())
    replace_file(card / ASKED, asked)
    replace_file(card / OWN, own_request(fresh, asked))
    replace_file(card / REQUEST, identity.request(fresh, place.own()))
    return None


def own_request(ring: KeyRing, asked: bytes) -> bytes:
    """That this request for a certificate is the unit's, signed by it. Raises TrustError: too large."""
    return sign_note(KIND, OwnRequest(ring.site, ring.name, manifest.sha256(asked)), [ring])


def _asked_by(enrolment: Enrolment, card: Path) -> bytes:
    """The unit's request for a certificate. Raises TrustError: none, or one that its key has not signed for."""
    asked = read_bounded(card / ASKED)
    try:
        own = open_note(read_bounded(card / OWN), KIND, OwnRequest, [admit.signer_named(enrolment)])
    except NoteError as error:
        raise TrustError(f"{card / OWN}: {error}: let the unit write its request again") from None
    if own != OwnRequest(enrolment.site, enrolment.unit, manifest.sha256(asked)):
        raise TrustError(f"{card / ASKED}: not the unit's own: let the unit write its request again")
    return asked


def _names(note: bytes, ring: KeyRing) -> bool:
    try:
        return admit.read_request(note).sign == ring.signing.verify_key.raw
    except TrustError:
        return False


def _sign_card(site: Site, card: Path) -> VerifyKey:
    request = read_bounded(card / REQUEST)
    asked = admit.read_request(request)
    given = _enrol(site, asked.unit, request, _asked_by(asked, card))
    papers.write(card / PAPERS, given)
    _say(
        f"unit '{asked.unit}': its papers are on the card: run `make rotate DIR --card` on the unit once more"
    )
    return VerifyKey(asked.sign)


def _enrol(site: Site, unit: str, request: bytes, certificate_request: bytes) -> dict[str, bytes]:
    """Papers for the new key, after the old one was seen to have signed it. The old one is retired first."""
    asked, known = admit.read_request(request), site.enrolment(unit)
    authority = site.authority_keys()
    if (known.sign, known.box) == (asked.sign, asked.box):
        _say(f"unit '{unit}': again: it is enrolled with these keys")
        enrolment = read_bounded(site.units_dir / f"{unit}.note")
        return papers.issue(site, unit, enrolment, certificate_request)
    admit.check_rotation(site, asked, known)
    open_note(request, KINDS[Enrolment], Enrolment, [admit.signer_named(known)])
    given = papers.issue(site, unit, add_signature(request, authority), certificate_request)
    paper = Retirement(now(SystemClock()), site.name, unit, known.sign, "rotated", "rotated")
    retired.retire(site, authority, paper)
    admit.replace(site, unit, given[papers.ENROLMENT])
    _say(f"unit '{unit}': done: enrolled with its new keys; the old ones are refused from now on")
    return given


def _say(text: str) -> None:
    print(text, file=sys.stderr)

"""`stillroom make decommission erase|take`: the end of a unit: it erases itself and signs that; the site marks it gone.

That the receipt can be written is tried first. Then the data goes, then the receipt is signed by the key that goes
next; then the key. Whoever is interrupted runs it again: what runs before erased stays noted, and is counted.
What was on the card is overwritten once and removed; flash keeps blocks of its own beside, which only destroying the
card, or its own command of erasing, reaches.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from stillroom import config
from stillroom.clock import SystemClock
from stillroom.config import UnitConfig
from stillroom.document_forms import Time, now, whole_seconds_utc
from stillroom.errors import EXIT_OK, ConfigError, StorageError, TrustError
from stillroom.files import (
    MAX_FILE_BYTES,
    lock_folder,
    make_folder,
    read_bounded,
    replace_file,
    write_new,
)
from stillroom.keeper.outbox import Outbox
from stillroom.keys import KeyRing
from stillroom.note_reading import Signer, decode, open_note, split
from stillroom.notes import sign_note
from stillroom.overwrite import GONE, destroy, files_in
from stillroom.public_keys import PlainName, RawKey, VerifyKey
from stillroom_tools.make.identity import UNIT_FILE
from stillroom_tools.make.key_place import place_of
from stillroom_tools.site import retired, shut_out
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.retired import Retirement

HELP = "the end of a unit: erase its card, keep its receipt, mark it gone"
KIND = "receipt"
KEEPERS_LOCK = "keeper.lock"
BEGUN = "erasing.json"


class Receipt(Struct, frozen=True, forbid_unknown_fields=True):
    """What a unit says last. Signed before its key goes, after all else has gone."""

    at: Time
    site: PlainName
    unit: PlainName
    sign: RawKey
    files: int
    """Erased, by this run and those before it that were interrupted."""
    waiting: int
    """Entries that the gateway never had, and that are lost."""

    def __post_init__(self) -> None:
        whole_seconds_utc(self.at)


class Begun(Struct, frozen=True):
    """What an erasure has set out to do, on the disk before the first file goes."""

    files: frozenset[str] = frozenset()
    """As they were named, relative to the unit's folder where they lie in it."""
    waiting: int = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    erase = choices.add_parser("erase", help="on the unit: erase it, and write its receipt elsewhere")
    erase.add_argument("folder", type=Path, metavar="DIR", help="the unit's folder")
    erase.add_argument("--unit", required=True, metavar="ID", help="its id, so that no other is erased")
    erase.add_argument("--out", type=Path, required=True, metavar="FILE", help="the receipt, outside of DIR")
    erase.add_argument(
        "--lose-waiting", action="store_true", help="also where entries wait that the gateway has not got"
    )
    take = choices.add_parser("take", help="at the site: keep a receipt, and mark its unit gone")
    take.add_argument("receipt", type=Path, metavar="FILE", help="what the unit wrote")
    take.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, TrustError, StorageError."""
    return _erase(options) if options.what == "erase" else _take(options)


def _erase(options: argparse.Namespace) -> int:
    """Prints the fingerprint of the key that is gone."""
    folder, out = options.folder.resolve(), options.out.resolve()
    if out.is_relative_to(folder):
        raise ConfigError(f"--out {options.out}: lies in the unit that is erased: name a file elsewhere")
    if not (folder / UNIT_FILE).exists():
        return _is_gone(folder, out, options.unit)
    settings = config.load(folder / UNIT_FILE)
    if settings.unit != options.unit:
        raise ConfigError(f"--unit '{options.unit}': the unit '{settings.unit}' is here: nothing was erased")
    place = place_of(settings)
    if place.there():
        _sign(settings, place.own(), out, options.lose_waiting)
    receipt = _own_receipt(out, settings.unit)
    for path in [*place.files(), *sorted(folder.glob(f"*{BEGUN}*")), folder / UNIT_FILE]:
        destroy(path)
    _say(
        f"unit '{receipt.unit}': done: its key is gone; give {out} to the site, and destroy or reuse the card"
    )
    print(VerifyKey(receipt.sign).fingerprint)
    return EXIT_OK


def _sign(settings: UnitConfig, ring: KeyRing, out: Path, lose_waiting: bool) -> None:
    """All but keys and configuration goes; then the receipt is on the disk."""
    state = settings.path(settings.paths.state)
    waiting = _waiting(settings, state)
    if waiting and not lose_waiting:
        raise ConfigError(
            f"{state}: {waiting} entries wait that the gateway has not got: let the unit run until they are delivered, "
            "or add --lose-waiting"
        )
    _try(out, ring.name)
    paths = settings.paths
    # What says how many entries wait goes last, so that an interrupted run can be begun again.
    places = [settings.path(name) for name in (paths.trust, paths.run, "tls", "models", paths.state)]
    files = [path for place in places for path in files_in(place)]
    begun = _begin(settings.folder, files, waiting)
    for path in files:
        destroy(path)
    count, sign = len(begun.files), ring.signing.verify_key.raw
    said = Receipt(now(SystemClock()), ring.site, ring.name, sign, count, begun.waiting)
    replace_file(out, sign_note(KIND, said, [ring]))
    _say(f"unit '{ring.name}': {count} files erased; the receipt is {out}")


def _try(out: Path, unit: str) -> None:
    """That the receipt can be written, while all is still there. Raises StorageError, TrustError: another's file."""
    if os.path.lexists(out):
        _own_receipt(out, unit)
    tried = out.with_name(f".{out.name}.{os.urandom(4).hex()}")
    try:
        make_folder(out.parent)
        write_new(tried, bytes(MAX_FILE_BYTES))
        tried.unlink()
    except (StorageError, OSError) as error:
        raise StorageError(
            f"--out {out}: nothing was erased, since no receipt can be kept there: {error}"
        ) from None


def _begin(folder: Path, files: Sequence[Path], waiting: int) -> Begun:
    """What this run will erase, beside what runs before it did; noted. Raises StorageError."""
    before, path = Begun(), folder / BEGUN
    if path.exists():
        try:
            before = msgspec.json.decode(path.read_bytes(), type=Begun)
        except (msgspec.MsgspecError, OSError) as error:
            raise StorageError(
                f"{path}: damaged ({error}): remove it; its files are then not counted"
            ) from None
    names = {os.path.relpath(one, folder).removesuffix(GONE) for one in files}
    begun = Begun(before.files | names, max(before.waiting, waiting))
    replace_file(path, msgspec.json.encode(begun), 0o600)
    return begun


def _waiting(settings: UnitConfig, state: Path) -> int:
    """Entries that are not delivered. Raises StorageError: a keeper runs."""
    if not state.is_dir() or not any(state.glob("*.db")):
        os.close(lock_folder(state, KEEPERS_LOCK, "keeper", "paths.state"))
        return 0
    outbox = Outbox(state, settings.outbox.max_entries)
    try:
        return outbox.waiting
    finally:
        outbox.close()


def _is_gone(folder: Path, out: Path, unit: str) -> int:
    """Run again after the end."""
    if not out.exists():
        raise ConfigError(f"{folder}: no unit here")
    receipt = _own_receipt(out, unit)
    for path in files_in(folder):
        if path.suffix == GONE:
            destroy(path)
    _say(f"unit '{unit}': again: it is gone, and {out} is its receipt")
    print(VerifyKey(receipt.sign).fingerprint)
    return EXIT_OK


def _own_receipt(path: Path, unit: str) -> Receipt:
    receipt = read_receipt(path)
    if receipt.unit != unit:
        raise TrustError(f"{path}: the receipt of unit '{receipt.unit}': name another file")
    return receipt


def read_receipt(path: Path) -> Receipt:
    """Signed with the key that it names. Raises TrustError that names the file."""
    note = read_bounded(path)
    try:
        said = decode(split(note)[0], KIND, Receipt)
        return open_note(note, KIND, Receipt, [Signer(f"{said.site}/{said.unit}", VerifyKey(said.sign))])
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from None


def _take(options: argparse.Namespace) -> int:
    """Prints the unit's id."""
    site = open_site(options.site)
    receipt = read_receipt(options.receipt)
    if receipt.site != site.name:
        raise TrustError(f"{options.receipt}: of site '{receipt.site}', and this is '{site.name}'")
    key = VerifyKey(receipt.sign)
    if retired.find(site, key) is None and site.enrolment(receipt.unit).sign != receipt.sign:
        raise TrustError(
            f"{options.receipt}: signed with {key.fingerprint}, which is not the key of unit '{receipt.unit}' here"
        )
    paper = Retirement(now(SystemClock()), site.name, receipt.unit, receipt.sign, "gone", "decommissioned")
    new = retired.retire(site, site.authority_keys(), paper)
    place = retired.place_of(site, receipt.unit, key, "receipt.note")
    if not place.exists():
        replace_file(place, read_bounded(options.receipt))
    _say(f"unit '{receipt.unit}': {'done: gone' if new else 'again: it counted no longer already'}")
    _say(shut_out.say(site))
    print(receipt.unit)
    return EXIT_OK


def _say(text: str) -> None:
    print(text, file=sys.stderr)

"""Keys of units that count no longer: revoked, rotated, or of a unit that is gone. Signed, and kept for good.

`retired/UNIT.KEYID.note` says so, `retired/UNIT.KEYID.enrolment.note` is what the unit was enrolled by: records that it
signed then are still checked with it. A key that stands here is never enrolled again.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from msgspec import Struct

from stillroom.document_forms import Code, Time, whole_seconds_utc
from stillroom.documents import Enrolment, read_enrolment
from stillroom.errors import TrustError
from stillroom.files import make_folder, read_bounded, replace_file
from stillroom.keys import KeyRing
from stillroom.note_reading import open_note
from stillroom.notes import sign_note
from stillroom.public_keys import PlainName, RawKey, VerifyKey
from stillroom_tools.site.layout import Site

KIND = "retirement"
Why = Literal["revoked", "rotated", "gone"]


class Retirement(Struct, frozen=True, forbid_unknown_fields=True):
    """From `at` on nothing counts that is signed with this key of this unit."""

    at: Time
    site: PlainName
    unit: PlainName
    sign: RawKey
    why: Why
    reason: Code
    """revoked: a code such as `stolen`; rotated: `rotated`; gone: `decommissioned`."""

    def __post_init__(self) -> None:
        whole_seconds_utc(self.at)


@dataclass(frozen=True)
class Retired:
    """One key that counts no longer, with the enrolment that it had."""

    paper: Retirement
    enrolment: Enrolment

    @property
    def key(self) -> VerifyKey:
        return VerifyKey(self.paper.sign)


def folder_of(site: Site) -> Path:
    return site.folder / "retired"


def place_of(site: Site, unit: str, key: VerifyKey, ending: str) -> Path:
    """Of one key: ending `note`, `enrolment.note` or `receipt.note`."""
    return folder_of(site) / f"{unit}.{key.id.hex()}.{ending}"


def find(site: Site, key: VerifyKey) -> Retirement | None:
    """Whether this key was retired, of whatever unit. Raises TrustError: damaged."""
    found = [path for path in folder_of(site).glob(f"*.{key.id.hex()}.note") if path.name.count(".") == 2]
    return _read(site, found[0]) if found else None


def all_of(site: Site) -> tuple[Retired, ...]:
    """All, the newest last. Raises TrustError for the first file that is not right."""
    found = []
    for path in sorted(folder_of(site).glob("*.note")):
        if path.name.count(".") == 2:  # UNIT.KEYID.note
            paper = _read(site, path)
            kept = place_of(site, paper.unit, VerifyKey(paper.sign), "enrolment.note")
            found.append(Retired(paper, read_enrolment(kept, site.authority())))
    return tuple(sorted(found, key=lambda one: one.paper.at))


def keys_of(site: Site, unit: str) -> list[bytes]:
    """All that a unit ever signed with here, the newest first. Raises TrustError: it was never enrolled."""
    before = [one.paper.sign for one in reversed(all_of(site)) if one.paper.unit == unit]
    enrolled = (site.units_dir / f"{unit}.note").exists() or not before
    return [site.enrolment(unit).sign, *before] if enrolled else before


def everybody(site: Site) -> list[str]:
    """Ids of the units enrolled now, and of those that once were. Raises TrustError."""
    return sorted({one.unit for one in site.enrolments()} | {one.paper.unit for one in all_of(site)})


def retire(site: Site, authority: KeyRing, paper: Retirement) -> bool:
    """Keep the enrolment aside, say why, and take it out of the site's units; whether there was anything to do.

    In this order, so that whoever is interrupted can begin again. Raises TrustError, StorageError.
    """
    key = VerifyKey(paper.sign)
    enrolled = site.units_dir / f"{paper.unit}.note"
    done = find(site, key)
    if done is None:
        make_folder(folder_of(site))
        replace_file(place_of(site, paper.unit, key, "enrolment.note"), read_bounded(enrolled))
        replace_file(place_of(site, paper.unit, key, "note"), sign_note(KIND, paper, [authority]))
    is_there = enrolled.exists() and site.enrolment(paper.unit).sign == paper.sign
    if is_there and paper.why != "rotated":  # then the new enrolment takes its place
        enrolled.unlink()
    return done is None or is_there


def _read(site: Site, path: Path) -> Retirement:
    try:
        paper = open_note(read_bounded(path), KIND, Retirement, [site.authority()])
    except TrustError as error:
        raise TrustError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None
    if paper.site != site.name:
        raise TrustError(f"{path}: of site '{paper.site}', and this is '{site.name}'")
    return paper

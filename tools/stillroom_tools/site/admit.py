"""Taking a unit into a site: the authority signs what the unit has signed of itself, once for each unit and key."""

from collections.abc import Iterable

from stillroom.documents import KINDS, Enrolment
from stillroom.errors import TrustError
from stillroom.files import read_bounded, replace_file, write_new
from stillroom.keys import KeyRing
from stillroom.note_reading import Signer, open_note, split
from stillroom.note_reading import decode as decode_text
from stillroom.notes import add_signature
from stillroom.public_keys import VerifyKey
from stillroom_tools.site import retired
from stillroom_tools.site.layout import Site, check_name


def read_request(note: bytes) -> Enrolment:
    """What a unit says of itself, signed with the key that it names. Raises TrustError."""
    text, _ = split(note)
    said = decode_text(text, KINDS[Enrolment], Enrolment)
    return open_note(note, KINDS[Enrolment], Enrolment, [signer_named(said)])


def signer_named(enrolment: Enrolment) -> Signer:
    """The unit as it signs."""
    return Signer(f"{enrolment.site}/{enrolment.unit}", VerifyKey(enrolment.sign))


def check(site: Site, asked: Enrolment, enrolled: Iterable[Enrolment] | None = None) -> bool:
    """Whether it is enrolled already. Raises TrustError: another site's, a retired key, a name or key that is taken.

    enrolled: the site's units, where the caller has read them.
    """
    check_name(asked.unit, "unit")
    if asked.site != site.name:
        raise TrustError(f"unit '{asked.unit}': made for site '{asked.site}', and this is '{site.name}'")
    if (site.units_dir / f"{asked.unit}.note").exists():
        known = site.enrolment(asked.unit)
        if (known.sign, known.box) == (asked.sign, asked.box):
            return True
        raise TrustError(
            f"{site.units_dir / asked.unit}.note: another unit has the id '{asked.unit}': choose another"
        )
    _check_key(site, asked, site.enrolments() if enrolled is None else enrolled)
    return False


def check_rotation(site: Site, asked: Enrolment, known: Enrolment) -> None:
    """Whether new keys can be those of an enrolled unit. Raises TrustError: another unit's, retired, or taken."""
    if (asked.site, asked.unit) != (known.site, known.unit):
        raise TrustError(f"new keys of unit '{asked.unit}' of '{asked.site}', where '{known.unit}' is due")
    _check_key(site, asked, site.enrolments())


def signed(
    site: Site, request: bytes, authority: KeyRing, enrolled: Iterable[Enrolment] | None = None
) -> bytes:
    """The enrolment of a unit that asks: the one there is, or its request with the authority's name under it.

    Raises TrustError as `check`; what is signed is not kept yet.
    """
    asked = read_request(request)
    if check(site, asked, enrolled):
        return read_bounded(site.units_dir / f"{asked.unit}.note")
    return add_signature(request, authority)


def keep(site: Site, unit: str, enrolment: bytes) -> bool:
    """Among the site's units from now on; False where it was. Raises TrustError, StorageError."""
    path = site.units_dir / f"{unit}.note"
    if path.exists() and read_bounded(path) == enrolment:
        return False
    write_new(path, enrolment, 0o644)
    return True


def replace(site: Site, unit: str, enrolment: bytes) -> None:
    """In place of the one of its keys before. Raises StorageError."""
    replace_file(site.units_dir / f"{unit}.note", enrolment)


def _check_key(site: Site, asked: Enrolment, enrolled: Iterable[Enrolment]) -> None:
    key = VerifyKey(asked.sign)
    gone = retired.find(site, key)
    if gone is not None:
        raise TrustError(
            f"unit '{asked.unit}': its key {key.fingerprint} was retired ({gone.why}, {gone.reason}): make it new keys"
        )
    twin = next((one.unit for one in enrolled if one.sign == asked.sign), None)
    if twin is not None:
        raise TrustError(
            f"unit '{asked.unit}': has the key of unit '{twin}', which is enrolled: make each unit its own keys"
        )

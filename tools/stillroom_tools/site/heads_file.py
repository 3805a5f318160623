"""What an advocate keeps: each head that he was told, and when; what was seen of each unit, against replays.

A head commits to every link before it, so that a chain which contains the newest contains all, unless it began anew
in between. Lines of JSON: whose file it is, then a line for each unit's key. It holds nothing of the records.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from stillroom.chain import FIRST_HEAD
from stillroom.clock import MS_PER_S, utc_text
from stillroom.config import Name
from stillroom.documents import Enrolment
from stillroom.errors import InputError, StorageError, TrustError
from stillroom.files import replace_file
from stillroom.public_keys import fingerprint
from stillroom.replay import Seen
from stillroom_tools.site.audit_file import Head, Hex32, Link
from stillroom_tools.site.audit_keys import Keys
from stillroom_tools.site.line_file import read_lines

KIND = "heads/1"
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_HEADS = 10_000
"""Of one unit, some months; then of the older half one an hour is kept, the newest."""
HOUR_MS = 3_600 * MS_PER_S

Moment = Annotated[int, Meta(ge=0, le=2**53)]


class Owner(Struct, frozen=True, forbid_unknown_fields=True):
    """The first line."""

    stillroom: str
    site: Name
    advocate: Name


class Told(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A head, and when it was told for the first time, by the advocate's clock."""

    at_ms: Moment
    head: Hex32


class Heads(Struct, forbid_unknown_fields=True):
    """A further line: what one unit has told, in its order."""

    unit: Name
    key: Annotated[str, Meta(pattern=r"\A[a-z2-7-]{39}\Z")]
    """The fingerprint of the unit's key, as on its label."""
    heard_ms: Moment = 0
    """When it last told a head, the same or another."""
    seen: Annotated[str, Meta(pattern=r"\A[0-9a-f]*\Z", max_length=2_048)] = ""
    told: list[Told] = []

    def add(self, head: bytes, at_ms: int) -> bool:
        """Whether it is another than the one before."""
        self.heard_ms = at_ms
        if head == FIRST_HEAD or (self.told and self.told[-1].head == head.hex()):
            return False
        self.told.append(Told(at_ms, head.hex()))
        if len(self.told) > MAX_HEADS:
            half = len(self.told) // 2
            self.told = [*_one_an_hour(self.told[:half]), *self.told[half:]]
        return True


class HeadsFile:
    """In memory; `write` puts it on the disk whole. A `ReplayStore` for the units enrolled."""

    def __init__(self, path: Path, owner: Owner, enrolments: Iterable[Enrolment]) -> None:
        """Goes on with the file where there is one. Raises InputError, TrustError (another's)."""
        self._path, self._owner = path, owner
        self._kept: dict[str, Heads] = {}
        if path.exists():
            found, self._kept = read(path)
            if found != owner:
                raise TrustError(f"{path}: of {found.advocate} of site '{found.site}': name another file")
        self._keys = {one.unit: fingerprint(one.sign) for one in enrolments}

    def of(self, unit: str) -> Heads:
        key = self._keys[unit]
        return self._kept.setdefault(key, Heads(unit, key))

    def load(self, unit: str) -> Seen | None:
        seen = self.of(unit).seen
        try:
            return Seen.from_bytes(bytes.fromhex(seen)) if seen else None
        except (ValueError, StorageError):
            raise InputError(f"{self._path}: unit '{unit}': 'seen' is damaged: restore the file") from None

    def save(self, unit: str, seen: Seen) -> None:
        self.of(unit).seen = seen.to_bytes().hex()

    def write(self) -> None:
        """Raises StorageError."""
        lines = [msgspec.json.encode(one) for one in (self._owner, *self._kept.values())]
        replace_file(self._path, b"\n".join(lines) + b"\n", 0o600)


def read(path: Path) -> tuple[Owner, dict[str, Heads]]:
    """By fingerprint. Raises InputError: absent, too large, or not such a file; names the line."""
    owner, units = read_lines(path, "a file of heads", KIND, MAX_FILE_BYTES, Owner, Heads)
    return owner, {one.key: one for one in units}


def compare(file: Path, head: Head, links: Sequence[Link], path: Path, keys: Keys) -> str:
    """That a chain which verifies holds every head that its unit told the advocate, in order.

    Under whichever key it told them: whoever has its newest key alone can write a chain that names another as the one
    before, and cannot make it lead to heads which the true one has told. keys: the chain's. One line about how far that
    goes. Raises InputError; TrustError where the chain was cut off or rewritten, or where the advocate was told nothing
    by this unit.
    """
    owner, known = read(path)
    units = [one for one in known.values() if (owner.site, one.unit) == (head.site, head.unit)]
    if not any(one.told for one in units if one.key in keys.fingerprints):
        raise TrustError(
            f"{path}: no head of this unit in it: nothing is known that its chain could be held to"
        )
    told = [one for unit in units for one in unit.told]
    places = {link.head: link.index for link in links}
    last = 0
    for one in told:
        place = places.get(one.head, 0)
        if place <= last:
            raise TrustError(f"{file}: {_what_is_wrong(links, last, one)}")
        last = place
    more = links[-1].index - last
    return (
        f"held to {len(told)} heads told from {utc_text(told[0].at_ms)} on: each is in it, in order; "
        f"the newest is link {last}, last told {utc_text(max(one.heard_ms for one in units))}"
        + (f"; for the {more} links after it only the unit's signature stands" if more else "")
    )


def _what_is_wrong(links: Sequence[Link], last: int, one: Told) -> str:
    told = f"on {utc_text(one.at_ms)} the unit told a head that is not"
    if last == links[-1].index:
        return (
            f"CUT OFF after link {last}: {told} in it: links are missing at its end (or were not yet delivered "
            "when it was written: ask for a new file, once)"
        )
    if last == 0:
        return f"CUT OFF OR REWRITTEN: {told} in it, nor does any that came before: ask for the whole chain"
    return f"REWRITTEN after link {last}: {told} there: another chain follows from that link on"


def _one_an_hour(told: Sequence[Told]) -> list[Told]:
    """The newest of each hour."""
    return list({one.at_ms // HOUR_MS: one for one in told}.values())

"""What a unit's label says: model, serial, fingerprint of its key. All of it is public; no address, no password.

In the square: `STILLROOM/1 MODEL SERIAL FINGERPRINT` in letters that QR codes hold densely (alphanumeric mode).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from stillroom.errors import TrustError

_FORM = re.compile(
    r"STILLROOM/1 ([A-Z0-9][A-Z0-9-]{0,23}) ([A-Z0-9][A-Z0-9-]{0,23}) ([A-Z2-7]{4}(?:-[A-Z2-7]{4}){7})"
)
ERROR_CORRECTION = "m"
"""A seventh of the square may be scratched."""
QUIET = 4
"""Modules of white around it, which readers need (ISO/IEC 18004)."""


@dataclass(frozen=True)
class Label:
    """One unit's. fingerprint: eight groups of four of a-z 2-7, as `VerifyKey.fingerprint` gives it."""

    model: str
    serial: str
    fingerprint: str

    @property
    def coded(self) -> str:
        """What the square holds."""
        return f"STILLROOM/1 {self.model} {self.serial} {self.fingerprint.upper()}"

    @property
    def lines(self) -> tuple[str, ...]:
        """What people read beside it: the fingerprint in two lines."""
        groups = self.fingerprint.split("-")
        return self.model, self.serial, "-".join(groups[:4]), "-".join(groups[4:])


def parse(coded: str) -> Label:
    """What a square holds. Raises TrustError: not one of our labels."""
    found = _FORM.fullmatch(coded)
    if found is None:
        raise TrustError("a square that is no label of a unit: the text in it has another form")
    return Label(found[1], found[2], found[3].lower())


@lru_cache(2048)
def modules(label: Label) -> tuple[tuple[bool, ...], ...]:
    """The square, True where it is black, with no white around it."""
    import segno

    code = segno.make(label.coded, error=ERROR_CORRECTION, boost_error=True, micro=False)
    return tuple(tuple(bool(module) for module in row) for row in code.matrix)

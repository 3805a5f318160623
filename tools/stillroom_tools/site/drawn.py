"""Zones that an installer drew at the ward board, for whoever signs: `board/zones/UNIT.json` of a site.

A drawing changes nothing. The board cannot sign a configuration, the authority can: `stillroom site configure --drawn`.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from stillroom import outline
from stillroom.errors import ConfigError
from stillroom.files import make_folder, read_private, replace_file
from stillroom.keeper.settings import corners
from stillroom.orders import Outline
from stillroom.public_keys import PlainName
from stillroom_tools.site.layout import Site

ZONES = ("bed", "floor")
"""Those that can be changed of a unit from afar."""


class Drawn(Struct, frozen=True, forbid_unknown_fields=True):
    """One unit's. Corners in thousandths of the picture's width and height; None: was not drawn."""

    by: PlainName
    at_ms: int
    bed: Outline | None
    floor: Outline | None


def parse(text: str, what: str) -> Outline | None:
    """`[[0.1, 0.2], ...]`, shares of the picture, as corners; None where it is empty. Raises ConfigError."""
    if not text.strip():
        return None
    allowed = f"{what}: 3 to 32 corners [x, y], each 0 to 1, are needed"
    try:
        shares = msgspec.json.decode(text, type=list[tuple[float, float]])
        found = msgspec.convert([[round(x * 1000), round(y * 1000)] for x, y in shares], Outline)
    except (msgspec.MsgspecError, ValueError, OverflowError):
        raise ConfigError(allowed) from None
    wrong = outline.fault(corners(found))
    if wrong:
        raise ConfigError(f"{what}: {wrong}")
    return found


def read(site: Site, unit: str) -> Drawn | None:
    """The newest drawing of a unit. Raises TrustError, ConfigError: damaged."""
    path = _path(site, unit)
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(read_private(path), type=Drawn)
    except msgspec.MsgspecError:
        raise ConfigError(f"{path}: damaged: draw these zones again") from None


def write(site: Site, unit: str, drawn: Drawn) -> None:
    """In place of the drawing before. Raises StorageError."""
    path = _path(site, unit)
    make_folder(path.parent)
    replace_file(path, msgspec.json.encode(drawn), 0o600)


def _path(site: Site, unit: str) -> Path:
    return site.folder / "board" / "zones" / f"{unit}.json"

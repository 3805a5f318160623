"""`stillroom check FILE --authority FINGERPRINT`: a unit of an earlier version is told, for good, whom it obeys.

Earlier versions kept that key in the trust folder, where its keeper may write; now it counts in `unit.toml` alone. Of
the old file nothing is believed that somebody has not compared: what he types is the fingerprint of the site's own.
"""

import re
import tomllib
from pathlib import Path

from stillroom.config import UnitConfig, load
from stillroom.documents import read_signer
from stillroom.errors import ConfigError, TrustError
from stillroom.files import read_bounded, replace_file
from stillroom.note_reading import Signer
from stillroom.permits import EARLIER_FILE, authority_of, open_roster
from stillroom.public_keys import check_fingerprint

_EMPTY = re.compile(r'^[ \t]*authority[ \t]*=[ \t]*(""|\'\')', re.MULTILINE)
_UNIT = re.compile(r"^[ \t]*unit[ \t]*=.*$", re.MULTILINE)
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)


def pin(path: Path, fingerprint: str) -> Signer:
    """Whom the unit of this `unit.toml` obeys from now on; where it obeys him already, nothing is changed.

    Raises ConfigError; TrustError: the fingerprint is another's, the unit's roster is not signed with that key, or the
    file is of another site; StorageError.
    """
    fingerprint = check_fingerprint(fingerprint, "`site new` printed them", "--authority")
    unit = load(path)
    if unit.authority:
        authority = authority_of(unit)
        _check(path, authority, fingerprint)
        return authority
    earlier = unit.path(unit.paths.trust) / EARLIER_FILE
    authority = read_signer(earlier)
    _check(earlier, authority, fingerprint)
    if authority.site != unit.site:
        raise TrustError(f"{earlier}: of site '{authority.site}', and 'site' in {path} is '{unit.site}'")
    _check_roster(unit, authority)
    _write(path, authority.text)
    return authority


def _check(where: Path, authority: Signer, fingerprint: str) -> None:
    if authority.fingerprint != fingerprint:
        raise TrustError(
            f"{where}: the authority there is {authority.fingerprint}, not {fingerprint}: compare it with the site's "
            "own, which `site new` printed and each of its other units tells (`stillroom explain`)"
        )


def _check_roster(unit: UnitConfig, authority: Signer) -> None:
    """Its time does not count here: a unit that lay in a drawer is told whom it obeys, too."""
    path = unit.path(unit.paths.trust) / "roster.note"
    try:
        open_roster(read_bounded(path), authority)
    except TrustError as error:
        raise TrustError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from None


def _write(path: Path, line: str) -> None:
    """The one line, and every other as it was, comments too; owner and mode stay."""
    text = path.read_bytes().decode()
    table = _TABLE.search(text)
    top, rest = (text[: table.start()], text[table.start() :]) if table else (text, "")
    pinned = f'authority = "{line}"'
    found = _EMPTY.sub(lambda _: pinned, top, count=1)
    if found == top:
        found = _UNIT.sub(lambda match: f"{match[0]}\n{pinned}", top, count=1)
    try:
        same = tomllib.loads(found + rest) == tomllib.loads(text) | {"authority": line}
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        raise ConfigError(f"{path}: no place for it was found: add the line {pinned} above the first table")
    there = path.stat()
    replace_file(path, (found + rest).encode(), there.st_mode & 0o777, (there.st_uid, there.st_gid))

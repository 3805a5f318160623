"""Keys of people who make and mount units, locked by a passphrase: argon2id and a secret box, through libsodium.

Who has lost the passphrase makes a new key and tells those who know the old one's fingerprint: nothing opens it.
"""

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from nacl import exceptions, pwhash, secret

from stillroom.errors import ConfigError, TrustError
from stillroom.files import read_bounded, read_private, write_new
from stillroom.keys import SECRET_KIND, KeyRing, Role, encode_keys, other_role, parse_keys
from stillroom.note_reading import parse_signer

_KIND = b"stillroom/1 locked secret\n"
_DAMAGED = "not a locked key, or damaged: restore it from its backup; `stillroom make key` makes one"
LEAST, MOST = 12, 256
_OPS, _MEMORY = pwhash.argon2id.OPSLIMIT_MODERATE, pwhash.argon2id.MEMLIMIT_MODERATE


class Locked(Struct, frozen=True, forbid_unknown_fields=True):
    """site, role: as the key inside has them, for a refusal before anybody is asked for a passphrase; files of earlier
    versions do not tell. What counts is inside.
    """

    ops: Annotated[int, Meta(ge=1, le=64)]
    memory: Annotated[int, Meta(ge=8_192, le=2**30)]
    """What a try of a passphrase costs; another version may ask for more."""
    salt: Annotated[bytes, Meta(min_length=16, max_length=16)]
    box: bytes
    site: str | None = None
    role: Role | None = None


def save(path: Path, ring: KeyRing, passphrase: str) -> None:
    """Mode 0600, never in place of another. Raises ConfigError: a passphrase too short; TrustError, StorageError."""
    if not LEAST <= len(passphrase) <= MOST:
        raise ConfigError(f"a passphrase of {len(passphrase)} characters: {LEAST} to {MOST} are needed")
    empty = Locked(_OPS, _MEMORY, os.urandom(16), b"", ring.site, ring.role)
    box = bytes(secret.SecretBox(_derived(passphrase, empty)).encrypt(encode_keys(ring)))
    write_new(path, _KIND + msgspec.json.encode(msgspec.structs.replace(empty, box=box)) + b"\n")


def load(path: Path, passphrase: str, *roles: Role) -> KeyRing:
    """Raises TrustError: absent, readable by others, damaged, not the passphrase, or of none of these roles."""
    locked = look(path, *roles)
    try:
        plain = secret.SecretBox(_derived(passphrase, locked)).decrypt(locked.box)
    except exceptions.CryptoError:
        raise TrustError(
            f"{path}: not this passphrase: try again; where it is lost, make a new key with `stillroom make key` and "
            "tell facilities its fingerprint: units and labels stay as they are, the manifest is signed anew"
        ) from None
    except ValueError:
        raise TrustError(f"{path}: {_DAMAGED}") from None
    return parse_keys(path, plain, *roles)


def look(path: Path, *roles: Role) -> Locked:
    """What can be told without the passphrase. Raises TrustError as `load` does, but for a wrong passphrase."""
    if _is_public(read_bounded(path)):
        raise TrustError(
            f"{path}: a public file, which signs nothing: name the key that was made with it, NAME.key"
        )
    data = read_private(path)
    try:
        if not data.startswith(_KIND):
            raise ValueError
        locked = msgspec.json.decode(data[len(_KIND) :], type=Locked)
    except (ValueError, msgspec.MsgspecError):
        if data.startswith(SECRET_KIND):
            parse_keys(path, data, *roles)  # of whom it is, where of somebody else
        raise TrustError(f"{path}: {_DAMAGED}") from None
    if locked.role is not None and locked.role not in roles:
        raise other_role(path, locked.role, roles)
    return locked


def opened(path: Path, file: Path | None, *roles: Role) -> KeyRing:
    """With the passphrase in `file`, or asked for once it is known to be such a key. Raises ConfigError, TrustError."""
    look(path, *roles)
    return load(path, passphrase(file, path), *roles)


def _is_public(data: bytes) -> bool:
    try:
        parse_signer(data.partition(b"\n")[0].decode("ascii", "replace"))
    except TrustError:
        return False
    return True


def passphrase(file: Path | None, path: Path, *, twice: bool = False) -> str:
    """From a private file (its first line), or asked for where there is a terminal. Raises ConfigError, TrustError."""
    if file is not None:
        return read_private(file).decode("utf-8", "replace").partition("\n")[0]
    if not sys.stdin.isatty():
        raise ConfigError(
            f"{path}: its passphrase is needed: --passphrase-file FILE (mode 600), or a terminal"
        )
    given = getpass.getpass(f"passphrase of {path}: ")
    if twice and getpass.getpass("again: ") != given:
        raise ConfigError("the two are not the same: nothing was made")
    return given


def _derived(passphrase: str, locked: Locked) -> bytes:
    return pwhash.argon2id.kdf(
        32, passphrase.encode(), locked.salt, opslimit=locked.ops, memlimit=locked.memory
    )

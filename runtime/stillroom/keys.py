"""Keys: what signs, what seals and opens, and the files they lie in; beside the public ones of `public_keys.py`.

A secret never shows in a repr, an exception or a log. Python cannot wipe `bytes`: a secret lives until
its process ends, and the process is undumpable (`guard.py`).
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from nacl import bindings, exceptions

from stillroom.errors import TrustError
from stillroom.files import read_private, replace_file, write_new
from stillroom.public_keys import KEY_BYTES, SIGNATURE_BYTES, PlainName, RawKey, RecipientKey, VerifyKey

MAX_BOXES = 64
UNIT_KEY_FILE = "unit.key"

SECRET_KIND = b"stillroom/1 secret\n"

Role = Literal[
    "authority",
    "gateway",
    "board",
    "viewer",
    "manager",
    "advocate",
    "approver",
    "custodian",
    "unit",
    "maker",
    "installer",
]


class SigningKey:
    """An Ed25519 secret key, from its 32-byte seed."""

    __slots__ = ("_secret", "verify_key")

    def __init__(self, seed: bytes) -> None:
        public, self._secret = bindings.crypto_sign_seed_keypair(seed)
        self.verify_key = VerifyKey(public)

    @classmethod
    def generate(cls) -> "SigningKey":
        return cls(os.urandom(KEY_BYTES))

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature. Callers put a kind string first: no message of one kind is one of another."""
        return bindings.crypto_sign(message, self._secret)[:SIGNATURE_BYTES]

    def seed(self) -> bytes:
        """The secret, for a key file only."""
        return bindings.crypto_sign_ed25519_sk_to_seed(self._secret)

    def __repr__(self) -> str:
        return f"SigningKey({self.verify_key.id.hex()}, secret hidden)"


class BoxKey:
    """An X25519 secret key, which opens what was sealed to `public`."""

    __slots__ = ("_secret", "public")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.public = RecipientKey(bindings.crypto_scalarmult_base(secret))

    @classmethod
    def generate(cls) -> "BoxKey":
        return cls(os.urandom(KEY_BYTES))

    def open(self, sealed: bytes) -> bytes | None:
        """What was sealed to this key, or None."""
        try:
            return bindings.crypto_box_seal_open(sealed, self.public.raw, self._secret)
        except (exceptions.CryptoError, exceptions.TypeError):
            return None

    def secret(self) -> bytes:
        """The secret, for a key file only."""
        return self._secret

    def __repr__(self) -> str:
        return f"BoxKey({self.public.id.hex()}, secret hidden)"


class _SecretFile(Struct, frozen=True, forbid_unknown_fields=True):
    site: PlainName
    role: Role
    name: PlainName
    sign: RawKey
    boxes: Annotated[tuple[RawKey, ...], Meta(max_length=MAX_BOXES)]

    def __repr__(self) -> str:
        return f"_SecretFile({self.site}/{self.name}, secrets hidden)"


class KeyRing:
    """The secrets of one party: one signing key, and the box keys (one a period, or one) that open for it."""

    __slots__ = ("boxes", "name", "role", "signing", "site")

    def __init__(
        self, site: str, role: Role, name: str, signing: SigningKey, boxes: tuple[BoxKey, ...] = ()
    ) -> None:
        self.site, self.role, self.name = site, role, name
        self.signing = signing
        self.boxes = boxes

    @classmethod
    def generate(cls, site: str, role: Role, name: str, boxes: int = 1) -> "KeyRing":
        return cls(site, role, name, SigningKey.generate(), tuple(BoxKey.generate() for _ in range(boxes)))

    @property
    def note_name(self) -> str:
        """What signed notes call the signer."""
        return f"{self.site}/{self.name}"

    def __repr__(self) -> str:
        return f"KeyRing({self.role} {self.note_name} {self.signing.verify_key.id.hex()}, secrets hidden)"


def save_keys(path: Path, ring: KeyRing) -> None:
    """Write a key file, mode 0600, whole or not at all. Raises TrustError where one is there: never replaced."""
    write_new(path, encode_keys(ring))


def forget_boxes(path: Path, ring: KeyRing, public_keys: Collection[bytes]) -> int:
    """Rewrite a key file without the box keys of these public keys; how many went. Raises StorageError.

    The file system may keep the old bytes for a while: an encrypted disk is what makes them go.
    """
    kept = tuple(box for box in ring.boxes if box.public.raw not in public_keys)
    if len(kept) < len(ring.boxes):
        replace_boxes(path, ring, kept)
    return len(ring.boxes) - len(kept)


def replace_boxes(path: Path, ring: KeyRing, boxes: Collection[BoxKey]) -> None:
    """Rewrite a key file with these box keys and the same signing key. Raises TrustError (too many), StorageError."""
    if len(boxes) > MAX_BOXES:
        raise TrustError(f"{path}: {len(boxes)} box keys: at most {MAX_BOXES} in one file")
    replace_file(
        path, encode_keys(KeyRing(ring.site, ring.role, ring.name, ring.signing, tuple(boxes))), 0o600
    )


def encode_keys(ring: KeyRing) -> bytes:
    """What a key file holds: a secret."""
    secret = _SecretFile(
        site=ring.site,
        role=ring.role,
        name=ring.name,
        sign=ring.signing.seed(),
        boxes=tuple(box.secret() for box in ring.boxes),
    )
    return SECRET_KIND + msgspec.json.encode(secret) + b"\n"


def load_unit_keys(keys_dir: Path) -> KeyRing:
    """The unit's own, from `unit.key`. Raises TrustError as `load_keys` does."""
    return load_keys(keys_dir / UNIT_KEY_FILE, "unit")


def load_keys(path: Path, *roles: Role) -> KeyRing:
    """Read a key file. Raises TrustError: absent, readable by others, damaged, or of none of these roles."""
    return parse_keys(path, read_private(path), *roles)


def parse_keys(path: Path, data: bytes, *roles: Role) -> KeyRing:
    """What `encode_keys` made; `path` names it in errors. Raises TrustError: damaged, or of none of these roles."""
    try:
        if not data.startswith(SECRET_KIND):
            raise ValueError
        secret = msgspec.json.decode(data[len(SECRET_KIND) :], type=_SecretFile)
    except (ValueError, msgspec.MsgspecError):
        raise TrustError(f"{path}: not a key file, or damaged: restore it from its backup") from None
    if secret.role not in roles:
        raise other_role(path, secret.role, roles)
    boxes = tuple(BoxKey(raw) for raw in secret.boxes)
    return KeyRing(secret.site, secret.role, secret.name, SigningKey(secret.sign), boxes)


def other_role(path: Path, role: Role, wanted: Collection[Role]) -> TrustError:
    """The key at `path` is for a role, and one of others is needed."""
    return TrustError(f"{path}: a key for the role {role}, where one for {' or '.join(wanted)} is needed")

"""The bytes of a record: one size, opened by itself, bound to its lane. WIRE.md says the same for others to build.

A record is head, wraps, commitment, ciphertext, signature. The epoch's key travels in every record, wrapped once
an epoch for each recipient. Record key and commitment are one BLAKE2b-512 keyed by the epoch key over the head, which
holds lane, sender, boot, epoch and sequence (the transform of Bellare and Hoang 2022 that makes an AEAD
commit to its key): two recipients who open a record read the same body, whoever made it.

The nonce is zero. Each head is sealed once, so each record key is used once; a transmitted nonce would
cost 24 bytes of every record and protect only a sender that repeats a head, which `epochs.Stream` cannot.
"""

import enum
import itertools
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from nacl import bindings, exceptions

from stillroom.document_forms import MAX_WRAPS as MAX_WRAPS
from stillroom.errors import StillroomError, TrustError, WireError
from stillroom.hashes import digest, same
from stillroom.keys import BoxKey, SigningKey
from stillroom.public_keys import (
    KEY_ID_BYTES,
    SEALED_OVERHEAD_BYTES,
    SIGNATURE_BYTES,
    RecipientKey,
    VerifyKey,
)

RECORD_BYTES = 2048
MAGIC = b"STLR"
VERSION = 1
SUITE = 1
"""Ed25519, sealed boxes (X25519, XSalsa20-Poly1305), XChaCha20-Poly1305, BLAKE2b."""
MAX_SEQUENCE = 2**53 - 1
BOOT_ID_BYTES = 16

_HEAD = struct.Struct(">4sBBBB8sII16sQ")
_LENGTH = struct.Struct(">H")
_EPOCH_KEY_BYTES = 32
_COMMITMENT_BYTES = 32
_WRAP_BYTES = KEY_ID_BYTES + _EPOCH_KEY_BYTES + SEALED_OVERHEAD_BYTES
_TAG_BYTES = bindings.crypto_aead_xchacha20poly1305_ietf_ABYTES
_NONCE = bytes(bindings.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
_SIGN_DOMAIN = b"stillroom/1 record\0"
_KEY_DOMAIN = b"stillroom/1 record key"


class Lane(enum.IntEnum):
    """Which way a record goes. A record of one lane is never one of another, whatever topic it came by."""

    UP = 1
    DOWN = 2
    VIEW = 3


class SealError(StillroomError):
    """A body that does not fit into a record."""


@dataclass(frozen=True, slots=True)
class Boot:
    """One start of a sender: a persistent counter and a random id. A second id under one number is a clone."""

    number: int
    id: bytes


def new_boot(number: int) -> Boot:
    """`number` must be larger than at any earlier start: count it on the disk before the first record leaves."""
    if not 0 <= number < 2**32:
        raise ValueError("a boot number has 32 bits")
    return Boot(number, os.urandom(BOOT_ID_BYTES))


@dataclass(frozen=True, slots=True)
class Epoch:
    """A random key and its wraps. The key is in memory only and gone when the epoch is."""

    boot: Boot
    index: int
    key: bytes = field(repr=False)
    wraps: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """A record taken apart; nothing in it is to be believed before `verify`."""

    lane: Lane
    sender: bytes
    boot: Boot
    epoch_index: int
    sequence: int
    wraps: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    """(recipient key id, sealed epoch key), in ascending order of id."""
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verified:
    """A record whose signature was checked. Only such a one can be opened."""

    record: Record


def body_capacity(recipients: int) -> int:
    """How many bytes of body fit into one record for so many recipients."""
    return _plain_bytes(recipients) - _LENGTH.size


def new_epoch(recipients: Iterable[RecipientKey], boot: Boot, index: int) -> Epoch:
    """A fresh key, wrapped for each recipient. Raises TrustError where there are none, or more than eight."""
    keys = sorted({recipient.id: recipient for recipient in recipients}.items())
    if index >= 2**32:
        raise TrustError("no epoch is left in this boot: start again")
    if not 1 <= len(keys) <= MAX_WRAPS:
        raise TrustError(
            f"{len(keys)} recipients: a record is sealed to 1 to {MAX_WRAPS}: correct the roster"
        )
    key = os.urandom(_EPOCH_KEY_BYTES)
    return Epoch(boot, index, key, b"".join(name + recipient.seal(key) for name, recipient in keys))


def with_heads(epoch: Epoch, advocates: Iterable[RecipientKey], head: bytes) -> Epoch:
    """The epoch with a wrap for each advocate, which holds an audit head where others have the epoch's key.

    A key that opens the epoch already stays as it is: no record has two wraps for one key.
    """
    wraps = [epoch.wraps[at : at + _WRAP_BYTES] for at in range(0, len(epoch.wraps), _WRAP_BYTES)]
    there = {wrap[:KEY_ID_BYTES] for wrap in wraps}
    told = {key.id: key for key in advocates if key.id not in there}
    return replace(
        epoch, wraps=b"".join(sorted([*wraps, *(name + key.seal(head) for name, key in told.items())]))
    )


def seal(lane: Lane, signer: SigningKey, epoch: Epoch, sequence: int, body: bytes) -> bytes:
    """One record of RECORD_BYTES. Never call it twice with one (lane, epoch, sequence); `epochs.Stream` can't.

    Raises SealError where the body is larger than `body_capacity` of the epoch's recipients.
    """
    wraps = len(epoch.wraps) // _WRAP_BYTES
    if len(body) > body_capacity(wraps):
        raise SealError(f"a body of {len(body)} bytes: {body_capacity(wraps)} fit into a record")
    if not 0 <= sequence <= MAX_SEQUENCE:
        raise ValueError("a sequence is 0 to 2**53 - 1")
    boot = epoch.boot
    sender = signer.verify_key.id
    head = _HEAD.pack(MAGIC, VERSION, SUITE, lane, wraps, sender, boot.number, epoch.index, boot.id, sequence)
    key, commitment = _derive(epoch.key, head)
    associated = head + epoch.wraps + commitment
    plain = (_LENGTH.pack(len(body)) + body).ljust(_plain_bytes(wraps), b"\0")
    signed = associated + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, associated, _NONCE, key)
    return signed + signer.sign(_SIGN_DOMAIN + signed)


def parse(data: bytes) -> Record:
    """Take a record apart. Raises WireError: magic, version, suite, size, lane, wraps, sequence."""
    if data[:4] != MAGIC:
        raise WireError("magic", "not a Stillroom record")
    if len(data) != RECORD_BYTES:
        raise WireError("size" if data[4:5] in (b"", bytes([VERSION])) else "version", f"{len(data)} bytes")
    _, version, suite, lane, wraps, sender, number, index, boot_id, sequence = _HEAD.unpack_from(data)
    if version != VERSION:
        raise WireError("version", f"{version}; this software knows {VERSION}")
    if suite != SUITE:
        raise WireError("suite", f"{suite}; this software knows {SUITE}")
    if lane not in iter(Lane):
        raise WireError("lane", f"{lane}")
    if sequence > MAX_SEQUENCE:
        raise WireError("sequence", "beyond 2**53 - 1")
    parts = _split_wraps(data, wraps)
    return Record(Lane(lane), sender, Boot(number, boot_id), index, sequence, parts, data)


def verify(record: Record, key: VerifyKey, lane: Lane) -> Verified:
    """Check sender, lane and signature. Raises WireError: sender, lane, signature."""
    if record.sender != key.id:
        raise WireError("sender", record.sender.hex())
    if record.lane != lane:
        raise WireError("lane", f"a record of lane {record.lane.name} on lane {lane.name}")
    signed, signature = record.data[:-SIGNATURE_BYTES], record.data[-SIGNATURE_BYTES:]
    if not key.verifies(_SIGN_DOMAIN + signed, signature):
        raise WireError("signature", f"not by {record.sender.hex()}")
    return Verified(record)


def unwrap(verified: Verified, keys: Sequence[BoxKey]) -> bytes:
    """The epoch key. Raises WireError: recipient (not for any of these keys), wrap (damaged by its maker)."""
    wraps = dict(verified.record.wraps)
    key = next((key for key in keys if key.public.id in wraps), None)
    if key is None:
        raise WireError("recipient", "sealed to none of these keys")
    epoch_key = key.open(wraps[key.public.id])
    if epoch_key is None or len(epoch_key) != _EPOCH_KEY_BYTES:
        raise WireError("wrap", "the epoch key does not open")
    return epoch_key


def open_head(verified: Verified, keys: Sequence[BoxKey]) -> bytes:
    """What a record tells an advocate: the unit's newest audit head, 32 bytes. Raises WireError: recipient, wrap."""
    return unwrap(verified, keys)


def open_body(verified: Verified, epoch_key: bytes) -> bytes:
    """The body. Raises WireError: commitment, ciphertext, padding."""
    data = verified.record.data
    start = _HEAD.size + len(verified.record.wraps) * _WRAP_BYTES
    associated, cipher = data[: start + _COMMITMENT_BYTES], data[start + _COMMITMENT_BYTES : -SIGNATURE_BYTES]
    key, commitment = _derive(epoch_key, data[: _HEAD.size])
    if not same(commitment, associated[start:]):
        raise WireError("commitment", "sealed under another key")
    try:
        plain = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(cipher, associated, _NONCE, key)
    except exceptions.CryptoError:
        raise WireError("ciphertext", "altered") from None
    return _unpad(plain)


def open_record(verified: Verified, keys: Sequence[BoxKey]) -> bytes:
    """`unwrap`, then `open_body`."""
    return open_body(verified, unwrap(verified, keys))


def _plain_bytes(wraps: int) -> int:
    return RECORD_BYTES - _HEAD.size - wraps * _WRAP_BYTES - _COMMITMENT_BYTES - _TAG_BYTES - SIGNATURE_BYTES


def _derive(epoch_key: bytes, head: bytes) -> tuple[bytes, bytes]:
    both = digest(_KEY_DOMAIN, head, 64, epoch_key)
    return both[:32], both[32:]


def _split_wraps(data: bytes, count: int) -> tuple[tuple[bytes, bytes], ...]:
    if not 1 <= count <= MAX_WRAPS:
        raise WireError("wraps", f"{count}; 1 to {MAX_WRAPS} are allowed")
    starts = range(_HEAD.size, _HEAD.size + count * _WRAP_BYTES, _WRAP_BYTES)
    wraps = tuple((data[i : i + KEY_ID_BYTES], data[i + KEY_ID_BYTES : i + _WRAP_BYTES]) for i in starts)
    ids = [name for name, _ in wraps]
    if any(left >= right for left, right in itertools.pairwise(ids)):
        raise WireError("wraps", "not in ascending order of recipient")
    return wraps


def _unpad(plain: bytes) -> bytes:
    (size,) = _LENGTH.unpack_from(plain)
    end = _LENGTH.size + size
    if end > len(plain) or plain[end:].strip(b"\0"):
        raise WireError("padding", "a length or padding that no sender writes")
    return plain[_LENGTH.size : end]

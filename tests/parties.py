"""A site in memory for tests: keys that are the same each time, documents, bodies, and a clock that is moved by hand.

`resign` and `resealed` do what only the holder of a key could: one fault in a record that is right otherwise.
"""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType

import msgspec
from nacl import bindings

from stillroom import wire
from stillroom.document_forms import to_ms
from stillroom.documents import Approver, Authorisation, BoxPeriod, Enrolment, Recipient, Roster
from stillroom.events import Body, DownBody, Entry, Snapshot, StateChanged
from stillroom.hashes import digest
from stillroom.keys import BoxKey, KeyRing, SigningKey
from stillroom.observation import Reading
from stillroom.release_papers import Release
from stillroom.wire import Boot, Epoch, Lane

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HEAD_BYTES = 48
WRAP_BYTES = 88
COMMITMENT_BYTES = 32
SIGNATURE_BYTES = 64


def ring(role: str, name: str, boxes: int = 1, site: str = "demo") -> KeyRing:
    """Keys that follow from the name alone."""
    seed = digest(b"test", f"{site}/{name}".encode())
    secrets = (BoxKey(digest(b"test box", seed + bytes([i]))) for i in range(boxes))
    return KeyRing(site, role, name, SigningKey(seed), tuple(secrets))


AUTHORITY = ring("authority", "authority", 0)
GATEWAY = ring("gateway", "gateway", 2)
BOARD = ring("board", "board", 2)
UNIT = ring("unit", "u-1")
OTHER_UNIT = ring("unit", "u-2")
STRANGER = ring("gateway", "stranger")
APPROVERS = (ring("approver", "dr-a", 0), ring("approver", "dr-b", 0))


def command(module: ModuleType, *arguments: object) -> int:
    """Run a group of commands as the command line does; errors come through."""
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return module.run(parser.parse_args([str(a) for a in arguments]))


class HandClock:
    """Time that moves when told."""

    def __init__(self, utc: datetime = NOON) -> None:
        self._utc_ms, self._mono_ns, self._boot = to_ms(utc), 10**9, 1

    def mono_ns(self) -> int:
        return self._mono_ns

    def utc_ms(self) -> int:
        return self._utc_ms

    def boot_id(self) -> bytes:
        return self._boot.to_bytes(16, "big")

    def pass_time(self, time: timedelta) -> None:
        self._utc_ms += round(time.total_seconds() * 1000)
        self._mono_ns += round(time.total_seconds() * 1e9)

    def turn(self, by: timedelta) -> None:
        """Somebody sets the system clock; time itself goes on."""
        self._utc_ms += round(by.total_seconds() * 1000)

    def boot(self, off: timedelta = timedelta(0)) -> None:
        """The machine is off for so long, and starts: monotonic time begins anew."""
        self.pass_time(off)
        self._boot, self._mono_ns = self._boot + 1, 10**9


def recipient(of: KeyRing, *periods: tuple[datetime, datetime]) -> Recipient:
    spans = periods or ((NOON - DAY, NOON + 30 * DAY),)
    boxes = (BoxPeriod(a, b, box.public.raw) for (a, b), box in zip(spans, of.boxes, strict=False))
    return Recipient(of.name, of.role, of.signing.verify_key.raw, tuple(boxes))


def roster(*recipients: Recipient, version: int = 1, **changes: object) -> Roster:
    plain = {
        "start": NOON - DAY,
        "until": NOON + 365 * DAY,
        "site": "demo",
        "version": version,
        "recipients": recipients or (recipient(GATEWAY), recipient(BOARD)),
        "delivery": "cursor",
        "approvers": (),
    }
    return Roster(**(plain | changes))


def authorisation(name: str = "a-1", **changes: object) -> Authorisation:
    """Of a day from noon on; a review is due when it ends."""
    plain = {
        "start": NOON,
        "until": NOON + DAY,
        "id": name,
        "site": "demo",
        "unit": "u-1",
        "room": "room-1",
        "scopes": ("status",),
        "purpose": "safety",
        "assessment": None,
        "consent": None,
        "view": None,
    } | changes
    return Authorisation(**({"review_by": plain["until"]} | plain))


def release(box: bytes, **changes: object) -> Release:
    """Of an hour from noon on, kept for a week."""
    plain = {
        "start": NOON,
        "until": NOON + timedelta(hours=1),
        "id": "r-1",
        "site": "demo",
        "unit": "u-1",
        "room": "room-1",
        "purpose": "study",
        "custodian": "archivist",
        "box": box,
        "width_px": 192,
        "height_px": 144,
        "frames_per_s": 5,
        "max_mb": 20,
        "expires": NOON + 7 * DAY,
    }
    return Release(**(plain | changes))


def approver(of: KeyRing) -> Approver:
    return Approver(of.name, of.signing.verify_key.raw)


def enrolment(of: KeyRing) -> Enrolment:
    box = of.boxes[0].public.raw
    return Enrolment(site=of.site, unit=of.name, sign=of.signing.verify_key.raw, box=box, made=NOON)


def body(text: str = "bed zone 0.62", entries: int = 1) -> Body:
    snapshot = Snapshot(
        room="room-1",
        state="in-bed",
        state_since_ms=to_ms(NOON),
        gate="open",
        breathing=Reading(15.5, 0.93, None, "cells", 30.0),
        pulse=Reading(),
        motion=0.25,
        camera="simulated",
        model="none",
        frames_per_s=29.97,
        frames_dropped=0,
        faults=(),
        accepted=entries,
        waiting=entries,
        clock="system",
        refused=0,
        links=3,
        head=bytes(range(32)),
    )
    event = StateChanged("in-bed", "occupied", text)
    numbered = (Entry(i + 1, to_ms(NOON), to_ms(NOON) + 5, event) for i in range(entries))
    return Body(to_ms(NOON) + 7, snapshot, tuple(numbered))


DOWN = DownBody(to_ms(NOON), 17, ((19, 22),), None, b"B" * 16)


def packed(what: msgspec.Struct) -> bytes:
    return msgspec.msgpack.encode(what)


def epoch(
    *, boot: int = 1, index: int = 0, boot_id: bytes = b"B" * 16, to: tuple[KeyRing, ...] = ()
) -> Epoch:
    keys = [of.boxes[0].public for of in to or (GATEWAY, BOARD)]
    return wire.new_epoch(keys, Boot(boot, boot_id), index)


def record(
    data: bytes = b"",
    *,
    lane: Lane = Lane.UP,
    by: KeyRing = UNIT,
    under: Epoch | None = None,
    sequence: int = 0,
) -> bytes:
    return wire.seal(lane, by.signing, under or epoch(), sequence, data or packed(body()))


def resign(data: bytes | bytearray, by: KeyRing = UNIT) -> bytes:
    """A right signature over whatever is there."""
    signed = bytes(data[:-SIGNATURE_BYTES])
    return signed + by.signing.sign(b"stillroom/1 record\0" + signed)


def resealed(change: Callable[[bytes], bytes], under: Epoch, data: bytes = b"", sequence: int = 0) -> bytes:
    """A record whose padded plaintext was changed by its own sender: all is right but what is inside."""
    whole = record(data, under=under, sequence=sequence)
    start = HEAD_BYTES + len(under.wraps) + COMMITMENT_BYTES
    head, associated = whole[:HEAD_BYTES], whole[:start]
    key = digest(b"stillroom/1 record key", head, 64, under.key)[:32]
    cipher = whole[start:-SIGNATURE_BYTES]
    plain = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(cipher, associated, bytes(24), key)
    changed = change(plain)
    assert len(changed) == len(plain)
    sealed = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(changed, associated, bytes(24), key)
    return resign(associated + sealed + bytes(SIGNATURE_BYTES))

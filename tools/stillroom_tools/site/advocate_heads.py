"""`stillroom site advocate heads`: takes records from the broker, or from a capture, and keeps the heads in them.

His keys open nothing but the head. Each record is verified as the gateway verifies it; one that is forged, replayed or
of another unit is counted and changes nothing.
"""

import argparse
import os
import secrets
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from stillroom.clock import MS_PER_S, SystemClock, utc_text
from stillroom.errors import EXIT_OK, InputError, TrustError, WireError
from stillroom.files import lock_folder
from stillroom.keys import KeyRing, load_keys
from stillroom.receiver import Receiver
from stillroom.wire import MAGIC, RECORD_BYTES
from stillroom_tools.given_file import read_at_most
from stillroom_tools.site.gateway.enrolled import unit_of
from stillroom_tools.site.heads_file import KIND, HeadsFile, Owner
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.subscriber import Subscriber, say

BATCH = 256
WAIT_S = 0.5
KEEP_EVERY_MS = 60 * MS_PER_S
"""A new head is on the disk at once; that the same was told again, once a minute."""
MAX_CAPTURE_BYTES = 1 << 30


class Listener:
    """What the records of one site tell one advocate, in his file."""

    def __init__(self, site: Site, ring: KeyRing, path: Path) -> None:
        """Raises InputError, TrustError."""
        enrolments = site.enrolments()
        self._clock = SystemClock()
        self._file = HeadsFile(path, Owner(KIND, site.name, ring.name), enrolments)
        self._receiver = Receiver(enrolments, ring.boxes, self._file)
        self._kept_ms, self._new, self._heard = 0, False, False
        self._refused: dict[tuple[str, str], int] = {}

    def hear(self, record: bytes, unit: str | None = None) -> bool:
        """Whether it is true. `unit`: of the topic, where there is one."""
        try:
            told = self._receiver.tell_head(record, unit)
        except WireError:
            return False
        self._heard = True
        now_ms = self._clock.utc_ms()
        if not told.late and self._file.of(told.unit).add(told.head, now_ms):
            self._new = True
            say(f"{utc_text(now_ms)} unit {told.unit}: head {told.head.hex()}")
        return True

    def keep(self, *, now: bool = False) -> None:
        """On the disk, where there is something to keep. Raises StorageError."""
        due = self._heard and self._clock.utc_ms() - self._kept_ms >= KEEP_EVERY_MS
        if self._new or due or now:
            self._file.write()
            self._tell_refused()
            self._kept_ms, self._new, self._heard = self._clock.utc_ms(), False, False

    def _tell_refused(self) -> None:
        counts = {what: n for what, n in self._receiver.refusals.items() if what[1] != "duplicate"}
        for (unit, reason), count in sorted(counts.items()):
            if self._refused.get((unit, reason)) != count:
                hint = ": the roster that this unit has does not name you" if reason == "recipient" else ""
                say(f"refused of unit {unit}: {reason}: {count}{hint}")
        self._refused = counts


def run(options: argparse.Namespace) -> int:
    """Until SIGINT or SIGTERM, or to the end of the capture.

    Raises ConfigError, InputError, TrustError, StorageError.
    """
    site = open_site(options.folder)
    ring = load_keys(options.key, "advocate")
    if ring.site != site.name:
        raise TrustError(f"{options.key}: of site '{ring.site}', and {options.folder} is of '{site.name}'")
    lock = lock_folder(options.heads.parent, f"{options.heads.name}.lock", "listener")
    try:
        listener = Listener(site, ring, options.heads)
        if options.capture is not None:
            _read_capture(options.capture, listener)
        else:
            _listen(site, ring, listener)
    finally:
        os.close(lock)
    return EXIT_OK


def _listen(site: Site, ring: KeyRing, listener: Listener) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    client = f"{site.name}-{ring.name}-{secrets.token_hex(4)}"
    topics = [f"stillroom/1/{site.name}/+/up"]
    with Subscriber(site.broker("advocate"), site.folder, client, topics, persistent=False) as subscriber:
        while not stop.is_set():
            for message in subscriber.take(BATCH, WAIT_S):
                listener.hear(message.payload, unit_of(message.topic))
            listener.keep()
    listener.keep(now=True)


def _read_capture(path: Path, listener: Listener) -> None:
    data = read_at_most(path, MAX_CAPTURE_BYTES)
    if data is None:
        raise InputError(
            f"{path}: larger than {MAX_CAPTURE_BYTES >> 30} GiB: cut it, and give one part after another"
        )
    heard = sum(listener.hear(record) for record in _records(data))
    listener.keep(now=True)
    say(f"{path}: {heard} records of units that are enrolled told a head")


def _records(data: bytes) -> Iterator[bytes]:
    """Whatever begins as a record does: what lies between, or was cut short, is passed over."""
    at = data.find(MAGIC)
    while at >= 0:
        yield data[at : at + RECORD_BYTES]
        whole = data[at + RECORD_BYTES : at + RECORD_BYTES + len(MAGIC)] in (MAGIC, b"")
        at = data.find(MAGIC, at + (RECORD_BYTES if whole else 1))

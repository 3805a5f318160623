"""What a gateway says: words on standard error; with `--json` also a line for each entry, alert and notice."""

import os
import sys

import msgspec

from stillroom.errors import StillroomError
from stillroom_tools.site.gateway.notices import Notice
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.subscriber import say

ENTRIES = 256
"""Printed before the mark is moved."""


class Said:
    """`announce`: with `--json`."""

    def __init__(self, store: Store, announce: bool) -> None:
        self._store, self._announce = store, announce

    def notice(self, notice: Notice) -> None:
        """In words, and as a line."""
        tell(notice.text)
        self.write(notice)

    def write(self, notice: Notice) -> None:
        """As a line alone."""
        if self._announce:
            _write_all(msgspec.json.encode(notice) + b"\n")

    def print_new(self) -> None:
        """Print, then mark: a kill in between prints these lines again, and loses none. Raises StorageError."""
        while self._announce and (found := self._store.unannounced(ENTRIES)):
            _write_all(b"".join(msgspec.json.encode(kept) + b"\n" for _, kept in found))
            self._store.mark_announced(found[-1][0])
        while self._announce and (changed := self._store.unannounced_alerts(ENTRIES)):
            _write_all(b"".join(text + b"\n" for _, text in changed))
            self._store.mark_announced(changed[-1][0], "announced alerts")


def tell(text: str) -> None:
    """One line on standard error."""
    say(f"gateway: {text}")


def _write_all(data: bytes) -> None:
    """To standard output in as few writes as the system takes. Raises StillroomError where nobody reads any more."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(sys.stdout.fileno(), view) :]
    except BrokenPipeError:
        raise StillroomError(
            "standard output was closed; the entries not printed come at the next start"
        ) from None

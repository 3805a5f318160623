"""The keeper's two doors: one name, one peer at a time. What a peer says is handled message by message.

A peer that breaks the rules of the link is put out; the keeper goes on.
"""

import selectors
import sys
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from stillroom.errors import LinkError
from stillroom.link import Link, Listener

MESSAGES_AT_ONCE = 32
"""So that a talkative peer cannot keep the loop from its timers."""


class Door:
    """Listens at a name for one user; `hear` gets each message, `gone` is called when the peer has left."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        path: Path,
        hears: object,
        hear: Callable[[Struct], None],
        gone: Callable[[], None],
        peer_uid: int,
    ) -> None:
        self._selector = selector
        self._hear = hear
        self._gone = gone
        self._name = path.stem
        self._listener = Listener(path, hears, peer_uid)
        self._link: Link | None = None
        selector.register(self._listener, selectors.EVENT_READ, self._knock)

    @property
    def occupied(self) -> bool:
        return self._link is not None

    def send(self, message: Struct) -> bool:
        """False where nobody is there or nobody listens: the message is dropped."""
        if self._link is None:
            return False
        try:
            return self._link.send(message)
        except LinkError:
            self.put_out()
            return False

    def put_out(self) -> None:
        """End the connection with whoever is there."""
        if self._link is not None:
            self._selector.unregister(self._link)
            self._link.close()
            self._link = None
            self._gone()

    def close(self) -> None:
        self.put_out()
        self._selector.unregister(self._listener)
        self._listener.close()

    def _knock(self) -> None:
        link = self._listener.accept()
        if link is None:
            return
        if self._link is not None:
            print(f"keeper: a second {self._name} was refused", file=sys.stderr, flush=True)
            link.close()
            return
        self._link = link
        self._selector.register(link, selectors.EVENT_READ, self._read)

    def _read(self) -> None:
        try:
            for _ in range(MESSAGES_AT_ONCE):
                message = self._link.receive() if self._link else None
                if message is None:
                    return
                self._hear(message)
        except LinkError as error:
            if "closed" not in str(error):
                print(f"keeper: {self._name}: {error}", file=sys.stderr, flush=True)
            self.put_out()

"""What a service says to systemd: that it is ready, that it gets on, that it stops. Silent where nobody listens.

The protocol of sd_notify(3) in a few lines, without libsystemd: datagrams to the socket named in $NOTIFY_SOCKET. It is
opened before a process gives up sockets; afterwards it can say nothing to anybody else through it.
Whoever pets the watchdog says that something was *done* (a frame, a commit, an answer), never that a loop still turns.
"""

import os
import socket
import time
from contextlib import suppress

PETS_IN_A_PERIOD = 4
"""systemd kills after a whole period without one; a pet more often than this tells it nothing new."""


class Notifier:
    """One for each process, made at its start."""

    def __init__(self) -> None:
        self._sock = _connected(os.environ.get("NOTIFY_SOCKET", ""))
        self._pet_every_s = _period_s() / PETS_IN_A_PERIOD
        self._pet_at_s = 0.0
        self._ready = False

    def ready(self) -> None:
        """Once: what this service is there for can begin, or has begun."""
        if not self._ready:
            self._ready = True
            self._say("READY=1")

    def progress(self) -> None:
        """Something was done. The watchdog hears of it, though not of each time."""
        now_s = time.monotonic()
        if self._pet_every_s and now_s >= self._pet_at_s:
            self._pet_at_s = now_s + self._pet_every_s
            self._say("WATCHDOG=1")

    def stopping(self) -> None:
        self._say("STOPPING=1")

    def _say(self, what: str) -> None:
        if self._sock is not None:
            with suppress(OSError):  # systemd busy or gone: no reason to fail
                self._sock.send(what.encode("ascii"))


def _connected(name: str) -> socket.socket | None:
    """A path, or with `@` before it an abstract name; None where there is nobody."""
    if not name.startswith(("/", "@")):
        return None
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.connect(f"\0{name[1:]}" if name[0] == "@" else name)
    except OSError:
        sock.close()
        return None
    return sock


def _period_s() -> float:
    """Of the watchdog that is meant for this process; 0: none."""
    period, meant = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not period.isdecimal() or (meant and meant != str(os.getpid())):
        return 0.0
    return int(period) / 1e6

"""`gateway/alerts.json`: what stands, written by the gateway that runs once a second, for whoever shows it beside it.

It says when it was written. Who reads it and finds it old shows that alerts are not known, never that there are none.
"""

import os
from pathlib import Path

import msgspec

from stillroom.clock import MS_PER_S
from stillroom.files import Stamp, file_stamp
from stillroom_tools.site.gateway.alert_forms import Alert

FILE = "alerts.json"
OLD_AFTER_S = 10.0
"""The gateway writes once a second; a slow disk may hold it for a while."""


class Standing(msgspec.Struct, frozen=True):
    """All alerts that are not cleared, the most urgent first."""

    at_ms: int
    alerts: tuple[Alert, ...]


def write(folder: Path, standing: Standing) -> str:
    """By temporary file and rename, not flushed: the database has it. What went wrong, or nothing."""
    path = folder / FILE
    temporary = path.with_suffix(".new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(standing))
        temporary.replace(path)
    except OSError as error:
        return f"{path}: {error.strerror}: nobody is shown the alerts"
    return ""


class Follower:
    """Reads it again where it is another file now: it is looked at far more often than it is written."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._stamp: Stamp | None = None
        self._found: Standing | None = None

    def look(self, now_ms: int) -> Standing | None:
        """As `read`."""
        stamp = file_stamp(self._path)
        if stamp is None or stamp != self._stamp:
            self._stamp, self._found = stamp, _decoded(self._path)
        return self._found if self._found and _is_now(self._found, now_ms) else None


def read(folder: Path, now_ms: int) -> Standing | None:
    """What stands now; None where no gateway runs, or it is somewhere else: then nobody here knows."""
    found = _decoded(folder / FILE)
    return found if found and _is_now(found, now_ms) else None


def _decoded(path: Path) -> Standing | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Standing)
    except (OSError, msgspec.MsgspecError):
        return None


def _is_now(found: Standing, now_ms: int) -> bool:
    return abs(now_ms - found.at_ms) <= OLD_AFTER_S * MS_PER_S

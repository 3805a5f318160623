"""`gateway/alerts.json`: what stands, written by the gateway that runs once a second, for whoever shows it beside it.

It says when it was written. Who reads it and finds it old shows that alerts are not known, never that there are none.
"""

import os
from pathlib import Path

import msgspec

from stillroom.clock import MS_PER_S
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


def read(folder: Path, now_ms: int) -> Standing | None:
    """What stands now; None where no gateway runs, or it is somewhere else: then nobody here knows."""
    try:
        found = msgspec.json.decode((folder / FILE).read_bytes(), type=Standing)
    except (OSError, msgspec.MsgspecError):
        return None
    return found if abs(now_ms - found.at_ms) <= OLD_AFTER_S * MS_PER_S else None

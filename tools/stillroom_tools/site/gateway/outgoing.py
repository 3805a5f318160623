"""The folder `commands/` of a site: what `--send` put there, taken into the queue of the gateway that runs.

A file is removed once it is in the queue; a kill in between takes it in again, and the queue knows it.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from stillroom.errors import TrustError
from stillroom.files import read_bounded
from stillroom_tools.site.gateway.commands import Commands
from stillroom_tools.site.layout import Site

REFUSED = ".refused"


def collect(site: Site, units: Collection[str], commands: Commands, now_ms: int) -> Iterator[str]:
    """Queue what lies there for enrolled units; a line for each. What cannot be queued is put aside by its name."""
    for path in sorted(site.commands_dir.glob("*/*.note")):
        unit = path.parent.name
        if unit in units:
            try:
                kind, queued = _queue(path, unit, commands, now_ms)
                path.unlink(missing_ok=True)
                became = "is to be told" if queued else "waits to be told already, or was done"
                yield f"unit {unit}: {kind} {path.stem} {became}"
            except TrustError as error:
                path.replace(path.with_name(path.name + REFUSED))
                yield f"not sent: {error}"
            except OSError as error:
                yield f"{path}: {error.strerror}"


def _queue(path: Path, unit: str, commands: Commands, now_ms: int) -> tuple[str, bool]:
    """Its kind, and whether the unit is told it because of this."""
    note = read_bounded(path)
    kind = note.partition(b"\n")[0].removeprefix(b"stillroom/1 ").decode("ascii", "replace")[:32]
    return kind, commands.queue(unit, kind, note, now_ms)

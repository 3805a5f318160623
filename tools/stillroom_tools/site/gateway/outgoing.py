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
    for unit in sorted(units):
        for path in sorted((site.commands_dir / unit).glob("*.note")):
            try:
                kind = _queue(path, unit, commands, now_ms)
                path.unlink(missing_ok=True)
                yield f"unit {unit}: {kind} {path.stem} is to be told"
            except TrustError as error:
                path.replace(path.with_name(path.name + REFUSED))
                yield f"not sent: {error}"
            except OSError as error:
                yield f"{path}: {error.strerror}"


def _queue(path: Path, unit: str, commands: Commands, now_ms: int) -> str:
    note = read_bounded(path)
    kind = note.partition(b"\n")[0].removeprefix(b"stillroom/1 ").decode("ascii", "replace")[:32]
    commands.queue(unit, kind, note, now_ms)
    return kind

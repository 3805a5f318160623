"""What it means to take this package off a unit, or to replace it: told by its Debian package before that is done.

    python -m stillroom_release.removal remove|upgrade UNIT_TOML

Nothing is stopped and nothing deleted here. Recordings that stay behind stay sealed, and nobody deletes them in their
time: without this package a unit has no code that knows what they are.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from stillroom import config, status
from stillroom.config import UnitConfig
from stillroom.errors import StillroomError
from stillroom.release_forms import RECORDINGS
from stillroom_release.expiry import recorded, size_of
from stillroom_release.recording import MB

_NAME = "stillroom-release"


def lines(unit: UnitConfig, mode: str) -> Iterator[str]:
    """In order of haste; none where nothing is lost by it. mode: `remove`; anything else: another version comes."""
    running = status.read_running(unit.path(unit.paths.run), unit.slots.period_s)
    if running is not None and running.recorded:
        then = "it ends now" if mode == "remove" else "it goes on in another file, announced anew"
        yield f"a recording runs under a release: {then}; what is on the card is whole"
    folder = unit.path(unit.paths.state) / RECORDINGS
    files = [path for one in sorted(folder.glob("*")) for path in recorded(one)]
    if files and mode == "remove":
        many = f"{len(files)} file{'s' if len(files) > 1 else ''}"
        yield (
            f"recordings ({many}, {size_of(files) / MB:.1f} MB) stay in {folder}, and nobody deletes them when they "
            "expire: let their custodian fetch them, then purge this package, which deletes them"
        )


def main(arguments: list[str]) -> int:
    """0, also where there is no unit here yet: a package must always be removable."""
    mode, path = arguments
    try:
        for line in lines(config.load(Path(path)), mode):
            print(f"{_NAME}: {line}", file=sys.stderr)
    except StillroomError:
        pass
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

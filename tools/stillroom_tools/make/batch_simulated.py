"""What a simulated batch does in place of boards: each unit's first start and self-test, by the commands of a unit.

A unit's folder is `units/UNIT`, and its card the one in `cards/SERIAL`. Self-tests run beside one another, in processes
of their own, since each opens a camera and takes a processor.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stillroom.files import make_folder, replace_file
from stillroom_tools.make import card, first_boot
from stillroom_tools.make.batch_csv import Planned
from stillroom_tools.make.batch_journal import Batch, Record

PHANTOM = "phantom.toml"
_PHANTOM = """\
# What stands before each simulated unit while it tests itself: a chart with a slanted edge.
edge = [0.02, 0.3, 0.24, 0.55]
"""
WITHIN_S = 300


def phantom(batch: Batch, given: Path | None) -> Path:
    """The one given, or a chart of our own. From here on the batch is a simulated one. Raises StorageError."""
    make_folder(batch.units)
    path = batch.folder / PHANTOM
    if given is None and not path.exists():
        replace_file(path, _PHANTOM.encode())
    return path if given is None else given.resolve()


def start(batch: Batch, planned: Planned, record: Record) -> Record:
    """A unit's first start: keys, answer. Raises StillroomError."""
    first_boot.run(batch.units / planned.unit, batch.cards / planned.serial, None, lambda _: None)
    return record


def test(batch: Batch, planned: Sequence[Planned], stand: Path) -> Iterator[tuple[Planned, str]]:
    """Self-tests of those that have no report yet; each with what went wrong, or nothing."""
    due = [one for one in planned if not (batch.cards / one.serial / card.REPORT).exists()]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from zip(due, pool.map(lambda one: _test(batch, one, stand), due), strict=True)


def _test(batch: Batch, planned: Planned, stand: Path) -> str:
    folder = batch.units / planned.unit
    if not (folder / "unit.toml").exists():
        return ""
    command = [sys.executable, "-m", "stillroom", "selftest", "--config", str(folder / "unit.toml")]
    command += ["--phantom", str(stand), "--json"]
    done = subprocess.run(
        command, capture_output=True, check=False, timeout=WITHIN_S, stdin=subprocess.DEVNULL
    )
    if not done.stdout:
        return f"its self-test could not be made: {done.stderr.decode(errors='replace').strip()[-300:]}"
    replace_file(batch.cards / planned.serial / card.REPORT, done.stdout)
    return ""

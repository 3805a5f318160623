"""A batch's whole life, cut off at one of the moments at which it touches a file, and gone on with.

`python -m tests.interrupted FOLDER MOMENT` lives it in a process that kills itself then; what is left on the disk
is what a power cut would leave, but for what the kernel still holds.
"""

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from making import PASSPHRASE, maker_key, passphrase_file, report_of, stillroom

from stillroom.files import replace_file
from stillroom.keys import load_unit_keys
from stillroom.public_keys import VerifyKey
from stillroom_tools.make import batch_simulated, card, decommission, manifest
from stillroom_tools.make.batch_csv import Planned
from stillroom_tools.make.batch_journal import Batch, open_batch
from stillroom_tools.site import retired
from stillroom_tools.site.layout import open_site

UNITS = 3
TOUCHES = {"open": 0, "os.rename": 1, "os.link": 1, "os.remove": 0, "os.mkdir": 0, "os.rmdir": 0}
"""Events of the interpreter, and which of their arguments is the path that changes."""


class Cut:
    """Counts what touches files below a folder, and at one of them does what it was made for, once."""

    def __init__(self) -> None:
        self.folder, self.at, self.count = "", -1, 0
        self.then: Callable[[], None] = lambda: None
        sys.addaudithook(self._hear)

    def arm(self, folder: Path, at: int, then: Callable[[], None]) -> None:
        self.folder, self.at, self.count, self.then = f"{folder}/", at, 0, then

    def disarm(self) -> int:
        """How many there were."""
        self.folder = ""
        return self.count

    def _hear(self, event: str, given: tuple[object, ...]) -> None:
        place = TOUCHES.get(event)
        if place is None or not self.folder:
            return
        if event == "open" and not (isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        path = given[place]
        if isinstance(path, bytes | str | os.PathLike) and os.fsdecode(path).startswith(self.folder):
            self.count += 1
            if self.count - 1 == self.at:
                self.folder = ""
                self.then()


def made_up(batch: Batch, planned: Planned, _stand: Path) -> str:
    """In place of a process with a camera for each unit: a report that the unit signs."""
    report = report_of(batch.units / planned.unit, camera="stand")
    replace_file(batch.cards / planned.serial / card.REPORT, report)
    return ""


class Life:
    """A batch from its CSV to the end of its units. `site` is there before."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.batch, self.site = folder, folder / "batch", folder / "site"
        self.step = folder.with_suffix(".step")
        rows = "".join(f"SN-{number},M,u-{number}\n" for number in range(1, UNITS + 1))
        (folder / "units.csv").write_text("serial,model,unit\n" + rows)
        self.steps: list[Callable[[], int]] = [
            self._import, self._run, self._enrol, *(self._papers(number) for number in range(1, UNITS + 1)),
            self._rotate, self._revoke, self._erase, self._take,
        ]  # fmt: skip

    def live(self, first: int = 0) -> int:
        """From a step on; which step was the last that began."""
        for number in range(first, len(self.steps)):
            self.step.write_text(str(number))
            try:
                code = self.steps[number]()
            except KeyboardInterrupt:  # while whoever does this copied something
                return number
            if code == 130:
                return number
            assert code == 0, (number, code)
        return len(self.steps)

    def _import(self) -> int:
        return stillroom(
            *("make", "batch", "import", self.folder / "units.csv"),
            *("--batch", self.batch, "--site", "demo"),
        )

    def _run(self) -> int:
        return stillroom("make", "batch", "run", self.batch, "--simulated", *maker_key(self.folder))

    def _enrol(self) -> int:
        maker = manifest.read_signer(self.batch / "handover" / manifest.MAKER)
        handed = ("make", "enrol", self.batch / "handover", "--site", self.site, "--simulated")
        return stillroom(*handed, "--fingerprint", maker.fingerprint)

    def _papers(self, number: int) -> Callable[[], int]:
        def take() -> int:
            place = self.batch / "cards" / f"SN-{number}"
            shutil.copytree(self.site / "papers" / f"u-{number}", place / card.PAPERS, dirs_exist_ok=True)
            return stillroom("make", "unit", self.batch / "units" / f"u-{number}", "--card", place)

        return take

    def _rotate(self) -> int:
        return stillroom("make", "rotate", self.batch / "units/u-1", "--site", self.site)

    def _revoke(self) -> int:
        return stillroom("make", "revoke", "u-2", "--site", self.site)

    def _erase(self) -> int:
        unit, out = self.batch / "units/u-3", self.folder / "receipt.note"
        return stillroom("make", "decommission", "erase", unit, "--unit", "u-3", "--out", out)

    def _take(self) -> int:
        return stillroom("make", "decommission", "take", self.folder / "receipt.note", "--site", self.site)

    def check(self) -> None:
        """Nothing is half made, nothing is there twice."""
        batch, site = open_batch(self.batch), open_site(self.site)
        assert all(record.complete and not record.trouble for record in batch.records())
        maker = manifest.read_signer(self.batch / "handover" / manifest.MAKER)
        made, _ = manifest.read(self.batch / "handover", maker.fingerprint)
        assert [one.unit for one in made.units] == ["u-1", "u-2", "u-3"]
        first, second, third = (one.sign for one in made.units)
        own = load_unit_keys(self.batch / "units/u-1/keys").signing.verify_key
        assert {one.unit: one.sign for one in site.enrolments()} == {"u-1": own.raw} and own.raw != first
        gone = {(one.paper.unit, one.paper.why): one.paper.sign for one in retired.all_of(site)}
        assert gone == {("u-1", "rotated"): first, ("u-2", "revoked"): second, ("u-3", "gone"): third}
        assert load_unit_keys(self.batch / "units/u-2/keys").signing.verify_key == VerifyKey(second)
        assert not [path for path in (self.batch / "units/u-3").rglob("*") if path.is_file()]
        assert decommission.read_receipt(self.folder / "receipt.note").sign == third
        assert sorted(path.name for path in (self.batch / "units").iterdir()) == ["u-1", "u-2", "u-3"]
        assert sorted(path.name for path in (self.batch / "cards").iterdir()) == ["SN-1", "SN-2", "SN-3"]
        assert len(list((self.batch / "handover/units").glob("*.note"))) == UNITS


def prepare(folder: Path) -> None:
    """What is there before: a site, and a maker's key."""
    stillroom("site", "new", folder / "site", "--site", "demo")
    maker_key(folder)


def interrupt() -> None:
    raise KeyboardInterrupt


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def moment(seed: int, count: int) -> int:
    """At which of `count` moments."""
    return random.Random(seed).randrange(count)


if __name__ == "__main__":
    batch_simulated._test = made_up
    passphrase_file(Path(sys.argv[1]), PASSPHRASE)
    life, cut = Life(Path(sys.argv[1])), Cut()
    cut.arm(life.folder, int(sys.argv[2]), kill)
    life.live()

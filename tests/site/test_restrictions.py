"""What closes for good is told again whenever a unit may have forgotten it: by the site, by itself."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from unit_sender import command

from stillroom.clock import SystemClock
from stillroom.events import Receipt
from stillroom_tools.site.gateway.commands import Commands
from stillroom_tools.site.gateway.restrictions import Restrictions
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.layout import Site, open_site

DAY_MS = timedelta(days=1) // timedelta(milliseconds=1)
UNITS = ("u-1", "u-2")


class Gateway:
    """The part of it that tells again, for a site with two units."""

    def __init__(self, site: Site, commands: Commands) -> None:
        self.site, self.commands, self.said = site, commands, list[str]()
        self.again = Restrictions(site, commands, self.said.append)
        self.now_ms = SystemClock().utc_ms()

    def boot(self, unit: str, boot_id: bytes) -> list[str]:
        """The unit's record of this start is kept; the kinds it is told then, each done as it comes."""
        self.again.heard(unit, boot_id)
        return self.pass_second(unit)

    def pass_second(self, unit: str) -> list[str]:
        self.again.tell_again(UNITS, self.now_ms)
        told = []
        while (command := self.commands.to_tell(unit, self.now_ms)) is not None:
            told.append(command.note.partition(b"\n")[0].removeprefix(b"stillroom/1 ").decode())
            self.commands.answer(unit, Receipt(command.number, told[-1], None, "done"))
        return told

    def do(self, *words: object) -> None:
        command("site", *words, "--site", self.site.folder)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    command("site", "new", tmp_path / "site", "--site", "test")
    for unit in UNITS:
        command("make", "unit", tmp_path / unit, "--site", tmp_path / "site", "--unit", unit)
    store = Store(tmp_path)
    made = Gateway(open_site(tmp_path / "site"), store.commands)
    made.do("authorise", "new", tmp_path / "u-1", "--room", "r-1", "--days", 1)
    yield made
    store.close()


def test_a_withdrawal_is_told_again_at_each_start_until_its_authorisation_is_over(
    gateway: Gateway, tmp_path: Path
) -> None:
    assert gateway.boot("u-1", b"1") == [], "nothing was withdrawn"
    gateway.do("authorise", "withdraw", tmp_path / "u-1")
    assert gateway.boot("u-1", b"1") == [], "the same start: it knows"
    assert gateway.boot("u-1", b"2") == gateway.boot("u-1", b"3") == ["withdrawal"]
    assert gateway.boot("u-2", b"2") == [], "and it is none of another unit's"
    gateway.now_ms += DAY_MS
    assert gateway.boot("u-1", b"4") == []


def test_a_halt_is_told_again_until_it_is_lifted(gateway: Gateway, tmp_path: Path) -> None:
    gateway.do("halt", tmp_path / "u-1")
    gateway.do("halt", "--send")
    assert gateway.boot("u-1", b"1") == ["halt", "halt"] and gateway.boot("u-2", b"1") == ["halt"]
    gateway.do("resume", tmp_path / "u-1")
    assert gateway.boot("u-1", b"2") == [] and gateway.boot("u-2", b"2") == ["halt"]
    gateway.do("resume", "--send")
    assert gateway.boot("u-2", b"3") == []


def test_an_alarm_lets_it_be_told_again_without_a_new_start(gateway: Gateway, tmp_path: Path) -> None:
    gateway.do("authorise", "withdraw", tmp_path / "u-1")
    assert gateway.boot("u-1", b"1") == ["withdrawal"]
    assert gateway.pass_second("u-1") == []
    gateway.again.suspect("u-1")
    assert gateway.pass_second("u-1") == ["withdrawal"]


def test_what_waits_keeps_its_number(gateway: Gateway, tmp_path: Path) -> None:
    gateway.do("authorise", "withdraw", tmp_path / "u-1")
    numbers = set()
    for boot in (b"1", b"2", b"3"):
        gateway.again.heard("u-1", boot)
        gateway.again.tell_again(UNITS, gateway.now_ms)
        numbers.add(gateway.commands.to_tell("u-1", gateway.now_ms).number)
    assert len(numbers) == 1


def test_one_damaged_document_is_named_once_and_keeps_no_other_back(gateway: Gateway, tmp_path: Path) -> None:
    gateway.do("authorise", "withdraw", tmp_path / "u-1")
    gateway.do("halt", tmp_path / "u-1")
    next(gateway.site.halts_dir.iterdir()).write_bytes(b"x")
    for boot in (b"1", b"2"):
        assert gateway.boot("u-1", boot) == ["withdrawal"]
    assert len([line for line in gateway.said if line.startswith("left aside: ")]) == 1


def test_a_withdrawal_whose_authorisation_is_not_here_still_matters(gateway: Gateway, tmp_path: Path) -> None:
    gateway.do("authorise", "withdraw", tmp_path / "u-1")
    next(gateway.site.authorisations_dir.iterdir()).unlink()
    gateway.now_ms += 400 * DAY_MS
    assert gateway.boot("u-1", b"1") == ["withdrawal"]


def test_the_end_of_a_release_is_told_again_until_its_time_is_over(gateway: Gateway, tmp_path: Path) -> None:
    """Whoever of the roster has signed it: the unit judges that."""
    keys, unit = tmp_path / "keys", tmp_path / "u-1"
    for name, role in (("matron", "manager"), ("director", "manager"), ("archivist", "custodian")):
        command("site", "signer", "new", keys, "--site", "test", "--name", name, "--role", role)
    command(
        "site",
        "signer",
        "set",
        gateway.site.folder,
        keys / "matron.pub",
        keys / "director.pub",
        "--role",
        "manager",
    )
    command("site", "signer", "set", gateway.site.folder, keys / "archivist.pub", "--role", "custodian")
    terms = ("--room", "r-1", "--purpose", "study", "--custodian", "archivist", "--hours", 24)
    gateway.do("release", "new", unit, *terms, "--draft", tmp_path / "draft")
    for name in ("matron", "director"):
        command("site", "release", "sign", tmp_path / "draft", "--key", keys / f"{name}.key")
    gateway.do("release", "deliver", tmp_path / "draft", unit)
    (note,) = (gateway.site.folder / "releases").glob("*.note")
    gateway.do("release", "withdraw", note.stem, unit, "--key", keys / "matron.key")
    assert gateway.boot("u-1", b"1") == gateway.boot("u-1", b"2") == ["release-withdrawal"]
    assert gateway.boot("u-2", b"1") == []
    gateway.now_ms += DAY_MS + 60_000
    assert gateway.boot("u-1", b"3") == []
    note.unlink()
    assert gateway.boot("u-1", b"4") == ["release-withdrawal"], "of which nothing is known here"

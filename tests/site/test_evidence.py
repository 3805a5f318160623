"""What an inspector gets: one signed file that agrees with the chain, and a page that says the same."""

import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from live import command
from tests.rig import Rig

from stillroom.cli import main
from stillroom.document_forms import from_ms
from stillroom.errors import ConfigError, StorageError, TrustError
from stillroom.link import Hello, Network
from stillroom_tools.site import evidence
from stillroom_tools.site.audit_facts import gather
from stillroom_tools.site.audit_file import Link
from stillroom_tools.site.gateway.store import Arrived, Store
from stillroom_tools.site.layout import open_site


class Ward:
    """A unit's day, in the gateway's store."""

    def __init__(self, folder: Path) -> None:
        self.rig = rig = Rig(folder)
        self.site, self.out = rig.site_folder, folder / "evidence"
        rig.authorise(1, "status,breathing", "--consent", "form-7")
        rig.beat()
        rig.unit.from_eye(Hello("simulated", "none"))
        rig.clock.pass_time(timedelta(hours=2))
        rig.beat()
        rig.unit.button()
        rig.unit.eye_gone()
        (rig.folder / "trust/authorisations/x.note").write_bytes(b"junk")
        rig.beat()
        rig.withdraw()
        rig.beat()
        self.store()
        day = from_ms(rig.clock.utc_ms())
        self.days = (f"{day - timedelta(days=1):%Y-%m-%d}", f"{day + timedelta(days=2):%Y-%m-%d}")

    def store(self) -> None:
        store = Store(self.site / "gateway")
        self.rig.receiver._store = store
        self.rig.unit.from_courier(Network(True, "connected"))
        while True:
            self.rig.unit.slot()
            opened = self.rig.receiver.open(self.rig.courier.sent[-1].record)
            if not opened.body.entries:
                break
            store.commit([Arrived(opened, self.rig.clock.utc_ms())])
        store.close()

    def make(self, *more: str) -> int:
        words = [
            "site",
            "evidence",
            "--site",
            self.site,
            "--from",
            self.days[0],
            "--to",
            self.days[1],
            "--out",
            self.out,
        ]
        return main([str(word) for word in [*words, *more]])

    def check(self) -> int:
        return main(["site", "evidence", "--site", str(self.site), "--check", str(self.out)])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Ward:
    return Ward(tmp_path_factory.mktemp("ward"))


@pytest.fixture
def ward(made: Ward, tmp_path: Path) -> Ward:
    copy = Ward.__new__(Ward)
    copy.__dict__ |= made.__dict__
    copy.site, copy.out = tmp_path / "site", tmp_path / "evidence"
    shutil.copytree(made.site, copy.site)
    return copy


def test_it_says_what_happened_and_is_signed(ward, capsys):
    assert ward.make() == 0
    assert ward.check() == 0
    assert "signed by the gateway of site 'test'" in capsys.readouterr().out
    found = evidence.read(ward.out, open_site(ward.site))
    (unit,) = found.units
    assert (unit.unit, unit.chain) == ("u-1", "whole") and unit.links > 5
    assert 7200 <= unit.sensed_s <= 7205 and len(unit.open) == 1 and unit.open[0].certain
    assert [p.by for p in unit.pauses] == ["somebody in the room"]
    assert [r.reason for r in unit.refused] == ["form"]
    assert [(a.withdrawn, a.authorisation.consent) for a in unit.allowed] == [(True, "form-7")]
    assert unit.looks == ()


def test_the_page_says_the_same_and_loads_nothing(ward):
    ward.make()
    page = Path(f"{ward.out}.html").read_text()
    for words in ("2 h 0 min", "its record is whole", "somebody in the room", "withdrawn", "form"):
        assert words in page
    assert "http" not in page and "<script" not in page and "src=" not in page


@pytest.mark.parametrize("change", ["a number", "cut short", "by another", "nothing"])
def test_a_changed_file_is_found(ward, capsys, change):
    ward.make()
    data = ward.out.read_bytes()
    ward.out.write_bytes({
        "a number": data.replace(b'"sensed_s": 7', b'"sensed_s": 8', 1),
        "cut short": data[:-20],
        "by another": data.replace("— test/gateway".encode(), "— test/gatewax".encode()),
        "nothing": b"",
    }[change])  # fmt: skip
    assert ward.out.read_bytes() != data
    capsys.readouterr()
    assert ward.check() == TrustError.exit_code
    assert capsys.readouterr().err.count("\n") == 1


def test_a_chain_that_is_not_whole_is_in_it_and_in_the_exit_code(ward, capsys):
    database = sqlite3.connect(ward.site / "gateway/gateway.db")
    audit = "FROM entries WHERE kind = 'audit'"
    database.execute(f"DELETE {audit} AND number = (SELECT number {audit} ORDER BY number LIMIT 1 OFFSET 3)")
    database.commit()
    database.close()
    assert ward.make() == TrustError.exit_code
    assert "not whole: u-1" in capsys.readouterr().err
    (unit,) = evidence.read(ward.out, open_site(ward.site)).units
    assert unit.chain != "whole" and "link" in unit.chain
    assert "its record is not whole" in Path(f"{ward.out}.html").read_text()


def test_only_what_lies_in_the_time_counts(ward):
    ward.days = ("2020-01-01", "2020-02-01")
    assert ward.make() == 0
    (unit,) = evidence.read(ward.out, open_site(ward.site)).units
    assert unit.sensed_s == 0 and not (unit.open or unit.pauses or unit.allowed or unit.refused)
    assert unit.chain == "whole"


@pytest.mark.parametrize(
    "words", [["--from", "x", "--to", "2026-01-01", "--out", "o"],
              ["--from", "2026-01-02", "--to", "2026-01-02", "--out", "o"],
              ["--from", "2026-01-01"], [], ["--check", "x", "--out", "o"]]
)  # fmt: skip
def test_what_cannot_be_meant(ward, words):
    assert main(["site", "evidence", "--site", str(ward.site), *words]) == ConfigError.exit_code


def test_without_a_gateway_there_is_none(tmp_path):
    command("site", "new", tmp_path / "site", "--site", "test", "--no-tls")
    command(
        "make", "unit", tmp_path / "unit", "--site", tmp_path / "site", "--unit", "u-1", "--profile", "lab"
    )
    words = ["--from", "2026-01-01", "--to", "2026-02-01", "--out", str(tmp_path / "o")]
    assert main(["site", "evidence", "--site", str(tmp_path / "site"), *words]) == StorageError.exit_code


def link(index: int, at_ms: int, body: str) -> Link:
    return Link(index, at_ms, "0" * 64, "0" * 128, body, "0" * 32)


def test_a_camera_that_went_off_without_a_word_was_open_until_the_last_that_is_known():
    links = [
        link(1, 0, '{"what":"start"}'), link(2, 10, '{"what":"camera-opened"}'), link(3, 20, '{"what":"gate"}'),
        link(4, 900, '{"what":"start"}'), link(5, 910, '{"what":"camera-opened"}'), link(6, 950, '{"what":"gate"}'),
    ]  # fmt: skip
    assert [(p.from_ms, p.until_ms, p.certain) for p in gather(links).open_periods] == [
        (10, 20, False),
        (910, 950, False),
    ]
    cut = gather(links, 15, 930).open_periods
    assert [(p.from_ms, p.until_ms) for p in cut] == [(15, 20), (910, 930)]


@pytest.mark.parametrize(
    "body", ['{"what":[1]}', '{"what":{}}', "[]", "1", '{"what":"view-refused","seconds":"x"}']
)
def test_words_that_no_unit_writes_are_no_error(body):
    assert gather([link(1, 5, body)]).open_periods == []


def test_who_asked_to_look_is_gathered():
    body = (
        '{"what":"view-refused","by":"nurse","view":"v-1","level":"figure","seconds":15,"reason":"fall",'
        '"why":"no-views"}'
    )
    (look,) = gather([link(1, 5, body)]).looks
    assert (look.by, look.level, look.seconds, look.reason, look.answer) == (
        "nurse",
        "figure",
        15,
        "fall",
        "no-views",
    )

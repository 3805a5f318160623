"""What an inspector gets: one signed file that agrees with the chain, and a page that says the same."""

import json
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from live import command
from tests.rig import Rig

from stillroom.cli import main
from stillroom.document_forms import from_ms
from stillroom.documents import KINDS, Withdrawal, read_document
from stillroom.errors import ConfigError, InputError, StorageError, TrustError
from stillroom.events import ConditionChanged, Entry
from stillroom.link import Hello, Network
from stillroom.note_reading import encode
from stillroom.notes import add_signature, sign_note
from stillroom_tools.site import audit_page, evidence, evidence_page
from stillroom_tools.site.audit_facts import gather
from stillroom_tools.site.audit_file import Link
from stillroom_tools.site.gateway.alert_forms import Act
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.store import Store
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
    assert [(a.withdrawn is None, a.authorisation.consent) for a in unit.allowed] == [(False, "form-7")]
    assert unit.known.erased == unit.known.missing == 0 and not unit.at_least
    assert unit.looks == ()


def test_the_page_says_the_same_and_loads_nothing(ward):
    ward.make()
    page = Path(f"{ward.out}.html").read_text()
    for words in ("2 h 0 min", "Its record is whole", "somebody in the room", "withdrawn", "form"):
        assert words in page
    assert "http" not in page and "<script" not in page and "src=" not in page


def test_the_burden_is_in_it_as_counts_and_names_nobody(ward):
    """Somebody fell: the file says how often and how soon somebody came, of all rooms together, and no more."""
    store = Store(ward.site / "gateway")
    now_ms, unit = ward.rig.clock.utc_ms(), "u-1"
    event = ConditionChanged("on-floor", "high", True, "on-floor for 0.0 s")
    with store.database.transaction():
        store.alerts.heard(unit, "r-1", Entry(9_000, now_ms, now_ms, event), now_ms)
    store.alerts.act(Act("attend", unit, "nurse-a", now_ms + 40_000), now_ms + 40_000)
    store.close()
    ward.make()
    found = evidence.read(ward.out, open_site(ward.site)).burden
    fall = next(kind for kind in found.kinds if kind.kind == "on-floor")
    assert (fall.alerts, fall.attended, fall.attended_median_s, fall.open) == (1, 1, 40.0, 1)
    assert found.room is None
    page = Path(f"{ward.out}.html").read_text()
    assert "What alerts asked of staff" in page and "<td>on floor</td>" in page
    for text in (page, ward.out.read_text()):
        assert "nurse-a" not in text and "on-floor for" not in text


def test_simulated_nights_stand_beside_it_with_their_seeds(ward, tmp_path, capsys):
    nights = {"scenarios": ["falls"], "seeds": [41], "nights": 1, "hours": 8.0,
              "conditions": {"on-floor": {"due": 2, "missed": 1, "false": 0}},
              "wrong": [{"scenario": "falls", "seed": 41, "kind": "on-floor", "missed": 1, "false": 0}]}  # fmt: skip
    (tmp_path / "nights").write_text(json.dumps(nights))
    assert ward.make("--simulated", str(tmp_path / "nights")) == 0 and ward.check() == 0
    found = evidence.read(ward.out, open_site(ward.site)).simulated
    assert (found.conditions["on-floor"].missed, found.wrong[0].seed) == (1, 41)
    page = Path(f"{ward.out}.html").read_text()
    assert (
        "no evidence about real people" in page
        and "missed 1, false 0 (missed, by scenario and seed: falls 41)" in page
    )
    (tmp_path / "nights").write_text('{"scenarios": []}')
    assert ward.make("--simulated", str(tmp_path / "nights")) == InputError.exit_code


def test_where_nothing_was_sensed_the_burden_is_not_nought(ward):
    ward.days = ("2020-01-01", "2020-02-01")
    ward.make()
    page = Path(f"{ward.out}.html").read_text()
    assert "nothing known: no room was sensed in this time" in page and "no alert was raised" not in page


def test_a_file_of_before_the_burden_still_reads(ward):
    ward.make()
    site = open_site(ward.site)
    old = msgspec.structs.replace(evidence.read(ward.out, site), burden=None)
    ward.out.write_bytes(add_signature(encode(evidence.KIND, old), site.keys("gateway"), evidence.MAX_BYTES))
    assert b"burden" not in ward.out.read_bytes() and ward.check() == 0
    assert "What alerts" not in evidence_page.page(old)


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
    assert "Its record is not whole" in Path(f"{ward.out}.html").read_text()


def test_only_what_lies_in_the_time_counts(ward):
    ward.days = ("2020-01-01", "2020-02-01")
    assert ward.make() == 0
    (unit,) = evidence.read(ward.out, open_site(ward.site)).units
    assert unit.sensed_s == 0 and not (unit.open or unit.pauses or unit.allowed or unit.refused)
    assert unit.chain == "whole" and unit.known is None


@pytest.mark.parametrize("days", [("2020-01-01", "2020-02-01"), ("2199-01-01", "2199-02-01")])
def test_of_a_time_that_no_link_tells_of_nothing_is_known(ward, days):
    """Neither before the unit's first link nor after its newest: not "0 s, and whole"."""
    ward.days = days
    assert ward.make() == 0
    page = Path(f"{ward.out}.html").read_text()
    assert "Nothing is known of this time" in page and "<td>nothing known</td>" in page
    assert "0 s" not in page and "None.</p>" in page, "of authorisations the archive knows"


@pytest.mark.parametrize(
    "words", [["--from", "x", "--to", "2026-01-01", "--out", "o"],
              ["--from", "2026-01-02", "--to", "2026-01-02", "--out", "o"],
              ["--from", "2026-01-01"], [], ["--check", "x", "--out", "o"]]
)  # fmt: skip
def test_what_cannot_be_meant(ward, words):
    assert main(["site", "evidence", "--site", str(ward.site), *words]) == ConfigError.exit_code


@pytest.mark.parametrize(("early", "flagged"), [(timedelta(hours=1), True), (timedelta(0), False)])
def test_a_camera_that_was_open_under_what_had_been_taken_back_is_flagged(ward, early, flagged):
    """The withdrawal was signed an hour before the unit's last word under it: kept from it, or a card put back."""
    site = open_site(ward.site)
    (note,) = site.withdrawals_dir.iterdir()
    signed = read_document(note, Withdrawal, [site.authority()])
    signed = msgspec.structs.replace(signed, at=from_ms(ward.rig.clock.utc_ms()) - early)
    note.write_bytes(sign_note(KINDS[Withdrawal], signed, [site.authority_keys()]))
    assert ward.make() == 0
    (unit,) = evidence.read(ward.out, site).units
    assert (3500 < unit.allowed[0].open_after_s < 3700) is flagged and unit.allowed[0].withdrawn == signed.at
    page = Path(f"{ward.out}.html").read_text()
    assert ("after that was taken back" in page) is flagged and ("'answer bad'" in page) is flagged


def test_what_a_damaged_card_has_cost_is_said(tmp_path, capsys):
    ward = Ward(tmp_path)
    ward.rig.unit._outbox.settle(ward.rig.unit._outbox.accepted)
    ward.rig.unit.close()
    database = ward.rig.folder / "state" / "outbox.db"
    database.write_bytes(bytes(database.stat().st_size))
    ward.rig.start()
    ward.rig.beat()
    ward.store()
    assert ward.make() == 0
    (unit,) = evidence.read(ward.out, open_site(ward.site)).units
    assert unit.chain == "gaps" and len(unit.missing) == 1 and unit.known.missing > 1 and unit.at_least
    page = Path(f"{ward.out}.html").read_text()
    assert (
        "storage was damaged: what links" in page
        and "at least 2 h" in page
        and "Record is whole." not in page
    )


def test_a_unit_that_never_started_is_not_called_broken(tmp_path):
    site, unit = tmp_path / "site", tmp_path / "unit"
    command("site", "new", site, "--site", "test", "--no-tls")
    command("make", "unit", unit, "--site", site, "--unit", "u-1", "--profile", "lab")
    Store(site / "gateway").close()
    words = ["--from", "2026-01-01", "--to", "2026-02-01", "--out", tmp_path / "o"]
    command("site", "evidence", "--site", site, *words)
    assert evidence.read(tmp_path / "o", open_site(site)).units[0].chain == "not-started"
    page = (tmp_path / "o.html").read_text()
    assert "has not started" in page and "answer bad" not in page and "not whole" not in page


def test_a_unit_that_was_heard_and_has_no_links_is(ward):
    database = sqlite3.connect(ward.site / "gateway" / "gateway.db")
    database.execute("DELETE FROM entries WHERE kind = 'audit'")
    database.commit()
    database.close()
    assert ward.make() == TrustError.exit_code


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


def test_lease_links_prove_a_camera_open_until_the_last_of_them():
    """Power goes after days; the unit never comes back. And a later day is "at least", never 0 s."""
    quarter, day = 900_000, 86_400_000
    links = [link(1, 0, '{"what":"start"}'), link(2, 10, '{"what":"camera-opened"}')]
    links += [
        link(2 + n, 10 + n * quarter, '{"what":"lease","since_ms":10,"authorisation":"a-1"}')
        for n in range(1, 301)
    ]
    facts = gather(links)
    assert [(p.from_ms, p.until_ms, p.certain) for p in facts.open_periods] == [
        (10, 10 + 300 * quarter, False)
    ]
    assert facts.sensed_s == 300 * 900 and facts.at_least
    second = gather(links, day, 2 * day)
    assert second.sensed_s == 86_400 and not second.at_least and second.open_periods[0].certain
    assert gather(links, 300 * quarter + 20, 2 * day * 300).known is None
    assert gather([*links, link(303, day * 9, '{"what":"start"}')], day * 5, day * 6).end_unknown


def test_an_erased_end_is_not_counted_over():
    """What was erased may have closed it: open until the link before, unless a lease says that it never closed."""
    links = [
        link(1, 0, '{"what":"start"}'), link(2, 10, '{"what":"camera-opened"}'), link(3, 1000, '{"what":"guards"}'),
        link(4, 2000, "{}").without_words(), link(5, 9000, '{"what":"camera-closed"}'),
    ]  # fmt: skip
    facts = gather(links)
    assert [(p.from_ms, p.until_ms, p.certain) for p in facts.open_periods] == [(10, 1000, False)]
    assert facts.erased == 1 and facts.at_least
    links[4:] = [link(5, 8000, '{"what":"lease","since_ms":10}'), link(6, 9000, '{"what":"camera-closed"}')]
    assert [(p.from_ms, p.until_ms, p.certain) for p in gather(links).open_periods] == [(10, 9000, True)]
    links[4] = link(5, 8000, '{"what":"lease","since_ms":3000}')
    assert [(p.from_ms, p.until_ms) for p in gather(links).open_periods] == [(10, 1000), (3000, 9000)]


def test_a_damaged_card_found_at_a_start_does_not_lengthen_what_was_open():
    links = [
        link(1, 0, '{"what":"start"}'), link(2, 10, '{"what":"camera-opened"}'), link(3, 20, '{"what":"gate"}'),
        link(4096, 900, '{"what":"storage-damaged"}'), link(4097, 901, '{"what":"start"}'),
    ]  # fmt: skip
    facts = gather(links)
    assert [(p.until_ms, p.certain) for p in facts.open_periods] == [(20, False)] and facts.missing == 4092
    assert gather(links, 950, 990).missing == 0


def test_a_pause_that_was_ended_early_has_its_real_end_and_a_halt_its_lift():
    links = [
        link(1, 1000, '{"what":"paused-by-button","seconds":900}'), link(2, 5000, '{"what":"resumed-by-button"}'),
        link(3, 6000, '{"what":"paused-by-command","by":"ann","pause":"p-1","until":"1970-01-01T01:00:00Z"}'),
        link(4, 7000, '{"what":"resumed-by-command","by":"ann","pause":"p-1"}'),
        link(5, 8000, '{"what":"paused-by-button","seconds":900}'),
        link(6, 8500, '{"what":"halt-seen","halt":"h-1"}'), link(7, 9500, '{"what":"lift-seen","halt":"h-1"}'),
    ]  # fmt: skip
    facts = gather(links)
    assert [(p.until_ms, p.ended_ms) for p in facts.pauses] == [
        (901_000, 5000),
        (3_600_000, 7000),
        (908_000, None),
    ]
    assert [(h.at_ms, h.id, h.lifted_ms) for h in facts.halts] == [(8500, "h-1", 9500)]
    assert len(gather(links, 7500).pauses) == 1 and not gather(links, 9900).halts


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


def recorded(what: str, index: int, **more: object) -> Link:
    body = json.dumps({"what": what, "release": "r-1", "file": 1} | more, separators=(",", ":"))
    return link(index, index * 1_000, body)


def test_what_was_recorded_is_gathered_told_and_in_the_file():
    began = recorded("release-started", 1, level="192x144/5", by="matron ann")
    ended = recorded("release-ended", 2, chunks=60, how="paused")
    (one,) = gather([began, ended]).recordings
    assert (one.by, one.level, one.seconds, one.ended_ms, one.how) == (
        "matron ann",
        "192x144/5",
        60,
        2_000,
        "paused",
    )
    (open_still,) = gather([began]).recordings
    assert open_still.ended_ms is None
    assert not gather([began, ended], from_ms=5_000).recordings
    said = "".join(audit_page.recordings(gather([began, ended])))
    assert "Pictures were recorded once." in said and "matron and ann" in said and "192x144/5" in said
    assert "No picture was recorded." in "".join(audit_page.recordings(gather([])))


@pytest.mark.parametrize(
    "body", ['{"what":"release-started","file":"x"}', '{"what":"release-ended","chunks":-1}']
)
def test_odd_words_about_recordings_are_no_error(body):
    assert len(gather([link(1, 5, body), recorded("release-ended", 2)]).recordings) <= 1

"""Units' telemetry at the gateway: kept, shown, and held against what should be; older software and other settings."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.parties import HandClock
from tests.rig import run
from tests.site_facility import Facility

from stillroom.cli import main
from stillroom.events import Telemetry
from stillroom.keeper.settings import CONFIGURATION_FILE
from stillroom_tools.site.gateway import versions
from stillroom_tools.site.gateway.rooms import Room
from stillroom_tools.site.gateway.versions import BEHIND, DIFFERS, Versions, number
from stillroom_tools.site.room_words import notes

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def facility(tmp_path: Path) -> Iterator[Facility]:
    made = Facility(tmp_path)
    made.rig.beat(62)
    made.settle()
    yield made
    made.close()


def units(facility: Facility, capsys: Capture) -> dict[str, object]:
    capsys.readouterr()
    assert main(["site", "units", "--site", str(facility.rig.site_folder), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_is_kept_and_shown_and_known_again_after_a_restart(facility: Facility, capsys: Capture) -> None:
    line = units(facility, capsys)
    assert line["unit"] == "u-1" and line["told"]["software"] == "0.1.0" and line["alarms"] == []
    assert line["told"]["configuration"] == 0 == line["signed_configuration"]
    assert main(["site", "units", "--site", str(facility.rig.site_folder)]) == 0
    assert "u-1" in capsys.readouterr().out
    facility.close()
    facility.open()
    facility.gateway._remember()
    assert facility.gateway._enrolled.versions._told["u-1"].software == "0.1.0"


def test_a_unit_that_has_told_nothing(tmp_path: Path, capsys: Capture) -> None:
    made = Facility(tmp_path)
    made.close()
    line = units(made, capsys)
    assert line["told"] is None and line["heard_ms"] is None


def test_other_settings_than_were_signed_are_an_alarm_until_the_unit_has_them(
    facility: Facility, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    rig, versions_of = facility.rig, facility.gateway._enrolled.versions
    change = ("site", "configure", rig.folder, "--site", rig.site_folder, "--set")
    run(*change, "outbox.summary_s=20", "--send")  # nobody brings it
    assert facility.gateway._enrolled.alarms_of("u-1") == {}, "it may be on its way"
    monkeypatch.setattr(versions, "GRACE_MS", -60_000)
    assert facility.gateway._enrolled.alarms_of("u-1") == {DIFFERS: 1}
    (said,) = versions_of.news()
    assert (said.notice, said.what, said.unit) == ("alarm", DIFFERS, "u-1")
    assert "version 0 is in force, and version 1 was signed" in said.text and versions_of.news() == []
    assert units(facility, capsys)["alarms"] == [DIFFERS]
    note = rig.site_folder / "configurations" / "u-1.note"
    shutil.copy(note, rig.folder / "trust" / CONFIGURATION_FILE)
    rig.beat()
    facility.settle()
    assert facility.gateway._enrolled.alarms_of("u-1") == {}, "told at once, not in a quarter of an hour"
    run(*change, "outbox.summary_s=30", "--send")
    note.unlink()
    assert facility.gateway._enrolled.alarms_of("u-1") == {DIFFERS: 1}, "nobody here has signed what it has"


def telemetry(software: str, until_ms: int = 1) -> Telemetry:
    return Telemetry(0, until_ms, None, None, None, 0, None, 0, 0, None, software, 0, 0, None, 1)


def test_older_software_than_others_have() -> None:
    told = Versions(lambda _: None, HandClock())
    for unit, software in (("u-1", "0.9.9"), ("u-2", "0.10"), ("u-3", "0.10.0")):
        told.remember(unit, telemetry(software))
    assert told.of("u-1") == told.of("u-2") == {BEHIND: 1} and told.of("u-3") == told.of("u-4") == {}
    assert [said.unit for said in told.news()] == ["u-1", "u-2"] and told.news() == []
    told.remember("u-1", telemetry("0.10.0", 2))
    told.remember("u-1", telemetry("0.9.9", 1))
    assert told.of("u-1") == {}, "what came late is not what it has"
    told.enrol(["u-1", "u-2"])
    told.remember("u-1", telemetry("0.10", 3))
    assert told.of("u-2") == {}, "one that has gone leaves nobody behind"


def test_versions_are_numbers() -> None:
    assert number("0.10.2") > number("0.9") > number("0.1.0") == number("0.1.0")


@pytest.mark.parametrize("alarm", [BEHIND, DIFFERS, "key-rotated", "broken-chain", "something-new"])
def test_whoever_watches_reads_every_alarm(alarm: str) -> None:
    (note,) = notes(Room("u-1", "live", 0, alarms=((alarm, 1),)))
    assert note and "{n}" not in note

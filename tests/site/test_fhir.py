"""Breathing and pulse as FHIR: each line by a model library, by rules of our own, and against what a unit told."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.site.fhir_rules import faults
from tests.site.fhir_told import (
    BEAT,
    DAY,
    GIVEN,
    T,
    Told,
    export,
    minute,
    observations,
    tell,
    validated,
)

from stillroom import cli
from stillroom.events import Summary
from stillroom.observation import Withheld
from stillroom_tools.lab.told_day import made_site
from stillroom_tools.site.fhir.observations import ABSENT_CODES
from stillroom_tools.site.layout import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return made_site(tmp_path)


CLOSED: Told = (None, None)


def test_a_minute_is_two_observations_of_a_device_in_a_room(site: Site) -> None:
    tell(site, minute(0, GIVEN, BEAT))
    found = export(site)
    assert [r["resourceType"] for r in found] == ["Device", "Location", "Observation", "Observation"]
    device, room, breathing, pulse = found
    assert (
        device["identifier"] == [{"value": "ward-7/unit-1"}]
        and "Not a medical device" in device["note"][0]["text"]
    )
    assert room["name"] == "room-12"
    assert breathing["valueQuantity"] == {
        "value": 15.5, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min",
    }  # fmt: skip
    assert pulse["code"]["coding"][0]["code"] == "8867-4" and pulse["valueQuantity"]["value"] == 61.0
    assert breathing["status"] == "final"
    assert breathing["effectivePeriod"] == {
        "start": "2026-11-22T12:00:00.000Z",
        "end": "2026-11-22T12:01:00.000Z",
    }
    assert breathing["device"]["reference"] == f"Device/{device['id']}"
    assert breathing["subject"]["reference"] == f"Location/{room['id']}", "no patient on the unit"
    assert [c["valueQuantity"]["value"] for c in breathing["component"]] == [0.9, 1.0]
    assert "Patient" not in json.dumps(found)


@pytest.mark.parametrize("reason", get_args(Withheld))
def test_what_is_withheld_has_a_reason_and_no_value(site: Site, reason: Withheld) -> None:
    tell(site, minute(0, (None, reason), BEAT))
    found = export(site)
    (breathing,), (pulse,) = observations(found), observations(found, "8867-4")
    assert "valueQuantity" not in breathing and breathing["status"] == "final"
    assert breathing["dataAbsentReason"]["coding"][0]["code"] == ABSENT_CODES[reason]
    assert breathing["dataAbsentReason"]["text"] == f"withheld: {reason}"
    assert "dataAbsentReason" not in pulse


def test_a_closed_camera_measured_nothing_and_an_older_unit_says_no_reason(site: Site) -> None:
    tell(site, minute(0, CLOSED, CLOSED, sensed=0.0), minute(1, CLOSED, BEAT))
    closed, older = observations(export(site))
    assert (
        closed["status"] == "cancelled" and closed["dataAbsentReason"]["coding"][0]["code"] == "not-performed"
    )
    assert older["status"] == "final" and older["dataAbsentReason"]["coding"][0]["code"] == "unknown"


def test_only_what_was_asked_for_and_the_same_again(site: Site) -> None:
    tell(site, minute(0, GIVEN, BEAT), minute(1, GIVEN, BEAT))
    assert observations(export(site, "--from", "2026-11-21", "--to", "2026-11-22")) == []
    once = export(site)
    assert once == export(site), "ids too: a server that has them takes them for the same"
    assert len(observations(once)) == 2


def test_a_minute_in_which_the_clock_was_set_back_is_left_out_and_said(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    at_ms, whole = minute(5, GIVEN, BEAT)
    back = Summary(at_ms, T, "in-bed", 0.0, 1.0, 15.0, 0.9, 60.0, 0.5)
    tell(site, (at_ms, whole), (at_ms + 1, back))
    assert len(observations(export(site))) == 1
    assert "1 minutes left out, in which a clock was set back" in capsys.readouterr().err


def test_the_rules_find_what_the_library_does_not(site: Site) -> None:
    """The control: each of these passes the model library, or is wrong in a way that it cannot see."""
    tell(site, minute(0, GIVEN, BEAT))
    good = export(site)

    def broken(change: Callable[[dict[str, Any]], object]) -> list[dict[str, Any]]:
        copy = deepcopy(good)
        change(observations(copy)[0])
        return copy

    both = broken(lambda o: o.update(dataAbsentReason={"text": "motion"}))
    unit = broken(lambda o: o["valueQuantity"].update(code="/h"))
    validated(both), validated(unit)
    wrong = (
        both,
        unit,
        broken(lambda o: o.pop("valueQuantity")),
        broken(lambda o: o["valueQuantity"].update(value=900)),
        broken(lambda o: o["effectivePeriod"].update(end="2026-11-22T11:00:00.000Z")),
        broken(lambda o: o["device"].update(reference="Device/nobody")),
        broken(lambda o: o.update(id="an id")),
        good + good[-1:],
    )
    assert all(faults(each) for each in wrong)


def test_the_library_refuses_what_it_knows(site: Site) -> None:
    tell(site, minute(0, GIVEN, BEAT))
    for change in ({"status": None}, {"wibble": 1}, {"effectivePeriod": {"start": "yesterday"}}):
        bad = export(site)
        bad[-1].update(change)
        with pytest.raises(ValueError, match="validation error"):
            validated(bad)


STAYS = "room,patient,from,until\n"


def stays(site: Site, *rows: str, header: str = STAYS, mode: int = 0o600) -> Path:
    path = site.folder.parent / "patients.csv"
    path.write_text(header + "".join(f"{row}\n" for row in rows))
    path.chmod(mode)
    return path


def test_a_patient_has_what_was_measured_while_he_was_there(site: Site) -> None:
    tell(site, *(minute(n, GIVEN, BEAT) for n in range(5)))
    path = stays(
        site,
        "room-12,Patient/a,2026-11-22T12:00:00+00:00,2026-11-22T13:01:30+01:00",
        "",
        "room-12,https://ehr.example/fhir/Patient/b,2026-11-22T12:03:00Z,",
        "room-13,Patient/c,2026-11-01T00:00:00Z,",
    )
    found = observations(export(site, *DAY, "--patients", path))
    subjects = [o["subject"]["reference"].rpartition("/")[0] for o in found]
    assert subjects == ["Patient", "Location", "Location", *["https://ehr.example/fhir/Patient"] * 2], (
        "a minute in which somebody came or went is nobody's"
    )
    assert all(o["extension"][0]["valueReference"]["display"] == "room-12" for o in found)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["room-12,Patient/a,2026-11-22T12:00:00Z"], "line 2: 3 values"),
        (["Room 12,Patient/a,2026-11-22T12:00:00Z,"], "line 2: room 'Room 12'"),
        (["room-12,Mrs Smith,2026-11-22T12:00:00Z,"], "line 2: patient 'Mrs Smith': a reference is needed"),
        (["room-12,Patient/a,2026-11-22 noon,"], "line 2: from '2026-11-22 noon': a time with its zone"),
        (["room-12,Patient/a,2026-11-22T12:00:00,"], "a time with its zone is needed"),
        (["room-12,Patient/a,2026-11-22T12:00:00Z,2026-11-22T11:00:00Z"], "is not after"),
        (
            ["room-12,Patient/a,2026-11-20T12:00:00Z,", "", "room-12,Patient/b,2026-11-22T12:00:00Z,"],
            "line 4: room 'room-12' has somebody else then, in line 2",
        ),
        (['room-12,"Patient/a,2026-11-22T12:00:00Z,'], "line 2:"),
    ],
)
def test_a_list_of_patients_that_is_wrong_names_its_line(
    site: Site, capsys: pytest.CaptureFixture[str], rows: list[str], words: str
) -> None:
    code, said = refused(site, capsys, stays(site, *rows))
    assert code == 4 and words in said


def refused(site: Site, capsys: pytest.CaptureFixture[str], path: Path) -> tuple[int, str]:
    """Exit code, and the one line that was said."""
    out = site.folder.parent / "out"
    capsys.readouterr()
    code = cli.main(
        ["site", "fhir", "--site", str(site.folder), *DAY, "--out", str(out), "--patients", str(path)]
    )
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and not out.exists()
    return code, said


def test_a_list_of_patients_that_others_may_read_or_is_none(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = refused(site, capsys, stays(site, mode=0o644))
    assert code == 6 and "others may read who lies where: chmod 600" in said
    code, said = refused(site, capsys, stays(site, header="room;patient\n"))
    assert code == 4 and "line 1: the first line is room,patient,from,until" in said
    assert refused(site, capsys, site.folder / "nowhere.csv")[0] == 4
    assert refused(site, capsys, site.folder)[0] == 4


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        ([], "--from and --to, or --follow", 3),
        (["--from", "2026-11-22"], "--from and --to, or --follow", 3),
        (["--follow", *DAY], "--from and --to, or --follow", 3),
        (["--from", "yesterday", "--to", "2026-11-23"], "a day is needed", 3),
        (["--from", "2026-11-23", "--to", "2026-11-23"], "must be after", 3),
        (["--from", "2999-01-01", "--to", "2999-01-02"], "still to come", 3),
        (DAY, "has a gateway ever run here?", 8),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    site: Site, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str, code: int
) -> None:
    capsys.readouterr()
    out = str(site.folder.parent / "out")
    assert cli.main(["site", "fhir", "--site", str(site.folder), "--out", out, *arguments]) == code
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_an_output_that_cannot_be_is_one_line(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    tell(site, minute(0, GIVEN, BEAT))
    for out, code in ((site.folder, 4), (site.folder / "no" / "where", 4), (Path("/proc/out"), 8)):
        capsys.readouterr()
        assert cli.main(["site", "fhir", "--site", str(site.folder), *DAY, "--out", str(out)]) == code
        assert capsys.readouterr().err.count("\n") == 1


def test_readme_says_how_each_reason_is_said_in_fhir() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    rows = [
        row.split("|")[1:3] for row in readme.splitlines() if row.startswith("| `") and row.count("|") == 3
    ]
    for reason, code in ABSENT_CODES.items():
        assert any(f"`{reason}`" in words and said.strip() == f"`{code}`" for words, said in rows), reason

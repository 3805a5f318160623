"""`stillroom explain`: plain words that follow from the documents and the tables, not from a text that can grow old."""

import json
import os
import time
from pathlib import Path

import pytest

from stillroom import events, guard
from stillroom.cli import main
from stillroom.documents import read_signer
from stillroom.status import GUARDS, HOLDS


def run(*arguments: object) -> None:
    assert main([str(a) for a in arguments]) == 0


@pytest.fixture
def unit(tmp_path: Path, capsys) -> Path:
    run("site", "new", tmp_path / "site", "--site", "test", "--no-tls")
    run("make", "unit", tmp_path / "unit", "--site", tmp_path / "site", "--unit", "u-1", "--profile", "lab")
    capsys.readouterr()
    return tmp_path / "unit"


def explained(unit: Path, capsys) -> str:
    capsys.readouterr()
    run("explain", "--config", unit / "unit.toml")
    return capsys.readouterr().out


def authorise(unit: Path, scopes: str, *more: object) -> None:
    site = unit.parent / "site"
    run(
        "site",
        "authorise",
        "new",
        unit,
        "--site",
        site,
        "--room",
        "r-1",
        "--days",
        1,
        "--scopes",
        scopes,
        *more,
    )


def test_without_authorisation_it_senses_nothing_and_says_why(unit, capsys):
    said = explained(unit, capsys)
    assert (
        "nothing: the process that could open the camera does not run, because nobody has authorised it"
        in said
    )
    assert "keeper is not running" in said


def test_what_is_sensed_follows_from_the_authorisation(unit, capsys):
    authorise(unit, "status,breathing")
    said = explained(unit, capsys)
    assert "room r-1, under authorisation a-" in said
    assert "how often the person breathes" in said and "heart" not in said
    run("site", "authorise", "withdraw", unit, "--site", unit.parent / "site")
    assert "its authorisation was taken back" in explained(unit, capsys)


@pytest.mark.parametrize(
    ("recorder", "recorded"),
    [
        (object(), "while a release that two people have signed is in force: a recording"),
        (
            None,
            "It may also be recorded under a release, and cannot: stillroom-release is not installed here.",
        ),
    ],
)
def test_what_it_may_and_cannot_do_is_said_with_review_consent_and_assessment(
    unit, capsys, tmp_path, monkeypatch, recorder, recorded
):
    monkeypatch.setattr("stillroom.explain.part", lambda name: recorder)
    (tmp_path / "dpia.pdf").write_bytes(b"assessed")
    more = ("--consent", "form-7", "--assessment", tmp_path / "dpia.pdf", "--review-days", 0.5)
    authorise(unit, "status,view-figure,release", *more)
    said = explained(unit, capsys)
    assert "when somebody looks, after the light has said so: a drawn figure" in said
    assert recorded in said
    assert "to be reviewed by 2" in said and "Consent: form-7. Impact assessment: " in said


def test_conditions_from_afar_are_told_with_their_room_and_only_there(unit, capsys):
    authorise(unit, "status")
    asked = 'conditions.left_bed=[{level="high",after_s=5.0,from="21:00",until="07:00"}]'
    run("site", "configure", unit, "--site", unit.parent / "site", "--set", asked)
    said = explained(unit, capsys)
    assert "(version 1): conditions. The conditions are for room r-1 alone." in said
    assert "left-bed, level high, after 5 s, 21:00 to 07:00" in said
    run("site", "authorise", "withdraw", unit, "--site", unit.parent / "site")
    assert "left-bed" not in explained(unit, capsys)


def test_the_light_is_told(unit, capsys):
    assert "where it does not work, the camera stays closed" in explained(unit, capsys)
    path = unit / "unit.toml"
    path.write_text(path.read_text().replace("required = true", "required = false"))
    assert "where it does not work, the camera may be open all the same" in explained(unit, capsys)


def test_recipients_and_every_kind_of_event_are_named(unit, capsys):
    said = explained(unit, capsys)
    authority = read_signer(unit.parent / "site/authority/authority.pub")
    assert f"It obeys what test/authority has signed, key {authority.fingerprint}" in said
    assert "gateway (gateway), key " in said and "board (board), key " in said
    for kind in (events.Snapshot, *events.Event.__args__):
        assert kind.__doc__.split(".")[0].split("\n")[0] in said


def test_a_running_keepers_pause_is_told_and_an_ended_ones_is_not(unit, capsys):
    authorise(unit, "status")
    (unit / "run").mkdir()
    status = unit / "run" / "keeper.json"
    status.write_text(json.dumps({"gate": "paused", "accepted": 7, "waiting": 2, "connected": True}))
    said = explained(unit, capsys)
    assert "somebody in the room pressed pause" in said and "7 events so far in its life, 2 waiting" in said
    hour_ago = time.time() - 3600
    os.utime(status, (hour_ago, hour_ago))
    assert "room r-1, under authorisation" in explained(unit, capsys)


def test_which_guards_hold_in_what_runs_now_is_told_in_words(unit, capsys):
    assert "No process of it says anything now" in explained(unit, capsys)
    (unit / "run").mkdir()
    status = unit / "run" / "keeper.json"
    whole = dict.fromkeys(GUARDS, HOLDS)
    status.write_text(json.dumps({"guards": {"keeper": whole, "eye": whole}}))
    said = explained(unit, capsys)
    assert "in its processes that run now (eye, keeper)" in said
    assert said.count(": holds") == len(GUARDS) and "DOES NOT" not in said
    status.write_text(json.dumps({"guards": {"keeper": whole, "eye": whole | {"no-swap": "swap is on"}}}))
    said = explained(unit, capsys)
    assert "its memory never comes to a disk: DOES NOT HOLD\n      in eye: swap is on" in said
    assert said.count(": holds") == len(GUARDS) - 1


def test_every_guard_has_its_words():
    assert set(GUARDS) == {row.name for row in guard._held("", "", "")}


def test_an_advocate_is_named(unit, capsys, tmp_path):
    site = unit.parent / "site"
    assert "advocate" not in explained(unit, capsys)
    run("site", "advocate", "new", tmp_path / "own", "--site", "test", "--name", "ann")
    run("site", "advocate", "set", site, tmp_path / "own/ann.pub", "--unit", unit)
    assert "ann (advocate) is told how far its audit chain goes" in explained(unit, capsys)


def test_a_halt_and_settings_from_afar_are_told(unit: Path, capsys):
    site = unit.parent / "site"
    authorise(unit, "status")
    run("site", "configure", unit, "--site", site, "--set", "room.bed_dwell_s=4")
    assert "changed from afar (version 1): bed_dwell_ms." in explained(unit, capsys)
    run("site", "halt", unit, "--site", site)
    assert "because the site's authority has halted it" in explained(unit, capsys)
    (unit / "trust" / "configuration.note").write_text("no note")
    assert "A document was refused" in explained(unit, capsys)


def test_it_says_which_conditions_are_told_and_that_none_is_from_breathing(unit, capsys):
    said = explained(unit, capsys)
    assert "on-floor, level high, after 0 s, at any time" in said
    assert "bathroom-long, level medium, after 1800 s, at any time" in said
    assert "left-bed" not in said and "none of them from breathing or pulse" in said


def test_what_was_recorded_and_who_alone_opens_it_is_told(unit, capsys):
    authorise(unit, "status")
    assert "of release" not in explained(unit, capsys)
    folder = unit / "state" / "releases" / "r-1"
    folder.mkdir(parents=True)
    for number in (1, 2):
        (folder / f"r-1-000{number}.stlc").touch()
    assert "2 recordings of release r-1, sealed to its custodian; it cannot open them" in explained(
        unit, capsys
    )

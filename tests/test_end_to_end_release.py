"""A recording through everything: signed by two, sent to the unit, sealed in the eye, opened by its custodian."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from stillroom.cli import main
from stillroom.public_keys import fingerprint
from stillroom_tools.lab.broker import find_program
from stillroom_tools.site.layout import open_site
from tests.live import LiveSite, command, until


@pytest.fixture
def ward(tmp_path):
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    folder = tmp_path / ("deeper-than-a-sockets-name-may-be-long-" * 3)
    folder.mkdir()
    live = LiveSite(folder)
    live.add_unit()
    sign_for_release(live)
    live.start()
    yield live
    live.end()


def sign_for_release(live: LiveSite) -> None:
    """People, an authorisation with the scope, and a draft of two hours that two have signed."""
    unit, keys = live.units[0], live.folder / "keys"
    for name, role in (("matron", "manager"), ("director", "manager"), ("archivist", "custodian")):
        command("site", "signer", "new", keys, "--site", "test", "--name", name, "--role", role)
    named = ("--unit", unit.folder)
    managers = (keys / "matron.pub", keys / "director.pub")
    command("site", "signer", "set", live.site, *managers, "--role", "manager", *named)
    command("site", "signer", "set", live.site, keys / "archivist.pub", "--role", "custodian", *named)
    command("site", "authorise", "withdraw", unit.folder, "--site", live.site)
    paper = ("site", "authorise", "new", unit.folder, "--site", live.site, "--room", "room-1", "--days", 1)
    command(*paper, "--scopes", "status,release")
    terms = ("--room", "room-1", "--purpose", "seizure-study", "--custodian", "archivist", "--hours", 2)
    draft = live.folder / "draft"
    command(
        "site", "release", "new", unit.folder, "--site", live.site, *terms, "--max-mb", 50, "--draft", draft
    )
    for name in ("matron", "director"):
        command("site", "release", "sign", draft, "--key", keys / f"{name}.key")


def links(ward: LiveSite) -> list[dict[str, object]]:
    ward.take()
    bodies = [line.event["body"] for line in ward.lines if line.event["type"] == "audit"]
    said = [json.loads(base64.b64decode(body)) for body in bodies]
    return [link for link in said if str(link["what"]).startswith("release")]


def files(ward: LiveSite) -> list[Path]:
    return sorted((ward.units[0].folder / "state" / "releases").rglob("*.stlc"))


def test_it_is_recorded_sealed_collected_and_opened(ward, tmp_path, capsys):
    unit, keys, draft = ward.units[0], ward.folder / "keys", ward.folder / "draft"
    until(lambda: ward.has("gate", gate="open"), "an open camera")
    assert not files(ward)
    command("site", "release", "deliver", draft, unit.name, "--site", ward.site, "--send")
    name = capsys.readouterr().out.split()[-1]
    until(lambda: (unit.folder / "run" / "indicator").read_text() == "record", "the light's own pattern")
    until(lambda: files(ward) and files(ward)[0].stat().st_size > 3 * 138_000, "three seconds on the card")
    command(
        "site",
        "release",
        "withdraw",
        name,
        unit.name,
        "--site",
        ward.site,
        "--key",
        keys / "matron.key",
        "--send",
    )
    until(lambda: [one for one in links(ward) if one["what"] == "release-ended"], "the recording's end")
    assert (unit.folder / "run" / "indicator").read_text() == "steady"
    told = {str(one["what"]): one for one in links(ward)}
    assert told["release-started"]["by"] in ("matron director", "director matron")
    assert told["release-ended"].items() >= {"how": "withdrawn", "file": 1}.items()

    (file,) = files(ward)
    opened = ("site", "release", "open", file, "--site", ward.site, "--key", keys / "archivist.key")
    assert main([str(a) for a in (*opened, "--out", tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert f"{told['release-ended']['chunks']} chunks" in said and "ended: withdrawn" in said
    film = (tmp_path / "out" / f"{file.stem}.y4m").read_bytes()
    frames = film.split(b"FRAME\n")[1:]
    assert len(frames) >= 15 and len({len(set(frame)) > 20 for frame in frames}) == 1, "a room, not a blank"
    assert main([*(str(a) for a in opened[:-1]), str(keys / "matron.key")]) == 6
    command("site", "audit", "export", unit.name, "--site", ward.site, "--out", tmp_path / "unit.audit")
    mark = fingerprint(open_site(ward.site).enrolment(unit.name).sign)
    command("site", "audit", "show", tmp_path / "unit.audit", "--fingerprint", mark)
    shown = capsys.readouterr().out
    assert "A recording began (file 1 of release" in shown and "it was taken back" in shown


@pytest.mark.long
def test_somebody_may_look_while_it_is_recorded(ward, tmp_path, capsys):
    """Both cut their pictures out of one frame; the light says both."""
    unit, keys = ward.units[0], ward.folder / "keys"
    command("site", "signer", "new", keys, "--site", "test", "--name", "carer", "--role", "viewer")
    command("site", "signer", "set", ward.site, keys / "carer.pub", "--role", "viewer", "--unit", unit.folder)
    paper = ("site", "authorise", "new", unit.folder, "--site", ward.site, "--room", "room-1", "--days", 2)
    command(*paper, "--scopes", "status,release,view-picture")
    policy = ("site", "view-policy", unit.folder, "--site", ward.site, "--key", keys / "matron.key")
    command(*policy, "--levels", "picture", "--least-block", 1, "--recognisable", "--seconds", 4)
    command("site", "release", "deliver", ward.folder / "draft", unit.folder, "--site", ward.site)
    until(lambda: files(ward) and files(ward)[0].stat().st_size > 138_000, "a second on the card")
    capsys.readouterr()
    look = ("site", "view", "room-1", "--site", ward.site, "--key", keys / "carer.key", "--reason", "x")
    command(*look, "--level", "picture", "--block", 1, "--seconds", 3, "--frames", tmp_path)
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert sum(row[4] == "shown" for row in shown) >= 10
    before = files(ward)[0].stat().st_size
    until(lambda: files(ward)[0].stat().st_size > before + 138_000, "and it goes on")
    unit.press_button()
    until(lambda: [one for one in links(ward) if one["what"] == "release-ended"], "its end")
    opened = ("site", "release", "open", *files(ward), "--site", ward.site, "--key", keys / "archivist.key")
    command(*opened, "--out", tmp_path / "out")
    film = next((tmp_path / "out").glob("*.y4m")).read_bytes().split(b"FRAME\n")[1:]
    picture = np.frombuffer(next(tmp_path.glob("frame-0010.pgm")).read_bytes()[15:], np.uint8).astype(int)
    apart = [np.abs(np.frombuffer(frame, np.uint8) - picture).mean() for frame in film]
    assert min(apart) < 6.0, "one room, in one light"

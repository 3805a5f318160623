"""A look into a room through everything: gateway, keeper, eye, courier and a broker with certificates, to a page."""

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from stillroom.cli import main
from stillroom_tools.lab.broker import find_program
from tests.live import LiveSite, command, until
from tests.patience import WITHIN_S
from tests.view_site import look, ready


@pytest.fixture
def ward(tmp_path):
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    live = ready(tmp_path, "--least-block", 8, "--recognisable", "--seconds", 4)
    yield live
    live.end()


def test_frames_come_announced_in_order_and_for_the_announced_time(ward, tmp_path, capsys):
    asked = ("--reason", "no-answer", "--level", "picture", "--block", 8, "--seconds", 2)
    assert main(look(ward, *asked, "--frames", tmp_path / "frames")) == 0
    said = capsys.readouterr()
    rows = [line.split() for line in said.out.splitlines()]
    numbers = [int(row[0]) for row in rows]
    assert numbers == sorted(set(numbers)) and 8 <= len(numbers) <= 11, (
        "five a second for two seconds, and one at the end"
    )
    assert {row[4] for row in rows} & {"shown"} and ", 0 refused" in said.err
    one = next((tmp_path / "frames").glob("*.pgm")).read_bytes()
    assert one.startswith(b"P5 192 144 255\n") and len(one) == 15 + 192 * 144
    until(lambda: ward.has("audit") and "view-ended" in links(ward), "the look's end in the audit chain")
    assert [what for what in links(ward) if what.startswith("view-") and what != "view-policy-changed"] == [
        "view-granted",
        "view-ended",
    ]
    assert main(look(ward, *asked, "--frames", tmp_path / "again")) == 6
    assert "too-soon" in capsys.readouterr().err
    assert main(look(ward, "--reason", "x", "--seconds", 5, "--frames", tmp_path / "long")) == 6
    assert "longer than policy or authorisation allow" in capsys.readouterr().err
    keys = tmp_path / "keys"
    command("site", "signer", "new", keys, "--site", "test", "--name", "eve", "--role", "viewer")
    by_eve = [*look(ward, "--reason", "x", "--frames", tmp_path / "eve")]
    by_eve[by_eve.index("--key") + 1] = str(keys / "eve.key")
    assert main(by_eve) == 6
    assert "the roster names no viewer with this key" in capsys.readouterr().err, (
        "said before anything is asked"
    )
    both = (keys / "carer.pub", keys / "eve.pub")
    command("site", "signer", "set", ward.site, *both, "--role", "viewer")
    assert main(by_eve) == 6, "the site's roster names her, and the unit was not told"
    assert "the unit's roster names no viewer with this key (signer)" in capsys.readouterr().err
    assert not list(Path(tmp_path / "unit-1").rglob("*.pgm")), "nothing of it lies at the unit"


def links(ward: LiveSite) -> list[str]:
    import base64

    ward.take()
    bodies = [line.event["body"] for line in ward.lines if line.event["type"] == "audit"]
    return [json.loads(base64.b64decode(body))["what"] for body in bodies]


def test_the_page_shows_the_look_to_whoever_has_its_address(ward):
    process = subprocess.Popen(
        [sys.executable, "-m", "stillroom", *look(ward, "--reason", "no-answer", "--seconds", 2)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    url = httpx.URL(process.stderr.readline().split()[1])
    base = str(url.copy_with(query=None))
    assert httpx.get(base + "live").status_code == 403
    client = httpx.Client(base_url=base, timeout=30.0)
    assert "A look into" in client.get(url).text
    states = []
    with client.stream("GET", "/live") as answer:
        states = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
    assert states[0]["room"] == "room-1" and states[0]["viewer"] == "carer" and "left_ms" not in states[0]
    assert states[-1]["ended"] == "over" and "luma" not in states[-1]
    assert {state["level"] for state in states if "level" in state} == {"figure"}
    process.wait(WITHIN_S)
    assert process.returncode == 0


@pytest.mark.long
def test_a_viewer_who_is_killed_leaves_nothing_open_and_the_next_one_looks(ward, tmp_path, capsys):
    asked = look(ward, "--reason", "no-answer", "--seconds", 4, "--frames", tmp_path / "frames")
    process = subprocess.Popen([sys.executable, "-m", "stillroom", *asked], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline(), "the first frame"
    process.kill()
    process.wait()
    until(lambda: ward.has("audit") and "view-ended" in links(ward), "the look's end in the audit chain")
    light = tmp_path / "unit-1" / "run" / "indicator"
    until(lambda: light.read_text() == "steady", "the light as before")
    time.sleep(4.5)  # nobody looks again before as long a time has passed
    assert main(look(ward, "--reason", "no-answer", "--seconds", 2, "--frames", tmp_path / "again")) == 0
    said = capsys.readouterr().err
    assert "with nothing in them: no" in said, (
        "a room that was never seen empty, or has no model, says so in one line"
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--reason", "No Answer"), "--reason 'No Answer'"),
        (("--reason", "x", "--seconds", 61), "--seconds 61"),
        (("--reason", "x", "--block", 5, "--level", "picture"), "--block 5"),
        (("--reason", "x", "--block", 8), "a figure has none"),
    ],
)
def test_what_cannot_be_asked_is_one_line(tmp_path, capsys, more, said):
    site = tmp_path / "site"
    command("site", "new", site, "--site", "test", "--no-tls")
    command("make", "unit", tmp_path / "u", "--site", site, "--unit", "u-1", "--profile", "lab")
    command("site", "signer", "new", tmp_path / "k", "--site", "test", "--name", "carer", "--role", "viewer")
    capsys.readouterr()
    asked = ("site", "view", "u-1", "--site", site, "--key", tmp_path / "k" / "carer.key", *more)
    assert main([str(a) for a in asked]) == 3
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


def test_rules_need_a_manager_whom_the_roster_names(tmp_path, capsys):
    site, keys = tmp_path / "site", tmp_path / "k"
    command("site", "new", site, "--site", "test", "--no-tls")
    command("make", "unit", tmp_path / "u", "--site", site, "--unit", "u-1", "--profile", "lab")
    for name, role in (("carer", "viewer"), ("matron", "manager")):
        command("site", "signer", "new", keys, "--site", "test", "--name", name, "--role", role)
    policy = [
        str(a) for a in ("site", "view-policy", tmp_path / "u", "--site", site, "--key", keys / "matron.key")
    ]
    capsys.readouterr()
    assert main(policy) == 6
    assert "names no manager" in capsys.readouterr().err
    assert main([*policy[:-1], str(keys / "carer.key")]) == 6
    assert "one for manager is needed" in capsys.readouterr().err
    command("site", "signer", "set", site, keys / "matron.pub", "--role", "manager", "--unit", tmp_path / "u")
    capsys.readouterr()
    for more, said in (
        (("--least-block", "5"), "--least-block 5"),
        (("--levels", "video"), "--levels video"),
        (("--levels", "figure,picture", "--least-block", "16"), "show who somebody is"),
    ):
        assert main([*policy, *more]) == 3
        err = capsys.readouterr().err
        assert said in err and err.count("\n") == 1
    assert main([*policy, "--levels", "figure,picture", "--least-block", "16", "--recognisable"]) == 0
    assert "(squares of 16 or more, which show who somebody is)" in capsys.readouterr().err
    assert main(policy) == 0 and main(policy) == 0
    assert capsys.readouterr().out.split()[-1] == "3", "its version rises"
    assert (tmp_path / "u" / "trust" / "view-policy.note").exists()

"""The demo: its screen at many sizes, its ledger, its options, and one whole run as a person would start it."""

import io
import json
import socket
import subprocess
import sys

import pytest
from rich.console import Console

from stillroom.cli import main
from stillroom.errors import ConfigError, InputError
from stillroom_tools.lab import demo_site
from stillroom_tools.lab.broker import find_program
from stillroom_tools.lab.demo_gateway import Line
from stillroom_tools.lab.demo_ledger import Ledger
from stillroom_tools.lab.demo_screen import screen, told
from stillroom_tools.site.gateway.rooms import Room

STATE = {"type": "state", "state": "in-bed", "before": "occupied", "why": "7.8% of the picture moves"}


def line(number: int = 1, event: dict | None = None, late: bool = False) -> Line:
    return Line("unit-1", "room-1", number, 10**12, 10**12, 10**12, 10**12, late, event or STATE)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (110, 40), (160, 50), (60, 20)])
@pytest.mark.parametrize("rooms", [1, 3, 12])
def test_the_screen_fits_and_always_shows_ledger_and_keys(width, height, rooms):
    console = Console(width=width, height=height, file=io.StringIO())
    many = [Room(f"unit-{n}", "silent", 0) for n in range(rooms)]
    note = "NOT CONNECTED: broker 127.0.0.1:1: nothing listens there; BROKER CUT (b mends it)"
    picture = screen(many, "room-1", "steady", Ledger(), [line(n) for n in range(40)], note, 10**12, console)
    lines = console.render_lines(picture, pad=False)
    text = "\n".join("".join(s.text for s in row) for row in lines)
    assert "ledger: accepted 0 = delivered 0" in text and "q quit" in text
    if height >= 24:
        assert len(lines) <= height
    if height >= 40:
        assert "#39 state in-bed" in text


def test_events_are_told_in_words():
    assert told(line()) == "01:46:40 room-1 #1 state in-bed (was occupied): 7.8% of the picture moves"
    assert told(line(event={"type": "gate", "gate": "paused"}, late=True)).endswith("gate paused (late)")
    assert told(line(event={"type": "something-new"})).endswith("something-new")


def test_the_ledger_balances_only_when_everything_came_once():
    ledger = Ledger()
    ledger.accept("a", 3)
    for number in (1, 2):
        ledger.deliver("a", number)
    assert not ledger.balanced and "1 on the way" in ledger.line()
    ledger.deliver("a", 3)
    assert ledger.balanced
    ledger.deliver("a", 3)
    assert not ledger.balanced and "1 DOUBLED" in ledger.line()


@pytest.mark.parametrize(
    "url", ["", "http://x", "mqtt://", "mqtt://h:99999", "mqtt://h/x", "mqtts://h", "mqtt://h:port"]
)
def test_a_broker_that_cannot_be_meant(url):
    with pytest.raises(ConfigError, match="--broker"):
        demo_site.parse_broker(url)


def test_a_broker_with_a_login():
    assert demo_site.parse_broker("mqtt://u:p%40@h") == demo_site.Broker("h", 1883, "u", "p@")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--rooms", "0"], ConfigError.exit_code),
        (["--rooms", "99"], ConfigError.exit_code),
        (["--seconds", "-1"], ConfigError.exit_code),
        (["--seconds", "nan"], ConfigError.exit_code),
        (["--camera", "absent.mp4"], InputError.exit_code),
        (["--broker", "mqtts://h"], ConfigError.exit_code),
        (["--port", "-1"], ConfigError.exit_code),
    ],
)
def test_options_that_cannot_be_used_are_one_line_and_start_nothing(arguments, code, capsys):
    assert main(["demo", "--headless", *arguments]) == code
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1


def test_a_port_that_is_taken_is_said_before_any_room_is_set_up(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["demo", "--port", str(taken.getsockname()[1])]) == ConfigError.exit_code
    said = capsys.readouterr().err
    assert "another program has it" in said and said.count("\n") == 1


def test_a_whole_run_prints_events_as_json_and_balances():
    if find_program("mosquitto") is None and find_program("nats") is None:
        pytest.skip("no broker is installed")
    found = subprocess.run(
        [sys.executable, "-m", "stillroom", "demo", "--rooms", "2", "--seconds", "15", "--json"],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    events = [json.loads(row) for row in found.stdout.splitlines()]
    assert {e["unit"] for e in events} == {"unit-1", "unit-2"}
    assert "none lost, none doubled" in found.stderr and "figures: resident MiB" in found.stderr
    assert "Traceback" not in found.stderr

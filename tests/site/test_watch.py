"""What watch shows: the unknown first, in words, at any width, with colour and without; and its lines of JSON."""

import contextlib
import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from parties import NOON, HandClock, body
from rich.cells import cell_len
from rich.console import Console
from unit_sender import WITHIN_S, Sender

from stillroom.document_forms import to_ms
from stillroom.events import Snapshot
from stillroom.observation import Reading
from stillroom_tools.lab.broker import LocalBroker
from stillroom_tools.site.gateway import alert_file
from stillroom_tools.site.gateway.alert_forms import Alert, Priority
from stillroom_tools.site.gateway.rooms import Presence, Room, Rooms
from stillroom_tools.site.room_words import say, span
from stillroom_tools.site.table import fit, render
from stillroom_tools.site.watch import line

NOW = to_ms(NOON)
SNAPSHOT: Snapshot = msgspec.structs.replace(
    body().snapshot,
    state_since_ms=NOW - 724_000,
    breathing=Reading(15.24, 0.934, None, "cells", 30.0),
    pulse=Reading(61.6, 0.88, None, "pos", 10.0),
    waiting=0,
    clock="gateway",
)


def room(presence: Presence = "live", unit: str = "u-1", behind_ms: int = 300, **changes: object) -> Room:
    snapshot = msgspec.structs.replace(SNAPSHOT, **changes)
    return Room(unit, presence, NOW - 50_000, NOW - 1_200, behind_ms, snapshot)


def shown(*rooms: Room, width: int = 80, colour: bool = False, status: str = "") -> str:
    console = Console(
        width=width, file=io.StringIO(), force_terminal=colour, color_system="standard" if colour else None
    )
    console.print(render(rooms, NOW, width=width, status=status))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


NEVER = Room("u-1", "silent", NOW - 9_000)
WAITING = Room("u-1", "waiting", NOW - 3_000)
WORDS = [
    (room(), "in bed", True),
    (room(state="empty"), "empty", True),
    (room(state="on-floor"), "ON FLOOR", True),
    (room(state="unknown"), "UNKNOWN", True),
    (room(state="several-people"), "several people", True),
    (room("silent"), "SILENT, was in bed", False),
    (room("silent", state="empty"), "SILENT, was empty", False),
    (NEVER, "SILENT, never heard", False),
    (WAITING, "WAITING for a record", False),
    (room("late", behind_ms=340_000), "LATE by 5 min", False),
    (room("late", behind_ms=-40_000), "LATE its clock is 40 s ahead", False),
    (room(gate="paused"), "PAUSED by the room", False),
    (room(gate="no-authorisation"), "DARK, no authorisation", False),
    (room(gate="expired"), "DARK, expired", False),
    (room(gate="camera-refused"), "DARK, camera refused", False),
    (room("silent", gate="paused"), "SILENT, was in bed", False),
    (room("late", behind_ms=90_000, gate="paused"), "LATE by 90 s", False),
]


@pytest.mark.parametrize(("given", "words", "sensed"), WORDS)
def test_the_unknown_is_said_before_anything_else(given: Room, words: str, sensed: bool) -> None:
    said = say(given, NOW)
    assert (said.state, said.sensed) == (words, sensed)


@pytest.mark.parametrize(("given", "words", "sensed"), WORDS)
def test_readings_stand_only_where_they_hold_now(given: Room, words: str, sensed: bool) -> None:
    text = shown(given)
    assert ("15.2  93%" in text) == sensed
    assert ("62  88%" in text) == sensed


@pytest.mark.parametrize("width", [80, 100, 120])
def test_every_line_fits_and_every_word_is_there(width: int) -> None:
    rooms = [
        Room(f"u-{i}", r.presence, r.since_ms, r.seen_ms, r.behind_ms, r.snapshot)
        for i, (r, _, _) in enumerate(WORDS)
    ]
    text = shown(*rooms, width=width)
    assert max(cell_len(row) for row in text.splitlines()) <= width
    for word in ("SILENT", "LATE", "PAUSED", "DARK", "UNKNOWN", "ON FLOOR", "WAITING"):
        assert word in text
    assert "simulated camera" in text and "model: none" in text
    assert "17 rooms, 5 sensing, 1 WAITING, 1 PAUSED, 3 DARK, 3 LATE, 4 SILENT" in " ".join(text.split())


def test_twelve_plain_rooms_take_a_line_each() -> None:
    text = shown(*(room(unit=f"u-{i}", room=f"room-{i}") for i in range(12)))
    assert sum("in bed" in row for row in text.splitlines()) == 12
    assert text.count("simulated camera") == 1, "what is true of all is said once"


def test_colour_changes_no_word() -> None:
    rooms = [given for given, _, _ in WORDS]
    coloured = shown(*rooms, colour=True)
    assert "\x1b[" in coloured
    plain = "".join(part.partition("m")[2] if i else part for i, part in enumerate(coloured.split("\x1b[")))
    assert plain.split() == shown(*rooms).split()


@pytest.mark.parametrize(
    ("reading", "text"),
    [
        (Reading(None, None, "several-people"), "several people"),
        (Reading(None, None, "no-person"), "no person"),
        (Reading(None, None, "low-signal"), "low signal"),
        (Reading(12.0, 1.0, None), "12.0  99%"),
        (Reading(12.0, 0.0, None), "12.0   0%"),
    ],
)
def test_a_reading_is_its_quality_in_per_cent_or_its_reason(reading: Reading, text: str) -> None:
    words = shown(room(breathing=reading), width=120)
    assert all(word in words for word in text.split())


def test_notes_stand_in_their_own_column_or_below() -> None:
    rooms = [
        room(faults=("storage-full",), waiting=213, clock="unsure"),
        room(unit="u-2", room="room-2", camera="picamera2", model="blazepose"),
    ]
    wide = next(row for row in shown(*rooms, width=240).splitlines() if row.startswith(" room-1"))
    assert "fault storage full, clock unsure, simulated camera, model: none, 213 waiting" in wide
    assert "fault storage full: room-1" in shown(*rooms)
    assert " ? " in wide, "a unit that is unsure of the time can't say since when"


def test_a_closed_camera_is_neither_simulated_nor_without_model() -> None:
    text = shown(room(gate="expired", camera="none", model="none"))
    assert "camera" not in text and "model" not in text


def test_the_state_of_the_connection_and_of_an_empty_site_is_said() -> None:
    assert "NOT CONNECTED: why" in shown(room(), status="NOT CONNECTED: why")
    assert "No unit is enrolled" in shown()


@pytest.mark.parametrize(
    ("ms", "text"),
    [(-5, "0 s"), (0, "0 s"), (99_999, "99 s"), (100_000, "1 min"), (5_999_999, "99 min"), (6_000_000, "1 h")]
    + [(172_799_999, "47 h"), (172_800_000, "2 d")],
)
def test_spans(ms: int, text: str) -> None:
    assert span(ms) == text


def test_where_lines_are_few_the_calm_rooms_go() -> None:
    rooms = [
        room(unit="u-0", state="empty"),
        room(unit="u-1"),
        room("silent", unit="u-2"),
        room(unit="u-3", state="on-floor"),
        room(unit="u-4", gate="paused"),
        room(unit="u-5", state="empty"),
    ]
    assert [r.unit for r in fit(rooms, 3)] == ["u-2", "u-3", "u-4"]
    assert fit(rooms, 6) == rooms


def alert(priority: Priority = "high", **changes: object) -> Alert:
    made = Alert(
        "u-1", "room-1", "on-floor", priority, "raised", True, 1, first_ms=NOW - 75_000, raised_ms=NOW
    )
    return msgspec.structs.replace(made, **changes)


OWNED: dict[str, object] = {"owner": "nurse-a", "last": "nurse-a", "set_ms": NOW, "until_ms": NOW + 95_000}
ALERTS: list[tuple[list[Alert], list[str]]] = [
    ([], ["none"]),
    ([alert()], ["HIGH on floor 75 s", "raised"]),
    ([alert("medium", state="latched", present=False)], ["MEDIUM on floor 75 s", "latched, over"]),
    (
        [alert(state="acknowledged", **OWNED)],
        ["HIGH on floor 75 s", "acknowledged by nurse-a", "back in 95 s"],
    ),
    ([alert(state="re-raised", last="nurse-a")], ["HIGH on floor 75 s", "re-raised, was nurse-a's"]),
    (
        [alert(state="acknowledged", attended=True, **OWNED), alert("low"), alert("low")],
        ["HIGH on floor 75 s", "acknowledged by nurse-a, attended", "back in 95 s", "and 2 low"],
    ),
]


def column(text: str, head: str, beyond: str) -> str:
    """What stands in a column, without the spaces; up to the column after it."""
    rows = text.splitlines()
    heads = next(row for row in rows if head in row)
    end = heads.index(beyond) if beyond in heads else None
    return "".join("".join(row[heads.index(head) : end].split()) for row in rows[4:])


@pytest.mark.parametrize(("alerts", "words"), ALERTS)
@pytest.mark.parametrize("width", [100, 140])
def test_alerts_stand_in_their_own_column(width: int, alerts: list[Alert], words: list[str]) -> None:
    given = replace(room(camera="picamera2", model="blazepose"), alerts=tuple(alerts))
    text = shown(given, width=width)
    assert column(text, "Alert", "Notes").startswith("".join(words).replace(" ", ""))


@pytest.mark.parametrize(("alerts", "words"), ALERTS[1:])
def test_or_under_the_state_where_there_is_no_room(alerts: list[Alert], words: list[str]) -> None:
    text = shown(replace(room(), alerts=tuple(alerts)))
    assert column(text, "State", "   For").startswith("".join(["in bed", *words]).replace(" ", ""))
    assert max(cell_len(row) for row in text.splitlines()) <= 80
    assert "ALERTS 1 " in text.splitlines()[0]


def test_what_is_not_known_of_alerts_is_no_calm() -> None:
    assert " ?" in shown(room(), width=100) and " none" not in shown(room(model="m"), width=100)
    assert "ALERTS" not in shown(room())


def test_rooms_with_alerts_stay_in_and_take_their_lines() -> None:
    low = replace(room(unit="u-0"), alerts=(alert("low"),))
    mine = replace(room(unit="u-1"), alerts=(alert(state="acknowledged", **OWNED),))
    loud = replace(room(unit="u-2"), alerts=(alert(),))
    rooms = [room("silent", unit="u-3"), low, mine, room(unit="u-4"), loud]
    assert fit(rooms, 1) == [loud], "one at least"
    assert fit(rooms, 7) == [mine, loud]
    assert fit(rooms, 10) == [low, mine, loud]
    assert fit(rooms, 12) == rooms


def test_colour_is_for_what_sounds() -> None:
    loud = shown(replace(room(), alerts=(alert(),)), width=100, colour=True)
    mine = shown(replace(room(), alerts=(alert(state="acknowledged", **OWNED),)), width=100, colour=True)
    assert "\x1b[1;37;41mHIGH" in loud and "41mHIGH" not in mine


def test_a_json_line_holds_nothing_that_does_not_hold_now() -> None:
    now = line(room())
    assert (now.state, now.presence, now.gate) == ("in-bed", "live", "open")
    assert now.breathing == Reading(15.2, 0.93, None, "cells", 30.0)
    for gone in (room("silent"), room("late", behind_ms=99_000), NEVER, WAITING):
        assert msgspec.structs.astuple(line(gone))[3:] == (None,) * 7 + ((), None, None, None, {}, None)
    paused = line(room(gate="paused"))
    assert (paused.gate, paused.state) == ("paused", None)
    assert line(room(state="unknown")).state is None


def test_noise_below_what_is_shown_is_no_change() -> None:
    nearly = Reading(15.2401, 0.9301, None, "cells", 30.2)
    assert line(room()) == line(room(breathing=nearly, motion=0.9, frames_dropped=7, frames_per_s=11.0))
    assert line(room()) != line(room(breathing=Reading(15.9, 0.93, None, "cells", 30.0)))


def test_rooms_stand_as_people_count_them() -> None:
    rooms = Rooms(HandClock(), 2.0)
    names = ["room-10", "room-9", "room-1", "a-2-b-10", "a-2-b-9"]
    rooms.enrol(f"u-{n}" for n in range(len(names)))
    for n, name in enumerate(names):
        rooms.saw(f"u-{n}", (1, 0, 1), NOW, msgspec.structs.replace(SNAPSHOT, room=name))
    assert [room.name for room in rooms.all()] == ["a-2-b-9", "a-2-b-10", "room-1", "room-9", "room-10"]


def test_the_file_of_alerts_is_read_again_only_where_it_is_another(tmp_path: Path) -> None:
    follower = alert_file.Follower(tmp_path)
    assert follower.look(NOW) is None
    alert_file.write(tmp_path, alert_file.Standing(NOW, (alert(),)))
    found = follower.look(NOW)
    assert found and found.alerts == (alert(),) and follower.look(NOW + 9_000) is found
    assert follower.look(NOW + 10_001) is None, "old: nobody knows"
    alert_file.write(tmp_path, alert_file.Standing(NOW + 11_000, ()))
    assert follower.look(NOW + 11_000) == alert_file.Standing(NOW + 11_000, ())
    (tmp_path / alert_file.FILE).write_text("{")
    assert follower.look(NOW + 11_000) is None
    (tmp_path / alert_file.FILE).unlink()
    assert follower.look(NOW + 11_000) is None


# the command itself, on a real broker

COMMAND = [sys.executable, "-m", "stillroom", "site", "watch"]


def wait_for(sender: Sender | None, true: Callable[[], object]) -> None:
    give_up = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < give_up
        if sender is None:
            time.sleep(0.02)
        else:
            sender.step()


def test_lines_come_with_each_change_and_say_silence(
    tmp_path: Path, tls_site: Path, tls_broker: LocalBroker
) -> None:
    sender = Sender(tmp_path / "unit", tls_site, "u-1")
    output = tmp_path / "lines"

    def lines() -> list[dict[str, Any]]:
        found = [json.loads(text) for text in output.read_bytes().splitlines()]
        return [line for line in found if "notice" not in line]

    with output.open("wb") as file:
        watching = subprocess.Popen([*COMMAND, "--site", tls_site, "--json"], stdout=file)
    try:
        with sender.session:
            wait_for(sender, lambda: len(lines()) == 1)
            sender.state = "on-floor"
            wait_for(sender, lambda: len(lines()) == 2)
            wait_for(None, lambda: len(lines()) == 3)
    finally:
        watching.send_signal(signal.SIGTERM)
        assert watching.wait(10) == 0
    assert [(found["presence"], found["state"]) for found in lines()] == [
        ("live", "in-bed"),
        ("live", "on-floor"),
        ("silent", None),
    ]
    assert all((found["unit"], found["room"]) == ("u-1", "room-1") for found in lines())


def test_the_table_in_a_terminal(tmp_path: Path, tls_site: Path, tls_broker: LocalBroker) -> None:
    sender = Sender(tmp_path / "unit", tls_site, "u-1")
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": "100", "LINES": "30", "TERM": "xterm"}
    watching = subprocess.Popen([*COMMAND, "--site", tls_site], stdout=theirs, env=environment)
    os.close(theirs)
    seen = bytearray()
    threading.Thread(target=drain, args=(ours, seen), daemon=True).start()
    try:
        wait_for(None, lambda: b"WAITING for a record" in seen)
        with sender.session:
            wait_for(sender, lambda: b"in bed" in seen and b"15.5" in seen)
            tls_broker.kill()
            wait_for(None, lambda: b"SILENT, was in bed" in seen and b"NOT CONNECTED" in seen)
    finally:
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10) == 0


def drain(descriptor: int, into: bytearray) -> None:
    with contextlib.suppress(OSError):
        while part := os.read(descriptor, 65_536):
            into += part


def test_without_a_terminal_there_is_no_table(tls_site: Path) -> None:
    coloured = os.environ | {"FORCE_COLOR": "1"}
    done = subprocess.run(
        [*COMMAND, "--site", tls_site],
        capture_output=True, text=True, timeout=WITHIN_S, check=False, env=coloured,
    )  # fmt: skip
    assert done.returncode == 1
    assert (
        done.stderr == "stillroom: watch: standard output is no terminal, so there is no table: use --json\n"
    )


@pytest.mark.parametrize("what", ["gateway", "watch"])
def test_a_folder_that_is_no_site_is_told(tmp_path: Path, what: str) -> None:
    done = subprocess.run(
        [*COMMAND[:-1], what, "--site", tmp_path],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 3
    assert "no site here" in done.stderr and done.stderr.count("\n") == 1

"""From a frame to an event opened at the other end: real processes, real broker, kills midway, each event once."""

import base64
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable

import msgspec
import pytest

from stillroom import chain
from stillroom.documents import KINDS, Roster
from stillroom.events import Audited
from stillroom.notes import sign_note
from stillroom.public_keys import VerifyKey
from stillroom.receiver import MemoryStore, Opened, Receiver
from stillroom_tools.lab.demo_unit import DemoUnit
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.subscriber import Subscriber
from tests.live import LiveSite, command, processes_below, run_unit, until
from tests.patience import WITHIN_S


class Listener:
    """A board of the site: subscribed, with the board's keys."""

    def __init__(self, live: LiveSite) -> None:
        site = open_site(live.site)
        self._receiver = Receiver(site.enrolments(), site.keys("board").boxes, MemoryStore())
        self._session = Subscriber(
            site.broker("board"), live.site, "listener", ["stillroom/1/test/+/up"], persistent=False,
            tell=lambda _: None,
        )  # fmt: skip
        self._session.start()
        self.records: list[Opened] = []

    def until(self, done: Callable[[], object], what: str) -> None:
        def look() -> object:
            self.records += [self._receiver.open(m.payload) for m in self._session.take(64, 0.05)]
            return done()

        until(look, what)

    def numbers(self) -> set[int]:
        return {entry.number for opened in self.records for entry in opened.body.entries}

    def stop(self) -> None:
        self._session.stop()


def arrived(site: LiveSite) -> set[tuple[int, int]]:
    """(number, time) of what was opened at the other end."""
    site.take()
    return {(line.number, line.at_ms) for line in site.lines}


def links(site: LiveSite, unit: str) -> list[Audited]:
    found = [line for line in site.lines if line.unit == unit and line.event["type"] == "audit"]
    return [
        Audited(
            e["index"], e["at_ms"], *(base64.b64decode(e[k]) for k in ("body", "salt", "head", "signature"))
        )
        for e in (line.event for line in sorted(found, key=lambda line: line.number))
    ]


def test_a_life_arrives_once_though_everything_is_killed_on_the_way(live: LiveSite):
    unit = live.add_unit()
    live.start()
    until(lambda: live.has("state", state="in-bed"), "in-bed at the other end")

    live.broker.kill()
    before = unit.status().accepted
    until(lambda: unit.status().accepted > before + 3, "events accepted without a broker")
    live.broker.restart()
    until(lambda: (live.take(), live.ledger.balanced)[1], "all of it delivered after the broker's return")

    for process in ("courier", "eye", "keeper"):
        pid = live.kill(unit, process)
        until(lambda p=process, old=pid: live.pid_of(unit, p) not in {None, old}, f"another {process}")
    live.restart_gateway()
    live.broker.restart()
    unit.press_button()
    until(lambda: live.has("gate", gate="paused"), "the pause at the other end")
    until(lambda: live.pid_of(unit, "eye") is None, "no eye while paused", within_s=1.0)

    live.settle()
    account = live.ledger.account(unit.name)
    assert account.delivered == set(range(1, account.accepted + 1))
    assert account.doubled == 0
    key = VerifyKey(open_site(live.site).enrolment(unit.name).sign)
    assert chain.verify(map(chain.proof_of, links(live, unit.name)), key)
    assert {"gate", "state", "audit", "condition", "summary"} >= {line.event["type"] for line in live.lines}
    assert "Traceback" not in live.logs()


def test_withdrawal_ends_the_camera_within_a_second_and_a_new_authorisation_starts_it(live: LiveSite):
    unit = live.add_unit()
    live.start()
    until(lambda: live.has("state", state="occupied"), "somebody seen")
    command("site", "authorise", "withdraw", unit.folder, "--site", live.site)
    until(lambda: unit.status().gate == "withdrawn" or live.pid_of(unit, "eye") is None, "withdrawal learned")
    until(lambda: live.pid_of(unit, "eye") is None, "no eye", within_s=1.0)
    until(lambda: live.has("gate", gate="withdrawn"), "the withdrawal at the other end")
    command("site", "authorise", "new", unit.folder, "--site", live.site, "--room", "room-1", "--days", 1)
    until(lambda: live.pid_of(unit, "eye"), "an eye again")
    until(lambda: unit.status().gate == "open", "an open gate")
    live.settle()


def test_a_halt_of_the_whole_site_and_a_pause_reach_a_unit_through_gateway_and_broker(live: LiveSite):
    unit = live.add_unit()
    live.start()
    until(lambda: live.has("state", state="occupied"), "somebody seen")
    for begin, gate in ((("halt", "--send"), "halted"), (("pause", unit.name), "paused")):
        command("site", begin[0], *begin[1:], "--site", live.site)
        until(lambda g=gate: unit.status().gate == g or live.pid_of(unit, "eye") is None, f"{gate}, learned")
        until(lambda: live.pid_of(unit, "eye") is None, "no eye", within_s=1.0)
        until(lambda g=gate: live.has("gate", gate=g), f"{gate} at the other end")
        until(lambda b=begin: live.has("receipt", kind=b[0], outcome="done"), "its receipt")
        command("site", "resume", *begin[1:2] if gate == "paused" else (), "--site", live.site, "--send")
        until(lambda: unit.status().gate == "open", "an open gate again")
        until(lambda: live.pid_of(unit, "eye"), "an eye again")
    command("site", "renew", live.site, "--send")
    until(lambda: live.has("receipt", kind="roster", outcome="done"), "a roster in parts, and its receipt")
    live.settle()
    assert "Traceback" not in live.logs()


def test_a_recording_as_camera(live: LiveSite, real):
    unit = live.add_unit("recorded", real("room-people-one-by-one.mp4"), cues="")
    live.start()
    until(lambda: live.has("state", state="occupied"), "somebody of the recording")
    live.settle()
    assert live.ledger.account(unit.name).missing == 0


def test_without_a_broker_the_unit_goes_on_and_says_so_once(live: LiveSite):
    unit = live.add_unit()
    unit.start()
    until(lambda: unit.status().accepted > 5, "events accepted")
    log = unit.log.read_text()
    assert log.count("nothing listens there") == 1
    live.broker.start()
    live.gateway.start()
    until(lambda: live.has("state"), "what was accepted before there was a broker")
    live.settle()


def test_two_units_with_one_id_are_named_on_both_sides(live: LiveSite):
    unit = live.add_unit()
    live.start()
    until(lambda: live.has("gate"), "the first one's records")
    twin = live.folder / "twin"
    shutil.copytree(unit.folder, twin, ignore=shutil.ignore_patterns("run", "*.lock", "outbox*"))
    process = run_unit(twin)
    try:
        gateway_log = live.folder / "gateway.log"
        until(lambda: "cloned" in gateway_log.read_text(), "the gateway's word")
        until(lambda: "another client" in unit.log.read_text(), "the courier's word")
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 0
    assert "Traceback" not in said
    # With the twin gone and this one started anew, all that it had accepted arrives, whatever numbers the twin used.
    unit.ask_to_stop()
    unit.wait()
    database = sqlite3.connect(unit.folder / "state" / "outbox.db")
    pending = set(database.execute("SELECT number, at_ms FROM entries").fetchall())
    database.close()
    assert pending
    for _ in range(2):
        unit.start()
        until(lambda: unit.status().connected, "this one connected again")
        time.sleep(2.0)
        unit.ask_to_stop()
        unit.wait()
    unit.start()
    until(lambda: pending <= arrived(live), "everything that this one had accepted")


@pytest.mark.parametrize("after_s", [0.3, 0.5, 0.8, 1.5])
def test_ctrl_c_at_any_moment_leaves_nothing_behind(live: LiveSite, after_s: float):
    unit = live.add_unit()
    process = run_unit(unit.folder)
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=WITHIN_S)
    assert process.returncode in {0, 130, -signal.SIGINT}
    assert "Traceback" not in said
    until(lambda: not processes_below(unit.folder), "the end of its processes", within_s=3.0)


def test_kill_of_the_supervisor_ends_the_three(live: LiveSite):
    live.start()
    unit = live.add_unit()
    process = run_unit(unit.folder)
    until(lambda: live.pid_of(unit, "eye"), "an eye")
    process.kill()
    process.communicate(timeout=WITHIN_S)
    until(lambda: not processes_below(unit.folder), "the end of its processes", within_s=3.0)


def test_a_second_run_of_one_unit_is_refused(live: LiveSite):
    unit = live.add_unit()
    live.start()
    until(lambda: unit.status().accepted > 0, "the first one's start")
    process = run_unit(unit.folder)
    _, said = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 8
    assert "another `stillroom run` is using it" in said and "Traceback" not in said
    assert unit.ended() is None
    for process in ("courier", "eye"):
        pid = live.kill(unit, process)
        until(lambda p=process, old=pid: live.pid_of(unit, p) not in {None, old}, f"another {process}")
    until(lambda: live.pid_of(unit, "keeper"), "the first one, unharmed")


def test_a_camera_that_fails_is_a_condition_in_one_line(live: LiveSite):
    unit = live.add_unit()
    (live.folder / "life.toml").write_text("no scenario = at all")
    live.start()
    until(lambda: live.has("condition", kind="camera-failed", active=True), "the condition at the other end")
    live.settle()
    assert "life.toml" in unit.log.read_text() and "Traceback" not in unit.log.read_text()


def test_commands_reach_a_unit_that_nobody_can_touch(live: LiveSite):
    """Withdrawn and authorised again through gateway and broker alone; each answered by a receipt."""
    unit = live.add_unit()
    live.start()
    until(lambda: unit.status().gate == "open", "an open gate")
    command("site", "authorise", "withdraw", unit.name, "--site", live.site, "--send")
    until(lambda: live.has("receipt", kind="withdrawal", outcome="done"), "the receipt of the withdrawal")
    until(lambda: unit.status().gate == "withdrawn", "a closed gate")
    until(lambda: live.pid_of(unit, "eye") is None, "no eye", within_s=1.0)
    live.restart_gateway()
    command(
        "site", "authorise", "new", unit.name, "--site", live.site, "--room", "room-9", "--days", 1, "--send"
    )
    until(
        lambda: live.has("receipt", kind="authorisation", outcome="done"), "the receipt of the authorisation"
    )
    until(lambda: unit.status().gate == "open" and live.pid_of(unit, "eye"), "an eye again")
    live.settle()
    assert live.ledger.account(unit.name).doubled == 0


def deliver_by_puback(live: LiveSite, unit: DemoUnit) -> None:
    """A roster of the authority that says so: nothing else can."""
    site = open_site(live.site)
    old = site.roster()
    roster = msgspec.structs.replace(old, version=old.version + 1, delivery="puback")
    note = sign_note(KINDS[Roster], roster, [site.authority_keys()])
    (unit.folder / "trust" / "roster.note").write_bytes(note)


def test_the_brokers_word_settles_only_where_the_roster_says_so_and_somebody_listens(live: LiveSite):
    unit = live.add_unit()
    live.broker.start()
    board = Listener(live)
    unit.start()
    until(lambda: unit.status().connected and unit.status().accepted > 3, "events accepted")
    board.until(lambda: len(board.records) > 8, "records that the broker has acknowledged")
    assert unit.status().waiting == unit.status().accepted, (
        "with a gateway in the roster, PUBACK settles nothing"
    )

    deliver_by_puback(live, unit)
    board.until(lambda: unit.status().waiting == 0, "nothing waits any more")
    assert board.numbers() >= set(range(1, unit.status().accepted - 2))

    board.stop()
    before = unit.status().accepted
    unit.press_button()
    until(lambda: unit.status().accepted > before, "the pause accepted")
    time.sleep(3.0)
    assert unit.status().waiting > 0, "nobody is subscribed: the broker took it and threw it away"
    again = Listener(live)
    again.until(lambda: unit.status().waiting == 0, "what waited for somebody to listen")
    assert set(range(1, unit.status().accepted + 1)) <= board.numbers() | again.numbers()
    again.stop()

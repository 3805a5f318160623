"""Alerts through the real gateway on a real broker: killed with -9, operated by the commands, shown by watch."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gateway_process import GatewayProcess, gateway
from parties import command
from tests.patience import WITHIN_S
from unit_sender import Sender, step_until

from stillroom.clock import SystemClock
from stillroom.errors import ConfigError, StillroomError, TrustError
from stillroom.events import ConditionChanged
from stillroom_tools.lab.broker import LocalBroker, find_program
from stillroom_tools.site import alerts as alerts_command
from stillroom_tools.site import commands
from stillroom_tools.site.gateway import alert_file
from stillroom_tools.site.gateway.alert_forms import Alert
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.watch import line
from stillroom_tools.site.watching import Watch

pytestmark = pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed")

FALL = ConditionChanged("on-floor", "high", True, "91 % on the floor for 2.0 s")
OVER = ConditionChanged("on-floor", "high", False, "")


class Ward:
    """A unit that goes on sending while commands wait for the gateway."""

    def __init__(self, sender: Sender, site: Path, running: GatewayProcess) -> None:
        self.sender, self.site, self.running = sender, site, running

    def standing(self) -> tuple[Alert, ...]:
        found = alert_file.read(self.site / "gateway", SystemClock().utc_ms())
        return found.alerts if found else ()

    def until(self, state: str, kind: str = "on-floor") -> None:
        def reached() -> bool:
            return any((a.kind, a.state) == (kind, state) for a in self.standing())

        step_until(self.sender, reached, f"{kind} {state}: {self.standing()}, {self.running.said()}")

    def until_none(self) -> None:
        def reached() -> bool:
            found = alert_file.read(self.site / "gateway", SystemClock().utc_ms())
            return found is not None and not found.alerts

        step_until(self.sender, reached, f"no alert: {self.standing()}")

    def do(self, *words: object) -> None:
        """A command, while the unit sends on."""
        with self.sending():
            assert command(commands, "alerts", *words, "--site", self.site) == 0

    @contextmanager
    def sending(self) -> Iterator[None]:
        stop = threading.Event()

        def send() -> None:
            while not stop.wait(0.05):
                self.sender.step()

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@pytest.fixture
def ward(
    tmp_path: Path, tls_site: Path, tls_broker: LocalBroker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ward]:
    monkeypatch.setattr(alerts_command, "WAIT_S", WITHIN_S)
    sender = Sender(tmp_path / "unit", tls_site, "u-1")
    with sender.session, gateway(tls_site, tmp_path) as running:
        yield Ward(sender, tls_site, running)


def changes(ward: Ward) -> list[tuple[str, str]]:
    return [(said["what"], said["owner"]) for said in ward.running.alerts() if said["kind"] == "on-floor"]


def test_a_fall_from_its_beginning_to_the_attendance(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    number = ward.sender.tell(FALL)
    ward.until("raised")
    ward.do("acknowledge", "u-1", "--by", "ann")
    assert "acknowledged by ann" in capsys.readouterr().out
    ward.sender.tell(OVER)
    step_until(ward.sender, lambda: not ward.standing()[0].present, "the end of the condition")
    assert ward.standing()[0].state == "acknowledged", "over, and nobody was there"
    ward.do("pause-audio", "u-1", "--by", "bob", "--kind", "on-floor")
    ward.do("pause-alarm", "u-1", "--by", "bob")
    ward.do("list")
    assert "alarm-paused by bob, over" in capsys.readouterr().out
    ward.do("list", "u-1", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["notice"], said["what"], said["owner"], said["number"]) == (
        "alert", "alarm-paused", "bob", number + 1,
    )  # fmt: skip
    ward.do("attend", "u-1", "--by", "ann")
    ward.until_none()
    capsys.readouterr()
    for words, said in (
        ((), "no alert stands\n"),
        (("u-1",), "no alert stands of unit 'u-1'\n"),
        (("--json",), ""),
    ):
        ward.do("list", *words)
        assert capsys.readouterr().out == said
    with pytest.raises(TrustError, match="unit 'u-9' is not enrolled"):
        ward.do("list", "u-9")
    step_until(ward.sender, lambda: len(changes(ward)) >= 6, "the lines")
    assert changes(ward) == [
        ("raised", ""), ("acknowledged", "ann"), ("acknowledged", "ann"), ("audio-paused", "bob"),
        ("alarm-paused", "bob"), ("cleared", ""),
    ]  # fmt: skip
    assert "cleared by ann" in ward.running.said()
    with pytest.raises(ConfigError, match="unit 'u-1' has no alert"):
        ward.do("attend", "u-1", "--by", "ann")


def test_kill_9_at_every_step_loses_no_alert_and_no_owner(ward: Ward) -> None:
    def killed() -> None:
        ward.running.kill()
        ward.running.start()

    ward.sender.tell(FALL)
    ward.until("raised")
    killed()
    ward.until("raised")
    ward.do("acknowledge", "u-1", "--by", "ann")
    ward.until("acknowledged")
    before = ward.standing()[0]
    killed()
    ward.sender.tell(OVER)
    step_until(ward.sender, lambda: ward.standing() and not ward.standing()[0].present, "the end of it")
    after = ward.standing()[0]
    assert (after.owner, after.until_ms, after.first_ms) == ("ann", before.until_ms, before.first_ms)
    for _ in range(3):
        killed()
    ward.until("acknowledged")
    ward.sender.tell(FALL)
    ward.until("re-raised")
    killed()
    ward.until("re-raised")
    ward.do("attend", "u-1", "--by", "ann")
    ward.sender.tell(OVER)
    ward.until_none()
    step_until(ward.sender, lambda: ("cleared", "") in changes(ward), "the last line")
    told = [what for what, _ in changes(ward)]
    assert list(dict.fromkeys(told)) == ["raised", "acknowledged", "re-raised", "cleared"]


def test_a_unit_that_falls_silent_is_an_alert_until_it_is_back(ward: Ward) -> None:
    ward.sender.tell(FALL)
    ward.until("raised")
    step = ward.sender.step
    ward.sender.step = lambda: ward.sender.hear(0.05)  # type: ignore[method-assign]
    ward.until("raised", "unit-silent")
    assert {alert.kind for alert in ward.standing()} == {"on-floor", "unit-silent"}, "silence ends nothing"
    ward.sender.step = step  # type: ignore[method-assign]

    def back() -> bool:
        return {alert.kind for alert in ward.standing()} == {"on-floor"}

    step_until(ward.sender, back, "the unit again")


def test_watch_shows_what_stands_and_that_it_does_not_know(ward: Ward) -> None:
    ward.sender.tell(FALL)
    ward.until("raised")
    with Watch(open_site(ward.site), SystemClock(), lambda _text: None) as watch:

        def known() -> Any:
            watch.look(0.01)
            (room,) = watch.rooms.all()
            return room.alerts

        step_until(ward.sender, known, "the alert in watch")
        (room,) = watch.rooms.all()
        assert [(alert.kind, alert.state) for alert in line(room).alerts or ()] == [("on-floor", "raised")]
        assert "ALERTS" not in watch.status()
        ward.running.stop()
        (ward.site / "gateway" / alert_file.FILE).unlink()
        watch.look(0.01)
        (room,) = watch.rooms.all()
        assert line(room).alerts is None, "never none, where nobody knows"
        assert "ALERTS ARE NOT KNOWN" in watch.status()


def test_what_the_board_did_not_sign_does_nothing(ward: Ward) -> None:
    ward.sender.tell(FALL)
    ward.until("raised")
    folder = ward.site / "acts"
    folder.mkdir()
    (folder / "a.note").write_bytes(b"stillroom/1 alert-act\n{}\n")
    step_until(ward.sender, lambda: (folder / "a.note.refused").exists(), "the refusal")
    ward.until("raised")
    assert "not done: " in ward.running.said()


# what is wrong with a command, without a gateway


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (("list",), StillroomError, "no gateway runs here, so the alerts are not known"),
        (("attend", "u-1", "--by", "ann"), StillroomError, "no gateway runs here"),
        (("attend", "u-1", "--by", "Ann B"), ConfigError, "--by 'Ann B': 1 to 32 of a-z 0-9 -"),
        (("attend", "u-1", "--by", "ann", "--kind", "Über"), ConfigError, "--kind 'Über': 1 to 48 of"),
        (("attend", "U 1", "--by", "ann"), ConfigError, "unit 'U 1': 1 to 32"),
    ],
)
def test_bad_words_are_one_line(
    tmp_path: Path, words: tuple[str, ...], error: type[StillroomError], message: str
) -> None:
    command(commands, "new", tmp_path / "site", "--site", "demo")
    with pytest.raises(error, match=message) as caught:
        command(alerts_command, *words, "--site", tmp_path / "site")
    assert "\n" not in str(caught.value)


def test_an_old_file_of_alerts_is_not_believed(tmp_path: Path) -> None:
    assert alert_file.read(tmp_path, 0) is None
    assert alert_file.write(tmp_path, alert_file.Standing(100_000, ())) == ""
    assert (tmp_path / alert_file.FILE).stat().st_mode & 0o077 == 0
    for now_ms, believed in ((100_000, True), (110_000, True), (110_001, False), (89_999, False)):
        assert (alert_file.read(tmp_path, now_ms) is not None) == believed
    (tmp_path / alert_file.FILE).write_text("{")
    assert alert_file.read(tmp_path, 100_000) is None
    assert "nobody is shown the alerts" in alert_file.write(tmp_path / "absent", alert_file.Standing(0, ()))

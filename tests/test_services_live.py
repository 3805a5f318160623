"""Services that stand still, and services that fail again and again: real processes, and a test in systemd's place.

No progress, no pet; and where progress goes on, pets go on, so that nobody is killed for another's fault.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stillroom.keeper.starts import FILE, MOST
from stillroom.status import FILE as STATUS
from tests.live import CANARY, LiveSite, plug_in, until
from tests.patience import WITHIN_S
from tests.services import Service

CAMERA = ["--camera", "canary_camera.wayward:open_camera"]
QUIET_S = 1.2
"""Three periods of the tests' watchdog: systemd would have killed by then."""
GOOD_AFTER_S = 3
SOON_GOOD = f"""
import sys
from stillroom.keeper import starts
starts.GOOD_AFTER_NS = {GOOD_AFTER_S} * 10**9
from stillroom.cli import main
sys.exit(main(sys.argv[1:]))
"""


class Site:
    """Broker, gateway, and one unit's three services with a camera that obeys a file."""

    def __init__(self, live: LiveSite) -> None:
        self.live, self.home = live, live.add_unit().folder
        self.says = self.home / "cues"
        self.says.write_text("")
        live.broker.start()
        live.gateway.start()
        names = ("keeper", "courier", "eye")
        self.keeper, self.courier, self.eye = (Service(name, live.folder, self.home) for name in names)
        self.eye.more = CAMERA
        self.eye.environment["PYTHONPATH"] = str(CANARY)

    @property
    def start_signal(self) -> bool:
        return (self.home / "run" / "eye.start").exists()

    def start(self) -> None:
        self.keeper.start()
        self.keeper.says("READY=1")
        self.courier.start()
        self.courier.says("READY=1")

    def end(self) -> None:
        for service in (self.eye, self.courier, self.keeper):
            service.close()
            print(service.name, service.log)


@pytest.fixture
def site(live: LiveSite) -> Iterator[Site]:
    made = Site(live)
    yield made
    made.end()


def quiet(stands: Service, *goes_on: Service) -> None:
    """It pets no more, however long one waits; the others do."""
    ends_s = time.monotonic() + WITHIN_S
    while True:
        for service in (stands, *goes_on):
            service.pets()
        before_s = time.monotonic()
        while time.monotonic() - before_s < QUIET_S:
            time.sleep(0.05)
        if stands.pets() == 0:
            break
        assert time.monotonic() < ends_s, f"{stands.name} goes on petting"
    for service in goes_on:
        service.says("WATCHDOG=1")


def test_who_stands_still_does_not_pet_and_the_others_do(site: Site):
    site.start()
    until(lambda: site.start_signal, "the start signal")
    site.eye.start()
    for service in (site.eye, site.courier, site.keeper):
        service.says("WATCHDOG=1")

    site.says.write_text("wait")  # no frame
    quiet(site.eye, site.courier, site.keeper)
    assert site.eye.running, "its lease goes on: only the watchdog finds it"
    site.says.write_text("")
    site.eye.says("WATCHDOG=1")

    broker = site.live.broker.pid
    assert broker is not None
    os.kill(broker, signal.SIGSTOP)  # records leave, and nothing is answered
    try:
        quiet(site.courier, site.keeper)
    finally:
        os.kill(broker, signal.SIGCONT)
    site.courier.says("WATCHDOG=1")

    pipe = (site.home / "run" / STATUS).with_suffix(".new")
    while not pipe.is_fifo():  # a slot that does not come to its end
        pipe.unlink(missing_ok=True)
        try:
            os.mkfifo(pipe)
        except FileExistsError:
            continue
    quiet(site.keeper)
    assert site.keeper.running


def test_an_eye_that_fails_again_and_again(site: Site):
    """After nine failures before a reboot, one more: dark, told at the gateway; then it tries, and is good."""
    site.keeper.program = [sys.executable, "-c", SOON_GOOD]
    (site.home / "state" / FILE).write_text(f'{{"keeper":0,"eye":{MOST - 1}}}')
    site.says.write_text("fail")

    def tend() -> None:
        """As systemd does."""
        if site.start_signal and not site.eye.running:
            site.eye.start()

    site.start()
    until(
        lambda: (tend(), site.live.has("condition", kind="crash-loop", active=True))[1],
        "the word of it",
        60.0,
    )
    until(lambda: (tend(), site.live.has("gate", gate="safe-mode"))[1], "safe mode")
    site.says.write_text("")
    until(
        lambda: (tend(), site.live.has("condition", kind="crash-loop", active=False))[1],
        "all good again",
        60.0,
    )
    assert site.start_signal and site.eye.running
    assert Path(site.home / "state" / FILE).read_text() == '{"keeper":0,"eye":0}'


@pytest.mark.long
def test_without_systemd_it_is_the_same_and_known_after_a_restart(
    live: LiveSite, monkeypatch: pytest.MonkeyPatch
):
    plug_in(monkeypatch, live.folder, "wayward", "canary_camera.wayward:open_camera")
    unit = live.add_unit()
    path = unit.folder / "unit.toml"
    text = path.read_text().replace('kind = "simulated"', 'kind = "wayward"')
    path.write_text(text.replace('cues = "cues"', 'cues = "says"'))
    (unit.folder / "says").write_text("fail")
    (unit.folder / "state" / FILE).write_text(f'{{"keeper":0,"eye":{MOST - 1}}}')
    live.start()
    until(lambda: live.has("condition", kind="crash-loop", active=True), "the word of it")
    (unit.folder / "says").write_text("")
    unit.ask_to_stop()
    unit.wait()
    (unit.folder / "run" / STATUS).unlink()
    unit.start()
    until(lambda: unit.status().gate == "safe-mode", "a start in safe mode")
    assert "crash-loop" in unit.status().faults


def test_a_keeper_that_has_failed_too_often_still_speaks(site: Site):
    """Whatever of it fails is passed over: here, the reading of what the site has signed."""
    site.keeper.program = [sys.executable, "-c", BROKEN]
    for _ in range(2):
        site.keeper.start()
        until(lambda: not site.keeper.running, "a keeper that fails")
        assert "RuntimeError: broken" in site.keeper.log
    (site.home / "state" / FILE).write_text(f'{{"keeper":{MOST},"eye":0}}')
    site.start()
    until(lambda: site.live.has("condition", kind="crash-loop", active=True), "the word of it")
    assert "passed over: RuntimeError: broken" in site.keeper.log
    assert not site.start_signal


BROKEN = """
import sys
from stillroom.keeper.unit import Unit
def lease(self):
    raise RuntimeError("broken")
Unit.lease = lease
from stillroom.cli import main
sys.exit(main(sys.argv[1:]))
"""

"""A self-test opens no camera that promise 2 keeps shut: in the factory it may, else for maintenance alone."""

import os
import shutil
import socket
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from stillroom import cli, config
from stillroom.clock import SystemClock
from stillroom.errors import StorageError, TrustError
from stillroom.events import Audited
from stillroom.eye import lease
from stillroom.eye.selftest import look
from stillroom.keeper.indicator import FILE, Indicator, opener
from stillroom.keeper.own_keys import own_keys
from stillroom.keys import load_unit_keys
from stillroom.link import EyeHears, Halt, Link
from stillroom.selftest_camera import CameraProcess
from stillroom.selftest_leave import Factory, Leave, Maintenance, leave_of
from stillroom.selftest_link import CameraSays, Job, Ready
from tests.factory import factory_unit
from tests.rig import Rig, run


def leave(path: Path) -> tuple[object, str]:
    unit = config.load(path)
    with leave_of(unit, own_keys(unit), SystemClock()) as found:
        return found, found.against()


def test_a_unit_that_no_site_has_may_be_tested(tmp_path: Path) -> None:
    found, against = leave(factory_unit(tmp_path))
    assert isinstance(found, Factory) and against == "" and "no site" in found.words


@pytest.mark.parametrize(
    "what",
    [
        "trust/roster.note",
        "trust/halts/h-1.note",
        "state/outbox.db",
        "state/outbox.marks",
    ],
)
def test_anything_of_a_site_or_of_a_keepers_ends_that(what: str, tmp_path: Path) -> None:
    path = factory_unit(tmp_path)
    unit = config.load(path)
    with leave_of(unit, own_keys(unit), SystemClock()) as found:
        (tmp_path / what).parent.mkdir(exist_ok=True)
        (tmp_path / what).write_bytes(b"")
        assert "become a site's" in found.against(), "while it is tested too"


def test_papers_that_went_lost_do_not_make_a_unit_new(tmp_path: Path) -> None:
    """It ran for a site: its database is there, and nobody's papers."""
    rig = Rig(tmp_path)
    rig.beat()
    rig.unit.close()
    (rig.folder / "trust" / "roster.note").unlink()
    with pytest.raises(Exception, match=r"roster\.note"):
        leave(rig.folder / "unit.toml")


def test_whoever_empties_trust_and_state_has_not_made_it_of_no_site(tmp_path: Path) -> None:
    """Whose word it obeys stands in `unit.toml`, where its own account cannot write."""
    rig = Rig(tmp_path)
    rig.unit.close()
    for name in ("trust", "state"):
        shutil.rmtree(rig.folder / name)
        (rig.folder / name).mkdir()
    with pytest.raises(TrustError, match=r"roster\.note"):
        leave(rig.folder / "unit.toml")


def test_while_a_keeper_runs_there_is_no_test(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    with pytest.raises(StorageError, match="keeper is using it"):
        leave(rig.folder / "unit.toml")


@pytest.fixture
def stopped(tmp_path: Path) -> Rig:
    """A site's unit that has heard its gateway, and does not run now."""
    rig = Rig(tmp_path)
    rig.beat()
    rig.slot()
    rig.unit.close()
    return rig


def maintenance(rig: Rig) -> Maintenance:
    return Maintenance(rig.settings, load_unit_keys(rig.folder / "keys"), rig.clock)


def test_what_is_signed_for_care_does_not_let_it_be_tested(stopped: Rig) -> None:
    stopped.authorise()
    found = maintenance(stopped)
    assert "no-authorisation" in found.against() and not found.reads()
    assert "what is signed is for another purpose" in found.against() and len(found.against()) <= 240
    found.end()


def test_maintenance_that_is_signed_for_does_and_the_chain_says_so(stopped: Rig) -> None:
    stopped.authorise(1, "status,breathing,pulse", "--purpose", "maintenance")
    found = maintenance(stopped)
    assert found.against() == "" and found.reads() and "maintenance" in found.words
    found.opened("picamera2")
    found.closed()
    found.tested(True)
    found.end()
    stopped.start()
    said = [msgspec.json.decode(e.event.body) for e in stopped.entries() if isinstance(e.event, Audited)]
    order = [one["what"] for one in said]
    at = order.index("camera-opened")
    assert order[at - 1 : at + 3] == ["gate", "camera-opened", "camera-closed", "self-test"]
    assert said[at - 1]["gate"] == "open" and said[at + 2]["passed"] == "yes"


def test_without_the_scopes_nothing_is_read_of_a_phantom(stopped: Rig) -> None:
    stopped.authorise(1, "status", "--purpose", "maintenance")
    found = maintenance(stopped)
    assert found.against() == "" and not found.reads()
    found.end()


@pytest.mark.parametrize("what", ["halted", "withdrawn", "paused", "expired", "clock-unsure"])
def test_whatever_closes_a_keepers_gate_closes_this_one(what: str, stopped: Rig) -> None:
    stopped.authorise(1, "status", "--purpose", "maintenance")
    if what == "paused":
        stopped.start()
        stopped.unit.button()
        stopped.unit.close()
    if what == "clock-unsure":
        stopped.clock.boot()
    found = maintenance(stopped)
    if what in ("paused", "clock-unsure"):
        for _ in range(16):  # minutes: all the grace that there is after a start
            stopped.clock.pass_time(timedelta(minutes=what == "clock-unsure"))
            against = found.against()
    else:
        assert found.against() == ""
        if what == "halted":
            run("site", "halt", stopped.folder, "--site", stopped.site_folder)
        if what == "withdrawn":
            stopped.withdraw()
        if what == "expired":
            stopped.clock.pass_time(timedelta(days=2))
        against = found.against()
    assert f"({what})" in against and "--purpose maintenance" in against
    found.end()


class Given(Factory):
    """Leave that is taken back after so many questions; remembers what the camera's process was told."""

    def __init__(self, unit: config.UnitConfig, answers: int) -> None:
        super().__init__(unit)
        self._answers, self.told = answers, []

    def against(self) -> str:
        self._answers -= 1
        return "" if self._answers >= 0 else "somebody took it back"

    def opened(self, camera: str) -> None:
        light = self._unit.path(self._unit.paths.run) / FILE
        self.told.append(("opened", light.read_text()))

    def closed(self) -> None:
        self.told.append(("closed", ""))


def process(path: Path, given: Leave, **job: object) -> CameraProcess:
    unit = config.load(path)
    light = Indicator(opener(unit.panel, unit.path(unit.paths.run)), lambda *_: None)
    whole = {"config": str(path), "parent": os.getpid(), "opener": "stillroom_tools.lab.stand:open_camera"}
    return CameraProcess(unit, Job(**(whole | {"seconds": 2.0} | job)), given, light, lambda _: None, 5.0)


def test_without_leave_no_camera_is_opened_and_models_and_kernel_are_tested_all_the_same(
    tmp_path: Path,
) -> None:
    """Its camera would tell that it was opened: it is not there."""
    path = factory_unit(tmp_path, faults="absent = true")
    given = Given(config.load(path), 0)
    seen = process(path, given).run()
    assert seen.against == "somebody took it back" and seen.look is None and given.told == []
    assert seen.fault == "" and seen.kernels[0].compared > 0 and seen.models is not None


def test_the_camera_waits_for_its_first_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen from inside its process: what comes in place of a lease is the end."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    opened: list[object] = []
    monkeypatch.setattr(lease, "arm_for_start", lambda: None)
    monkeypatch.setattr(lease, "arm", lambda _: None)
    monkeypatch.setattr("stillroom.eye.camera.open_camera", lambda *_: opened.append("camera"))
    parent = Link(there, CameraSays)
    parent.send(Halt())
    look(Job("", 0, "", 1.0), config.load(factory_unit(tmp_path)), Link(here, EyeHears))
    assert opened == [] and parent.receive() == Ready()
    parent.close()


def test_leave_that_is_taken_back_ends_the_camera_within_a_second(tmp_path: Path) -> None:
    path = factory_unit(tmp_path)
    path.write_text(path.read_text().replace('speed = "max"', 'speed = "real"'))
    given = Given(config.load(path), 4)
    seen = process(path, given, seconds=60.0).run()
    assert seen.against == "somebody took it back" and seen.look is None
    assert given.told == [("opened", "steady"), ("closed", "")], "the light was on before it opened"
    assert (tmp_path / "run" / FILE).read_text() == "off"


def test_where_the_light_must_work_and_does_not_no_camera_is_opened(tmp_path: Path) -> None:
    path = factory_unit(tmp_path, faults="absent = true")
    (tmp_path / "run" / FILE).mkdir()
    given = Given(config.load(path), 100)
    seen = process(path, given).run()
    assert "light does not work" in seen.against and given.told == []


def test_a_camera_that_falls_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stillroom.selftest_camera.SILENT_S", 1.0)
    path = factory_unit(tmp_path, faults="silent_after = 10")
    unit = config.load(path)
    light = Indicator(opener(unit.panel, tmp_path / "run"), lambda *_: None)
    job = Job(str(path), os.getpid(), "stillroom_tools.lab.stand:open_camera", seconds=2.0)
    seen = CameraProcess(unit, job, Given(unit, 10**6), light, lambda _: None, 0.5).run()
    assert "silent" in seen.fault and seen.look is None


def test_the_command_says_what_it_may_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lab's unit of a site, with a camera of the lab: the same rule."""
    rig = Rig(tmp_path)
    rig.unit.close()
    path = rig.folder / "unit.toml"
    (rig.folder / "phantom.toml").write_text("edge = [0.02, 0.3, 0.24, 0.55]\n")
    raw = (
        path.read_text()
        .replace('kind = "picamera2"', 'kind = "stand"')
        .replace('source = ""', 'source = "phantom.toml"')
    )
    path.write_text(raw.replace('models = "models"', 'models = ""'))
    capsys.readouterr()
    assert cli.main(["selftest", "--config", str(path), "--html", str(tmp_path / "r.html"), "--json"]) == 1
    data = capsys.readouterr().out
    report = msgspec.json.decode(data)
    camera = next(one for one in report["checks"] if one["check"] == "camera")
    assert camera["passed"] is None and "nobody has authorised it for maintenance" in camera["why"]
    assert report["passed"] is False and report["allowed"] == camera["why"], "nothing of it is cut off"
    assert not any(one["passed"] is False for one in report["checks"])
    page = (tmp_path / "r.html").read_text()
    assert "NOT PASSED: passed what was tested: the camera was not" in page and "keep `run` stopped" in page
    (tmp_path / "r.json").write_text(data)
    assert cli.main(["make", "selftest", "verify", str(tmp_path / "r.json"), "--json"]) == 1
    assert msgspec.json.decode(capsys.readouterr().out)["failed"] == ["camera"]

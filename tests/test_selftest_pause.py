"""Whoever presses the room's button while a self-test has the camera open closes it, and it stays closed."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from stillroom import config
from stillroom.events import Audited
from stillroom.keeper.eye_life import LEASE_TTL_MS
from stillroom.keeper.indicator import FILE, FilePanel, Indicator
from stillroom.keys import load_unit_keys
from stillroom.link import Halt, Lease
from stillroom.selftest_camera import CameraProcess
from stillroom.selftest_leave import Factory, Leave, Maintenance
from stillroom.selftest_link import Job
from tests.factory import factory_unit
from tests.rig import Rig

LOOKS = 6
"""About a second of an open camera."""


class Button(FilePanel):
    """A light with a button that is pressed once, when it has been looked at so often."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.looks = 0

    def pressed(self) -> bool:
        self.looks += 1
        return self.looks == LOOKS


class Told(CameraProcess):
    """Remembers what its camera was told, and after how many looks at the button."""

    def watch(self, button: Button) -> "Told":
        self._button, self.words = button, []
        return self

    def _say(self, message: Struct) -> None:
        self.words.append((self._button.looks, type(message)))
        super()._say(message)


def press_during(path: Path, leave: Leave) -> Told:
    """A self-test that would look for eight seconds, and in which the button is pressed in the second one."""
    path.write_text(path.read_text().replace('speed = "max"', 'speed = "real"'))
    unit = config.load(path)
    button = Button(unit.path(unit.paths.run) / FILE)
    job = Job(str(path), os.getpid(), "stillroom_tools.lab.stand:open_camera", seconds=8.0)
    light = Indicator(lambda: button, lambda *_: None)
    camera = Told(unit, job, leave, light, lambda _: None, 5.0).watch(button)
    camera.run()
    assert (unit.path(unit.paths.run) / FILE).read_text() == "off"
    return camera


def lent_and_ended(camera: Told) -> None:
    leases = [looks for looks, word in camera.words if word is Lease]
    assert leases and max(leases) == LOOKS - 1, "no lease after the press, and the last lives"
    assert LEASE_TTL_MS < 1000, "for less than a second"
    assert (LOOKS, Halt) in camera.words and camera.seen.look is None


def test_the_rooms_button_ends_a_self_test_and_the_unit_pauses(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "site")
    rig.beat()
    rig.slot()
    rig.unit.close()
    rig.authorise(1, "status", "--purpose", "maintenance")
    leave = Maintenance(rig.settings, load_unit_keys(rig.folder / "keys"), rig.clock)
    camera = press_during(factory_unit(tmp_path / "unit"), leave)
    lent_and_ended(camera)
    assert "(paused)" in camera.seen.against
    leave.end()

    again = Maintenance(rig.settings, load_unit_keys(rig.folder / "keys"), rig.clock)
    assert "(paused)" in again.against(), "another self-test opens nothing either"
    again.end()
    rig.start()
    rig.beat()
    assert rig.unit._gate.decision.reason == "paused", "and the keeper keeps the pause"
    said = [msgspec.json.decode(e.event.body) for e in rig.entries() if isinstance(e.event, Audited)]
    order = [one["what"] for one in said]
    assert order.index("camera-opened") < order.index("paused-by-button") < order.index("camera-closed")
    rig.unit.close()


def test_in_the_factory_the_button_ends_it_too(tmp_path: Path) -> None:
    path = factory_unit(tmp_path)
    leave = Factory(config.load(path))
    camera = press_during(path, leave)
    lent_and_ended(camera)
    assert "button was pressed" in camera.seen.against == leave.against()

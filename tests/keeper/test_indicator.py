"""The light: lit before the camera may open, dark only when it cannot be; dead, it closes the gate."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.descriptors import nothing_left_open
from tests.rig import Rig

from stillroom import config
from stillroom.config import PanelConfig
from stillroom.errors import ConfigError
from stillroom.events import ConditionChanged
from stillroom.keeper import gpio
from stillroom.keeper.eye_life import LEASE_TTL_MS
from stillroom.keeper.gpio import GpioPanel
from stillroom.keeper.indicator import FILE, PATTERNS, STEP_NS, FilePanel, Indicator
from stillroom.link import Halt


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def light(rig: Rig) -> str:
    return (rig.folder / "run" / FILE).read_text()


def kill(rig: Rig) -> None:
    """A folder in place of the file: nothing can be written there."""
    (rig.folder / "run" / FILE).unlink()
    (rig.folder / "run" / FILE).mkdir()


def test_the_light_is_on_before_the_camera_may_open(rig, monkeypatch):
    seen: list[tuple[str, bool]] = []
    real = FilePanel.show

    def show(self, pattern: str, lit: bool) -> None:
        seen.append((pattern, rig.may_start))
        real(self, pattern, lit)

    monkeypatch.setattr(FilePanel, "show", show)
    rig.beat()
    assert seen[-1] == ("off", False)
    rig.authorise()
    rig.beat()
    assert rig.may_start
    assert next(one for one in seen if one[0] == "steady") == ("steady", False)


def test_it_stays_until_no_eye_can_live_any_more(rig):
    rig.authorise()
    rig.beat()
    rig.unit.button()
    closed_ns = rig.clock.mono_ns()
    while light(rig) == "steady":
        rig.beat()
    lit_ms = (rig.clock.mono_ns() - closed_ns) / 1e6
    assert LEASE_TTL_MS <= lit_ms <= LEASE_TTL_MS + 400
    assert light(rig) == "off"


@pytest.mark.parametrize("why", ["moved", "unsure"])
def test_what_somebody_should_look_after_is_another_pattern(rig, why):
    rig.authorise()
    rig.beat()
    if why == "moved":
        rig.unit._gate.note_moved_camera()
    else:
        rig.unit.close()
        rig.clock.boot()
        rig.hear_time = lambda: None
        rig.start()
        rig.beat(16 * 60)
    rig.beat(2)
    assert light(rig) == "fault"


def test_a_dead_light_ends_the_eye_at_the_next_lease_and_one_that_works_again_opens(rig):
    rig.authorise()
    rig.beat()
    rig.eye.occupied = True
    kill(rig)
    rig.beat()
    assert rig.eye.last(Halt) and rig.eye.put_outs == 1 and not rig.may_start
    snapshot = rig.slot().snapshot
    assert snapshot.gate == "indicator-fault" and "indicator-dead" in snapshot.faults
    rig.beat(3)
    assert not rig.may_start
    (rig.folder / "run" / FILE).rmdir()
    rig.beat(0.4)
    assert rig.may_start and "indicator-dead" not in rig.slot().snapshot.faults
    told = [
        e.event.active
        for e in rig.entries()
        if isinstance(e.event, ConditionChanged) and e.event.kind == "indicator-dead"
    ]
    assert told == [True, False]


def test_a_light_that_is_dead_from_the_start_opens_nothing(rig):
    rig.unit.close()
    kill(rig)
    rig.start()
    rig.authorise()
    rig.beat(2)
    assert not rig.may_start and rig.slot().snapshot.gate == "indicator-fault"


def test_in_the_lab_a_light_that_is_not_required_is_a_condition_alone(rig):
    rig.unit.close()
    path = rig.folder / "unit.toml"
    path.write_text(path.read_text().replace("required = true", "required = false"))
    kill(rig)
    rig.start()
    rig.authorise()
    rig.beat(1)
    assert rig.may_start and "indicator-dead" in rig.slot().snapshot.faults


@pytest.mark.parametrize(
    ("line", "says"), [('kind = "file"', "takes only 'gpio'"), ("required = false", "takes only true")]
)
def test_care_has_a_light_and_must_have_it(tmp_path, line, says):
    path = tmp_path / "unit.toml"
    path.write_text(f'site = "s"\nunit = "u"\n[panel]\n{line}\n')
    with pytest.raises(ConfigError, match=says):
        config.load(path)


def test_no_pause_is_shorter_than_a_minute(tmp_path):
    path = tmp_path / "unit.toml"
    path.write_text('site = "s"\nunit = "u"\n[pause]\nduration_s = 59.9\n')
    with pytest.raises(ConfigError, match=r"pause\.duration_s"):
        config.load(path)


class Button:
    """A panel whose button somebody presses."""

    def __init__(self) -> None:
        self.presses = 0

    def show(self, _pattern: str, _lit: bool) -> None:
        """It works."""

    def pressed(self) -> bool:
        pressed, self.presses = self.presses > 0, 0
        return pressed

    def close(self) -> None:
        """Nothing to let go."""


def test_the_button_pauses_at_the_next_lease_for_a_bounded_time_however_often_it_bounced(rig):
    button = Button()
    rig.unit._light._make, rig.unit._light._panel = (lambda: button), button
    rig.authorise()
    rig.beat()
    assert rig.may_start
    rig.eye.occupied = True
    button.presses = 5
    rig.unit.lease()
    assert rig.eye.put_outs == 1 and not rig.may_start
    assert rig.slot().snapshot.gate == "paused"
    rig.beat(rig.settings.pause.duration_s)
    assert rig.may_start


def test_no_two_patterns_can_be_taken_for_one_another():
    shown = {name: tuple(steps[i % len(steps)] for i in range(20)) for name, steps in PATTERNS.items()}
    assert len(set(shown.values())) == len(PATTERNS)
    assert all(shown["steady"]) and not any(shown["off"])


class Pins:
    """The kernel's side of the character device, as linux/gpio.h describes it."""

    def __init__(self, works: bool = True) -> None:
        self.asked: list[tuple[int, int]] = []
        self.lit = False
        self.works = works

    def ioctl(self, descriptor: int, request: int, data: bytes) -> bytes:
        if request == gpio.GET_LINE:
            fields = list(gpio.REQUEST.unpack(data))
            self.asked.append((fields[0], fields[65]))
            fields[-1] = os.open("/dev/null", os.O_RDONLY)
            return gpio.REQUEST.pack(*fields)
        bits, mask = gpio.VALUES.unpack(data)
        if request == gpio.SET_VALUES:
            self.lit = bool(bits & mask) and self.works
            return data
        assert request == gpio.GET_VALUES
        return gpio.VALUES.pack(self.lit, mask)


@pytest.mark.parametrize("works", [True, False])
def test_a_lamp_that_draws_no_current_is_dead(monkeypatch, works):
    pins = Pins(works)
    monkeypatch.setattr(gpio.fcntl, "ioctl", pins.ioctl)
    wanted = PanelConfig(chip="/dev/null", feedback_line=18)
    said: list[tuple[str, bool, str]] = []
    indicator = Indicator(lambda: GpioPanel(wanted), lambda *what: said.append(what))
    assert indicator.show("steady", 0) is works
    assert [line for line, _ in pins.asked] == [17, 18, 27]
    assert pins.asked[2][1] == gpio.INPUT | gpio.ACTIVE_LOW | gpio.PULL_UP | gpio.EDGE_RISING
    assert said[-1][:2] == ("indicator-dead", not works)
    assert indicator.show("off", STEP_NS), "dark, as it should be"
    indicator.close()


def test_a_chip_that_is_not_there_is_dead_and_leaves_nothing_open(tmp_path):
    said: list[tuple[str, bool, str]] = []
    with nothing_left_open():
        for chip in (tmp_path / "none", Path("/dev/null")):
            indicator = Indicator(
                lambda c=chip: GpioPanel(PanelConfig(chip=str(c))), lambda *what: said.append(what)
            )
            assert not indicator.show("steady", 0)
            assert not indicator.pressed()
    assert all("the light does not work" in why for _, active, why in said if active)


HEADER = """
#include <linux/gpio.h>
#include <stdio.h>
int main(void) {
  printf("%lu %lu %lu %zu %zu %zu %zu\\n", (unsigned long)GPIO_V2_GET_LINE_IOCTL,
         (unsigned long)GPIO_V2_LINE_GET_VALUES_IOCTL, (unsigned long)GPIO_V2_LINE_SET_VALUES_IOCTL,
         sizeof(struct gpio_v2_line_request), sizeof(struct gpio_v2_line_values), sizeof(struct gpio_v2_line_event),
         sizeof(struct gpio_v2_line_config_attribute));
  printf("%d %d %d %d %d %d\\n", GPIO_V2_LINE_FLAG_ACTIVE_LOW, GPIO_V2_LINE_FLAG_INPUT, GPIO_V2_LINE_FLAG_OUTPUT,
         GPIO_V2_LINE_FLAG_EDGE_RISING, GPIO_V2_LINE_FLAG_BIAS_PULL_UP, GPIO_V2_LINE_ATTR_ID_DEBOUNCE);
  return 0;
}
"""


def test_numbers_and_sizes_are_those_of_the_kernels_header(tmp_path):
    if shutil.which("cc") is None or not Path("/usr/include/linux/gpio.h").exists():
        pytest.skip("no C compiler, or no linux/gpio.h")
    (tmp_path / "h.c").write_text(HEADER)
    subprocess.run(["cc", "-o", tmp_path / "h", tmp_path / "h.c"], check=True)
    said = subprocess.run([tmp_path / "h"], capture_output=True, text=True, check=True).stdout
    calls, flags = (list(map(int, line.split())) for line in said.splitlines())
    sizes = [gpio.REQUEST.size, gpio.VALUES.size, gpio.EVENT_BYTES, gpio._ATTRIBUTE.size]
    assert calls == [gpio.GET_LINE, gpio.GET_VALUES, gpio.SET_VALUES, *sizes]
    assert flags == [
        gpio.ACTIVE_LOW, gpio.INPUT, gpio.OUTPUT, gpio.EDGE_RISING, gpio.PULL_UP, gpio.DEBOUNCE_ATTRIBUTE,
    ]  # fmt: skip

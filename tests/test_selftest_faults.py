"""Every check of a self-test passes on a good unit and fails, by itself, for a fault that is simulated here."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stillroom import config, guard, selftest_guards, selftest_judge, selftest_panel
from stillroom.clock import NS_PER_S
from stillroom.config import PanelConfig, UnitConfig
from stillroom.errors import CameraError
from stillroom.eye import distil as distil_module
from stillroom.eye.selftest import kernel_of, models_of
from stillroom.eye.selftest_look import Measuring
from stillroom.eye.selftest_soak import Counting
from stillroom.eye.weights import ALL
from stillroom.keeper.indicator import Indicator
from stillroom.link import Guarded
from stillroom.machine import Found, Machine
from stillroom.phantom import load_phantom
from stillroom.selftest_forms import Check
from stillroom.selftest_limits import SelfTestLimits
from stillroom.selftest_link import Job
from stillroom.selftest_words import MEANINGS
from stillroom_tools.lab import stand
from tests.factory import PHANTOM, factory_unit

LIMITS = SelfTestLimits()
DARK = PHANTOM + "infrared = true\n"
Checks = dict[str, Check]


def by_name(checks: object) -> Checks:
    return {check.check: check for check in checks}


def only(checks: Checks, failed: str) -> Check:
    """The one check that failed."""
    assert [name for name, check in checks.items() if check.passed is False] == [failed]
    assert checks[failed].why
    return checks[failed]


# the camera: what a process of a self-test measures, here without the process


def looked(folder: Path, faults: str = "", phantom: str = PHANTOM, rates: bool = False) -> Checks:
    unit = config.load(factory_unit(folder, phantom, faults))
    camera = stand.open_camera(unit.camera, unit.folder)
    known = load_phantom(folder / "phantom.toml")
    job = Job("", 0, "", seconds=50.0 if rates else 3.0, edge=known.edge, rates=rates)
    measuring, began_s = Measuring(job, unit, camera), time.monotonic()
    for frame in camera.frames():
        if measuring.feed(frame, time.monotonic() - began_s):
            break
    camera.close()
    unread = "" if rates else "not looked at here"
    return by_name(selftest_judge.of_look(measuring.look(), LIMITS, known, unread))


def test_a_good_camera_passes_all_with_a_margin(tmp_path: Path) -> None:
    checks = looked(tmp_path, phantom=DARK, rates=True)
    assert all(check.passed for check in checks.values()), checks
    margins = {name: check.margin for name, check in checks.items() if check.margin is not None}
    assert all(margin > 0 for name, margin in margins.items() if name not in ("clipped", "drops")), margins
    assert checks["focus"].value == pytest.approx(0.234, abs=0.01), (
        "what a blur of 0.8 px leaves (0.1874 / 0.8)"
    )
    assert checks["pulse"].value == pytest.approx(72, abs=1) and checks["breathing"].value == pytest.approx(
        18, abs=1
    )


CAMERA_FAULTS = {
    "every frame is the same": ("frozen = true\nnoise = 0.0", "camera"),
    "it does not say what it is": ("name = ''", "camera"),
    "it takes long to begin": ("first_after_s = 0.2", "camera-start"),
    "out of focus": ("blur_px = 3.0", "focus"),
    "too dark": ("light = 0.3", "exposure"),
    "too bright": ("light = 1.75", "exposure"),
    "blown out": ("light = 2.2", "clipped"),
    "it has to amplify": ("gain = 12.0", "gain"),
    "too slow": ("pace = 0.9", "frame-rate"),
    "too fast": ("pace = 1.1", "frame-rate"),
    "frames are missing": ("dropped = 0.05", "drops"),
    "frames come early and late": ("jitter_ms = 8.0", "jitter"),
}


@pytest.mark.parametrize("what", CAMERA_FAULTS)
def test_a_camera_with_a_fault_fails_its_check(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults, check = CAMERA_FAULTS[what]
    limits = LIMITS
    if check == "camera-start":
        limits = SelfTestLimits(camera=config.convert(tmp_path, {"first_frame_s": 0.1}, type(LIMITS.camera)))
    monkeypatch.setattr(sys.modules[__name__], "LIMITS", limits)
    checks = looked(tmp_path, faults)
    assert checks[check].passed is False and checks[check].why
    also = {"exposure", "clipped"} if "light" in faults and "0.3" not in faults else set()
    assert {name for name, one in checks.items() if one.passed is False} <= {check} | also
    if check not in ("camera",):
        assert checks[check].margin is not None and checks[check].margin < 0


def test_another_camera_than_the_limits_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = SelfTestLimits(camera=config.convert(tmp_path, {"model": "imx219"}, type(LIMITS.camera)))
    monkeypatch.setattr(sys.modules[__name__], "LIMITS", limits)
    assert only(looked(tmp_path), "camera").value == "imx708"


def test_without_its_own_light_a_dark_stand_stays_dark(tmp_path: Path) -> None:
    checks = looked(tmp_path, "lamp = false", DARK)
    assert checks["infrared"].passed is False and checks["infrared"].margin < 0
    assert looked(tmp_path / "lit", "", DARK)["infrared"].passed is True


@pytest.mark.parametrize(
    ("faults", "check"), [("breath_off = 1.4", "breathing"), ("beat_off = 1.3", "pulse")]
)
def test_a_phantom_that_is_read_wrongly(faults: str, check: str, tmp_path: Path) -> None:
    assert only(looked(tmp_path, faults, rates=True), check).why == "not the known rate"


def test_a_camera_that_is_not_there(tmp_path: Path) -> None:
    unit = config.load(factory_unit(tmp_path, faults="absent = true"))
    with pytest.raises(CameraError, match="no camera was found"):
        stand.open_camera(unit.camera, unit.folder)
    checks = by_name(selftest_judge.of_a_dead_camera("no camera was found", LIMITS))
    assert only(checks, "camera").why == "no camera was found"
    assert all(check.passed is None for name, check in checks.items() if name != "camera")


def test_a_chart_that_is_not_where_it_should_be_is_not_sharp(tmp_path: Path) -> None:
    away = PHANTOM.replace("edge = [0.02, 0.3, 0.24, 0.55]", "edge = [0.8, 0.6, 0.98, 0.9]")
    unit = factory_unit(tmp_path, PHANTOM)
    (tmp_path / "elsewhere.toml").write_text(away)
    loaded = config.load(unit)
    camera, known = stand.open_camera(loaded.camera, loaded.folder), load_phantom(tmp_path / "elsewhere.toml")
    measuring = Measuring(Job("", 0, "", seconds=2.0, edge=known.edge), loaded, camera)
    for frame in camera.frames():
        if measuring.feed(frame, 0.0):
            break
    check = by_name(selftest_judge.of_look(measuring.look(), LIMITS, known))["focus"]
    assert check.passed is False and check.value < LIMITS.picture.sharpness_least


def test_a_chart_in_a_private_zone_is_not_looked_at(tmp_path: Path) -> None:
    path = factory_unit(
        tmp_path, more='[panel]\nkind = "file"\n[zones]\nprivate = [[[0,0],[0.5,0],[0.5,1],[0,1]]]\n'
    )
    unit = config.load(path)
    camera, known = stand.open_camera(unit.camera, unit.folder), load_phantom(tmp_path / "phantom.toml")
    measuring = Measuring(Job("", 0, "", seconds=2.0, edge=known.edge), unit, camera)
    for frame in camera.frames():
        if measuring.feed(frame, 0.0):
            break
    look = measuring.look()
    assert look.sharpness is None and "private" in look.sharpness_why and look.kernel.differ == 0


# the kernel and the models


def test_a_kernel_that_is_wrong_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = config.load(factory_unit(tmp_path))
    good = selftest_judge.of_kernel([kernel_of(unit)])
    assert good.passed and good.value == 0
    real = distil_module.distil

    def off_by_one(frame: object, before: object, mask: object, grid: object) -> object:
        outcome = real(frame, before, mask, grid)
        grid.y[3, 4] += 1
        return outcome

    monkeypatch.setattr(distil_module, "distil", off_by_one)
    check = selftest_judge.of_kernel([kernel_of(unit)])
    assert check.passed is False and check.value == 3 and check.margin == -3


def test_a_model_that_is_another_file(tmp_path: Path, models: Path) -> None:
    unit = config.load(factory_unit(tmp_path, models="models"))
    for each in ALL:
        (tmp_path / "models" / each.file).symlink_to(models / each.file)
    good = by_name(selftest_judge.of_models(models_of(unit), LIMITS))
    assert good["models"].passed and good["inference"].margin > 0
    slow = SelfTestLimits(models=config.convert(tmp_path, {"look_ms_most": 1.0}, type(LIMITS.models)))
    assert by_name(selftest_judge.of_models(models_of(unit), slow))["inference"].passed is False
    last = tmp_path / "models" / ALL[2].file
    content = bytearray(last.read_bytes())
    content[1000] ^= 1
    last.unlink()
    last.write_bytes(content)
    bad = by_name(selftest_judge.of_models(models_of(unit), LIMITS))
    assert bad["models"].passed is False and ALL[2].file in bad["models"].why
    assert bad["inference"].passed is None


def test_without_weights_models_are_not_tested(tmp_path: Path) -> None:
    for models, says in (("", "looks with no models"), ("models", "stillroom models fetch")):
        unit = config.load(factory_unit(tmp_path / (models or "none"), models=models))
        checks = by_name(selftest_judge.of_models(models_of(unit), LIMITS))
        assert checks["models"].passed is None and says in checks["models"].why


# the machine: a /sys of the test's own


def machine(root: Path, folder: Path, **changes: object) -> Machine:
    """A good board: 45 degrees, never throttled, an eMMC of which a tenth is used, a clock that somebody sets."""
    put(root / "sys/class/thermal/thermal_zone0", temp="45000", type="cpu-thermal")
    put(root / "sys/devices/platform/soc/soc:firmware", get_throttled="0x0")
    number = folder.stat().st_dev
    disk = root / "sys/devices/mmcblk0"
    put(disk / "device", life_time="0x01 0x01")
    (disk / "mmcblk0p2").mkdir(exist_ok=True)
    link = root / f"sys/dev/block/{os.major(number)}:{os.minor(number)}"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(disk / "mmcblk0p2")
    return Machine(**({"root": root, "clock": lambda: (True, 0.01), "flush": lambda _: None} | changes))


def put(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text + "\n")


def of_board(here: Machine, folder: Path, made_s: float = 0.0) -> Checks:
    heat = selftest_judge.found(
        "temperature", here.heat("/sys/class/thermal"), LIMITS.board.celsius_most, "C"
    )
    card = selftest_judge.of_card(here.card(folder), here.wear(folder), here.overwritten(folder), LIMITS)
    return by_name(
        [
            *card,
            heat,
            selftest_judge.of_throttling(Found(0.0), here.throttled()),
            selftest_judge.of_clock(here.clock_off_s(made_s), LIMITS),
        ]
    )


def test_a_good_board_passes_with_margins(tmp_path: Path) -> None:
    checks = of_board(machine(tmp_path, tmp_path), tmp_path)
    assert all(check.passed for check in checks.values()), checks
    assert checks["temperature"].margin == 20 and checks["card-wear"].margin == pytest.approx(0.1)
    assert not list(tmp_path.glob(".selftest*")), "what was written to the card is gone"


def hot(root: Path) -> None:
    put(root / "sys/class/thermal/thermal_zone0", temp="81000")


def throttled(root: Path) -> None:
    put(root / "sys/devices/platform/soc/soc:firmware", get_throttled="0x50005")


def worn(root: Path) -> None:
    put(root / "sys/devices/mmcblk0/device", life_time="0x02 0x08")


def written_over(root: Path) -> None:
    (root / "sys/devices/mmcblk0/device/life_time").unlink()
    put(root / "sys/fs/ext4/mmcblk0p2", lifetime_write_kbytes=str(10**15))


BOARD_FAULTS: dict[str, tuple[Callable[[Path], None], dict[str, object], str]] = {
    "hot": (hot, {}, "temperature"),
    "it had to slow down": (throttled, {}, "throttling"),
    "a worn eMMC": (worn, {}, "card-wear"),
    "a card written over and over": (written_over, {}, "card-wear"),
    "a card that takes long": (lambda _: None, {"flush": lambda _: time.sleep(0.16)}, "card-flush"),
    "a clock that may be far off": (lambda _: None, {"clock": lambda: (True, 60.0)}, "clock"),
    "a clock before its program": (lambda _: None, {"utc_s": lambda: 10.0}, "clock"),
}


@pytest.mark.parametrize("what", BOARD_FAULTS)
def test_a_board_with_a_fault_fails_its_check(what: str, tmp_path: Path) -> None:
    harm, changes, check = BOARD_FAULTS[what]
    here = machine(tmp_path, tmp_path, **changes)
    harm(tmp_path)
    failed = only(of_board(here, tmp_path, made_s=10.0 + 10 * 86_400 if "before" in what else 0.0), check)
    assert failed.margin is not None and failed.margin < 0


def test_a_card_that_writes_slowly(tmp_path: Path) -> None:
    flushes = iter([1.0, *[0.0] * 10])
    here = machine(tmp_path, tmp_path, flush=lambda _: time.sleep(next(flushes)))
    assert only(of_board(here, tmp_path), "card-write").margin < 0


def test_what_a_board_does_not_tell_is_not_tested(tmp_path: Path) -> None:
    here = Machine(root=tmp_path / "nothing", clock=lambda: (False, 0.0), flush=lambda _: None)
    checks = of_board(here, tmp_path)
    assert {name for name, check in checks.items() if check.passed is None} == {
        *("card-wear", "temperature", "throttling", "clock")
    }
    assert all(check.why for check in checks.values() if check.passed is None)


# light, button, guards, the soak


class Lamp:
    """A panel of which the light or the button does not work."""

    def __init__(self, dead: bool = False, pressed: bool = True) -> None:
        self.dead, self.is_pressed, self.shown = dead, pressed, []

    def show(self, pattern: str, lit: bool) -> None:
        if self.dead:
            raise OSError(0, "it was switched on, and is not")
        self.shown.append(lit)

    def pressed(self) -> bool:
        return self.is_pressed and len(self.shown) > 0

    def close(self) -> None:
        """Nothing."""


PINS = PanelConfig(feedback_line=5)


@pytest.mark.parametrize(
    ("panel", "dead", "answer", "passed"),
    [
        (PINS, False, None, True),
        (PINS, True, None, False),
        (PanelConfig(), False, None, None),
        (PanelConfig(), False, True, True),
        (PanelConfig(), False, False, False),
    ],
)
def test_the_light(
    panel: PanelConfig, dead: bool, answer: bool | None, passed: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest_panel, "HALF_S", 0.0)
    lamp, why = Lamp(dead), selftest_panel.Why()
    ask = None if answer is None else lambda _: answer
    check = selftest_panel.light(Indicator(lambda: lamp, why.say), why, panel, ask)
    assert check.passed is passed and bool(check.why) is (passed is not True)
    assert dead or lamp.shown[:2] == [True, False]


@pytest.mark.parametrize(
    ("asked", "pressed", "line", "passed"),
    [(True, True, 27, True), (True, False, 27, False), (False, True, 27, None), (True, True, -1, None)],
)
def test_the_button(asked: bool, pressed: bool, line: int, passed: bool | None) -> None:
    why = selftest_panel.Why()
    indicator = Indicator(lambda: Lamp(pressed=pressed), why.say)
    indicator.show("steady", 0)
    panel = PanelConfig(button_line=line)
    check = selftest_panel.button(indicator, panel, 0.1, (lambda _: True) if asked else None)
    assert check.passed is passed and bool(check.why) is (passed is not True)


def guards(unit: UnitConfig, profile: str) -> Check:
    return selftest_judge.of_guards(selftest_guards.tried(unit), profile, guard.REQUIRED)


def test_a_guard_that_does_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = config.load(factory_unit(tmp_path))
    monkeypatch.setattr(guard, "_swap", lambda: "")
    monkeypatch.setattr(guard, "lock_all", lambda: False)
    held = selftest_guards.tried(unit)
    assert set(held) == {"keeper", "courier"} and all(isinstance(rows, Guarded) for rows in held.values())
    assert guards(unit, "care").passed
    monkeypatch.setattr(guard, "_swap", lambda: "swap is on (/dev/sda2)")
    failed = guards(unit, "care")
    assert failed.passed is False and failed.value == 2 and "swap is on" in failed.why
    assert guards(unit, "lab").passed is None, "a laptop may have swap, and the report says so"


def test_a_process_that_does_not_come_to_be_locked_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = config.load(factory_unit(tmp_path))
    monkeypatch.setattr(guard, "confine", lambda *_: os._exit(3))
    assert guards(unit, "lab").passed is False, "nowhere is that only a guard less"


def counted(hours: float, faults: str, folder: Path) -> Checks:
    """An hour of a stand's stamps, without its pictures."""
    unit = config.load(factory_unit(folder, faults=faults))
    camera = stand.open_camera(unit.camera, unit.folder)
    counting, number, at_s = Counting(hours * 3600.0), 0, 0.0
    while at_s < hours * 3600.0:
        if stand.unit(0, number, 1) >= camera._faults.dropped:
            at_s = counting.feed(camera._stamp_ns(number))
        number += 1
    soaked = counting.said(last=True)
    return by_name(selftest_judge.of_soak(soaked, Found(60.0), camera.frames_per_s, LIMITS))


@pytest.mark.parametrize(
    ("faults", "check"),
    [("pace = 0.95", "soak-rate"), ("dropped = 0.02", "soak-drops"), ("drift_ppm = 3000.0", "soak-drift")],
)
def test_a_soak_that_finds_something(faults: str, check: str, tmp_path: Path) -> None:
    failed = only(counted(0.25, faults, tmp_path), check)
    assert failed.margin is not None and failed.margin < 0


def test_a_good_soak_one_that_broke_off_one_that_was_hot_and_one_that_grew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = counted(0.25, "jitter_ms = 2.0", tmp_path / "good")
    assert all(check.passed for check in good.values()), good
    off = by_name(selftest_judge.of_soak(None, Found(60.0), 15.0, LIMITS))
    assert {name for name, check in off.items() if check.passed is False} == set(off) - {"soak-heat"}
    hot_one = by_name(selftest_judge.of_soak(None, Found(80.0), 15.0, LIMITS))["soak-heat"]
    assert hot_one.passed is False and hot_one.margin == -5
    grows = iter([50_000_000, 90_000_000, 90_000_000])
    monkeypatch.setattr("stillroom.eye.selftest_soak._resident", lambda: next(grows))
    assert only(counted(0.25, "", tmp_path / "grows"), "soak-memory").value == 40


def test_a_soak_of_which_a_tenth_is_less_than_a_minute_says_nothing_of_drift(tmp_path: Path) -> None:
    assert counted(0.05, "", tmp_path)["soak-drift"].passed is None


def test_there_is_a_fault_here_for_every_check_that_there_is() -> None:
    """And each is in plain words on the page."""
    tried = {check for _, check in CAMERA_FAULTS.values()} | {check for _, _, check in BOARD_FAULTS.values()}
    tried |= {
        "infrared",
        "breathing",
        "pulse",
        "kernel",
        "models",
        "inference",
        "card-write",
        "indicator",
        "button",
    }
    tried |= {"guards", "soak-rate", "soak-drops", "soak-drift", "soak-heat", "soak-memory"}
    source = "".join(
        (Path(selftest_judge.__file__).parent / f"{name}.py").read_text()
        for name in ("selftest_judge", "selftest_panel", "selftest")
    )
    assert {name for name in MEANINGS if f'"{name}"' in source} == set(MEANINGS) == tried


def test_the_stand_is_a_camera_of_the_lab(tmp_path: Path) -> None:
    unit = config.load(factory_unit(tmp_path))
    camera = stand.open_camera(unit.camera, unit.folder)
    first, second = (frame.frame_ns for frame, _ in zip(camera.frames(), range(2), strict=False))
    assert second - first == pytest.approx(NS_PER_S / 15, rel=1e-6)
    done = subprocess.run(
        [sys.executable, "-m", "stillroom", "check", str(tmp_path / "unit.toml")],
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr

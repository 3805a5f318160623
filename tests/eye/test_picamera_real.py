"""The real picamera2 on libcamera's virtual camera: the contract, the whole way to an event, a camera that vanishes.

`tools/virtual_camera` builds what is needed; where it could not, these tests skip and say why.
"""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from tests.live import LiveSite, until

from stillroom_tools.lab.scenario import Act, Light, Scenario
from stillroom_tools.lab.simulated import SimulatedCamera

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

HERE = Path(__file__).resolve().parent
BUILT = Path(os.environ.get("STILLROOM_LIBCAMERA", HERE.parents[1] / ".cache" / "libcamera"))
HZ = 6
SHOWN_S = 7.0
"""Few pictures: libcamera's bindings read them all while they hold Python's lock, and the lease waits for no one."""

YAML = """%YAML 1.1
---
"Virtual0":
  supported_formats:
  - { width: 640, height: 480, frame_rates: [ 30, 30 ] }
  - { width: 1280, height: 720, frame_rates: [ 30, 30 ] }
"""


@pytest.fixture
def virtual(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Whoever is started now finds the real picamera2; the path is that of the camera's configuration."""
    if not (BUILT / "ready").exists():
        why = BUILT / "why"
        pytest.skip(why.read_text().strip() if why.exists() else "tools/virtual_camera has not been run")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = [HERE / "virtual", BUILT / "python", BUILT / "installed" / "lib" / version / "site-packages"]
    monkeypatch.setenv("PYTHONPATH", ":".join(map(str, found)))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(BUILT / "installed" / "lib"))
    monkeypatch.setenv("LIBCAMERA_LOG_LEVELS", "*:FATAL")
    folder = BUILT / "installed" / "share" / "libcamera" / "pipeline" / "virtual"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "virtual.yaml"


def test_the_real_library_keeps_the_contract_of_the_fake(
    virtual: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    virtual.write_text(YAML + '  test_pattern: "lines"\n  model: "Virtual"\n')
    monkeypatch.setenv("STILLROOM_PICAMERA2", "real")
    contract = HERE / "test_picamera_contract.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(contract)]
    done = subprocess.run(
        command, cwd=HERE.parents[1], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "skipped" not in done.stdout


def pictures(folder: Path) -> None:
    """Somebody comes in and walks about: 0.jpg, 1.jpg and so on, which the camera shows again and again."""
    acts = tuple(Act(at_s, do) for at_s, do in ((0.0, "enter"), (4.0, "sit-up")))
    camera = SimulatedCamera(Scenario(title="walk", acts=acts, light=Light(300.0)), frames_per_s=HZ)
    folder.mkdir()
    for index in range(round(SHOWN_S * HZ)):
        frame = camera.frame(index)
        planes = np.concatenate([plane.reshape(-1) for plane in (frame.y, frame.u, frame.v)])
        picture = cv2.cvtColor(planes.reshape(720, 640), cv2.COLOR_YUV2BGR_I420)
        assert cv2.imwrite(str(folder / f"{index}.jpg"), picture)


def test_from_libcamera_to_an_opened_event_and_over_a_vanished_camera(
    live: LiveSite, virtual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures(tmp_path / "pictures")
    virtual.write_text(YAML + f'  frames: {{ path: "{tmp_path}/pictures/" }}\n  model: "Virtual"\n')
    gone = tmp_path / "gone"
    monkeypatch.setenv("VIRTUAL_CAMERA_GONE", str(gone))
    monkeypatch.setenv("VIRTUAL_CAMERA_HZ", str(HZ))
    unit = live.add_unit("picamera2", Path("0"), width_px=640, height_px=480, frames_per_s=30.0)
    live.start()
    until(lambda: live.has("state", state="occupied"), "somebody seen through libcamera", 60.0)
    status = msgspec.json.decode((unit.folder / "run" / "keeper.json").read_bytes())
    assert status["camera"]["format"] == "NV12 (asked: YUV420)"
    assert status["camera"]["size"] == "640 480 (asked: 640 480)"
    assert status["camera"]["NoiseReductionMode"] == "not offered (asked: 0)"
    assert "camera-settings" in status["faults"]

    eye = live.pid_of(unit, "eye")
    gone.touch()
    until(lambda: live.has("condition", kind="camera-silent", active=True), "a silent camera")
    until(lambda: live.has("state", state="unknown", before="occupied"), "a room that is not known")
    until(lambda: "opening it again" in unit.log.read_text(), "an eye that tries to open it again")
    gone.unlink()
    until(lambda: live.has("condition", kind="camera-silent", active=False), "a camera that is back", 60.0)
    assert live.pid_of(unit, "eye") == eye, "the same eye has opened it again"

    gone.touch()
    until(lambda: live.has("condition", kind="camera-failed", active=True), "a camera given up", 90.0)
    gone.unlink()
    until(
        lambda: live.has("condition", kind="camera-failed", active=False), "another eye has opened it", 90.0
    )
    live.settle()
    account = live.ledger.account(unit.name)
    assert account.delivered == set(range(1, account.accepted + 1)) and account.doubled == 0
    assert "Traceback" not in live.logs(), live.logs()

"""What an eye with models holds resident: a process of its own, a simulated camera, half a minute of life."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys, time
from pathlib import Path
from stillroom.config import CameraConfig
from stillroom.eye import main
from stillroom.eye.analysis import Analysis
from stillroom.eye.worker import Worker
from stillroom_tools.lab.simulated import open_camera

models, scenario, landmarks = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "landmarks"
camera = open_camera(CameraConfig(kind="simulated", source=scenario, speed="max", frames_per_s=30.0), Path("/"))
worker = Worker(models)
analysis = Analysis(camera.width, camera.height, models=worker)
while worker.name == "none":
    time.sleep(0.01)
for number, frame in enumerate(camera.frames()):
    if not landmarks:
        analysis._looking._asked_s["landmarks"] = 1e9
    analysis.room_is_empty(False)
    analysis.feed(frame, 0)
    if number == 900:
        break
resident = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
print(analysis._looking.looks["people"], analysis._looking.looks["landmarks"], int(resident.split()[1]) / 1024)
worker.close()
"""


@pytest.mark.parametrize(("which", "most_mib"), [("alone", 120.0), ("landmarks", 160.0)])
def test_an_eye_with_models_stays_small(models, request, which, most_mib):
    scenario = request.config.rootpath / "config" / "scenarios" / "day.toml"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(models), str(scenario), which],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    people, landmarks, mib = (float(word) for word in done.stdout.split())
    print(f"\neye with detector and face, {which}: {mib:.0f} MiB")
    assert people >= 8 and (landmarks > 0) == (which == "landmarks")
    assert mib <= most_mib

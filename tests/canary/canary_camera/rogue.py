"""A camera whose process has been taken over: it arms its own lease for an hour, again and again, and hears no halt."""

import signal
import threading
import time
from pathlib import Path

from stillroom.config import CameraConfig
from stillroom_tools.lab import simulated
from stillroom_tools.lab.simulated import SimulatedCamera

HOUR_S = 3600.0


def live_on() -> None:
    while True:
        signal.setitimer(signal.ITIMER_REAL, HOUR_S)
        time.sleep(0.001)


def open_camera(config: CameraConfig, folder: Path) -> SimulatedCamera:
    threading.Thread(target=live_on, daemon=True).start()
    camera = simulated.open_camera(config, folder)
    assert isinstance(camera, SimulatedCamera)
    camera.close = lambda: time.sleep(HOUR_S)  # type: ignore[method-assign]
    return camera

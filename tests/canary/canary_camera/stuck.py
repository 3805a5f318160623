"""A camera that keeps a device open, gives a few frames, and then hangs in native code with Python's lock held."""

import os
from pathlib import Path

from stillroom.config import CameraConfig
from stillroom_tools.lab.bench_stop import StuckCamera, open_stuck


def open_camera(config: CameraConfig, folder: Path) -> StuckCamera:
    camera = open_stuck(config, folder)
    camera.device = os.open(folder / config.cues, os.O_RDONLY)  # the only other file that it may read
    return camera

"""The simulated camera, which does what a file says: `wait` gives no frame meanwhile, `fail` ends the process."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from stillroom.config import CameraConfig
from stillroom.eye.frame import Frame
from stillroom_tools.lab import simulated

WAIT, FAIL = "wait", "fail"


class WaywardCamera:
    """`kind` as the camera that it is beneath."""

    kind = "simulated"

    def __init__(self, camera: simulated.SimulatedCamera, says: Path) -> None:
        self._camera, self._says = camera, says
        self.width, self.height, self.frames_per_s = camera.width, camera.height, camera.frames_per_s

    def frames(self) -> Iterator[Frame]:
        for frame in self._camera.frames():
            while (said := self._says.read_text()) == WAIT:
                time.sleep(0.02)
            if said == FAIL:
                os.abort()
            yield frame

    def close(self) -> None:
        self._camera.close()


def open_camera(config: CameraConfig, folder: Path) -> WaywardCamera:
    camera = simulated.open_camera(replace(config, cues=""), folder)
    assert isinstance(camera, simulated.SimulatedCamera)
    return WaywardCamera(camera, folder / config.cues)

"""Open the camera. The unit's own comes with the runtime; one of the lab's is named by whoever starts the eye.

`stillroom run` finds the lab's cameras by entry point and hands the name down. A unit's systemd service hands
down none: there, no configuration can make the eye read pictures from anything but its own camera.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import cast

from stillroom.config import OWN_CAMERA, CameraConfig
from stillroom.errors import CameraError
from stillroom.eye.frame import Camera

Opener = Callable[[CameraConfig, Path], Camera]


def open_camera(config: CameraConfig, folder: Path, opener: str = "") -> Camera:
    """opener: `module:function`, or empty for the unit's own. Raises CameraError, ConfigError, InputError."""
    if config.kind == OWN_CAMERA:
        from stillroom.eye import picamera_life

        return picamera_life.open_camera(config)
    if not opener:
        raise CameraError(
            f"key 'camera.kind' = '{config.kind}': a camera of the lab: start it with `stillroom run`"
        )
    module, _, function = opener.partition(":")
    return cast(Opener, getattr(import_module(module), function))(config, folder)

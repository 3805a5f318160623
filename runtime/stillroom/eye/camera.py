"""Find a camera by its kind. The unit's own comes with the runtime; the lab's register by entry point."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

from stillroom.config import CameraConfig
from stillroom.errors import CameraError
from stillroom.eye.frame import Camera

Opener = Callable[[CameraConfig, Path], Camera]


def open_camera(config: CameraConfig, folder: Path) -> Camera:
    """Open the camera that `config.kind` names. Raises CameraError where there is none of that kind."""
    from importlib.metadata import entry_points

    found = {point.name: point for point in entry_points(group="stillroom.cameras")}
    if config.kind not in found:
        known = ", ".join(sorted(found)) or "none"
        raise CameraError(f"key 'camera.kind' = '{config.kind}': no such camera is installed (here: {known})")
    return cast(Opener, found[config.kind].load())(config, folder)

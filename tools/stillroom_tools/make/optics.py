"""How many cells a face or a body has at a distance, for camera and picture: `python -m stillroom_tools.make.optics`.

HARDWARE.md holds what is printed, and a test holds it to that. Pinhole model: a lens without distortion, what is looked
at in the middle of the picture and turned to the camera. A wide lens draws its edges larger and less sharp than that.
"""

import math
from dataclasses import dataclass

CELL_PX = 8
FACE_M = (0.14, 0.19)
"""Width between the cheekbones, height from chin to hairline, of a grown-up (rounded; Farkas, Anthropometry of the
Head and Face, 2nd ed. 1994)."""
TRUNK_M = (0.36, 0.50)
"""Width and length of a trunk, which breathing moves (assumed, as in the simulated people)."""
DISTANCES_M = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
PICTURES_PX = ((640, 480), (1280, 720))


@dataclass(frozen=True)
class Camera:
    """The maker's angles of view across the whole sensor, degrees, and the sensor's shape."""

    name: str
    sensor: str
    across_deg: float
    down_deg: float
    infrared: str

    def view_deg(self, width_px: int, height_px: int) -> tuple[float, float]:
        """Across and down in a picture of this shape, the largest middle part of the sensor (libcamera's way)."""
        across, down = (2 * math.tan(math.radians(each) / 2) for each in (self.across_deg, self.down_deg))
        wide = width_px / height_px
        across, down = (down * wide, down) if across / down > wide else (across, across / wide)
        return math.degrees(2 * math.atan(across / 2)), math.degrees(2 * math.atan(down / 2))

    def cells(self, size_m: tuple[float, float], distance_m: float, picture_px: tuple[int, int]) -> float:
        """Of an upright ellipse of this width and height at this distance."""
        across_deg, _ = self.view_deg(*picture_px)
        px_per_m = picture_px[0] / (2 * distance_m * math.tan(math.radians(across_deg) / 2))
        return math.pi / 4 * size_m[0] * size_m[1] * (px_per_m / CELL_PX) ** 2


CAMERAS = (
    Camera("Camera Module 2, 2 NoIR", "IMX219", 62.2, 48.8, "NoIR"),
    Camera("Camera Module 3, 3 NoIR", "IMX708", 66.0, 41.0, "NoIR"),
    Camera("Camera Module 3 Wide, Wide NoIR", "IMX708", 102.0, 67.0, "NoIR"),
    Camera("High Quality Camera, 6 mm lens", "IMX477", 55.3, 42.9, "filter taken out"),
)
"""Angles: the makers' data sheets; the last computed from 6.287 x 4.712 mm behind 6 mm."""


def table() -> str:
    """Both tables of HARDWARE.md, in Markdown."""
    lines = ["| camera | sensor | picture | view across, down | sees infrared |", "|---|---|---|---|---|"]
    for camera in CAMERAS:
        for picture in PICTURES_PX:
            across, down = camera.view_deg(*picture)
            view = f"{across:.0f} x {down:.0f} degrees"
            lines.append(
                f"| {camera.name} | {camera.sensor} | {_size(picture)} | {view} | {camera.infrared} |"
            )
    for title, size in (("face", FACE_M), ("trunk", TRUNK_M)):
        heads = " | ".join(f"{each:g} m" for each in DISTANCES_M)
        lines += ["", f"| cells of a {title} | picture | {heads} |", "|---|---|" + "---|" * len(DISTANCES_M)]
        for camera in CAMERAS:
            for picture in PICTURES_PX:
                found = " | ".join(f"{camera.cells(size, each, picture):.0f}" for each in DISTANCES_M)
                lines.append(f"| {camera.name} | {_size(picture)} | {found} |")
    return "\n".join(lines) + "\n"


def _size(picture_px: tuple[int, int]) -> str:
    return f"{picture_px[0]}x{picture_px[1]}"


if __name__ == "__main__":
    print(table(), end="")

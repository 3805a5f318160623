"""What an attacker is given: squares of a picture, as the policy allows them; and, as controls, what he must
break."""

from dataclasses import dataclass

import numpy as np

from stillroom.view_forms import GREYS
from stillroom_tools.site.intruder.faces import WALL, Floats
from stillroom_tools.site.intruder.optics import Optics
from stillroom_tools.site.intruder.shots import Luma, squares

_SENSOR = 0.05
"""Variance that is left of the sensor's noise in a mean of some pixels."""


@dataclass(frozen=True)
class Squares:
    """`picture` at one block; greys: as the eye tells them, or 256 to see what the steps are good for."""

    block: int
    greys: int = GREYS

    @property
    def name(self) -> str:
        if self.block == 1:
            return "clear"
        return f"squares of {self.block}" + ("" if self.greys == GREYS else f", {self.greys} greys")

    @property
    def steps(self) -> int:
        """In which luma is told. A clear picture has all."""
        return 256 if self.block == 1 else self.greys

    @property
    def noise(self) -> float:
        """Variance of what is told about what is there: the sensor's and that of the steps."""
        step = 256 / self.steps
        return step * step / 12 + (1.0 if self.block == 1 else _SENSOR)

    def told(self, clear: Luma) -> Luma:
        return squares(clear, self.block, self.greys)

    def operators(self, optics: Optics) -> tuple[Floats, Floats]:
        return optics.squares(self.block)

    def read(self, told: Luma) -> Floats:
        """Luma above the wall's, the middle of the step that was told."""
        step = 256 // self.steps
        level = (told.astype(np.float64) * (self.steps - 1) / 255).round()
        return np.asarray(level * step + (step - 1) / 2 - WALL)


@dataclass(frozen=True)
class Blurred:
    """A control: a clear picture under a Gaussian blur of known sigma, in eight bits. Looks private, and is not."""

    sigma_px: float
    block = 1
    steps = 256
    noise = 0.15

    @property
    def name(self) -> str:
        return f"blur, sigma {self.sigma_px:g} px"

    def told(self, clear: Luma) -> Luma:
        from scipy import ndimage

        blurred = ndimage.gaussian_filter(clear.astype(np.float32), self.sigma_px, mode="nearest")
        return np.asarray(np.rint(blurred).astype(np.uint8))

    def operators(self, optics: Optics) -> tuple[Floats, Floats]:
        from scipy import ndimage

        rows, columns = (
            np.asarray(ndimage.gaussian_filter1d(each, self.sigma_px, axis=1, mode="nearest"))
            for each in optics.squares(1)
        )
        return rows, columns

    def read(self, told: Luma) -> Floats:
        return told.astype(np.float64) - WALL


Level = Squares | Blurred

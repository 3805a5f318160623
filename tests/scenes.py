"""Small made-up scenes for tests of the eye: a textured wall, cloth that moves with breath, skin that beats, noise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.analysis import Analysis
from stillroom.eye.frame import Frame
from stillroom.observation import Box, Observation

WIDTH, HEIGHT = 160, 128
SKIN = (slice(16, 56), slice(64, 104))
CLOTH = (slice(64, 112), slice(48, 120))
FULL = Box(0.0, 0.0, 1.0, 1.0)
SKIN_BOX = Box(0.4, 0.125, 0.65, 0.4375)


@dataclass(frozen=True)
class Scene:
    """What happens in it. Rates of 0: not at all."""

    breaths_per_min: float = 0.0
    pulse_bpm: float = 0.0
    breath_px: float = 0.5
    pulse_share: float = 0.006
    noise: float = 2.0
    frames_per_s: float = 30.0
    seed: int = 1
    luma: Callable[[float], float] = lambda at_s: 1.0
    """Light, as a factor over time."""


def texture(seed: int) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    rough = random.normal(0.0, 1.0, (HEIGHT // 4 + 2, WIDTH // 4 + 2))
    smooth = np.kron(rough, np.ones((4, 4)))
    kernel = np.ones(5) / 5
    smooth = np.apply_along_axis(np.convolve, 1, np.apply_along_axis(np.convolve, 0, smooth, kernel), kernel)
    return (130 + 30 * smooth[4 : HEIGHT + 4, 4 : WIDTH + 4]).astype(np.float32)


def frames(scene: Scene, seconds: float) -> Iterator[Frame]:
    """Frames of a scene. Skin is 150, 112, 96 in R, G, B; its beat has the colour of blood."""
    random = np.random.default_rng(scene.seed)
    base = texture(scene.seed)
    slope = np.gradient(base, axis=0)[CLOTH]
    bank = random.normal(0.0, scene.noise, (8, HEIGHT + 16, WIDTH + 16)).astype(np.float32)
    for index in range(round(seconds * scene.frames_per_s)):
        at_s = index / scene.frames_per_s
        y = base.copy()
        y[CLOTH] += slope * (scene.breath_px * np.sin(2 * np.pi * scene.breaths_per_min / 60 * at_s))
        beat = scene.pulse_share * np.sin(2 * np.pi * scene.pulse_bpm / 60 * at_s) if scene.pulse_bpm else 0.0
        red, green, blue = 150 * (1 + 0.33 * beat), 112 * (1 + 0.77 * beat), 96 * (1 + 0.53 * beat)
        skin_y = 0.299 * red + 0.587 * green + 0.114 * blue
        y[SKIN] = skin_y
        u = np.full((HEIGHT // 2, WIDTH // 2), 128.0, np.float32)
        v = u.copy()
        half = tuple(slice(s.start // 2, s.stop // 2) for s in SKIN)
        u[half], v[half] = 128 + (blue - skin_y) / 1.772, 128 + (red - skin_y) / 1.402
        down, across = random.integers(0, 16, 2)
        noise = bank[index % 8, down : down + HEIGHT, across : across + WIDTH]
        y = y * scene.luma(at_s) + noise
        u += noise[::2, ::2]
        v += noise[1::2, 1::2]
        planes = [np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in (y, u, v)]
        yield Frame(planes[0], planes[1], planes[2], round(at_s * 1e9))


def watch(scene: Scene, seconds: float, region: Box | None = FULL) -> list[Observation]:
    """All Observations of a scene."""
    analysis = Analysis(WIDTH, HEIGHT, region=region)
    found = (analysis.feed(frame, 0) for frame in frames(scene, seconds))
    return [observation for observation in found if observation is not None]

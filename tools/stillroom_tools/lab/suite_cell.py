"""One cell of the suite: a condition and a seed, or a recording, through the eye; what stood at the end of each second.

The keeper's word on emptiness is given as the truth has it. Nothing else of the truth reaches the eye.
"""

import hashlib
import sys
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from stillroom.eye.analysis import Analysis
from stillroom.eye.frame import Frame
from stillroom.observation import Reading
from stillroom_tools.lab.scenario import BreathingLife, Looks, Scenario
from stillroom_tools.lab.simulated import SimulatedCamera, encoded
from stillroom_tools.lab.suite_grid import Condition

Quantity = Literal["pulse_bpm", "breaths_per_min"]
Tone = Literal["light", "medium", "dark", "very-dark"]
QUANTITIES: tuple[Quantity, ...] = ("pulse_bpm", "breaths_per_min")
FAR_WRONG: dict[Quantity, float] = {"pulse_bpm": 5.0, "breaths_per_min": 3.0}
NEAR: dict[Quantity, float] = {"pulse_bpm": 3.0, "breaths_per_min": 1.5}
"""What quality is the probability of."""
MOSTLY_HELD = 0.5
CELL_PX = 8
SKIN_SHARE = 0.75
NS_PER_S = 1_000_000_000
DECIDING = tuple(
    [
        f"stillroom_tools.lab.{name}"
        for name in ("scen", "simulated", "suite_cell", "suite_grid", "evaluate_clip")
    ]
    + ["stillroom.eye.", "stillroom._native"]
)
"""Modules, as far as they are loaded, by how their names begin."""


class Said(Struct, frozen=True, omit_defaults=True):
    """What one reading said, and what was so. low, high: between them lies every rate that may be called true in its
    window; None where nothing is to be read, or nothing is known (`known` false).
    """

    value: float | None = None
    quality: float | None = None
    withheld: str | None = None
    low: float | None = None
    high: float | None = None
    known: bool = True
    now: float | None = None
    """The true rate at the moment itself."""

    @property
    def error(self) -> float | None:
        """Distance from what is true; infinite where nothing was to be read; None where nothing was said."""
        if self.value is None or not self.known:
            return None
        if self.low is None or self.high is None:
            return float("inf")
        return max(self.low - self.value, self.value - self.high, 0.0)


class Second(Struct, frozen=True):
    """The end of one second of frame time."""

    at_s: float
    pulse_bpm: Said
    breaths_per_min: Said

    def of(self, quantity: Quantity) -> Said:
        said: Said = getattr(self, quantity)
        return said


class Cell(Struct, frozen=True):
    """What one cell gave. settled_s: since when the person has lain still; None where nobody does."""

    key: str
    family: str
    value: str
    seed: int
    somebody: bool
    tone: str | None
    skin_cells: int | None
    noise_sigma: float | None
    settled_s: float | None
    seconds: list[Second]


@cache
def code_key() -> str:
    """A hash of all source that decides what a cell says: results of other code are not taken up again."""
    digest = hashlib.blake2b(digest_size=16)
    for name, module in sorted(sys.modules.items()):
        if name.startswith(DECIDING) and (source := getattr(module, "__file__", None)):
            digest.update(Path(source).read_bytes())
    return digest.hexdigest()


def run_condition(condition: Condition, seed: int, key: str) -> Cell:
    """Simulate and read. `key` is kept with the result."""
    scenario = condition.seeded(seed)
    inner = _camera(condition, scenario, seed)
    camera = inner if scenario.compression is None else encoded(inner, scenario.compression)
    analysis = Analysis(condition.width_px, condition.height_px)
    seconds: list[Second] = []
    noise = _Noise()
    settled_s: float | None = None
    next_s = 1.0
    for frame in camera.frames():
        at_s = frame.frame_ns / NS_PER_S
        if at_s > condition.duration_s:
            break
        noise.feed(frame)
        observation = analysis.feed(frame, 0)
        if observation is None:
            continue
        truth = inner.truth_at(frame.frame_ns)
        analysis.room_is_empty(truth.state == "empty")
        settled_s = None if truth.moving else at_s if settled_s is None else settled_s
        if at_s >= next_s:
            next_s += 1.0
            seconds.append(
                Second(
                    round(at_s, 2),
                    _said(observation.pulse, inner, "pulse_bpm", at_s, condition.somebody),
                    _said(observation.breathing, inner, "breaths_per_min", at_s, condition.somebody),
                )
            )
    skin = skin_of(condition) if condition.somebody else None
    many, sigma = (None, None) if skin is None else (cells_of(skin), noise.sigma(skin))
    tone = scenario.looks.skin if condition.somebody and not scenario.light.infrared else None
    settled = settled_s if condition.somebody else 0.0
    return Cell(
        key, condition.family, condition.value, seed, condition.somebody, tone, many, sigma, settled, seconds
    )


def _camera(condition: Condition, scenario: Scenario, seed: int) -> SimulatedCamera:
    return SimulatedCamera(
        scenario,
        width_px=condition.width_px,
        height_px=condition.height_px,
        frames_per_s=condition.frames_per_s,
        seed=condition.seed(seed),
    )


def _said(reading: Reading, camera: SimulatedCamera, quantity: Quantity, at_s: float, somebody: bool) -> Said:
    window_s = max(1.0, reading.window_s)
    between = (
        camera.true_between(quantity, max(0.0, at_s - window_s), at_s, MOSTLY_HELD) if somebody else None
    )
    low, high = between if between is not None else (None, None)
    now = getattr(camera.truth_at(round(at_s * NS_PER_S)), quantity) if somebody else None
    return Said(reading.value, reading.quality, reading.withheld, low, high, now=now)


class _Noise:
    """Keeps two pictures in a row, half a minute into a cell: what differs between them on skin is noise."""

    AT_S = 30.0

    def __init__(self) -> None:
        self._pair: list[NDArray[np.int16]] = []

    def feed(self, frame: Frame) -> None:
        if len(self._pair) < 2 and frame.frame_ns > self.AT_S * NS_PER_S:
            self._pair.append(frame.y.astype(np.int16))

    def sigma(self, skin: NDArray[np.bool_]) -> float:
        """Of one pixel's luma, in counts."""
        if len(self._pair) < 2 or not skin.any():
            return 0.0
        return round(float((self._pair[1] - self._pair[0])[skin].std() / np.sqrt(2)), 2)


def skin_of(condition: Condition) -> NDArray[np.bool_]:
    """(height, width), True where skin is to be seen half a minute into a cell: where its tone changes the picture."""
    scenario = condition.scenario
    plain = Scenario(
        title="skin",
        acts=scenario.acts,
        lens=replace(scenario.lens, noise=0.0, sensor="imx477"),
        looks=Looks(blanket=scenario.looks.blanket),
        movement=scenario.movement,
        breathing=BreathingLife(chest_mm=0.0),
    )
    return _skin(msgspec.json.encode(plain), condition.width_px, condition.height_px)


@lru_cache(maxsize=8)
def _skin(scenario_json: bytes, width_px: int, height_px: int) -> NDArray[np.bool_]:
    scenario = msgspec.json.decode(scenario_json, type=Scenario)
    tones: tuple[Tone, ...] = ("light", "very-dark")
    pair = []
    for tone in tones:
        made = replace(scenario, looks=replace(scenario.looks, skin=tone))
        camera = SimulatedCamera(made, width_px=width_px, height_px=height_px, frames_per_s=1.0)
        pair.append(camera.frame(30).y.astype(np.int16))
    return np.asarray(np.abs(pair[0] - pair[1]) > 10)


def cells_of(skin: NDArray[np.bool_]) -> int:
    """Cells that are skin, or nearly."""
    rows, cols = skin.shape[0] // CELL_PX, skin.shape[1] // CELL_PX
    whole = skin[: rows * CELL_PX, : cols * CELL_PX].reshape(rows, CELL_PX, cols, CELL_PX)
    return int((whole.mean(axis=(1, 3)) >= SKIN_SHARE).sum())

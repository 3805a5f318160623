"""One cell of the suite: a condition and a seed, or a recording, through the eye; what stood at the end of each second.

The keeper's word on emptiness is given as the truth has it. Nothing else of the truth reaches the eye.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from stillroom.eye.analysis import Analysis
from stillroom.observation import Reading
from stillroom_tools.lab.scenario import Lens, Light, Scenario
from stillroom_tools.lab.simulated import SimulatedCamera, encoded
from stillroom_tools.lab.suite_grid import Condition

Quantity = Literal["pulse_bpm", "breaths_per_min"]
QUANTITIES: tuple[Quantity, ...] = ("pulse_bpm", "breaths_per_min")
FAR_WRONG: dict[Quantity, float] = {"pulse_bpm": 5.0, "breaths_per_min": 3.0}
NEAR: dict[Quantity, float] = {"pulse_bpm": 3.0, "breaths_per_min": 1.5}
"""What quality is the probability of."""
MOSTLY_HELD = 0.5
CELL_PX = 8
SKIN_SHARE = 0.75
NS_PER_S = 1_000_000_000


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
    here = Path(__file__).parent
    import stillroom.eye

    eye = Path(stillroom.eye.__file__ or "").parent
    files = [*sorted(eye.glob("*.py")), *sorted(here.glob("s[cu]*.py")), here / "simulated.py"]
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        if path.name not in (
            "suite_page.py",
            "suite_plots.py",
            "suite_figures.py",
            "suite_run.py",
            "suite_summary.py",
            "suite.py",
        ):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def run_condition(condition: Condition, seed: int, key: str) -> Cell:
    """Simulate and read. `key` is kept with the result."""
    scenario = condition.seeded(seed)
    inner = _camera(condition, scenario, seed)
    camera = inner if scenario.compression is None else encoded(inner, scenario.compression)
    analysis = Analysis(condition.width_px, condition.height_px)
    seconds: list[Second] = []
    settled_s: float | None = None
    next_s = 1.0
    for frame in camera.frames():
        at_s = frame.frame_ns / NS_PER_S
        if at_s > condition.duration_s:
            break
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
    skin, sigma = skin_of(condition, seed) if condition.somebody else (None, None)
    tone = scenario.looks.skin if condition.somebody and not scenario.light.infrared else None
    settled = settled_s if condition.somebody else 0.0
    return Cell(
        key, condition.family, condition.value, seed, condition.somebody, tone, skin, sigma, settled, seconds
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


def skin_of(condition: Condition, seed: int) -> tuple[int, float]:
    """Cells of skin to be seen while the person lies, and the noise of a pixel's luma on them in counts."""
    index = round(30.0 * condition.frames_per_s)
    plain = replace(condition.seeded(seed), light=Light(lux=300.0), lens=_noiseless(condition.scenario.lens))
    plain = replace(plain, steps=None, mains=None, television=None, compression=None)
    pair = []
    for tone in ("light", "very-dark"):
        looks = replace(plain.looks, skin=tone)
        pair.append(_luma(_camera(condition, replace(plain, looks=looks), seed), index))
    skin = np.abs(pair[0] - pair[1]) > 10
    cells = _cells(skin.astype(float)) >= SKIN_SHARE
    real = _camera(condition, condition.seeded(seed), seed)
    step = _luma(real, index + 1) - _luma(real, index)
    sigma = float(step[skin].std() / np.sqrt(2)) if skin.any() else 0.0
    return int(cells.sum()), round(sigma, 2)


def _noiseless(lens: Lens) -> Lens:
    return replace(lens, noise=0.0)


def _luma(camera: SimulatedCamera, index: int) -> np.ndarray:  # type: ignore[type-arg]
    return camera.frame(index).y.astype(np.float64)


def _cells(plane: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    rows, cols = plane.shape[0] // CELL_PX, plane.shape[1] // CELL_PX
    whole = plane[: rows * CELL_PX, : cols * CELL_PX].reshape(rows, CELL_PX, cols, CELL_PX)
    return np.asarray(whole.mean(axis=(1, 3)))

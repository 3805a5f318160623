"""From light to counts: exposure, and noise that starts as electrons.

Picture values are sRGB-like encoded counts; noise is that of the electrons behind each value (shot noise and read
noise), carried through the encoding by its slope. Electrons of skin at f/2, 1/30 s: 2.4 a pixel and lux (within a
factor of two); sensors' full wells and read noise: see `SENSORS`. Values of one colour are averaged over
`binned_px` sensor pixels. Luma and chroma noise are drawn apart from one another: their small correlation is left out.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stillroom_tools.lab.scenario import Lens
from stillroom_tools.lab.scene_random import mixed, normals

Counts = NDArray[np.int16]

FINE = 32
"""Steps of the working planes in one count: rounding happens once, after the noise, as in a camera."""
MAX_GAIN = 16.0
WHITE_ELECTRONS_PER_LUX = 6.0
EXPOSURE_SETTLES_S = 0.4
SETTLED_S = 20.0
"""Nothing that a number could hold is left of the way by then."""
BANK = 1 << 17
_BANK_SIGMA = 16
_SIGMA_STEPS = 32
_CHUNK = 1 << 15
_PIECE = 1 << 13

SENSORS = {  # full well in electrons, read noise in electrons at gain 16
    "imx219": (4300.0, 1.5),
    "imx477": (8180.0, 1.5),
    "imx708": (6700.0, 1.5),
}


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the camera makes of the room's light. `level`: linear, of a white thing, 1 = full scale."""

    level: float
    white_electrons: float
    open: float = 1.0
    """Share of the light that the lens lets in."""

    @property
    def shining(self) -> float:
        """The same as `factor` of what shines by itself, and is exposed as a screen in a lit room is."""
        return float(encode(np.array(self.open)) / 255.0)

    @property
    def factor(self) -> float:
        """By how much encoded counts are smaller (or larger) than those of a well exposed picture."""
        return float(encode(np.array(self.level)) / 255.0)


def encode(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear light, 0 to 1, to counts, 0 to 255 (IEC 61966-2-1, goes on above 1)."""
    toe = linear * 12.92
    return np.asarray(
        255.0 * np.where(linear <= 0.0031308, toe, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    )


def decode(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The way back of `encode`."""
    value = counts / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def exposure(lens: Lens, lux_before: float, lux: float, since_s: float, covered: float) -> Exposure:
    """The exposure `since_s` after the light went from `lux_before` to `lux`; `covered`: share of light kept out."""
    return _exposure(lens, lux_before, lux, min(since_s, SETTLED_S), covered)


@lru_cache(maxsize=4)
def _exposure(lens: Lens, lux_before: float, lux: float, since_s: float, covered: float) -> Exposure:
    full_well = SENSORS[lens.sensor][0]
    before, after = (math.log(_gain(full_well, each)) for each in (lux_before, lux))
    gain = math.exp(after + (before - after) * math.exp(-since_s / EXPOSURE_SETTLES_S))
    open_ = max(1.0 - covered, 0.0002)
    level = min(WHITE_ELECTRONS_PER_LUX * lux * gain / full_well, 2.0) * open_
    return Exposure(_stepped(level), _stepped(full_well / gain), open_)


def _stepped(value: float) -> float:
    """To the nearest third of a per cent, so that a settling exposure comes to rest."""
    return math.exp(round(math.log(value) * 300) / 300)


def _gain(full_well: float, lux: float) -> float:
    """Automatic exposure: white at full scale; in bright light the shutter shortens (a gain below 1 here)."""
    return min(full_well / (WHITE_ELECTRONS_PER_LUX * lux), MAX_GAIN)


def sigma_table(lens: Lens, state: Exposure) -> NDArray[np.float64]:
    """Standard deviation, in counts, of one colour's value at each count 0..255."""
    read_e = SENSORS[lens.sensor][1] * (2.0 if state.white_electrons > 2000 else 1.0)
    linear = decode(np.arange(256.0))
    electrons = linear * state.white_electrons
    sigma_linear = np.sqrt((electrons + read_e**2) / lens.binned_px) / state.white_electrons
    slope = (encode(linear + 1e-4) - encode(np.maximum(linear - 1e-4, 0.0))) / (
        1e-4 + np.minimum(linear, 1e-4)
    )
    return np.asarray(lens.noise * slope * sigma_linear)


# Weights of independent R, G, B noise in Y, U and V (BT.601); chroma is a mean of four values.
_LUMA_SHARE = math.hypot(0.299, 0.587, 0.114)
_CHROMA_SHARE = math.hypot(0.5, 0.331, 0.169) / 2


@dataclass(frozen=True, slots=True)
class NoiseTables:
    """Noise by count of luma, in steps that `Noise.apply` multiplies with its bank: (256,) int16 each."""

    luma: Counts
    chroma: Counts


def noise_tables(lens: Lens, state: Exposure) -> NoiseTables:
    """Tables for one exposure."""
    steps = sigma_table(lens, state) * _SIGMA_STEPS
    return NoiseTables(*(_steps(steps * share) for share in (_LUMA_SHARE, _CHROMA_SHARE)))


def _steps(values: NDArray[np.float64]) -> Counts:
    return np.clip(np.rint(values), 0, 255).astype(np.int16)


class Noise:
    """A bank of normal numbers, entered at another place for each piece of each frame: far cheaper than new ones."""

    def __init__(self, seed: int) -> None:
        self._bank: Counts = np.empty(BANK, np.int16)
        for begin in range(0, BANK, _PIECE):  # small temporaries leave no hole in the heap
            drawn = np.rint(normals(_PIECE, seed, 4, begin) * _BANK_SIGMA)
            self._bank[begin : begin + _PIECE] = np.clip(drawn, -127, 127)
        self._scratch: Counts = np.empty(_CHUNK, np.int16)

    def apply(self, fine: Counts, sigma: Counts, place: int, out: NDArray[np.uint8]) -> None:
        """out = fine / FINE + noise of `sigma` steps, clipped. All flat, of one length; see `to_fine` for rounding."""
        for begin in range(0, fine.size, _CHUNK):
            end = min(begin + _CHUNK, fine.size)
            work = self._scratch[: end - begin]
            start = mixed(place, begin) % (BANK - _CHUNK)
            np.multiply(self._bank[start : start + end - begin], sigma[begin:end], out=work)
            # bank 16 sigma * (32 steps a count) = 512 a count; >> 4 leaves FINE a count
            np.right_shift(work, 4, out=work)
            np.add(work, fine[begin:end], out=work)
            np.right_shift(work, 5, out=work)
            np.clip(work, 0, 255, out=work)
            out[begin:end] = work


def to_fine(counts: NDArray[np.float32]) -> None:
    """Counts to FINE steps, in place, with half a count added so that the shift in `Noise.apply` rounds."""
    counts *= np.float32(FINE)
    counts += np.float32(FINE // 2)
    np.clip(counts, FINE // 2, 255 * FINE + FINE // 2, out=counts)

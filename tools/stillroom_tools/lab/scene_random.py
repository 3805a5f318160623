"""Seeded numbers that stay the same in every version of NumPy, from a counter and splitmix64 (Steele et al. 2014).

numpy.random would cost the eye four megabytes, and promises the same normal numbers only within one version.
"""

import numpy as np
from numpy.typing import NDArray

_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_BITS = (1 << 64) - 1


def mixed(*parts: int) -> int:
    """64 well mixed bits of some integers."""
    value = 0
    for part in parts:
        value = (value + part + _GOLDEN) & _BITS
        value = ((value ^ (value >> 30)) * _FIRST) & _BITS
        value = ((value ^ (value >> 27)) * _SECOND) & _BITS
        value ^= value >> 31
    return value


def unit(*parts: int) -> float:
    """One number, 0 to 1, of some integers."""
    return mixed(*parts) / 2.0**64


def units(count: int, *parts: int) -> list[float]:
    """Some numbers, 0 to 1 each."""
    return [unit(*parts, index) for index in range(count)]


def normals(count: int, *parts: int) -> NDArray[np.float64]:
    """(count,) normal numbers of mean 0 and variance 1 (Box and Muller 1958); `count` is even."""
    with np.errstate(over="ignore"):
        value = np.arange(count // 2, dtype=np.uint64) * np.uint64(_GOLDEN) + np.uint64(mixed(*parts))
        value = (value ^ (value >> np.uint64(30))) * np.uint64(_FIRST)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(_SECOND)
    value ^= value >> np.uint64(31)
    radius = np.sqrt(-2.0 * np.log(((value >> np.uint64(32)) + 0.5) * 2.0**-32))
    angle = (value & np.uint64(0xFFFFFFFF)) * (2.0 * np.pi * 2.0**-32)
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])

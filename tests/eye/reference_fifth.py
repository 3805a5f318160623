"""What the passes over a fifth's cells must answer, in NumPy and in plain words."""

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float32]
Flags = NDArray[np.bool_]
Doubles = NDArray[np.float64]
SAMPLES = 600


def moving(moved: Real, noise: Real, times: float, floor: float) -> tuple[Flags, Real]:
    """Flags, and the noise afterwards."""
    away = moved - noise
    step = np.minimum(away * np.float32(0.05), away * np.float32(0.003))
    return moved > noise * np.float32(times) + np.float32(floor), noise + step


def gain(now: Real, before: Real) -> float:
    every = max(1, len(now) // SAMPLES) | 1
    a, b = now[::every], before[::every]
    lit = (b > 4.0) & (a > 1.0)
    ratios = np.sort(a[lit] / b[lit])
    return float(ratios[len(ratios) // 2]) if len(ratios) // 2 >= 4 else 1.0


def differs(planes: Real, mean: Real, noise: Real, light: float) -> Flags:
    """planes, mean: (3, cells)."""
    lit = mean * np.float32(light)
    lit[1:] += np.float32(128.0 * (1.0 - light))
    lit[0] = np.minimum(lit[0], np.float32(255.0))
    coarse = np.float32(max(1.0, light))
    margin = coarse * (np.float32(3.0) + np.float32(6.0) * noise) + np.float32(0.03) * lit[0]
    luma, u, v = np.abs(planes - lit)
    found: Flags = (luma > margin) | (u + v > np.float32(6.0) * coarse)
    return found


def view(luma: Real, parts: Real, most: float, shape: tuple[int, int]) -> tuple[Real, Doubles]:
    """Edges cut, (2, cells); sums of edges, bends and luma over their parts."""
    cols = shape[1]
    right, down = edges = np.zeros((2, luma.size), np.float32)
    right[:-1] = luma[1:] - luma[:-1]
    down[: luma.size - cols] = luma[cols:] - luma[: luma.size - cols]
    bend = right + down
    bend[1:] -= right[:-1]
    bend[cols:] -= down[: luma.size - cols]
    bend[:cols] = 0.0
    edges *= parts[:2]
    sums = [np.abs(edges).sum(dtype=np.float64)]
    sums += [
        (each * part).sum(dtype=np.float64)
        for each, part in zip((np.abs(bend), luma), parts[2:], strict=True)
    ]
    return edges.clip(-most, most), np.array(sums)


def tile_sums(now: Real, known: Real, down: list[int], across: list[int], shape: tuple[int, int]) -> Doubles:
    """(3, tiles)."""
    pairs = ((now, known), (now, now), (known, known))
    products = np.array([(a.astype(np.float64) * b).sum(axis=0).reshape(shape) for a, b in pairs])
    sums: Doubles = np.add.reduceat(np.add.reduceat(products, down, axis=1), across, axis=2)
    return sums.reshape(3, -1)

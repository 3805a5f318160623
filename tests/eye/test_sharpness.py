"""Sharpness of a slanted edge: what theory says of a known blur; and what is no edge is not called sharp."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from stillroom.eye.sharpness import NoEdge, mtf50


def edge(sigma_px: float, degrees: float, noise: float = 0.5, side: int = 64) -> NDArray[np.float64]:
    """A straight edge behind a Gaussian blur, rounded to counts."""
    y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2
    turn = math.radians(degrees)
    away = x * math.cos(turn) - y * math.sin(turn)
    share = np.vectorize(math.erf)(away / (math.sqrt(2) * sigma_px))
    plane = 120.0 + 60.0 * share + np.random.default_rng(3).normal(0.0, noise, (side, side))
    return np.rint(plane)


@pytest.mark.parametrize("sigma_px", [0.5, 0.8, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("degrees", [5.0, -17.0])
def test_a_known_blur_is_found(sigma_px: float, degrees: float) -> None:
    """Of a Gaussian half of the contrast is left at sqrt(ln 2 / 2) / (pi sigma)."""
    theory = math.sqrt(math.log(2) / 2) / (math.pi * sigma_px)
    plane = edge(sigma_px, degrees)
    assert mtf50(plane) == pytest.approx(theory, rel=0.03)
    assert mtf50(plane.T) == pytest.approx(mtf50(plane), rel=1e-6), "an edge that lies is one too"


def test_noise_does_not_make_it_sharp() -> None:
    assert mtf50(edge(3.0, 8.0, noise=4.0)) < 0.09


NOT_AN_EDGE = {
    "nothing": np.full((40, 40), 100.0),
    "noise": np.random.default_rng(2).normal(100, 40, (40, 40)),
    "a step that is not slanted": np.where(np.arange(40) > 20, 160.0, 60.0) * np.ones((40, 1)),
    "one that lies in a corner": edge(1.0, 8.0)[:, :34],
    "one that is too small": edge(1.0, 8.0)[:8, :8],
    "a faint one": 100 + (edge(1.0, 8.0) - 120) / 12,
    "a disc": np.where(np.hypot(*(np.mgrid[0:48, 0:48] - 24)) < 14, 160.0, 60.0),
}


@pytest.mark.parametrize("what", NOT_AN_EDGE)
def test_what_is_no_edge_is_said(what: str) -> None:
    with pytest.raises(NoEdge):
        mtf50(NOT_AN_EDGE[what])

"""Pets, vacuum robots and wheelchairs as capsules: simple bodies, as large as such things are.

A cat: trunk 0.3 m, 0.25 m high at the shoulder; a robot: a disc 0.34 m wide and 0.09 m high; a wheelchair: wheels
0.6 m high and 0.56 m apart, a back 0.9 m high.
"""

import math

import numpy as np

from stillroom_tools.lab.scenario_rover import ThingNow
from stillroom_tools.lab.scene import BED_X_M, BED_Z_M, ROOM_BACK_M, Pinhole
from stillroom_tools.lab.scene_figure import Layer, Shadow
from stillroom_tools.lab.scene_paint import Capsule, Colour
from stillroom_tools.lab.scene_room import yuv

_FUR, _DARK_FUR = yuv((172, 122, 76)), yuv((122, 84, 54))
_SHELL, _LID, _LAMP = yuv((52, 54, 58)), yuv((84, 88, 94)), yuv((120, 214, 150))
_TYRE, _METAL, _CLOTH = yuv((46, 46, 50)), yuv((150, 154, 160)), yuv((38, 44, 74))
_SPOKES = 12
_WHEEL_M, _APART_M = 0.3, 0.28
_CAT_STRIDE_M = 0.35

Local = tuple[float, float, float]
"""Forward, left, up; m."""
Part = tuple[Local, float, Local, float, Colour]


def layer_of(kind: str, now: ThingNow, camera: Pinhole) -> Layer | None:
    """A pet or a robot as it is drawn; None while it is outside."""
    if now.place == "outside":
        return None
    x, y, z = now.at_m
    if kind == "robot":
        capsules = placed(_robot(now.heading), now.at_m, 0.0, camera)
    else:
        capsules = placed(_cat(now), now.at_m, now.heading, camera)
    hidden = z > BED_Z_M[1] and x < BED_X_M[1] + 0.2
    shadow = [_shadow(now.at_m, 0.22, camera)] if y == 0.0 and not hidden else []
    return Layer(
        lambda _: capsules,
        shadow,
        z,
        "door" if z > ROOM_BACK_M else "room",
        hidden,
        None if now.moving else now,
    )


def wheelchair(
    x_m: float, z_m: float, heading: float, camera: Pinhole
) -> tuple[list[Capsule], list[Capsule]]:
    """What of it is farther from the lens than who sits there, and what is nearer."""
    wheels = {side: _wheel(side * _APART_M) for side in (1.0, -1.0)}
    far_side = 1.0 if math.sin(heading) >= 0.0 else -1.0
    across = [0.06 * index for index in range(-3, 4)]
    frame: list[Part] = [
        ((-0.2, s * 0.24, 0.45), 0.014, (-0.26, s * 0.24, 0.94), 0.014, _METAL) for s in (1.0, -1.0)
    ]
    frame += [((-0.2, left, 0.54), 0.04, (-0.23, left, 0.86), 0.04, _CLOTH) for left in across]
    seat: list[Part] = [((-0.18, left, 0.45), 0.04, (0.26, left, 0.45), 0.04, _CLOTH) for left in across]
    seat += [((0.34, s * 0.16, 0.42), 0.014, (0.5, s * 0.14, 0.08), 0.014, _METAL) for s in (1.0, -1.0)]
    seat += [((0.38, s * 0.2, 0.07), 0.06, (0.39, s * 0.2, 0.07), 0.06, _TYRE) for s in (1.0, -1.0)]
    seat += [((-0.18, s * 0.26, 0.68), 0.02, (0.2, s * 0.26, 0.68), 0.02, _TYRE) for s in (1.0, -1.0)]
    away = math.cos(heading) > 0.5  # the back is then between lens and sitter
    far: list[Part] = [*wheels[far_side], *seat, *([] if away else frame)]
    near: list[Part] = [*wheels[-far_side], *(frame if away else [])]
    at_m = (x_m, 0.0, z_m)
    return placed(far, at_m, heading, camera), placed(near, at_m, heading, camera)


def placed(parts: list[Part], at_m: Local, heading: float, camera: Pinhole) -> list[Capsule]:
    """Parts of a thing that stands somewhere and faces `heading`, as capsules; in their order."""
    local = np.array([end for a, _, b, _, _ in parts for end in (a, b)])
    sin, cos = math.sin(heading), math.cos(heading)
    forward, left, up = local.T
    world = np.stack(
        [at_m[0] + forward * sin - left * cos, at_m[1] + up, at_m[2] + forward * cos + left * sin], axis=1
    )
    seen, z_m = camera.project(world).tolist(), world[:, 2].tolist()
    found = []
    for index, (_, ra_m, _, rb_m, colour) in enumerate(parts):
        (ax, ay, a), (bx, by, b) = seen[2 * index], seen[2 * index + 1]
        ra, rb = camera.focal_px * ra_m / a, camera.focal_px * rb_m / b
        middle_m = (z_m[2 * index] + z_m[2 * index + 1]) / 2
        found.append(Capsule(ax, ay, ra, bx, by, rb, colour, (), 0.3, middle_m))
    return found


def _wheel(left: float) -> list[Part]:
    rim = [
        (_WHEEL_M * math.cos(turn) - 0.05, left, _WHEEL_M * (1.0 + math.sin(turn)))
        for turn in (math.tau * index / _SPOKES for index in range(_SPOKES + 1))
    ]
    return [(rim[index], 0.02, rim[index + 1], 0.02, _TYRE) for index in range(_SPOKES)]


def _robot(heading: float) -> list[Part]:
    """A disc: bands across the picture, whichever way it faces; the lamp is in front."""
    bands = ((0.1, 0.08), (0.05, 0.12), (0.0, 0.13), (-0.05, 0.12), (-0.1, 0.08))
    low: list[Part] = [((z, -half, 0.045), 0.045, (z, half, 0.045), 0.045, _SHELL) for z, half in bands]
    lid: list[Part] = [((z, -0.06, 0.08), 0.03, (z, 0.06, 0.08), 0.03, _LID) for z in (0.04, -0.04)]
    lamp = 0.11 * math.cos(heading), -0.11 * math.sin(heading), 0.095
    return [*low, *lid, (lamp, 0.016, lamp, 0.016, _LAMP)]


def _cat(now: ThingNow) -> list[Part]:
    if not now.moving:
        return _lying_cat()
    swing = 0.07 * math.sin(math.tau * now.gone_m / _CAT_STRIDE_M)
    legs: list[Part] = [
        ((x, side * 0.05, 0.16), 0.022, (x + swing * sign, side * 0.05, 0.015), 0.016, _DARK_FUR)
        for x, side, sign in ((0.13, 1.0, 1.0), (0.13, -1.0, -1.0), (-0.13, 1.0, -1.0), (-0.13, -1.0, 1.0))
    ]
    return [
        *legs,
        ((-0.2, 0.0, 0.2), 0.016, (-0.36, 0.0, 0.36), 0.012, _DARK_FUR),
        ((-0.14, 0.0, 0.19), 0.068, (0.14, 0.0, 0.2), 0.06, _FUR),
        ((0.15, 0.0, 0.22), 0.045, (0.22, 0.0, 0.27), 0.048, _FUR),
        *(
            ((0.21, side * 0.03, 0.31), 0.014, (0.21, side * 0.035, 0.335), 0.006, _DARK_FUR)
            for side in (1.0, -1.0)
        ),
    ]


def _lying_cat() -> list[Part]:
    return [
        ((-0.14, 0.05, 0.04), 0.018, (0.06, 0.14, 0.03), 0.014, _DARK_FUR),
        ((-0.12, 0.0, 0.08), 0.085, (0.12, 0.0, 0.08), 0.075, _FUR),
        ((0.16, 0.05, 0.1), 0.05, (0.18, 0.06, 0.1), 0.05, _FUR),
        *(
            ((0.17, 0.05 + side * 0.03, 0.14), 0.014, (0.17, 0.05 + side * 0.035, 0.165), 0.006, _DARK_FUR)
            for side in (1, -1)
        ),
    ]


def _shadow(at_m: Local, wide_m: float, camera: Pinhole) -> Shadow:
    x, y, depth = camera.project(np.array([[at_m[0], 0.0, at_m[2]]]))[0].tolist()
    scale = camera.focal_px / depth
    return x, y, scale * wide_m, scale * wide_m * 0.6

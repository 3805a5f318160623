"""The person as capsules on the picture: clothes that move as the chest does, skin whose colour follows the heart.

Breathing moves the chest away from the mattress by millimetres; what the picture shows of it, 0.3 to 1.1 px, follows
from the lens. Pulse changes skin by shares measured on clips: light skin G 1.2 counts peak to peak of 133, R 0.28 %,
B 0.5 %; dark skin G 0.4 of 79; very dark skin less (assumed 0.35 %), R and B in proportion. In infrared the
share is the scenario's, the same for every tone.
"""

import math
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from stillroom_tools.lab.scenario import Looks
from stillroom_tools.lab.scene import Pinhole, Points
from stillroom_tools.lab.scene_body import CHEST, HEAD, LEFT_ARM, NECK, NOSE, PELVIS, RIGHT_ARM
from stillroom_tools.lab.scene_paint import Capsule, Colour
from stillroom_tools.lab.scene_room import yuv

SKIN = {  # R, G, B counts; peak to peak of the pulse as shares of them
    "light": ((206, 152, 130), (0.0028, 0.0090, 0.0050)),
    "medium": ((180, 126, 100), (0.0026, 0.0080, 0.0045)),
    "dark": ((122, 82, 64), (0.0016, 0.0051, 0.0028)),
    "very-dark": ((86, 58, 46), (0.0011, 0.0035, 0.0020)),
}
INFRARED_SKIN = (170, 170, 170)
_HAIR = (74, 60, 52)
_BLANKET = (122, 150, 164)
_COVERED = {"hip": (), "chest": (CHEST,), "neck": (CHEST, NECK)}
_COVER_RADIUS_M = {PELVIS: 0.24, CHEST: 0.22, NECK: 0.17}
_SHOES = (66, 60, 58)

# Contrast, waves a metre along and across, of clothes. Fine enough to show a millimetre, coarse enough for the lens.
_SHIRT = ((0.09, 13.0, 5.0), (0.08, -7.0, 15.0), (0.06, 21.0, -11.0))
_PLAIN = ((0.05, 9.0, 4.0), (0.04, -5.0, 12.0))
_PLAID = ((0.07, 11.0, 0.0), (0.07, 0.0, 11.0), (0.03, 17.0, 9.0))
_FINEST_WAVE = 1.8

Weave = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """A capsule in the room: from a to b, (3,) metres, with its radii."""

    a: Points
    ra_m: float
    b: Points
    rb_m: float
    colour: Colour
    weave: Weave = ()
    round: float = 0.3


class Vital(Struct, frozen=True):
    """breath: -0.5..0.5 of its full way; beat: -0.5..0.5 of its full colour change."""

    breath: float
    beat: float


class Person:
    """One person's looks; from joints to capsules."""

    def __init__(
        self,
        looks: Looks,
        camera: Pinhole,
        chest_mm: float,
        pulse_strength: float,
        infrared_share: float | None = None,
    ) -> None:
        """infrared_share: of the pulse in infrared light; None in visible light."""
        rgb, shares = SKIN[looks.skin] if infrared_share is None else (INFRARED_SKIN, (infrared_share,) * 3)
        self._camera = camera
        self._chest_m = chest_mm / 1000.0
        self._skin = np.array(yuv(rgb))
        red, green, blue = (-value * share * pulse_strength for value, share in zip(rgb, shares, strict=True))
        self._blood = np.array(yuv((red, green, blue)))
        self._shirt, self._trousers = yuv(looks.shirt_rgb), yuv(looks.trousers_rgb)
        self._covered = _COVERED[looks.blanket]
        self._hair, self._blanket, self._shoes = yuv(_HAIR), yuv(_BLANKET), yuv(_SHOES)

    def capsules(self, pose: Points, vital: Vital, blanket: float) -> list[Capsule]:
        """Far ones first. `blanket`: 0 off, 1 pulled up as far as the looks say, 2 over the head."""
        body = self._breathed(pose, vital.breath)
        skin = self._skin + vital.beat * self._blood
        tone: Colour = (float(skin[0]), float(skin[1]), float(skin[2]))
        parts = [*self._legs(body), *self._trunk(body), *self._arms(body, tone)]
        over = self._covers(pose, body, blanket) if blanket > 0.02 else []
        seen = self._project([*parts, *over, *self._head(body, tone)])
        limbs = sorted(seen[: len(parts)], key=lambda capsule: -capsule[0])
        blankets, (neck, hair, face, *eyes) = (
            seen[len(parts) : len(parts) + len(over)],
            seen[len(parts) + len(over) :],
        )
        head = [neck, hair, face, *eyes] if face[0] < hair[0] else [face, neck, hair]
        if blanket > 1.0:
            return [capsule for _, capsule in (*limbs, *head, *blankets)]
        return [capsule for _, capsule in (*limbs, *blankets, *head)]

    def shadows(self, pose: Points) -> list[tuple[float, float, float, float]]:
        """Soft ellipses (x, y, rx, ry px) on the floor below feet or body."""
        low = pose[pose[:, 1] < 0.3]
        if not len(low):
            return []
        ground = low.mean(axis=0)
        ground[1] = 0.0
        x, y, depth = self._camera.project(ground[None])[0]
        spread_m = max(0.25, float(np.ptp(low[:, 0])) * 0.7), max(0.2, float(np.ptp(low[:, 2])) * 0.7)
        scale = self._camera.focal_px / depth
        return [(float(x), float(y), scale * spread_m[0], scale * spread_m[1] * 0.6)]

    def _breathed(self, pose: Points, breath: float) -> Points:
        body = pose.copy()
        way = self._chest_m * breath * _unit(pose[NOSE] - pose[HEAD])
        body[CHEST] += way
        body[NECK] += 0.25 * way
        body[[5, 8]] += 0.3 * way
        body[[6, 9]] += 0.15 * way
        return body

    def _trunk(self, body: Points) -> list[_Part]:
        lower = _Part(body[PELVIS], 0.155, body[CHEST], 0.175, self._shirt, _SHIRT)
        return [lower, _Part(body[CHEST], 0.175, body[NECK], 0.11, self._shirt, _SHIRT)]

    def _legs(self, body: Points) -> list[_Part]:
        found = []
        for knee, foot, side in ((11, 12, 5), (13, 14, 8)):
            hip = body[PELVIS] + 0.45 * (body[side] - (body[5] + body[8]) / 2)
            found.append(_Part(hip, 0.095, body[knee], 0.065, self._trousers, _PLAIN))
            found.append(_Part(body[knee], 0.065, body[foot], 0.05, self._trousers, _PLAIN))
            found.append(_Part(body[foot], 0.06, body[foot], 0.06, self._shoes))
        return found

    def _arms(self, body: Points, tone: Colour) -> list[_Part]:
        found = []
        for arm in (LEFT_ARM, RIGHT_ARM):
            shoulder, elbow, hand = body[arm]
            middle = shoulder * 0.35 + elbow * 0.65
            found.append(_Part(middle, 0.048, elbow, 0.043, tone, round=0.2))
            found.append(_Part(shoulder, 0.075, middle, 0.062, self._shirt, _SHIRT))
            found.append(_Part(elbow, 0.045, hand, 0.04, tone, round=0.2))
        return found

    def _head(self, body: Points, tone: Colour) -> list[_Part]:
        head, nose = body[HEAD], body[NOSE]
        face = head + 0.42 * (nose - head)
        neck = _Part(body[NECK], 0.055, head, 0.055, tone, round=0.2)
        hair = _Part(head, 0.108, head + (head - nose) * 0.15, 0.108, self._hair, _PLAIN)
        return [neck, hair, _Part(face, 0.092, face, 0.092, tone, round=0.2), *self._eyes(face, body)]

    def _eyes(self, face: Points, body: Points) -> list[_Part]:
        fx, fy, fz = front = _unit(body[NOSE] - body[HEAD])
        ux, uy, uz = up = _unit(body[HEAD] - body[NECK])
        side = np.array([fy * uz - fz * uy, fz * ux - fx * uz, fx * uy - fy * ux])
        middle = face + 0.058 * front + 0.02 * up
        return [
            _Part(middle + s * side, 0.011, middle + 1.1 * s * side, 0.011, self._hair)
            for s in (-0.034, 0.034)
        ]

    def _covers(self, pose: Points, body: Points, pulled: float) -> list[_Part]:
        """The blanket, feet first; above the hip only once it is pulled up, and there it moves as the body below."""
        found = [self._cover(body, min(pulled, 1.0))]
        if pulled < 1.0:
            return found
        if pulled > 1.0:
            found += self._over_head(pose, body, pulled - 1.0)
        moved = pose + 0.8 * (body - pose)
        for low, high in zip((PELVIS, *self._covered), self._covered, strict=False):
            radii = _COVER_RADIUS_M[low], _COVER_RADIUS_M[high]
            found.append(_Part(moved[low], radii[0], moved[high], radii[1], self._blanket, _PLAID, round=0.2))
        return found

    def _over_head(self, pose: Points, body: Points, share: float) -> list[_Part]:
        """First up the trunk, then over the face."""
        moved = pose + 0.8 * (body - pose)
        pelvis, chest, head = moved[[PELVIS, CHEST, HEAD]]
        low, high = min(2.0 * share, 1.0), max(2.0 * share - 1.0, 0.0)
        found = [(pelvis, 0.24, pelvis + low * (chest - pelvis), 0.23)]
        found += [(chest, 0.23, chest + high * (head - chest), 0.17)] if high else []
        return [_Part(a, ra, b, rb, self._blanket, _PLAID, round=0.2) for a, ra, b, rb in found]

    def _cover(self, body: Points, pulled: float) -> _Part:
        feet = (body[12] + body[14]) / 2
        top = feet + (body[PELVIS] - feet) * 0.8 * pulled
        return _Part(feet, 0.17, top, 0.17 + 0.06 * pulled, self._blanket, _PLAID, round=0.2)

    def _project(self, parts: list[_Part]) -> list[tuple[float, Capsule]]:
        """Depth of its middle, and the capsule on the picture, of each part."""
        ends = np.array([end for part in parts for end in (part.a, part.b)])
        seen = self._camera.project(ends).tolist()
        return [self._seen(part, *seen[2 * index : 2 * index + 2]) for index, part in enumerate(parts)]

    def _seen(self, part: _Part, a: list[float], b: list[float]) -> tuple[float, Capsule]:
        focal, depth = self._camera.focal_px, (a[2] + b[2]) / 2
        metre = math.tau * depth / focal
        weave = tuple(
            (contrast, kx * metre, ky * metre, 1.0 + index)
            for index, (contrast, kx, ky) in enumerate(part.weave)
            if math.hypot(kx, ky) * metre < _FINEST_WAVE
        )
        ra, rb = focal * part.ra_m / a[2], focal * part.rb_m / b[2]
        z_m = float(part.a[2] + part.b[2]) / 2
        return depth, Capsule(a[0], a[1], ra, b[0], b[1], rb, part.colour, weave, part.round, z_m)


def _unit(vector: Points) -> Points:
    return vector / max(math.sqrt(float(vector @ vector)), 1e-6)

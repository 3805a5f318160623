"""The person as capsules on the picture: clothes that move as the chest does, skin whose colour follows the heart.

Breathing moves the chest away from the mattress by millimetres; what the picture shows of it, 0.3 to 1.1 px, follows
from the lens. Pulse changes skin by shares measured on clips: light skin G 1.2 counts peak to peak of 133, R 0.28 %,
B 0.5 %; dark skin G 0.4 of 79; very dark skin less (assumed 0.35 %), R and B in proportion.
"""

import math
from dataclasses import dataclass

import numpy as np

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
_HAIR = (74, 60, 52)
_BLANKET = (122, 150, 164)
_SHOES = (66, 60, 58)

# Contrast, waves a metre along and across, of clothes. Fine enough to show a millimetre, coarse enough for the lens.
_SHIRT = ((0.09, 13.0, 5.0), (0.08, -7.0, 15.0), (0.06, 21.0, -11.0))
_PLAIN = ((0.05, 9.0, 4.0), (0.04, -5.0, 12.0))
_PLAID = ((0.07, 11.0, 0.0), (0.07, 0.0, 11.0), (0.03, 17.0, 9.0))
_FINEST_WAVE = 1.8

Weave = tuple[tuple[float, float, float], ...]
_Ball = tuple[Points, float]


@dataclass(frozen=True, slots=True)
class Vital:
    """breath: -0.5..0.5 of its full way; beat: -0.5..0.5 of its full colour change."""

    breath: float
    beat: float


class Person:
    """One person's looks; from joints to capsules."""

    def __init__(self, looks: Looks, camera: Pinhole, chest_mm: float, pulse_strength: float) -> None:
        rgb, shares = SKIN[looks.skin]
        self._camera = camera
        self._chest_m = chest_mm / 1000.0
        self._skin = np.array(yuv(rgb))
        red, green, blue = (-value * share * pulse_strength for value, share in zip(rgb, shares, strict=True))
        self._blood = np.array(yuv((red, green, blue)))
        self._shirt, self._trousers = yuv(looks.shirt_rgb), yuv(looks.trousers_rgb)
        self._hair, self._blanket, self._shoes = yuv(_HAIR), yuv(_BLANKET), yuv(_SHOES)

    def capsules(self, pose: Points, vital: Vital, blanket: float) -> list[Capsule]:
        """Far ones first. `blanket`: 0 off, 1 pulled up to the hip."""
        body = self._breathed(pose, vital.breath)
        skin = self._skin + vital.beat * self._blood
        tone: Colour = (float(skin[0]), float(skin[1]), float(skin[2]))
        parts = [*self._legs(body), *self._trunk(body), *self._arms(body, tone)]
        parts.sort(key=lambda part: -part[0])
        found = [capsule for _, capsule in parts]
        if blanket > 0.02:
            found.append(self._cover(body, blanket))
        return found + self._head(body, tone)

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
        front = pose[NOSE] - pose[HEAD]
        front = front / max(float(np.linalg.norm(front)), 1e-6)
        body = pose.copy()
        way = self._chest_m * breath * front
        body[CHEST] += way
        body[NECK] += 0.25 * way
        body[[5, 8]] += 0.3 * way
        body[[6, 9]] += 0.15 * way
        return body

    def _trunk(self, body: Points) -> list[tuple[float, Capsule]]:
        lower = self._capsule(body[PELVIS], 0.155, body[CHEST], 0.175, self._shirt, _SHIRT)
        upper = self._capsule(body[CHEST], 0.175, body[NECK], 0.11, self._shirt, _SHIRT)
        return [lower, upper]

    def _legs(self, body: Points) -> list[tuple[float, Capsule]]:
        found = []
        for knee, foot, side in ((11, 12, 5), (13, 14, 8)):
            hip = body[PELVIS] + 0.45 * (body[side] - (body[5] + body[8]) / 2)
            found.append(self._capsule(hip, 0.095, body[knee], 0.065, self._trousers, _PLAIN))
            found.append(self._capsule(body[knee], 0.065, body[foot], 0.05, self._trousers, _PLAIN))
            found.append(self._capsule(body[foot], 0.06, body[foot], 0.06, self._shoes))
        return found

    def _arms(self, body: Points, tone: Colour) -> list[tuple[float, Capsule]]:
        found = []
        for arm in (LEFT_ARM, RIGHT_ARM):
            shoulder, elbow, hand = body[arm]
            middle = shoulder * 0.35 + elbow * 0.65
            found.append(self._capsule(middle, 0.048, elbow, 0.043, tone, round_=0.2))
            found.append(self._capsule(shoulder, 0.075, middle, 0.062, self._shirt, _SHIRT))
            found.append(self._capsule(elbow, 0.045, hand, 0.04, tone, round_=0.2))
        return found

    def _head(self, body: Points, tone: Colour) -> list[Capsule]:
        head, nose = body[HEAD], body[NOSE]
        face = head + 0.42 * (nose - head)
        neck = self._capsule(body[NECK], 0.055, head, 0.055, tone, round_=0.2)[1]
        hair_depth, hair = self._capsule(head, 0.108, head + (head - nose) * 0.15, 0.108, self._hair, _PLAIN)
        face_depth, skin = self._capsule(face, 0.092, face, 0.092, tone, round_=0.2)
        if face_depth > hair_depth:
            return [skin, neck, hair]
        return [neck, hair, skin, *self._eyes(face, head, nose, body[NECK])]

    def _eyes(self, face: Points, head: Points, nose: Points, neck: Points) -> list[Capsule]:
        front, up = nose - head, head - neck
        front, up = front / np.linalg.norm(front), up / np.linalg.norm(up)
        side = np.cross(front, up)
        eyes = [face + 0.075 * front + 0.02 * up + 0.036 * sign * side for sign in (-1.0, 1.0)]
        return [self._capsule(eye, 0.012, eye + 0.004 * side, 0.012, self._hair)[1] for eye in eyes]

    def _cover(self, body: Points, pulled: float) -> Capsule:
        feet = (body[12] + body[14]) / 2
        top = feet + (body[PELVIS] - feet) * 0.8 * pulled
        feet_r, top_r = 0.17, 0.17 + 0.06 * pulled
        return self._capsule(feet, feet_r, top, top_r, self._blanket, _PLAID, round_=0.2)[1]

    def _capsule(
        self,
        a: Points,
        ra_m: float,
        b: Points,
        rb_m: float,
        colour: Colour,
        weave: Weave = (),
        round_: float = 0.3,
    ) -> tuple[float, Capsule]:
        """Depth of its middle, and the capsule between two places with radii in metres."""
        (ax, ay, az), (bx, by, bz) = self._camera.project(np.stack([a, b])).tolist()
        focal = self._camera.focal_px
        depth = (az + bz) / 2
        waves = tuple(
            (contrast, math.tau * kx * depth / focal, math.tau * ky * depth / focal, 1.0 + index)
            for index, (contrast, kx, ky) in enumerate(weave)
            if math.tau * math.hypot(kx, ky) * depth / focal < _FINEST_WAVE
        )
        ra, rb = focal * ra_m / az, focal * rb_m / bz
        return depth, Capsule(ax, ay, ra, bx, by, rb, colour, waves, round_)

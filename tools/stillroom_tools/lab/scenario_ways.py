"""Spots in the room, and the ways between them: through the doors, around the bed."""

from stillroom_tools.lab.scenario_stance import BATHROOM, OUTSIDE, Spot, Stance
from stillroom_tools.lab.scene import BED_X_M, BED_Z_M, in_bathroom

MIDDLE: Spot = (1.2, 2.75)
BY_THE_DOOR: Spot = (1.2, 3.7)
BEHIND_BED: Spot = (-0.45, 3.03)
"""On that floor the bed hides who lies from a lens that hangs at 2.2 m, but for a few centimetres."""
ON_FLOOR: Spot = (1.55, 3.0)
_CORNER: Spot = (0.85, 3.2)
ATTENDING: Spot = (-0.4, 2.98)
BEFORE_CHAIR: Spot = (-0.9, 3.14)
BESIDE_BED_ON_WHEELS: Spot = (1.2, 2.25)
_DOORWAY: tuple[Spot, ...] = ((1.15, 4.75), (1.15, 4.1))
_BATHROOM_DOOR: tuple[Spot, ...] = ((0.2, 4.75), (0.2, 4.1))
MIDDLES: tuple[Spot, ...] = (MIDDLE, (1.5, 3.05), (1.35, 2.2), (1.7, 2.6), (-0.2, 3.25))
"""Where each person stands who only came in."""
CRAWL_M_PER_S = 0.25
"""Of an adult in need (0.2 to 0.4, assumed)."""
WHEEL_M_PER_S = 0.7
"""Most, in a room (assumed; 1 m/s and more in corridors)."""
CARRY_M_PER_S = 0.6
"""Of two people with a third between them (assumed)."""


def way(now: Stance, to: Spot) -> tuple[Spot, ...]:
    """Spots from where one is to another, through the doors and around the bed's corner."""
    path = [now.spot]
    if now.place == "outside":
        path += _DOORWAY
    elif now.place == "bathroom" or in_bathroom(*now.spot):
        path += [spot for spot in _BATHROOM_DOOR if spot[1] < now.spot[1]]
    door = {OUTSIDE: _DOORWAY, BATHROOM: _BATHROOM_DOOR}.get(to, ())
    target = door[-1] if door else to
    if behind_bed(path[-1]) != behind_bed(target) and min(path[-1][1], target[1]) < _CORNER[1]:
        path.append(_CORNER)
    path += [spot for spot in reversed(door) if spot[1] > now.spot[1] or path[-1][1] < spot[1]]
    return (*path, to)


def behind_bed(spot: Spot) -> bool:
    """Whether the bed is between a spot and the camera."""
    return spot[0] < BED_X_M[1] and spot[1] > BED_Z_M[1]

"""What was found, in sentences: the same for the terminal, the report, and whoever signs a policy."""

import sys

from stillroom_tools.site.intruder.found import Found

ASSUMED = (
    "Easier than life for the attacker: a probe is the gallery's own photograph on another day, he knows to a "
    "fraction of a pixel where the face stands, the wall behind it is plain, and it looks at the camera.",
    "Harder than life: a hundred faces of 25x25 pixels, no trained network; the ways take coarse steps for noise, so "
    "that more frames do not help them as much as they could. Another way may find more.",
    "What is not tried: outline, gait, clothes, the hour, the room, and who is expected there. Each can tell who it "
    "is, at every level, to somebody who knows the people.",
)


def say(said: str) -> None:
    """Where it is, for whoever waits."""
    print(f"stillroom: {said}", file=sys.stderr, flush=True)


def summary(found: Found) -> str:
    """One line."""
    broken = sum(control.broken for control in found.controls)
    drawn = max((row.most for row in found.figure), default=0.0)
    said = [
        f"controls broken {broken} of {len(found.controls)}",
        f"figure: first guess right at most {drawn:.1%} (chance {found.chance:.0%})",
    ]
    for distance in found.distances:
        floors = [
            f"{frames} frame{'s' * (frames > 1)} {_floor(found, distance, frames)}" for frames in found.frames
        ]
        said.append(f"picture at {distance:g} m, floor for {found.most_allowed:.0%}: {', '.join(floors)}")
    return "; ".join(said)


def _floor(found: Found, distance_m: float, frames: int) -> str:
    if not found.full:
        return "not judged by a short run"
    floor = found.floor(distance_m, frames)
    return "none" if floor is None else str(floor)


def verdicts(found: Found) -> list[str]:
    """A sentence for each distance."""
    if not found.full:
        return ["A short run shows that the attacks work; its probes are too few to judge a floor (--full)."]
    return [_verdict(found, distance) for distance in found.distances]


def _verdict(found: Found, distance_m: float) -> str:
    parts = []
    for frames in found.frames:
        floor = found.floor(distance_m, frames)
        given = "one frame" if frames == 1 else f"{frames} frames at known places"
        kept = "no floor keeps it" if floor is None else f"squares of {floor} and more keep it"
        parts.append(f"of {given} {kept}")
    said = "; ".join(parts)
    return f"A face {distance_m:g} m away, and a bound of {found.most_allowed:.0%} (twice chance): {said}."

"""What can happen in a scenario, by who or what does it."""

from typing import Literal, get_args

CameraCue = Literal[
    "cover", "uncover", "knock", "blur", "dazzle", "freeze", "mend", "power-off", "power-on"
]  # fmt: skip
"""What happens to the camera. Without power it gives no frames at all."""
BodyCue = Literal[
    "enter", "lie-down", "turn", "sit-up", "get-up", "fall", "leave",
    "sit-in-bed", "sit-chair", "sit-floor", "crawl", "to-bathroom", "come-back", "cover-head", "uncover-head",
    "attend", "carried-out",
]  # fmt: skip
"""What somebody does. `sit-up`: on the bed's edge; `attend`: goes to the bed and touches whoever lies there;
`carried-out`: lying, by others (who have acts of their own)."""
Cue = Literal[BodyCue, CameraCue]
"""What a live cue may say."""
ThingVerb = Literal["enter", "leave", "roam", "rest", "to-bed"]
"""What a pet does; a robot only roams and rests."""
RoomVerb = Literal["light", "drop-curtain"]
"""What happens to the room. A curtain that has dropped stays where it is."""
Verb = Literal[Cue, ThingVerb, RoomVerb]

CAMERA: tuple[str, ...] = get_args(CameraCue)
BODY: tuple[str, ...] = get_args(BodyCue)
CUES: tuple[str, ...] = get_args(Cue)
NOBODYS: tuple[str, ...] = (*CAMERA, *get_args(RoomVerb))
OF_A_THING: dict[str, tuple[str, ...]] = {"pet": get_args(ThingVerb), "robot": ("roam", "rest")}

Where = Literal["room", "behind-bed", "bed-edge"]
"""On which floor: the open one, the one that the bed hides, or right before the bed's edge."""
PLACED: dict[str, tuple[str, ...]] = {
    "fall": get_args(Where),
    "sit-floor": ("room", "behind-bed"),
    "crawl": ("room", "behind-bed"),
}
"""Verbs that may say where."""
NEEDS = {"sit-chair": "chair", "to-bathroom": "bathroom", "come-back": "bathroom"}
"""What the room must have for a verb."""
RESIDENT = "resident"
"""The name of whom a scenario's own keys are about."""

"""What the canvas is asked to draw: the resident, whatever moves behind him, and others before and behind."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from stillroom_tools.lab.scene_paint import Capsule

Shadow = tuple[float, float, float, float]
"""A soft ellipse: x, y, rx, ry px."""
Through = Literal["room", "door", "bathroom-door"]
"""Where somebody is seen: in the room, or through one of its doors."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Somebody else, or a thing, as it is just now."""

    capsules: list[Capsule]
    shadows: list[Shadow]
    z_m: float
    through: Through = "room"
    behind_bed: bool = False
    still: bytes | None = None
    """Equal as long as it does not change; None: it does."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A person to be drawn. `capsules(breath, beat)`; `still`: equal as long as nothing but these two changes."""

    capsules: Callable[[float, float], list[Capsule]]
    breath: float
    beat: float
    shadows: list[Shadow]
    through: Through
    still: bytes | None
    behind_bed: bool = False
    behind: list[Capsule] = field(default_factory=list)
    """What moves behind the person, whether or not there is one."""
    far: list[Layer] = field(default_factory=list)
    near: list[Layer] = field(default_factory=list)
    """Others farther from the lens than the person, and nearer; the farthest first."""

    @property
    def layers(self) -> list[Layer]:
        return [*self.far, *self.near]

"""What the canvas is asked to draw: the resident, whatever moves behind him, and others before and behind."""

from collections.abc import Callable, Hashable
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from stillroom_tools.lab.scene_paint import Capsule
from stillroom_tools.lab.scene_person import Vital

Shadow = tuple[float, float, float, float]
"""A soft ellipse: x, y, rx, ry px."""
Through = Literal["room", "door", "bathroom-door"]
"""Where somebody is seen: in the room, or through one of its doors."""


_HALF_WAY = Vital(0.0, 0.0)


class Layer(Struct, frozen=True):
    """Somebody else, or a thing, as it is just now."""

    drawn: Callable[[Vital], list[Capsule]]
    """At a breath and beat; of a thing always the same."""
    shadows: list[Shadow]
    z_m: float
    through: Through = "room"
    behind_bed: bool = False
    still: Hashable = None
    """Equal as long as nothing but breath and pulse changes; None: more does."""
    breathes: bool = False
    vital: Vital = _HALF_WAY

    @property
    def capsules(self) -> list[Capsule]:
        return self.drawn(self.vital)


class Figure(Struct, frozen=True):
    """A person to be drawn. `capsules(breath, beat)`; `still`: equal as long as nothing but these two changes."""

    capsules: Callable[[float, float], list[Capsule]]
    breath: float
    beat: float
    shadows: list[Shadow]
    through: Through
    still: Hashable
    behind_bed: bool = False
    behind: list[Capsule] = field(default_factory=list)
    """What moves behind the person, whether or not there is one."""
    far: list[Layer] = field(default_factory=list)
    near: list[Layer] = field(default_factory=list)
    """Others farther from the lens than the person, and nearer; the farthest first."""

    @property
    def layers(self) -> list[Layer]:
        return [*self.far, *self.near]

    @property
    def vitals(self) -> tuple[Vital, ...]:
        """Of the resident, and of each layer that breathes."""
        return Vital(self.breath, self.beat), *(one.vital for one in self.layers if one.breathes)

    def breathing(self, vital: Vital) -> "Figure":
        """The same at the resident's breath and beat: `replace`, for each frame, at a third of its cost."""
        return Figure(
            self.capsules,
            vital.breath,
            vital.beat,
            self.shadows,
            self.through,
            self.still,
            self.behind_bed,
            self.behind,
            self.far,
            self.near,
        )

    def at(self, vitals: tuple[Vital, ...]) -> "Figure":
        """The same bodies at other breaths and beats, in the order of `vitals`."""
        own, *rest = vitals
        left = iter(rest)
        far, near = (
            [replace(one, vital=next(left)) if one.breathes else one for one in some]
            for some in (self.far, self.near)
        )
        return replace(self, breath=own.breath, beat=own.beat, far=far, near=near)

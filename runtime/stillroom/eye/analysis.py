"""From a borrowed frame to what the eye may say of it, five times a second.

Frame time alone: a replay says the same. Nothing grows: rings and models have the size they were made with. Where no
region is given, breathing is looked for everywhere, and the pulse in what differs from the empty room or breathes.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.agreement import Cells
from stillroom.eye.background import Background, Light
from stillroom.eye.breathing import Breathing
from stillroom.eye.distil import Grid, Mask, distil
from stillroom.eye.empty_picture import EmptyPicture
from stillroom.eye.figures import Motion, blobs_of, box_of, is_dark
from stillroom.eye.health import CameraHealth
from stillroom.eye.patch import Patch, body_of, inside
from stillroom.eye.traces import Fifth, Traces
from stillroom.observation import Blob, Box, Observation, Reading, Withheld

if TYPE_CHECKING:
    from stillroom.config import Polygon
    from stillroom.eye.frame import Frame
    from stillroom.eye.looking import Looking, Seen
    from stillroom.eye.order import Order, Served
    from stillroom.eye.worker import Models

READ_EVERY_S = 1.0
"""The pulse; breathing, which changes more slowly, every other time."""
GAP_S = 1.0
"""A longer pause in the frames begins anew."""
MOTION_SHARE = 0.12
MOTION_MEMORY_S = 8.0
CLIPPED_SHARE = 0.5
AGREE_BPM = 6.0
LARGE_STEP = 0.15
STEADY_LIGHT_S = 15.0
SEVERAL_CERTAINTY = 0.7
UNSUPPORTED = Reading(withheld="unsupported")
WARMING_UP = Reading()
Counts = NDArray[np.uint32]
Clipped = NDArray[np.uint8]


class Analysis:
    """Make for a size of picture, feed frames, read Observations.

    private: polygons never read. region: a fixed place for readings (shares of the picture); None: found by itself.
    models: who looks at pictures cut out of frames, to confirm what the cells found; None: nobody.
    doors: where people come in, beside the picture's edge.
    """

    def __init__(
        self,
        width_px: int,
        height_px: int,
        *,
        private: Sequence["Polygon"] = (),
        region: Box | None = None,
        models: "Models | None" = None,
        doors: "tuple[Polygon, ...]" = (),
    ) -> None:
        self._grid, self._spare = Grid(width_px, height_px), Grid(width_px, height_px)
        self._histogram, self._clipped = self._grid.histogram, self._grid.clipped
        self._mask = Mask.from_polygons(width_px, height_px, private) if private else None
        self._shape = (self._grid.rows, self._grid.cols)
        cells = self._grid.rows * self._grid.cols
        self._open = np.ones(cells, bool) if self._mask is None else self._mask.cells.reshape(-1) == 0
        self._open_count = max(1, int(self._open.sum()))
        self._region = None if region is None else inside(region, self._shape) & self._open
        where = self._open if self._region is None else self._region
        self._where = where, int(np.count_nonzero(where))
        self._traces = Traces(*self._shape)
        self._breathing = Breathing(cells, self._grid.cols)
        self._patch = Patch(self._shape, self._region)
        self._found = None if self._region is None else Patch(self._shape)
        self._background, self._light, self._motion = Background(cells), Light(), Motion(cells)
        self._health = CameraHealth(self._shape, self._open)
        self._has_before = False
        self._allowed = {"breathing": True, "pulse": True}
        self._empty: bool | None = None
        self._readings = {"breathing": WARMING_UP, "pulse": WARMING_UP}
        self._breath = WARMING_UP
        self._next_read_s = 0.0
        self._reads = 0
        self._last_motion_s = -1e9
        self._lit_s = -1e9
        self._breathing_box: Box | None = None
        self._looking = None if models is None else self._look_with(models, width_px, height_px, doors)
        self._face: Box | None = None
        self._several = False
        self.empty_picture = EmptyPicture(self._shape)
        """For views."""
        self.served: tuple[Served, ...] = ()
        """What became of a view's orders in the last frame."""
        self._left = False

    def _look_with(
        self, models: "Models", width_px: int, height_px: int, doors: "tuple[Polygon, ...]"
    ) -> "Looking":
        from stillroom.eye.looking import Looking

        cells = Mask.from_polygons(width_px, height_px, doors).cells if doors else None
        way_in = None if cells is None or not cells.any() else cells.reshape(-1) == 1
        return Looking(width_px, height_px, self._shape, models, way_in)

    @property
    def looks(self) -> dict[str, int]:
        """How often each model has looked; empty: nobody looks."""
        return (
            {} if self._looking is None else {str(kind): count for kind, count in self._looking.looks.items()}
        )

    def allow(self, *, breathing: bool, pulse: bool) -> None:
        """What the authorisation covers. The rest is not computed and reads `unsupported`."""
        self._allowed = {"breathing": breathing, "pulse": pulse}

    def begin_anew(self) -> None:
        """The camera changed its pace or its exposure: what was collected for readings does not fit any more."""
        self._restart()

    def room_is_empty(self, empty: bool, everybody_left: bool = False) -> None:
        """The keeper's word. The empty room is learned only after True; for views only where all were seen to leave."""
        self._empty, self._left = empty, empty and everybody_left

    def feed(
        self, frame: "Frame", captured_mono_ns: int, orders: "Sequence[Order]" = ()
    ) -> Observation | None:
        """Take a frame; an Observation five times a second of frame time at most, else None.

        orders: what a view wants of this frame. `served` tells what became of them.
        """
        self._keep_pace(frame.frame_ns)
        self._grid, self._spare = self._spare, self._grid
        before = self._spare.y if self._has_before else None
        looks = () if self._looking is None else self._looking.orders()
        outcomes = distil(frame, before, self._mask, self._grid, (*looks, *orders))
        if self._looking is not None:
            self._looking.served(outcomes[: len(looks)])
        self.served = outcomes[len(looks) :]
        self._has_before = True
        self._histogram, self._clipped = self._grid.histogram, self._grid.clipped
        fifth = self._traces.feed(self._grid, frame.frame_ns)
        return None if fifth is None else self._observe(fifth, frame.frame_ns, captured_mono_ns)

    def feed_cells(
        self, fifth: Fifth, histogram: Counts, clipped: Clipped, frame_ns: int, captured_mono_ns: int
    ) -> Observation:
        """All that follows the kernel, on cells that came from no frame. For the lab: a night in seconds.

        histogram, clipped: as a Grid has them. frame_ns: of the first frame after the fifth. Models are handed empty
        pictures, so they must know by themselves what there is to see; without frames there is no pulse.
        """
        self._keep_pace(frame_ns)
        if self._looking is not None:
            outcome: Served = "served"
            self._looking.served((outcome,) * len(self._looking.orders()))
        self._histogram, self._clipped = histogram, clipped
        return self._observe(fifth, frame_ns, captured_mono_ns)

    def _keep_pace(self, frame_ns: int) -> None:
        step_s = self._traces.pace.feed(frame_ns)
        if step_s is not None and (step_s <= 0 or step_s > GAP_S):
            self._restart()
            if self._looking is not None:
                self._looking.restart()

    def _restart(self) -> None:
        """Time jumped or the light changed: what was collected for readings no longer fits together."""
        self._traces.restart()
        self._breathing.restart()
        for patch in self._patches():
            patch.restart()
        self._readings = {"breathing": WARMING_UP, "pulse": WARMING_UP}
        self._breath, self._breathing_box = WARMING_UP, None
        self._next_read_s = 0.0
        self._has_before = False
        self._light.reset()

    def _observe(self, fifth: Fifth, frame_ns: int, captured_mono_ns: int) -> Observation:
        light_changed = self._light.feed(fifth.luma)
        moving = self._allowed_of(self._motion.feed(self._light.unexplained(fifth.moved)))
        self._motion.weigh(fifth.luma)
        health = self._health.feed(fifth, self._histogram, moving)
        if light_changed and self._lit_anew(fifth.time_s):
            self._restart()
        self._breathing.feed(fifth)
        lasting = self._motion.lasting
        for patch in self._patches():
            patch.note(moving if lasting else None)
        self._background.feed(fifth, moving, empty=self._may_learn(fifth.time_s))
        differs = self._background.differs(fifth)
        figure = None if differs is None else self._allowed_of(differs)
        motion = int(np.count_nonzero(moving)) / self._open_count
        if lasting and motion:
            self._remember_motion(moving, fifth.time_s)
        dark = is_dark(self._histogram)
        clipped = float(np.add.reduce(self._clipped, axis=None)) / (64.0 * self._open.size)
        if fifth.time_s >= self._next_read_s:
            self._next_read_s = fifth.time_s + READ_EVERY_S - 0.1
            self._read(figure, fifth, dark)
        seen = None if self._looking is None or dark else self._look(fifth, frame_ns, moving, figure)
        nobody = self._nobody(fifth.time_s, motion, dark or light_changed)
        self.empty_picture.feed(fifth.luma, nobody, round(5 * fifth.time_s))
        if seen is not None and seen.restless is not None:
            moving = moving & ~seen.restless
            figure = None if figure is None else figure & ~seen.restless
            motion = int(np.count_nonzero(moving)) / self._open_count
        return Observation(
            frame_ns=frame_ns,
            captured_mono_ns=captured_mono_ns,
            luma_mean=float(np.add.reduce(fifth.luma)) / self._open_count,
            clipped=min(1.0, clipped),
            dark=dark,
            light_changed=light_changed,
            background=self._background.state,
            motion=min(1.0, motion),
            motion_box=box_of(np.flatnonzero(moving), self._shape) if motion > 0 else None,
            blobs=self._blobs(figure, moving),
            breathing_box=self._breathing_box,
            breathing=self._readings["breathing"],
            pulse=self._readings["pulse"],
            frames_per_s=min(240.0, self._traces.pace.frames_per_s),
            frames_dropped=self._traces.pace.dropped,
            look_ms=None if self._looking is None else self._looking.look_ms,
            health=health,
            model="none" if self._looking is None else self._looking.model,
            people=None if seen is None else seen.people,
            people_certainty=None if seen is None else seen.certainty,
            persons=() if seen is None else seen.persons,
        )

    def _nobody(self, now_s: float, motion: float, unlit: bool) -> bool:
        """Keeper, movement, breathing and model agree that nobody is there."""
        if not self._left or unlit or motion > 0.0 or self._breathing_box is not None:
            return False
        return self._looking is not None and self._looking.finds_nobody(now_s)

    def _may_learn(self, now_s: float) -> bool | None:
        """The keeper's word; and the models': not while somebody may be there, and sooner where nobody is."""
        if self._looking is None:
            return self._empty
        if self._looking.stirs(now_s):
            return False
        if not self._empty and self._background.state != "learned" and self._looking.finds_nobody(now_s):
            self._background.witness()
            return None
        return self._empty

    def _look(
        self, fifth: Fifth, frame_ns: int, moving: NDArray[np.bool_], figure: NDArray[np.bool_] | None
    ) -> "Seen":
        """What the models add. One call a fifth of a second; the next look is decided in it."""
        assert self._looking is not None
        learned = self._background.state == "learned"
        seen = self._looking.feed(
            Cells(
                fifth.time_s,
                frame_ns,
                moving,
                figure,
                learned,
                self._breathing_box,
                self._empty,
            )
        )
        self._face = seen.face
        self._several = (seen.people or 0) > 1 and (seen.certainty or 0.0) >= SEVERAL_CERTAINTY
        return seen

    def _lit_anew(self, now_s: float) -> bool:
        """A large change of light after a steady time; what flickers all the time is left to the readings' tests."""
        steady = now_s - self._lit_s > STEADY_LIGHT_S
        self._lit_s = now_s
        return steady and abs(self._light.step - 1.0) > LARGE_STEP

    def _blobs(self, figure: NDArray[np.bool_] | None, moving: NDArray[np.bool_]) -> tuple[Blob, ...]:
        return () if figure is None else blobs_of(figure, moving, self._shape)

    def _remember_motion(self, moving: NDArray[np.bool_], time_s: float) -> None:
        where, cells = self._where
        share = int(np.count_nonzero(moving & where)) / max(1, cells)
        if share > MOTION_SHARE:
            self._last_motion_s = time_s

    def _read(self, figure: NDArray[np.bool_] | None, fifth: Fifth, dark: bool) -> None:
        where = self._open if self._region is None else self._region
        obstacle = self._obstacle(where, dark)
        self._reads += 1
        if not self._allowed["breathing"]:
            self._breath, self._breathing_box = UNSUPPORTED, None
        elif self._reads % 2 == 0 or self._breath is UNSUPPORTED:
            self._breath = self._read_breathing(where)
        pulse = self._read_pulse(figure) if self._allowed["pulse"] else UNSUPPORTED
        moved = fifth.time_s - self._last_motion_s < MOTION_MEMORY_S
        self._readings = {
            "breathing": _explained(self._breath, obstacle, moved),
            "pulse": _explained(pulse, obstacle, moved),
        }

    def _obstacle(self, where: NDArray[np.bool_], dark: bool) -> Withheld | None:
        if dark:
            return "dark"
        if self._several:
            return "several-people"  # whose breath would it be?
        clipped = self._clipped.reshape(-1)[where]
        return "clipped" if len(clipped) and float(clipped.mean()) > CLIPPED_SHARE * 64 else None

    def _read_breathing(self, where: NDArray[np.bool_]) -> Reading:
        reading = self._breathing.read(where)
        evidence = self._breathing.evidence
        self._breathing_box = None
        if reading.value is not None and evidence is not None:
            strong = evidence.cells[evidence.strength > 0.1 * evidence.strength.max()]
            self._breathing_box = box_of(strong, self._shape)
        return reading

    def _read_pulse(self, figure: NDArray[np.bool_] | None) -> Reading:
        """Of the region as a whole, else of a patch found in it; the two must not say different things."""
        if self._found is None:
            known = self._background.state == "learned"
            body = body_of(figure if known else None, self._breathing_box, self._shape)
            if self._face is not None:
                body = inside(self._face, self._shape)
            if (
                body is None and not known
            ):  # never seen empty: somebody may have been there from the beginning
                return self._patch.read(self._traces, self._open, anybody=False)
            return self._patch.read(self._traces, None if body is None else body & self._open)
        whole, found = self._patch.read(self._traces), self._found.read(self._traces, self._region)
        if whole.value is None or found.value is None:
            return found if found.value is not None else whole
        return whole if abs(whole.value - found.value) <= AGREE_BPM else Reading(withheld="low-signal")

    def _allowed_of(self, flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(cells,) without what is private."""
        return flags if self._mask is None else flags & self._open

    def _patches(self) -> tuple[Patch, ...]:
        return (self._patch,) if self._found is None else (self._patch, self._found)


def _explained(reading: Reading, obstacle: Withheld | None, moved: bool) -> Reading:
    """No value where the picture itself forbids one, and the better of two reasons."""
    if reading.withheld == "unsupported":
        return reading
    if obstacle:
        return Reading(withheld=obstacle, window_s=reading.window_s)
    if reading.withheld == "low-signal" and moved:
        return Reading(withheld="motion", window_s=reading.window_s)
    return reading

"""`stillroom evaluate --room`: recordings through the whole program, and what it said of the room, when.

A recording begins as a unit does after a start: nothing is known of the room, and nobody has seen it empty. Without a
unit's configuration a recording is judged by `UNDRAWN`: nobody has drawn where the floor is, so whoever lies, lies on
it, and half a second of it is enough, since recordings of falls are short.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stillroom.clock import NS_PER_S
from stillroom.config import RoomConfig, UnitConfig, Zones, load
from stillroom.config_conditions import ConditionsConfig, Row
from stillroom.errors import InputError
from stillroom.events import ConditionChanged, Event, StateChanged
from stillroom.eye import weights
from stillroom.eye.detect import Detector
from stillroom.eye.frame import Frame
from stillroom.observation import Observation
from stillroom_tools.lab.evaluate_labels import NO_LABELS, Agreement, agreement
from stillroom_tools.lab.evaluate_progress import Progress
from stillroom_tools.lab.evaluate_truth import Roi
from stillroom_tools.lab.program import Program, load_detector
from stillroom_tools.lab.recorded import RecordedCamera

_PROGRESS_FRAMES = 15
_DECODE_THREADS = 2
_LOW = (Row("low"),)
EVERYWHERE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
UNDRAWN = UnitConfig(
    site="recordings",
    unit="recordings",
    profile="lab",
    zones=Zones(floor=EVERYWHERE),
    room=RoomConfig(bed_dwell_s=1.0),
    conditions=ConditionsConfig(entered=_LOW, left_room=_LOW, several_people=_LOW),
)
"""Of a recording of which nothing is known. Half of `bed_dwell_s` is what `on-floor` takes."""


@dataclass(frozen=True, slots=True)
class Told:
    """A state that was entered, or a condition that began or ended. at_s: seconds since the first frame."""

    at_s: float
    name: str
    why: str
    level: str = ""
    active: bool = True


@dataclass(slots=True)
class RoomResult:
    """What one file gave. cut_short: why the file ended before its time, or empty."""

    file: str
    duration_s: float = 0.0
    frames: int = 0
    model: str = "none"
    states: list[Told] = field(default_factory=list)
    conditions: list[Told] = field(default_factory=list)
    lying: list[tuple[int, bool]] = field(default_factory=list)
    """From which frame on, counted from 1, somebody is said to lie, or is not."""
    looks: Mapping[str, int] = field(default_factory=dict)
    posture: Agreement = NO_LABELS
    cut_short: str = ""


@dataclass(frozen=True, slots=True)
class Judge:
    """By what recordings are judged: a unit's configuration, and who looks."""

    config: UnitConfig
    detector: Detector | None

    @classmethod
    def of(cls, unit: Path | None, models: Path | None) -> "Judge":
        """unit: a `unit.toml`, whose zones, dwells, conditions and models count; None: `UNDRAWN`.

        models: the folder of the weights; None: the unit's own, then the user's cache. Raises ConfigError, InputError,
        SetupError.
        """
        config = UNDRAWN if unit is None else load(unit)
        if models is not None and weights.find(models) != models:
            names = ", ".join(each.file for each in weights.ALL)
            raise InputError(f"--models {models}: must be a folder with {names}; `stillroom models fetch`")
        if models is None and not config.detector.models:
            return cls(config, None)
        place = models if unit is None or models is not None else config.path(config.detector.models)
        return cls(config, load_detector(weights.find(place)))


def evaluate_room(
    path: Path, crop: Roi | None, known: Mapping[int, int], judge: Judge, progress: Progress
) -> RoomResult:
    """All frames of one file. Raises InputError where it cannot be opened, has no frames, or the crop does not fit."""
    result = RoomResult(str(path), model="none" if judge.detector is None else weights.MODEL)
    camera = RecordedCamera(path, threads=_DECODE_THREADS)
    count = camera.probe.frames
    progress.begin(path.name, count)
    try:
        _play(cropped(camera, crop), result, judge, progress)
    except InputError as error:
        if not result.frames:
            raise
        result.cut_short = str(error)
    finally:
        camera.close()
    if not result.frames:
        raise InputError(f"{path}: no frames in it")
    result.posture = agreement(known, result.lying, result.frames) if known else NO_LABELS
    return result


def _play(frames: Iterator[Frame], result: RoomResult, judge: Judge, progress: Progress) -> None:
    at_s, first_ns = 0.0, None

    def tell(at_ms: int, event: Event) -> None:
        if isinstance(event, StateChanged):
            result.states.append(Told(at_s, event.state, event.why))
        elif isinstance(event, ConditionChanged):
            result.conditions.append(Told(at_s, event.kind, event.why, event.level, event.active))

    program = Program(judge.config, judge.detector, tell)
    for frame in frames:
        first_ns = frame.frame_ns if first_ns is None else first_ns
        result.duration_s = at_s = (frame.frame_ns - first_ns) / NS_PER_S
        result.frames += 1
        seen = program.feed(frame)
        lies = None if seen is None else _lies(seen, program.room.state)
        if lies is not None and (not result.lying or result.lying[-1][1] != lies):
            result.lying.append((result.frames, lies))
        if result.frames % _PROGRESS_FRAMES == 0:
            progress.advance(_PROGRESS_FRAMES)
    result.looks = dict(program.looks)


def _lies(seen: Observation, state: str) -> bool:
    """Whether it is said of anybody that he lies: by the eye, or by the room's state, which holds who lies still."""
    return state == "on-floor" or any(person.posture == "lying" for person in seen.persons)


def cropped(camera: RecordedCamera, crop: Roi | None) -> Iterator[Frame]:
    """Each frame, or the part of it that is asked for, on even pixels. Raises InputError where that does not fit."""
    if crop is None:
        yield from camera.frames()
        return
    box = crop.box(camera.width, camera.height)
    x0, x1 = (round(value * camera.width) // 2 for value in (box.x0, box.x1))
    y0, y1 = (round(value * camera.height) // 2 for value in (box.y0, box.y1))
    for frame in camera.frames():
        yield Frame(
            frame.y[2 * y0 : 2 * y1, 2 * x0 : 2 * x1],
            frame.u[y0:y1, x0:x1],
            frame.v[y0:y1, x0:x1],
            frame.frame_ns,
        )

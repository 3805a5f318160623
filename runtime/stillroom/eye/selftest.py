"""The process of a self-test that may open the camera: it measures, says numbers, and judges nothing.

As an eye: no key, no network, guards before anything is read, no camera before the first lease, and no life without
one. No frame is kept; the chart's part of a few is added up in memory, and is gone with the process.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stillroom import config, guard, link
from stillroom.config import UnitConfig
from stillroom.errors import CameraError, InputError, LinkError, SetupError, StillroomError
from stillroom.eye import lease
from stillroom.eye.main import CLOSE_WITHIN_S, files
from stillroom.link import EyeHears, Fault, Link
from stillroom.selftest_link import SOCKET, Beat, Job, Kernel, Models, Ready

if TYPE_CHECKING:
    from stillroom.eye.frame import Camera, Frame
    from stillroom.eye.selftest_look import Measuring

LOOKS = 5
BEAT_S = 0.5
_WORDS = 240


def main(arguments: list[str]) -> int:
    """arguments: one Job as JSON. Returns 0 after a halt; a lapse of its lease ends it by signal."""
    job = msgspec.json.decode(arguments[0], type=Job)
    guard.forbid(parent=job.parent)
    unit = config.load(Path(job.config))
    guarded = guard.confine("eye", unit, files(unit, job.opener))
    parent = link.connect(unit.path(unit.paths.run) / SOCKET, EyeHears)
    guard.connected("eye")
    try:
        parent.send(guarded)
        parent.send(models_of(unit))
        parent.send(kernel_of(unit))
        look(job, unit, parent)
    except LinkError:
        return 0
    except StillroomError as error:
        with suppress(LinkError):
            parent.send(Fault("camera-failed", str(error)[:_WORDS]))
        return error.exit_code
    return 0


def models_of(unit: UnitConfig) -> Models:
    """Which weights are there, whether they are the right ones, and how long they look at nothing."""
    from stillroom.eye import weights

    if not unit.detector.models:
        return Models({}, "", "'detector.models' is empty: this unit looks with no models", None)
    place = weights.find(unit.path(unit.detector.models))
    if place is None:
        return Models({}, "", "no weights are here: `stillroom models fetch`", None)
    found = {}
    try:
        for each in weights.ALL:
            weights.read(place, each)
            found[each.file] = each.sha256
        nets = [weights.load(place, each) for each in weights.ALL]
    except InputError as error:
        return Models(found, str(error)[:_WORDS], "", None)
    except SetupError as error:
        return Models(found, "", str(error)[:_WORDS], None)
    took_ms = []
    for _ in range(LOOKS):
        began_ns = time.perf_counter_ns()
        for net in nets:
            net.blank()
        took_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
    return Models(found, "", "", statistics.median(took_ms))


def kernel_of(unit: UnitConfig) -> Kernel:
    """The kernel beside its reference, on frames that nobody saw: noise, with and without gaps between rows, masked."""
    import numpy as np

    from stillroom.eye.cells import Mask
    from stillroom.eye.distil import Grid, distil
    from stillroom.eye.frame import Frame
    from stillroom.eye.reference import differing

    width, height = unit.camera.width_px, unit.camera.height_px
    random = np.random.default_rng(1)
    grid = Grid(width, height)
    mask = Mask.from_polygons(width, height, [((0.1, 0.2), (0.4, 0.25), (0.3, 0.7))])
    previous, compared, differ = None, 0, 0
    for number, padding in enumerate((0, 6, 64)):
        y = random.integers(0, 256, (height, width + padding), dtype=np.uint8)[:, :width]
        woven = random.integers(0, 256, (height // 2, width + padding), dtype=np.uint8)
        frame = Frame(y, woven[:, 0:width:2], woven[:, 1:width:2], number)
        used = mask if number == 2 else None
        distil(frame, previous, used, grid)
        more, wrong = differing(frame, previous, None if used is None else used.cells, grid)
        compared, differ, previous = compared + more, differ + wrong, grid.y.copy()
    return Kernel(compared, differ)


def look(job: Job, unit: UnitConfig, parent: Link) -> None:
    """From the first lease on: open the camera, look, go on for as long as asked. Raises CameraError, LinkError."""
    from stillroom.eye.camera import open_camera
    from stillroom.eye.selftest_look import Measuring
    from stillroom.eye.selftest_soak import soak

    lease.arm_for_start()
    parent.send(Ready())
    holder = lease.LeaseHolder(parent, lambda _: None)
    holder.wait_for_first()
    if holder.ended.is_set():
        return
    began_s = time.monotonic()
    camera = open_camera(unit.camera, unit.folder, job.opener)
    try:
        frames = _leased(camera, holder)
        measuring = Measuring(job, unit, camera)
        _measure(frames, measuring, began_s, parent)
        parent.send(measuring.look())
        if job.soak_s:
            soak(frames, job.soak_s, parent)
        holder.ended.wait()
    finally:
        holder.end_within(CLOSE_WITHIN_S)
        camera.close()


def _leased(camera: "Camera", holder: lease.LeaseHolder) -> Iterator["Frame"]:
    """The camera's frames, while there are leases. Raises LinkError."""
    for frame in camera.frames():
        if holder.ended.is_set():
            raise LinkError("no lease any more")
        yield frame


def _measure(frames: Iterator["Frame"], measuring: "Measuring", began_s: float, parent: Link) -> None:
    """Raises CameraError where they end too soon, LinkError."""
    told_s, seen = 0.0, 0
    for frame in frames:
        now_s, seen = time.monotonic(), seen + 1
        enough = measuring.feed(frame, now_s - began_s)
        del frame  # it is the camera's own memory
        if now_s - told_s >= BEAT_S:
            told_s = now_s
            parent.send(Beat(seen))
        if enough:
            return
    raise CameraError("its frames ended before enough of them were seen")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

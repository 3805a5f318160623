"""Where the pulse is read: a fixed region, or cells found on a body; and the two traces taken there."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from stillroom.eye.pulse import SEGMENT_S
from stillroom.eye.reader import LEAST_HZ, PulseReader
from stillroom.eye.skin import SQUARE, choose
from stillroom.eye.traces import MAX_ADDED, Traces
from stillroom.observation import Box, Reading

PATIENCE_S = 12.0
"""A patch that has given nothing for so long is given up for another."""
SOON, APART_S, MOST_APART_S = 6, 2.5, 9.5
"""So many looks for a patch a second apart, then each so much later than the one before, but no more than that."""
MUCH_CLEARER = 2.0
"""In power, than the choice that is tried now: from then on another one is tried in its place."""
MUCH_MORE = 2.0
"""In cells, than were there to choose from at the last look: somebody settled since, and the search begins anew."""
MARGIN = 1.0
"""Around a breathing box, in its own sizes: the face is near the chest."""
MOVING_SHARE = 0.2
MOVING_FIFTHS = 5
"""More than one second of nine in which a fifth of the patch moves: not a segment to read."""
STIRRED_FIFTHS, STILL_FIFTHS = 300, round(SEGMENT_S * 5)
"""What moved within the last minute and has been still for a segment may be somebody who lay down. Cells that moved
since are not chosen: they would be those that moved alike."""
LOOKED = Reading(withheld="low-signal", window_s=SEGMENT_S)
LEFT_FIFTHS = 2
"""More than this, and a patch that was found is given up: whoever moved is no longer where it was chosen."""


def inside(box: Box, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(cells,) True for cells whose centre lies in the box."""
    x = (np.arange(shape[1]) + 0.5) / shape[1]
    y = (np.arange(shape[0]) + 0.5) / shape[0]
    rows, cols = (box.y0 <= y) & (y <= box.y1), (box.x0 <= x) & (x <= box.x1)
    return (rows[:, None] & cols).reshape(-1)


def body_of(
    figure: NDArray[np.bool_] | None, breathing: Box | None, shape: tuple[int, int]
) -> NDArray[np.bool_] | None:
    """(cells,) where somebody is: what differs from the empty room, and what lies around a breathing box."""
    body = figure if figure is not None and figure.any() else None
    if breathing is None:
        return body
    wide = MARGIN * (breathing.x1 - breathing.x0)
    high = MARGIN * (breathing.y1 - breathing.y0)
    near = inside(
        Box(breathing.x0 - wide, breathing.y0 - high, breathing.x1 + wide, breathing.y1 + high), shape
    )
    return near if body is None else near | body


class Patch:
    """Make for a shape of cells, with a fixed region (cells,), or with None to look for one; read once a second."""

    def __init__(self, shape: tuple[int, int], region: NDArray[np.bool_] | None = None) -> None:
        self._shape = shape
        self._fixed = region is not None
        self._sides = None if region is None else self._split(np.flatnonzero(region))
        self._reader = PulseReader()
        self._last_s = -1.0
        self._trusted_s = 0.0
        self._whole: tuple[float, NDArray[np.intp]] | None = None
        self._confirmed = 0.0
        self._looks = self._looked_at = 0
        self._next_look_s = 0.0
        self._moving: deque[bool] = deque(maxlen=round(SEGMENT_S * 5))
        self._fifths = 0
        self._moved_at = np.full(shape[0] * shape[1], -STIRRED_FIFTHS, np.int32)

    def note(self, moving: NDArray[np.bool_] | None) -> None:
        """Each fifth of a second: (cells,) what moved; None: nothing."""
        self._fifths += 1
        if moving is None:
            self._moving.append(False)
            return
        self._moved_at[moving] = self._fifths
        sides = self._sides
        share = 0.0 if sides is None else max(float(np.mean(moving[side])) for side in sides)
        self._moving.append(share > MOVING_SHARE)

    def restart(self) -> None:
        self._moving.clear()
        self._reader.restart()
        self._last_s = -1.0
        self._whole = None
        self._confirmed = 0.0
        self._looks = self._looked_at = 0
        self._next_look_s = 0.0
        if not self._fixed:
            self._sides = None

    def read(self, traces: Traces, body: NDArray[np.bool_] | None = None, *, anybody: bool = True) -> Reading:
        """The pulse, or why not, from what the fast ring has gained since the last read.

        body: (cells,) where to look for a patch; None: where somebody may have settled. anybody: whether something
        speaks for somebody there; else only a choice that others confirm is tried.
        """
        rate_hz = traces.fast_hz
        if traces.pace.frames_per_s < LEAST_HZ:
            return Reading(withheld="unsupported")
        if self._sides is not None and sum(self._moving) > (MOVING_FIFTHS if self._fixed else LEFT_FIFTHS):
            self._collect(traces)
            if not self._fixed:
                self.restart()
            return Reading(withheld="motion")
        reading = self._read(traces, rate_hz)
        if self._fixed or reading.value is not None:
            return reading
        now_s = traces.fast.newest_time_s()
        if self._sides is not None and now_s - self._trusted_s > PATIENCE_S:
            self._sides, self._confirmed = None, 0.0
        return self._look(traces, self._still(body), rate_hz, anybody) or reading

    def _read(self, traces: Traces, rate_hz: float) -> Reading:
        """Of the sets there are. A place that is tried after others gave nothing is no new beginning."""
        span_s = traces.fast.span_s()
        looked = span_s >= SEGMENT_S
        if self._sides is None:
            return LOOKED if looked else Reading(withheld="warming-up", window_s=round(span_s, 1))
        self._collect(traces)
        warming_up = self._reader.warming_up(rate_hz)
        if warming_up is not None:
            return LOOKED if looked and not self._fixed else warming_up
        reading = self._reader.read(rate_hz)
        if reading.value is not None:
            self._trusted_s = self._reader.newest_time_s
        return reading

    def _still(self, body: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        """(cells,) of a body that have not moved for a segment; of no body, those that moved within the last minute."""
        ago = self._fifths - self._moved_at
        still: NDArray[np.bool_] = ago >= STILL_FIFTHS
        return still & (ago < STIRRED_FIFTHS if body is None else body)

    def _look(self, traces: Traces, body: NDArray[np.bool_], rate_hz: float, anybody: bool) -> Reading | None:
        """Choose cells; a reading at once where unseen ones confirm them. Less often the longer nothing is found."""
        now_s, size = traces.fast.newest_time_s(), int(body.sum())
        if size > MUCH_MORE * self._looked_at:
            self._looks, self._next_look_s = 0, now_s
        if traces.fast.span_s() < SEGMENT_S or now_s < self._next_look_s:
            return None
        self._looked_at = size
        self._looks += 1
        self._next_look_s = now_s + min(MOST_APART_S, max(0.5, APART_S * (self._looks - SOON)))
        skin = choose(traces.fast, body, self._shape, rate_hz)
        if skin is None or not (skin.confirmed or anybody):
            return None
        if self._sides is not None and skin.confirmed <= MUCH_CLEARER * self._confirmed:
            return None
        self._reader.restart()
        self._trusted_s, self._confirmed = now_s, skin.confirmed
        if not skin.confirmed:
            self._sides, self._last_s, self._whole = self._split(skin.cells), now_s, None
            return None
        self._sides, self._last_s = self._split(skin.unseen), now_s - SEGMENT_S - 0.2
        self._whole = now_s, skin.cells
        return self._read(traces, rate_hz)

    def _split(self, cells: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:
        """Two sets: squares like a chess board, rows of squares where they are of one colour, single rows of one."""
        rows, cols = cells // self._shape[1], cells % self._shape[1]
        block = SQUARE if len(cells) >= 64 else 1
        for odd in ((rows // block + cols // block) % 2 == 1, rows // SQUARE % 2 == 1, rows % 2 == 1):
            if odd.any() and not odd.all():
                return cells[odd], cells[~odd]
        return None

    def _take_whole(self, traces: Traces) -> None:
        """A segment after the choice all of its cells may be read: none of what they show by then chose them."""
        if self._whole is not None and traces.fast.newest_time_s() - self._whole[0] >= SEGMENT_S + 0.2:
            self._last_s, cells = self._whole
            self._sides, self._whole = self._split(cells), None
            self._reader.refill()

    def _collect(self, traces: Traces) -> None:
        self._take_whole(traces)
        if self._sides is None:
            return
        columns = [side + plane * traces.cells for plane in range(3) for side in self._sides]
        times, rows = traces.fast.since(self._last_s, np.concatenate(columns))
        sizes = [len(column) for column in columns]
        if len(times) == 0:
            return
        starts = np.cumsum([0, *sizes[:-1]])
        sums = np.add.reduceat(rows, starts, axis=1)
        stir, light = traces.stir.since(self._last_s, np.arange(2))[1].T
        own = sums[:, 0] + sums[:, 1]
        outside = MAX_ADDED * light - (own if sizes[0] + sizes[1] < traces.cells else 0.0)
        for time_s, *row in zip(times, *sums.T / np.array(sizes)[:, None], stir, outside, strict=True):
            self._reader.push(float(time_s), np.array(row, np.float32))
        self._last_s = float(times[-1])

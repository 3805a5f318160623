"""Cues that arrive while a simulated room lives: a text file that somebody appends lines to.

    start 1763800000000          when this life began (UTC, ms); a camera opened later finds it that much further on
    lie-down                     from now on
    fall 1763800012000           at that time; kept, so that a camera opened later knows of it

Lines without a time that were there before the camera opened are not acted on: nobody knows when they were meant.
A line that is no cue is named once on standard error and passed over.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

from stillroom.clock import MS_PER_S, NS_PER_MS
from stillroom_tools.lab.scenario import CUES, Cue

Act = Callable[[Cue, float], None]


class CueFile:
    """Reads what was appended since it last looked. The file may not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0
        self._start_ms: int | None = None

    def open(self, act: Act) -> float:
        """Take in what is there: seconds since `start`, 0 without one. Calls act(verb, at_s) for cues with a time."""
        for verb, at_ms in self._lines():
            if at_ms is not None and self._start_ms is not None:
                act(verb, max(at_ms - self._start_ms, 0) / MS_PER_S)
        if self._start_ms is None:
            return 0.0
        return max(time.time_ns() // NS_PER_MS - self._start_ms, 0) / MS_PER_S

    def read(self, now_s: float, act: Act) -> None:
        """Act on new lines: with a time and a known start at that time, otherwise now."""
        for verb, at_ms in self._lines():
            act(
                verb,
                now_s
                if at_ms is None or self._start_ms is None
                else max(at_ms - self._start_ms, 0) / MS_PER_S,
            )

    def _lines(self) -> list[tuple[Cue, int | None]]:
        """New whole lines; a line still being written waits for its end."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read_bytes)
                fresh = file.read(1 << 20)
        except OSError:
            return []
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        found = (self._parse(line) for line in whole.decode("utf-8", "replace").splitlines())
        return [cue for cue in found if cue is not None]

    def _parse(self, line: str) -> tuple[Cue, int | None] | None:
        words = line.split()
        if not words or words[0].startswith("#"):
            return None
        at_ms = int(words[1]) if len(words) == 2 and words[1].isdigit() else None
        if len(words) > 2 or (len(words) == 2 and at_ms is None) or words[0] not in (*CUES, "start"):
            allowed = ", ".join(CUES)
            print(f"stillroom: {self._path}: {line!r} is no cue; allowed: {allowed}", file=sys.stderr)
            return None
        if words[0] == "start":
            self._start_ms = at_ms
            return None
        return cast(Cue, words[0]), at_ms

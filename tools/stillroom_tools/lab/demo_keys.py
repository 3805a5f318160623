"""Single key presses from a terminal, without echo; the terminal is put back however the demo ends."""

import os
import select
import sys
import termios
import tty
from types import TracebackType
from typing import Any, Self


class Keys:
    """Use with `with`. On something that is no terminal there are never any keys."""

    def __init__(self) -> None:
        self._descriptor = sys.stdin.fileno() if sys.stdin and sys.stdin.isatty() else None
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        if self._descriptor is not None:
            self._before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None and self._before is not None:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    def pressed(self, wait_s: float) -> str:
        """The keys pressed within `wait_s`, in order; waits no longer than for the first."""
        if self._descriptor is None:
            select.select([], [], [], wait_s)
            return ""
        ready, _, _ = select.select([self._descriptor], [], [], wait_s)
        return os.read(self._descriptor, 64).decode("ascii", "ignore") if ready else ""

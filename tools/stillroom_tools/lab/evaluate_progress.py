"""A progress bar on standard error; silent where that is not a terminal."""

import sys
from types import TracebackType


class Progress:
    """Context manager: `begin(name, count)`, `advance(count)`, `say(line)`. All of it on standard error.

    of: what is counted.
    """

    def __init__(self, of: str = "frames") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._console = Console(file=sys.stderr)
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(of),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = None if not self._console.is_terminal else self._bar.add_task("", total=None)

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, name: str, count: int | None) -> None:
        """A new file, or piece of work, of so many (None: not known)."""
        if self._task is not None:
            self._bar.reset(self._task, description=name, total=count)

    def advance(self, count: int) -> None:
        if self._task is not None:
            self._bar.advance(self._task, count)

    def say(self, line: str) -> None:
        """One line beside the bar, as it is."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

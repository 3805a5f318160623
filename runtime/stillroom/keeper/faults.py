"""The technical conditions of a unit: each is said once when it begins and once when it ends."""

from collections.abc import Callable

from stillroom.events import ConditionChanged, Event


class Faults:
    """`tell(event)` is called at each change."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._active: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The codes that stand now, sorted."""
        return tuple(sorted(self._active))

    def say(self, code: str, active: bool, why: str) -> None:
        """This condition stands, or does not."""
        if active == (code in self._active):
            return
        (self._active.add if active else self._active.discard)(code)
        self._tell(ConditionChanged(code, "technical", active, why[:120] if active else ""))

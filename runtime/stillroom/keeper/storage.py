"""What the card is like, as conditions that the facility can see: full, failing, nearly full, damaged."""

from collections.abc import Iterator

from stillroom.keeper.outbox import Outbox

MB = 1_000_000
_ENDS_ABOVE = 1.25
"""Times the reserve: so that a card on the edge says so once."""

Found = tuple[str, bool, str]
"""Code of a condition, whether it is so, and why, in numbers."""


class CardWatch:
    """Judges the card at each slot; remembers only whether it was nearly full."""

    def __init__(self, outbox: Outbox, reserve_bytes: int) -> None:
        self._outbox, self._reserve_bytes = outbox, reserve_bytes
        self._nearly_full = False
        self._forgotten = 0

    def look(self) -> Iterator[Found]:
        """Each condition of the card, as it is now."""
        outbox = self._outbox
        for code in ("storage-full", "storage-failing"):
            yield code, outbox.fault == code, "the card takes no more; entries wait in memory"
        aside = outbox.put_aside
        yield "storage-damaged", bool(aside or outbox.damage), outbox.damage or f"there is {', '.join(aside)}"
        yield self._room()
        if outbox.fault is None:
            self._forgotten = outbox.forgotten
        new = outbox.forgotten - self._forgotten
        yield "events-forgotten", new > 0, "the card took nothing for too long: events had to be let go"

    def _room(self) -> Found:
        code = "storage-nearly-full"
        try:
            space = self._outbox.space()
        except OSError as error:
            return code, self._nearly_full, str(error.strerror)
        limit = self._reserve_bytes * (_ENDS_ABOVE if self._nearly_full else 1.0)
        self._nearly_full = space.free_bytes < limit
        free, total = space.free_bytes / MB, space.total_bytes / MB
        why = f"{free:.1f} MB free of {total:.0f} MB; reserve {self._reserve_bytes / MB:.0f} MB"
        return code, self._nearly_full, f"{why}; {self._outbox.waiting} entries wait"

"""What was erased on somebody's wish, for as long as this database lives: whatever comes of it again is not kept.

A unit may send it once more, or for the first time, late; another one may tell of that room. So a time of a room is
closed for good. A unit that has moved since sends old entries under its new room: those whose number was here count
as of the room that it told of then. Nobody closes what is still to come: such an order is refused
(`rights/wishes.py`), and one that was carried out before that was so counts up to when it was.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from stillroom.events import Audited, Entry
from stillroom_tools.site.gateway import tables


@dataclass(frozen=True)
class Wish:
    """To erase a room's from_ms <= at_ms < until_ms; `audit`: the record of who looked too. Its id is its order's."""

    id: str
    room: str
    from_ms: int
    until_ms: int
    audit: bool

    def covers(self, at_ms: int, retention: str) -> bool:
        return self.from_ms <= at_ms < self.until_ms and (self.audit or retention != Audited.retention)


class Erasures:
    """Asked about each entry that comes."""

    def __init__(self, database: Any) -> None:
        """Raises StorageError."""
        self._by_room: dict[str, list[Wish]] = {}
        self._by_unit: dict[str, list[Wish]] = {}
        self._begun_ms: dict[str, int] = {}
        self.cut: list[tuple[Wish, int]] = []
        """Those that were for a time to come as well, and up to when they count."""
        for row in database.run(select(tables.erasures)):
            asked = Wish(row.id, row.room, row.from_ms, row.until_ms, row.audit)
            self._begun_ms[row.id] = row.at_ms
            wish = self.past(asked)
            if wish != asked and not row.unit:
                self.cut.append((asked, wish.until_ms))
            self.begun(wish, row.unit)

    def past(self, wish: Wish) -> Wish:
        """What of it was past when it was begun; all of one that was not begun before this start."""
        return replace(wish, until_ms=min(wish.until_ms, self._begun_ms.get(wish.id, wish.until_ms)))

    def begun(self, wish: Wish, unit: str) -> None:
        """unit: one that had told of the room; empty: any that tells of it now."""
        if unit:
            self._by_unit.setdefault(unit, []).append(wish)
        else:
            self._by_room.setdefault(wish.room, []).append(wish)

    def cover(self, unit: str, room: str, entry: Entry) -> bool:
        """Whether this entry was erased, or would have been. unit: empty where its number was never here."""
        if not self._by_room:
            return False
        wishes = [*self._by_room.get(room, ()), *self._by_unit.get(unit, ())]
        return any(wish.covers(entry.at_ms, entry.event.retention) for wish in wishes)

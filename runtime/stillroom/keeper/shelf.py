"""The outbox's database and what lies beside it: opened, opened anew after damage, passed over, remembered in.

No number and no boot is ever used twice, whatever the card did: what was promised lies in `marks`.
"""

import os
import sqlite3
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

from stillroom.errors import StorageError
from stillroom.files import lock_folder
from stillroom.hashes import digest
from stillroom.keeper import card
from stillroom.keeper.card import ASIDE, FILE, Damaged, Space
from stillroom.keeper.entries import AUDIT, Entries, Range, gaps, told
from stillroom.keeper.marks import BLOCK, Marks

_NO_LINK = bytes(32)
_KEPT = b"stillroom/1 kept"
DROPPED_FROM, DROPPED_TO = "links_dropped_from", "links_dropped_to"
MAX_LINKS_LOOKED_AT = 256
"""Of those that wait, at each new one: with more, what is known to be delivered stays as it was."""
_LINKS_BEFORE = "links_before"


FORGOT = "the card has lost what it had called flushed: replace it"


class Shelf(ABC):
    """One folder, one owner. `Outbox` puts events on it."""

    def __init__(self, folder: Path) -> None:
        """Raises StorageError: in use, of another version, damaged with nothing left to tell the numbers."""
        self._folder, self._path = folder, folder / FILE
        self._lock = lock_folder(folder, "keeper.lock", "keeper", "paths.state")
        self.damage = ""
        """What was wrong with the file since this start, and what became of it; empty where nothing was."""
        self.accepted = self.utc_floor_ms = self._settled = 0
        self._opened_at = 0
        """Numbers above this one were given since this start."""
        try:
            self._marks = Marks(folder)
            self._open()
        except BaseException:
            os.close(self._lock)
            raise

    @property
    def folder(self) -> Path:
        """On the card."""
        return self._folder

    @property
    def waiting(self) -> int:
        """Accepted and not yet acknowledged."""
        return self._entries.count

    @property
    def put_aside(self) -> tuple[str, ...]:
        """Names of damaged files that lie beside: somebody should look at them, and then remove them."""
        return tuple(sorted(path.name for path in self._folder.glob(f"{ASIDE}*.db")))

    def space(self) -> Space:
        """What is left of the card. Raises OSError."""
        return card.space(self._folder)

    def next_boot(self) -> int:
        """The boot counter, one higher than ever before; on the card when this returns. Raises StorageError."""
        boot = max(self._meta("boot"), self._marks.state.boot) + 1
        numbers = max(self._marks.state.numbers, self.accepted + BLOCK)
        try:
            self._marks.write(boot=boot, numbers=numbers, utc_floor_ms=self.utc_floor_ms)
        except OSError as error:
            raise StorageError(
                f"{self._folder}: cannot be written: {error.strerror}: mend the card"
            ) from None
        self.remember("boot", boot)
        with suppress(sqlite3.Error):  # a full card: the marks have it
            self._database.commit()
        return boot

    def remember(self, key: str, value: int | bytes, *, lasting: bool = False) -> None:
        """Keep a number or a few bytes over restarts; on the card at the next commit.

        `lasting`: at once; a number outlives a damaged database, of bytes it is known what they were.
        """
        state = self._marks.state
        try:
            if lasting and isinstance(value, int) and state.kept.get(key) != value:
                self._marks.write(kept={**state.kept, key: value})
            elif lasting and isinstance(value, bytes) and state.digests.get(key) != digest(_KEPT, value):
                self._marks.write(digests={**state.digests, key: digest(_KEPT, value)})
            self._database.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (key, value))
        except (sqlite3.Error, OSError) as error:
            self._failed(error)

    def recall(self, key: str) -> int:
        """The number kept under this name, or 0. What is lasting was written first, so that counts."""
        return self._marks.state.kept.get(key, self._meta(key))

    def recall_bytes(self, key: str) -> bytes | None:
        """The bytes kept under this name, or None."""
        row = self._database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return bytes(row[0]) if row else None

    def is_as_kept(self, key: str, value: bytes) -> bool:
        """Whether these are the bytes last remembered as lasting; True where none ever were."""
        kept = self._marks.state.digests.get(key)
        return kept is None or kept == digest(_KEPT, value)

    def recall_names(self, prefix: str) -> frozenset[str]:
        """The names kept that begin with `prefix`, without it."""
        rows = self._database.execute(
            "SELECT key FROM meta WHERE substr(key, 1, ?) = ?", (len(prefix), prefix)
        )
        return frozenset(key[len(prefix) :] for (key,) in rows)

    def raise_floor(self, utc_ms: int) -> None:
        """UTC is not before this: on the card with the next commit, and never lowered."""
        self.utc_floor_ms = max(self.utc_floor_ms, utc_ms)

    def last_link(self) -> tuple[int, bytes] | None:
        """Index and head of the newest audit link; None before the first. After damage a chain begins anew."""
        row = self._database.execute(
            "SELECT position, head FROM audit ORDER BY position DESC LIMIT 1"
        ).fetchone()
        begun_anew = self.began_anew
        if begun_anew and (row is None or row[0] <= begun_anew):
            return begun_anew, _NO_LINK
        return (int(row[0]), bytes(row[1])) if row else None

    @property
    def held_link(self) -> tuple[int, bytes]:
        """Index and head of the newest link that is known to be with the gateway, as are those before it."""
        return self._marks.state.held, self._marks.state.held_head

    @property
    def began_anew(self) -> int:
        """Behind which index the audit chain began anew, the last time; 0: never."""
        return self._meta(_LINKS_BEFORE)

    @property
    def dropped_links(self) -> Range | None:
        """From which index to which one links may have given way to others, and are still to go."""
        first = self._meta(DROPPED_FROM)
        return (first, self._meta(DROPPED_TO)) if first else None

    def _note_links(self) -> None:
        """What of the chain is on the card and with the gateway, as of the commit just made. Raises OSError."""
        newest = self.last_link() or (0, _NO_LINK)
        if self._entries.count_of(AUDIT) > MAX_LINKS_LOOKED_AT:
            self._marks.write(link=newest[0])
            return
        dropped = self.dropped_links
        held = min([*self._entries.indices(), *(dropped or ())], default=newest[0] + 1) - 1
        row = self._database.execute("SELECT head FROM audit WHERE position = ?", (held,)).fetchone()
        changes = {"held": held, "held_head": bytes(row[0])} if row else {}
        self._marks.write(link=newest[0], **changes)

    def close(self) -> None:
        """Write what can still be written and let go of the file."""
        with suppress(sqlite3.Error):
            self._database.commit()
        with suppress(sqlite3.Error):
            self._database.close()
        os.close(self._lock)

    def _open(self) -> None:
        card.finish_replacing(self._path)
        try:
            self._use(card.open_database(self._path, expected=not self._marks.absent))
        except Damaged as error:
            if not self._marks.known:
                raise StorageError(
                    f"{self._path}: {error}; nothing beside it tells which numbers were used: move it away and "
                    "give this unit new keys (stillroom make unit)"
                ) from None
            self._begin_anew(str(error))
            return
        if self._marks.known and self._meta("boot") < self._marks.state.boot - 1:
            self._pass_over("outbox-rolled-back")
            self.damage = "older than the unit: an earlier copy was put back"
        elif self._marks.state.link > (self.last_link() or (0, b""))[0]:
            self._pass_over("card-forgot")
            self.damage = FORGOT

    def _use(self, database: sqlite3.Connection) -> None:
        self._database, self._entries = database, Entries(database)
        self.accepted = self._meta("accepted")
        self.utc_floor_ms = max(self._meta("utc_floor_ms"), self._marks.state.utc_floor_ms)
        self._settled = self._marks.state.settled
        self._opened_at = self.accepted

    def _begin_anew(self, found: str) -> None:
        """Save what can be read, put the damaged file aside, go on behind every number that was ever promised."""
        state = self._marks.state
        try:
            self._use(card.open_new(self._path))
            card.save(self._path).into(self._database, state.numbers)
            self._entries.recount()
            self._pass_over("outbox-damaged")
            self._database.close()
            aside = card.put_aside(self._path, state.boot)
            card.finish_replacing(self._path)
            self._use(card.open_database(self._path, expected=True))
        except (OSError, sqlite3.Error, Damaged) as error:
            raise StorageError(
                f"{self._path}: damaged, and no new one can be made: {error}: mend the card"
            ) from None
        kept = f"kept as {aside.name}" if aside.exists() else "nothing is left of it"
        self.damage = f"{found[:40]}; {kept}; {self.waiting} entries here now"

    def _pass_over(self, reason: str) -> None:
        """Go on behind every number promised; those that are neither settled nor here are told as lost."""
        state = self._marks.state
        missing = gaps(self._entries.numbers(), state.settled + 1, state.numbers)
        number = state.numbers
        for event in told(missing, reason):
            number += 1
            self._entries.put(number, self.utc_floor_ms, self.utc_floor_ms, event)
        self._promise(number)
        for key, value in {
            **state.kept,
            "accepted": number,
            _LINKS_BEFORE: number,
            "boot": state.boot,
        }.items():
            self._set_meta(key, value)
        self._database.commit()
        self.accepted = self._opened_at = number

    def _take_over(self, highest: int) -> None:
        """The gateway has numbers that this card has forgotten: it lost commits that it had called flushed.

        What was accepted since this start may stand under numbers used before: it gets new ones, behind all.
        """
        passed = self._marks.state.numbers
        number = self._entries.renumber(self._opened_at, passed)
        for event in told(gaps((), highest + 1, passed), "card-forgot"):
            number += 1
            self._entries.put(number, self.utc_floor_ms, self.utc_floor_ms, event)
        self._promise(number)
        self._set_meta("accepted", number)
        self._set_meta(_LINKS_BEFORE, number)
        self._database.commit()
        self.accepted = self._opened_at = number
        self.damage = FORGOT

    def _promise(self, number: int) -> None:
        if number > self._marks.state.numbers:
            self._marks.write(numbers=number + BLOCK, settled=self._settled, utc_floor_ms=self.utc_floor_ms)

    def _meta(self, key: str) -> int:
        row = self._database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return int(row[0]) if row else 0

    def _set_meta(self, key: str, value: int | bytes) -> None:
        self._database.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", (key, value))

    @abstractmethod
    def _failed(self, error: sqlite3.Error | OSError) -> None:
        """What to do where the card does not take something; see `Outbox`."""

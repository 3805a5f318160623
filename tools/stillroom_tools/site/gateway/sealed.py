"""Contents of rows, sealed under a random key for each room and day, so that they go with one small key.

XSalsa20-Poly1305 (libsodium's secretbox), 24 random bytes of nonce: 0x01 || nonce || box. Rows can be deleted and keys
too; but a copy of a row may lie in a backup, a log, or a page that nobody has used again, and a copy of a key in fewer
places. Whoever has both has the content: a backup that holds the table of keys is such a place.

JSON and msgpack begin with another byte, so what was kept in the clear is read as it is.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from nacl import bindings, exceptions
from sqlalchemy import ColumnElement, CursorResult, Select, Table, and_, delete, literal_column, select

from stillroom.clock import MS_PER_S
from stillroom.errors import StorageError
from stillroom_tools.site.gateway.tables import room_keys

DAY_MS = 86_400 * MS_PER_S
KEY_BYTES = bindings.crypto_secretbox_KEYBYTES
_NONCE_BYTES = bindings.crypto_secretbox_NONCEBYTES
_MARK = b"\x01"
_BEGINS = 1 + _NONCE_BYTES
MOST_KEYS = 8_192
"""Held in memory: of a thousand rooms a week."""
RoomDay = tuple[str, int]


def day_of(at_ms: int) -> int:
    """UTC days since 1970."""
    return at_ms // DAY_MS


def day_in(table: Table) -> ColumnElement[int]:
    """The same of each row, within a question."""
    return table.c.at_ms.op("/", return_type=table.c.at_ms.type)(literal_column(str(DAY_MS)))


def seal(key: bytes, content: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return _MARK + nonce + bindings.crypto_secretbox_easy(content, nonce, key)


def is_sealed(blob: bytes) -> bool:
    return blob[:1] == _MARK


def unseal(key: bytes | None, blob: bytes) -> bytes:
    """The content; what is in the clear as it is. Raises StorageError: no key, another one, damaged."""
    if blob[:1] != _MARK:
        return blob
    if key is None:
        raise StorageError("a row is sealed under a key that is not in the database: restore it")
    try:
        return bindings.crypto_secretbox_open_easy(blob[_BEGINS:], blob[1:_BEGINS], key)
    except (exceptions.CryptoError, ValueError):
        raise StorageError("a row is damaged, or not sealed under its key: restore the database") from None


def with_key(query: Select[Any], table: Table) -> Select[Any]:
    """The query, with each row's key or NULL as its last column, `key`: read at the same moment, never an older one."""
    of_row = and_(room_keys.c.room == table.c.room, room_keys.c.day == day_in(table))
    return query.add_columns(room_keys.c.key).select_from(table.outerjoin(room_keys, of_row))


class _Writes(Protocol):
    @property
    def run(self) -> Callable[..., CursorResult[Any]]: ...

    @property
    def add(self) -> Callable[..., None]: ...


class Keys:
    """The gateway's own: makes each key when it is first needed, within the transaction that needs it."""

    def __init__(self, database: _Writes) -> None:
        self._database = database
        self._known: dict[RoomDay, bytes] = {}

    def seal(self, room: str, at_ms: int, content: bytes) -> bytes:
        """Within a transaction. Raises StorageError."""
        key = self._known.get((room, at_ms // DAY_MS)) or self._find(room, day_of(at_ms))
        return seal(key or self.anew(room, day_of(at_ms)), content)

    def seal_all(self, rows: Sequence[dict[str, Any]], column: str) -> None:
        """In place: the same for each, by its `room` and `at_ms`. Nonces come at once, which halves the cost."""
        nonces, known, box = os.urandom(_NONCE_BYTES * len(rows)), self._known, bindings.crypto_secretbox_easy
        for place, row in enumerate(rows):
            room, day = row["room"], row["at_ms"] // DAY_MS
            key = known.get((room, day)) or self._find(room, day) or self.anew(room, day)
            nonce = nonces[place * _NONCE_BYTES : (place + 1) * _NONCE_BYTES]
            row[column] = _MARK + nonce + box(row[column], nonce, key)

    def open(self, room: str, at_ms: int, blob: bytes) -> bytes:
        """Raises StorageError."""
        if not is_sealed(blob):
            return blob
        return unseal(self._known.get((room, at_ms // DAY_MS)) or self._find(room, day_of(at_ms)), blob)

    def anew(self, room: str, day: int) -> bytes:
        """A new key, where there is none. Within a transaction."""
        key = os.urandom(KEY_BYTES)
        self._database.add(room_keys, [{"room": room, "day": day, "key": key}])
        return self._hold((room, day), key)

    def destroy(self, room: str, day: int) -> bool:
        """Whether there was one. Within a transaction."""
        self._known.pop((room, day), None)
        gone = delete(room_keys).where(room_keys.c.room == room, room_keys.c.day == day)
        return self._database.run(gone).rowcount > 0

    def forget(self) -> None:
        """What a transaction made that was not committed is not there; what is, is read again."""
        self._known.clear()

    def _find(self, room: str, day: int) -> bytes | None:
        query = select(room_keys.c.key).where(room_keys.c.room == room, room_keys.c.day == day)
        key = self._database.run(query).scalar()
        return self._hold((room, day), key) if key else None

    def _hold(self, of: RoomDay, key: bytes) -> bytes:
        if len(self._known) >= MOST_KEYS:
            self._known.clear()
        self._known[of] = key
        return key

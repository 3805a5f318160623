"""The keeper's sealing: what it says leaves only as a record, sealed to whom the roster names now.

A new epoch begins each hour, at each change of roster, and whenever a recipient's box key begins or ends.
Downwards only the roster's gateways are heard, and no record twice.
"""

from stillroom import bodies
from stillroom.clock import Clock
from stillroom.documents import Roster
from stillroom.epochs import Stream
from stillroom.errors import TrustError, WireError
from stillroom.events import Body, DownBody
from stillroom.keeper.roster import advocate_keys_at, keys_at
from stillroom.keys import KeyRing
from stillroom.replay import Seen, advance
from stillroom.wire import Lane, body_capacity, open_body, parse, unwrap, verify


def encoded(body: Body) -> bytes:
    """The bytes of a body, before padding: what has to fit into `capacity_bytes`."""
    return bodies.encode(body)


class Sealer:
    """Seals upwards, opens downwards, for one boot of the keeper."""

    def __init__(
        self, keys: KeyRing, roster: Roster, boot: int, clock: Clock, down_seen: Seen | None = None
    ) -> None:
        """`boot` and `down_seen` come from the unit's own database. Raises TrustError: roster out of time, no key."""
        if roster.site != keys.site:
            raise TrustError(f"the roster is of site '{roster.site}', the unit's key of '{keys.site}'")
        self._keys, self._roster, self._clock = keys, roster, clock
        recipients, self._until_ms = keys_at(roster, clock.utc_ms())
        self._names = frozenset(recipients)
        self._stream = Stream(Lane.UP, keys.signing, boot, clock, tuple(recipients.values()))
        self.down_seen = down_seen
        """What was heard from the gateway; keep it in the database with what a record downwards changed."""

    @property
    def boot_id(self) -> bytes:
        """As it stands in every record of this boot."""
        return self._stream.boot_id

    @property
    def capacity_bytes(self) -> int:
        """What always fits: as if every recipient of the roster had a key."""
        return body_capacity(len(self._roster.of_unit) + len(self._roster.advocates))

    @property
    def without_key(self) -> tuple[str, ...]:
        """Recipients who get nothing now, because their box keys have expired."""
        return tuple(r.name for r in self._roster.of_unit if r.name not in self._names)

    def seal(self, body: Body) -> bytes:
        """One record. Raises SealError (too large), TrustError (nobody left to seal to)."""
        utc_ms = self._clock.utc_ms()
        if utc_ms >= self._until_ms:
            self._renew(self._roster, utc_ms)
        advocates = advocate_keys_at(self._roster, utc_ms)
        return self._stream.seal(encoded(body), body.snapshot.head, advocates)

    def replace_roster(self, roster: Roster) -> None:
        """Seal to another roster's recipients from now on. Raises TrustError; then the one before stays."""
        if roster.site != self._roster.site or roster.version < self._roster.version:
            raise TrustError(f"roster {roster.site}/{roster.version} cannot follow {self._roster.version}")
        if roster != self._roster:
            self._renew(roster, self._clock.utc_ms())

    def open_down(self, record: bytes) -> DownBody:
        """What the gateway says. Raises WireError, and then nothing has changed."""
        parsed = parse(record)
        gateway = self._roster.gateway_keys.get(parsed.sender)
        if gateway is None:
            raise WireError("sender", f"{parsed.sender.hex()} is no gateway of the roster")
        verified = verify(parsed, gateway, Lane.DOWN)
        epoch_key = unwrap(verified, self._keys.boxes)
        seen, _ = advance(self.down_seen, parsed)
        body = bodies.decode_down(open_body(verified, epoch_key))
        self.down_seen = seen
        return body

    def _renew(self, roster: Roster, utc_ms: int) -> None:
        recipients, until_ms = keys_at(roster, utc_ms)
        self._stream.renew(tuple(recipients.values()))
        self._roster, self._until_ms, self._names = roster, until_ms, frozenset(recipients)

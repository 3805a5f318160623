"""The units that this site knows, kept up with the folder `units/` while we run, and the receiver made for them.

One damaged file does not keep the others out: it is told once and left aside.
"""

from collections import Counter
from collections.abc import Callable, Collection

from stillroom.clock import Clock
from stillroom.documents import Enrolment
from stillroom.errors import StillroomError, TrustError, WireError
from stillroom.keys import KeyRing
from stillroom.receiver import UNKNOWN_UNIT, Opened, Receiver, ReplayStore
from stillroom_tools.site.gateway.alarms import Alarms
from stillroom_tools.site.gateway.retired_keys import RetiredKeys
from stillroom_tools.site.gateway.versions import Signed, Versions
from stillroom_tools.site.layout import Party, Site
from stillroom_tools.site.retired import Retired
from stillroom_tools.site.subscriber import Message

_UNIT_AT = 3
"""Of the topic stillroom/1/<site>/<unit>/up."""

Listing = tuple[int, frozenset[str]]


def unit_of(topic: str) -> str:
    """Whose topic it is; empty, and so nobody's, where it is none of ours."""
    parts = topic.split("/", _UNIT_AT + 1)
    return parts[_UNIT_AT] if len(parts) > _UNIT_AT else ""


class Enrolled:
    """Opens records of the units enrolled now. `refresh` about once a second."""

    def __init__(
        self, site: Site, party: Party, store: ReplayStore, clock: Clock, tell: Callable[[str], None]
    ) -> None:
        """Raises TrustError: no keys, no authority. Keys whose time is long over are destroyed here."""
        self._site, self._store, self._tell = site, store, tell
        site.forget_expired_keys(party, clock)
        self.keys: KeyRing = site.keys(party)
        self.units: dict[str, Enrolment] = {}
        self.refusals: Counter[tuple[str, str]] = Counter()
        """(unit or `?`, reason) to how many records were refused, over all receivers of this process."""
        self.alarms = Alarms(clock)
        self.versions = Versions(Signed(site).of, clock)
        self._told: set[str] = set()
        self._retired = RetiredKeys(site, self._tell_once)
        self._listing: Listing | None = None
        self._receiver = Receiver((), self.keys.boxes, store)
        site.authority()
        self.refresh()

    def refresh(self) -> bool:
        """Read the folder again where it has changed. True where the set of units is another one now."""
        self._retired.refresh()
        listing = self._look()
        if listing == self._listing:
            return False
        self._listing = listing
        before, self.units = self.units, self._read(sorted(listing[1]))
        if self.units == before:
            return False
        self.versions.enrol(self.units)
        self._receiver = Receiver(self.units.values(), self.keys.boxes, self._store)
        return True

    def open(self, message: Message) -> Opened | None:
        """A record that is true and came on its unit's own topic, or None: refused and counted."""
        if message.after_gap:
            self.alarms.excuse()  # what nobody kept for us is missing through no fault of its way
        try:
            opened = self._receiver.open(message.payload, unit_of(message.topic))
            self.alarms.opened(opened)
            self.versions.take(opened.unit, opened.body.entries)
            return opened
        except WireError:
            self._name_retired(message.payload)
            for unit, reason in self._receiver.refusals:
                self.alarms.refused(unit, reason)
            return None
        finally:
            self.refusals += self._receiver.refusals
            self._receiver.refusals.clear()

    def alarms_of(self, unit: str) -> dict[str, int]:
        """All that stands against a unit, and how many records each is about."""
        return self.alarms.of(unit) | self.versions.of(unit)

    def retired_now(self) -> list[Retired]:
        """Those whose keys were retired since this was asked last, the first time none."""
        return self._retired.news()

    def _name_retired(self, record: bytes) -> None:
        """A record of nobody who is enrolled may be of a key that once was: then it is told by that unit's name."""
        if (UNKNOWN_UNIT, "sender") in self._receiver.refusals:
            found = self._retired.sender_of(record)
            if found is not None:
                del self._receiver.refusals[UNKNOWN_UNIT, "sender"]
                self._receiver.refusals[found.paper.unit, f"key-{found.paper.why}"] += 1

    def _look(self) -> Listing:
        """When the folder changed and what is in it; a time alone is too coarse for two changes at once."""
        try:
            names = frozenset(path.stem for path in self._site.units_dir.glob("*.note"))
            return self._site.units_dir.stat().st_mtime_ns, names
        except OSError as error:
            self._tell_once(f"{self._site.units_dir}: cannot be read: {error.strerror}")
            return self._listing or (0, frozenset())

    def _read(self, names: list[str]) -> dict[str, Enrolment]:
        found: dict[str, Enrolment] = {}
        taken: set[bytes] = set()
        for name in names:
            try:
                found[name] = self._checked(name, taken)
                taken.add(found[name].sign)
            except StillroomError as error:
                self._tell_once(f"left aside: {error}")
        return found

    def _checked(self, name: str, taken: Collection[bytes]) -> Enrolment:
        enrolment = self._site.enrolment(name)
        path = self._site.units_dir / f"{name}.note"
        if enrolment.unit != name:
            raise TrustError(
                f"{path}: the enrolment of unit '{enrolment.unit}': name it {enrolment.unit}.note"
            )
        if enrolment.sign in taken:
            raise TrustError(f"{path}: has the key of another unit: make each unit its own keys")
        return enrolment

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._tell(text)

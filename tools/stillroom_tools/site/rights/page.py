"""The page beside a copy, in plain words: what is kept, day by day, and who looked."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from stillroom.clock import MS_PER_S
from stillroom.events import Audited, ConditionChanged, GateChanged, StateChanged, Summary
from stillroom.explain import CLOSED
from stillroom_tools.site.audit_file import link_of
from stillroom_tools.site.audit_words import words
from stillroom_tools.site.rights.copy import Thing
from stillroom_tools.site.rights.forms import Receipt
from stillroom_tools.site.room_words import spoken

_KINDS = {
    "summary": "minutes in numbers: how much moved, breathing and pulse where they could be trusted",
    "state": "times that what was believed of the room changed (empty, in bed, on the floor ...)",
    "condition": "beginnings and ends of what staff are told of (on the floor, left bed ...)",
    "gate": "times that the camera was allowed, or stopped",
    "audit": "links of the unit's own signed record of what was done with its camera",
    "erased": "links of that record whose words are gone; only their proof is kept",
    "receipt": "answers of the unit to what it was told to do",
    "lost": "notes of the unit that entries were lost",
    "alert-change": "changes of alerts, with the names of staff who answered them",
    "alert": "alerts as they are now",
    "command": "documents that the unit was told (authorisations, pauses, requests to look)",
}
_LOOKS = ("view-granted", "view-refused", "view-ended", "release-started", "release-ended", "release-deleted")
MOST_LINES = 400
"""Of one list on the page; all of it is in the file."""


@dataclass
class _Day:
    minutes: int = 0
    breaths: list[float] = field(default_factory=list)
    pulses: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)


class Page:
    """`add` each thing, then ask for its `text`."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self.counts: Counter[str] = Counter()
        self._days: dict[str, _Day] = {}
        self._looks: list[str] = []
        self._camera: list[str] = []
        self._alerts: list[str] = []

    def add(self, thing: Thing) -> None:
        self.counts[thing.kind] += 1
        at, event = self._clock(thing.at_ms), thing.event
        if isinstance(event, Summary):
            self._add_minute(self._days.setdefault(at[:10], _Day()), event)
        elif isinstance(event, GateChanged):
            closed = f"the camera was off: {CLOSED.get(event.gate, spoken(event.gate))}"
            self._camera.append(f"{at}  {'the camera was allowed' if event.gate == 'open' else closed}")
        elif isinstance(event, ConditionChanged):
            self._alerts.append(f"{at}  {spoken(event.kind)}: {'began' if event.active else 'was over'}")
        elif isinstance(event, Audited) and link_of(event).said().get("what") in _LOOKS:
            self._looks.append(f"{at}  {words(link_of(event))}")
        elif isinstance(event, StateChanged):
            self._days.setdefault(at[:10], _Day())
        if thing.change and thing.change.by:
            by = f"{thing.change.by}: {spoken(thing.change.what)}"
            self._alerts.append(f"{at}  {spoken(thing.change.kind)}: {by}")

    def text(self, receipt: Receipt, name: str) -> str:
        return "\n".join(self._lines(receipt, name)) + "\n"

    def _lines(self, receipt: Receipt, name: str) -> Iterator[str]:
        yield f"What is kept of room {receipt.room} of site {receipt.site}"
        yield f"from {receipt.start:%Y-%m-%d %H:%M} to {receipt.until:%Y-%m-%d %H:%M} UTC"
        yield f"Asked for by {receipt.asked_by}, handed out by {receipt.by} on {receipt.at:%Y-%m-%d %H:%M} UTC."
        yield ""
        yield f"This is a summary. Each single thing stands in {name}, a line of JSON each. No picture is in it."
        yield "Nothing here has a patient's name: it is of whoever was in the room. Times below are the site's own."
        yield ""
        yield "Kept:" if self.counts else "Nothing is kept of this room and time."
        for kind, said in _KINDS.items():
            if self.counts[kind]:
                yield f"  {self.counts[kind]:>8,}  {said}"
        yield from _listed("Day by day:", (self._day(day, self._days[day]) for day in sorted(self._days)))
        yield from _listed("When the camera was on, and why it was off (a pause, a halt ...):", self._camera)
        yield from _listed("What staff were told of, and who answered:", sorted(self._alerts))
        yield from _listed("Who looked, or asked to, or had the room recorded:", self._looks)
        yield ""
        yield "Not in it: what the facility has copied elsewhere (reports, FHIR files, Home Assistant, backups), and"
        yield "documents of the site's own folder; and pictures recorded under a release, sealed on the unit's card."
        yield "The unit's own record can be checked: stillroom site audit verify."

    def _add_minute(self, day: _Day, minute: Summary) -> None:
        day.minutes += 1
        day.states[minute.state] += 1
        if minute.breaths_per_min is not None:
            day.breaths.append(minute.breaths_per_min)
        if minute.pulse_bpm is not None:
            day.pulses.append(minute.pulse_bpm)

    def _day(self, name: str, day: _Day) -> str:
        said = [f"{day.minutes:,} minutes"]
        said += [f"{spoken(state)} in {count:,}" for state, count in day.states.most_common(4)]
        if day.breaths:
            said.append(f"breathing {min(day.breaths):.0f} to {max(day.breaths):.0f} a minute")
        if day.pulses:
            said.append(f"pulse {min(day.pulses):.0f} to {max(day.pulses):.0f} a minute")
        return f"{name}  {'; '.join(said)}"

    def _clock(self, utc_ms: int) -> str:
        return f"{datetime.fromtimestamp(utc_ms / MS_PER_S, self._zone):%Y-%m-%d %H:%M:%S}"


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if not found:
        return
    yield from ("", title, *(f"  {line}" for line in found[:MOST_LINES]))
    if len(found) > MOST_LINES:
        yield f"  and {len(found) - MOST_LINES:,} more, in the file"

"""A minute's summary as two Observations, breathing and pulse, of a device in a room, or of whom somebody has named.

`final`: nothing more will be said of that minute; nobody has verified it, and no profile is claimed. `cancelled`: the
camera was closed throughout, so nothing was measured. The value is the median of the readings that the unit gave in the
minute; for how much of it there was one is a component, since FHIR has no place for the quality of a measurement.
"""

from collections.abc import Iterator
from typing import get_args

import msgspec

from stillroom.events import Summary
from stillroom.observation import Withheld
from stillroom_tools.site.fhir.forms import (
    ABSENT,
    CATEGORY,
    EVENT_LOCATION,
    LOINC,
    PLACE_TYPE,
    UCUM,
    Coding,
    Component,
    Concept,
    Device,
    DeviceName,
    Extension,
    Identifier,
    Location,
    Note,
    Observation,
    Period,
    Quantity,
    Reference,
    identity,
    instant,
)
from stillroom_tools.site.fhir.patients import Patients
from stillroom_tools.site.gateway.arrived import Kept

ABSENT_CODES: dict[Withheld, str] = {
    "no-person": "not-applicable",
    "several-people": "unsupported",
    "motion": "temp-unknown",
    "dark": "unknown",
    "clipped": "unknown",
    "low-signal": "unknown",
    "warming-up": "temp-unknown",
    "unsupported": "unsupported",
}
"""Of FHIR's code system: whether there was something to measure (`not-applicable`: nobody), whether it can be measured
at all, and whether waiting helps (`temp-unknown`)."""
CLOSED, NOT_SAID = "not-performed", "unknown"
assert set(ABSENT_CODES) == set(get_args(Withheld))

VITAL_SIGNS = Concept((Coding(CATEGORY, "vital-signs", "Vital Signs"),))
BREATHING = Concept((Coding(LOINC, "9279-1", "Respiratory rate"),), "breathing")
PULSE = Concept((Coding(LOINC, "8867-4", "Heart rate"),), "pulse")
METHOD = Concept(text="camera, without contact: median of the readings that were given in the period")
TRUSTED = Concept(text="share of the period in which a reading was given")
SENSED = Concept(text="share of the period in which the camera was sensing")
SENSOR = Concept(text="room sensor: a camera on the wall, without contact")
CAUTION = Note(
    "Not a medical device. No reading is meant for diagnosis, to decide on treatment, or in place of looking in; no "
    "conformity with any standard is claimed. The room is the subject unless the facility has named a patient for it."
)
ROOM = Concept((Coding(PLACE_TYPE, "ro", "Room"),))


class Writer:
    """Makes resources of entries, each device and room once, before it is referred to."""

    def __init__(self, site: str, patients: Patients, introduced: set[str] | None = None) -> None:
        """introduced: ids of devices and rooms that stand in the file already; it is added to."""
        self._site, self._patients = site, patients
        self._introduced = set() if introduced is None else introduced
        self.left_out = 0
        """Minutes that end before they begin: the unit's clock was set back."""

    def resources(self, kept: Kept) -> Iterator[Observation | Device | Location]:
        """Of one entry that is a summary."""
        summary = msgspec.json.decode(kept.event, type=Summary)
        if summary.until_ms < summary.from_ms:
            self.left_out += 1
            return
        device, room = self._device(kept.unit), self._room(kept.room)
        for resource in (device, room):
            if resource.id not in self._introduced:
                self._introduced.add(resource.id)
                yield resource
        for code, rate, trusted, why in (
            (BREATHING, summary.breaths_per_min, summary.breathing_trusted, summary.breathing_withheld),
            (PULSE, summary.pulse_bpm, summary.pulse_trusted, summary.pulse_withheld),
        ):
            yield self._observation(kept, summary, code, rate, trusted, why)

    def _observation(
        self,
        kept: Kept,
        summary: Summary,
        code: Concept,
        rate: float | None,
        trusted: float,
        why: Withheld | None,
    ) -> Observation:
        place = Reference(f"Location/{self._room(kept.room).id}", kept.room)
        patient = self._patients.of(kept.room, summary.from_ms, summary.until_ms)
        closed = summary.sensed == 0.0
        return Observation(
            id=identity(self._site, kept.unit, kept.number, summary.from_ms, code.coding[0].code),
            status="cancelled" if closed else "final",
            category=(VITAL_SIGNS,),
            code=code,
            subject=Reference(patient) if patient else place,
            effective_period=Period(instant(summary.from_ms), instant(summary.until_ms)),
            issued=instant(kept.opened_ms),
            method=METHOD,
            device=Reference(f"Device/{self._device(kept.unit).id}", kept.unit),
            extension=(Extension(EVENT_LOCATION, place),),
            value_quantity=None if rate is None else Quantity(round(rate, 1), "/min", UCUM, "/min"),
            data_absent_reason=_absent(why, closed) if rate is None else None,
            component=(Component(TRUSTED, _share(trusted)), Component(SENSED, _share(summary.sensed))),
        )

    def _device(self, unit: str) -> Device:
        return Device(
            id=identity(self._site, "device", unit),
            identifier=(Identifier(f"{self._site}/{unit}"),),
            device_name=(DeviceName(unit, "user-friendly-name"),),
            type=SENSOR,
            note=(CAUTION,),
        )

    def _room(self, room: str) -> Location:
        return Location(
            id=identity(self._site, "room", room),
            identifier=(Identifier(f"{self._site}/{room}"),),
            name=room,
            mode="instance",
            physical_type=ROOM,
        )


def _absent(why: Withheld | None, closed: bool) -> Concept:
    """FHIR's code for it, and our own word: the codes alone would not tell the dark from a weak signal."""
    if closed:
        return Concept((Coding(ABSENT, CLOSED),), "the camera was closed")
    code = ABSENT_CODES[why] if why else NOT_SAID
    return Concept(
        (Coding(ABSENT, code),), f"withheld: {why}" if why else "withheld: the unit did not say why"
    )


def _share(value: float) -> Quantity:
    return Quantity(round(value, 3), "1", UCUM, "1")

"""The part of FHIR R4 (4.0.1) that is written here, in its own words and spelling, and nothing else of it.

Every resource is one line of NDJSON. Ids are made of what a thing is: the same export twice is the same resources.
"""

import hashlib
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

UCUM: Literal["http://unitsofmeasure.org"] = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
PLACE_TYPE = "http://terminology.hl7.org/CodeSystem/location-physical-type"
EVENT_LOCATION = "http://hl7.org/fhir/StructureDefinition/event-location"


class Form(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What is not said is left out: FHIR knows no null."""


class Coding(Form, frozen=True):
    system: str
    code: str
    display: str | None = None


class Concept(Form, frozen=True):
    """CodeableConcept."""

    coding: tuple[Coding, ...] = ()
    text: str | None = None


class Reference(Form, frozen=True):
    reference: str
    display: str | None = None


class Period(Form, frozen=True):
    start: str
    end: str


class Quantity(Form, frozen=True):
    """`code` is of UCUM."""

    value: float
    unit: str
    system: Literal["http://unitsofmeasure.org"]
    code: Literal["/min", "1"]


class Component(Form, frozen=True):
    code: Concept
    value_quantity: Quantity


class Extension(Form, frozen=True):
    url: str
    value_reference: Reference


class Observation(Form, frozen=True, tag_field="resourceType", tag="Observation"):
    """Either `value_quantity` or `data_absent_reason`, which FHIR's obs-6 asks and its model libraries do not check."""

    id: str
    status: Literal["final", "cancelled"]
    category: tuple[Concept, ...]
    code: Concept
    subject: Reference
    effective_period: Period
    issued: str
    method: Concept
    device: Reference
    extension: tuple[Extension, ...]
    value_quantity: Quantity | None = None
    data_absent_reason: Concept | None = None
    component: tuple[Component, ...] = ()

    def __post_init__(self) -> None:
        if (self.value_quantity is None) == (self.data_absent_reason is None):
            raise ValueError("an observation has a value, or the reason for none, never both")


class Identifier(Form, frozen=True):
    value: str


class Note(Form, frozen=True):
    """Annotation."""

    text: str


class DeviceName(Form, frozen=True):
    name: str
    type: Literal["user-friendly-name"]


class Device(Form, frozen=True, tag_field="resourceType", tag="Device"):
    id: str
    identifier: tuple[Identifier, ...]
    device_name: tuple[DeviceName, ...]
    type: Concept
    note: tuple[Note, ...]


class Location(Form, frozen=True, tag_field="resourceType", tag="Location"):
    id: str
    identifier: tuple[Identifier, ...]
    name: str
    mode: Literal["instance", "kind"]
    physical_type: Concept


Resource = Observation | Device | Location


def identity(*parts: object) -> str:
    """The same for the same parts; 32 of the characters that an id may have."""
    return hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=16).hexdigest()


def instant(utc_ms: int) -> str:
    """`2026-11-25T12:00:00.000Z`."""
    moment = datetime.fromtimestamp(utc_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""What FHIR R4 asks of our resources and its model library does not check: units, values, references, times.

Written from the specification (4.0.1: Observation and its invariant obs-6; UCUM; id, instant), not from our code.
"""

import re
from datetime import datetime
from typing import Any

RATES = {"9279-1": (3, 240), "8867-4": (3, 240)}
ABSENT = {
    *("unknown", "asked-unknown", "temp-unknown", "not-asked", "asked-declined", "masked", "not-applicable"),
    *("unsupported", "as-text", "error", "not-a-number", "negative-infinity", "positive-infinity"),
    *("not-performed", "not-permitted"),
}


def faults(resources: list[dict[str, Any]]) -> list[str]:
    """Of a whole export, in order; empty where nothing is wrong."""
    found: list[str] = []
    known: set[str] = set()
    for resource in resources:
        where = f"{resource['resourceType']}/{resource['id']}"
        if not re.fullmatch(r"[A-Za-z0-9.-]{1,64}", resource["id"]):
            found.append(f"{where}: not an id")
        if where in known:
            found.append(f"{where}: twice")
        known.add(where)
        if resource["resourceType"] == "Observation":
            found += [f"{where}: {fault}" for fault in _of_observation(resource, known)]
    return found


def _of_observation(it: dict[str, Any], known: set[str]) -> list[str]:
    found = []
    if ("valueQuantity" in it) == ("dataAbsentReason" in it):
        found.append("obs-6: a value and a reason for none, or neither")
    (coding,) = it["code"]["coding"]
    if coding["system"] != "http://loinc.org" or coding["code"] not in RATES:
        found.append(f"code {coding}")
    if quantity := it.get("valueQuantity"):
        if (quantity.get("system"), quantity.get("code"), quantity.get("unit")) != (
            "http://unitsofmeasure.org",
            "/min",
            "/min",
        ):
            found.append(f"unit of {quantity}")
        low, high = RATES[coding["code"]]
        if not low <= quantity["value"] <= high:
            found.append(f"value {quantity['value']}")
    for one in it.get("dataAbsentReason", {}).get("coding", ()):
        if (
            one["system"] != "http://terminology.hl7.org/CodeSystem/data-absent-reason"
            or one["code"] not in ABSENT
        ):
            found.append(f"reason {one}")
    for component in it.get("component", ()):
        share = component["valueQuantity"]
        if share["code"] != "1" or not 0 <= share["value"] <= 1:
            found.append(f"share {share}")
    start, end = (_instant(it["effectivePeriod"][key]) for key in ("start", "end"))
    if start is None or end is None or start > end or _instant(it["issued"]) is None:
        found.append("its times")
    for reference in (it["device"], it["extension"][0]["valueReference"], it["subject"]):
        target = reference["reference"]
        if target.split("/")[-2] != "Patient" and target not in known:
            found.append(f"{target} is referred to before it is there")
    return found


def _instant(text: str) -> datetime | None:
    return (
        datetime.fromisoformat(text)
        if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
        else None
    )

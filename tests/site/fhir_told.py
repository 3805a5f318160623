"""A site whose gateway was told some minutes, and its export, validated: for the tests of FHIR."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from tests.parties import NOON
from tests.site.fhir_rules import faults

from stillroom import cli
from stillroom.document_forms import to_ms
from stillroom.events import Summary
from stillroom.observation import Withheld
from stillroom_tools.lab.told_day import MINUTE_MS, Teller
from stillroom_tools.site.layout import Site

T = to_ms(NOON)
DAY = ("--from", "2026-11-22", "--to", "2026-11-23")
Told = tuple[float | None, Withheld | None]


def minute(number: int, breathing: Told, pulse: Told, sensed: float = 1.0) -> tuple[int, Summary]:
    """A summary of the minute so many after noon."""
    from_ms = T + number * MINUTE_MS
    (breaths, no_breaths), (beats, no_beats) = breathing, pulse
    shares = (0.9 if breaths else 0.0, 0.5 if beats else 0.0)
    summary = Summary(
        from_ms,
        from_ms + MINUTE_MS,
        "in-bed",
        0.001,
        sensed,
        breaths,
        shares[0],
        beats,
        shares[1],
        no_breaths,
        no_beats,
    )
    return from_ms + MINUTE_MS, summary


def tell(site: Site, *minutes: tuple[int, Summary], room: str = "room-12", boot: int = 1) -> None:
    unit = Teller(site, "unit-1", room)
    unit._boot, unit._number = boot - 1, 1_000 * boot
    unit.start(T)
    unit._queued += minutes
    unit.deliver(T + 3_600_000)


def export(site: Site, *more: object) -> list[dict[str, Any]]:
    out = site.folder.parent / "out.ndjson"
    assert (
        cli.main(["site", "fhir", "--site", str(site.folder), *map(str, more or DAY), "--out", str(out)]) == 0
    )
    assert out.stat().st_mode & 0o777 == 0o600, "it is about somebody's health"
    return read(out)


def read(out: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in out.read_bytes().splitlines()]
    validated(found)
    assert faults(found) == []
    return found


def validated(resources: list[dict[str, Any]]) -> None:
    """By fhir.resources, which knows every element of R4B and its type; nothing may be lost on the way through it."""
    from fhir.resources.R4B import get_fhir_model_class

    for resource in resources:
        model = get_fhir_model_class(resource["resourceType"]).model_validate(deepcopy(resource))
        again = json.loads(model.model_dump_json())
        assert again.keys() == resource.keys()


def observations(found: list[dict[str, Any]], code: str = "9279-1") -> list[dict[str, Any]]:
    return [r for r in found if r["resourceType"] == "Observation" and r["code"]["coding"][0]["code"] == code]


GIVEN: Told = (15.46, None)
BEAT: Told = (61.0, None)

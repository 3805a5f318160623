"""How long a change of a room's state takes to the gateway's disk, through real processes and a real broker."""

import time
from pathlib import Path
from statistics import median, quantiles

import pytest
from live import LiveSite, until
from msgspec.structs import replace

from stillroom import config
from stillroom_tools.lab.broker import find_program
from stillroom_tools.make.toml import to_toml

SLOT_S = 2.0
UNITS = 4
FEWEST = 100
MEDIAN_S, P99_S = 1.5, 3.0


@pytest.mark.long
@pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed")
def test_a_state_change_is_opened_in_a_slot_and_a_little(tmp_path: Path) -> None:
    """From the keeper's decision to the event opened by the gateway: on average half a slot and the lead."""
    site = LiveSite(tmp_path)
    site_file = site.site / "site.toml"
    site_file.write_text(site_file.read_text().replace("period_s = 0.5", f"period_s = {SLOT_S}"))
    for _ in range(UNITS):
        unit = site.add_unit()
        settings = config.load(unit.folder / "unit.toml")
        slots = replace(settings.slots, period_s=SLOT_S)
        (unit.folder / "unit.toml").write_text(to_toml(replace(settings, slots=slots)))
    life = tmp_path / "life.toml"  # no multiple of a slot, so that changes fall anywhere in it
    life.write_text(life.read_text().replace("repeat_s = 24.0", "repeat_s = 23.3"))
    site.start()
    try:
        until(lambda: len(waits_s(site)) > FEWEST, f"{FEWEST} state changes", within_s=400.0)
    finally:
        site.end()
    found = waits_s(site)
    p99 = quantiles(found, n=100, method="inclusive")[98]
    print(
        f"\n{len(found)} changes: median {median(found):.2f} s, p99 {p99:.2f} s, longest {max(found):.2f} s"
    )
    assert median(found) <= MEDIAN_S and p99 <= P99_S


def waits_s(site: LiveSite) -> list[float]:
    site.take()
    time.sleep(0.2)
    return [(one.opened_ms - one.at_ms) / 1000 for one in site.lines if one.event["type"] == "state"]

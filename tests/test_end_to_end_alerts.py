"""A covered camera as an alert: real processes from the picture to the gateway's file, through kills on both sides."""

import pytest

from stillroom.clock import SystemClock
from stillroom_tools.site.gateway import alert_file
from tests.live import LiveSite, command, until

pytestmark = pytest.mark.timeout(240)


def test_a_covered_camera_is_an_alert_that_outlives_the_gateway(live: LiveSite) -> None:
    unit = live.add_unit()

    def states() -> list[tuple[str, str, str]]:
        live.take()
        found = alert_file.read(live.site / "gateway", SystemClock().utc_ms())
        return [(a.kind, a.priority, a.state) for a in found.alerts] if found else [("", "", "not known")]

    def stands(state: str) -> bool:
        return ("camera-covered", "low", state) in states()

    live.start()
    until(lambda: live.has("state", state="in-bed"), "somebody in bed")
    assert states() == []
    unit.act("cover")
    until(lambda: stands("raised"), f"the alert; there is {states()}")
    command("site", "alerts", "acknowledge", unit.name, "--site", live.site, "--by", "nurse-a")
    until(lambda: stands("acknowledged"), "its owner")
    live.restart_gateway()
    until(lambda: stands("acknowledged"), "its owner after a kill of the gateway")
    unit.act("uncover")
    until(lambda: states() == [], f"the unit's word that it is over; there is {states()}")
    unit.act("cover")
    until(lambda: stands("raised"), "another alert, and nobody's")
    live.kill(unit, "keeper")
    until(lambda: not stands("raised"), "a new keeper, which says itself what it sees")
    live.settle()
    assert "Traceback" not in live.logs()

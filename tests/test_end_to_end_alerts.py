"""A covered camera as an alert: real processes from the picture to the gateway's file, over a kill of that."""

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
    # By then the view is surely known: only then can a cover be told from a dark room.
    until(lambda: live.has("state", before="in-bed"), "somebody who gets up")
    until(lambda: states() == [], f"calm; there is {states()}")
    unit.act("cover")
    until(lambda: stands("raised"), f"the alert; there is {states()}")
    command("site", "alerts", "acknowledge", unit.name, "--site", live.site, "--by", "nurse-a")
    until(lambda: stands("acknowledged"), "its owner")
    live.restart_gateway()
    until(lambda: stands("acknowledged"), "its owner after a kill of the gateway")
    unit.act("uncover")
    until(lambda: states() == [], f"the unit's word that it is over; there is {states()}")
    live.settle()
    assert "Traceback" not in live.logs()

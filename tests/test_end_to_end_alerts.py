"""A covered camera, and somebody who leaves the bed, as alerts: real processes, from picture to gateway."""

from msgspec.structs import replace

from stillroom import config
from stillroom.clock import SystemClock
from stillroom.config_conditions import Row
from stillroom_tools.make.toml import to_toml
from stillroom_tools.site.gateway import alert_file
from tests.live import LiveSite, command, until


def test_a_covered_camera_is_an_alert_that_outlives_gateway_and_keeper(live: LiveSite) -> None:
    unit = live.add_unit()

    def states() -> list[tuple[str, str, str]]:
        live.take()
        found = alert_file.read(live.site / "gateway", SystemClock().utc_ms())
        return [(a.kind, a.priority, a.state) for a in found.alerts] if found else [("", "", "not known")]

    def stands(state: str) -> bool:
        return ("camera-covered", "low", state) in states()

    def opened() -> int:
        live.take()
        return sum(line.event["type"] == "gate" and line.event["gate"] == "open" for line in live.lines)

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
    before = opened()
    live.kill(unit, "keeper")
    until(lambda: opened() > before, "the next keeper")
    until(lambda: stands("acknowledged"), f"its owner, though nobody has seen the lens; there is {states()}")
    assert not live.has("condition", kind="camera-covered", active=False)
    unit.act("uncover")
    until(lambda: states() == [], f"the unit's word that it is over; there is {states()}")
    live.settle()
    assert "Traceback" not in live.logs() and "INFO: " not in live.logs()


def test_somebody_who_leaves_the_bed_is_an_alert_until_somebody_is_there(live: LiveSite) -> None:
    """High, by the unit's row; its keeper is killed meanwhile, and it ends by itself: only attendance closes it."""
    unit = live.add_unit()
    settings = config.load(unit.folder / "unit.toml")
    rows = replace(settings.conditions, left_bed=(Row(level="high"),))
    (unit.folder / "unit.toml").write_text(to_toml(replace(settings, conditions=rows)))

    def left_bed() -> list[tuple[str, str, bool]]:
        live.take()
        found = alert_file.read(live.site / "gateway", SystemClock().utc_ms())
        known = found.alerts if found else ()
        return [(a.priority, a.owner, a.present) for a in known if a.kind == "left-bed"]

    def does(what: str) -> None:
        command("site", "alerts", what, unit.name, "--site", live.site, "--by", "nurse-a")

    live.start()
    until(lambda: left_bed() == [("high", "", True)], "the alert")
    does("acknowledge")
    assert left_bed() == [("high", "nurse-a", True)]
    live.kill(unit, "keeper")
    until(
        lambda: live.has("condition", kind="left-bed", active=False), "its end, though the keeper was killed"
    )
    until(lambda: [row[2] for row in left_bed()] == [False], f"still there, over; there is {left_bed()}")
    does("attend")
    until(lambda: left_bed() == [] or left_bed()[0][1:] == ("", True), "closed, or another one")
    live.settle()
    assert "Traceback" not in live.logs()

"""A simulated day in a site's store: `python -m stillroom_tools.lab.simulated_day SCENARIO FOLDER --day 2026-10-14`.

The real eye (behind the kernel), room, conditions and summaries live the scenario; what they tell goes the real way to
a gateway's store of a new site in FOLDER, of which `stillroom site report` can draw the day. Looks are by the stand-in
for the models; somebody attends to each alert of a person, and the unit is away from the gateway for a while.
"""

from datetime import datetime
from pathlib import Path

from stillroom.clock import MS_PER_S, NS_PER_S
from stillroom.config_conditions import zone
from stillroom.config_technical import TECHNICAL
from stillroom.document_forms import to_ms
from stillroom.events import ConditionChanged, Event
from stillroom.options import Parser
from stillroom_tools.lab.scenario import Scenario, load_scenario
from stillroom_tools.lab.simulated_cells import FIFTHS_PER_S
from stillroom_tools.lab.stage_run import FromCells
from stillroom_tools.lab.stage_unit import StagedUnit
from stillroom_tools.lab.stand_in import StandIn
from stillroom_tools.lab.told_day import Teller, made_site

ROOM, UNIT = "room-12", "unit-1"
TAKEN_ON_S, ATTENDED_S = 38.0, 95.0
"""After an alert of a person began somebody acknowledges it, and is there (assumed)."""
AWAY_S = (59_100.0, 61_800.0)
"""Of the day: in between nothing of the unit comes to the gateway."""


def main() -> None:
    """The command."""
    parser = Parser(prog="simulated_day", description=__doc__)
    parser.add_argument("scenario", type=Path)
    parser.add_argument("folder", type=Path, help="not there yet, or empty")
    parser.add_argument("--day", required=True, help="on which it happens, 2026-10-14")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    scenario = load_scenario(options.scenario)
    options.folder.mkdir(exist_ok=True)
    where = scenario.conditions.time_zone
    teller = Teller(made_site(options.folder, UNIT, where), UNIT, ROOM)
    begins = datetime.strptime(f"{options.day} {scenario.clock}", "%Y-%m-%d %H:%M").replace(
        tzinfo=zone(where)
    )
    tell(scenario, options.seed, to_ms(begins), teller)
    teller.deliver(to_ms(begins) + round(scenario.seconds * MS_PER_S))


def tell(scenario: Scenario, seed: int, begins_ms: int, teller: Teller) -> None:
    """Live it from beginning to end. begins_ms: UTC of the first frame."""

    def said(at_ms: int, event: Event) -> None:
        teller.tell(at_ms, event)
        if isinstance(event, ConditionChanged) and event.active and event.kind not in TECHNICAL:
            _come(teller, at_ms, event.kind)

    _switch_on(teller, begins_ms)
    source = FromCells(scenario, seed)
    unit = StagedUnit(scenario, source.size, StandIn(scenario, source.size, seed), begins_ms, said)
    for index in range(round(scenario.seconds * FIFTHS_PER_S)):
        at_s = (index + 1) / FIFTHS_PER_S
        frame_ns, at_ms = round(at_s * NS_PER_S), begins_ms + round(at_s * MS_PER_S)
        seen, now, _ = source.see(index, unit.analysis)
        if now.harms.off:
            unit.switch_off(frame_ns)
        elif unit.off:
            unit.switch_on(frame_ns)
            _switch_on(teller, at_ms)
        if seen is not None:
            unit.observe(seen)
        unit.pass_time(frame_ns)
    teller.away(*(begins_ms + round(at_s * MS_PER_S) for at_s in AWAY_S))


def _switch_on(teller: Teller, at_ms: int) -> None:
    teller.start(at_ms)
    teller.gate(at_ms, "open")


def _come(teller: Teller, at_ms: int, kind: str) -> None:
    teller.act(at_ms + round(TAKEN_ON_S * MS_PER_S), "acknowledge", "nurse-a", kind)
    teller.act(at_ms + round(ATTENDED_S * MS_PER_S), "attend", "nurse-a", kind)


if __name__ == "__main__":
    main()

"""The picture of a night: what was so, what was believed, breathing and movement, conditions and alerts; one SVG."""

from collections.abc import Iterator

from stillroom.clock import MS_PER_S
from stillroom.config_conditions import minutes
from stillroom_tools.lab.scenario import Scenario
from stillroom_tools.lab.stage_judge import problems
from stillroom_tools.lab.stage_run import Night, Told, spans
from stillroom_tools.svg import document, tag, text, title

WIDE, LEFT, RIGHT, TOP = 1200.0, 150.0, 40.0, 56.0
LANE, GAP, CURVE, ROW = 26.0, 8.0, 60.0, 17.0
STYLE = """
svg { font: 12px sans-serif; background: #fff; color: #222 }
text { fill: #222 } .small { font-size: 10px; fill: #555 } .name { font-size: 16px; font-weight: bold }
.on { fill: #fff; font-size: 11px } .on-pale { font-size: 11px }
.grid { stroke: #ddd } .frame { fill: none; stroke: #bbb } .wrong { fill: #c1121f; font-weight: bold }
.curve { fill: none; stroke: #2a6f97; stroke-width: 1 } .dot { fill: #2a6f97 }
.high { fill: #c1121f } .medium { fill: #e09f3e } .low { fill: #5c7fa8 } .technical { fill: #777 }
.due { fill: none; stroke: #222 } .begin { stroke: #222; stroke-width: 1 }
"""
COLOURS = {
    "unknown": "#d9d9d9",
    "empty": "#f4f1e8",
    "occupied": "#6a994e",
    "in-bed": "#3a5a9b",
    "bed-edge": "#8d6bb0",
    "out-of-bed": "#e08e45",
    "on-floor": "#c1121f",
    "bathroom": "#3f9c9c",
    "several-people": "#85752f",
}
_PALE = ("unknown", "empty")
_STEPS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)


def drawn(night: Night, scenario: Scenario) -> bytes:
    """The whole file."""
    sheet = _Sheet(night, scenario)
    wrong = list(problems(night, scenario))
    body = [
        *sheet.head(wrong),
        *sheet.lanes(),
        *sheet.curves(),
        *sheet.conditions(),
        *sheet.alerts(),
        *sheet.foot(),
    ]
    told = f"{len(night.told)} things told, {len(wrong)} not as expected"
    return document(
        (WIDE, sheet.y + 44.0), night.title, f"A simulated night, seed {night.seed}: {told}.", STYLE, body
    )


class _Sheet:
    """From the top down; `y` is where the next thing goes."""

    def __init__(self, night: Night, scenario: Scenario) -> None:
        self._night, self._scenario = night, scenario
        self._begins_s = minutes(scenario.clock) * 60
        self.y = TOP

    def head(self, wrong: list[str]) -> Iterator[str]:
        night = self._night
        yield tag("defs", _hatch())
        yield text(LEFT, 22, night.title, class_="name")
        asked = self._scenario.expects or self._scenario.never
        right = "all as expected" if asked else "nothing was expected"
        said = f"{len(wrong)} not as expected: {wrong[0]}" if wrong else right
        yield text(LEFT, 40, f"seed {night.seed}; simulated; {said}", class_="wrong" if wrong else None)

    def lanes(self) -> Iterator[str]:
        """Truth over belief."""
        for name, lane in (
            ("what was so", self._night.truth),
            ("what was believed", self._night.believed),
        ):
            yield text(LEFT - 8, self.y + 17, name, text_anchor="end")
            for start_s, end_s, state in spans(lane, self._night.seconds):
                yield from self._stretch(start_s, end_s, state)
            yield tag(
                "rect",
                x=LEFT,
                y=self.y,
                width=self._x(self._night.seconds) - LEFT,
                height=LANE,
                class_="frame",
            )
            self.y += LANE + GAP
        for start_s, end_s in self._night.blind:
            x, wide = self._x(start_s), max(self._x(end_s) - self._x(start_s), 1.0)
            yield tag(
                "rect",
                title(f"nothing to be seen, {self._clock(start_s)} to {self._clock(end_s)}"),
                x=x,
                y=TOP,
                width=wide,
                height=2 * LANE + GAP,
                fill="url(#hatch)",
            )

    def _stretch(self, start_s: float, end_s: float, state: str) -> Iterator[str]:
        x, wide = self._x(start_s), max(self._x(end_s) - self._x(start_s), 0.7)
        said = title(f"{state}, {self._clock(start_s)} to {self._clock(end_s)}")
        yield tag("rect", said, x=x, y=self.y, width=wide, height=LANE, fill=COLOURS[state])
        if wide > 8.0 * len(state):
            pale = "on-pale" if state in _PALE else "on"
            yield text(x + wide / 2, self.y + 17, state, text_anchor="middle", class_=pale)

    def curves(self) -> Iterator[str]:
        night = self._night
        rates = [(at_s, value / 40.0) for at_s, value in night.breathing]
        yield from self._frame("breaths a minute", ("0", "40"))
        for at_s, share in rates:
            yield tag("circle", cx=self._x(at_s), cy=self._on(share), r=1.3, class_="dot")
        self.y += CURVE + GAP
        yield from self._frame("cells that move", ("0", "30 %"))
        points = " ".join(f"{self._x(at_s):.1f},{self._on(share / 0.3):.1f}" for at_s, share in night.motion)
        yield tag("polyline", points=points, class_="curve")
        self.y += CURVE + GAP

    def _frame(self, name: str, ends: tuple[str, str]) -> Iterator[str]:
        yield text(LEFT - 8, self.y + CURVE / 2 + 4, name, text_anchor="end")
        wide = self._x(self._night.seconds) - LEFT
        yield tag("rect", x=LEFT, y=self.y, width=wide, height=CURVE, class_="frame")
        for end, at in zip(ends, (self.y + CURVE, self.y + 9), strict=True):
            yield text(LEFT + 3, at - 2, end, class_="small")

    def _on(self, share: float) -> float:
        return self.y + CURVE * (1.0 - min(max(share, 0.0), 1.0))

    def conditions(self) -> Iterator[str]:
        """One row a condition that was told or due: a frame where it was due, filled where it stood."""
        night = self._night
        for kind in sorted({each.kind for each in (*night.told, *night.due) if each.level}):
            yield text(LEFT - 8, self.y + 12, kind, text_anchor="end")
            for start_s, end_s, level in _stood(night.told, kind, night.seconds):
                yield self._bar(start_s, end_s, level, f"{kind} ({level}) told")
            for start_s, end_s, level in _stood(night.due, kind, night.seconds):
                yield self._bar(start_s, end_s, "due", f"{kind} ({level}) due")
            self.y += ROW
        self.y += GAP

    def _bar(self, start_s: float, end_s: float, style: str, said: str) -> str:
        x, wide = self._x(start_s), max(self._x(end_s) - self._x(start_s), 2.0)
        said = title(f"{said}, {self._clock(start_s)} to {self._clock(end_s)}")
        return tag("rect", said, x=x, y=self.y + 2, width=wide, height=ROW - 5, class_=style)

    def alerts(self) -> Iterator[str]:
        """Where an alert began to sound, and what became of it."""
        if not self._night.alerts:
            return
        yield text(LEFT - 8, self.y + 12, "alerts", text_anchor="end")
        for each in self._night.alerts:
            at_s = each.at_ms / MS_PER_S
            said = title(f"{each.kind}, {each.priority}: {each.state}, {self._clock(at_s)}")
            size = 5.0 if each.raised else 3.0
            yield tag("circle", said, cx=self._x(at_s), cy=self.y + 8, r=size, class_=each.priority)
        self.y += ROW + GAP

    def foot(self) -> Iterator[str]:
        """Times of day under everything, lines through everything, and the colours' names."""
        bottom, seconds = self.y, self._night.seconds
        step_s = next((step for step in _STEPS_S if seconds / step <= 12), 14_400)
        first_s = -self._begins_s % step_s
        for number in range(int((seconds - first_s) // step_s) + 1):
            at_s = first_s + number * step_s
            yield tag("line", x1=self._x(at_s), x2=self._x(at_s), y1=TOP, y2=bottom, class_="grid")
            yield text(self._x(at_s), bottom + 13, self._clock(at_s), text_anchor="middle", class_="small")
        self.y += 20
        x = LEFT
        for state, colour in COLOURS.items():
            yield tag("rect", x=x, y=self.y, width=11, height=11, fill=colour, stroke="#888")
            yield text(x + 15, self.y + 10, state, class_="small")
            x += 26 + 6.5 * len(state)
        yield tag("rect", x=x, y=self.y, width=11, height=11, fill="url(#hatch)", stroke="#888")
        yield text(x + 15, self.y + 10, "nothing to be seen", class_="small")
        said = "conditions: filled while told, framed while due; alerts: large where one began to sound"
        yield text(LEFT, self.y + 28, said, class_="small")

    def _x(self, at_s: float) -> float:
        return LEFT + (WIDE - LEFT - RIGHT) * at_s / self._night.seconds

    def _clock(self, at_s: float) -> str:
        whole = (self._begins_s + round(at_s)) % 86_400
        return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def _stood(told: list[Told], kind: str, until_s: float) -> Iterator[tuple[float, float, str]]:
    began: Told | None = None
    for each in told:
        if each.kind != kind or each.level is None:
            continue
        if not each.ends:
            began = began or each
        elif began is not None:
            yield began.at_s, each.at_s, began.level or ""
            began = None
    if began is not None:
        yield began.at_s, until_s, began.level or ""


def _hatch() -> str:
    line = tag("path", d="M0 8 L8 0", stroke="#555", stroke_width=1.2)
    return tag("pattern", line, id="hatch", width=8, height=8, patternUnits="userSpaceOnUse")

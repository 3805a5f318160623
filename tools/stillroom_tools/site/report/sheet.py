"""The sheet that a day is drawn on: its measures, its style, and a cursor that goes down it lane by lane.

In print, black and white, a state is told by its row and by words, an alert by its number, and what is not known by its
hatching; colour only helps.
"""

import textwrap
from dataclasses import dataclass, field

from stillroom_tools.site.report.days import LocalDay
from stillroom_tools.svg import tag, text, title

WIDTH, LEFT, RIGHT = 1200.0, 170.0, 150.0
MARGIN = 24.0
NAMES = 28.0
"""From a lane's name to the lane: room for a number between them."""
PLOT = WIDTH - LEFT - RIGHT
LETTER_PX = 6.4
"""About how wide a letter of 11 px is."""
STYLE = """
text{font-family:"Helvetica Neue",Helvetica,Arial,"Liberation Sans","DejaVu Sans",sans-serif;font-size:11px}
text{fill:#1a1a1a}
.h1{font-size:22px;font-weight:700}.h2{font-size:14px;font-weight:700}.say{font-size:13px}.soft{fill:#555}
.name{font-weight:700}.tiny{font-size:9.5px;fill:#555}.mark{font-size:10px;font-weight:700;paint-order:stroke;stroke:#fff;stroke-width:3px}
.paper{fill:#fff}.lane{fill:#f5f6f7}.grid{stroke:#d4d8dc;stroke-width:.6}.six{stroke:#a9b0b7;stroke-width:1}
.frame{fill:none;stroke:#8a929a;stroke-width:.8}
.open{fill:#3f6b57}.empty{fill:#b9c0c7}.occupied{fill:#6d8fb0}.in-bed{fill:#27496d}.bed-edge{fill:#d9a441}
.out-of-bed{fill:#c47a1c}.on-floor{fill:#a51d1d}.bathroom{fill:#3a8a82}.several-people{fill:#6b5488}
.high{fill:#a51d1d}.medium{fill:#c47a1c}.low,.technical{fill:#7d8790}
.sounds{fill:#111}.owned{fill:#fff;stroke:#111;stroke-width:1}
.moves{fill:#5d7388}.dots{fill:none;stroke-width:2.4;stroke-linecap:round}.breath{stroke:#27496d}.beat{stroke:#a51d1d}
.some{stroke-width:1.3;opacity:.6}
.gap{fill:url(#gap)}.dark{fill:url(#dark)}.soon{fill:url(#soon)}.doubt{fill:url(#doubt);stroke:#666;stroke-width:.5}
.plate{fill:#fff;stroke:#888;stroke-width:.6}
"""
_HATCHES = {
    "gap": ("#fff", "M-2 2 2 -2M0 10 10 0M8 12 12 8", "#555", 1.3),
    "dark": ("#e9ebee", "M-2 8 2 12M0 0 10 10M8 -2 12 2", "#8b949d", 1.1),
    "soon": ("#fff", "M5 5h.1", "#b5bcc3", 1.4),
    "doubt": ("#fff", "M2 -1V11M6 -1V11", "#666", 1.0),
}
"""Paper, strokes in a square of 10 px, ink, and its width: told apart without colour by their direction."""


def hatches() -> str:
    """The patterns, once for a sheet."""
    return tag(
        "defs",
        *(
            tag(
                "pattern",
                tag("rect", width=10, height=10, fill=paper),
                tag("path", d=strokes, stroke=ink, stroke_width=width, fill="none", stroke_linecap="round"),
                id=name,
                width=10,
                height=10,
                patternUnits="userSpaceOnUse",
            )
            for name, (paper, strokes, ink, width) in _HATCHES.items()
        ),
    )


@dataclass
class Sheet:
    """Marks go to `body`, over what lies `under` them; `y` is how far down the sheet is filled."""

    local: LocalDay
    now_ms: int
    """Nothing that goes on is drawn beyond it."""
    y: float = 0.0
    under: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)

    def x(self, utc_ms: int) -> float:
        """Where a moment lies; what is outside the day lies at its edge."""
        span = self.local.span
        share = (utc_ms - span.from_ms) / span.length_ms
        return LEFT + PLOT * min(max(share, 0.0), 1.0)

    def add(self, *marks: str) -> None:
        self.body += marks

    def bar(self, from_ms: int, until_ms: int, y: float, height: float, style: str, said: str) -> None:
        """A stretch of time; never narrower than can be seen. said: to whoever points at it."""
        self.body.append(self._bar(from_ms, until_ms, y, height, style, said))

    def hatch(self, from_ms: int, until_ms: int, y: float, height: float, style: str, said: str) -> None:
        """The same under all marks."""
        self.under.append(self._bar(from_ms, until_ms, y, height, style, said))

    def _bar(self, from_ms: int, until_ms: int, y: float, height: float, style: str, said: str) -> str:
        start, end = self.x(from_ms), self.x(until_ms)
        width = max(end - start, 1.6)
        start = min(start, LEFT + PLOT - width)
        return tag("rect", title(said), x=start, y=y, width=width, height=height, class_=style)

    def lane(self, name: str, height: float, note: str = "") -> float:
        """Room for a lane with its name at the left; its upper edge."""
        top = self.y
        self.under.append(tag("rect", x=LEFT, y=top, width=PLOT, height=height, class_="lane"))
        if name:
            self.add(text(LEFT - NAMES, top + 13, name, class_="name", text_anchor="end"))
        if note:
            self.add(text(LEFT - NAMES, top + 26, note, class_="tiny", text_anchor="end"))
        self.y += height
        return top

    def beside(self, y: float, said: str, style: str = "soft") -> None:
        """Words at the right of a lane."""
        self.add(text(LEFT + PLOT + 10, y, said, class_=style))

    def grid(self, top: float, bottom: float) -> None:
        """A line for each hour, from the first lane to the last; stronger ones at 00, 06, 12 and 18."""
        for at_ms, hour in self.local.hours():
            x = self.x(at_ms)
            style = "six" if int(hour) % 6 == 0 else "grid"
            self.under.append(tag("line", x1=x, x2=x, y1=top, y2=bottom, class_=style))
        self.add(tag("rect", x=LEFT, y=top, width=PLOT, height=bottom - top, class_="frame"))

    def hours(self, y: float) -> None:
        """What the clocks show at each of these lines."""
        for at_ms, hour in self.local.hours():
            self.add(text(self.x(at_ms), y, hour, class_="tiny", text_anchor="middle"))
        self.add(text(LEFT + PLOT, y, "24", class_="tiny", text_anchor="middle"))


def fits(said: str, width: float) -> bool:
    """Whether words of 11 px have room in so many px."""
    return len(said) * LETTER_PX + 12 <= width


def folded(said: str, letters: int) -> list[str]:
    """Lines of at most so many letters, broken between words where there are any."""
    return textwrap.wrap(said, letters, break_long_words=True) or [""]

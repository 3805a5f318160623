"""Words and numbers over moments of a day: why nothing was sensed, which line is about what. None covers another."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from stillroom_tools.site.report.day import Late, UnitDay
from stillroom_tools.site.report.episodes import Episode
from stillroom_tools.site.report.gaps import Stretch
from stillroom_tools.site.report.sheet import LEFT, LETTER_PX, PLOT, Sheet, fits
from stillroom_tools.site.report.words import why
from stillroom_tools.svg import tag, text

Numbers = Mapping[object, int]
"""Of the lines under the picture that are about a stretch or an alert."""


@dataclass(frozen=True)
class Label:
    """Words over a moment: their middle and width in px."""

    x: float
    said: str
    width: float
    row: int = 0


def in_rows(labels: Iterable[Label]) -> list[Label]:
    """The same inside the plot, each in the first row in which it covers no other."""
    ends: list[float] = []
    found = []
    for label in sorted(labels, key=lambda label: label.x):
        half = label.width / 2
        x = min(max(label.x, LEFT + half), LEFT + PLOT - half)
        row = next((number for number, end in enumerate(ends) if end < x - half), len(ends))
        ends[row : row + 1] = [x + half]
        found.append(replace(label, x=x, row=row))
    return found


def rows_of(labels: Iterable[Label]) -> int:
    """How many they lie in."""
    return max((label.row + 1 for label in labels), default=0)


def reasons_of(sheet: Sheet, unit: UnitDay, numbers: Numbers) -> Iterator[Label]:
    """For the camera's lane why it did not sense; where that has no room, and of what came late, its line's number."""
    spans: list[Stretch | Late] = [*unit.stretches, *unit.late]
    for each in spans:
        start, end = sheet.x(each.from_ms), sheet.x(each.until_ms)
        said = why(each) if isinstance(each, Stretch) and each.what != "sensed" else ""
        if not said or not fits(said, end - start):
            said = str(numbers.get(each, ""))
        if said:
            yield Label((start + end) / 2, said, len(said) * LETTER_PX + 10)


def plate(sheet: Sheet, reason: Label, top: float) -> None:
    """Words on paper of their own."""
    left = reason.x - reason.width / 2
    sheet.add(
        tag("rect", x=left, y=top + 4, width=reason.width, height=14, rx=2, class_="plate"),
        text(reason.x, top + 15, reason.said, text_anchor="middle"),
    )


def marks_of(sheet: Sheet, alerts: Iterable[Episode], numbers: Numbers) -> Iterator[Label]:
    """The number of its line, over where an alert begins."""
    for alert in alerts:
        if alert in numbers:
            said = str(numbers[alert])
            yield Label(sheet.x(alert.raised_ms), said, len(said) * LETTER_PX + 4)


def named(found: Iterable[object]) -> dict[object, int]:
    """A number for each thing that a line is about, in the order of the lines."""
    return {each: number for number, each in enumerate(found, 1)}

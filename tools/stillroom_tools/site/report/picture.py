"""A room's day as one SVG file that stands alone: head, lanes for each unit, numbered lines, how to read it."""

from stillroom.document_forms import from_ms
from stillroom_tools.site.report import labels, lanes
from stillroom_tools.site.report.day import RoomDay, UnitDay
from stillroom_tools.site.report.days import LocalDay
from stillroom_tools.site.report.sheet import MARGIN, STYLE, WIDTH, Sheet, folded, hatches
from stillroom_tools.site.report.words import lines, sentences
from stillroom_tools.svg import document, tag, text

_KEYS = (
    (
        ("open", "the camera senses"),
        ("dark", "camera off or no picture: not sensed"),
        ("gap", "unit off or silent: nothing is known"),
        ("doubt", "it senses, and cannot tell the state"),
    ),
    (
        ("high", "condition, as the unit saw it"),
        ("sounds", "its alert sounds, and is nobody's"),
        ("owned", "alert silent: somebody has it"),
        ("owned", "on the camera's lane: told late"),
    ),
)
"""A pattern and what it says."""
LETTERS = 165
"""Of 13 px in a line across the sheet."""


def picture(day: RoomDay, local: LocalDay) -> bytes:
    """The file. Its description says in words what it shows."""
    sheet = Sheet(local, day.made_ms)
    said = list(sentences(day))
    _head(sheet, day, said)
    listed = []
    for unit in day.units:
        listed += _unit(sheet, unit, len(day.units) > 1)
    _key(sheet)
    _foot(sheet, day)
    name = f"Room {day.room}, {local.words}"
    paper = tag("rect", width=WIDTH, height=sheet.y, class_="paper")
    description = " ".join([*said, *(f"{line}." for line in listed)])
    return document((WIDTH, sheet.y), name, description, STYLE, (hatches(), paper, *sheet.under, *sheet.body))


def _head(sheet: Sheet, day: RoomDay, said: list[str]) -> None:
    sheet.add(text(MARGIN, 38, f"Room {day.room}", class_="h1"))
    sheet.add(text(MARGIN, 60, f"{sheet.local.words}. Site {day.site}.", class_="say soft"))
    sheet.y = 66
    for sentence in said:
        for line in folded(sentence, LETTERS):
            sheet.y += 18
            sheet.add(text(MARGIN, sheet.y, line, class_="say"))
    sheet.y += 14


def _unit(sheet: Sheet, unit: UnitDay, named: bool) -> list[str]:
    """Lanes and lines of one unit; the lines."""
    if named:
        sheet.y += 14
        sheet.add(text(MARGIN, sheet.y, f"Unit {unit.unit}", class_="h2"))
        sheet.y += 6
    found, more = lines(unit, sheet.local)
    lanes.draw(sheet, unit, labels.named(line.of for line in found))
    if found:
        sheet.y += 16
        sheet.add(text(MARGIN, sheet.y, "What happened", class_="h2"))
    for number, line in enumerate(found, 1):
        for part, words in enumerate(folded(line.said, LETTERS)):
            sheet.y += 17
            if part == 0:
                sheet.add(text(MARGIN + 18, sheet.y, str(number), class_="mark", text_anchor="end"))
            sheet.add(text(MARGIN + 28, sheet.y, words, class_="say"))
    rest = [f"and {more} more, which are not listed"] if more else []
    for words in rest:
        sheet.y += 17
        sheet.add(text(MARGIN + 28, sheet.y, words, class_="say soft"))
    sheet.y += 14
    return [*(line.said for line in found), *rest]


def _key(sheet: Sheet) -> None:
    """How to read it: everything that has a pattern, with its words."""
    sheet.y += 16
    sheet.add(text(MARGIN, sheet.y, "How to read it", class_="h2"))
    sheet.y += 10
    for row in _KEYS:
        for number, (style, said) in enumerate(row):
            x = MARGIN + number * (WIDTH - 2 * MARGIN) / len(row)
            sheet.add(tag("rect", x=x, y=sheet.y, width=26, height=12, class_=style))
            sheet.add(text(x + 33, sheet.y + 10, said))
        sheet.y += 20


def _foot(sheet: Sheet, day: RoomDay) -> None:
    made = f"{from_ms(day.made_ms):%Y-%m-%d %H:%M} UTC"
    for line in (
        "Rates: a mark for each minute, small where less than half of it could be read; no mark: not read, which says "
        "nothing about anybody. Simulated or real, no reading is meant for diagnosis: this is not a medical device.",
        f"Made {made} from what the site's gateway had opened by then. What is hatched is not known, and never calm.",
    ):
        sheet.y += 15
        sheet.add(text(MARGIN, sheet.y, line, class_="tiny"))
    sheet.y += 16

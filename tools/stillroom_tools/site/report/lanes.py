"""The lanes of a day, from top to bottom: camera, states, movement, breathing, pulse, conditions with their alerts."""

from collections.abc import Callable, Sequence
from statistics import median

from stillroom.events import Summary
from stillroom_tools.site.gateway.alert_forms import PRIORITIES
from stillroom_tools.site.report.day import STATES, UnitDay
from stillroom_tools.site.report.days import Span
from stillroom_tools.site.report.episodes import Episode
from stillroom_tools.site.report.labels import Numbers, in_rows, marks_of, plate, reasons_of, rows_of
from stillroom_tools.site.report.sheet import LEFT, NAMES, PLOT, Sheet
from stillroom_tools.site.report.words import gone, lasted, plain, why
from stillroom_tools.svg import tag, text

GAP = 7.0
ROW = 15.0
CAMERA, PLATE, MARK = 22.0, 16.0, 10.0
"""Heights: the camera's lane with one row of reasons, each further one, and a row of numbers over conditions."""
_HATCH = {"dark": "dark", "no-picture": "dark", "to-come": "soon"}
MOTION_FULL = 0.25
"""Of the picture: more is drawn as that. The scale is of square roots: a turn in bed is a hundredth."""
MOST = 0.5
"""Of a minute's pictures that had a reading: from here on it is drawn large."""
_RATES: dict[str, tuple[float, float, tuple[int, ...]]] = {
    "breathing": (0.0, 40.0, (10, 20, 30)),
    "pulse": (30.0, 150.0, (60, 90, 120)),
}
"""Lowest and highest rate of a lane, and the lines in it; what is beyond is drawn at its edge."""

LONGEST_WITHOUT_MS = 120_000
"""A minute that was cut short by a start is no gap."""


def draw(sheet: Sheet, unit: UnitDay, numbers: Numbers) -> None:
    """All lanes of a unit, its gaps hatched through all of them."""
    sheet.hours(sheet.y + 10)
    sheet.y += 15
    top = sheet.y
    reasons = in_rows(reasons_of(sheet, unit, numbers))
    _camera(sheet, unit, rows_of(reasons))
    camera = sheet.y
    sheet.y += GAP
    _states(sheet, unit)
    minutes = sheet.y
    sheet.y += GAP
    _motion(sheet, unit)
    for name in _RATES:
        sheet.y += GAP
        _rate(sheet, unit, name)
    for each in without_minutes(unit):
        said = "of these minutes no movement and no rate is kept"
        sheet.hatch(each.from_ms, each.until_ms, minutes, sheet.y - minutes, "gap", said)
    sheet.y += GAP
    _alerts(sheet, unit, numbers)
    _hatch(sheet, unit, camera, sheet.y)
    sheet.grid(top, sheet.y)
    for reason in reasons:
        plate(sheet, reason, top + PLATE * reason.row)
    sheet.hours(sheet.y + 12)
    sheet.y += 20


def without_minutes(unit: UnitDay) -> list[Span]:
    """What was sensed and of which no summary is here any more: an empty lane would say that nothing moved."""
    told = sorted((each.from_ms, each.until_ms) for each in unit.summaries)
    found = []
    for stretch in unit.stretches:
        if stretch.what == "sensed":
            at_ms = stretch.from_ms
            for from_ms, until_ms in [*told, (stretch.until_ms, stretch.until_ms)]:
                start = min(from_ms, stretch.until_ms)
                if start - at_ms > LONGEST_WITHOUT_MS:
                    found.append(Span(at_ms, start))
                at_ms = max(at_ms, until_ms)
    return found


def _camera(sheet: Sheet, unit: UnitDay, rows: int) -> None:
    """rows: of reasons, which come upon it."""
    height = CAMERA + PLATE * max(rows - 1, 0)
    top = sheet.lane("Camera", height)
    for each in unit.stretches:
        style = _HATCH.get(each.what, "gap" if each.what != "sensed" else "open")
        said = f"{why(each) if each.what != 'sensed' else 'sensing'}, {lasted(each.until_ms - each.from_ms)}"
        sheet.bar(each.from_ms, each.until_ms, top, height, style, said)
    sheet.beside(top + 15, f"senses {lasted(unit.lasted_ms('sensed'))}")
    for late in unit.late:
        said = "told late: nobody could see it then"
        sheet.bar(late.from_ms, late.until_ms, top + height - 5, 5, "owned", said)


def _states(sheet: Sheet, unit: UnitDay) -> None:
    """A row for each: which one it is can be read without colour."""
    top = sheet.lane("", ROW * len(STATES))
    for number, state in enumerate(reversed(STATES)):
        y = top + number * ROW
        sheet.add(text(LEFT - NAMES, y + 11, plain(state), class_="name", text_anchor="end"))
        for each in unit.states:
            if each.state == state:
                length = lasted(each.until_ms - each.from_ms)
                said = f"{plain(state)} {sheet.local.clock(each.from_ms)}, {length}: {each.why}"
                style = "doubt" if state == "unknown" else state
                sheet.bar(each.from_ms, each.until_ms, y + 2, ROW - 4, style, said)
        together = unit.in_state_ms(state)
        sheet.beside(y + 11, lasted(together) if together else "–")


def _motion(sheet: Sheet, unit: UnitDay) -> None:
    height = 46.0
    top = sheet.lane("Movement", height, "share of the picture")
    for share, said in ((0.01, "1 %"), (0.05, "5 %"), (0.25, "25 %")):
        y = top + height * (1 - (share / MOTION_FULL) ** 0.5)
        sheet.beside(max(y + 3, top + 8), said, "tiny")
    steps = []
    for each in unit.summaries:
        tall = height * (min(each.motion, MOTION_FULL) / MOTION_FULL) ** 0.5
        start, end = sheet.x(each.from_ms), sheet.x(each.until_ms)
        if tall >= 0.3 and end > start:
            steps.append(
                f"M{start:.1f} {top + height:.1f}v{-tall:.1f}h{max(end - start, 0.4):.2f}v{tall:.1f}z"
            )
    sheet.add(tag("path", class_="moves", d="".join(steps)))


def _rate(sheet: Sheet, unit: UnitDay, name: str) -> None:
    """A mark for each minute that had readings which could be trusted; no line between them."""
    height = 60.0
    low, high, levels = _RATES[name]
    top = sheet.lane(name.capitalize(), height, "a minute, where trusted")
    read: Callable[[Summary], tuple[float | None, float]] = _breathing if name == "breathing" else _pulse
    for level in levels:
        y = _height(level, low, high, top, height)
        sheet.under.append(tag("line", x1=LEFT, x2=LEFT + PLOT, y1=y, y2=y, class_="grid"))
        sheet.add(text(LEFT - 4, y + 3, str(level), class_="tiny", text_anchor="end"))
    marks: dict[bool, list[str]] = {True: [], False: []}
    values = []
    for each in unit.summaries:
        value, share = read(each)
        if value is not None:
            values.append(value)
            start, end = sheet.x(each.from_ms), sheet.x(each.until_ms)
            y = _height(value, low, high, top, height)
            marks[share >= MOST].append(f"M{start:.1f} {y:.1f}h{max(end - start - 0.6, 0):.1f}")
    for most, found in marks.items():
        style = f"dots {'breath' if name == 'breathing' else 'beat'}{'' if most else ' some'}"
        sheet.add(tag("path", class_=style, d="".join(found)))
    _said_of_rate(sheet, unit, name, values, top)


def _said_of_rate(sheet: Sheet, unit: UnitDay, name: str, values: Sequence[float], top: float) -> None:
    if unit.scopes is not None and name not in unit.scopes:
        sheet.beside(top + 14, "not authorised")
    elif not values:
        sheet.beside(top + 14, "never read" if unit.summaries else gone(unit) or "not kept")
    else:
        sheet.beside(top + 14, f"median {median(values):.0f}")
        sheet.beside(top + 28, f"{min(values):.0f} to {max(values):.0f}")
        sheet.beside(top + 42, f"read in {len(values)} min")


def _breathing(summary: Summary) -> tuple[float | None, float]:
    return summary.breaths_per_min, summary.breathing_trusted


def _pulse(summary: Summary) -> tuple[float | None, float]:
    return summary.pulse_bpm, summary.pulse_trusted


def _height(value: float, low: float, high: float, top: float, height: float) -> float:
    return top + height * (1 - (min(max(value, low), high) - low) / (high - low))


def _alerts(sheet: Sheet, unit: UnitDay, numbers: Numbers) -> None:
    """For each kind the condition, as the unit saw it, and under it the alert, as staff had it."""
    kinds = _kinds(unit)
    if not kinds:
        sheet.beside(sheet.lane("Conditions", 18) + 13, gone(unit) or "none was told")
        return
    for kind in kinds:
        alerts = [each for each in unit.alerts if each.kind == kind]
        marks = in_rows(marks_of(sheet, alerts, numbers))
        above = MARK * rows_of(marks)
        top = sheet.lane(plain(kind), 25 + above)
        for each in unit.conditions:
            if each.kind == kind:
                said = f"{plain(kind)}, {each.level}{', since before this day' if each.before else ''}: {each.why}"
                sheet.bar(each.from_ms, each.until_ms, top + above + 3, 10, each.level, said)
        for alert in alerts:
            _alert(sheet, alert, top + above + 15)
        for mark in marks:
            y = top + above + 1 - MARK * mark.row
            sheet.add(text(mark.x, y, mark.said, class_="mark", text_anchor="middle"))
        sheet.beside(top + 11, ", ".join(_levels(unit, kind)))
        sheet.beside(top + 23, f"{len(alerts)} alert{'s' if len(alerts) != 1 else ''}", "tiny")


def _alert(sheet: Sheet, alert: Episode, y: float) -> None:
    until_ms = min(sheet.local.span.until_ms, sheet.now_ms)
    for phase in alert.phases:
        end_ms = min(until_ms if phase.until_ms is None else phase.until_ms, until_ms)
        if end_ms >= sheet.local.span.from_ms:
            said = f"silent, {phase.owner} has it" if phase.owner else "sounds, and is nobody's"
            sheet.bar(phase.from_ms, end_ms, y, 7, "owned" if phase.owner else "sounds", said)


def _kinds(unit: UnitDay) -> list[str]:
    """The most urgent first; what the unit says of itself last."""
    ranks = [*PRIORITIES, "technical"]
    found = {each.kind: len(ranks) for each in unit.alerts}
    for each in unit.conditions:
        found[each.kind] = min(found.get(each.kind, len(ranks)), ranks.index(each.level))
    return sorted(found, key=lambda kind: (found[kind], kind))


def _levels(unit: UnitDay, kind: str) -> list[str]:
    told = sorted({each.level for each in unit.conditions if each.kind == kind})
    return told or ["from the gateway"]


def _hatch(sheet: Sheet, unit: UnitDay, top: float, bottom: float) -> None:
    for each in unit.stretches:
        if each.what != "sensed":
            style = _HATCH.get(each.what, "gap")
            sheet.hatch(
                each.from_ms, each.until_ms, top, bottom - top, style, f"{why(each)}: nothing is known"
            )

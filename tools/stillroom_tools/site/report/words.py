"""A room's day in sentences: what a screen reader says of the picture, and the numbered lines under it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from stillroom.clock import MS_PER_S
from stillroom.explain import CLOSED
from stillroom_tools.site.audit_page import duration
from stillroom_tools.site.gateway.alert_forms import PRIORITIES
from stillroom_tools.site.report.day import STATES, RoomDay, UnitDay
from stillroom_tools.site.report.days import LocalDay
from stillroom_tools.site.report.episodes import Episode
from stillroom_tools.site.report.gaps import UNKNOWN, Stretch

MAX_LINES = 32
MAX_DEEDS = 4
LEAST_MS = 60_000
"""A stretch that is not sensed gets a line of its own from a minute on; the shorter ones are counted."""
GONE = "What was kept of this day, or of a part of it, was erased on somebody's wish: this says nothing about anybody."
NOTHING = "Nothing was sensed on this day: this says nothing about anybody."
_SHORT = {
    "off": "unit off",
    "lost": "entries lost",
    "unheard": "nothing heard",
    "forgotten": "kept no longer",
    "erased": "erased",
    "to-come": "still to come",
}
_DONE = {
    "acknowledge": "acknowledged",
    "attend": "attended",
    "pause-audio": "sound paused",
    "pause-alarm": "alarm paused",
    None: "taken on",
}


@dataclass(frozen=True)
class Line:
    """What happened, in words; `of` is what it is about. weight: the lines of the least weight are left out first."""

    at_ms: int
    said: str
    of: object
    weight: float


def gone(unit: UnitDay) -> str:
    """Where something of the day was erased: what is not here may have been there."""
    found = {each.what for each in unit.stretches} - {"to-come"}
    if "erased" not in found:
        return ""
    return "erased" if found == {"erased"} else "erased in part"


def lasted(ms: int) -> str:
    """`8 h 17 min`, `48 s`"""
    return duration(round(ms / MS_PER_S))


def plain(code: str) -> str:
    """A code as words: `in-bed` is `in bed`."""
    return code.replace("-", " ")


def why(stretch: Stretch) -> str:
    """A word or two for why nothing is sensed."""
    if stretch.what == "no-picture":
        return f"no picture: {plain(stretch.why).removeprefix('camera ')}"
    return _SHORT.get(stretch.what) or plain(stretch.why)


def sentences(day: RoomDay) -> Iterator[str]:
    """What can be said of the day as a whole."""
    if not any(unit.lasted_ms("sensed") for unit in day.units):
        yield GONE if any(unit.lasted_ms("erased") for unit in day.units) else NOTHING
    for unit in day.units:
        name = f"Unit {unit.unit}: " if len(day.units) > 1 else ""
        if unit.lasted_ms("sensed"):
            yield f"{name}{_states(unit)}"
        yield f"{name}{_known(unit)}"
        yield f"{name}{_alerts(unit)}"


def _states(unit: UnitDay) -> str:
    shares = sorted(((unit.in_state_ms(state), state) for state in STATES), reverse=True)
    said = ", ".join(f"{plain(state)} {lasted(ms)}" for ms, state in shares if ms)
    return f"{said[:1].upper()}{said[1:]}." if said else "No state is known."


def _known(unit: UnitDay) -> str:
    dark = sum(unit.lasted_ms(what) for what in ("dark", "no-picture"))
    unknown = sum(unit.lasted_ms(what) for what in UNKNOWN)
    parts = [f"Sensed for {lasted(unit.lasted_ms('sensed'))}"]
    parts += [f"not sensed for {lasted(dark)}"] if dark else []
    parts += [f"nothing is known of {lasted(unknown)}"] if unknown else []
    parts += [f"{lasted(unit.lasted_ms('to-come'))} still to come"] if unit.lasted_ms("to-come") else []
    return "; ".join(parts) + "."


def _alerts(unit: UnitDay) -> str:
    alerts = unit.alerts
    gone = "; what was erased may have had some" if unit.lasted_ms("erased") else ""
    if gone and not alerts:
        return f"No alert is kept{gone}."
    if not alerts:
        return (
            "No alert was raised." if unit.lasted_ms("sensed") else "No alert was raised, and none could be."
        )
    counts = Counter(each.priority for each in alerts)
    said = ", ".join(f"{counts[priority]} {priority}" for priority in PRIORITIES if counts[priority])
    open_ = sum(each.cleared_ms is None for each in alerts)
    more = f"; {open_} not cleared yet" if open_ else ""
    return f"Alerts: {said}{more}{gone}."


def lines(unit: UnitDay, local: LocalDay) -> tuple[list[Line], int]:
    """The lines of a unit, in order of time, at most MAX_LINES, and how many others there would be."""
    found = [*_stretches(unit, local), *_episodes(unit, local), *_late(unit, local)]
    kept = sorted(found, key=lambda line: -line.weight)[:MAX_LINES]
    return sorted(kept, key=lambda line: line.at_ms), len(found) - len(kept)


def _stretches(unit: UnitDay, local: LocalDay) -> Iterator[Line]:
    for each in unit.stretches:
        length_ms = each.until_ms - each.from_ms
        if each.what not in ("sensed", "to-come") and length_ms >= LEAST_MS:
            said = f"{_between(local, each.from_ms, each.until_ms)} ({lasted(length_ms)})  {_reason(each)}"
            yield Line(each.from_ms, said, each, length_ms / 86_400_000)


def _reason(each: Stretch) -> str:
    if each.what == "dark":
        return f"dark, {plain(each.why)}: {CLOSED.get(each.why, 'nobody knows why')}"
    if each.what == "no-picture":
        return f"no picture: {plain(each.why)}"
    return f"{each.why}: nothing is known"


def _episodes(unit: UnitDay, local: LocalDay) -> Iterator[Line]:
    for each in unit.alerts:
        before = each.raised_ms < local.span.from_ms
        when = "raised before this day" if before else local.clock(each.raised_ms)
        said = "; ".join((f"{when}  alert: {plain(each.kind)}, {each.priority}", *_life(each)))
        yield Line(each.raised_ms, said, each, 3.0 - PRIORITIES.index(each.priority) / 2)


def _life(episode: Episode) -> Iterator[str]:
    """What became of it, in the order in which it came about."""
    steps = [(deed.at_ms, f"{_DONE[deed.what]} by {deed.by}") for deed in episode.deeds[:MAX_DEEDS]]
    steps += [(episode.escalated_ms, "escalated")] if episode.escalated_ms is not None else []
    for at_ms, step in sorted(steps):
        yield f"{step} after {lasted(at_ms - episode.raised_ms)}"
    if len(episode.deeds) > MAX_DEEDS:
        yield f"{len(episode.deeds) - MAX_DEEDS} more acts"
    if episode.again:
        yield f"re-raised {episode.again} times" if episode.again > 1 else "re-raised once"
    if not episode.deeds:
        yield "nobody took it on"
    if episode.cleared_ms is None:
        yield "not cleared yet"
    else:
        yield f"cleared after {lasted(episode.cleared_ms - episode.raised_ms)}"


def _late(unit: UnitDay, local: LocalDay) -> Iterator[Line]:
    for each in unit.late:
        said = (
            f"{_between(local, each.from_ms, each.until_ms)}  told late, all of it by {local.clock(each.told_ms)}"
            f"{'' if each.told_ms < local.span.until_ms else ' of a later day'}: nobody could see it then"
        )
        yield Line(each.from_ms, said, each, 1.0)


def _between(local: LocalDay, from_ms: int, until_ms: int) -> str:
    end = "24:00" if until_ms == local.span.until_ms else local.clock(until_ms)
    return f"{local.clock(from_ms)}–{end}"

"""The life of one alert, as a pure function: `step(alert, input, now_ms, config)` is what it is afterwards.

In the words of IEC 60601-1-8, which serve to be understood: no conformity with it is claimed, nobody has assessed that.

    raised         a condition began and nobody has taken it on; it sounds
    acknowledged   somebody has taken it on: no sound, still shown; after a bounded time it comes back
    audio-paused   the same, for a shorter time
    alarm-paused   neither sound nor colour; the shortest
    latched        its condition is over while it sounds, and it stays until somebody has been there
    re-raised      it sounds again: its condition began anew, or the time of its silence is over
    escalated      it has sounded for too long and nobody has taken it on
    cleared        closed

**The owner** of an alert is who made it silent: acknowledged, paused or attended it. It is his for as long as it is
silent, and no longer. So an alert that is not cleared sounds and has no owner, or is silent and has one: no third.

A high alert is closed by attendance only: somebody at the room says so. Said while the condition stands, it closes the
alert when the condition ends; where that takes too long, it comes back. A medium one closes once its condition is over
and somebody has taken it on, a low one with its condition. Looking at a view closes nothing. The silence of a unit ends
no condition: it is one itself. What somebody does is about what had been raised by then: nothing begins in silence.
"""

from msgspec.structs import replace

from stillroom.clock import MS_PER_S
from stillroom_tools.site.gateway.alert_forms import (
    PRIORITIES,
    SILENT,
    UNIT_SILENT,
    Act,
    Alert,
    AlertsConfig,
    Begun,
    Ended,
    Input,
    State,
    TimePassed,
    UnitAnew,
    UnitBack,
    UnitGone,
    UnitSilent,
)


def step(alert: Alert | None, given: Input, now_ms: int, config: AlertsConfig) -> Alert | None:
    """The alert after an input about it. None: there has never been anything of this kind."""
    match given:
        case Begun():
            after: Alert | None = _began(alert, given, now_ms, config)
        case UnitSilent():
            after = alert if alert and alert.present else _silenced(alert, given, now_ms, config)
        case _ if alert is None:
            # An end that overtook its beginning: kept, so that the beginning is told as something that is over.
            if not isinstance(given, Ended):
                return None
            return Alert(given.unit, "", given.kind, "low", "cleared", False, given.number)
        case Ended():
            after = _ended(alert, given.number) if given.number > alert.number else alert
        case UnitBack():
            after = _ended(alert, alert.number) if alert.kind == UNIT_SILENT else alert
        case UnitAnew():
            forgotten = alert.technical and alert.kind not in given.standing | {UNIT_SILENT}
            after = _ended(alert, alert.number) if forgotten else alert
        case UnitGone():
            after = _ended(alert, alert.number)
        case Act():
            after = _acted(alert, given, now_ms, config)
        case TimePassed():
            after = alert
    return _closed(_timed(after, now_ms, config)) if after else None


def _silenced(alert: Alert | None, given: UnitSilent, now_ms: int, config: AlertsConfig) -> Alert:
    number = alert.number + 1 if alert else 1
    return _began(alert, Begun(given.unit, given.room, UNIT_SILENT, config.technical, number), now_ms, config)


def _began(alert: Alert | None, given: Begun, now_ms: int, config: AlertsConfig) -> Alert:
    """Told late, after newer entries on the same condition, it was, and whether it still is stays as it was known."""
    newer = alert is None or given.number > alert.number
    number = given.number if newer or alert is None else alert.number
    until_ms = now_ms + config.escalate_ms(given.priority)
    if alert is None or not alert.active:
        return Alert(
            given.unit,
            given.room,
            given.kind,
            given.priority,
            "raised" if newer else "latched",
            newer,
            number,
            given.technical,
            given.why,
            first_ms=now_ms,
            raised_ms=now_ms,
            set_ms=now_ms,
            until_ms=until_ms,
        )
    known = replace(
        alert,
        room=given.room,
        priority=min(alert.priority, given.priority, key=PRIORITIES.index),
        present=newer or alert.present,
        number=number,
        technical=given.technical if newer else alert.technical,
        why=given.why,
    )
    if alert.sounding:  # it goes on as it was, and not one second longer
        known = replace(known, count=alert.count + 1, raised_ms=now_ms)
        if alert.state == "escalated":
            return known
        return replace(known, state="re-raised", until_ms=min(alert.until_ms, until_ms))
    return _raised_again(known, now_ms, config)


def _raised_again(alert: Alert, now_ms: int, config: AlertsConfig) -> Alert:
    return replace(
        alert,
        state="re-raised",
        owner="",
        attended=False,
        count=alert.count + 1,
        raised_ms=now_ms,
        set_ms=now_ms,
        until_ms=now_ms + config.escalate_ms(alert.priority),
    )


def _ended(alert: Alert, number: int) -> Alert:
    latched: State = "latched" if alert.state in {"raised", "re-raised"} else alert.state
    return replace(alert, state=latched, present=False, number=number)


def _acted(alert: Alert, act: Act, now_ms: int, config: AlertsConfig) -> Alert:
    if act.what == "look" or not concerns(alert, act, now_ms):
        return alert
    at_ms = min(act.at_ms, now_ms)
    state, for_s = {
        "acknowledge": ("acknowledged", config.acknowledged_s),
        "pause-audio": ("audio-paused", config.audio_paused_s),
        "pause-alarm": ("alarm-paused", config.alarm_paused_s),
        "attend": ("acknowledged", config.attended_s),
    }[act.what]
    until_ms = at_ms + round(for_s * MS_PER_S)
    attended = alert.attended or act.what == "attend"
    if until_ms <= now_ms and (alert.present or not attended):
        return alert  # told so late that its time is over
    return replace(
        alert, state=state, owner=act.by, last=act.by, attended=attended, set_ms=at_ms, until_ms=until_ms
    )


def concerns(alert: Alert, act: Act, now_ms: int) -> bool:
    """Whether it is about this alert: raised before it was done, and nobody has done anything since."""
    at_ms = min(act.at_ms, now_ms)
    known_ms = max(alert.raised_ms, alert.set_ms) if alert.state in SILENT else alert.raised_ms
    return alert.active and act.unit == alert.unit and act.kind in (None, alert.kind) and known_ms <= at_ms


def _timed(alert: Alert, now_ms: int, config: AlertsConfig) -> Alert:
    """What time alone makes of it."""
    if (
        alert.raised_ms > now_ms
    ):  # the clock was set back: whatever anybody does from now on is about this one too
        alert = replace(alert, raised_ms=now_ms, first_ms=min(alert.first_ms, now_ms))
    if not alert.active or not alert.over(now_ms):
        return alert
    if alert.sounding:
        return replace(alert, state="escalated", until_ms=0)
    if alert.attended and not alert.present:
        return alert
    return _raised_again(alert, now_ms, config)


def _closed(alert: Alert) -> Alert:
    """Cleared where its priority allows that."""
    allowed = {
        "high": alert.attended,
        "medium": alert.attended or alert.state in SILENT,
        "low": True,
    }[alert.priority]
    if alert.present or not allowed or not alert.active:
        return alert
    return replace(alert, state="cleared", owner="", attended=False, set_ms=0, until_ms=0)

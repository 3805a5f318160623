"""`stillroom explain`: what this unit senses, sends and keeps now, and under which authorisation, in plain words.

It reads what the keeper reads and decides as the keeper decides; it needs no key and changes nothing.
"""

import argparse
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from stillroom import config, events
from stillroom.clock import SystemClock, utc_text
from stillroom.config import UnitConfig
from stillroom.config_conditions import ConditionsConfig
from stillroom.document_forms import to_ms
from stillroom.errors import EXIT_OK, TrustError
from stillroom.keeper.authorisation import Papers, load_papers
from stillroom.keeper.conditions import KINDS
from stillroom.keeper.gate import Decision, Situation, decide
from stillroom.keeper.known import Known
from stillroom.keeper.roster import load_roster
from stillroom.keeper.settings import applied, load_configuration
from stillroom.permits import authority_of
from stillroom.public_keys import fingerprint
from stillroom.release_forms import RECORDINGS, SUFFIX, part
from stillroom.status import GUARDS, HOLDS, Status, read_running
from stillroom.view_forms import FRAMES_PER_S
from stillroom.wire import RECORD_BYTES

HELP = "what this unit senses, sends and keeps now, in plain words"

_SCOPES = {
    "status": "whether somebody is there, in bed or out of it",
    "breathing": "how often the person breathes",
    "pulse": "how often the heart beats, from the colour of the skin",
    "view-figure": "when somebody looks, after the light has said so: a drawn figure over the empty room",
    "view-picture": "when somebody looks, after the light has said so: a picture of squares",
    "release": "while a release that two people have signed is in force: a recording that its custodian alone opens",
}
CLOSED = {
    "no-authorisation": "nobody has authorised it",
    "not-yet-valid": "its authorisation has not begun",
    "expired": "its authorisation has ended",
    "review-overdue": "nobody has reviewed its authorisation in time",
    "withdrawn": "its authorisation was taken back",
    "paused": "somebody in the room pressed pause, or somebody of the roster asked for it",
    "clock-unsure": "its clock cannot be believed",
    "camera-refused": "its camera cannot be used until the next start",
    "indicator-fault": "the light that tells the room does not work",
    "camera-moved": "its camera was moved, and nobody has accepted what it looks at now",
    "halted": "the site's authority has halted it",
    "safe-mode": "it failed ten times in a row; it tries again after a minute",
}
"""Why a camera is dark, by the gate's reason."""
_CLOCKS = {
    "gateway": "the gateway's signed word since this machine was started",
    "grace": "what was known before this machine was started; that counts for minutes only",
    "system": "the system clock, which counts where a site has no gateway",
    "unsure": "nothing that counts: the gateway has not answered since this machine was started",
}
_KEPT = {
    "live": "shown, never stored",
    "routine": "kept as routine",
    "care": "kept with the care record",
    "audit": "kept for audit",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="the unit's configuration file")


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, TrustError."""
    unit = config.load(options.config)
    print("\n".join(lines(unit)))
    return EXIT_OK


def lines(unit: UnitConfig) -> Iterator[str]:
    """The whole text, a line at a time."""
    clock = SystemClock()
    trust = unit.path(unit.paths.trust)
    roster = load_roster(unit, clock)
    papers = load_papers(unit, roster.approver_signers)
    status = read_running(unit.path(unit.paths.run), unit.slots.period_s)
    utc_ms = clock.utc_ms()
    decision = _decision(utc_ms, papers, status)
    yield f"Unit {unit.unit} of site {unit.site}, profile {unit.profile}, at {utc_text(utc_ms)}"
    authority = authority_of(unit)
    yield f"It obeys what {authority.name} has signed, key {authority.fingerprint}: compare it with the site's papers."
    yield from _changed(unit, trust)
    yield ""
    yield from _senses(_in_force(unit, trust, decision), decision, papers)
    yield ""
    yield "It sends"
    pace = f"every {unit.slots.period_s:g} s, whatever happens"
    yield f"  one sealed record of {RECORD_BYTES} bytes {pace}, to the broker"
    yield f"  {unit.broker.host}:{unit.broker.port}, which cannot open it. These can:"
    for recipient in roster.of_unit:
        yield f"    {recipient.name} ({recipient.role}), key {fingerprint(recipient.sign)}"
    for advocate in roster.advocates:
        yield f"  {advocate.name} (advocate) is told how far its audit chain goes, and can open nothing else."
    if decision.authorisation is not None and decision.authorisation.view is not None:
        yield f"  While somebody looks also {FRAMES_PER_S} sealed frames a second, which he alone can open:"
        for viewer in (one for one in roster.recipients if one.role == "viewer"):
            yield f"    {viewer.name} (viewer), key {fingerprint(viewer.sign)}, where a manager's policy allows it"
    yield "  What can be in a record:"
    for kind in (events.Snapshot, *_event_kinds()):
        yield f"    {_summary(kind)} ({_KEPT[kind.retention]})"
    yield ""
    yield from _keeps(unit, status)
    yield ""
    yield from _guards(status)


def _changed(unit: UnitConfig, trust: Path) -> Iterator[str]:
    """What the authority has changed from afar, where it has."""
    try:
        found = load_configuration(trust, unit, 0)
    except TrustError as error:
        yield f"  A document was refused: {error}"
        return
    if found is not None:
        about = {"at", "site", "unit", "version"}
        set_there = [n for n in found.__struct_fields__ if n not in about and getattr(found, n) is not None]
        names = ", ".join(set_there) or "none stands"
        of_room = f" The conditions are for room {found.conditions.room} alone." if found.conditions else ""
        yield f"  Its settings were changed from afar (version {found.version}): {names}.{of_room}"


def _in_force(unit: UnitConfig, trust: Path, decision: Decision) -> UnitConfig:
    """The unit's settings as they are in the room that it may sense now."""
    try:
        found = load_configuration(trust, unit, 0)
    except TrustError:
        return unit
    return applied(unit, found, decision.authorisation.room if decision.authorisation else "")


def _decision(utc_ms: int, papers: Papers, status: Status | None) -> Decision:
    """What the documents say now; where a running keeper has a reason against, that reason."""
    time = Known(utc_ms, utc_ms, "system")
    halted = bool(papers.halts - papers.lifted)
    situation = Situation(time, paused=False, camera_refused=False, halted=halted)
    by_papers = decide(situation, papers.authorisations, papers.withdrawn)
    if status is None or status.gate == "open" or not by_papers.open:
        return by_papers
    return Decision(status.gate)


def _senses(unit: UnitConfig, decision: Decision, papers: Papers) -> Iterator[str]:
    allowed, records = decision.authorisation, part("keeper") is not None
    yield "It senses"
    if allowed is None:
        reason = CLOSED.get(decision.reason, decision.reason)
        yield f"  nothing: the process that could open the camera does not run, because {reason}."
    else:
        yield f"  room {allowed.room}, under authorisation {allowed.id} for the purpose '{allowed.purpose}',"
        yield f"  from {_day(allowed.start)} until {_day(allowed.until)}, to be reviewed by {_day(allowed.review_by)}:"
        yield from (f"    {_SCOPES[scope]}" for scope in allowed.scopes if scope != "release" or records)
        if "release" in allowed.scopes and not records:
            yield "  It may also be recorded under a release, and cannot: stillroom-release is not installed here."
        yield f"  Consent: {allowed.consent or 'not named'}. Impact assessment: {allowed.assessment or 'not named'}."
    yield from _tells(unit.conditions)
    private = len(unit.zones.private)
    yield f"  Parts of the picture that are never read: {private or 'none'}."
    if unit.camera.kind != config.OWN_CAMERA:
        yield f"  Its camera is not a real one: {unit.camera.kind}."
    minutes = f"{unit.pause.duration_s / 60:g} minutes"
    yield f"  The button in the room stops all of it for {minutes}; pressed again, it goes on."
    light = "the camera stays closed" if unit.panel.required else "the camera may be open all the same"
    yield f"  Its light is on before the camera opens and while it may be open; where it does not work, {light}."
    for refused in papers.refused:
        yield f"  A document was refused: {refused.file}: {refused.reason}"


def _tells(conditions: ConditionsConfig) -> Iterator[str]:
    """Each condition of a person that is asked for, with its rows."""
    yield "  It tells of these conditions of a person, and of no others, none of them from breathing or pulse:"
    for kind in KINDS:
        for row in getattr(conditions, kind.key):
            when = (
                "at any time"
                if (row.start, row.until) == ("00:00", "24:00")
                else f"{row.start} to {row.until}"
            )
            yield f"    {kind.code}, level {row.level}, after {row.after_s:g} s, {when}"


def _day(moment: datetime) -> str:
    return utc_text(to_ms(moment))


def _keeps(unit: UnitConfig, status: Status | None) -> Iterator[str]:
    yield "It keeps"
    yield "  no picture: a frame is turned into a few thousand sums and handed back to the camera."
    yield from _recorded(unit.path(unit.paths.state) / RECORDINGS)
    yield "  its record of what was done with the camera, each link signed."
    yield f"  at most {unit.outbox.max_entries} events that the gateway has not confirmed yet; then they are deleted."
    if status is None:
        yield "  The keeper is not running, or has not said anything yet."
    else:
        link = "connected to the broker" if status.connected else "not connected to the broker"
        yield f"  Time is known by {_CLOCKS[status.clock]}."
        yield f"  Now: {status.accepted} events so far in its life, {status.waiting} waiting; {link}."


def _recorded(folder: Path) -> Iterator[str]:
    """What lies there of releases; who may not look says so."""
    try:
        files = {path.name: len(list(path.glob(f"*{SUFFIX}"))) for path in sorted(folder.iterdir())}
    except FileNotFoundError:
        return
    except OSError as error:
        yield f"  Whether there are recordings under a release cannot be seen: {error.strerror}."
        return
    for name, count in files.items():
        yield f"  {count} recordings of release {name}, sealed to its custodian; it cannot open them itself."


def _guards(status: Status | None) -> Iterator[str]:
    """Guard by guard, in which of the processes that run now it holds, and where it does not, why."""
    yield "It forbids itself"
    if status is None or not status.guards:
        yield "  No process of it says anything now; `stillroom check` says what this machine can enforce."
        return
    yield f"  in its processes that run now ({', '.join(sorted(status.guards))}), until they end:"
    for name, words in GUARDS.items():
        open_in = {
            process: rows.get(name, "it does not say")
            for process, rows in sorted(status.guards.items())
            if rows.get(name) != HOLDS
        }
        yield f"    {words}: {'holds' if not open_in else 'DOES NOT HOLD'}"
        yield from (f"      in {process}: {why}" for process, why in open_in.items())


def _event_kinds() -> tuple[type[events.Event], ...]:
    kinds: tuple[type[events.Event], ...] = events.Event.__args__
    return kinds


def _summary(kind: type) -> str:
    """The first sentence of the type's own description."""
    return (kind.__doc__ or kind.__name__).strip().split("\n")[0].split(". ")[0].rstrip(".")

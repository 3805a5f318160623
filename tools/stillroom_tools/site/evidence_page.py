"""The page beside a file of evidence: the same for people."""

from collections.abc import Iterator
from datetime import datetime

from stillroom.document_forms import to_ms
from stillroom_tools.site import audit_page
from stillroom_tools.site.audit_words import damaged, moment
from stillroom_tools.site.evidence_forms import (
    GAPS,
    NOT_STARTED,
    WHOLE,
    Allowed,
    Evidence,
    Known,
    UnitEvidence,
)
from stillroom_tools.site.report.burden_words import COLUMNS, NOTE, UNKNOWN, left_out, row
from stillroom_tools.site.report.simulated import sentences

ON_ITS_WAY_S = 60
"""So long after a withdrawal an open camera is no cause for alarm: it is on its way to the unit."""
NOTHING = "nothing known"


def page(evidence: Evidence) -> str:
    """Of the whole file."""
    period = f"from {evidence.start:%-d %b %Y} until {evidence.until:%-d %b %Y}, the last day not included"
    body = [f"<p class=small>Site {audit_page.code(evidence.site)}, {period}. All times are UTC.</p>"]
    names = ("Unit", "Camera open", "Asked to look", "Pauses", "Documents refused", "Record")
    body += audit_page.table(names, (_row(unit) for unit in evidence.units))
    body += [*_burden(evidence), *_simulated(evidence)]
    for unit in evidence.units:
        body += _unit_words(unit)
    body.append(
        f"<p class=small>Made {moment(to_ms(evidence.made))} and signed by the site's gateway, which "
        "says what it holds and no more. A facility can check it: <code>stillroom site evidence --check</code>; a "
        "unit's own record needs no trust in the facility: <code>stillroom site audit verify</code>. What the "
        "gateway itself raised an alarm about (a copied key, a card put back) it does not keep, and it is not here.</p>"
    )
    return audit_page.document("What the cameras were allowed to do, and did", body)


def _row(unit: UnitEvidence) -> tuple[str, ...]:
    name, record = audit_page.code(unit.unit), _record(unit.chain)
    if unit.known is None:
        return (name, *[NOTHING] * 4, record)
    more = " or more" if _doubt(unit.known) else ""
    counts = (f"{len(found)}{more}" for found in (unit.looks, unit.pauses, unit.refused))
    return (name, audit_page.text(_open_for(unit)), *counts, record)


def _burden(evidence: Evidence) -> Iterator[str]:
    """What alerts asked of staff: of all rooms together, so that no line tells of one resident."""
    burden = evidence.burden
    if burden is None:
        return
    yield "<h2>What alerts asked of staff</h2>"
    if not (burden.room_days or burden.kinds):
        yield f"<p>{NOTHING}: no room was sensed in this time.</p>"
        return
    yield (
        f"<p class=small>All rooms together: {burden.room_nights:.1f} room-nights and {burden.room_days:.1f} room-days "
        "were sensed; what was not sensed counts for nothing. Days and nights are of the site's own time zone. "
        f"{audit_page.text(NOTE)}. {UNKNOWN}</p>"
    )
    rows = (tuple(audit_page.text(cell) for cell in row(kind, burden)) for kind in burden.kinds)
    yield from (f"<p>{audit_page.text(line)}</p>" for line in left_out(burden))
    if burden.kinds:
        yield from audit_page.table(COLUMNS, rows)


def _simulated(evidence: Evidence) -> Iterator[str]:
    if evidence.simulated is not None:
        said = "".join(f"<li>{audit_page.text(line)}</li>" for line in sentences(evidence.simulated))
        yield f"<h3>Missed and false in simulated nights</h3><ul class=small>{said}</ul>"


def _record(chain: str) -> str:
    known = {
        WHOLE: "whole",
        GAPS: "whole but for what a damaged card has cost",
        NOT_STARTED: "has not started",
    }
    return known.get(chain, "<b>not whole</b>")


def _open_for(unit: UnitEvidence) -> str:
    return f"{'at least ' if unit.at_least else ''}{audit_page.duration(unit.sensed_s)}"


def _unit_words(unit: UnitEvidence) -> Iterator[str]:
    late = [one for one in unit.allowed if one.open_after_s > ON_ITS_WAY_S]
    good = unit.chain in (WHOLE, GAPS, NOT_STARTED) and not late
    yield f"<h2>Unit {audit_page.code(unit.unit)}</h2>"
    yield f"<p class='answer{'' if good else ' bad'}'>{audit_page.text(_answer(unit, late))}</p>"
    yield (
        f"<p class=small>Fingerprint {audit_page.code(unit.fingerprint)}; {unit.links} links. "
        f"{audit_page.text(_known(unit))}</p>"
    )
    yield from _table(
        "Authorisations",
        ("Id", "Room", "Scopes", "Purpose", "From", "Until", "Review by", "Taken back"),
        _papers(unit),
    )
    if unit.known is not None:
        yield from _events(unit)


def _answer(unit: UnitEvidence, late: list[Allowed]) -> str:
    """The most important first."""
    if unit.chain == NOT_STARTED:
        return "This unit has not started: the gateway has never heard of it."
    verdict = {
        WHOLE: "Its record is whole.",
        GAPS: "Its record is whole but for what a damaged card has cost: ",
    }
    said = verdict.get(unit.chain, f"Its record is not whole: {unit.chain}.")
    said += "; ".join(damaged(first, last) for first, last in unit.missing) + ("." if unit.missing else "")
    if unit.known is None:
        return f"Nothing is known of this time: no link of the unit's record tells of it. {said}"
    flags = "".join(
        f" It was open under {one.authorisation.id} for {audit_page.duration(one.open_after_s)} "
        "after that was taken back."
        for one in late
    )
    return f"The camera was open for {_open_for(unit)}.{flags} {said}"


def _known(unit: UnitEvidence) -> str:
    """How far what stands here goes."""
    if unit.known is None:
        return ""
    gone = _doubt(unit.known)
    doubt = f" What was said is not known of some: {' and '.join(gone)}." if gone else ""
    return (
        f"What is known goes from {_time(unit.known.start)} to {_time(unit.known.until)}, no further.{doubt}"
    )


def _doubt(known: Known) -> list[str]:
    """Which links tell nothing."""
    gone = [f"{audit_page.links_(known.erased)} erased"] if known.erased else []
    gone += [f"up to {audit_page.links_(known.missing)} lost with a damaged card"] if known.missing else []
    return gone + ([f"{audit_page.links_(known.outside)} not provable"] if known.outside else [])


def _events(unit: UnitEvidence) -> Iterator[str]:
    doubt = unit.known and " and ".join(_doubt(unit.known))
    none = f"Not known: {doubt}." if doubt else "None."
    opens = (
        (
            _time(o.opened),
            _time(o.closed)
            if o.certain
            else f"at least until {_time(o.closed)}; when it closed is not known",
        )
        for o in unit.open
    )
    yield from _table("Camera open", ("Open since", "Until"), opens, none)
    looks = ((_time(o.at), o.by, f"{o.level}, {o.seconds} s", o.reason, o.answer) for o in unit.looks)
    yield from _table("Asked to look, and refused", ("When", "Who", "What", "Why", "Answer"), looks, none)
    recorded = (
        (
            _time(r.at),
            _time(r.until) if r.until else "not known",
            f"{r.level}, {r.seconds} s",
            r.by,
            r.release,
        )
        for r in unit.recordings
    )
    yield from _table("Recorded", ("From", "Until", "What", "Signed by", "Release"), recorded, none)
    pauses = ((_time(p.at), p.by, _time(p.until), _time(p.ended) if p.ended else "") for p in unit.pauses)
    yield from _table("Pauses", ("When", "Who", "Asked for until", "Ended early"), pauses, none)
    halts = ((_time(h.at), h.halt, _time(h.lifted) if h.lifted else "not lifted") for h in unit.halts)
    yield from _table("Halts", ("When", "Halt", "Lifted"), halts, none)
    refused = ((_time(r.at), r.reason) for r in unit.refused)
    yield from _table("Documents refused", ("When", "Why"), refused, none)


def _papers(unit: UnitEvidence) -> Iterator[tuple[str, ...]]:
    for one in unit.allowed:
        paper = one.authorisation
        times = (_time(paper.start), _time(paper.until), _time(paper.review_by))
        ended = f"{_time(one.withdrawn)} (withdrawn)" if one.withdrawn else ""
        after = f"; open for {audit_page.duration(one.open_after_s)} after that" if one.open_after_s else ""
        yield (paper.id, paper.room, ", ".join(paper.scopes), paper.purpose, *times, ended + after)


def _table(
    title: str, names: tuple[str, ...], rows: Iterator[tuple[str, ...]], none: str = "None."
) -> Iterator[str]:
    cells = [tuple(audit_page.text(cell) for cell in row) for row in rows]
    yield f"<h3>{title}</h3>"
    yield from audit_page.table(names, cells) if cells else [f"<p>{none}</p>"]


def _time(when: datetime) -> str:
    return moment(to_ms(when))

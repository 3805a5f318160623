"""Pages that a resident, an advocate or an inspector can read or print: nothing is loaded from anywhere."""

import html
import itertools
from collections.abc import Iterable, Sequence

from stillroom.clock import MS_PER_S
from stillroom_tools.site.audit_facts import GRANTED, Facts, Halt, Look, Pause, gather
from stillroom_tools.site.audit_file import Head, Link
from stillroom_tools.site.audit_open import Period
from stillroom_tools.site.audit_part import Part
from stillroom_tools.site.audit_words import branches, moment, not_whole, whole, words

_STYLE = (
    "body{font:17px/1.55 Georgia,'DejaVu Serif',serif;max-width:50rem;margin:2.5rem auto;padding:0 1.2rem;color:#111;"
    "background:#fff}h1{font-size:1.7rem;line-height:1.2;margin-bottom:.2rem}h2{font-size:1.2rem;margin:2.2rem 0 .4rem}"
    "h3{font-size:1rem;margin:1.4rem 0 .2rem}"
    "table{border-collapse:collapse;width:100%;font-size:.95rem}caption{text-align:left;color:#444;padding-bottom:.3rem}"
    "td,th{border-bottom:1px solid #ccc;padding:.35rem .8rem .35rem 0;text-align:left;vertical-align:top}"
    "th{border-bottom:2px solid #666}td:first-child{white-space:nowrap}code{overflow-wrap:anywhere;font-size:.85em}"
    ".answer{font-size:1.15rem;border-left:.4rem solid #2f6f4f;background:#f1f6f3;padding:.6rem .9rem;margin:1rem 0}"
    ".small{color:#444;font-size:.9rem}.bad{border-color:#a33;background:#fbf1f1}"
    "@media print{body{margin:0;font-size:11pt}h2{break-after:avoid}tr{break-inside:avoid}}"
)
MAX_ROWS = 2_000


def page(head: Head, part: Part, wrong: str | None = None) -> str:
    """One unit's chain: who looked, when the camera was on, who paused it, then all of it.

    wrong: what is, where the chain is not whole; then only what verifies counts.
    """
    links = part.links
    facts = gather(links, outside=part.outside)
    warning = " ".join([f"This record is not whole: {wrong}.", *not_whole(part)])
    told = f"not whole: {wrong}" if wrong else whole(head, links)
    body = [
        f"<p class=small>Unit {code(head.unit)} of site {code(head.site)}, from {moment(links[0].at_ms)} to "
        f"{moment(links[-1].at_ms)}. All times are UTC.</p>",
        *([f"<p class='answer bad'>{text(warning)}</p>"] if wrong else []),
        *looks(facts),
        *recordings(facts),
        *periods(facts),
        *pauses(facts),
        *halts(facts),
        "<h2>Everything that was written down</h2>",
        *_all(links),
        *(line for title, branch in branches(part) for line in (f"<h3>{text(title)}</h3>", *_all(branch))),
        f"<h2>How this can be checked</h2><p class=small>The record is {text(told)}.</p>"
        "<p class=small>Each line is signed by the unit itself. Whoever has the file and the fingerprint on the unit's "
        "label can check it with <code>stillroom site audit verify</code>, without asking the facility.</p>",
    ]
    return document("What was done with the camera", body)


def _all(links: Sequence[Link]) -> list[str]:
    """A row for each; one for a run of links that say the camera is open still: nobody reads 96 a day."""
    rows = []
    for _, found in itertools.groupby(links, _same_lease):
        run = list(found)
        more = f"; said {len(run)} times, last {moment(run[-1].at_ms)}" if len(run) > 1 else ""
        rows.append((moment(run[0].at_ms), text(words(run[0]) + more)))
    return table(("When", "What happened"), rows)


def _same_lease(link: Link) -> object:
    """The same for all links of one lease; another for each other link."""
    said = link.said()
    return (
        str((said.get("since_ms"), said.get("authorisation"))) if said.get("what") == "lease" else link.index
    )


def _times(looks: Sequence[Look]) -> str:
    return "once" if len(looks) == 1 else f"{len(looks)} times"


def looks(facts: Facts) -> list[str]:
    """Who looked, when, why, for how long."""
    found = facts.looks
    given = [one for one in found if one.answer == GRANTED]
    said = "Nobody has looked through this camera."
    if given:
        who = ", ".join(sorted({one.by for one in given}))
        said = f"Somebody has looked through this camera {_times(given)}: {who}."
    if len(found) > len(given):
        said += f" Somebody asked to, and was refused, {_times(found[len(given) :])}."
    doubtful = " bad" if facts.unknown and not found else ""
    rows = (
        (
            moment(one.at_ms),
            text(one.by),
            text(one.reason),
            text(f"{one.seconds} s, {one.level}"),
            text("looked" if one.answer == GRANTED else f"refused: {one.answer}"),
        )
        for one in found
    )
    return [
        "<h2>Who looked?</h2>",
        f"<p class='answer{doubtful}'>{text(as_far_as_known(facts, said if found else None, said))}</p>",
        *(table(("When", "Who asked", "Why", "For how long", "Answer"), rows) if found else []),
    ]


def recordings(facts: Facts) -> list[str]:
    """What was recorded under releases, by whose word, and until when."""
    found = facts.recordings
    rows = (
        (
            moment(one.at_ms),
            text("not known" if one.ended_ms is None else moment(one.ended_ms)),
            text(f"{one.level} a second, {duration(one.seconds)}"),
            text(" and ".join(one.by.split())),
            code(one.release),
        )
        for one in found
    )
    times = "once" if len(found) == 1 else f"{len(found)} times"
    said = as_far_as_known(
        facts, f"Pictures were recorded {times}." if found else None, "No picture was recorded."
    )
    return [
        "<h2>Were pictures recorded?</h2>",
        f"<p>{text(said)}</p>",
        *(table(("From", "Until", "What", "Who had signed for it", "Release"), rows) if found else []),
    ]


def periods(facts: Facts) -> list[str]:
    """When the camera was open."""
    found = facts.open_periods
    rows = (
        (moment(one.from_ms), text(until(one)), text(duration((one.until_ms - one.from_ms) // MS_PER_S)))
        for one in found
    )
    times = "once" if len(found) == 1 else f"{len(found)} times"
    least = "at least " if facts.at_least else ""
    said = f"It was open {least}{times}, for {least}{duration(facts.sensed_s)} together."
    return [
        "<h2>When was the camera open?</h2>",
        f"<p>{text(as_far_as_known(facts, said if found else None, 'It was never open.'))}</p>",
        *(table(("Open since", "Until", "How long"), rows) if found else []),
    ]


def until(period: Period) -> str:
    """The end of it, where that is known."""
    end = moment(period.until_ms)
    return end if period.certain else f"at least until {end}; when it closed is not known"


def pauses(facts: Facts) -> list[str]:
    """Who paused it."""
    rows = ((moment(one.at_ms), text(one.by), text(pause_end(one))) for one in facts.pauses)
    said = as_far_as_known(facts, "" if facts.pauses else None, "Nobody has paused it.")
    return [
        "<h2>Who paused it?</h2>",
        *([f"<p>{text(said)}</p>"] if said else []),
        *(table(("When", "Who", "Until"), rows) if facts.pauses else []),
    ]


def pause_end(one: Pause) -> str:
    """Until when it was asked for, or when somebody ended it."""
    end = moment(one.until_ms)
    return f"{moment(one.ended_ms)}, ended early (asked for until {end})" if one.ended_ms else end


def halts(facts: Facts) -> list[str]:
    """When the facility halted it."""
    rows = ((moment(one.at_ms), text(one.id), text(lifted(one))) for one in facts.halts)
    said = as_far_as_known(facts, "" if facts.halts else None, "The facility has not halted it.")
    return [
        "<h2>Did the facility halt it?</h2>",
        *([f"<p>{text(said)}</p>"] if said else []),
        *(table(("When", "Halt", "Lifted"), rows) if facts.halts else []),
    ]


def lifted(one: Halt) -> str:
    return moment(one.lifted_ms) if one.lifted_ms is not None else "not lifted"


def as_far_as_known(facts: Facts, found: str | None, nothing: str) -> str:
    """What was found; or `nothing`, and not even that where a link that is gone could contradict it."""
    if not facts.unknown:
        return nothing if found is None else found
    gone = [f"{links_(facts.erased)} erased"] if facts.erased else []
    gone += [f"up to {links_(facts.missing)} lost with a damaged card"] if facts.missing else []
    gone += [f"{links_(facts.outside)} not provable"] if facts.outside else []
    doubt = " and ".join(gone)
    if found is None:
        return f"Not known: {doubt}."
    return f"{found} Whether there is more is not known: {doubt}.".strip()


def links_(count: int) -> str:
    return "1 link was" if count == 1 else f"{count} links were"


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Cells are HTML already. At most `MAX_ROWS` of them, and it is said where there are more."""
    shown = list(rows)
    more = len(shown) - MAX_ROWS
    heads = "".join(f"<th scope=col>{html.escape(name)}</th>" for name in names)
    lines = [f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in shown[-MAX_ROWS:]]
    caption = (
        f"<caption>The newest {MAX_ROWS}; {more} older ones are in the file.</caption>" if more > 0 else ""
    )
    return [f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>", *lines, "</tbody></table>"]


def document(title: str, body: Iterable[str]) -> str:
    """A page of its own."""
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>\n<h1>{html.escape(title)}</h1>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def text(words_: str) -> str:
    return html.escape(words_)


def code(words_: str) -> str:
    return f"<code>{html.escape(words_)}</code>"


def duration(seconds: int) -> str:
    """`2 h 5 min`, `40 s`"""
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"

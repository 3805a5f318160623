"""Pages that a resident, an advocate or an inspector can read or print: nothing is loaded from anywhere."""

import html
from collections.abc import Iterable, Sequence

from stillroom.clock import MS_PER_S
from stillroom.document_forms import from_ms
from stillroom_tools.site.audit_facts import Facts, Look, Period, gather
from stillroom_tools.site.audit_file import Head, Link, missing
from stillroom_tools.site.audit_words import LAST_MS, whole, words

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


def page(head: Head, links: Sequence[Link]) -> str:
    """One unit's chain: who looked, when the camera was on, who paused it, then all of it."""
    facts = gather(links)
    unknown = sum(link.erased for link in links) + sum(last - first + 1 for first, last in missing(links))
    body = [
        f"<p class=small>Unit {code(head.unit)} of site {code(head.site)}, from {moment(links[0].at_ms)} to "
        f"{moment(links[-1].at_ms)}. All times are UTC.</p>",
        *looks(facts.looks, unknown),
        *periods(facts.open_periods),
        *pauses(facts),
        "<h2>Everything that was written down</h2>",
        *table(("When", "What happened"), ((moment(link.at_ms), text(words(link))) for link in links)),
        f"<h2>How this can be checked</h2><p class=small>The record is {text(whole(head, links))}.</p>"
        "<p class=small>Each line is signed by the unit itself. Whoever has the file and the fingerprint on the unit's "
        "label can check it with <code>stillroom site audit verify</code>, without asking the facility.</p>",
    ]
    return document("What was done with the camera", body)


def looks(found: Sequence[Look], unknown: int) -> list[str]:
    """Who looked, when, why, for how long. `unknown`: how many entries were erased or may be missing."""
    what = (
        "Nobody has looked through this camera."
        if not found
        else (
            "Nobody has looked through this camera. Somebody asked to, and was refused, "
            + ("once" if len(found) == 1 else f"{len(found)} times")
            + "."
        )
    )
    doubt = f" Of {unknown} entries of the record it is not known what they said." if unknown else ""
    rows = (
        (
            moment(one.at_ms),
            text(one.by),
            text(one.reason),
            text(f"{one.seconds} s, {one.level}"),
            text(f"refused: {one.answer}"),
        )
        for one in found
    )
    return [
        "<h2>Who looked?</h2>",
        f"<p class=answer>{text(what + doubt)}</p>",
        *(table(("When", "Who asked", "Why", "For how long", "Answer"), rows) if found else []),
    ]


def periods(found: Sequence[Period]) -> list[str]:
    """When the camera was open."""
    total_s = sum(one.until_ms - one.from_ms for one in found) // MS_PER_S
    rows = (
        (
            moment(one.from_ms),
            moment(one.until_ms) + ("" if one.certain else " <i>(the last that is known)</i>"),
            text(duration((one.until_ms - one.from_ms) // MS_PER_S)),
        )
        for one in found
    )
    times = "once" if len(found) == 1 else f"{len(found)} times"
    said = f"It was open {times}, for {duration(total_s)} together." if found else "It was never open."
    return [
        "<h2>When was the camera open?</h2>",
        f"<p>{text(said)}</p>",
        *(table(("From", "Until", "How long"), rows) if found else []),
    ]


def pauses(facts: Facts) -> list[str]:
    """Who paused it."""
    rows = ((moment(one.at_ms), text(one.by), text(one.how_long)) for one in facts.pauses)
    said = table(("When", "Who", "For how long"), rows) if facts.pauses else ["<p>Nobody has paused it.</p>"]
    return ["<h2>Who paused it?</h2>", *said]


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


def moment(utc_ms: int) -> str:
    """`25 Nov 2026, 16:32:45`"""
    return f"{from_ms(min(utc_ms, LAST_MS)):%-d %b %Y, %H:%M:%S}"


def duration(seconds: int) -> str:
    """`2 h 5 min`, `40 s`"""
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"

"""The suite's result as one HTML page: no host, no script, nothing of anybody's face."""

from collections.abc import Iterator
from html import escape

from stillroom_tools import svg
from stillroom_tools.site.intruder.found import Control, Found, Gain, Row
from stillroom_tools.site.intruder.words import ASSUMED, verdicts

STYLE = """
:root{--ink:#1c2430;--soft:#5b6676;--line:#d8dee6;--back:#fff;--one:#1f6f8b;--many:#b3364b;--good:#2d7d46}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9f0;--soft:#9aa7b8;--line:#36404e;--back:#12171e;--one:#63bcd9;
--many:#f0788c;--good:#6cc287}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:1000px;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}p,li{max-width:74ch}.soft{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-size:.86rem}td,th{padding:.22rem .6rem .22rem 0;text-align:left;
border-bottom:1px solid var(--line)}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.wide{overflow-x:auto}.good{color:var(--good);font-weight:600}.bad{color:var(--many);font-weight:600}
svg{width:100%;height:auto;max-width:760px}svg text{font-size:12px;fill:var(--ink)}
.one{fill:var(--one)}.many{fill:var(--many)}
.bound{stroke:var(--ink)}.chance{stroke:var(--good);stroke-dasharray:5 4}.axis{stroke:var(--line)}
"""
_PLOT = 760, 210
_LEFT, _BOTTOM = 46, 40


def page(found: Found) -> str:
    """The whole page."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>Stillroom: intruder</title><style>{STYLE}</style><h1>What a view gives away, tried</h1>",
        f"<p class=soft>{'Full' if found.full else 'Short'} run. A gallery of {found.faces} faces; blind guessing "
        f"finds {found.chance:.0%}. A floor is kept where the first guess is right in at most "
        f"{found.most_allowed:.0%}, by the upper bound at 95 % (Clopper and Pearson).</p>",
        *(f"<p>{escape(each)}</p>" for each in verdicts(found)),
        "<h2>What the attacks had to break</h2>",
        "<p>Where one of these stands, the attacker is too weak, and nothing on this page means anything.</p>",
        _table(("control", "needed", "measured", ""), [_control(each) for each in found.controls]),
        "<h2><code>figure</code></h2>",
        "<p>Faces and builds through keeper and eye to sealed bytes, opened by the viewer, matched with what the same "
        "people look like through the same level.</p>",
        _table(_HEAD, [_cells(row, found) for row in found.figure]),
        "<h2><code>picture</code></h2>",
        *(part for distance in found.distances for part in _at(found, distance)),
        "<h2>What many frames give back</h2>",
        "<p>A face restored by Wiener's filter from one frame and from many at known places: peak signal to error, and "
        "the line pairs across a face that come back.</p>",
        _table(_GAINS, [_gain(gain) for gain in found.gains]),
        "<h2>What this is worth</h2><ul>",
        *(f"<li>{escape(each)}</li>" for each in ASSUMED),
        "</ul></html>",
    ]
    return "\n".join(parts)


_HEAD = (
    "level",
    "greys",
    "squares a face",
    "frames",
    "probes",
    "first guess right",
    "at most",
    "best way",
    "",
)
_GAINS = (
    "level",
    "distance",
    "frames",
    "dB from one",
    "dB from many",
    "gain",
    "pairs from one",
    "pairs from many",
)


def _control(each: Control) -> Iterator[str]:
    yield from (f"<td>{escape(said)}" for said in (each.name, each.needed, each.measured))
    yield "<td class=good>broken" if each.broken else "<td class=bad>NOT BROKEN"


def _cells(row: Row, found: Found) -> Iterator[str]:
    yield f"<td>{escape(row.level)}"
    squares = f"{row.face_squares:.2f}" if row.face_squares else ""
    for said in (row.steps or "", squares, row.frames, row.probes, f"{row.rank1:.1%}", f"{row.most:.1%}"):
        yield f"<td class=n>{said}"
    yield f"<td>{escape(row.way)}"
    yield "<td class=good>kept" if row.most <= found.most_allowed else "<td class=bad>found"


def _gain(gain: Gain) -> Iterator[str]:
    yield f"<td>{escape(gain.level)}"
    numbers = (
        f"{gain.distance_m:g} m",
        str(gain.frames),
        *(f"{db:.1f}" for db in (gain.one_db, gain.many_db)),
    )
    for said in (*numbers, f"{gain.gain_db:+.1f}", f"{gain.one_pairs:.1f}", f"{gain.many_pairs:.1f}"):
        yield f"<td class=n>{said}"


def _at(found: Found, distance_m: float) -> Iterator[str]:
    rows = [row for row in found.rows if row.distance_m == distance_m]
    yield f"<h3>A face {distance_m:g} m away</h3>"
    yield _plot(rows, found)
    yield _table(_HEAD, [_cells(row, found) for row in rows])


def _plot(rows: list[Row], found: Found) -> str:
    """Bars of the share found, with their bounds; the first count of frames and the last, for each level."""
    levels = list(dict.fromkeys(row.level for row in rows))
    wide = (_PLOT[0] - _LEFT) / max(1, len(levels))
    parts = [_line(found.most_allowed, "chance"), *(_scale(share) for share in (0.0, 0.5, 1.0))]
    for at, level in enumerate(levels):
        x = _LEFT + at * wide
        mine = [row for row in rows if row.level == level]
        for place, row in enumerate((mine[0], *mine[-1:]) if len(mine) > 1 else mine):
            parts.append(_bar(x + wide * (0.12 + 0.36 * place), wide * 0.32, row, "many" if place else "one"))
        words = level.removeprefix("squares of ").replace(" greys", "")
        parts.append(svg.text(x + wide / 2, _PLOT[1] - 22, words, text_anchor="middle"))
    parts.append(
        svg.text(
            _LEFT,
            _PLOT[1] - 4,
            "side of the squares; left bar one frame, right bar many; dashed: what is allowed",
        )
    )
    return svg.tag(
        "svg", *parts, viewBox=f"0 0 {_PLOT[0]} {_PLOT[1]}", role="img", aria_label="share of faces found"
    )


def _y(share: float) -> float:
    return 8 + (1.0 - share) * (_PLOT[1] - _BOTTOM - 8)


def _line(share: float, kind: str) -> str:
    return svg.tag("line", x1=_LEFT, x2=_PLOT[0], y1=_y(share), y2=_y(share), class_=kind)


def _scale(share: float) -> str:
    return _line(share, "axis") + svg.text(_LEFT - 6, _y(share) + 4, f"{share:.0%}", text_anchor="end")


def _bar(x: float, wide: float, row: Row, kind: str) -> str:
    said = svg.title(f"{row.level}, {row.frames} frames: {row.rank1:.1%}, at most {row.most:.1%}")
    bar = svg.tag("rect", said, x=x, width=wide, y=_y(row.rank1), height=_y(0) - _y(row.rank1), class_=kind)
    middle = x + wide / 2
    return bar + svg.tag("line", x1=middle, x2=middle, y1=_y(row.rank1), y2=_y(row.most), class_="bound")


def _table(head: tuple[str, ...], rows: list[Iterator[str]]) -> str:
    first = "".join(f"<th>{escape(each)}" for each in head)
    body = "".join(f"<tr>{''.join(row)}" for row in rows)
    return f"<div class=wide><table><thead><tr>{first}</thead><tbody>{body}</tbody></table></div>"

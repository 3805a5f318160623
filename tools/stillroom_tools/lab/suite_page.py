"""The suite's result as one HTML page: no host, no script, plots inside it."""

from collections.abc import Callable, Iterator
from html import escape
from typing import Any

import numpy as np

from stillroom_tools.lab.suite_cell import FAR_WRONG, NEAR, QUANTITIES, Cell, Quantity
from stillroom_tools.lab.suite_figures import Tally, agreement, risk_coverage
from stillroom_tools.lab.suite_plots import Plot, bar, percent
from stillroom_tools.lab.suite_recordings import FAMILY
from stillroom_tools.lab.suite_summary import NOT_CALIBRATED, NOT_TESTED, Group, Summary, Target

NAMES: dict[Quantity, str] = {"pulse_bpm": "Pulse", "breaths_per_min": "Breathing"}
UNITS: dict[Quantity, str] = {"pulse_bpm": "beats/min", "breaths_per_min": "breaths/min"}
RANGES: dict[Quantity, tuple[float, float]] = {"pulse_bpm": (40.0, 185.0), "breaths_per_min": (4.0, 46.0)}
MOST_DOTS = 2500

STYLE = """
:root{--ink:#1c2430;--soft:#5b6676;--line:#d8dee6;--back:#fff;--pulse:#b3364b;--breath:#1f6f8b;--good:#2d7d46;--bad:#b3364b}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9f0;--soft:#9aa7b8;--line:#36404e;--back:#12171e;--pulse:#f0788c;
--breath:#63bcd9;--good:#6cc287;--bad:#f0788c}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:1080px;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.4rem 0 .6rem}p{max-width:70ch;margin:.4rem 0 .8rem}
.soft,caption{color:var(--soft)}table{border-collapse:collapse;width:100%;font-size:.86rem}
td,th{padding:.22rem .6rem .22rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}tbody th{padding-top:.9rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(330px,1fr));gap:1.2rem}figure{margin:0}
figcaption{font-weight:600;font-size:.9rem}svg{width:100%;height:auto;overflow:visible}
svg text{font-size:11px;fill:var(--ink)}
svg text.small{font-size:9.5px;fill:var(--soft)}.frame{fill:none;stroke:var(--line)}
.grid{stroke:var(--line);stroke-width:.6}
.dots{fill:none;stroke-linecap:round;opacity:.35}.line{fill:none;stroke-width:1.8}.pulse_bpm{stroke:var(--pulse)}
.breaths_per_min{stroke:var(--breath)}circle.pulse_bpm{fill:var(--pulse);opacity:.8;stroke:none}
circle.breaths_per_min{fill:var(--breath);opacity:.8;stroke:none}
circle.fitted{opacity:.25}circle.families{fill:none;stroke-width:2}circle.families.pulse_bpm{stroke:var(--pulse)}
circle.families.breaths_per_min{stroke:var(--breath)}
.ideal{stroke:var(--soft);stroke-dasharray:4 4;stroke-width:1}
.bar{display:inline-block;width:4.2rem;height:.55rem;background:var(--line);border-radius:2px;margin-right:.4rem}
td:has(.bar){white-space:nowrap}
.bar i{display:block;height:100%;border-radius:2px;background:var(--soft)}.bar.pulse_bpm i{background:var(--pulse)}
.bar.breaths_per_min i{background:var(--breath)}td b{font-weight:400;font-variant-numeric:tabular-nums}
.met{color:var(--good);font-weight:600}.missed{color:var(--bad);font-weight:600}.none{color:var(--soft)}
.wide{overflow-x:auto}
"""


def page(summary: Summary) -> str:
    """The whole page."""
    simulated = [cell for cell in summary.cells if not cell.family.startswith(FAMILY)]
    kind = "full" if summary.full else "short"
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>Stillroom: readings</title><style>{STYLE}</style>",
        "<h1>Readings, tried</h1>",
        f"<p class=soft>{kind} suite, {len(simulated)} simulated cells ({summary.seeds} seeds each), "
        f"{len(summary.cells) - len(simulated)} recordings. No medical device; no reading here is for diagnosis.</p>",
        "<h2>Simulated rooms: what is aimed at</h2>",
        "<p>Simulated people are no evidence about real ones. They show where a method fails, not that it works.</p>",
        _targets(summary.targets),
        *_plots(simulated, summary),
        "<h2>By skin tone (still, visible light, enough skin, little noise)</h2>",
        _table(summary.by_tone),
        "<h2>By cells of skin (everybody in visible light; a cell is 8x8 pixels)</h2>",
        _table(summary.by_skin),
        "<h2>By condition</h2>",
        "<p>Coverage: of the seconds in which a reading was due (35 s after lying still; with nobody there, "
        "from 20 s on). "
        "Error and far wrong: of all readings given at any time. Where nobody is, every reading is far wrong.</p>",
        _table(summary.simulated),
        f"<h2>Recordings of real people: {NOT_CALIBRATED}</h2>",
        *_recordings(summary),
        "<h2>Not tested</h2><ul>",
        *(f"<li>{escape(each)}</li>" for each in NOT_TESTED),
        "</ul></html>",
    ]
    return "\n".join(parts)


def _recordings(summary: Summary) -> Iterator[str]:
    if not summary.recordings:
        yield "<p>Not tested: no recordings were found (<code>--recordings DIR</code>).</p>"
        return
    yield "<p>Read over the whole picture. A scrambled recording holds no rate: every reading of it is far wrong.</p>"
    if summary.real_targets:
        yield _targets(summary.real_targets)
    yield _table(summary.recordings)


def _targets(targets: list[Target]) -> str:
    rows = [
        f"<tr><td>{NAMES[t.quantity]}<td>{escape(t.condition)}<td>{escape(t.aim)}<td>{escape(t.measured)}<td>{_met(t)}"  # type: ignore[index]
        for t in targets
    ]
    head = "<tr><th><th>condition<th>aim<th>measured<th>"
    return f"<div class=wide><table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table></div>"


def _met(target: Target) -> str:
    if target.met is None:
        return ""
    return "<span class=met>met</span>" if target.met else "<span class=missed>missed</span>"


def _plots(cells: list[Cell], summary: Summary) -> Iterator[str]:
    plots: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
        (
            "Risk against coverage",
            "All simulated readings in order of their quality: how many are far wrong when so many are accepted. "
            "Readings where nobody was there count as wrong.",
            lambda q: _risk(cells, q),
        ),
        (
            "Reliability",
            "Quality is the probability of being near the truth (pulse within 3, breathing within 1.5 a minute). On "
            "the dashed line it keeps its word. Discs grow with the number of readings: pale are those it was fitted "
            "on, full ones other seeds, rings families of conditions that were kept back. For real people: "
            f"{NOT_CALIBRATED}.",
            lambda q: _reliability(summary, q),
        ),
        (
            "Agreement (Bland-Altman, against the known truth)",
            "Each dot one reading; lines: mean difference and 1.96 standard deviations around it.",
            lambda q: _agreement(cells, q),
        ),
    )
    for title, words, draw in plots:
        yield f"<h2>{title}</h2><p class=soft>{words}</p><div class=pair>"
        for quantity in QUANTITIES:
            yield f"<figure><figcaption>{NAMES[quantity]}</figcaption>{draw(quantity)}</figure>"
        yield "</div>"


def _risk(cells: list[Cell], quantity: Quantity) -> str:
    points = risk_coverage(cells, quantity)
    most = max([0.02, *(1.1 * risk for _, risk in points)])
    limit = f"far wrong (> {FAR_WRONG[quantity]:g}), share"
    plot = Plot((0.0, 1.0), (0.0, most), "coverage of all seconds with somebody there", limit)
    plot.level(0.01, "ideal", "1 %")
    plot.line(points, quantity)
    return plot.svg() if points else "<p>Nothing was read.</p>"


def _reliability(summary: Summary, quantity: Quantity) -> str:
    plot = Plot((0.0, 1.0), (0.0, 1.0), "quality stated", f"share within {NEAR[quantity]:g}/min")
    plot.line([(0.0, 0.0), (1.0, 1.0)], "ideal")
    words = []
    for part, seen in summary.calibration[quantity].items():
        if seen["readings"]:
            bins = [(each["quality"], each["near"], each["readings"]) for each in seen["bins"]]
            plot.sized(bins, f"{quantity} {part.partition(' ')[0]}")
            words.append(f"{part}: {seen['expected_error']:.3f} of {seen['readings']} readings")
    if not words:
        return "<p>Nothing was read.</p>"
    return plot.svg() + f"<p class=soft>Expected calibration error, {'; '.join(words)}</p>"


def _agreement(cells: list[Cell], quantity: Quantity) -> str:
    points = agreement(cells, quantity)
    if not points:
        return "<p>Nothing was read.</p>"
    away = np.array([difference for _, difference in points])
    mean, spread = float(away.mean()), 1.96 * float(away.std())
    reach = min(4.0 * FAR_WRONG[quantity], max(FAR_WRONG[quantity], 1.1 * float(np.abs(away).max())))
    plot = Plot(RANGES[quantity], (-reach, reach), f"true {UNITS[quantity]}", "reading minus truth")
    plot.dots(points[:: max(1, len(points) // MOST_DOTS)], quantity)
    plot.level(mean, "ideal")
    plot.level(mean + spread, "ideal", f"{mean + spread:+.2f}")
    plot.level(mean - spread, "ideal", f"{mean - spread:+.2f}", below=True)
    beyond = int((np.abs(away) > reach).sum())
    note = f"; {beyond} beyond the picture are drawn at its edge" if beyond else ""
    return plot.svg() + f"<p class=soft>{len(points)} readings, mean {mean:+.2f}{note}</p>"


def _table(groups: list[Group]) -> str:
    sides = "".join(
        f"<th>{NAMES[q]}: coverage<th class=n>mean error<th class=n>far wrong<th>withheld" for q in QUANTITIES
    )
    rows, family = [], ""
    for group in groups:
        if group.family != family:
            family = group.family
            rows.append(f"<tr><th colspan=9>{escape(family)}</th></tr>")
        cells = "".join(_cells(group.of(quantity), quantity) for quantity in QUANTITIES)
        rows.append(f"<tr><td>{escape(group.value)}{cells}</tr>")
    return f"<div class=wide><table><thead><tr><th>{sides}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"


def _cells(seen: Tally, quantity: Quantity) -> str:
    if not seen.windows and not seen.all_emitted:
        return "<td class=none colspan=4>nothing known to compare with"
    error = "-" if seen.mae is None else f"{seen.mae:.2f}"
    far = "-" if not seen.all_emitted else f"{seen.far_wrong} of {seen.all_emitted}"
    wrong = " missed" if seen.far_wrong else ""
    total = max(1, sum(seen.reasons.values()))
    reasons = ", ".join(f"{name} {percent(count / total)}" for name, count in list(seen.reasons.items())[:2])
    return (
        f"<td>{bar(seen.coverage, quantity)}<td class=n>{error}<td class='n{wrong}'>{far}"
        f"<td class=soft>{escape(reasons)}"
    )

"""A self-test for people: a table for a terminal, and one page that stands alone and prints on a sheet of paper."""

from collections.abc import Iterator
from html import escape

from stillroom.selftest_forms import Check, Report, camera_tested

MEANINGS = {
    "camera": "The camera is there and says what it is",
    "camera-start": "From asking for the camera to its first frame",
    "focus": "Sharpness of the chart's edge (MTF50)",
    "exposure": "Mean brightness of the picture, of 255",
    "clipped": "Pixels that are all black or all white",
    "gain": "How much the camera has to amplify",
    "infrared": "Brightness by the unit's own light alone",
    "frame-rate": "By how much the frames' pace is another than asked for",
    "drops": "Frames that never came",
    "jitter": "Frames early or late; nineteen in twenty are less",
    "kernel": "Values of the C core that differ from its reference",
    "models": "Weights, byte for byte the right ones",
    "inference": "All three models, one after another",
    "clock": "By how much the system clock may be wrong",
    "card-write": "Writing to the card, flushed",
    "card-flush": "One page and its flush, the ninth of ten",
    "card-wear": "How worn the card is",
    "temperature": "The hottest sensor of the board",
    "throttling": "How often the board had to slow down",
    "indicator": "The light that tells the room",
    "button": "The button that pauses",
    "guards": "What each process must be refused, and is not",
    "breathing": "The phantom's breathing",
    "pulse": "The phantom's pulse",
    "soak-rate": "Pace of the frames over all hours",
    "soak-drops": "Frames that never came, over all hours",
    "soak-drift": "Change of their pace, from first tenth to last",
    "soak-memory": "Growth of the camera's process",
    "soak-heat": "The hottest moment of all hours",
}
"""Each check in plain words."""
_MARKS = {True: "passed", False: "FAILED", None: "not tested"}


def table(report: Report) -> str:
    """Lines for a terminal."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"Self-test of unit {report.unit}, {report.fingerprint}"
    yield f"  {_when(report)}, profile {report.profile}, camera {report.camera}; limits of {report.limits.limits_of}"
    yield f"  the camera: {report.allowed}"
    for one in report.checks:
        yield f"  {_MARKS[one.passed]:<10}  {one.check:<12}  {_measured(one)}"
        if one.why:
            yield f"              {'':<12}  {one.why}"
    yield _summary(report)


def _summary(report: Report) -> str:
    counts = {mark: sum(one.passed is mark for one in report.checks) for mark in (True, False, None)}
    said = f"{counts[True]} passed, {counts[False]} failed, {counts[None]} not tested"
    if report.passed:
        return f"PASSED: {said}"
    if not counts[False] and not camera_tested(report.checks):
        return f"NOT PASSED: passed what was tested: the camera was not ({said})"
    untested = report.profile == "care" and not counts[False]
    return f"NOT PASSED: {said}" + ("; profile 'care' leaves nothing untested" if untested else "")


def _measured(one: Check) -> str:
    if one.value is None:
        return "-"
    margin = (
        ""
        if one.margin is None
        else f", {one.margin:+g} inside"
        if one.margin >= 0
        else f", {-one.margin:g} outside"
    )
    limit = f" ({one.limit}{margin})" if one.limit else ""
    return f"{_value(one)}{limit}"


def _value(one: Check) -> str:
    if one.value is None:
        return "-"
    text = f"{one.value:g}" if isinstance(one.value, float) else one.value
    return f"{text} {one.unit}".strip()


def _when(report: Report) -> str:
    soaked = f", with {report.hours:g} hours of frames" if report.hours else ""
    return f"{report.at:%Y-%m-%d %H:%M:%S} UTC{soaked}"


def page(report: Report) -> str:
    """HTML without anything from elsewhere: no script, no font, no picture."""
    rows = "\n".join(_row(one) for one in report.checks)
    state = "passed" if report.passed else "failed"
    facts = "\n".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        for name, value in (
            ("Unit", f"{report.unit}, site {report.site}"),
            ("Fingerprint", report.fingerprint),
            ("Tested", _when(report)),
            ("Profile, camera", f"{report.profile}, {report.camera}"),
            ("The camera", report.allowed),
            ("Software", report.software),
            ("Models", "; ".join(f"{name} {sha}" for name, sha in report.models.items()) or "none"),
            ("Limits", f"{report.limits.limits_of} (sha256 {report.limits.sha256})"),
            ("Phantom", f"sha256 {report.phantom}" if report.phantom else "none"),
        )
    )
    return _PAGE.format(
        title=escape(f"Self-test of {report.unit}"),
        state=state,
        summary=escape(_summary(report)),
        facts=facts,
        rows=rows,
    )


def _row(one: Check) -> str:
    mark = {True: "passed", False: "failed", None: "untested"}[one.passed]
    margin = "" if one.margin is None else f"{one.margin:+g}"
    meaning = MEANINGS.get(one.check, "")
    why = f"<br><small>{escape(one.why)}</small>" if one.why else ""
    cells = (escape(meaning) + why, escape(_value(one)), escape(one.limit), escape(margin))
    return (
        f'<tr class="{mark}"><th scope="row">{escape(one.check)}</th><td>{cells[0]}</td>'
        + "".join(
            f'<td class="n" data-name="{name}">{cell}</td>'
            for name, cell in zip(_NUMBERS, cells[1:], strict=True)
        )
        + f'<td class="mark">{_MARKS[one.passed]}</td></tr>'
    )


_NUMBERS = ("Value", "Limit", "Margin")
"""Heads of the columns; on a telephone they stand beside each number."""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root {{ color-scheme: light; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --ok: #116329; --bad: #a40e26; }}
body {{ font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: #fff; }}
body {{ max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; margin: 0 0 .5rem; }}
.verdict {{ display: inline-block; font-weight: 700; padding: .35rem .8rem; margin: 0 0 1rem; }}
.verdict {{ border: 2px solid; border-radius: .4rem; }}
.verdict.passed {{ color: var(--ok); }} .verdict.failed {{ color: var(--bad); }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0 0 1.2rem; }}
dt {{ color: var(--soft); }} dd {{ margin: 0; overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .35rem .5rem; border-bottom: 1px solid var(--line); }}
thead th {{ color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--line); }}
th[scope=row] {{ white-space: nowrap; }}
td.n {{ white-space: nowrap; font-variant-numeric: tabular-nums; }}
td.mark {{ font-weight: 700; white-space: nowrap; }}
.passed .mark {{ color: var(--ok); }} .failed .mark {{ color: var(--bad); }}
.untested .mark {{ color: var(--soft); font-weight: 400; }}
.failed {{ background: #ffebe9; }} small {{ color: var(--soft); }}
footer {{ color: var(--soft); font-size: .85rem; margin-top: 1rem; }}
@media screen and (max-width: 44rem) {{
  body {{ margin: 1rem auto; }} dl {{ grid-template-columns: minmax(0, 1fr); }} dd {{ margin-bottom: .4rem; }}
  thead {{ position: absolute; clip-path: inset(50%); }} table, tbody {{ display: block; }}
  tr {{ display: grid; grid-template-columns: minmax(0, 1fr) max-content; column-gap: .6rem; padding: .5rem .35rem; }}
  tr {{ border-bottom: 1px solid var(--line); }} th, td {{ border: 0; padding: 0; }}
  td {{ grid-column: 1 / -1; overflow-wrap: anywhere; }} td.mark {{ grid-area: 1 / 2; }}
  td.n {{ white-space: normal; }} td.n:empty {{ display: none; }}
  td.n::before {{ content: attr(data-name) ": "; color: var(--soft); }} }}
@media print {{
  body {{ margin: 0; max-width: none; font-size: 9.5pt; }} th, td {{ padding: .15rem .35rem; }}
  tr {{ break-inside: avoid; }} .failed {{ background: none; }} @page {{ margin: 14mm; }} }}
</style></head><body>
<main>
<h1>{title}</h1>
<p class="verdict {state}">{summary}</p>
<dl>
{facts}
</dl>
<table><thead><tr><th scope="col">Check</th><th scope="col">What it is</th><th scope="col">Value</th>
<th scope="col">Limit</th><th scope="col">Margin</th><th scope="col">Result</th></tr></thead>
<tbody>
{rows}
</tbody></table>
</main>
<footer>This page is not signed; the JSON report of the same test is (<code>stillroom make selftest verify FILE</code>).
Margin: how far inside the limit, in the value's unit; below zero it is outside. Not a medical device.</footer>
</body></html>
"""

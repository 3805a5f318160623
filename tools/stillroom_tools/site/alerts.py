"""`stillroom site alerts`: the alerts that stand, and what people do about them, through the running gateway.

`acknowledge`, `pause-audio` and `pause-alarm` make alerts silent for a while (`[alerts]` in site.toml), and whoever is
named with `--by` owns them meanwhile; `attend` says that he is in the room. Only that closes a high alert. The board
signs.
"""

import argparse
import secrets
import sys
import time
from pathlib import Path

import msgspec

from stillroom.clock import Clock, SystemClock
from stillroom.document_forms import Code, now
from stillroom.errors import EXIT_OK, ConfigError, StillroomError
from stillroom.files import make_folder, replace_file
from stillroom.notes import sign_note
from stillroom.public_keys import PlainName
from stillroom_tools.site.gateway import alert_file
from stillroom_tools.site.gateway.acts import KIND, AlertAct
from stillroom_tools.site.gateway.alert_book import line, words
from stillroom_tools.site.gateway.alert_forms import Alert
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.room_words import span
from stillroom_tools.site.send import unit_id

HELP = "the alerts that stand; acknowledge, pause or attend them"

WAIT_S = 5.0
_ACTS = {
    "acknowledge": "take them on: silent for a while, and yours",
    "pause-audio": "no sound for a short while, and yours meanwhile",
    "pause-alarm": "neither sound nor colour for a short while, and yours meanwhile",
    "attend": "say that you are in the room: only this closes a high alert",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="act", metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="what stands now, the most urgent first")
    listing.add_argument("unit", type=Path, nargs="?", metavar="UNIT", help="of this unit alone")
    listing.add_argument("--json", action="store_true", help="a line of JSON for each")
    for act, text in _ACTS.items():
        command = commands.add_parser(act, help=text, description=text)
        command.add_argument("unit", type=Path, metavar="UNIT", help="the unit's id, or its folder")
        command.add_argument("--by", required=True, metavar="NAME", help="who does it: 1 to 32 of a-z 0-9 -")
        command.add_argument("--kind", metavar="KIND", help="of this kind alone, as `list` names it (all)")
    for command in commands.choices.values():
        command.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, TrustError: no such unit; StorageError; StillroomError: no gateway that would answer."""
    site, clock = open_site(options.site), SystemClock()
    unit = unit_id(options.unit) if options.unit else None
    if options.act == "list":
        _list(_standing(site, clock, unit), clock.utc_ms(), unit, as_json=options.json)
        return EXIT_OK
    assert unit is not None
    by, kind = _checked(options.by, PlainName, "--by"), options.kind
    kind = _checked(kind, Code, "--kind") if kind is not None else None
    if not [alert for alert in _standing(site, clock, unit) if kind in (None, alert.kind)]:
        of = f" of kind '{kind}'" if kind else ""
        raise ConfigError(f"unit '{unit}' has no alert{of}: `stillroom site alerts list` names what stands")
    paper = AlertAct(at=now(clock), act=options.act, by=by, kind=kind, site=site.name, unit=unit)
    if not hand_over(site, paper):
        print(f"unit {paper.unit}: left for the gateway, which has not taken it yet", file=sys.stderr)
    for alert in _standing(site, clock, unit):
        print(_words(alert, clock.utc_ms()))
    return EXIT_OK


def _list(alerts: list[Alert], now_ms: int, unit: str | None, *, as_json: bool) -> None:
    for alert in alerts:
        print(msgspec.json.encode(line(alert, now_ms)).decode() if as_json else _words(alert, now_ms))
    if not alerts and not as_json:
        print(f"no alert stands{f' of unit {unit!r}' if unit else ''}")


def _standing(site: Site, clock: Clock, unit: str | None) -> list[Alert]:
    found = alert_file.read(site.folder / "gateway", clock.utc_ms())
    if found is None:
        raise StillroomError(f"{site.folder}: no gateway runs here, so the alerts are not known: start it")
    alerts = [alert for alert in found.alerts if unit in (None, alert.unit)]
    if unit is not None and not alerts:
        site.enrolment(unit)  # of one that is not the site's nobody is told that all is calm
    return alerts


def hand_over(site: Site, paper: AlertAct) -> bool:
    """Leave it for the gateway, and wait until it has taken it; False where it has not within five seconds.

    Raises StorageError; StillroomError where the gateway refused it.
    """
    make_folder(site.acts_dir)
    path = site.acts_dir / f"{secrets.token_hex(8)}.note"
    replace_file(path, sign_note(KIND, paper, [site.keys("board")]))
    left_ms = SystemClock().utc_ms()
    give_up = time.monotonic() + WAIT_S
    taken = False
    while not taken and time.monotonic() < give_up:
        time.sleep(0.05)
        found = alert_file.read(site.folder / "gateway", SystemClock().utc_ms())
        taken = not path.exists() and found is not None and found.at_ms >= left_ms
    if path.with_name(path.name + ".refused").exists():
        raise StillroomError(f"{path}.refused: the gateway did not accept it; its log says why")
    return taken


def _checked(text: str, form: object, what: str) -> str:
    try:
        return msgspec.convert(text, form, strict=True)  # type: ignore[no-any-return]
    except msgspec.ValidationError:
        longest = 32 if form is PlainName else 48
        raise ConfigError(f"{what} '{text}': 1 to {longest} of a-z 0-9 -, not beginning with -") from None


def _words(alert: Alert, now_ms: int) -> str:
    since = span(now_ms - alert.first_ms)
    return f"{alert.unit}  {alert.room}  {alert.priority}  {alert.kind}  since {since}  {words(alert)}"

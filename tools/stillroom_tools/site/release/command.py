"""`stillroom site release new|sign|show|deliver|withdraw|open|openings`: a recording for a purpose and a while.

`new` writes a draft. A manager of the roster and another person (a manager, an advocate or an approver) sign it, each
on his own machine; `deliver` checks what the unit will check. What it records lies on the unit's card, sealed: nothing
of it crosses the network. The custodian fetches the files there, and opens them on his own machine until they expire.
"""

import argparse
import sys
from pathlib import Path

from stillroom.clock import SystemClock
from stillroom.document_forms import now
from stillroom.documents import KINDS
from stillroom.errors import EXIT_OK, TrustError
from stillroom.files import make_folder, read_bounded, replace_file, write_new
from stillroom.keys import load_keys
from stillroom.note_reading import encode
from stillroom.notes import sign_note, signer_of
from stillroom.release_forms import PAPERS, WITHDRAWALS
from stillroom.release_papers import Release, ReleaseWithdrawal
from stillroom.release_rules import custodian, open_release, signers
from stillroom_tools.site.authorise import recipient
from stillroom_tools.site.drafts import read_draft, sign_draft
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.release import standing, terms, words
from stillroom_tools.site.send import add_send, deliver

HELP = "recordings for a purpose, sealed to a custodian; and opening them"
_KIND = KINDS[Release]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    new = choices.add_parser("new", help="a draft, for two people to sign")
    terms.add_arguments(new)
    sign = choices.add_parser("sign", help="add your signature: manager, advocate or approver, each alone")
    sign.add_argument("--key", type=Path, required=True, metavar="KEY", help="the signer's own key file")
    show = choices.add_parser("show", help="what it says, in words, and who has signed it")
    hand_over = choices.add_parser("deliver", help="hand a draft that two have signed to its unit")
    take_back = choices.add_parser(
        "withdraw", help="end it, for good; what was recorded stays until it expires"
    )
    take_back.add_argument("release", metavar="ID", help="of the release")
    take_back.add_argument(
        "--key", type=Path, required=True, metavar="KEY", help="of anybody who may sign one"
    )
    for command in (sign, show, hand_over):
        command.add_argument("file", type=Path, metavar="FILE", help="a draft or a signed release")
    for command in (new, hand_over, take_back):
        command.add_argument("unit", type=Path, metavar="UNIT_DIR", help="the unit's folder, with unit.toml")
    for command in (hand_over, take_back, new):
        add_send(command)
    opens = choices.add_parser("open", help="the custodian's own: open what was recorded")
    opens.add_argument("files", type=Path, nargs="+", metavar="FILE", help="as they lay on the unit's card")
    opens.add_argument("--key", type=Path, required=True, metavar="KEY", help="the custodian's own key file")
    opens.add_argument("--out", type=Path, metavar="DIR", help="write each as a film (raw luma, .y4m)")
    opens.add_argument("--frames", type=Path, metavar="DIR", help="write each frame as a PNG")
    opens.add_argument(
        "--openings", type=Path, metavar="DIR", help="where the signed list of openings is (beside the key)"
    )
    listed = choices.add_parser("openings", help="what a custodian has opened, and that the list is whole")
    listed.add_argument("folder", type=Path, metavar="DIR", help="where the list is")
    for command in (new, hand_over, take_back, show, opens, listed):
        command.add_argument(
            "--site", type=Path, required=command is not show, metavar="SITE_DIR", help="the site's folder"
        )


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, InputError, TrustError, StorageError."""
    if options.what in ("open", "openings"):
        from stillroom_tools.site.release import opening

        return opening.run(options) if options.what == "open" else opening.run_list(options)
    act = {"new": _new, "sign": _sign, "show": _show, "deliver": _deliver, "withdraw": _withdraw}
    return act[options.what](options)


def _new(options: argparse.Namespace) -> int:
    """Prints the release's id."""
    site, unit, _ = recipient(options)
    paper = terms.made(options, site, unit, now(SystemClock()))
    write_new(options.draft, encode(_KIND, paper), 0o644)
    print(f"{options.draft}: a draft: to be signed by {words.WHO}", file=sys.stderr)
    standing.warn(site, paper)
    print(paper.id)
    return EXIT_OK


def _sign(options: argparse.Namespace) -> int:
    return sign_draft(options.file, options.key, ("manager", "advocate", "approver"), _read, words.lines)


def _show(options: argparse.Namespace) -> int:
    note = read_bounded(options.file)
    site = open_site(options.site) if options.site else None
    paper = _read(options.file, note)
    print("\n".join([*words.lines(paper), *words.signatures(options.file, note, paper, site)]))
    return EXIT_OK


def _deliver(options: argparse.Namespace) -> int:
    """Prints the release's id."""
    site, unit, trust = recipient(options)
    note, roster = read_bounded(options.file), site.roster()
    try:
        paper, _ = open_release(note, roster)
    except TrustError as error:
        raise TrustError(f"{options.file}: {error}") from None
    if (paper.site, paper.unit) != (site.name, unit):
        raise TrustError(
            f"{options.file}: for unit '{paper.site}/{paper.unit}', not for '{site.name}/{unit}'"
        )
    if custodian(paper, roster, SystemClock().utc_ms()) is None:
        raise TrustError(
            f"{options.file}: the roster names no custodian '{paper.custodian}' with this key now"
        )
    standing.check_not_withdrawn(site, trust, paper)
    make_folder(site.releases_dir)
    replace_file(site.releases_dir / f"{paper.id}.note", note)
    deliver(site, unit, trust, f"{PAPERS}/{paper.id}.note", note)
    print(words.brief(paper), file=sys.stderr)
    standing.warn(site, paper)
    print(paper.id)
    return EXIT_OK


def _withdraw(options: argparse.Namespace) -> int:
    """Prints the release's id."""
    site, unit, trust = recipient(options)
    ring = load_keys(options.key, "manager", "advocate", "approver", "authority")
    if signer_of(ring) not in (*signers(site.roster()), site.authority()):
        raise TrustError(f"{options.key}: the roster names nobody who may take a release back with this key")
    name = terms.code(options.release, "ID")
    standing.check_known(site, unit, trust, name)
    paper = ReleaseWithdrawal(at=now(SystemClock()), release=name, site=site.name, unit=unit)
    note = sign_note(KINDS[ReleaseWithdrawal], paper, [ring])
    folder = site.folder / WITHDRAWALS
    make_folder(folder)
    replace_file(folder / f"{name}.note", note)
    deliver(site, unit, trust, f"{WITHDRAWALS}/{name}.note", note)
    print(f"unit {unit}: release {name} is withdrawn", file=sys.stderr)
    print(name)
    return EXIT_OK


def _read(path: Path, note: bytes) -> Release:
    return read_draft(path, note, _KIND, Release)

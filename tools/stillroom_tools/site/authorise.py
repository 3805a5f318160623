"""`stillroom site authorise new|sign|show|deliver|renew|withdraw`: leave to sense, made and signed offline.

`new` and `renew` make the document. Where the authority's signature is enough, they sign it and hand it to the unit in
one step. Where the roster names approvers, they write a draft, which people with separate keys sign on their own
machines; `deliver` then checks that all is there that the unit will ask for.
"""

import argparse
import sys
from pathlib import Path

from stillroom import config
from stillroom.clock import SystemClock
from stillroom.document_forms import now
from stillroom.documents import KINDS, Authorisation, read_document
from stillroom.errors import EXIT_OK, ConfigError, TrustError
from stillroom.files import read_bounded, replace_file, write_new
from stillroom.note_reading import encode, open_note
from stillroom.notes import add_signature
from stillroom.permits import authority_of
from stillroom_tools.site import authorise_terms as terms
from stillroom_tools.site import authorise_words as words
from stillroom_tools.site import withdraw
from stillroom_tools.site.drafts import read_draft, sign_draft
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.send import add_send, send, unit_named

HELP = "let a unit sense a room, for 28 days at most; renew it, take it back"
_KIND = KINDS[Authorisation]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    new = choices.add_parser("new", help="make one; signed and delivered at once, or a draft")
    terms.add_arguments(new)
    sign = choices.add_parser("sign", help="add your signature to a draft: authority or approver, each alone")
    sign.add_argument("file", type=Path, metavar="FILE", help="a draft")
    sign.add_argument("--key", type=Path, required=True, metavar="KEY", help="the signer's own key file")
    show = choices.add_parser("show", help="what a draft or document says, in words, and who has signed it")
    show.add_argument("file", type=Path, metavar="FILE", help="a draft or a signed document")
    deliver = choices.add_parser("deliver", help="hand a draft that all have signed to its unit")
    deliver.add_argument("file", type=Path, metavar="FILE", help="a signed draft")
    renew = choices.add_parser("renew", help="another one on the terms of the last")
    terms.add_renew_arguments(renew)
    take_back = choices.add_parser("withdraw", help=withdraw.HELP)
    withdraw.add_arguments(take_back)
    for command in (new, renew, deliver, take_back):
        command.add_argument("unit", type=Path, metavar="UNIT_DIR", help="the unit's folder, with unit.toml")
        add_send(command)
    for command in (new, renew, deliver, take_back, show):
        command.add_argument(
            "--site", type=Path, required=command is not show, metavar="SITE_DIR", help="the site's folder"
        )
    for command in (new, renew):
        command.add_argument(
            "--draft", type=Path, metavar="FILE", help="write it there for others to sign, deliver nothing"
        )


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, TrustError, StorageError."""
    return {
        "new": _new,
        "renew": _new,
        "sign": _sign,
        "show": _show,
        "deliver": _deliver,
        "withdraw": _withdraw,
    }[options.what](options)


def _new(options: argparse.Namespace) -> int:
    """Prints the authorisation's id."""
    terms.check(options)
    site, unit, trust = recipient(options)
    moment = now(SystemClock())
    make = terms.renewed if options.what == "renew" else terms.made
    paper = make(options, site, unit, moment)
    text = encode(_KIND, paper)
    if options.draft is not None:
        write_new(options.draft, text, 0o644)
        print(f"{options.draft}: a draft: to be signed by {_who(site)}", file=sys.stderr)
    else:
        if site.roster().approvers:
            raise TrustError(
                f"site '{site.name}': to be signed by {_who(site)}: make a --draft FILE for them"
            )
        _hand_over(site, unit, trust, paper, add_signature(text, site.authority_keys()))
    print(paper.id)
    return EXIT_OK


def _sign(options: argparse.Namespace) -> int:
    """Says what is signed before it is."""
    return sign_draft(options.file, options.key, ("authority", "approver"), _read, words.lines)


def _show(options: argparse.Namespace) -> int:
    note = read_bounded(options.file)
    paper = _read(options.file, note)
    site = open_site(options.site) if options.site else None
    print("\n".join([*words.lines(paper), *words.signatures(options.file, note, site)]))
    return EXIT_OK


def _deliver(options: argparse.Namespace) -> int:
    """Prints the authorisation's id."""
    site, unit, trust = recipient(options)
    paper = read_document(options.file, Authorisation, [site.authority()], site.roster().approver_signers)
    if (paper.site, paper.unit) != (site.name, unit):
        raise TrustError(
            f"{options.file}: for unit '{paper.site}/{paper.unit}', not for '{site.name}/{unit}'"
        )
    _hand_over(site, unit, trust, paper, read_bounded(options.file))
    print(paper.id)
    return EXIT_OK


def _withdraw(options: argparse.Namespace) -> int:
    return withdraw.run(options, *recipient(options))


def _read(path: Path, note: bytes) -> Authorisation:
    return read_draft(path, note, _KIND, Authorisation)


def _hand_over(site: Site, unit: str, trust: Path | None, paper: Authorisation, note: bytes) -> None:
    """Into the site's archive, then to the unit: exactly what the unit will accept."""
    open_note(note, _KIND, Authorisation, [site.authority()], site.roster().approver_signers)
    replace_file(site.authorisations_dir / f"{paper.id}.note", note)
    if trust is None:
        send(site, unit, paper.id, note)
    else:
        replace_file(trust / "authorisations" / f"{paper.id}.note", note)
    print(words.brief(paper), file=sys.stderr)


def _who(site: Site) -> str:
    approvers = [approver.name for approver in site.roster().approvers]
    return " and ".join(["the authority", *([" or ".join(approvers)] if approvers else [])])


def recipient(options: argparse.Namespace) -> tuple[Site, str, Path | None]:
    """Site, unit's id and its trust folder; None for the folder where the document is to be sent."""
    site = open_site(options.site)
    if not options.send:
        if not options.unit.exists() and (site.units_dir / f"{options.unit}.note").exists():
            raise ConfigError(
                f"{options.unit}: no folder here, but a unit of site '{site.name}': add --send, and the running "
                "gateway tells it; or name the unit's folder"
            )
        return find_unit(options.unit, options.site)
    return site, unit_named(options.unit, site), None


def find_unit(folder: Path, site_folder: Path) -> tuple[Site, str, Path]:
    """Site, unit's id and the unit's trust folder. Raises ConfigError, TrustError where they do not belong together."""
    site = open_site(site_folder)
    settings = config.load(folder / "unit.toml")
    if settings.site != site.name:
        raise ConfigError(f"{folder}: a unit of site '{settings.site}', and {site_folder} is '{site.name}'")
    site.enrolment(settings.unit)
    check_authority(settings, site)
    trust = settings.path(settings.paths.trust)
    for name in ("authorisations", "withdrawals"):
        if not (trust / name).is_dir():
            raise ConfigError(f"{trust / name}: no such folder: stillroom make unit makes it")
    return site, settings.unit, trust


def check_authority(settings: config.UnitConfig, site: Site) -> None:
    """Whom the unit obeys must be who signs there: names alone can be alike. Raises TrustError; also: nobody yet."""
    pinned, own = authority_of(settings), site.authority()
    if pinned != own:
        raise TrustError(
            f"{settings.path('unit.toml')}: key 'authority': another authority ({pinned.fingerprint}) than that of "
            f"{site.folder} ({own.fingerprint}): the unit would obey nothing that is signed there; take its own site's"
        )

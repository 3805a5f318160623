"""`stillroom site audit export|verify|show|erase`: what was done with the camera, and that nothing of it was changed.

All but `export` need the file and the fingerprint on the unit's label, and nothing else: no site, no network.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stillroom.errors import EXIT_OK, InputError, TrustError
from stillroom.files import replace_file
from stillroom.public_keys import check_fingerprint

if TYPE_CHECKING:
    from stillroom_tools.site.audit_file import Head, Link

HELP = "what was done with the camera, and that the record of it is whole"
OWN = 0o600
"""Names of staff are in it: whoever made the file hands it to whom he means."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    export = choices.add_parser("export", help="one unit's chain out of the gateway's database, as a file")
    export.add_argument("unit", type=Path, metavar="UNIT", help="the unit's id, or its folder")
    export.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to write it")
    for name, text in (
        ("verify", "is the chain whole, and this unit's?"),
        ("show", "what happened, in words; of a chain that is not whole, what verifies"),
        ("erase", "take the words of some links out of the file; the chain still verifies"),
    ):
        command = choices.add_parser(name, help=text)
        command.add_argument("file", type=Path, metavar="FILE", help="an audit file")
        command.add_argument(
            "--fingerprint", required=True, metavar="F", help="as it stands on the unit's label"
        )
        command.add_argument(
            "--head", metavar="H", help="a head known from elsewhere: it must be in the chain"
        )
        command.add_argument(
            "--heads",
            type=Path,
            metavar="FILE",
            help="what an advocate was told: all of it must be in the chain",
        )
        if name == "show":
            command.add_argument("--html", type=Path, metavar="FILE", help="a page to read or print")
        if name == "erase":
            command.add_argument(
                "--link",
                type=int,
                nargs="+",
                required=True,
                metavar="N",
                help="numbers of links, as in the file",
            )


def run(options: argparse.Namespace) -> int:
    """Raises InputError, StorageError, TrustError (the chain is not whole)."""
    if options.what == "export":
        return _export(options)
    from stillroom_tools.site import audit_file, audit_words, heads_file

    fingerprint = check_fingerprint(options.fingerprint)
    head, links = audit_file.read(options.file)
    if options.what == "show":
        return _show(options, head, links, fingerprint)
    audit_file.verify(options.file, head, links, fingerprint, options.head)
    keys = audit_file.keys_of(options.file, head, links, fingerprint)
    held = options.heads and heads_file.compare(options.file, head, links, options.heads, keys)
    if options.what == "verify":
        print("\n".join(filter(None, [audit_words.whole(head, links), held])))
    elif options.what == "erase":
        _refuse_special(options.file)
        links = audit_file.erase(options.file, links, options.link)
        replace_file(options.file, audit_file.write(head, links), OWN)
        print(audit_words.whole(head, links))
    return EXIT_OK


def _show(options: argparse.Namespace, head: "Head", links: "list[Link]", fingerprint: str) -> int:
    """All of it; or as much as verifies, where it forks, and then what is wrong (TrustError)."""
    from stillroom_tools.site import audit_file, audit_page, audit_part, audit_words, heads_file

    keys = audit_file.keys_of(options.file, head, links, fingerprint)
    wrong: TrustError | None = None
    try:
        audit_file.verify(options.file, head, links, fingerprint, options.head)
        if options.heads:
            heads_file.compare(options.file, head, links, options.heads, keys)
    except TrustError as error:
        wrong = error
    part = audit_part.part_that_verifies(links, keys) if wrong else audit_part.Part(links)
    if not part.links:
        raise wrong or TrustError(f"{options.file}: no link in it")
    why = str(wrong).removeprefix(f"{options.file}: ") if wrong else None
    if options.html is not None:
        _refuse_special(options.html)
        replace_file(options.html, audit_page.page(head, part, why).encode(), OWN)
    else:
        print(audit_words.text(head, part, why))
    if wrong:
        raise wrong
    return EXIT_OK


def _refuse_special(path: Path) -> None:
    """A device or a folder is not to be replaced by a file."""
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: not a plain file: name one, or a place where there is none yet")


def _export(options: argparse.Namespace) -> int:
    from stillroom_tools.site import audit_file, retired
    from stillroom_tools.site.audit_kept import head_of, links_of
    from stillroom_tools.site.gateway.reader import open_reader
    from stillroom_tools.site.layout import open_site
    from stillroom_tools.site.send import unit_id

    site = open_site(options.site)
    unit = unit_id(options.unit)
    retired.keys_of(site, unit)
    with open_reader(site) as kept:
        links = links_of(kept, unit)
    head = head_of(site, unit, links)
    _refuse_special(options.out)
    replace_file(options.out, audit_file.write(head, links), OWN)
    print(f"{options.out}: {len(links)} links of unit '{unit}'", file=sys.stderr)
    return EXIT_OK

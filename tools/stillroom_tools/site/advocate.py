"""`stillroom site advocate new|set|heads`: somebody outside the facility who is told each unit's newest audit head.

He makes his keys on his own machine and hands over the public file, which he has signed himself. The roster names him;
from then on each record tells him the head, and nothing else of it opens for him. What the facility hands back is a
folder without a secret of the site: where the broker is, a certificate to listen with, and who the units are.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from stillroom.documents import KINDS, Recipient, Roster
from stillroom.errors import EXIT_OK, ConfigError
from stillroom.files import read_bounded, replace_file
from stillroom.notes import sign_note
from stillroom.public_keys import VerifyKey
from stillroom_tools.site.layout import SITE_FILE, Site, open_site
from stillroom_tools.site.public_file import make_with_boxes, read_public
from stillroom_tools.site.roster_way import add_new, add_set, no_longer, way_of

HELP = "who is told the newest head of each audit chain, and can tell a shortened one"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    add_new(choices, "an advocate's keys for a year")
    add_set(choices, "advocates")
    heads = choices.add_parser("heads", help="the advocate's own: keep the heads that he is told")
    heads.add_argument("folder", type=Path, metavar="DIR", help="what the facility handed over")
    heads.add_argument("--key", type=Path, required=True, metavar="KEY", help="his NAME.key")
    heads.add_argument("--heads", type=Path, required=True, metavar="FILE", help="where he keeps them")
    heads.add_argument(
        "--capture", type=Path, metavar="FILE", help="records one after another, in place of the broker"
    )


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, InputError, TrustError, StorageError, BrokerError."""
    if options.what == "new":
        return make_with_boxes(options, "advocate")
    if options.what == "set":
        return _set(options)
    from stillroom_tools.site import advocate_heads

    return advocate_heads.run(options)


def _set(options: argparse.Namespace) -> int:
    """Prints the roster's version, which rises where the roster says something else now."""
    site = open_site(options.site)
    way = way_of(options)
    advocates = tuple(read_public(path, site, "advocate", "site advocate new") for path in options.advocates)
    old = site.roster()
    roster = _with(old, advocates)
    if roster != old:
        replace_file(site.roster_file, sign_note(KINDS[Roster], roster, [site.authority_keys()]))
    way.hand_out(site, roster.version, read_bounded(site.roster_file))
    for one in advocates:
        folder = _hand_over(site, one.name)
        print(
            f"advocate {one.name}, key {VerifyKey(one.sign).fingerprint}: compare it, and hand over {folder}",
            file=sys.stderr,
        )
    names = ", ".join(one.name for one in advocates) or "nobody"
    before = (one.name for one in old.recipients if one.role == "advocate")
    gone = no_longer("advocate", before, (one.name for one in advocates))
    print(
        f"site '{site.name}': roster {roster.version}: {names} is told the audit heads{gone}", file=sys.stderr
    )
    print(roster.version)
    return EXIT_OK


def _with(old: Roster, advocates: Sequence[Recipient]) -> Roster:
    """The roster with these advocates and no others; the same one where nothing changes. Raises ConfigError."""
    others = tuple(one for one in old.recipients if one.role != "advocate")
    if (*others, *advocates) == old.recipients:
        return old
    try:
        changed = {"recipients": (*others, *advocates), "version": old.version + 1}
        return Roster(**(msgspec.structs.asdict(old) | changed))
    except ValueError as error:
        raise ConfigError(f"{len(advocates)} advocates: {error}") from None


def _hand_over(site: Site, name: str) -> Path:
    """What lets him listen and know the units, as a folder; no key of the site's. Raises TrustError, StorageError."""
    folder = site.advocates_dir / name
    for place in ("authority", "units", "advocate"):
        (folder / place).mkdir(mode=0o700, parents=True, exist_ok=True)
    public = [SITE_FILE, "authority/authority.pub"]
    public += [f"units/{path.name}" for path in sorted(site.units_dir.glob("*.note"))]
    for place in public:
        replace_file(folder / place, read_bounded(site.folder / place))
    broker = site.config.broker
    if broker.password_file:
        place = Path(broker.password_file).name
        replace_file(folder / place, read_bounded(site.folder / broker.password_file), 0o600)
    if broker.tls and not (folder / "advocate" / "advocate.pem").exists():
        _certificate(site, folder / "advocate")
    return folder


def _certificate(site: Site, place: Path) -> None:
    from stillroom_tools.site.certificates import client_of

    ca_pem, client = client_of(site.folder / "ca", "advocate")
    replace_file(place / "ca.pem", ca_pem)
    replace_file(place / "advocate-key.pem", client.key_pem, 0o600)
    replace_file(place / "advocate.pem", client.pem)

"""`stillroom make key DIR --of WHO --role maker|installer --name NAME`: a key that is locked by a passphrase.

A maker signs manifests, for any site; an installer signs acceptances for one. Each hands over the public file alone.
"""

import argparse
import sys
from pathlib import Path

from stillroom.errors import EXIT_OK
from stillroom.keys import KeyRing
from stillroom.notes import signer_of
from stillroom_tools.make import sealed_key
from stillroom_tools.site.layout import check_name
from stillroom_tools.site.public_file import write_public

HELP = "a maker's or an installer's own key, locked by a passphrase"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="where NAME.key and NAME.pub are written")
    parser.add_argument("--of", required=True, metavar="WHO", help="maker: the team; installer: the site")
    parser.add_argument("--role", required=True, choices=("maker", "installer"))
    parser.add_argument("--name", required=True, metavar="NAME", help="1 to 32 of a-z 0-9 -")
    add_passphrase(parser)


def add_passphrase(parser: argparse.ArgumentParser) -> None:
    """`--passphrase-file`."""
    parser.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="first line: the passphrase; else it is asked for",
    )


def run(options: argparse.Namespace) -> int:
    """Prints the fingerprint, to be compared when it is handed over. Raises ConfigError, TrustError, StorageError."""
    check_name(options.of, "--of")
    ring = KeyRing.generate(options.of, options.role, check_name(options.name, "--name"), 0)
    path = options.folder / f"{ring.name}.key"
    given = sealed_key.passphrase(options.passphrase_file, path, twice=True)
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sealed_key.save(path, ring, given)
    write_public(path.with_suffix(".pub"), ring)
    print(f"{path.with_suffix('.pub')}: hand over this one, and nobody the key", file=sys.stderr)
    print(signer_of(ring).fingerprint)
    return EXIT_OK

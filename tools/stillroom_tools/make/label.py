"""`stillroom make label new|verify`: a unit's label as SVG and PDF, and what a picture of one says.

`batch run` makes those of a batch; `new` makes one for a unit that came without, or whose keys were rotated.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from stillroom import config
from stillroom.errors import EXIT_OK, ConfigError, TrustError
from stillroom.files import make_folder, replace_file
from stillroom.keeper.own_keys import own_keys
from stillroom_tools.make import label_sheet
from stillroom_tools.make.card import Model, Serial
from stillroom_tools.make.label_text import Label
from stillroom_tools.site.layout import open_site

EXIT_NOT_COMPARED = 1
"""Something of a label was compared with nothing. A label is right when all of it is, so that is no success."""
HELP = "a unit's label: model, serial, fingerprint, as a square and in words; and reading one back"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    new = choices.add_parser("new", help="one label, as SERIAL.svg and SERIAL.pdf")
    new.add_argument("unit", type=Path, metavar="UNIT_DIR", help="the unit's folder")
    new.add_argument("--serial", required=True, metavar="S", help="1 to 24 of A-Z 0-9 -")
    new.add_argument("--model", required=True, metavar="M", help="1 to 24 of A-Z 0-9 -")
    new.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to write them (here)")
    verify = choices.add_parser(
        "verify", help="what a picture of labels says, compared with what it should say"
    )
    verify.add_argument(
        "image", type=Path, metavar="IMAGE", help="a photograph, scan or PNG; or the PDF sheet"
    )
    verify.add_argument("--unit", type=Path, metavar="UNIT_DIR", help="it is this unit's, which lies here")
    verify.add_argument(
        "--site", type=Path, metavar="SITE_DIR", help="each is a unit's that this site has enrolled"
    )
    verify.add_argument("--batch", type=Path, metavar="BATCH", help="each is a unit's of this batch")
    verify.add_argument("--fingerprint", metavar="F", help="it is the unit's with this one")
    verify.add_argument("--serial", metavar="S", help="the one label has this serial")
    verify.add_argument("--model", metavar="M", help="each is of this model")


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, InputError, TrustError (another unit's label), SetupError, StorageError."""
    return _new(options) if options.what == "new" else _verify(options)


def _new(options: argparse.Namespace) -> int:
    """Prints what the square holds."""
    _check_words(options)
    ring = own_keys(config.load(options.unit / "unit.toml"))
    label = Label(options.model, options.serial, ring.signing.verify_key.fingerprint)
    make_folder(options.out)
    for ending, made in (("svg", label_sheet.as_svg(label)), ("pdf", label_sheet.as_pdf([label]))):
        replace_file(options.out / f"{label.serial}.{ending}", made)
    print(label.coded)
    return EXIT_OK


def _check_words(options: argparse.Namespace) -> None:
    for name, schema in (("serial", Serial), ("model", Model)):
        given = getattr(options, name)
        try:
            msgspec.convert(given, schema | None)
        except msgspec.ValidationError:
            raise ConfigError(f"--{name} '{given}': 1 to 24 of A-Z 0-9 -") from None


def _verify(options: argparse.Namespace) -> int:
    """Prints model, serial and fingerprint of each; says what was compared with nothing, which is exit code 1."""
    from stillroom_tools.make import label_read

    _check_words(options)
    known = _known(options)
    found = label_read.read(options.image)
    for label in found:
        print(f"{label.model} {label.serial} {label.fingerprint}")
    for label in found:
        if known is not None and label.fingerprint not in known:
            raise TrustError(
                f"{options.image}: the label {label.serial} is another unit's: its fingerprint is {label.fingerprint}, "
                f"{_expected(known)}"
            )
        _check_says(options, label, known[label.fingerprint] if known else None)
    if known is None:
        _say("whose it is was compared with nothing: --unit, --site, --batch or --fingerprint")
        return EXIT_NOT_COMPARED
    words = [name for name in ("model", "serial") if getattr(options, name) is None]
    if words and not all(known[label.fingerprint] for label in found):
        _say(f"{' and '.join(words)} compared with nothing: --{' and --'.join(words)}, or --batch")
        return EXIT_NOT_COMPARED
    return EXIT_OK


def _check_says(options: argparse.Namespace, label: Label, listed: tuple[str, str] | None) -> None:
    """Raises TrustError: model or serial is not the one listed, or not the one given."""
    given = (options.model or label.model, options.serial or label.serial)
    for model, serial in (listed or given, given):
        if (label.model, label.serial) != (model, serial):
            raise TrustError(
                f"{options.image}: the label of {label.fingerprint} says {label.model} {label.serial}, and that is "
                f"{model} {serial}: print it anew"
            )


Known = dict[str, tuple[str, str] | None]
"""Fingerprint to model and serial, where these are known."""


def _known(options: argparse.Namespace) -> Known | None:
    given = [name for name in ("unit", "site", "batch", "fingerprint") if getattr(options, name) is not None]
    if len(given) > 1:
        raise ConfigError(f"--{given[0]} or --{given[1]}: one of them")
    if options.unit is not None:
        return {own_keys(config.load(options.unit / "unit.toml")).signing.verify_key.fingerprint: None}
    if options.site is not None:
        from stillroom.public_keys import VerifyKey
        from stillroom_tools.make.enrol import listed

        site = open_site(options.site)
        lists = listed(site)
        prints = (VerifyKey(one.sign).fingerprint for one in site.enrolments())
        return {fingerprint: lists.get(fingerprint) for fingerprint in prints}
    if options.batch is not None:
        from stillroom_tools.make.batch_journal import open_batch

        batch = open_batch(options.batch)
        both = zip(batch.plan.units, batch.records(), strict=True)
        return {record.fingerprint: (one.model, one.serial) for one, record in both if record.fingerprint}
    if options.fingerprint is not None:
        from stillroom.public_keys import check_fingerprint

        return {check_fingerprint(options.fingerprint): None}
    return None


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _expected(known: Known) -> str:
    return (
        f"and {next(iter(known))} is expected"
        if len(known) == 1
        else f"and none of the {len(known)} known ones"
    )

"""`stillroom site view-policy`: a manager's rules for looks into rooms, signed by himself. Without any nobody looks."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path

from stillroom.clock import SystemClock
from stillroom.document_forms import now
from stillroom.documents import KINDS, ViewPolicy
from stillroom.errors import EXIT_OK, ConfigError, TrustError
from stillroom.files import make_folder, read_bounded, replace_file
from stillroom.keeper.view_policy import POLICY_FILE
from stillroom.note_reading import open_by_one
from stillroom.notes import sign_note
from stillroom.view_forms import BLOCKS, DEFAULT_BLOCK, LEVELS
from stillroom_tools.site.authorise import find_unit
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.send import send, unit_id
from stillroom_tools.site.signer import person_keys

HELP = "a manager's rules for looks into rooms"
BACKDATED = timedelta(minutes=5)
"""For clocks of units that are a little slow."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", type=Path, nargs="*", metavar="UNIT", help="ids or folders; none: all units")
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--key", type=Path, required=True, metavar="KEY", help="the manager's own NAME.key")
    parser.add_argument("--levels", default="figure", help="of figure,picture (figure)")
    parser.add_argument(
        "--least-block",
        type=int,
        default=DEFAULT_BLOCK,
        metavar="N",
        help=f"a picture is averaged over squares of at least so many of its pixels ({DEFAULT_BLOCK}); 1: clear",
    )
    parser.add_argument(
        "--recognisable", action="store_true", help="sign smaller squares too, which show who somebody is"
    )
    parser.add_argument("--seconds", type=int, default=15, metavar="S", help="the longest look, 1 to 60 (15)")
    parser.add_argument(
        "--looks-per-hour", type=int, default=4, metavar="N", help="of one viewer into one room (4)"
    )
    parser.add_argument(
        "--announce", type=float, default=1.0, metavar="S", help="the light shows it so long before (1)"
    )
    parser.add_argument("--days", type=int, default=365, metavar="D", help="how long it holds (365)")
    parser.add_argument("--send", action="store_true", help="through the running gateway")


def run(options: argparse.Namespace) -> int:
    """Prints the policy's version. Raises ConfigError, TrustError, StorageError."""
    site = open_site(options.site)
    ring = person_keys(site, options.key, "manager")
    units: list[str | None] = [unit_id(unit) for unit in options.unit] or [None]
    for unit in units:
        policy = _policy(options, site, unit)
        note = sign_note(KINDS[ViewPolicy], policy, [ring])
        _put(options, site, unit, note)
        print(f"{unit or 'all units'}: policy {policy.version}: {_words(policy)}", file=sys.stderr)
    print(policy.version)
    return EXIT_OK


def _policy(options: argparse.Namespace, site: Site, unit: str | None) -> ViewPolicy:
    start = now(SystemClock()) - BACKDATED
    levels = tuple(level for level in LEVELS if level in options.levels.split(","))
    unknown = [level for level in options.levels.split(",") if level not in LEVELS]
    if unknown:
        raise ConfigError(f"--levels {options.levels}: of {', '.join(LEVELS)}")
    if options.least_block not in BLOCKS:
        raise ConfigError(f"--least-block {options.least_block}: one of {', '.join(map(str, BLOCKS))}")
    if "picture" in levels and options.least_block < DEFAULT_BLOCK and not options.recognisable:
        raise ConfigError(
            f"--least-block {options.least_block}: squares below {DEFAULT_BLOCK} show who somebody is, the more the "
            "nearer he stands and the longer one looks (README, 'A look into the room'); --recognisable signs them"
        )
    if not 1 <= options.announce <= 30:
        raise ConfigError(f"--announce {options.announce:g}: 1 to 30 seconds")
    for name, value in (("--seconds", options.seconds), ("--looks-per-hour", options.looks_per_hour)):
        if not 1 <= value <= 60:
            raise ConfigError(f"{name} {value}: 1 to 60")
    if not 1 <= options.days <= 730:
        raise ConfigError(f"--days {options.days}: 1 to 730")
    return ViewPolicy(
        start=start,
        until=start + timedelta(days=options.days),
        site=site.name,
        unit=unit,
        version=1 + max(_version(site, unit), _version(site, None)),
        levels=levels,
        least_block=options.least_block,
        seconds=options.seconds,
        looks_per_hour=options.looks_per_hour,
        announce_ms=round(options.announce * 1000),
    )


def _file(site: Site, unit: str | None) -> Path:
    return site.folder / "view-policies" / f"{unit or '.all'}.note"


def _version(site: Site, unit: str | None) -> int:
    """Of the last one signed here; 0 before there was one. A manager who has left does not make it begin anew."""
    path = _file(site, unit)
    if not path.exists():
        return 0
    try:
        note = read_bounded(path)
        return open_by_one(note, KINDS[ViewPolicy], ViewPolicy, site.roster().people("manager"))[0].version
    except TrustError as error:
        raise TrustError(
            f"{path}: {error}: put back the roster of its manager, or move the file away"
        ) from None


def _put(options: argparse.Namespace, site: Site, unit: str | None, note: bytes) -> None:
    make_folder(_file(site, unit).parent)
    replace_file(_file(site, unit), note)
    if options.send:
        for name in [enrolment.unit for enrolment in site.enrolments()] if unit is None else [unit]:
            send(site, name, "view-policy", note)
        return
    folders = [folder for folder in options.unit if (folder / "unit.toml").exists()]
    if not folders:
        raise ConfigError("kept here, and told to nobody: add --send, or name the folders of units")
    for folder in folders:
        replace_file(find_unit(folder, options.site)[2] / POLICY_FILE, note)


def _words(policy: ViewPolicy) -> str:
    levels = ", ".join(
        f"{level} ({_squares(policy)})" if level == "picture" else level for level in policy.levels
    )
    return (
        f"{levels}; at most {policy.seconds} s, {policy.looks_per_hour} an hour of one viewer into one room, "
        f"announced for {policy.announce_ms / 1000:g} s; until {policy.until:%Y-%m-%d}"
    )


def _squares(policy: ViewPolicy) -> str:
    if policy.least_block == 1:
        return "clear"
    known = ", which show who somebody is" if policy.least_block < DEFAULT_BLOCK else ""
    return f"squares of {policy.least_block} or more{known}"

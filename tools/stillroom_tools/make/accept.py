"""`stillroom make accept check|take`: an installer's signed word that a unit hangs as it should, kept by the site.

The unit must run, and be authorised: what its light is like its own eye says, and no picture is made for this.
"""

import argparse
import sys
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from stillroom import config
from stillroom.clock import SystemClock
from stillroom.config import UnitConfig, Zones
from stillroom.document_forms import Time, now, whole_seconds_utc
from stillroom.documents import Sha256, read_signer
from stillroom.errors import EXIT_OK, ConfigError, StillroomError, TrustError
from stillroom.files import make_folder, read_bounded, replace_file
from stillroom.keeper.own_keys import own_keys
from stillroom.keeper.settings import applied, load_configuration
from stillroom.keys import KeyRing
from stillroom.note_reading import Signer, open_by_one
from stillroom.notes import sign_note
from stillroom.public_keys import PlainName, RawKey
from stillroom.selftest_forms import Check
from stillroom.status import read_running
from stillroom_tools.make import accept_judge, sealed_key
from stillroom_tools.make.key import add_passphrase
from stillroom_tools.make.manifest import sha256
from stillroom_tools.make.toml import to_toml
from stillroom_tools.site.admit import signer_named
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.public_file import read_signs

HELP = "an installer's word that a unit hangs as it should: zones, light, distance; signed"
KIND = "acceptance"
EXIT_NOT_PASSED = 1


class Acceptance(Struct, frozen=True, forbid_unknown_fields=True):
    """What was found at the wall. Signed by the installer, and by the unit to show that it was this one."""

    at: Time
    site: PlainName
    unit: PlainName
    sign: RawKey
    installer: PlainName
    purpose: str
    distance_mm: Annotated[int, Meta(ge=300, le=20_000)]
    view_degrees: Annotated[int, Meta(ge=10, le=170)]
    zones: Sha256
    """Of the zones in force, as `unit.toml` would have them."""
    checks: tuple[Check, ...]

    def __post_init__(self) -> None:
        whole_seconds_utc(self.at)

    @property
    def passed(self) -> bool:
        return all(one.passed for one in self.checks)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    check = choices.add_parser("check", help="at the unit: look, say, and sign")
    check.add_argument("folder", type=Path, metavar="DIR", help="the unit's folder")
    check.add_argument("--key", type=Path, required=True, metavar="KEY", help="the installer's own")
    check.add_argument("--distance-m", type=float, required=True, metavar="M", help="lens to pillow, by tape")
    check.add_argument("--view-degrees", type=int, default=66, metavar="D", help="the lens sees across (66)")
    check.add_argument(
        "--purpose",
        choices=accept_judge.PURPOSES,
        default="pulse",
        help="the most that it is to read (pulse)",
    )
    check.add_argument("--zones", default="bed,door", metavar="Z", help="that must be drawn (bed,door)")
    check.add_argument("--out", type=Path, required=True, metavar="FILE", help="the signed acceptance")
    add_passphrase(check)
    take = choices.add_parser("take", help="at the site: keep an acceptance")
    take.add_argument("acceptance", type=Path, metavar="FILE", help="what the installer signed")
    take.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    who = choices.add_parser("installer", help="at the site: name somebody whose acceptances count")
    who.add_argument("public", type=Path, metavar="PUB", help="the installer's public file")
    who.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, TrustError, StorageError."""
    return {"check": _check, "take": _take, "installer": _installer}[options.what](options)


def _check(options: argparse.Namespace) -> int:
    """Prints each check; signs only where all passed, and is 1 where not."""
    if not 0.3 <= options.distance_m <= 20:
        raise ConfigError(f"--distance-m {options.distance_m:g}: 0.3 to 20 metres")
    if not 10 <= options.view_degrees <= 170:
        raise ConfigError(f"--view-degrees {options.view_degrees}: 10 to 170")
    installed = config.load(options.folder / "unit.toml")
    ring = own_keys(installed)
    _check_installer(options.key, sealed_key.look(options.key, "installer").site, ring)
    status = read_running(installed.path(installed.paths.run), installed.slots.period_s)
    if status is None:
        raise ConfigError(f"{options.folder}: the unit does not run: start it, authorise it, then look again")
    unit = applied(installed, load_configuration(installed.path(installed.paths.trust), installed, 0), "")
    wanted = _zones(options.zones)
    checks = tuple(
        accept_judge.judge(unit, status, wanted, options.purpose, options.distance_m, options.view_degrees)
    )
    for one in checks:
        print(_line(one))
    if not all(one.passed for one in checks):
        _say("not signed: mend what did not pass, and look again")
        return EXIT_NOT_PASSED
    installer = sealed_key.opened(options.key, options.passphrase_file, "installer")
    _check_installer(options.key, installer.site, ring)
    paper = Acceptance(
        at=now(SystemClock()),
        site=ring.site,
        unit=ring.name,
        sign=ring.signing.verify_key.raw,
        installer=installer.name,
        purpose=options.purpose,
        distance_mm=round(options.distance_m * 1000),
        view_degrees=options.view_degrees,
        zones=zones_hash(unit),
        checks=checks,
    )
    make_folder(options.out.parent)
    replace_file(options.out, sign_note(KIND, paper, [installer, ring]))
    _say(f"unit '{ring.name}': accepted by {installer.name}: hand {options.out} to the site")
    return EXIT_OK


def _check_installer(path: Path, site: str | None, unit: KeyRing) -> None:
    """site: None where the key does not tell it yet. Raises TrustError."""
    if site not in (None, unit.site):
        raise TrustError(f"{path}: an installer of '{site}', and the unit is of '{unit.site}'")


def _line(one: Check) -> str:
    value = f"{one.value:.4g}" if isinstance(one.value, float) else one.value or "not known"
    margin = "" if one.margin is None else f", margin {one.margin:.3g}"
    said = f"{value} {one.unit}".strip()
    return f"{'passed' if one.passed else 'NOT PASSED'}  {one.check}: {said} ({one.limit}{margin})"


def zones_hash(unit: UnitConfig) -> str:
    """Of where zones lie."""
    return sha256(to_toml(unit.zones).encode())


def _zones(names: str) -> list[str]:
    wanted = [name.strip().replace("-", "_") for name in names.split(",") if name.strip()]
    unknown = sorted(set(wanted) - (set(Zones.__struct_fields__) - {"private"}))
    if unknown:
        raise ConfigError(
            f"--zones '{unknown[0]}': of {', '.join(n for n in Zones.__struct_fields__ if n != 'private')}"
        )
    return wanted


def _installer(options: argparse.Namespace) -> int:
    """Prints the fingerprint, to be compared with what the installer says."""
    site = open_site(options.site)
    known = {signer.key.raw for signer in _installers(site)}
    signer = read_signs(options.public, site, "installer", "make key --role installer", known)
    folder = site.folder / "installers"
    make_folder(folder)
    replace_file(folder / f"{signer.name.partition('/')[2]}.pub", f"{signer.text}\n".encode())
    print(signer.fingerprint)
    return EXIT_OK


def _take(options: argparse.Namespace) -> int:
    """Prints the unit's id. Raises TrustError: nobody whom the site has named, altered, another key, not passed."""
    site = open_site(options.site)
    paper = read(site, options.acceptance)
    folder = site.folder / "acceptances"
    make_folder(folder)
    replace_file(folder / f"{paper.unit}.note", read_bounded(options.acceptance))
    _say(f"unit '{paper.unit}': accepted by {paper.installer} on {paper.at:%Y-%m-%d}, for {paper.purpose}")
    print(paper.unit)
    return EXIT_OK


def read(site: Site, path: Path) -> Acceptance:
    """Raises TrustError that names the file."""
    note = read_bounded(path)
    try:
        paper, signer = open_by_one(note, KIND, Acceptance, _installers(site))
        unit = site.enrolment(paper.unit)
        open_by_one(note, KIND, Acceptance, [signer_named(unit)])
    except StillroomError as error:
        raise TrustError(f"{path}: {error}") from None
    if signer.name != f"{site.name}/{paper.installer}" or paper.sign != unit.sign or paper.site != site.name:
        raise TrustError(f"{path}: names another installer, site or key than those that signed it")
    if not paper.passed:
        raise TrustError(f"{path}: not all of it passed: look again at the unit")
    return paper


def _installers(site: Site) -> list[Signer]:
    """Whom the site has named. Raises TrustError."""
    return [read_signer(pub) for pub in sorted((site.folder / "installers").glob("*.pub"))]


def _say(text: str) -> None:
    print(text, file=sys.stderr)

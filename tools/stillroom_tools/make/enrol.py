"""`stillroom make enrol HANDOVER --site SITE_DIR --fingerprint F`: a facility lets a batch in before its units hang.

Everything is checked first, and where anything is wrong nothing is signed. Then each unit is enrolled, and gets papers
(`papers/UNIT`): whom to trust, its certificate, where the broker is. They go on its card, and hold no key of the unit.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from stillroom.documents import Enrolment
from stillroom.errors import EXIT_OK, StillroomError, StorageError, TrustError
from stillroom.files import make_folder, read_bounded, replace_file
from stillroom.keys import KeyRing
from stillroom.public_keys import check_fingerprint
from stillroom_tools.lab.evaluate_progress import Progress
from stillroom_tools.make import manifest, papers
from stillroom_tools.make.manifest import Made, Manifest
from stillroom_tools.site import admit, shut_out
from stillroom_tools.site.layout import Site, open_site

HELP = "a facility lets a batch of units in: enrolments, papers, the broker's list"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "handover", type=Path, metavar="HANDOVER", help="the folder that the maker handed over"
    )
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument(
        "--fingerprint", required=True, metavar="F", help="of the maker's key, told by another way"
    )
    parser.add_argument(
        "--simulated",
        action="store_true",
        help="also units of the lab, which never hang in a resident's room",
    )


def run(options: argparse.Namespace) -> int:
    """Prints how many units of the batch are enrolled now. Raises ConfigError, InputError, TrustError, StorageError."""
    site = open_site(options.site)
    authority = site.authority_keys()
    fingerprint = check_fingerprint(options.fingerprint, "the maker tells them")
    made, maker = manifest.open_signed(options.handover, fingerprint)
    enrolled = check_all(site, made, options.handover, options.simulated)
    with Progress("units") as progress:
        progress.begin("enrolled", len(made.units))
        done = 0
        for one in made.units:
            done += enrol(site, authority, one, options.handover, enrolled)
            progress.advance(1)
    _list(site, made)
    lab = sum(one.is_of_the_lab for one in made.units)
    _say(
        f"{done} enrolled, {len(made.units) - done} again{f' ({lab} of them simulated)' if lab else ''}; "
        f"made by {maker.name}: papers are in {site.folder}/papers"
    )
    _say(shut_out.say(site))
    print(len(made.units))
    return EXIT_OK


def check_all(site: Site, made: Manifest, handover: Path, simulated: bool) -> Sequence[Enrolment]:
    """The units enrolled before. Raises TrustError: all that is wrong with any of them, in one line.

    simulated: units of the lab are let in too.
    """
    if made.site != site.name:
        raise TrustError(f"{handover}: made for site '{made.site}', and this is '{site.name}'")
    enrolled = site.enrolments()
    wrong = [text for one in made.units for text in _wrong(site, one, handover, enrolled)]
    lab = [one for one in made.units if one.is_of_the_lab]
    if lab and not simulated:
        wrong.append(
            f"{', '.join(one.serial for one in lab)}: simulated, not for a resident's room (profile {lab[0].profile}, "
            f"camera {lab[0].camera}); where you know that and want them, add --simulated"
        )
    if wrong:
        raise TrustError(f"{handover}: nothing was enrolled: {'; '.join(wrong)}")
    return enrolled


def _wrong(site: Site, one: Made, handover: Path, enrolled: Sequence[Enrolment]) -> Iterable[str]:
    if not one.passed:
        yield f"{one.serial}: did not pass its self-test"
    found = manifest.wrong(handover, one)
    try:
        admit.check(site, manifest.request_of(handover, one.unit)[1], enrolled)
    except StillroomError as error:
        found.append(str(error))
    for text in dict.fromkeys(found):  # a note that cannot be read is wrong to both
        yield f"{one.serial}: {text}"


def enrol(site: Site, authority: KeyRing, one: Made, handover: Path, enrolled: Sequence[Enrolment]) -> bool:
    """One unit; False where it was enrolled and has its papers. Whoever is interrupted begins again here.

    Raises TrustError: its files are not those any more that were checked.
    """
    request, asked = manifest.handed(handover, one)
    place = site.folder / "papers" / one.unit
    enrolment = admit.signed(site, request, authority, enrolled)
    new = admit.keep(site, one.unit, enrolment)
    if (
        not new
        and (place / papers.ENROLMENT).exists()
        and read_bounded(place / papers.ENROLMENT) == enrolment
    ):
        return False
    papers.write(place, papers.issue(site, one.unit, enrolment, asked))
    return True


def _list(site: Site, made: Manifest) -> None:
    """Which papers go to which unit, for whoever stands before fifty cards; and the manifest, for later."""
    make_folder(site.folder / "papers")
    rows = [f"{one.serial},{one.model},{one.unit},{one.fingerprint}" for one in made.units]
    text = "\n".join(["serial,model,unit,fingerprint", *rows, ""]).encode()
    replace_file(site.folder / "papers" / f"{manifest.name_of(made)}.csv", text)


def listed(site: Site) -> dict[str, tuple[str, str]]:
    """Fingerprint to model and serial, of units that came in a batch. Raises StorageError."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted((site.folder / "papers").glob("*.csv")):
        try:
            rows = [line.split(",") for line in path.read_text("ascii").splitlines()[1:]]
            found |= {fingerprint: (model, serial) for serial, model, _unit, fingerprint in rows}
        except (OSError, ValueError) as error:
            raise StorageError(f"{path}: cannot be read ({error}): enrol its batch again") from None
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr)

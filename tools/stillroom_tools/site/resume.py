"""`stillroom site resume [UNIT] --site SITE_DIR`: the end of what `halt` and `pause` began from here.

The authority lifts halts, for good; the board ends its own pauses. A pause that somebody in the room pressed stays,
and without an authorisation no camera opens.
"""

import argparse
import sys

from stillroom.clock import Clock, SystemClock
from stillroom.document_forms import now
from stillroom.documents import KINDS
from stillroom.errors import EXIT_OK
from stillroom.files import make_folder, replace_file
from stillroom.keeper.authorisation import LIFTS
from stillroom.notes import sign_note
from stillroom.orders import Halt, Lift, Resume
from stillroom_tools.site import halt
from stillroom_tools.site.halt import Recipients, recipients, whom
from stillroom_tools.site.layout import Site
from stillroom_tools.site.send import deliver, send

HELP = "end what halt and pause began"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    halt.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Prints the ids of what ended, one a line. Raises ConfigError, TrustError, StorageError."""
    site, unit, units = recipients(options)
    clock = SystemClock()
    ended = [_lift(site, unit, units, one, clock) for one in site.halts(unit)]
    ended += [name for told, _ in units for name in _end_pauses(site, told, clock)]
    print(f"{whom(site, unit)}: {len(ended) or 'no'} halts and pauses ended", file=sys.stderr)
    print("\n".join(ended), end="\n" if ended else "")
    return EXIT_OK


def _lift(site: Site, unit: str | None, units: Recipients, standing: Halt, clock: Clock) -> str:
    paper = Lift(at=now(clock), halt=standing.id, site=site.name, unit=unit)
    note = sign_note(KINDS[Lift], paper, [site.authority_keys()])
    make_folder(site.lifts_dir)
    replace_file(site.lifts_dir / f"{standing.id}@{unit or 'all'}.note", note)
    for name, trust in units:
        deliver(site, name, trust, f"{LIFTS}/{standing.id}.note", note)
    return standing.id


def _end_pauses(site: Site, unit: str, clock: Clock) -> list[str]:
    """Through the gateway, as they were begun."""
    running = site.pauses(unit, clock.utc_ms())
    for pause in running:
        paper = Resume(at=now(clock), pause=pause.id, site=site.name, unit=unit)
        send(site, unit, f"resume-{pause.id}", sign_note(KINDS[Resume], paper, [site.keys("board")]))
        (site.pauses_dir / f"{pause.id}.note").unlink(missing_ok=True)
    return [pause.id for pause in running]

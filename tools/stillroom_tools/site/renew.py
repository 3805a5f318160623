"""`stillroom site renew SITE_DIR [UNIT...] [--send]`: the roster for another year, with new box keys for recipients.

Keys that are still to be used stay; those whose time is over by a week are destroyed. The new secrets are on the
disk before the roster names them, so that a crash between loses nothing: the next run starts from what the roster says.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from stillroom.clock import SystemClock
from stillroom.document_forms import now
from stillroom.documents import KINDS, BoxPeriod, Recipient, Roster
from stillroom.errors import EXIT_OK
from stillroom.files import replace_file
from stillroom.keys import BoxKey, replace_boxes
from stillroom.notes import sign_note
from stillroom_tools.site.layout import FORGET_AFTER, Party, Site, open_site
from stillroom_tools.site.new import BOX_PERIOD, BOX_PERIODS, PARTIES
from stillroom_tools.site.roster_way import add_send_all, way_of

HELP = "a roster for another year, with new keys for gateway and board"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("site", type=Path, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("units", type=Path, nargs="*", metavar="UNIT_DIR", help="units that get it at once")
    add_send_all(parser)


def run(options: argparse.Namespace) -> int:
    """Prints the roster's version. Raises ConfigError, TrustError, StorageError."""
    site = open_site(options.site)
    way = way_of(options)
    authority = site.authority_keys()
    roster = renewed(site, now(SystemClock()))
    note = sign_note(KINDS[Roster], roster, [authority])
    replace_file(site.roster_file, note)
    way.hand_out(site, roster.version, note)
    what = f"site '{site.name}': roster {roster.version} lasts until {roster.until:%Y-%m-%d}"
    print(f"{what}; restart gateway and boards, which read their keys at start", file=sys.stderr)
    print(roster.version)
    return EXIT_OK


def renewed(site: Site, moment: datetime) -> Roster:
    """The roster that follows the one in force, from `moment` on. Writes the new secrets. Raises TrustError."""
    old = site.roster()
    recipients = tuple(_renewed(site, recipient, moment) for recipient in old.recipients)
    until = max(box.until for recipient in recipients for box in recipient.boxes)
    return Roster(
        start=min(old.start, moment),
        until=until,
        site=old.site,
        version=old.version + 1,
        recipients=recipients,
        delivery=old.delivery,
        approvers=old.approvers,
    )


def _renewed(site: Site, recipient: Recipient, moment: datetime) -> Recipient:
    """Periods that go on without a gap until a year from now. Others' keys than ours are left as they are."""
    party = next((p for p in PARTIES if p == recipient.name == recipient.role), None)
    if party is None:
        return recipient
    kept = tuple(box for box in recipient.boxes if box.until + FORGET_AFTER > moment)
    start = max((box.until for box in kept), default=moment)
    start = max(start, moment)
    count = max(0, -((start - moment - BOX_PERIOD * (BOX_PERIODS - 1)) // BOX_PERIOD))
    fresh = [BoxKey.generate() for _ in range(count)]
    _keep_secrets(site, party, kept, fresh)
    added = (
        BoxPeriod(start + BOX_PERIOD * i, start + BOX_PERIOD * (i + 1), box.public.raw)
        for i, box in enumerate(fresh)
    )
    return Recipient(recipient.name, recipient.role, recipient.sign, (*kept, *added))


def _keep_secrets(site: Site, party: Party, kept: Sequence[BoxPeriod], fresh: Sequence[BoxKey]) -> None:
    """Those of the roster to come and no others: what expired long ago, or what a crash left over, is destroyed."""
    ring = site.keys(party)
    named = {box.key for box in kept}
    held = [box for box in ring.boxes if box.public.raw in named]
    replace_boxes(site.folder / party / f"{party}.key", ring, [*held, *fresh])

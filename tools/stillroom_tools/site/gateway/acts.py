"""The folder `acts/` of a site: what people did about alerts, signed by the board, taken in by the gateway that runs.

A file is removed once what it says is on the disk. A kill in between takes it in again, which changes nothing: an act
is about what had been raised by its time, and nobody had done anything about since.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from stillroom.clock import MS_PER_S
from stillroom.document_forms import Code, Dated, to_ms
from stillroom.errors import TrustError
from stillroom.files import read_bounded
from stillroom.note_reading import open_note
from stillroom.notes import signer_of
from stillroom.public_keys import PlainName
from stillroom_tools.site.gateway.alert_book import AlertBook
from stillroom_tools.site.gateway.alert_forms import Act
from stillroom_tools.site.gateway.outgoing import REFUSED
from stillroom_tools.site.layout import Site

KIND = "alert-act"


class AlertAct(Dated, frozen=True, forbid_unknown_fields=True):
    """Somebody did something about a unit's alerts. Only the gateway reads it: no unit is told."""

    act: Literal["acknowledge", "pause-audio", "pause-alarm", "attend"]
    by: PlainName
    """Whom the board names: it vouches for him, he has no key of his own."""
    kind: Code | None
    """None: all alerts of the unit."""
    site: PlainName
    unit: PlainName


def collect_acts(site: Site, book: AlertBook, now_ms: int) -> Iterator[str]:
    """Take in what lies there; a line for each. What is not accepted is put aside by its name. Raises StorageError."""
    for path in sorted(site.acts_dir.glob("*.note")):
        try:
            act = _read(path, site)
            about = book.act(act, now_ms)
            path.unlink(missing_ok=True)
            yield f"unit {act.unit}: {act.what} by {act.by} of {act.kind or 'all'}: about {about} alerts"
        except TrustError as error:
            path.replace(path.with_name(path.name + REFUSED))
            yield f"not done: {error}"
        except OSError as error:
            yield f"{path}: {error.strerror}"


def _read(path: Path, site: Site) -> Act:
    paper = open_note(read_bounded(path), KIND, AlertAct, [signer_of(site.keys("board"))])
    if paper.site != site.name:
        raise TrustError(f"{path}: of site '{paper.site}', and this is '{site.name}'")
    # Its second has a thousand milliseconds: what was raised in them may have been seen.
    return Act(paper.act, paper.unit, paper.by, to_ms(paper.at) + MS_PER_S - 1, paper.kind)

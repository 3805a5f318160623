"""What a file of evidence holds."""

from typing import Annotated

from msgspec import Meta, Struct

from stillroom.document_forms import Time, Timed
from stillroom.documents import Authorisation
from stillroom.public_keys import PlainName
from stillroom_tools.site.report.burden import Burden
from stillroom_tools.site.report.simulated import Simulated

WHOLE, GAPS, NOT_STARTED = "whole", "gaps", "not-started"
SOUND = (WHOLE, GAPS, NOT_STARTED)
"""A chain of which nothing is wrong."""

Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Open(Struct, frozen=True, forbid_unknown_fields=True):
    """The camera was open; where it is not `certain`, at least until `closed`."""

    opened: Time
    closed: Time
    certain: bool


class Look(Struct, frozen=True, forbid_unknown_fields=True):
    at: Time
    by: str
    level: str
    reason: str
    seconds: Count
    answer: str


class Recording(Struct, frozen=True, forbid_unknown_fields=True):
    """A file under a release; `seconds` of pictures are in it. `until`: null where no link says when it ended."""

    at: Time
    until: Time | None
    release: str
    file: Count
    by: str
    level: str
    seconds: Count
    how: str


class Pause(Struct, frozen=True, forbid_unknown_fields=True):
    """`until`: as it was asked for; `ended`: somebody ended it earlier."""

    at: Time
    by: str
    until: Time
    ended: Time | None


class Halt(Struct, frozen=True, forbid_unknown_fields=True):
    at: Time
    halt: str
    lifted: Time | None


class Refused(Struct, frozen=True, forbid_unknown_fields=True):
    at: Time
    reason: str


class Allowed(Struct, frozen=True, forbid_unknown_fields=True):
    """An authorisation that was in force at some time of the period.

    withdrawn: when it was taken back. open_after_s: so long after that a link still proves the camera open under it;
    a few seconds are the withdrawal's way to the unit.
    """

    authorisation: Authorisation
    withdrawn: Time | None
    open_after_s: Count


class Known(Struct, frozen=True, forbid_unknown_fields=True):
    """From the first to the last of the period of which the unit's links tell. `erased`, `missing`: links of it.

    outside: links that do not follow from those that verify; only these count here.
    """

    start: Time
    until: Time
    erased: Count
    missing: Count
    outside: Count


class UnitEvidence(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One unit.

    chain: `whole`; `gaps`, where a damaged card has cost links, which the unit says itself; `not-started`; or what is
    wrong with it, and then what follows is worth no more than that. known: null where no link tells of the period: then
    nothing is known, and the zeros and empty lists say nothing. at_least: the camera may have been open for longer.
    """

    unit: PlainName
    fingerprint: str
    chain: str
    links: Count
    missing: tuple[tuple[Count, Count], ...]
    head: str | None
    known: Known | None
    allowed: tuple[Allowed, ...]
    sensed_s: Count
    at_least: bool
    open: tuple[Open, ...]
    looks: tuple[Look, ...]
    pauses: tuple[Pause, ...]
    halts: tuple[Halt, ...]
    refused: tuple[Refused, ...]
    recordings: tuple[Recording, ...] = ()
    """Left out where there is none, as in files of versions that made none."""


class Evidence(Timed, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All of the file.

    burden: of the days and nights of the site's time zone, all rooms together: counts, and of nobody. None: made by a
    version that did not count. simulated: the facility put a file of `stillroom simulate --json` beside it.
    """

    site: PlainName
    made: Time
    units: tuple[UnitEvidence, ...]
    burden: Burden | None = None
    simulated: Simulated | None = None

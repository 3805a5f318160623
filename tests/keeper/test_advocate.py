"""What a record tells an advocate: the newest head of the audit chain, and nothing else; nobody sees it change."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.parties import DAY, NOON, recipient, ring
from tests.parties import roster as make_roster
from tests.rig import Rig

from stillroom.document_forms import from_ms
from stillroom.documents import KINDS, Roster
from stillroom.errors import WireError
from stillroom.keys import KeyRing
from stillroom.link import Up
from stillroom.notes import sign_note
from stillroom.public_keys import VerifyKey
from stillroom.wire import RECORD_BYTES, Lane, Verified, open_body, open_head, parse, verify
from stillroom_tools.site.layout import open_site

ADVOCATE = ring("advocate", "advocate", 2, site="test")


@dataclass
class Told:
    """A unit whose roster names an advocate."""

    rig: Rig

    def record(self) -> Verified:
        """The record of the next slot, as the advocate takes it from the broker."""
        self.rig.speak()
        up = self.rig.courier.last(Up)
        assert isinstance(up, Up) and len(up.record) == RECORD_BYTES
        key = VerifyKey(open_site(self.rig.site_folder).enrolment("u-1").sign)
        return verify(parse(up.record), key, Lane.UP)

    @property
    def head(self) -> bytes:
        return self.rig.unit._outbox.last_link()[1]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    rig = Rig(tmp_path)
    site = open_site(rig.site_folder)
    old, start = site.roster(), from_ms(rig.clock.utc_ms()) - DAY
    periods = ((start, start + 10 * DAY), (start + 10 * DAY, start + 20 * DAY))
    named = (*old.recipients, recipient(ADVOCATE, *periods))
    roster = msgspec.structs.replace(old, version=2, recipients=named)
    note = sign_note(KINDS[Roster], roster, [site.authority_keys()])
    (rig.folder / "trust/roster.note").write_bytes(note)
    rig.beat()
    return Told(rig)


def wrap_of(record: Verified, ring_: KeyRing, box: int = 0) -> bytes:
    return dict(record.record.wraps)[ring_.boxes[box].public.id]


def test_every_record_tells_the_newest_head_that_is_on_the_card(told):
    first = open_head(told.record(), ADVOCATE.boxes)
    assert first == told.head
    told.rig.authorise()
    told.rig.beat()
    second = open_head(told.record(), ADVOCATE.boxes)
    assert second == told.head != first


def test_the_gateway_reads_the_same_record_as_before(told):
    told.record()
    up = told.rig.courier.last(Up)
    assert told.rig.receiver.open(up.record).body.snapshot.head == told.head
    kept = told.rig.receiver._epoch_keys["u-1"]
    told.rig.authorise()
    told.rig.beat()
    assert told.rig.slot().snapshot.gate == "open"
    assert told.rig.receiver._epoch_keys["u-1"] == kept, (
        "its own wrap is the same: nothing is unwrapped again"
    )


def test_it_opens_nothing_of_the_record(told):
    record = told.record()
    with pytest.raises(WireError) as refused:
        open_body(record, open_head(record, ADVOCATE.boxes))
    assert refused.value.reason == "commitment"


def test_whether_the_head_is_another_cannot_be_seen(told):
    """The box is another in every record, also where it holds the same."""
    one, two = told.record(), told.record()
    assert open_head(one, ADVOCATE.boxes) == open_head(two, ADVOCATE.boxes)
    assert wrap_of(one, ADVOCATE) != wrap_of(two, ADVOCATE)


def test_he_is_told_under_the_key_of_the_time(told):
    told.rig.clock.pass_time(timedelta(days=10))
    record = told.record()
    assert open_head(record, ADVOCATE.boxes[1:]) == told.head
    with pytest.raises(WireError, match="recipient"):
        open_head(record, ADVOCATE.boxes[:1])


def test_advocates_count_among_the_eight(told):
    people = [recipient(ring("board", f"b-{i}")) for i in range(7)]
    gateway = recipient(ring("gateway", "gateway"))
    assert make_roster(gateway, *people)
    with pytest.raises(ValueError, match="at most 8"):
        make_roster(gateway, *people, recipient(ring("advocate", "advocate"), (NOON, NOON + DAY)))

"""Requests that were made for something else, or by somebody else: refused, written down, and nothing is shown."""

from pathlib import Path

import msgspec
import pytest
from tests.commanded import Commanded
from tests.keeper.test_views import MANAGER, OTHER, VIEWER, Looker
from tests.parties import ring

from stillroom.document_forms import now
from stillroom.errors import WireError
from stillroom.keys import BoxKey
from stillroom.orders import ViewRequest
from stillroom.view_wire import open_frame, view_id

STRANGER = ring("viewer", "passer-by", 0, "test")
"""Signs as a viewer does; no roster names him."""


@pytest.fixture
def looker(tmp_path: Path) -> Looker:
    made = Looker(tmp_path)
    made.policy()
    return made


def request(looker: Looker, **changes: object) -> ViewRequest:
    plain = {
        "at": now(looker.rig.clock), "id": "v-1", "site": "test", "unit": "u-1", "level": "figure", "seconds": 2,
        "reason": "check", "block": 1, "session": BoxKey.generate().public.raw,
    }  # fmt: skip
    return ViewRequest(**(plain | changes))


def outcomes(told: Commanded) -> list[object]:
    """Of commands, as the audit chain has them."""
    return [link["outcome"] for link in told.audited("command") if link["kind"] == "view-request"]


@pytest.mark.parametrize(
    ("changes", "by", "why"),
    [
        ({"unit": "u-2"}, VIEWER, "unit"),
        ({"site": "elsewhere"}, VIEWER, "unit"),
        ({}, STRANGER, "signer"),
        ({}, MANAGER, "signer"),
    ],
)
def test_a_grant_for_another_room_or_by_another_hand_opens_nothing(looker: Looker, changes, by, why):
    note = looker.told.sign(request(looker, **changes), by)
    assert looker.command(note) == why
    assert outcomes(looker.told) == [why], "written down"
    looker.beat(3.0)
    assert looker.frames == [] and looker.light == "steady" and looker.asked is None


@pytest.mark.parametrize(
    ("of", "said", "instead"),
    [
        ({}, '"seconds": 2', '"seconds": 9'),
        ({}, '"level": "figure"', '"level": "picture"'),
        ({"unit": "u-2"}, '"unit": "u-2"', '"unit": "u-1"'),
    ],
)
def test_a_grant_that_was_changed_after_it_was_signed_opens_nothing(looker: Looker, of, said, instead):
    note = looker.told.sign(request(looker, **of), VIEWER).decode()
    assert said in note
    outcome = looker.command(note.replace(said, instead).encode())
    assert outcome in ("signature", "signer") and outcomes(looker.told) == [outcome]
    looker.beat(3.0)
    assert looker.frames == []


def test_a_viewer_who_was_taken_off_the_roster_looks_no_more(looker: Looker):
    roster = looker.told.rig.unit._delivery.roster
    left = tuple(each for each in roster.recipients if each.name != VIEWER.name)
    assert len(left) == len(roster.recipients) - 1
    newer = msgspec.structs.replace(roster, version=roster.version + 1, recipients=left)
    (looker.told.trust / "roster.note").write_bytes(looker.told.sign(newer))
    looker.beat(1.0)
    assert looker.ask(VIEWER) == "signer"
    assert looker.ask(OTHER, "v-2") == "done", "the other one does"


def test_what_was_sealed_to_one_viewer_opens_for_no_other(looker: Looker):
    assert looker.ask(VIEWER) == "done"
    looker.beat(5.0)
    key = looker.rig.unit._delivery._sealer._keys.signing.verify_key
    own, view = looker.session, view_id(looker.session.public.raw)
    assert open_frame(looker.frames[0], key, view, own)[0] == 0
    other = BoxKey.generate()
    with pytest.raises(WireError, match="view"):
        open_frame(looker.frames[0], key, view_id(other.public.raw), other)
    with pytest.raises(WireError, match="wrap"):
        open_frame(looker.frames[0], key, view, other)


def test_a_viewer_who_vanishes_changes_nothing_and_has_used_a_look(looker: Looker):
    """Nobody at the unit knows: frames leave for the announced time, it ends, and the next one is counted."""
    assert looker.ask(VIEWER) == "done"
    looker.beat(1.4)
    looker.rig.courier.sent.clear()
    looker.session = BoxKey.generate()  # his key is gone with him
    looker.beat(4.0)
    assert looker.frames and looker.light == "steady" and looker.asked is None
    assert looker.links() == [("view-granted", None), ("view-ended", "over")]
    looker.beat(2.0)
    assert looker.ask(VIEWER, "v-2") == "done"


def test_requests_by_the_hundred_fill_no_chain_and_stop_no_other_viewer(looker: Looker):
    for n in range(100):
        assert looker.ask(STRANGER, f"s-{n}") == "signer"
    assert len(outcomes(looker.told)) <= 31, "a burst, then one now and then"
    assert looker.ask(VIEWER, "v-2") == "done"

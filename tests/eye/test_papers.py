"""What the eye believes of what a keeper hands over: judged by the pinned authority and the eye's own clock."""

from datetime import timedelta

import pytest
from tests.parties import (
    APPROVERS,
    AUTHORITY,
    DAY,
    GATEWAY,
    NOON,
    HandClock,
    approver,
    authorisation,
    recipient,
    release,
    ring,
    roster,
)

from stillroom.config import UnitConfig
from stillroom.documents import KINDS, Recipient, Roster, ViewLimits, ViewPolicy
from stillroom.errors import TrustError
from stillroom.eye.papers import LATE_MS, Against, Look, Papers, Recorded, Sensed
from stillroom.keys import BoxKey, KeyRing
from stillroom.link import Note, RecordAsked, ViewAsked
from stillroom.notes import sign_note, signer_of
from stillroom.orders import ViewRequest
from stillroom.permits import FRESH_MS
from stillroom.release_rules import release_id
from stillroom.view_wire import view_id

VIEWER, STRANGER = ring("viewer", "carer", 0), ring("viewer", "passer-by", 0)
MANAGER, OTHER = ring("manager", "matron", 0), ring("manager", "director", 0)
CUSTODIAN = ring("custodian", "archivist")
THIEF = ring("authority", "authority", 0, site="other")
SESSION = BoxKey.generate()
UNIT = UnitConfig("demo", "u-1", signer_of(AUTHORITY).text)
SCOPES = ("status", "view-figure", "view-picture", "release")


def named(**changes: object) -> Roster:
    people = tuple(Recipient(r.name, r.role, r.signing.verify_key.raw, ()) for r in (VIEWER, MANAGER, OTHER))
    return roster(recipient(GATEWAY), recipient(CUSTODIAN), *people, **changes)


def policy(**changes: object) -> ViewPolicy:
    plain = {
        "start": NOON - DAY, "until": NOON + 9 * DAY, "site": "demo", "unit": None, "version": 2,
        "levels": ("figure", "picture"), "least_block": 16, "seconds": 10, "looks_per_hour": 4, "announce_ms": 1_000,
    }  # fmt: skip
    return ViewPolicy(**(plain | changes))


def request(**changes: object) -> ViewRequest:
    plain = {
        "at": NOON, "id": "v-1", "site": "demo", "unit": "u-1", "level": "picture", "seconds": 5, "reason": "check",
        "block": 16, "session": SESSION.public.raw,
    }  # fmt: skip
    return ViewRequest(**(plain | changes))


def allowed(**changes: object) -> bytes:
    by = changes.pop("by", AUTHORITY)
    return signed(
        authorisation(scopes=SCOPES, view=ViewLimits(10, 4)) if not changes else authorisation(**changes), by
    )


def signed(document: object, *by: KeyRing) -> bytes:
    return sign_note(KINDS[type(document)], document, by)


def honest() -> dict[str, bytes]:
    return {
        "roster": signed(named(), AUTHORITY),
        "authorisation": allowed(),
        "view-policy": signed(policy(), MANAGER),
        "view-request": signed(request(), VIEWER),
        "release": signed(release(CUSTODIAN.boxes[0].public.raw), MANAGER, OTHER),
    }


class Shown:
    """An eye's papers, and the keeper that shows them."""

    def __init__(self, **instead: bytes) -> None:
        self.clock = HandClock()
        self.papers = Papers(UNIT, self.clock)
        self.show(**(honest() | {kind.replace("_", "-"): note for kind, note in instead.items()}))

    def show(self, **notes: bytes) -> None:
        for kind, note in notes.items():
            self.papers.take(Note(kind.replace("_", "-"), note))

    def look(self, session: BoxKey = SESSION, number: int = 0) -> Look | Against:
        return self.papers.look(ViewAsked(view_id(session.public.raw), bytes(8), number, 5_000, "shown"))

    def recorded(self) -> Recorded | Against:
        id_ = release_id(release(CUSTODIAN.boxes[0].public.raw))
        return self.papers.recorded(RecordAsked(bytes(8), id_, bytes(16), 0, 0))


def why(found: object) -> str:
    assert isinstance(found, Against) and found.text and "\n" not in found.text, found
    return found.why


def test_what_people_have_signed_says_to_whom_and_how():
    shown = Shown()
    look = shown.look()
    assert isinstance(look, Look)
    assert (look.session, look.level, look.block) == (SESSION.public.raw, "picture", 16)
    recorded = shown.recorded()
    assert isinstance(recorded, Recorded) and recorded.paper.box == CUSTODIAN.boxes[0].public.raw


def test_nothing_shown_nothing_done():
    shown = Shown()
    shown.papers = Papers(UNIT, shown.clock)
    assert why(shown.papers.sensed()) == why(shown.look()) == why(shown.recorded()) == "missing"


@pytest.mark.parametrize("kind", ["roster", "authorisation", "view-policy", "view-request"])
def test_no_paper_of_a_look_may_be_left_out(kind: str):
    shown = Shown()
    shown.papers = Papers(UNIT, shown.clock)
    shown.show(**{name: note for name, note in honest().items() if name != kind})
    assert why(shown.look()) == "missing"
    assert isinstance(shown.recorded(), Recorded) == kind.startswith("view-")
    shown.show(**honest())
    assert isinstance(shown.look(), Look)


def test_an_eye_without_an_authority_does_not_start():
    with pytest.raises(TrustError, match="'authority' is empty"):
        Papers(UnitConfig("demo", "u-1"), HandClock())


ATTACKS = {
    "own roster": ("signer", {"roster": signed(named(), THIEF)}),
    "a roster signed by nobody who counts": ("signer", {"roster": signed(named(), MANAGER)}),
    "a roster out of its time": ("roster", {"roster": signed(named(until=NOON), AUTHORITY)}),
    "no authorisation of views": ("not-authorised", {"authorisation": allowed(scopes=("status",))}),
    "only figures": (
        "not-authorised",
        {"authorisation": allowed(scopes=("status", "view-figure"), view=ViewLimits(10, 4))},
    ),
    "shorter looks": (
        "seconds",
        {"authorisation": allowed(scopes=SCOPES, view=ViewLimits(4, 4))},
    ),
    "another unit's authorisation": (
        "unit",
        {"authorisation": allowed(unit="u-2", scopes=SCOPES, view=ViewLimits(10, 4))},
    ),
    "an authorisation that is over": (
        "expired",
        {"authorisation": allowed(start=NOON - DAY, until=NOON, scopes=SCOPES, view=ViewLimits(10, 4))},
    ),
    "an authorisation whose review is overdue": (
        "expired",
        {"authorisation": allowed(review_by=NOON, start=NOON - DAY, scopes=SCOPES, view=ViewLimits(10, 4))},
    ),
    "a forged authorisation": ("signer", {"authorisation": allowed(by=THIEF)}),
    "a policy by no manager": ("signer", {"view_policy": signed(policy(least_block=1), VIEWER)}),
    "a policy that is over": ("no-policy", {"view_policy": signed(policy(until=NOON), MANAGER)}),
    "a policy of another unit": ("unit", {"view_policy": signed(policy(unit="u-2"), MANAGER)}),
    "a stranger's request": ("signer", {"view_request": signed(request(), STRANGER)}),
    "a manager's request": ("signer", {"view_request": signed(request(), MANAGER)}),
    "finer squares": ("block", {"view_request": signed(request(block=12), VIEWER)}),
    "a longer look": ("seconds", {"view_request": signed(request(seconds=11), VIEWER)}),
    "another unit's request": ("unit", {"view_request": signed(request(unit="u-2"), VIEWER)}),
    "another level": ("level", {"view_policy": signed(policy(levels=("figure",)), MANAGER)}),
    "a request of long ago": (
        "time",
        {"view_request": signed(request(at=NOON - timedelta(seconds=67)), VIEWER)},
    ),
    "a request of the future": (
        "time",
        {"view_request": signed(request(at=NOON + timedelta(seconds=61)), VIEWER)},
    ),
    "an altered request": (
        "signature",
        {"view_request": signed(request(), VIEWER).replace(b'"seconds": 5', b'"seconds": 9')},
    ),
    "junk": ("form", {"view_request": b"junk"}),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_look_that_nobody_signed_for_is_not_sealed(attack: str):
    reason, instead = ATTACKS[attack]
    shown = Shown(**instead)
    assert why(shown.look()) == reason
    shown.show(**honest())
    assert isinstance(shown.look(), Look), "the same with what people have signed"


OTHER_BOX = ring("custodian", "thief").boxes[0].public.raw
OWN_BOX = CUSTODIAN.boxes[0].public.raw
RECORDINGS = {
    "one signer": ("signer", {"release": signed(release(OWN_BOX), MANAGER)}),
    "one who is no manager, and one": ("signer", {"release": signed(release(OWN_BOX), VIEWER, OTHER)}),
    "a key of its own": ("custodian", {"release": signed(release(OTHER_BOX), MANAGER, OTHER)}),
    "the custodian too": (
        "signer",
        {"release": signed(release(OWN_BOX), MANAGER, CUSTODIAN)},
    ),
    "another room": ("room", {"release": signed(release(OWN_BOX, room="r-2"), MANAGER, OTHER)}),
    "another unit": ("unit", {"release": signed(release(OWN_BOX, unit="u-2"), MANAGER, OTHER)}),
    "not yet": (
        "time",
        {"release": signed(release(OWN_BOX, start=NOON + timedelta(seconds=1)), MANAGER, OTHER)},
    ),
    "over": (
        "over",
        {"release": signed(release(OWN_BOX, start=NOON - DAY, until=NOON), MANAGER, OTHER)},
    ),
    "no scope": ("not-authorised", {"authorisation": allowed(scopes=("status",))}),
    "own roster": ("signer", {"roster": signed(named(), THIEF)}),
}


@pytest.mark.parametrize("attack", RECORDINGS)
def test_a_recording_that_two_did_not_sign_for_is_not_sealed(attack: str):
    reason, instead = RECORDINGS[attack]
    shown = Shown(**instead)
    assert why(shown.recorded()) == reason
    shown.show(**honest())
    assert isinstance(shown.recorded(), Recorded)


def test_another_session_than_the_signed_one_gets_nothing():
    shown = Shown()
    assert why(shown.look(BoxKey.generate())) == "session"
    other = RecordAsked(bytes(8), b"x" * 16, bytes(16), 0, 0)
    assert why(shown.papers.recorded(other)) == "release"


def test_a_look_ends_by_the_eyes_own_clock_and_by_its_number_of_frames():
    shown = Shown()
    assert why(shown.look(number=50)) == "session", "ten a second at most, for five seconds"
    shown.clock.pass_time(timedelta(milliseconds=FRESH_MS + 1_000 + 5_000 - 1))
    assert isinstance(shown.look(), Look)
    shown.clock.pass_time(timedelta(milliseconds=1))
    assert why(shown.look()) == "time"
    shown.papers.again()
    shown.show(**honest())
    assert why(shown.look()) == "time", "nor when it is shown again"


def test_a_recording_ends_by_the_eyes_own_clock():
    shown = Shown()
    shown.clock.pass_time(timedelta(hours=1))
    assert why(shown.recorded()) == "over"


def test_no_number_is_sealed_twice_in_an_eyes_life():
    shown = Shown()
    first = shown.look()
    assert isinstance(first, Look) and shown.papers.last_sealed(first) == -1
    shown.papers.sealed(first, 7)
    second = BoxKey.generate()
    shown.show(view_request=signed(request(session=second.public.raw), VIEWER))
    other = shown.look(second)
    assert isinstance(other, Look) and shown.papers.last_sealed(other) == -1
    shown.papers.sealed(other, 1)
    shown.show(view_request=signed(request(), VIEWER))
    again = shown.look()
    assert isinstance(again, Look) and shown.papers.last_sealed(again) == 7, "the first one's, shown again"


def test_in_one_life_no_older_roster_or_policy_comes_back():
    shown = Shown()
    shown.show(roster=signed(named(version=2), AUTHORITY), view_policy=signed(policy(version=3), MANAGER))
    assert isinstance(shown.look(), Look)
    shown.show(view_policy=honest()["view-policy"])
    assert why(shown.look()) == "version"
    shown.show(view_policy=signed(policy(version=3), MANAGER), roster=honest()["roster"])
    assert why(shown.look()) == why(shown.recorded()) == "version"
    assert isinstance(Shown().look(), Look), "another eye knows nothing of that: SECURITY.md says so"


def test_who_is_an_approver_is_not_the_authoritys_word_alone():
    with_one = named(version=2, approvers=(approver(APPROVERS[0]),))
    shown = Shown(roster=signed(with_one, AUTHORITY))
    assert why(shown.look()) == "signer", "the authorisation bears no approver's signature"
    shown.show(
        authorisation=signed(authorisation(scopes=SCOPES, view=ViewLimits(10, 4)), AUTHORITY, APPROVERS[0])
    )
    assert isinstance(shown.look(), Look)
    shown.show(roster=signed(named(version=3), AUTHORITY))
    assert why(shown.look()) == "signer", "nor is he gone because the authority says so"


def test_what_was_refused_for_its_time_is_judged_once_more():
    early = request(at=NOON + timedelta(seconds=61))
    shown = Shown(view_request=signed(early, VIEWER))
    assert why(shown.look()) == "time"
    shown.clock.pass_time(timedelta(seconds=1))
    shown.papers.again()
    assert isinstance(shown.look(), Look)


CAMERAS = {
    "own roster": ("signer", {"roster": signed(named(), THIEF)}),
    "no roster": ("form", {"roster": b""}),
    "a forged authorisation": ("signer", {"authorisation": allowed(by=THIEF)}),
    "another unit's": ("unit", {"authorisation": allowed(unit="u-2")}),
    "one that is over": (
        "expired",
        {"authorisation": allowed(start=NOON - DAY, until=NOON - timedelta(seconds=10))},
    ),
    "one whose review is overdue": (
        "expired",
        {"authorisation": allowed(start=NOON - DAY, review_by=NOON - timedelta(seconds=10))},
    ),
    "without its approver": (
        "signer",
        {"roster": signed(named(approvers=(approver(APPROVERS[0]),)), AUTHORITY)},
    ),
}


@pytest.mark.parametrize("attack", CAMERAS)
def test_a_camera_that_the_authority_did_not_sign_for_stays_closed(attack: str):
    reason, instead = CAMERAS[attack]
    shown = Shown(**instead)
    assert why(shown.papers.sensed()) == reason
    assert isinstance(Shown().papers.sensed(), Sensed)


def test_a_camera_closes_soon_after_its_authorisation_by_the_eyes_own_clock():
    shown = Shown(authorisation=allowed(scopes=("status", "pulse")))
    found = shown.papers.sensed()
    assert isinstance(found, Sensed) and found.scopes == ("status", "pulse")
    shown.clock.pass_time(timedelta(days=1, milliseconds=LATE_MS - 1))
    assert isinstance(shown.papers.sensed(), Sensed)
    shown.clock.pass_time(timedelta(milliseconds=1))
    assert why(shown.papers.sensed()) == "expired"
    shown.papers.again()
    assert why(shown.papers.sensed()) == "expired"


def test_a_machines_clock_that_is_behind_keeps_no_room_dark():
    """Where nobody but the gateway tells the time: from when it is in force the keeper says."""
    shown = Shown()
    shown.clock.turn(-400 * DAY)
    shown.show(**honest())
    assert isinstance(shown.papers.sensed(), Sensed) and why(shown.look()) == "roster"

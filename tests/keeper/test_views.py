"""Looks into the room: who may, what is announced, what leaves and for how long, what ends one, what is refused."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.commanded import Commanded
from tests.parties import ring

from stillroom.document_forms import now
from stillroom.documents import Recipient, ViewLimits, ViewPolicy
from stillroom.errors import WireError
from stillroom.events import ConditionChanged
from stillroom.eye.papers import Against, Papers
from stillroom.eye.papers import Look as Believed
from stillroom.keys import BoxKey, KeyRing
from stillroom.link import Lease, Look, Note, Unbelieved, ViewAsked, ViewFrame
from stillroom.orders import Halt, ViewRequest
from stillroom.view_seal import PLAIN_BYTES, FrameSealer
from stillroom.view_wire import FRAME_BYTES, open_frame, view_id

VIEWER, OTHER = ring("viewer", "carer", 0, "test"), ring("viewer", "nurse", 0, "test")
MANAGER = ring("manager", "matron", 0, "test")
LIMITS = ViewLimits(30, 4)
SCOPES = ("status", "view-figure", "view-picture")


class Looker:
    """A unit whose roster has viewers and a manager, an eye that seals what it is asked for, and the viewer's end."""

    def __init__(self, folder: Path) -> None:
        self.told = Commanded(folder)
        self.rig = self.told.rig
        more = tuple(
            Recipient(r.name, r.role, r.signing.verify_key.raw, ()) for r in (VIEWER, OTHER, MANAGER)
        )
        old = self.told.site.roster()
        roster = msgspec.structs.replace(old, version=2, recipients=(*old.recipients, *more))
        (self.told.trust / "roster.note").write_bytes(self.told.sign(roster))
        self.number = 0
        self.session = BoxKey.generate()
        self.eye_works = True
        self._sealer: FrameSealer | None = None
        self.authorise()

    def authorise(self, scopes: tuple[str, ...] = SCOPES, limits: ViewLimits | None = LIMITS) -> None:
        self.command(self.told.paper(f"a-{self.number}", scopes=scopes, view=limits))
        self.rig.beat()
        assert self.told.gate == "open"

    def command(self, note: bytes) -> str:
        """Its outcome."""
        self.number += 1
        self.told.tell(self.number, note)
        return self.told.receipts()[-1][3]

    def policy(self, by: KeyRing = MANAGER, **changes: object) -> str:
        start = now(self.rig.clock)
        plain = {
            "start": start - timedelta(hours=1),
            "until": start + timedelta(days=30),
            "site": "test",
            "unit": None,
            "version": 1,
            "levels": ("figure", "picture"),
            "least_block": 8,
            "seconds": 20,
            "looks_per_hour": 3,
            "announce_ms": 1_000,
        }
        outcome = self.command(self.told.sign(ViewPolicy(**(plain | changes)), by))
        self.rig.beat()
        return outcome

    def ask(self, by: KeyRing = VIEWER, name: str = "v-1", **changes: object) -> str:
        self.session = BoxKey.generate()
        self._sealer = None
        plain = {
            "at": now(self.rig.clock),
            "id": name,
            "site": "test",
            "unit": "u-1",
            "level": "figure",
            "seconds": 2,
            "reason": "fall-check",
            "block": 1,
            "session": self.session.public.raw,
        }
        self.request = ViewRequest(**(plain | changes))
        return self.command(self.told.sign(self.request, by))

    def beat(self, seconds: float = 0.2) -> None:
        """As the rig's, with an eye that answers."""
        for _ in range(round(seconds / 0.2)):
            self.rig.beat()
            asked = self.asked
            if asked is not None and self.eye_works:
                request = self.request
                if self._sealer is None:
                    plain = bytearray(PLAIN_BYTES)
                    self._sealer = FrameSealer(asked.sender_id, asked.view, request.session, plain)
                sealed = self._sealer.seal(
                    asked.number, request.level, request.block, asked.blank, asked.left_ms
                )
                self.rig.unit.from_eye(ViewFrame(asked.number, sealed))

    @property
    def asked(self) -> ViewAsked | None:
        lease = self.rig.eye.last(Lease)
        assert isinstance(lease, Lease)
        return lease.view

    @property
    def frames(self) -> list[bytes]:
        return [message.frame for message in self.rig.courier.sent if isinstance(message, Look)]

    @property
    def light(self) -> str:
        return (self.rig.folder / "run" / "indicator").read_text()

    def links(self) -> list[tuple[str, object]]:
        found = [self.told.audited(what) for what in ("view-granted", "view-ended", "view-refused")]
        return [(str(link["what"]), link.get("how", link.get("why"))) for rows in found for link in rows]


@pytest.fixture
def looker(tmp_path: Path) -> Looker:
    return Looker(tmp_path)


def test_the_light_first_then_frames_then_nothing(looker: Looker):
    assert looker.policy() == "done"
    assert looker.ask() == "done"
    assert looker.frames == [] and looker.light == "view"
    looker.beat(0.8)
    assert looker.light == "view" and looker.asked is None and looker.frames == [], "a second of light alone"
    looker.beat(1.2)
    assert looker.asked is not None and looker.light == "view" and looker.frames
    looker.beat(3.0)
    assert looker.asked is None and looker.light == "steady"
    unit, view = looker.told.site.enrolment("u-1"), view_id(looker.session.public.raw)
    key = looker.rig.unit._delivery._sealer._keys.signing.verify_key
    assert key.raw == unit.sign
    opened = [open_frame(frame, key, view, looker.session) for frame in looker.frames]
    assert [number for number, _ in opened] == list(range(10)), "five a second for two seconds"
    assert {len(frame) for frame in looker.frames} == {FRAME_BYTES}
    assert [shown.left_ms for _, shown in opened] == sorted((s.left_ms for _, s in opened), reverse=True)
    count = len(looker.frames)
    looker.beat(5.0)
    assert len(looker.frames) == count
    assert looker.links() == [("view-granted", None), ("view-ended", "over")]
    (granted,) = looker.told.audited("view-granted")
    assert granted.items() >= {"by": "carer", "level": "figure", "seconds": 2, "reason": "fall-check"}.items()


@pytest.mark.parametrize(
    ("policy", "asked", "why"),
    [
        (None, {}, "no-policy"),
        ({"levels": ("figure",)}, {"level": "picture", "block": 8}, "level"),
        ({}, {"level": "picture", "block": 6}, "block"),
        ({}, {"seconds": 21}, "seconds"),
        ({"seconds": 60}, {"seconds": 31}, "seconds"),
        ({"until": "past"}, {}, "no-policy"),
        ({}, {"at": "old"}, "time"),
    ],
)
def test_what_goes_beyond_is_refused_and_written_down(looker: Looker, policy, asked, why):
    moment = now(looker.rig.clock)
    if policy is not None:
        past = {"until": moment - timedelta(minutes=1)} if policy.get("until") else {}
        looker.policy(**(policy | past))
    old = {"at": moment - timedelta(minutes=5)} if asked.get("at") else {}
    assert looker.ask(**(asked | old)) == why
    looker.beat(2.0)
    assert looker.frames == [] and looker.light == "steady"
    assert looker.links() == [("view-refused", why)]


def test_an_authorisation_without_views_lets_nobody_look(looker: Looker):
    looker.policy()
    looker.command(looker.told.end("a-0"))
    assert looker.ask() == "closed"
    looker.authorise(("status",), None)
    assert looker.ask(name="v-2") == "not-authorised"
    looker.authorise(("status", "view-figure"), ViewLimits(30, 4))
    assert looker.frames == []


def test_only_a_viewer_asks_and_only_a_manager_sets_rules(looker: Looker):
    assert looker.policy(by=VIEWER) == "signer"
    assert looker.policy(by=looker.told.authority) == "signer"
    looker.policy()
    for by in (
        MANAGER,
        looker.told.site.keys("board"),
        looker.told.site.keys("gateway"),
        looker.told.authority,
    ):
        assert looker.ask(by) == "signer"
    assert looker.frames == []


def test_a_request_that_comes_again_opens_nothing(looker: Looker):
    looker.policy()
    asked = {"at": now(looker.rig.clock), "session": BoxKey.generate().public.raw}
    assert looker.ask(**asked) == "done"
    looker.beat(5.0)
    assert looker.ask(**asked) == "stale"


def test_looks_are_counted_and_none_follows_at_once(looker: Looker):
    looker.policy(looks_per_hour=2)
    assert looker.ask() == "done"
    assert looker.ask(OTHER, "v-o") == "busy"
    looker.beat(3.4)
    assert looker.ask(name="v-2") == "too-soon"
    looker.beat(2.0)
    assert looker.ask(name="v-3") == "done"
    looker.beat(8.0)
    assert looker.ask(name="v-4") == "too-many"
    assert looker.ask(OTHER, "v-5") == "done", "counted for each viewer"


def test_the_count_stands_over_a_restart(looker: Looker):
    looker.policy(looks_per_hour=1)
    assert looker.ask() == "done"
    looker.beat(6.0)
    looker.rig.unit.close()
    looker.rig.start()
    looker.rig.beat()
    assert looker.ask(name="v-2") == "too-many"


@pytest.mark.parametrize("close", ["button", "withdraw", "halt"])
def test_whatever_closes_the_gate_ends_a_look_at_once(looker: Looker, close):
    looker.policy()
    looker.ask(seconds=20)
    looker.beat(2.0)
    count = len(looker.frames)
    assert count
    if close == "button":
        looker.rig.unit.button()
    elif close == "withdraw":
        looker.command(looker.told.end("a-0"))
    else:
        looker.command(looker.told.sign(Halt(now(looker.rig.clock), "h-1", "test", "u-1")))
    looker.rig.beat(0.6)
    stopped = len(looker.frames)
    assert stopped <= count + 1 and not looker.rig.may_start
    looker.rig.beat(5.0)
    assert len(looker.frames) == stopped
    assert [what for what, _ in looker.links()] == ["view-granted", "view-ended"]


def test_an_eye_that_seals_nothing_leaves_blank_frames_at_the_same_pace(looker: Looker):
    looker.policy()
    looker.eye_works = False
    looker.ask()
    looker.beat(5.0)
    key = looker.rig.unit._delivery._sealer._keys.signing.verify_key
    view = view_id(looker.session.public.raw)
    opened = [open_frame(frame, key, view, looker.session)[1] for frame in looker.frames]
    assert len(opened) == 10 and {shown.blank for shown in opened} <= {"starting", "late"}
    assert not any(any(shown.luma) for shown in opened)
    (ended,) = looker.told.audited("view-ended")
    assert ended["frames"] == ended["blank"] == 10


def test_frames_open_for_the_session_key_alone_and_no_bit_can_be_changed(looker: Looker):
    looker.policy()
    looker.ask()
    looker.beat(5.0)
    key, view = looker.rig.unit._delivery._sealer._keys.signing.verify_key, view_id(looker.session.public.raw)
    frame = looker.frames[3]
    with pytest.raises(WireError, match="wrap"):
        open_frame(frame, key, view, BoxKey.generate())
    for at in (0, 4, 6, 9, 20, 40, 200, 20_000, FRAME_BYTES - 1):
        changed = bytearray(frame)
        changed[at] ^= 1
        with pytest.raises(WireError):
            open_frame(bytes(changed), key, view, looker.session)
    with pytest.raises(WireError, match="size"):
        open_frame(frame[:-1], key, view, looker.session)
    with pytest.raises(WireError, match="view"):
        open_frame(frame, key, view_id(b"x" * 32), looker.session)


def test_a_policy_is_never_replaced_by_an_older_one(looker: Looker):
    assert looker.policy(version=3) == "done"
    assert looker.policy(version=2, seconds=60) == "version"
    (looker.told.trust / "view-policy.note").write_bytes(b"no note\n")
    looker.rig.beat()
    assert looker.ask() == "no-policy"
    faults = [e.kind for e in looker.told.events(ConditionChanged) if e.active]
    assert "view-policy-refused" in faults


def test_without_a_light_nobody_looks(looker: Looker):
    looker.policy()
    (looker.rig.folder / "run" / "indicator").unlink()
    (looker.rig.folder / "run" / "indicator.new").mkdir()
    looker.rig.beat()
    assert looker.ask() in ("indicator", "closed")
    assert looker.frames == []


def believed_by_the_eye(looker: Looker) -> Believed | Against:
    """What an eye makes of the notes that this keeper has shown, and of the frame it asks for."""
    papers = Papers(looker.rig.settings, looker.rig.clock)
    for message in looker.rig.eye.sent:
        if isinstance(message, Note):
            papers.take(message)
    assert looker.asked is not None
    return papers.look(looker.asked)


def shown_to_the_eye(looker: Looker) -> list[str]:
    return [message.kind for message in looker.rig.eye.sent if isinstance(message, Note)]


def test_the_eye_is_shown_what_was_signed_once_and_believes_it(looker: Looker):
    looker.policy()
    assert shown_to_the_eye(looker) == ["roster", "authorisation"], "nobody looks"
    looker.ask(level="picture", block=8)
    looker.beat(1.6)
    found = believed_by_the_eye(looker)
    assert isinstance(found, Believed) and found.session == looker.session.public.raw
    kinds = shown_to_the_eye(looker)
    assert kinds == ["roster", "authorisation", "view-policy", "view-request"], "each once"
    looker.rig.eye.sent.clear()
    looker.rig.unit.eye_gone()
    looker.beat(0.4)
    assert isinstance(believed_by_the_eye(looker), Believed), "and the next eye, in the middle of a look"


def test_what_an_eye_refuses_is_audited_and_a_condition_until_nobody_looks(looker: Looker, capsys):
    looker.policy()
    looker.eye_works = False
    looker.ask()
    looker.beat(1.6)
    for _ in range(3):
        looker.rig.unit.from_eye(Unbelieved("look", "time", "the look is over"))
    assert "keeper: the eye refuses a look: the look is over" in capsys.readouterr().err
    looker.beat(3.0)
    assert [(link["of"], link["why"]) for link in looker.told.audited("eye-refused")] == [("look", "time")]
    told = [(e.kind, e.active) for e in looker.told.events(ConditionChanged) if e.kind == "eye-refuses"]
    assert told == [("eye-refuses", True), ("eye-refuses", False)]
    (ended,) = looker.told.audited("view-ended")
    assert ended["blank"] == ended["frames"], "the broker sees the pace of any look"

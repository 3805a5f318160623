"""Each condition of the unit itself: what raises it in a real unit, and what ends it. None is without its test."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.commanded import Commanded
from tests.rig import SOMEWHERE, observation

from stillroom.config_technical import TECHNICAL
from stillroom.document_forms import now
from stillroom.documents import KINDS, Roster, ViewAcceptance
from stillroom.events import ConditionChanged, DownBody
from stillroom.link import CameraSettings, Down, Fault, Hello, Setting
from stillroom.notes import sign_note

TESTS = Path(__file__).parents[1]
ELSEWHERE = {
    "software-old": "test_telemetry.py::test_old_software",
    "model-missing": "test_camera.py::test_an_eye_that_goes_on_without_models_is_a_condition_after_half_a_minute",
    "hot": "test_technical.py::test_hot_begins_at_one_limit_and_ends_below_another",
    "indicator-dead": "test_indicator.py",
    "storage-nearly-full": "test_outbox_room.py::test_the_condition_tells_numbers_begins_once_and_ends_once",
    "storage-full": "test_outbox.py::test_a_full_card_keeps_events_in_memory_and_numbers_gapless",
    "storage-failing": "test_outbox_room.py::test_what_waits_in_memory_is_bounded_and_alerts_are_kept",
    "storage-damaged": "test_storage.py::test_damage_reaches_the_gateway_as_condition_loss_and_audit",
    "events-forgotten": "test_outbox_room.py::test_what_waits_in_memory_is_bounded_and_alerts_are_kept",
    "courier-silent": "test_technical.py::test_the_unit_hears_its_courier",
    "gateway-silent": "test_technical.py::test_only_an_answer_to_this_boot_is_an_answer",
    "configuration-refused": "test_configuration.py",
    "crash-loop": "test_starts.py::test_ten_failures_of_the_eye_and_what_follows",
    "view-policy-refused": "test_views.py::test_a_policy_is_never_replaced_by_an_older_one",
    "eye-refuses": "test_views.py::test_what_an_eye_refuses_is_audited_and_a_condition_until_nobody_looks",
    "roster-refused": "../site/test_approvers.py::test_the_authority_alone_cannot_be_rid_of_them",
}
Do = Callable[[Commanded], object]


@pytest.fixture
def told(tmp_path: Path) -> Commanded:
    """A unit that senses."""
    one = Commanded(tmp_path)
    one.tell(1, one.paper(), 1, 1)
    one.rig.see(SOMEWHERE, 1)
    return one


def see(health: str) -> Do:
    def look(told: Commanded) -> None:
        told.rig.beat()
        seen = observation(told.rig.clock, SOMEWHERE, 0.02)
        told.rig.unit.from_eye(msgspec.structs.replace(seen, health=health))

    return look


def says(message: msgspec.Struct) -> Do:
    return lambda told: told.rig.unit.from_eye(message)


def down(cursor: int = 0, ahead_ms: int = 0, heard: bytes | None = None, times: int = 1) -> Do:
    """The gateway's word; without `heard` about this boot."""

    def come(told: Commanded) -> None:
        ours = told.rig.unit._delivery._sealer.boot_id
        for _ in range(times):
            body = DownBody(
                told.rig.clock.utc_ms() + ahead_ms, cursor, (), None, ours if heard is None else heard
            )
            told.rig.unit.from_courier(Down(told.stream.seal(msgspec.msgpack.encode(body))))

    return come


def settings(*differ: str) -> CameraSettings:
    return CameraSettings("day", 1, (Setting("AfMode", "0", "0"),), differ)


def accept_view(told: Commanded) -> None:
    told.rig.clock.pass_time(timedelta(seconds=2))
    told.tell(9, told.sign(ViewAcceptance("test", "u-1", now(told.rig.clock))))
    told.rig.beat()


def start_anew(told: Commanded) -> None:
    told.rig.unit.close()
    told.rig.start()


def boot_without_time(told: Commanded) -> None:
    """The machine is started, and its gateway says nothing until the grace is over."""
    told.rig.unit.close()
    told.rig.clock.boot()
    told.rig.hear_time, hear = lambda: None, told.rig.hear_time  # type: ignore[method-assign]
    told.rig.start()
    told.rig.hear_time = hear  # type: ignore[method-assign]
    told.rig.beat(15 * 60 + 1)


def hear_time(told: Commanded) -> None:
    told.rig.hear_time()
    told.rig.beat()


def outlive_the_roster(told: Commanded) -> None:
    told.rig.clock.pass_time(timedelta(days=800))
    told.rig.unit.slot()


def longer_roster(told: Commanded) -> None:
    old = told.site.roster()
    far = old.until + timedelta(days=3000)
    longer = tuple(
        msgspec.structs.replace(r, boxes=(*r.boxes[:-1], msgspec.structs.replace(r.boxes[-1], until=far)))
        for r in old.recipients
    )
    roster = msgspec.structs.replace(old, version=old.version + 1, until=far, recipients=longer)
    (told.trust / "roster.note").write_bytes(sign_note(KINDS[Roster], roster, [told.authority]))
    told.rig.beat()
    told.rig.unit.slot()


def hide_the_documents(told: Commanded) -> None:
    told.trust.rename(told.trust.with_name("hidden"))
    told.rig.beat()


def show_the_documents(told: Commanded) -> None:
    told.trust.with_name("hidden").rename(told.trust)
    told.rig.beat()


SCENES: dict[str, tuple[Do, Do]] = {
    **{
        f"camera-{health}": (see(health), see("good"))
        for health in ("covered", "dark", "blinded", "blurred", "frozen")
    },
    "camera-moved": (see("moved"), accept_view),
    "camera-silent": (lambda told: told.rig.beat(3), see("unsure")),
    "camera-failed": (says(Fault("camera-failed", "no camera")), says(Hello("picamera2", "none"))),
    "camera-settings": (says(settings("AfMode")), says(settings())),
    "recording-ended": (says(Fault("recording-ended", "over")), start_anew),
    "clock-unsure": (boot_without_time, hear_time),
    "clock-differs": (down(ahead_ms=20_000), down()),
    "cannot-seal": (outlive_the_roster, longer_roster),
    "cursor-beyond": (down(cursor=10**6), down()),
    "another-with-this-key": (down(heard=bytes(16), times=8), down()),
    "trust-unreadable": (hide_the_documents, show_the_documents),
}

ONCE = {"recording-ended", "clock-unsure", "cannot-seal", "trust-unreadable"}
"""What cannot be brought about a second time while it stands."""


def changes(told: Commanded, code: str) -> list[bool]:
    """As it was told to whoever keeps events: what is on the card, and what waits for it."""
    kept = (waiting.event for waiting in told.rig.unit._outbox._waiting)
    card = (entry.event for entry in told.rig.unit._outbox.take(told.rig.clock.utc_ms(), 10_000))
    return [e.active for e in (*card, *kept) if isinstance(e, ConditionChanged) and e.kind == code]


def test_none_is_without_its_test():
    assert set(SCENES) | set(ELSEWHERE) == set(TECHNICAL) and not set(SCENES) & set(ELSEWHERE)
    for code, place in ELSEWHERE.items():
        file, _, name = place.partition("::")
        text = (TESTS / "keeper" / file).read_text()
        assert re.search(rf"^def {name}\(" if name else code, text, re.MULTILINE), f"{code}: {place}"


@pytest.mark.parametrize("code", SCENES)
def test_what_raises_it_and_what_ends_it(told: Commanded, code: str):
    begin, end = SCENES[code]
    faults = lambda: told.rig.unit._faults  # noqa: E731
    assert not faults().stands(code), "not without cause"
    begin(told)
    told.rig.beat()
    assert faults().stands(code)
    if code not in ONCE:
        begin(told)
    end(told)
    told.rig.beat()
    assert not faults().stands(code)
    assert changes(told, code) == [True, False], "each told once"

"""What the keeper makes of a camera: conditions for its health and settings, and no sensing after it was moved."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.rig import SOMEWHERE, Rig, observation, run

from stillroom.clock import NS_PER_S
from stillroom.document_forms import from_ms
from stillroom.documents import KINDS, ViewAcceptance
from stillroom.events import Audited, Body, ConditionChanged
from stillroom.keeper.authorisation import VIEWS
from stillroom.keeper.camera import ModelWatch
from stillroom.link import CameraSettings, Halt, Hello, Setting
from stillroom.notes import sign_note
from stillroom.observation import Health
from stillroom_tools.site.layout import open_site


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    found = Rig(tmp_path)
    found.authorise()
    found.beat()
    found.unit.from_eye(Hello("picamera2", "none"))
    found.eye.occupied = True
    return found


def see(rig: Rig, health: Health, seconds: float = 2.0) -> None:
    for _ in range(round(seconds / 0.2)):
        rig.beat()
        seen = observation(rig.clock, SOMEWHERE, 0.02)
        rig.unit.from_eye(msgspec.structs.replace(seen, health=health))


def conditions(body: Body) -> list[tuple[str, bool]]:
    events = [entry.event for entry in body.entries]
    return [(e.kind, e.active) for e in events if isinstance(e, ConditionChanged)]


def audited(rig: Rig) -> list[dict[str, object]]:
    """All links that wait, however many records they take."""
    entries = rig.entries()
    return [msgspec.json.decode(e.event.body) for e in entries if isinstance(e.event, Audited)]


def accept(rig: Rig, seconds_from_now: float = 0.0, unit: str = "u-1") -> None:
    """What `site accept-view` writes, at the rig's own time."""
    site = open_site(rig.site_folder)
    at = from_ms(rig.clock.utc_ms() + round(seconds_from_now * 1000))
    note = sign_note(KINDS[ViewAcceptance], ViewAcceptance("test", unit, at), [site.authority_keys()])
    folder = rig.folder / "trust" / VIEWS
    folder.mkdir(exist_ok=True)
    (folder / f"{at:%H%M%S}-{unit}.note").write_bytes(note)


@pytest.mark.parametrize("health", ["covered", "dark", "blinded", "blurred", "frozen"])
def test_each_becomes_a_condition_once_and_ends_once(rig: Rig, health: Health) -> None:
    see(rig, "good")
    assert conditions(rig.slot()) == []
    see(rig, health)
    assert rig.slot().snapshot.faults == (f"camera-{health}",)
    see(rig, "unsure")
    assert rig.slot().snapshot.faults == (f"camera-{health}",)
    see(rig, "good")
    body = rig.slot()
    assert body.snapshot.faults == ()
    assert conditions(body) == [(f"camera-{health}", True), (f"camera-{health}", False)]


@pytest.mark.parametrize("health", ["covered", "blinded", "frozen"])
def test_from_such_a_camera_nothing_is_known_of_the_room(rig: Rig, health: Health) -> None:
    see(rig, "good", 6.0)
    assert rig.slot().snapshot.state == "occupied"
    see(rig, health)
    assert rig.slot().snapshot.state == "unknown"


NEXT_EYE = [
    (["unsure"], True),
    (["dark"], True),
    (["covered"], True),
    (["unsure", "dark", "good"], False),
    (["blurred"], False),
    (["good", "dark"], False),
]
"""What the next eye says, and whether `camera-covered` stands then."""


@pytest.mark.parametrize("start", ["of the eye", "of the keeper"])
@pytest.mark.parametrize(("says", "stands"), NEXT_EYE)
def test_a_cover_stands_until_the_next_eye_sees(
    rig: Rig, start: str, says: list[Health], stands: bool
) -> None:
    see(rig, "good")
    see(rig, "covered")
    begun = conditions(rig.slot())
    rig.unit.eye_gone()
    if start == "of the keeper":
        rig.unit.close()
        rig.start()
    rig.beat()
    assert "camera-covered" in rig.slot().snapshot.faults, "in the first record: the gateway ends what is not"
    for health in says:
        see(rig, health)
    assert ("camera-covered" in rig.slot().snapshot.faults) == stands
    told = [entry.event for entry in rig.entries() if isinstance(entry.event, ConditionChanged)]
    changes = {*begun, *((event.kind, event.active) for event in told)}
    assert (("camera-covered", False) in changes) != stands
    assert [event.active for event in told if event.kind == "camera-covered"].count(True) <= 1, "told once"


def test_a_lens_that_this_eye_saw_through_and_is_dark_now_is_not_covered(rig: Rig) -> None:
    see(rig, "good")
    see(rig, "covered")
    see(rig, "dark")
    assert rig.slot().snapshot.faults == ("camera-dark",)


def test_a_moved_camera_is_off_at_once_and_stays_off_over_a_restart(rig: Rig) -> None:
    see(rig, "good")
    see(rig, "moved", 0.2)
    assert rig.eye.last(Halt) and rig.eye.put_outs == 1 and not rig.may_start
    body = rig.slot()
    assert (body.snapshot.gate, body.snapshot.state) == ("camera-moved", "unknown")
    rig.beat()
    assert rig.slot().snapshot.faults == ("camera-moved",)
    assert "camera-moved" in {link["what"] for link in audited(rig)}
    rig.unit.close()
    rig.start()
    rig.beat(2)
    assert not rig.may_start and rig.slot().snapshot.gate == "camera-moved"


def test_a_new_authorisation_does_not_accept_the_view(rig: Rig) -> None:
    see(rig, "moved", 0.2)
    rig.authorise(days=2)
    rig.beat(3)
    assert not rig.may_start


def test_accepting_the_view_lets_it_sense_again_is_audited_and_used_up(rig: Rig) -> None:
    see(rig, "moved", 0.2)
    rig.slot()
    rig.clock.pass_time(timedelta(seconds=5))
    accept(rig)
    rig.beat()
    assert rig.may_start
    body = rig.slot()
    assert body.snapshot.gate == "open" and body.snapshot.faults == ()
    assert "view-accepted" in {link["what"] for link in audited(rig)}
    for note in (rig.folder / "trust" / VIEWS).iterdir():
        note.unlink()
    rig.unit.close()
    rig.start()
    rig.beat()
    assert rig.may_start, "what was accepted stays accepted"
    rig.eye.occupied = True
    see(rig, "moved", 0.2)
    assert not rig.may_start, "and a second knock counts anew"


@pytest.mark.parametrize(
    ("seconds_from_now", "unit"),
    [(-2.0, "u-1"), (30.0, "u-1"), (0.0, "u-2")],
    ids=["before", "not yet", "other"],
)
def test_what_does_not_accept_it(rig: Rig, seconds_from_now: float, unit: str) -> None:
    see(rig, "moved", 0.2)
    rig.clock.pass_time(timedelta(seconds=1))
    accept(rig, seconds_from_now, unit)
    rig.beat(3)
    assert not rig.may_start


def test_an_acceptance_that_somebody_else_signed_is_refused(rig: Rig, tmp_path: Path) -> None:
    see(rig, "moved", 0.2)
    rig.clock.pass_time(timedelta(seconds=5))
    run("site", "new", tmp_path / "other", "--site", "test", "--no-tls")
    forged = open_site(tmp_path / "other").authority_keys()
    paper = ViewAcceptance("test", "u-1", from_ms(rig.clock.utc_ms()))
    (rig.folder / "trust" / VIEWS).mkdir()
    path = rig.folder / "trust" / VIEWS / "forged.note"
    path.write_bytes(sign_note(KINDS[ViewAcceptance], paper, [forged]))
    rig.beat(2)
    assert not rig.may_start
    assert {"document-refused"} <= {link["what"] for link in audited(rig)}


def test_settings_that_were_not_taken_are_a_condition_and_stand_in_the_status(rig: Rig) -> None:
    rows = (Setting("FrameDurationLimits", "33333", "33333"), Setting("AfMode", "0", "not offered"))
    rig.unit.from_eye(CameraSettings("day", 1, rows, ("AfMode",)))
    body = rig.slot()
    assert body.snapshot.faults == ("camera-settings",)
    said = next(e.event for e in body.entries if isinstance(e.event, ConditionChanged))
    assert said.why == "not as asked: AfMode"
    link = next(link for link in audited(rig) if link["what"] == "camera-settings")
    assert (link["profile"], link["opened"], link["differ"]) == ("day", 1, "AfMode")
    status = msgspec.json.decode((rig.folder / "run" / "keeper.json").read_bytes())
    assert status["camera"]["AfMode"] == "not offered (asked: 0)"
    rig.unit.from_eye(CameraSettings("night", 2, rows[:1], ()))
    assert rig.slot().snapshot.faults == ()


def test_an_eye_that_goes_on_without_models_is_a_condition_after_half_a_minute():
    told: list[tuple[str, bool]] = []
    watch = ModelWatch(lambda code, active, why: told.append((code, active)), asked=True, within_s=30.0)
    for at_s in range(30):
        watch.look("none", at_s * NS_PER_S)
    assert told == []
    watch.look("none", 30 * NS_PER_S)
    assert told[-1] == ("model-missing", True)
    watch.look("blazepose", 31 * NS_PER_S)
    assert told[-1] == ("model-missing", False)
    watch.look("none", 32 * NS_PER_S)
    watch.look("none", 5 * NS_PER_S)
    assert told[-1] == ("model-missing", False), "a camera that begins anew counts anew"


def test_where_no_models_are_asked_for_none_are_missed():
    told: list[bool] = []
    watch = ModelWatch(lambda code, active, why: told.append(active), asked=False, within_s=30.0)
    for at_s in range(60):
        watch.look("none", at_s * NS_PER_S)
    assert not any(told)

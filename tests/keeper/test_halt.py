"""A halt closes the camera of a unit or of a whole site, whatever else is signed, until it is lifted."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.commanded import Commanded

from stillroom.document_forms import now
from stillroom.keeper import authorisation, commands
from stillroom.keeper.authorisation import HALTS, LIFTS
from stillroom.link import Halt as HaltEye
from stillroom.orders import Halt, Lift


@pytest.fixture
def told(tmp_path: Path) -> Commanded:
    """Open, under an authorisation."""
    one = Commanded(tmp_path)
    one.tell(1, one.paper())
    one.rig.beat()
    assert one.rig.may_start
    return one


def halt(told: Commanded, name: str = "h-1", unit: str | None = "u-1", **changes: object) -> bytes:
    plain = {"at": now(told.rig.clock), "id": name, "site": "test", "unit": unit}
    return told.sign(Halt(**(plain | changes)))


def lift(told: Commanded, name: str = "h-1", unit: str | None = "u-1") -> bytes:
    return told.sign(Lift(at=now(told.rig.clock), halt=name, site="test", unit=unit))


@pytest.mark.parametrize("unit", ["u-1", None], ids=["of the unit", "of the site"])
def test_the_eye_is_ended_in_the_moment_in_which_the_unit_learns_of_it(told: Commanded, unit: str | None):
    told.rig.eye.occupied = True
    told.tell(2, halt(told, unit=unit))
    assert not told.rig.may_start and told.rig.eye.put_outs == 1, "without another beat"
    assert told.rig.eye.last(HaltEye) is not None
    assert told.gate == "halted"
    assert told.receipts()[-1] == (2, "halt", "h-1", "done")
    assert [link["halt"] for link in told.audited("halt-seen")] == ["h-1"]


def test_no_authorisation_opens_it_until_it_is_lifted(told: Commanded):
    told.tell(2, halt(told))
    told.tell(3, told.paper("a-2"))
    told.rig.beat(10)
    assert told.gate == "halted"
    told.tell(4, lift(told))
    assert told.gate == "open", "the control: it was the halt alone"


def test_a_lift_is_of_one_halt_and_for_good(told: Commanded):
    first = halt(told)
    told.tell(2, first)
    told.tell(3, halt(told, "h-2"))
    told.tell(4, lift(told, "h-2"))
    assert told.gate == "halted", "another stands"
    told.tell(5, lift(told))
    assert told.gate == "open"
    told.tell(6, first)
    assert told.gate == "open", "one that comes again, after its end, closes nothing"
    assert told.receipts()[-1] == (6, "halt", "h-1", "lifted"), "and is not told as done"
    told.tell(7, halt(told, "h-3"))
    assert told.gate == "halted", "a new one does"


def test_a_lift_that_comes_first_lifts_too(told: Commanded):
    told.tell(2, lift(told))
    told.tell(3, halt(told))
    assert told.gate == "open"


def test_it_outlives_a_restart_and_the_removal_of_its_file(told: Commanded):
    told.tell(2, halt(told, unit=None))
    told.rig.unit.close()
    (told.trust / HALTS / "h-1.note").unlink()
    told.rig.start()
    told.rig.beat()
    assert told.gate == "halted"
    (told.trust / LIFTS).mkdir()
    (told.trust / LIFTS / "h-1.note").write_bytes(lift(told))
    told.rig.beat()
    assert told.gate == "open", "a file put there by hand is as good as a command"


def test_a_folder_of_halts_that_cannot_be_read_closes(told: Commanded, monkeypatch: pytest.MonkeyPatch):
    (told.trust / HALTS).write_bytes(b"no folder")
    told.rig.beat()
    assert not told.rig.may_start
    (told.trust / HALTS).unlink()
    told.rig.beat()
    assert told.rig.may_start


@pytest.mark.parametrize(
    ("note", "outcome"),
    [
        (lambda told: halt(told, unit="u-2"), "unit"),
        (lambda told: halt(told, site="other"), "unit"),
        (lambda told: halt(told).replace(b"h-1", b"h-2"), "signature"),
        (lambda told: told.sign(Halt(now(told.rig.clock), "h-1", "test", "u-1"), told.site.keys("board")), "signer"),
        (lambda told: told.sign(Halt(now(told.rig.clock), "h-1", "test", "u-1"), told.site.keys("gateway")), "signer"),
    ],
)  # fmt: skip
def test_whose_it_is_not_and_who_may_not_sign_it(told: Commanded, note, outcome: str):
    told.tell(2, note(told))
    told.rig.beat()
    assert told.rig.may_start and told.receipts()[-1][3] == outcome


def test_the_record_goes_on_in_the_same_pace_while_halted(told: Commanded):
    told.tell(2, halt(told))
    sizes = set()
    for _ in range(5):
        told.rig.clock.pass_time(timedelta(seconds=2))
        told.rig.slot()
        sizes.add(len(told.rig.courier.sent[-1].record))
    assert sizes == {2048}


@pytest.mark.parametrize("lifted", [True, False])
def test_it_is_heard_however_many_there_are(told: Commanded, monkeypatch: pytest.MonkeyPatch, lifted: bool):
    """The oldest that was lifted makes room; where none was, the folder is refused whole, which closes too."""
    for module in (commands, authorisation):
        monkeypatch.setattr(module, "MAX_FILES", 3)
    for number in range(1, 4):
        told.tell(2 * number, halt(told, f"h-{number}"))
        if lifted:
            told.tell(2 * number + 1, lift(told, f"h-{number}"))
    told.rig.beat()
    assert told.rig.may_start == lifted
    told.tell(20, halt(told, "h-9"))
    assert told.receipts()[-1] == (20, "halt", "h-9", "done") and not told.rig.may_start
    told.rig.beat(2)
    assert not told.rig.may_start
    assert (told.trust / HALTS / "h-1.note").exists() != lifted
    told.tell(21, halt(told, "h-1"))
    assert (told.receipts()[-1][3] == "lifted") == lifted, "what made room does not come back"


def test_a_withdrawal_is_heard_however_many_there_are(told: Commanded, monkeypatch: pytest.MonkeyPatch):
    for module in (commands, authorisation):
        monkeypatch.setattr(module, "MAX_FILES", 3)
    for number in range(2, 5):
        told.tell(number, told.end(f"a-{number}"))
    assert told.rig.may_start
    told.tell(9, told.end("a-1"))
    told.rig.beat()
    assert told.receipts()[-1] == (9, "withdrawal", "a-1", "done") and not told.rig.may_start
    told.tell(10, told.paper("a-3"))
    told.rig.beat()
    assert not told.rig.may_start, "the withdrawal whose file made room is remembered"

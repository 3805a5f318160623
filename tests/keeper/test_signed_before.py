"""A gateway that was taken over brings what people have signed once more, under a new number: it is done once."""

import random
from datetime import timedelta
from pathlib import Path

import pytest
from tests.commanded import Commanded
from tests.keeper.test_asks import MINUTE, VIEWER, acknowledgement, outcomes, pause, resume, told, view

from stillroom.document_forms import from_ms
from stillroom.events import Audited
from stillroom.keeper.outbox import Outbox
from stillroom.keeper.restraint import BURST, ONE_EACH_S
from stillroom.keeper.signed_before import MAX_REMEMBERED, SignedBefore
from stillroom.keys import KeyRing
from stillroom.orders import Acknowledgement

__all__ = ["told"]
SECOND = timedelta(seconds=1)


def links(told: Commanded) -> int:
    return len(told.events(Audited))


def acknowledged(told: Commanded, by: KeyRing, seconds: int, entry: int = 1) -> bytes:
    """Signed so many seconds from now."""
    at = from_ms(told.rig.clock.utc_ms()) + seconds * SECOND
    return told.sign(Acknowledgement(at, entry, "test", "u-1"), by)


@pytest.mark.parametrize("restart", [False, True], ids=["at once", "after a restart"])
@pytest.mark.parametrize("kind", ["view", "acknowledgement", "pause", "resume"])
def test_what_was_signed_is_written_down_once_however_often_it_comes(
    told: Commanded, kind: str, restart: bool
):
    said = {
        "view": "view-refused",
        "acknowledgement": "acknowledged",
        "pause": "paused-by-command",
        "resume": "resumed-by-command",
    }
    told.tell(2, pause(told, VIEWER))
    make = {"view": view, "acknowledgement": acknowledgement, "pause": pause, "resume": resume}
    note = make[kind](told, VIEWER)
    told.tell(3, note)
    if restart:
        told.rig.unit.close()
        told.rig.start()
        told.rig.beat()
    for number in range(4, 7):
        told.rig.clock.pass_time(SECOND)
        told.tell(number, note)
    assert outcomes(told)[-3:] == ["stale"] * 3
    assert len(told.audited(said[kind])) == 1


def test_another_that_was_signed_is_done(told: Commanded):
    """The control: of the same second, and of one before."""
    for number, (seconds, entry) in enumerate([(0, 1), (0, 2), (-5, 1), (1, 1)], 2):
        told.tell(number, acknowledged(told, VIEWER, seconds, entry))
    told.tell(6, acknowledged(told, told.site.keys("board"), 0, 1))
    assert outcomes(told) == ["done"] * 5
    assert len(told.audited("acknowledged")) == 5


def test_what_is_refused_for_another_reason_may_come_again(told: Commanded):
    """An entry that there is not yet: his word counts once it is there."""
    ahead = told.rig.slot().snapshot.accepted + 3
    note = acknowledged(told, VIEWER, 0, ahead)
    told.tell(2, note)
    while told.rig.slot().snapshot.accepted < ahead:
        told.rig.unit.button()
        told.rig.beat()
    told.tell(3, note)
    assert outcomes(told) == ["unknown", "done"]


def test_what_was_forgotten_is_refused_too(told: Commanded):
    notes = [acknowledged(told, VIEWER, seconds) for seconds in range(MAX_REMEMBERED + 3)]
    for number, note in enumerate(notes, 2):
        told.tell(number, note)
        told.rig.slot()
    for number, note in enumerate([*notes[:4], acknowledged(told, VIEWER, -60)], 100):
        told.tell(number, note)
    assert outcomes(told) == ["done"] * len(notes) + ["stale"] * 5


@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_order_each_is_done_exactly_once(tmp_path: Path, seed: int):
    rng = random.Random(seed)
    outbox = Outbox(tmp_path, 100)
    before = SignedBefore(outbox)
    signed = [Acknowledgement(from_ms(at * 1000), 1, "test", "u-1") for at in range(1, 200)]
    order = sorted(range(len(signed)), key=lambda at: at + rng.uniform(0, MAX_REMEMBERED / 2))
    done = []
    for at in [*order, *order, *rng.sample(order, len(order))]:
        if not before.has("a", "ann", at + 1, signed[at]):
            before.add("a", "ann", at + 1, signed[at])
            done.append(at)
    assert sorted(done) == list(range(len(signed)))
    assert len(outbox.recall_bytes("signed a by ann")) < 600
    outbox.close()


def test_what_a_bad_card_has_changed_stops_nothing(told: Commanded):
    told.tell(2, acknowledgement(told, VIEWER))
    told.rig.unit._outbox.remember("signed acknowledgement by carer", b"\xc1 nothing")
    told.rig.clock.pass_time(SECOND)
    told.tell(3, acknowledgement(told, VIEWER))
    assert outcomes(told) == ["done", "done"]


@pytest.mark.parametrize("how", ["signed before", "an authorisation that lies there", "signed by nobody"])
def test_a_gateway_cannot_fill_the_chain(told: Commanded, how: str):
    """Each is answered; of a hundred in vain, few are written down, and the chain says how many more there were."""
    note = {
        "signed before": view(told, VIEWER),
        "an authorisation that lies there": (told.trust / "authorisations/a-1.note").read_bytes(),
        "signed by nobody": b"junk",
    }[how]
    told.tell(2, note)
    before = links(told)
    for number in range(3, 103):
        told.tell(number, note)
        told.rig.slot()
    assert len(outcomes(told)) == 101
    assert links(told) - before <= BURST
    told.rig.clock.pass_time(ONE_EACH_S * 2 * SECOND)
    told.rig.hear_time()
    told.tell(200, note)
    left_out = told.audited("command")[-1]["more"]
    assert links(told) - before + left_out >= 100


def test_what_does_something_is_always_written_down(told: Commanded):
    """The control: in the middle of such a flood."""
    for number in range(2, 60):
        told.tell(number, b"junk")
        told.rig.slot()
    told.tell(60, pause(told, VIEWER))
    assert told.gate == "paused"
    assert told.audited("command")[-1].items() >= {"kind": "pause", "outcome": "done"}.items()


def test_an_old_pause_is_answered_and_closes_nothing(told: Commanded):
    first = pause(told, VIEWER, minutes=30)
    told.tell(2, first)
    told.rig.clock.pass_time(MINUTE)
    told.tell(3, resume(told, VIEWER))
    told.tell(4, first)
    assert told.gate == "open"
    assert outcomes(told) == ["done", "done", "stale"]

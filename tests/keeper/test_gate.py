"""Every case of the gate is a row: situation, documents, what it must say."""

import pytest

from stillroom.keeper.authorisation import Authorisation
from stillroom.keeper.gate import CLOCK_TOLERANCE_MS, Decision, Situation, decide

NOW = 1_800_000_000_000
HOUR = 3_600_000


def paper(name="a-1", start=NOW - HOUR, end=NOW + HOUR) -> Authorisation:
    return Authorisation(
        id=name,
        site="s",
        unit="u-1",
        room="r-1",
        scopes=("status",),
        from_ms=start,
        until_ms=end,
        purpose="care",
    )


def at(utc_ms=NOW, floor=0, paused=False, refused=False, moved=False) -> Situation:
    return Situation(utc_ms, floor, paused, refused, moved)


NONE: frozenset[str] = frozenset()
STANDING, PAST, FUTURE = (
    paper(),
    paper("a-2", NOW - 2 * HOUR, NOW - HOUR),
    paper("a-3", NOW + HOUR, NOW + 2 * HOUR),
)

ROWS = [
    ("standing", at(), [STANDING], NONE, "open"),
    ("nothing signed", at(), [], NONE, "no-authorisation"),
    ("withdrawn", at(), [STANDING], frozenset({"a-1"}), "withdrawn"),
    ("another one withdrawn", at(), [STANDING, PAST], frozenset({"a-2"}), "open"),
    ("past", at(), [PAST], NONE, "expired"),
    ("future", at(), [FUTURE], NONE, "not-yet-valid"),
    ("past and future", at(), [PAST, FUTURE], NONE, "expired"),
    ("past, and a standing one", at(), [PAST, STANDING], NONE, "open"),
    ("at its first millisecond", at(NOW - HOUR), [STANDING], NONE, "open"),
    ("a millisecond before", at(NOW - HOUR - 1), [STANDING], NONE, "not-yet-valid"),
    ("at its last millisecond", at(NOW + HOUR - 1), [STANDING], NONE, "open"),
    ("at its end", at(NOW + HOUR), [STANDING], NONE, "expired"),
    ("paused", at(paused=True), [STANDING], NONE, "paused"),
    ("camera refused", at(refused=True), [STANDING], NONE, "camera-refused"),
    ("camera moved", at(moved=True), [STANDING], NONE, "camera-moved"),
    ("camera moved, nothing signed", at(moved=True), [], NONE, "camera-moved"),
    ("camera moved and paused", at(moved=True, paused=True), [STANDING], NONE, "paused"),
    ("clock turned back a little", at(floor=NOW + CLOCK_TOLERANCE_MS), [STANDING], NONE, "open"),
    ("clock turned back", at(floor=NOW + CLOCK_TOLERANCE_MS + 1), [STANDING], NONE, "clock-unsure"),
    ("clock turned back to revive a past one", at(NOW - 90 * 60_000, NOW), [PAST], NONE, "clock-unsure"),
    ("clock turned back and paused", at(floor=NOW + HOUR, paused=True), [STANDING], NONE, "clock-unsure"),
]


@pytest.mark.parametrize(
    ("name", "situation", "papers", "withdrawn", "expected"), ROWS, ids=[r[0] for r in ROWS]
)
def test_row(name, situation, papers, withdrawn, expected):
    decision = decide(situation, papers, withdrawn)
    assert decision.reason == expected
    assert decision.open == (expected == "open")
    assert (decision.authorisation is not None) == decision.open


def test_the_one_that_lasts_longest_is_named():
    longer = paper("a-9", NOW - HOUR, NOW + 2 * HOUR)
    assert decide(at(), [STANDING, longer], NONE) == Decision("open", longer)

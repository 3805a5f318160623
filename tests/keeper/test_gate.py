"""Every case of the gate is a row: situation, documents, what it must say."""

import pytest
from parties import authorisation

from stillroom.document_forms import from_ms
from stillroom.documents import Authorisation
from stillroom.keeper.gate import Decision, Situation, decide
from stillroom.keeper.known import Known

NOW = 1_800_000_000_000
HOUR = 3_600_000


def paper(name="a-1", start=NOW - HOUR, end=NOW + HOUR, review=None) -> Authorisation:
    return authorisation(name, start=from_ms(start), until=from_ms(end), review_by=from_ms(review or end))


def known(earliest=NOW, latest=None, source="gateway") -> Known:
    return Known(earliest, earliest if latest is None else latest, source)


def at(
    time=None, paused=False, refused=False, moved=False, halted=False, dead=False, safe=False
) -> Situation:
    time = known(time) if isinstance(time, int) else time or known()
    return Situation(time, paused, refused, dead, moved, halted, safe)


NONE: frozenset[str] = frozenset()
STANDING, PAST, FUTURE = (
    paper(),
    paper("a-2", NOW - 2 * HOUR, NOW - HOUR),
    paper("a-3", NOW + HOUR, NOW + 2 * HOUR),
)

REVIEW = NOW + HOUR // 2
REVIEWED = paper("a-4", review=REVIEW)
UNSURE = known(source="unsure")


def grace(earliest: int, latest: int) -> Known:
    return known(earliest, latest, "grace")


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
    ("review due in a millisecond", at(REVIEW - 1), [REVIEWED], NONE, "open"),
    ("review due now", at(REVIEW), [REVIEWED], NONE, "review-overdue"),
    ("review overdue, and another one stands", at(REVIEW), [REVIEWED, STANDING], NONE, "open"),
    (
        "review overdue, the other withdrawn",
        at(REVIEW),
        [REVIEWED, STANDING],
        frozenset({"a-1"}),
        "review-overdue",
    ),
    ("review overdue, and its time over too", at(NOW + HOUR), [REVIEWED], NONE, "expired"),
    ("paused", at(paused=True), [STANDING], NONE, "paused"),
    ("indicator dead", at(dead=True), [STANDING], NONE, "indicator-fault"),
    ("indicator dead, nothing signed", at(dead=True), [], NONE, "indicator-fault"),
    ("indicator dead and paused", at(dead=True, paused=True), [STANDING], NONE, "paused"),
    ("indicator dead and camera refused", at(dead=True, refused=True), [STANDING], NONE, "indicator-fault"),
    ("indicator dead and camera moved", at(dead=True, moved=True), [STANDING], NONE, "indicator-fault"),
    ("indicator dead and the clock unsure", at(UNSURE, dead=True), [STANDING], NONE, "clock-unsure"),
    ("indicator dead and halted", at(dead=True, halted=True), [STANDING], NONE, "halted"),
    ("camera refused", at(refused=True), [STANDING], NONE, "camera-refused"),
    ("camera moved", at(moved=True), [STANDING], NONE, "camera-moved"),
    ("camera moved, nothing signed", at(moved=True), [], NONE, "camera-moved"),
    ("camera moved and paused", at(moved=True, paused=True), [STANDING], NONE, "paused"),
    ("failed too often", at(safe=True), [STANDING], NONE, "safe-mode"),
    ("failed too often, nothing signed", at(safe=True), [], NONE, "safe-mode"),
    ("failed too often and paused", at(safe=True, paused=True), [STANDING], NONE, "paused"),
    ("halted", at(halted=True), [STANDING], NONE, "halted"),
    ("halted, nothing signed", at(halted=True), [], NONE, "halted"),
    ("halted and paused", at(halted=True, paused=True), [STANDING], NONE, "halted"),
    ("halted and the clock unsure", at(UNSURE, halted=True), [STANDING], NONE, "halted"),
    ("clock unsure", at(UNSURE), [STANDING], NONE, "clock-unsure"),
    ("clock unsure, nothing signed", at(UNSURE), [], NONE, "clock-unsure"),
    ("clock unsure and paused", at(UNSURE, paused=True), [STANDING], NONE, "clock-unsure"),
    ("no gateway, the system clock", at(known(source="system")), [STANDING], NONE, "open"),
    ("grace, both bounds inside", at(grace(NOW, NOW + HOUR - 1)), [STANDING], NONE, "open"),
    ("grace, the later bound at its end", at(grace(NOW, NOW + HOUR)), [STANDING], NONE, "clock-unsure"),
    ("grace, the earlier bound before it", at(grace(NOW - HOUR - 1, NOW)), [STANDING], NONE, "clock-unsure"),
    ("grace, the later bound at its review", at(grace(NOW, REVIEW)), [REVIEWED], NONE, "review-overdue"),
    ("grace, nothing signed", at(grace(NOW, NOW)), [], NONE, "no-authorisation"),
    ("grace, withdrawn", at(grace(NOW, NOW)), [STANDING], frozenset({"a-1"}), "withdrawn"),
    ("grace and paused", at(grace(NOW, NOW), paused=True), [STANDING], NONE, "paused"),
    ("known to a minute, which its end is in", at(known(NOW, NOW + HOUR)), [STANDING], NONE, "expired"),
    (
        "known to a minute, which its start is in",
        at(known(NOW - HOUR - 1, NOW)),
        [STANDING],
        NONE,
        "not-yet-valid",
    ),
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

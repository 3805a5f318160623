"""The cursor against a plain set of numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillroom_tools.site.gateway.cursor import MAX_RANGES, RANGES_TOLD, Cursor

SPANS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 6)), max_size=40)


def covered(cursor: Cursor, top: int) -> set[int]:
    return {n for n in range(1, top + 1) if cursor.has(n)}


@settings(deadline=None)
@given(SPANS)
def test_equals_a_set_in_any_order(spans: list[tuple[int, int]]) -> None:
    cursor, model = Cursor(), set()
    for first, length in spans:
        cursor = cursor.add(first, first + length)
        model |= set(range(first, first + length + 1))
        assert covered(cursor, 70) == model
        assert cursor.contiguous + 1 not in model


@settings(deadline=None)
@given(st.permutations(range(1, 30)))
def test_every_order_of_arrival_ends_contiguous(order: list[int]) -> None:
    cursor = Cursor()
    for number in order:
        cursor = cursor.add(number)
    assert cursor == Cursor(29, ())


@pytest.mark.parametrize(
    ("given_cursor", "add", "expected"),
    [
        (Cursor(), (1, 1), Cursor(1)),
        (Cursor(), (2, 2), Cursor(0, ((2, 2),))),
        (Cursor(0, ((2, 2),)), (1, 1), Cursor(2)),
        (Cursor(5, ((7, 9),)), (6, 6), Cursor(9)),
        (Cursor(5, ((7, 9), (12, 12))), (10, 11), Cursor(5, ((7, 12),))),
        (Cursor(5, ((7, 9),)), (8, 8), Cursor(5, ((7, 9),))),
        (Cursor(5, ((7, 9),)), (1, 2**53), Cursor(2**53)),
    ],
)
def test_edges(given_cursor: Cursor, add: tuple[int, int], expected: Cursor) -> None:
    assert given_cursor.add(*add) == expected


@pytest.mark.parametrize("ranges", [((1, 2),), ((4, 3),), ((7, 8), (9, 9)), ((9, 9), (5, 6))])
def test_refuses_ranges_that_touch_overlap_or_run_backwards(ranges: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValueError):
        Cursor(1, ranges)
    with pytest.raises(ValueError):
        Cursor().add(3, 2)


@pytest.mark.parametrize("count", [0, 1, RANGES_TOLD, RANGES_TOLD + 1, 100])
def test_all_ranges_are_told_within_a_few_turns(count: int) -> None:
    cursor = Cursor(0, tuple((n, n) for n in range(2, 2 + 2 * count, 2)))
    told = [cursor.told(turn) for turn in range(count // RANGES_TOLD + 2)]
    assert all(len(ranges) <= RANGES_TOLD for ranges in told)
    assert {r for ranges in told for r in ranges} == set(cursor.ranges)


def test_knows_when_it_is_full() -> None:
    ranges = tuple((n, n) for n in range(2, 2 + 2 * MAX_RANGES, 2))
    assert Cursor(0, ranges).is_full
    assert not Cursor(0, ranges[:-1]).is_full

"""What is left out cannot be computed, what is let out gives attacks little, and a naive export gives them all."""

import re
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telling import WEEKS, told_of

from stillroom_tools.site.disclosure import suppress, verdict
from stillroom_tools.site.disclosure.attacks import Known, Result, attack, intervals, singling_out
from stillroom_tools.site.disclosure.counts import Counted, Released, count, from_csv, naive, to_csv
from stillroom_tools.site.disclosure.records import Record, what_of
from stillroom_tools.site.disclosure.roster import synthetic
from stillroom_tools.site.disclosure.settings import Purpose
from stillroom_tools.site.disclosure.suppress import BASE, LEAST, NEARLY_ALL, WIDTH, narrowest, protect, told
from stillroom_tools.site.disclosure.table import Bounds, Grid, Network, with_margins

PURPOSE = Purpose(("week", "shift", "condition"))


def all_tables(shape: tuple[int, int], most: int) -> Grid:
    """Every table of that shape with cells up to `most`, with margins: (tables, rows + 1, columns + 1)."""
    cells = np.array(list(product(range(most + 1), repeat=shape[0] * shape[1]))).reshape(-1, *shape)
    rows = np.concatenate([cells, cells.sum(2, keepdims=True)], 2)
    return np.concatenate([rows, rows.sum(1, keepdims=True)], 1)


TABLES = {shape: all_tables(shape, 3) for shape in ((1, 2), (2, 2), (2, 3))}
LARGER = all_tables((2, 2), 20)


def searched(tables: Grid, bounds: Bounds) -> tuple[Grid, Grid]:
    """By looking at every table that is within the bounds."""
    found = tables[((tables >= bounds.low) & (tables <= bounds.high)).all((1, 2))]
    return found.min(0), found.max(0)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_intervals_are_what_an_exhaustive_search_finds(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from(sorted(TABLES)))
    tables = TABLES[shape]
    truth = tables[data.draw(st.integers(0, len(tables) - 1))]
    slack = st.integers(0, 5)
    low, high = truth.copy(), truth.copy()
    for place in np.ndindex(truth.shape):
        low[place] = max(truth[place] - data.draw(slack), 0)
        high[place] = truth[place] + data.draw(slack)
    high[:-1, :-1] = np.minimum(high[:-1, :-1], 3)
    network = Network(truth, Bounds(low, high))
    least, most = searched(tables, Bounds(low, high))
    for place in np.ndindex(truth.shape):
        assert network.interval(place) == (least[place], most[place]), place
        near = network.interval(place, 1)
        assert near == (max(least[place], truth[place] - 1), min(most[place], truth[place] + 1))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=4, max_size=4), st.sampled_from((1, 5)))
def test_nothing_left_out_is_narrower_by_an_exhaustive_search(cells: list[int], base: int) -> None:
    truth = with_margins(np.array(cells).reshape(2, 2))
    made = protect(truth, 20, base)
    least, most = searched(LARGER, told(made.shown, 20, base))
    assert ((most - least)[made.left_out] >= WIDTH).all()
    assert (least <= truth).all() and (truth <= most).all()


ROOMS = st.integers(16, 60)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_rules_hold_for_any_table(data: st.DataObject) -> None:
    rooms, base = data.draw(ROOMS), data.draw(st.sampled_from((1, 5)))
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 5)))
    cell = st.one_of(st.integers(0, rooms), st.integers(0, 9))
    cells = data.draw(st.lists(cell, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    truth = with_margins(np.array(cells).reshape(shape))
    made = protect(truth, rooms, base)
    shown = made.shown[~made.left_out]
    assert made.left_out[truth < LEAST].all(), "no small number is let out, a margin neither"
    assert made.left_out[:-1, :-1][truth[:-1, :-1] >= rooms - NEARLY_ALL].all(), "nor one of nearly everybody"
    assert (shown % base == 0).all() and (np.abs(shown - truth[~made.left_out]) <= base // 2).all()
    assert narrowest(truth, made) >= WIDTH
    bounds = told(made.shown, rooms, base)
    assert ((bounds.low <= truth) & (truth <= bounds.high)).all(), "what is told is true"
    assert (protect(truth, rooms, base).shown == made.shown).all(), "and the same each time"


def test_a_small_number_beside_its_margins_is_computed_where_nothing_more_is_left_out() -> None:
    """The control: without the third rule, by the very intervals that the rule looks at."""
    truth = with_margins([[3, 20, 20], [20, 20, 20], [20, 20, 20]])
    shown = np.where(truth < LEAST, -1, truth)
    assert Network(truth, told(shown, 40, 1)).interval((0, 0)) == (3, 3)
    made = protect(truth, 40, 1)
    left_out = made.left_out
    assert left_out[0, 0] and left_out.sum() >= 4 and left_out[0].sum() >= 2 and left_out[:, 0].sum() >= 2
    low, high = Network(truth, told(made.shown, 40, 1)).interval((0, 0))
    assert low == 0 and high >= 8


def test_what_was_wide_stays_wide_and_it_ends() -> None:
    for seed in range(6):
        truth = with_margins(np.random.default_rng(seed).poisson(9, (14, 9)))
        made = protect(truth, 60, 1)
        assert narrowest(truth, made) >= WIDTH and not made.left_out.all()


def known_of(records: Sequence[Record], counted: Counted, purpose: Purpose = PURPOSE) -> Known:
    return Known(
        records, counted.grid, lambda at: WEEKS.when(at, purpose.when), lambda r: what_of(r, purpose)
    )


def attacked(rooms: int) -> tuple[list[Result], list[Result], list[str]]:
    """The attacks on the file, those on the naive one, and why it is refused."""
    records = told_of(rooms)
    counted = count(records, rooms, PURPOSE, WEEKS)
    made = protect(counted.grid, rooms)
    released = from_csv(to_csv(counted, made, PURPOSE), PURPOSE, rooms)
    roster = synthetic([f"room-{n}" for n in range(rooms)], WEEKS.from_ms, WEEKS.until_ms)
    results = attack(released, known_of(records, counted), roster)
    bare, exact, hour = naive(records, WEEKS, PURPOSE)
    control = attack(bare, Known(records, exact.grid, hour, lambda r: what_of(r, PURPOSE)), roster)
    return results, control, verdict.why_refused(results, control, narrowest(counted.grid, made), made, 0.1)


def test_a_file_made_by_the_rules_withstands_the_attacks_and_a_naive_one_is_broken_by_each() -> None:
    results, control, refused = attacked(40)
    assert refused == [] and all(result.claims > 20 for result in results)
    assert [result.attack for result in control if result.risk > 0.1] == [
        "singling out",
        "linkage",
        "inference",
    ]
    assert control[0].rate == 1.0 and control[0].certain > 100
    said = verdict.why_refused(control, control, WIDTH, protect(with_margins([[20]]), 40), 0.1)
    assert len(said) == 4 and said[0].startswith("singling out: right in 100%"), (
        "so that such a file is refused"
    )


def test_small_numbers_that_margins_give_away_are_found_by_the_attack() -> None:
    """Suppression of small cells alone, exact margins: what a spreadsheet does."""
    purpose = Purpose(("week", "level"))
    records = [
        Record(f"room-{room}", WEEKS.from_ms + (week * 7 * 24 + 9) * 3_600_000, "entered", level)
        for week, level in product(range(4), ("high", "medium", "low"))
        for room in range(3 if (week, level) == (0, "high") else 20)
    ]
    counted = count(records, 40, purpose, WEEKS)
    shown = np.where(counted.grid < LEAST, -1, counted.grid)
    naively = Released(purpose.when, purpose.what, counted.rows, counted.columns, told(shown, 40, 1))
    roster = synthetic(["room-1"], WEEKS.from_ms, WEEKS.until_ms)
    results = attack(naively, known_of(records, counted, purpose), roster)
    made = protect(counted.grid, 40)
    assert results[0].certain == 1
    said = verdict.why_refused(results, results, WIDTH, made, 0.1)
    assert any("1 small numbers can be computed" in why for why in said)
    again = attack(
        from_csv(to_csv(counted, made, purpose), purpose, 40), known_of(records, counted, purpose), roster
    )
    assert again[0].certain == 0


def test_attacks_that_break_nothing_prove_nothing() -> None:
    """Too little was told: then the file is refused, however it looks."""
    calm = [Result(name, 50, 5.0, 0.1) for name in ("singling out", "linkage", "inference")]
    made = protect(with_margins([[20, 20]]), 40)
    assert verdict.why_refused(calm, calm, WIDTH, made, 0.1) == [
        "the attacks do not even break a naive export of these records: they prove nothing here"
    ]


@pytest.mark.parametrize(
    ("claims", "right", "chance", "risk"),
    [(0, 0, 0.0, 0.0), (10, 1, 0.1, 0.0), (10, 10, 0.2, 1.0), (10, 6, 0.2, 0.5), (5, 5, 1.0, 0.0)],
)
def test_the_risk_is_what_is_gained_over_chance(
    claims: int, right: float, chance: float, risk: float
) -> None:
    result = Result("linkage", claims, right, chance)
    assert result.risk == pytest.approx(risk)
    low, high = result.interval
    assert 0 <= low <= result.rate <= high <= 1 + 1e-9


def test_wilsons_interval_is_the_textbooks() -> None:
    """Brown, Cai and DasGupta 2001: 8 of 10 is 0.49 to 0.943."""
    assert Result("linkage", 10, 8, 0.0).interval == pytest.approx((0.4902, 0.9433), abs=1e-3)


def test_the_file_reads_back_to_the_bounds_that_were_told() -> None:
    records = told_of(40)
    counted = count(records, 40, PURPOSE, WEEKS)
    made = protect(counted.grid, 40)
    data = to_csv(counted, made, PURPOSE)
    released = from_csv(data, PURPOSE, 40)
    bounds = told(made.shown, 40)
    assert (released.bounds.low == bounds.low).all() and (released.bounds.high == bounds.high).all()
    assert (released.rows, released.columns) == (counted.rows, counted.columns)
    lines = data.decode().splitlines()
    assert lines[0] == "week,shift,condition,rooms" and lines[-1].startswith("all,all,all,")
    assert not re.search("room-[0-9]", data.decode())
    low, high = intervals(released, counted.grid)
    assert singling_out(low, high, counted.grid).certain == 0


def test_a_room_counts_once_in_a_cell_whatever_was_told_of_it() -> None:
    """Ten falls of one person are one: a count of falls would pass for ten people."""
    at_ms = WEEKS.from_ms + 3_600_000
    records = [Record("room-1", at_ms + n, "on-floor", "high") for n in range(10)]
    counted = count(records, 40, PURPOSE, WEEKS)
    assert counted.grid.max() == 1 and counted.grid[-1, -1] == 1


def test_time_is_no_finer_than_a_shift_of_a_week() -> None:
    assert WEEKS.all_when(("week", "shift"))[:2] == [("2026-W37", "day"), ("2026-W37", "night")]
    assert len(WEEKS.all_when(("week", "shift", "days"))) == 4 * 2 * 2
    hours = {WEEKS.when(WEEKS.from_ms + n * 3_600_000, ("week", "shift", "days")) for n in range(24 * 28)}
    assert hours == set(WEEKS.all_when(("week", "shift", "days"))), "each hour has its place"


@pytest.mark.parametrize(
    "columns", [("week",), ("condition", "level"), ("week", "week"), ("week", "room"), ()]
)
def test_columns_that_are_none_are_refused(columns: tuple[str, ...]) -> None:
    import msgspec

    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"columns": columns}, Purpose)


def test_the_numbers_of_the_rules_are_those_of_the_readme() -> None:
    assert (LEAST, BASE, WIDTH, suppress.FEWEST_ROOMS) == (8, 5, 8, 16)

"""What alerts asked of staff: counted by night and day, with medians, of what was sensed."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.site.days import DAY, Ward
from tests.site.test_report_gaps import OPEN, start

from stillroom.cli import main
from stillroom.document_forms import to_ms
from stillroom.errors import ConfigError, InputError, StorageError
from stillroom.events import ConditionChanged, Event, GateChanged, Summary
from stillroom_tools.site.gateway.alert_forms import Priority
from stillroom_tools.site.report.burden import Burden, Kind, Tally, summed, tally_of
from stillroom_tools.site.report.burden_tables import show
from stillroom_tools.site.report.burden_words import COLUMNS, TOO_LITTLE, Report, head, row
from stillroom_tools.site.report.episodes import Deed, Episode
from stillroom_tools.site.report.kept import Told
from stillroom_tools.site.report.period import Period

FIRST = date(2024, 11, 1)
HOUR = 3_600_000
NOW = to_ms(datetime(2025, 1, 1, tzinfo=UTC))


def at(day: int, hour: float) -> int:
    """UTC in ms, days counted from FIRST."""
    return to_ms(datetime(2024, 11, 1, tzinfo=UTC)) + round((day * 24 + hour) * HOUR)


def period(days: int = 3) -> Period:
    return Period(FIRST, FIRST + timedelta(days=days - 1), UTC, "20:00", "08:00")


def lit(from_ms: int, until_ms: int) -> list[tuple[int, Event]]:
    """Sensed: a summary an hour."""
    return [
        (until, Summary(until - HOUR, until, "in-bed", 0.0, 1.0, None, 0.0, None, 0.0))
        for until in range(from_ms + HOUR, until_ms + 1, HOUR)
    ]


def told(*events: tuple[int, Event], unit: str = "u-1") -> list[Told]:
    ordered = sorted(events, key=lambda each: each[0])
    return [Told(unit, n, at_ms, at_ms, at_ms, event) for n, (at_ms, event) in enumerate(ordered, 1)]


def began(at_ms: int, kind: str = "left-bed", level: str = "low") -> list[tuple[int, Event]]:
    event = ConditionChanged(kind, level, True, "")  # type: ignore[arg-type]
    return [(at_ms, event), (at_ms + 60_000, msgspec.structs.replace(event, active=False))]


def alert(raised_ms: int, priority: Priority = "high", *deeds: tuple[str, float], **more: object) -> Episode:
    done = tuple(Deed(what, "ann", raised_ms + round(after_s * 1000)) for what, after_s in deeds)  # type: ignore[arg-type]
    plain = Episode(
        "u-1", "r", "on-floor", priority, False, raised_ms, raised_ms + HOUR, "", 0, None, done, ()
    )
    return msgspec.structs.replace(plain, **more)


def kinds(tally: Tally) -> dict[tuple[str, str], Kind]:
    return {(each.kind, each.level): each for each in tally.burden(None, 3).kinds}


ON = [(at(0, 0), start()), (at(0, 0), OPEN)]


def test_a_night_counts_what_began_in_it_and_a_day_what_began_in_it() -> None:
    """The fall before dawn of the first day is of the night before; the one after the last day is of its night."""
    falls = [
        alert(at(0, 5)),
        alert(at(0, 14)),
        alert(at(1, 3)),
        alert(at(3, 5)),
        alert(at(3, 9)),
        alert(at(-1, 22)),
    ]
    tally = tally_of(told(*ON, *lit(at(0, 0), at(4, 0))), falls, period(), NOW)
    (kind,) = kinds(tally).values()
    assert (kind.alerts, kind.alerts_night) == (3, 2)
    assert (tally.room_nights, tally.room_days) == (3.0, 3.0)


def test_what_was_not_sensed_counts_for_nothing() -> None:
    """Off during the first night, dark from the third day on: three nights of the calendar, a third of one sensed."""
    events = [*ON, *lit(at(0, 0), at(0, 20)), (at(1, 8), start()), (at(1, 8), OPEN), *lit(at(1, 8), at(3, 0)),
              (at(2, 0), GateChanged("paused", None))]  # fmt: skip
    tally = tally_of(told(*events), (), period(), NOW)
    assert tally.room_nights == pytest.approx(4 / 12)
    assert tally.room_days == pytest.approx(20 / 24 + 16 / 24)
    nothing = tally_of((), (), period(), NOW)
    assert (nothing.room_nights, nothing.room_days) == (0.0, 0.0)


def test_of_minutes_no_rate_is_told() -> None:
    began = at(0, 20)
    for until, said in ((began + 240_000, TOO_LITTLE), (at(1, 0), "3.00")):
        events = [(began, start()), (began, OPEN), *lit(began, until)]
        tally = tally_of(told(*events), [alert(began + 60_000)], period(), until)
        whole = tally.burden(None, 3)
        assert row(whole.kinds[0], whole)[6] == said
        of = Report("s", "UTC", date(2026, 1, 1), date(2026, 1, 2), ("20:00", "08:00"), whole, (whole,), None)
        assert any("not yet enough for a rate" in line for line in head(of)) is (said == TOO_LITTLE)


def test_two_units_of_a_room_are_one_room() -> None:
    both = [*told(*ON, *lit(at(0, 0), at(4, 0))), *told(*ON, *lit(at(0, 0), at(1, 0)), unit="u-2")]
    assert tally_of(both, (), period(), NOW).room_nights == 3.0


def test_medians_are_of_those_who_acted_and_none_where_nobody_did() -> None:
    found = [
        alert(at(0, 1), "high", ("acknowledge", 10), ("attend", 100), again=2),
        alert(at(0, 2), "high", ("pause-audio", 30), escalated_ms=at(0, 2) + 60_000),
        alert(at(0, 3), "high", ("attend", 50)),
        alert(at(0, 4), "high", cleared_ms=None),
        alert(at(0, 5), "low"),
    ]
    of = kinds(tally_of((), found, period(), NOW))
    high, low = of["on-floor", "high"], of["on-floor", "low"]
    assert (high.alerts, high.taken_on, high.taken_on_median_s) == (4, 3, 30.0)
    assert (high.attended, high.attended_median_s) == (2, 75.0)
    assert (high.re_raised, high.escalated, high.open) == (2, 1, 1)
    assert (low.taken_on, low.taken_on_median_s, low.attended_median_s) == (0, None, None)


def test_conditions_by_kind_and_level_and_one_that_goes_on_at_another_level_begins_once() -> None:
    up = ConditionChanged("left-bed", "high", True, "it goes on")
    events = [*began(at(0, 21)), (at(0, 21) + 60_000, up), *began(at(1, 12)), *began(at(1, 13), "camera-dark", "high"),
              *began(at(1, 14), "camera-dark", "technical")]  # fmt: skip
    of = kinds(tally_of(told(*ON, *events), (), period(), NOW))
    assert {key: (kind.conditions, kind.conditions_night) for key, kind in of.items()} == {
        ("left-bed", "low"): (2, 1),
        ("camera-dark", "technical"): (2, 0),
    }
    silent = tally_of((), [alert(at(0, 1), "low", kind="unit-silent")], period(), NOW)
    assert list(kinds(silent)) == [("unit-silent", "technical")]


@pytest.mark.parametrize("days", [1, 31, 32, 70])
def test_months_are_parts_of_a_whole(days: int) -> None:
    """Nothing is counted twice or left out where a long period is read in parts."""
    whole = period(days)
    parts = list(whole.months())
    assert [day for part in parts for day in part.days] == whole.days
    assert [night for part in parts for night in part.nights] == whole.nights
    events = told(
        *ON, *lit(at(0, 0), at(days + 1, 0)), *(each for n in range(days + 1) for each in began(at(n, 5)))
    )
    found = [alert(at(n, 5)) for n in range(-1, days + 2)]
    once = tally_of(events, found, whole, NOW)
    cut: Callable[[Period], list[Told]] = lambda part: [  # noqa: E731
        one for one in events if one.at_ms < part.whole.until_ms + HOUR
    ]
    again = summed(tally_of(cut(part), found, part, NOW) for part in parts)
    assert once.burden(None, days) == again.burden(None, days)
    (bed, floor) = sorted(kinds(once).values(), key=lambda kind: kind.kind)
    assert (bed.conditions, bed.conditions_night) == (days, days) == (floor.alerts, floor.alerts_night)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Ward:
    """A fall in the night that somebody attends to, a bathroom by day that nobody takes on."""
    ward = Ward(tmp_path_factory.mktemp("ward"))
    ward.begin()
    ward.live([("00:00", "in-bed", "still"), ("24:00", None, "")])
    for time, kind, level in (("21:33", "on-floor", "high"), ("12:00", "bathroom-long", "medium")):
        ward.teller.condition(ward.at(time), kind, level, True)
        ward.teller.condition(ward.at(time) + 120_000, kind, level, False)
    ward.teller.act(ward.at("21:33:41"), "acknowledge", "nurse-a", "on-floor")
    ward.teller.act(ward.at("21:35:10"), "attend", "nurse-a", "on-floor")
    ward.deliver()
    return ward


def report(ward: Ward, *words: object, first: date = DAY, to: date = DAY + timedelta(days=1)) -> int:
    plain = ["site", "report", "--burden", "--site", ward.site.folder, "--from", first, "--to", to, *words]
    return main([str(word) for word in plain])


def test_the_report_counts_what_the_gateway_kept(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert report(ward, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["from"], found["to"], found["night"]) == ("2024-11-24", "2024-11-25", ["20:00", "08:00"])
    assert found["simulated"] is None and [room["room"] for room in found["rooms"]] == ["room-12"]
    whole = msgspec.convert(found["all"], Burden)
    assert (whole.room_nights, whole.room_days, whole.nights) == (pytest.approx(1 / 3, abs=0.01), 1.0, 1)
    fall, bath = whole.kinds
    assert fall.kind == "on-floor"
    assert (fall.conditions, fall.conditions_night, fall.alerts, fall.alerts_night) == (1, 1, 1, 1)
    assert (fall.taken_on, fall.taken_on_median_s, fall.attended, fall.attended_median_s) == (
        1,
        39.5,
        1,
        128.5,
    )
    assert (bath.alerts, bath.alerts_night, bath.taken_on, bath.escalated, bath.open) == (1, 0, 0, 1, 1)


def test_the_table_says_the_same_and_that_nobody_knows_the_truth(
    ward: Ward, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert report(ward) == 0
    shown = capsys.readouterr().out
    fall = next(line for line in shown.splitlines() if line.startswith(" on floor")).split()
    assert fall == ["on", "floor", "high", "1", "3.00", "1.00", "1", "3.00", "1.00", "1", "40", "s", "1", "2.1", "min",
                    "0", "0", "0"]  # fmt: skip
    assert "nobody knows of a real room" in shown


@pytest.mark.parametrize("columns", [170, 120, 80, 72, 30])
def test_no_number_is_cut_in_a_narrow_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    each = Kind(
        "another-with-this-key", "technical", 10_001, 10_002, 10_003, 10_004, 10_005, 750.0, 10_006, 759.0, 11, 12, 13
    )  # fmt: skip
    rooms = tuple(Burden(room, 1234.5, 1234.5, 99, (each,)) for room in ("room-of-a-long-name", "r-2"))
    burden = Burden(None, 1.0, 1.0, 99, (each,))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    show(Report("s", "UTC", FIRST, FIRST + timedelta(1), ("20:00", "08:00"), burden, rooms, None))
    shown = re.sub(r"\x1b\[\d+m", "", capsys.readouterr().out)
    assert "\u2026" not in shown
    for word in (*row(each, burden)[1:], "1234.5", *COLUMNS):
        assert all(part in shown.split() for part in word.split()), word
    assert columns < 72 or max(map(len, shown.splitlines())) <= columns
    assert shown.count("level ") == {170: 1, 120: 2}.get(columns, 4)


SIMULATED = {
    "scenarios": ["falls", "<b>"], "seeds": [40, 41], "nights": 4, "hours": 32.0, "figures": "others read these",
    "conditions": {"on-floor": {"due": 4, "missed": 1, "false": 2}, "left-bed": {"due": 3, "missed": 0, "false": 0}},
    "wrong": [{"scenario": "falls", "seed": 41, "kind": "on-floor", "missed": 1, "false": 0},
              {"scenario": "<b>", "seed": 40, "kind": "on-floor", "missed": 0, "false": 2}],
}  # fmt: skip


def test_beside_what_simulated_nights_missed_with_their_seeds(
    ward: Ward, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nights").write_text(json.dumps(SIMULATED))
    capsys.readouterr()
    assert report(ward, "--simulated", tmp_path / "nights") == 0
    shown = capsys.readouterr().out
    assert "no evidence about real people: 4 runs of 2 scenarios, 32.0 h" in shown
    assert "left bed: due 3, missed 0, false 0." in shown
    assert (
        "on floor: due 4, missed 1, false 2 (missed, by scenario and seed: falls 41; "
        "false, by scenario and seed: <b> 40)" in shown
    )
    assert report(ward, "--simulated", tmp_path / "nights", "--json") == 0
    found = json.loads(capsys.readouterr().out)["simulated"]
    assert found["wrong"] == SIMULATED["wrong"] and found["conditions"] == SIMULATED["conditions"]


def test_what_simulate_writes_is_read(ward: Ward, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The real command, of a short scenario; its other keys are others' business."""
    scenario = Path(__file__).parents[2] / "config/scenarios/faller.toml"
    capsys.readouterr()
    main(["simulate", str(scenario), "--json"])
    (tmp_path / "nights").write_text(capsys.readouterr().out)
    assert report(ward, "--simulated", tmp_path / "nights") == 0
    assert "on floor: due 1, missed " in capsys.readouterr().out


@pytest.mark.parametrize("night", [("00:00", "06:00"), ("22:00", "22:30")])
def test_a_night_is_what_the_site_says(
    ward: Ward, tmp_path: Path, capsys: pytest.CaptureFixture[str], night: tuple[str, str]
) -> None:
    twin = ward.copy(tmp_path)
    settings = twin.site.folder / "site.toml"
    settings.write_text(
        f'{settings.read_text()}\n[report]\nnight_from = "{night[0]}"\nnight_until = "{night[1]}"\n'
    )
    capsys.readouterr()
    assert report(twin, "--json") == 0
    whole = json.loads(capsys.readouterr().out)["all"]
    assert whole["room_nights"] == 1.0 and {kind["alerts_night"] for kind in whole["kinds"]} == {0}


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["--from", "2024-11-24"], ConfigError, "--burden with --from and --to"),
        (["--from", "2024-11-24", "--to", "2024-11-24"], ConfigError, "must be after"),
        (["--from", "x", "--to", "2024-11-24"], ConfigError, "a day is needed"),
        (["--from", "2199-11-24", "--to", "2199-11-25"], ConfigError, "is still to come"),
        (["--from", "1999-11-24", "--to", "2024-11-25"], ConfigError, "1 to 3700 days"),
        (["--from", "2024-11-24", "--to", "2024-11-25", "--day", "2024-11-24"], ConfigError, "--burden with"),
        (
            ["--from", "2024-11-24", "--to", "2024-11-25", "room-9"],
            ConfigError,
            "nothing was ever kept of one",
        ),
        (
            ["--from", "2024-11-24", "--to", "2024-11-25", "--simulated", "/nowhere"],
            InputError,
            "cannot be read",
        ),
        (["--from", "2024-11-24", "--to", "2024-11-25", "--simulated", __file__], InputError, "not what"),
    ],
)
def test_bad_input_is_one_line(
    ward: Ward, capsys: pytest.CaptureFixture[str], words: list[str], error: type[ConfigError], said: str
) -> None:
    capsys.readouterr()
    assert main(["site", "report", "--burden", "--site", str(ward.site.folder), *words]) == error.exit_code
    found = capsys.readouterr()
    assert said in found.err and found.err.count("\n") == 1 and not found.out


def test_without_a_gateway_there_is_none(tmp_path: Path) -> None:
    assert report(Ward(tmp_path)) == StorageError.exit_code


def test_a_period_of_other_nights_keeps_its_days() -> None:
    assert replace(period(), night_from="08:00", night_until="20:00").nights[0].from_ms == at(0, 8)

"""A room's day as a picture: what was told is in it, what is not known is hatched, and bad input is one line."""

import json
import re
import sqlite3
import xml.etree.ElementTree as ET
from datetime import date
from pathlib import Path

import pytest
from tests.site.days import CALM, SVG, Picture, Ward, eventful

from stillroom_tools.site.gateway.settings import FILE
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.report.sheet import LEFT, PLOT


def x(hour: float, hours: float = 24) -> float:
    return LEFT + PLOT * hour / hours


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Ward:
    return eventful(tmp_path_factory.mktemp("ward"))


@pytest.fixture(scope="module")
def picture(ward: Ward) -> Picture:
    out = ward.folder / "day.svg"
    assert ward.report(out) == 0
    assert out.stat().st_mode & 0o777 == 0o600, "it is about somebody's health"
    return Picture.read(out)


def near(found: list[tuple[float, float, str]], *expected: tuple[float, float]) -> bool:
    """Within half a px: minutes are 0.6 px wide."""
    ends = [(x(start), x(end)) for start, end in expected]
    return len(found) == len(ends) and all(
        abs(a - c) < 0.7 and abs(b - d) < 0.7 for (a, b, _), (c, d) in zip(found, ends, strict=True)
    )


def test_states_lie_where_they_were_and_say_why_in_words(picture: Picture) -> None:
    assert near(picture.bars("in-bed"), (0, 5 + 33 / 60), (5 + 40 / 60, 10))
    (fall,) = picture.bars("on-floor")
    assert abs(fall[0] - x(5 + 33 / 60)) < 0.7 and fall[2] == "on floor 05:33, 7 min: made up"
    assert "on floor" in picture.words and "7 min" in picture.words


def test_what_is_not_known_is_hatched_through_all_lanes_and_says_why(picture: Picture) -> None:
    lane, through = [bar for bar in picture.bars("gap") if "nothing" in bar[2] or "off" in bar[2]]
    assert near([lane], (13, 15)) and near([through], (13, 15)) and lane[2] == "unit off, 2 h 0 min"
    assert {bar[2].split(",")[0].split(":")[0] for bar in picture.bars("dark")} == {
        "paused",
        "withdrawn",
        "no picture",
    }
    assert {"paused", "withdrawn", "unit off"} <= set(picture.words)
    for style in ("in-bed", "on-floor", "occupied", "empty"):
        for start, end, _ in picture.bars(style):
            for low, high, why in [*picture.bars("gap"), *picture.bars("dark")]:
                assert end <= low + 0.7 or start >= high - 0.7, f"{style} is drawn over '{why}'"


def test_a_covered_camera_is_unknown_and_no_picture(picture: Picture) -> None:
    assert any("no picture: covered" in bar[2] for bar in picture.bars("dark"))
    assert any(
        abs(bar[0] - x(18)) < 0.7 and bar[2].startswith("unknown 18:00") for bar in picture.bars("doubt")
    )


def test_a_fall_is_told_with_who_came_and_after_how_long(picture: Picture) -> None:
    said = next(line for line in picture.words if "alert: on floor" in line)
    assert said.replace("  ", " ") == (
        "05:33 alert: on floor, high; acknowledged by nurse-a after 39 s; attended by nurse-a after 2 min; "
        "cleared after 3 min"
    )
    assert said in picture.description
    assert [bar[2] for bar in picture.bars("high")] == ["on floor, high: on-floor for 0.0 s"]
    owned = [bar[2] for bar in picture.bars("owned")]
    assert "silent, nurse-a has it" in owned


def test_what_came_late_is_said_to_have_been_seen_by_nobody(picture: Picture) -> None:
    assert any("told late" in bar[2] for bar in picture.bars("owned"))
    assert any("told late, all of it by 17:00: nobody could see it then" in line for line in picture.words)
    assert any("unit silent, low" in line for line in picture.words)


def test_it_can_be_read_aloud_and_stands_alone(picture: Picture) -> None:
    assert picture.name == "Room room-12, Sunday 24 November 2024, Europe/London time"
    for words in ("In bed 9 h 53 min", "Sensed for 17 h 30 min", "not sensed for 4 h 30 min",
                  "nothing is known of 2 h 0 min", "Alerts: 1 high, 2 low."):  # fmt: skip
        assert words in picture.description
    assert picture.root.get("role") == "img"
    text = ET.tostring(picture.root, encoding="unicode").replace(SVG[1:-1], "")
    assert not re.search(r"https?:|<(\w+:)?script|@import|href|\son\w+=", text)


def test_rates_are_marked_where_they_were_read_and_nowhere_else(picture: Picture) -> None:
    for style in ("dots breath", "dots breath some", "dots beat"):
        (path,) = [each for each in picture.root.iter(f"{SVG}path") if each.get("class") == style]
        places = [float(at) for at in re.findall(r"M([\d.]+) ", path.get("d") or "")]
        assert len(places) > 20 and all(at < x(10.1) for at in places), "while somebody lay still"


def test_a_calm_day_has_no_gap_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ward = Ward(tmp_path)
    ward.begin()
    ward.live(CALM)
    ward.deliver()
    capsys.readouterr()
    assert ward.report(tmp_path / "calm.svg", "--json") == 0
    drawn = Picture.read(tmp_path / "calm.svg")
    assert not drawn.bars("gap") and not drawn.bars("dark") and not drawn.bars("soon")
    assert "No alert was raised." in drawn.description and "none was told" in drawn.words
    told = capsys.readouterr()
    (unit,) = json.loads(told.out)["units"]
    assert [(each["what"], each["until_ms"] - each["from_ms"]) for each in unit["stretches"]] == [
        ("sensed", 86_400_000)
    ]
    assert [each["state"] for each in unit["states"]] == [
        "in-bed",
        "out-of-bed",
        "empty",
        "occupied",
        "in-bed",
    ]
    assert "Sensed for 24 h 0 min." in told.err


@pytest.mark.parametrize(
    ("day", "hours", "words", "ticks"),
    [(date(2024, 3, 31), 23, "23 hours: the clocks were put forward", ["00", "02", "03"]),
     (date(2024, 10, 27), 25, "25 hours: the clocks were put back", ["00", "01", "01", "02"])],
)  # fmt: skip
def test_a_day_whose_clocks_are_changed(
    tmp_path: Path, day: date, hours: int, words: str, ticks: list[str]
) -> None:
    ward = Ward(tmp_path, day)
    ward.begin()
    ward.live([("00:00", "in-bed", "still"), ("12:00", "out-of-bed", "moving"), ("24:00", None, "")])
    ward.deliver()
    assert ward.report(tmp_path / "day.svg") == 0
    drawn = Picture.read(tmp_path / "day.svg")
    assert words in drawn.name and not drawn.bars("gap")
    (night,) = drawn.bars("in-bed")
    noon = x(12 + hours - 24, hours)
    assert abs(night[1] - noon) < 0.7 and f"{hours - 12} h 0 min" in night[2]
    assert f"Sensed for {hours} h 0 min." in drawn.description
    shown = [word for word in drawn.words if re.fullmatch(r"\d\d", word)]
    assert shown[: len(ticks)] == ticks


def test_a_day_of_which_nothing_is_known_is_a_picture_that_says_so(ward: Ward, tmp_path: Path) -> None:
    assert ward.report(tmp_path / "day.svg", day=date(2023, 5, 1)) == 0
    drawn = Picture.read(tmp_path / "day.svg")
    assert "Nothing was sensed on this day: this says nothing about anybody." in drawn.description
    assert "none could be" in drawn.description
    assert "nothing heard" in drawn.words and near(drawn.bars("gap")[:1], (0, 24))
    assert not drawn.bars("in-bed") and not drawn.bars("empty")


def test_what_stood_at_midnight_and_the_day_after_a_unit_fell_silent(ward: Ward, tmp_path: Path) -> None:
    """The gate was closed and is not known to be still: nobody has heard of the unit since."""
    assert ward.report(tmp_path / "day.svg", day=date(2024, 11, 25)) == 0
    assert near(Picture.read(tmp_path / "day.svg").bars("gap")[:1], (0, 24))


def test_it_is_drawn_while_a_gateway_writes(ward: Ward, tmp_path: Path) -> None:
    twin = ward.copy(tmp_path)
    store = Store(twin.site.folder / "gateway")
    with store.database.transaction():
        assert twin.report(tmp_path / "day.svg") == 0
    store.close()
    assert Picture.read(tmp_path / "day.svg").bars("in-bed")


def test_minutes_that_are_kept_no_longer_are_no_calm_ones(ward: Ward, tmp_path: Path) -> None:
    """Retention took the summaries: states are drawn from what is still there, movement and rates are hatched."""
    twin = ward.copy(tmp_path)
    database = sqlite3.connect(twin.site.folder / "gateway" / FILE)
    summaries = "FROM entries WHERE kind = 'summary'"
    newest = database.execute(f"SELECT max(number), max(accepted_ms) {summaries}").fetchone()
    database.execute(f"DELETE {summaries}")
    database.execute("INSERT INTO forgotten VALUES('unit-1', 'routine', ?, ?)", newest)
    database.commit()
    database.close()
    assert twin.report(tmp_path / "day.svg") == 0
    drawn = Picture.read(tmp_path / "day.svg")
    assert drawn.bars("on-floor") and "not kept" in drawn.words and "never read" not in drawn.words
    whys = {said.partition(",")[0].partition(":")[0] for _, _, said in drawn.bars("gap")}
    assert whys == {"kept no longer", "of these minutes no movement and no rate is kept"}
    hidden = [bar for bar in drawn.bars("gap") if "of these minutes" in bar[2]]
    (fall,) = drawn.bars("on-floor")
    assert any(start <= fall[0] and fall[1] <= end for start, end, _ in hidden)


def boxes(picture: Picture) -> list[tuple[float, float, float, float, str]]:
    """Of every text: left, top, right, bottom, about; and what it says."""
    found = []
    for each in picture.root.iter(f"{SVG}text"):
        said, style = each.text or "", each.get("class") or ""
        letter = {"h1": 12.0, "h2": 8.0, "say": 6.5, "mark": 5.6, "tiny": 4.8}.get(style.split(" ")[0], 5.8)
        width, x, y = len(said) * letter, float(each.attrib["x"]), float(each.attrib["y"])
        left = x - width * {"end": 1.0, "middle": 0.5}.get(each.get("text-anchor") or "", 0.0)
        found.append((left, y - letter * 1.4, left + width, y, said))
    return found


def test_no_word_and_no_number_of_a_dense_day_covers_another(tmp_path: Path) -> None:
    """Pauses of minutes, falls close upon one another, some of it at midnight, some told late."""
    ward, last = Ward(tmp_path), "00:00"
    ward.begin()
    for hour in ("00", "10", "23"):
        for minute in (1, 6, 12, 50, 57):
            begins, ends = f"{hour}:{minute:02d}", f"{hour}:{minute + 2:02d}"
            ward.live([(last, "in-bed", "still"), (begins, None, "")])
            ward.teller.gate(ward.at(begins), "paused")
            ward.teller.minutes(ward.at(begins), ward.at(ends), "dark")
            ward.teller.gate(ward.at(ends), "open")
            last = ends
    ward.live([(last, "in-bed", "still"), ("24:00", None, "")])
    for minute in (10, 13, 16, 59):
        for time, active in ((f"14:{minute}", True), (f"14:{minute}:30", False)):
            ward.teller.condition(ward.at(time), "on-floor", "high", active)
        ward.teller.act(ward.at(f"14:{minute}:20"), "attend", "nurse-a", "on-floor")
    ward.teller.away(ward.at("10:20"), ward.at("10:24"))
    ward.deliver()
    assert ward.report(tmp_path / "day.svg") == 0
    picture = Picture.read(tmp_path / "day.svg")
    texts = boxes(picture)
    numbers = {said for *_, said in texts if said.isdigit()}
    assert {str(n) for n in range(1, 20)} <= numbers, "gaps and alerts have their lines"
    covered = [
        (one[4], other[4])
        for number, one in enumerate(texts)
        for other in texts[:number]
        if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    ]
    assert covered == []

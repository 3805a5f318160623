"""`stillroom site export`: let out with a report and a receipt, or refused in one line, and written down either way."""

import base64
import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from telling import WEEKS, told_of
from tests.parties import HandClock

from stillroom.cli import main
from stillroom.config import convert
from stillroom.errors import ConfigError, InputError, StillroomError, TrustError
from stillroom.events import ConditionChanged
from stillroom_tools.site.disclosure import command as export
from stillroom_tools.site.disclosure.receipt import read_receipt
from stillroom_tools.site.gateway import place, tables
from stillroom_tools.site.gateway.erasing import Eraser
from stillroom_tools.site.gateway.erasures import Wish
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.layout import SiteConfig, open_site

ROOMS = 40
PURPOSES = """
[export.purposes.staffing]
columns = ["week", "shift", "condition"]

[export.purposes.quality]
columns = ["week", "level"]
"""
LATER = HandClock(datetime.fromtimestamp(WEEKS.until_ms / 1000, WEEKS.zone) + timedelta(days=3))


def fill(folder: Path, rooms: int) -> None:
    """The store as a gateway would have it."""
    site = open_site(folder)
    with closing(Store(place.of(site), site.config.alerts, site.name)) as store:
        rows = [
            {
                "unit": record.room.replace("room", "unit"), "number": number, "room": record.room,
                "at_ms": record.at_ms, "accepted_ms": record.at_ms, "sealed_ms": record.at_ms,
                "opened_ms": record.at_ms, "late": False, "kind": "condition", "retention": "care", "variant": 0,
                "event": msgspec.json.encode(ConditionChanged(record.condition, record.level, True, "zone")),
            }
            for number, record in enumerate(told_of(rooms), 1)
        ]  # fmt: skip
        with store.database.transaction():
            store.database.keys.seal_all(rows, "event")
            store.database.add(tables.entries, rows)


class House:
    def __init__(self, folder: Path, rooms: int = ROOMS) -> None:
        self.folder, self.site, self.out = folder, folder / "site", folder / "counts.csv"
        assert self.do("new", self.site, "--site", "test", "--no-tls") == 0
        self.allow(PURPOSES)
        self.key("matron", "manager")
        assert self.do("signer", "set", self.site, folder / "matron.pub", "--role", "manager", "--send") == 0
        fill(self.site, rooms)

    def allow(self, text: str) -> None:
        with (self.site / "site.toml").open("a") as file:
            file.write(text)

    def key(self, name: str, role: str) -> None:
        assert self.do("signer", "new", self.folder, "--site", "test", "--name", name, "--role", role) == 0

    def do(self, *words: object) -> int:
        return main(["site", *map(str, words)])

    def export(self, *more: object, **change: Any) -> int:
        given = {
            "purpose": "staffing",
            "from": WEEKS.first,
            "to": WEEKS.until,
            "key": self.folder / "matron.key",
        }
        given |= {"out": self.out, **change}
        words = [word for name, value in given.items() if value is not None for word in (f"--{name}", value)]
        return self.do("export", "--site", self.site, *words, *more)

    @property
    def log(self) -> list[str]:
        path = self.site / "rights" / "log"
        lines = path.read_bytes().splitlines() if path.exists() else []
        return [json.loads(base64.b64decode(json.loads(line)["body"]))["what"] for line in lines]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(export, "SystemClock", lambda: LATER)
    return House(tmp_path)


def test_counts_are_let_out_with_a_report_and_a_receipt(house: House, capsys) -> None:
    assert house.export() == 0
    lines = house.out.read_text().splitlines()
    assert lines[0] == "week,shift,condition,rooms" and "all,all,entered," in house.out.read_text()
    numbers = [line.rpartition(",")[2] for line in lines[1:]]
    assert "c" in numbers and all(n == "c" or (int(n) >= 10 and int(n) % 5 == 0) for n in numbers)
    told = json.loads(house.out.with_name("counts.csv.report.json").read_bytes())
    assert told["refused"] == [] and told["narrowest"] >= 8 and told["rooms"] == ROOMS
    assert {one["attack"] for one in told["found"] if one["risk"] <= 0.1} == {
        "singling out",
        "linkage",
        "inference",
    }
    assert all(one["risk"] > 0.1 for one in told["control"])
    page = house.out.with_name("counts.csv.report.txt").read_text()
    assert "Verdict: may be let out" in page and "a synthetic roster" in page
    receipt = house.out.with_name("counts.csv.receipt")
    site = open_site(house.site)
    paper = read_receipt(receipt, site)
    assert (paper.by, paper.purpose, paper.hash) == (
        "matron",
        "staffing",
        export.sha256(house.out.read_bytes()),
    )
    receipt.write_bytes(receipt.read_bytes().replace(b"staffing", b"research"))
    with pytest.raises(TrustError):
        read_receipt(receipt, site)
    assert house.log == ["export"]
    first = house.out.read_bytes()
    assert house.export("--replace") == 0, "the very same may be let out again"
    assert house.out.read_bytes() == first


def test_what_could_not_be_written_is_not_taken_for_let_out(house: House, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert house.export(out=tmp_path / "folder") == InputError.exit_code
    assert not list((house.site / "rights" / "exports").iterdir())
    assert house.log == ["export", "export-failed"]
    assert house.do("subject", "log", "--site", house.site) == 0


def test_what_lies_there_stays_unless_it_is_said(house: House, capsys) -> None:
    """Also where somebody meant to replace it, and the new one is refused."""
    assert house.export() == 0
    beside = [house.out, *(house.out.with_name(f"counts.csv.{one}") for one in ("report.txt", "receipt"))]
    before = {path: path.read_bytes() for path in beside}
    capsys.readouterr()
    assert house.export() == InputError.exit_code
    said = capsys.readouterr().err
    assert f"{house.out}: is there already" in said and "--replace" in said and said.count("\n") == 1
    assert house.log == ["export"]
    house.out.unlink()
    assert house.export() == InputError.exit_code, "its receipt alone is proof of something"
    house.out.write_bytes(before[house.out])
    assert house.export("--replace", purpose="quality") == StillroomError.exit_code
    assert "counts.csv.refused.report.txt says so too" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in beside} == before
    assert "REFUSED" in house.out.with_name("counts.csv.refused.report.txt").read_text()


def test_another_table_of_the_same_weeks_is_refused(house: House, capsys) -> None:
    assert house.export() == 0
    first = house.out.read_bytes()
    for change in (
        {"purpose": "quality"},
        {"from": WEEKS.first + timedelta(weeks=1)},
        {"to": WEEKS.until - timedelta(weeks=1)},
    ):
        capsys.readouterr()
        assert house.export("--replace", **change) == StillroomError.exit_code
        said = capsys.readouterr().err
        assert "as another table: one could be subtracted from the other" in said and said.count("\n") == 1
        assert house.out.read_bytes() == first
    assert house.log == ["export", *["export-refused"] * 3]


def test_the_same_table_is_refused_once_somebody_was_erased_from_it(house: House, capsys) -> None:
    assert house.export() == 0
    site = open_site(house.site)
    with closing(Store(place.of(site), site.config.alerts, site.name)) as store:
        wish = Wish("e-0123456789abcdef", "room-3", WEEKS.from_ms, WEEKS.until_ms, audit=True)
        for _ in Eraser(store, wish, LATER.utc_ms() + 5_000).steps():
            pass
    assert house.export("--replace") == StillroomError.exit_code
    assert "something of them was erased since: the difference would tell of whom" in capsys.readouterr().err


def test_a_threshold_that_an_attack_passes_refuses_with_why(house: House, capsys) -> None:
    text = (house.site / "site.toml").read_text()
    (house.site / "site.toml").write_text(text + "\n[export]\nmost_risk = 0.01\n")
    assert house.export() == StillroomError.exit_code
    said = capsys.readouterr().err
    assert "not let out: linkage: right in" in said and "above 0.01" in said and said.count("\n") == 1
    assert not house.out.exists() and house.log == ["export-refused"]
    assert "Verdict: REFUSED" in house.out.with_name("counts.csv.report.txt").read_text()


def test_a_roster_of_the_house_is_what_the_attacker_has(house: House, tmp_path: Path, capsys) -> None:
    """One nurse a week: whoever knows the week knows who it was."""
    staff = tmp_path / "staff.csv"
    weeks = [WEEKS.first + timedelta(weeks=n) for n in range(5)]
    lines = [f"nurse-{n},,{a}T00:00:00+00:00,{b}T00:00:00+00:00" for n, (a, b) in enumerate(pairwise(weeks))]
    staff.write_text("name,room,from,until\n" + "\n".join(lines) + "\n")
    assert house.export("--staff", staff) == StillroomError.exit_code
    assert "linkage: right in 100%" in capsys.readouterr().err
    assert "4 people, 4 watches" in house.out.with_name("counts.csv.report.txt").read_text()


@pytest.mark.parametrize("rooms", [15])
def test_few_rooms_let_nothing_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, rooms: int
) -> None:
    monkeypatch.setattr(export, "SystemClock", lambda: LATER)
    house = House(tmp_path, rooms)
    assert house.export() == StillroomError.exit_code
    assert f"{rooms} rooms were heard of in these weeks: 16 are needed" in capsys.readouterr().err
    page = house.out.with_name("counts.csv.report.txt").read_text()
    assert "Verdict: REFUSED" in page and f"because {rooms} rooms were heard of" in page
    assert "no attack was run" in page
    told = json.loads(house.out.with_name("counts.csv.report.json").read_bytes())
    assert told["purpose"] == "staffing" and len(told["refused"]) == 1
    assert not house.out.exists() and house.log == ["export-refused"]


def test_a_purpose_is_written_as_readme_and_the_refusal_say(house: House, capsys) -> None:
    site_toml = house.site / "site.toml"
    site_toml.write_text(site_toml.read_text().replace(PURPOSES, ""))
    assert house.export() == ConfigError.exit_code
    said = capsys.readouterr().err
    assert "allowed in [export.purposes]" in said and said.count("\n") == 1
    header, columns = re.search(r"'(\[export[^']+)' and '([^']+)'", said).groups()
    snippet = f"{header}\n{columns}\n"
    assert snippet in (Path(__file__).parents[2] / "README.md").read_text()
    house.allow(snippet)
    assert house.export() == 0


def test_beside_a_site_toml_of_the_templates_length_it_works_too(tmp_path: Path) -> None:
    """Its empty [export.purposes] may stay."""
    template = (Path(__file__).parents[2] / "config" / "site.toml").read_text()
    config = convert(tmp_path / "site.toml", tomllib.loads(template + PURPOSES), SiteConfig)
    assert set(config.export.purposes) == {"staffing", "quality"}


STAFF = (
    ("", "line 1: the first line is name,room,from,until"),
    ("name,room,from,until\n", "line 2: nobody is named"),
    (
        "name,room,from,until\na,r-1,2026-01-01,2026-01-02\n",
        "line 2: '2026-01-01': a time with its zone is needed",
    ),
    (
        "name,room,from,until\na,r-1,2026-01-02T00:00Z,2026-01-01T00:00Z\n",
        "line 2: a watch lasts up to a week",
    ),
    ("name,room,from,until\na,r-1\n", "line 2: name,room,from,until are needed"),
)


def test_bad_input_is_one_line_and_lets_nothing_out(house: House, tmp_path: Path, capsys) -> None:
    house.key("stranger", "manager")
    house.key("nurse-a", "viewer")
    monday = WEEKS.first
    bad: list[tuple[dict[str, Any], type[StillroomError], str]] = [
        ({"purpose": "sale"}, ConfigError, "--purpose 'sale': allowed in [export.purposes]"),
        ({"key": None}, ConfigError, "--key: a manager's own key is needed"),
        ({"key": tmp_path / "stranger.key"}, TrustError, "the roster names no manager with this key"),
        (
            {"key": tmp_path / "nurse-a.key"},
            TrustError,
            "a key for the role viewer, where one for manager is needed",
        ),
        ({"from": monday + timedelta(days=1)}, ConfigError, "not a Monday, and whole weeks are let out"),
        ({"to": monday}, ConfigError, "1 to 53 weeks, --to not included"),
        ({"from": monday - timedelta(weeks=60)}, ConfigError, "1 to 53 weeks"),
        ({"to": WEEKS.until + timedelta(weeks=1)}, ConfigError, "this week is not over yet"),
        ({"from": "monday"}, ConfigError, "--from 'monday': a day is needed"),
        ({"from": "2025-09-01", "to": "2025-09-08"}, StillroomError, "0 rooms were heard of in these weeks"),
        ({"staff": tmp_path / "nobody.csv"}, InputError, "nobody.csv: cannot be read"),
    ]
    for number, (text, says) in enumerate(STAFF):
        path = tmp_path / f"staff-{number}.csv"
        path.write_text(text)
        bad.append(({"staff": path}, InputError, says))
    for change, error, says in bad:
        capsys.readouterr()
        assert house.export(**change) == error.exit_code, says
        said = capsys.readouterr().err
        assert says in said and said.count("\n") == 1 and "Traceback" not in said
        assert not house.out.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('columns = ["week", "room"]', "columns"),
        (
            'columns = ["week", "shift"]',
            "a column of week, shift, days and one of condition, level are needed",
        ),
        ('columns = ["week", "week", "level"]', "a column is named twice"),
        ("columns = []", "columns"),
        ('colums = ["week", "level"]', "colums"),
    ],
)
def test_purposes_that_cannot_be_are_one_line(tmp_path: Path, text: str, says: str) -> None:
    raw = tomllib.loads(f'site = "demo"\n[export.purposes.x]\n{text}\n')
    with pytest.raises(ConfigError) as caught:
        convert(tmp_path / "site.toml", raw, SiteConfig)
    assert says in str(caught.value) and "\n" not in str(caught.value)

"""Days for the tests of reports: a site with one unit, and what it tells, at times of a clock on its wall."""

import shutil
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from stillroom.cli import main
from stillroom.document_forms import to_ms
from stillroom.events import RoomState
from stillroom_tools.lab.told_day import Teller, made_site
from stillroom_tools.site.layout import Site, open_site

ZONE = "Europe/London"
SVG = "{http://www.w3.org/2000/svg}"
DAY = date(2024, 11, 24)
Row = tuple[str, RoomState | None, str]
CALM: list[Row] = [
    ("00:00", "in-bed", "still"),
    ("07:30", "out-of-bed", "moving"),
    ("09:00", "empty", "nobody"),
    ("12:00", "occupied", "moving"),
    ("21:00", "in-bed", "still"),
    ("24:00", None, ""),
]


@dataclass
class Ward:
    """One site, and one unit that tells of room-12."""

    folder: Path
    day: date = DAY
    zone: str = ZONE
    site: Site = field(init=False)
    teller: Teller = field(init=False)

    def __post_init__(self) -> None:
        self.site = made_site(self.folder, zone=self.zone)
        self.teller = Teller(self.site, "unit-1", "room-12")

    def at(self, time: str) -> int:
        """`14:05`, `14:05:30` of the day, `24:00`; `-1 14:05` of the day before."""
        days, clock = (int(time.split()[0]), time.split()[1]) if " " in time else (0, time)
        hours, minutes, *seconds = (int(part) for part in clock.split(":"))
        day = self.day + timedelta(days=days + hours // 24)
        moment = datetime(
            day.year, day.month, day.day, hours % 24, minutes, *seconds, tzinfo=ZoneInfo(self.zone)
        )
        return to_ms(moment)

    def begin(self, time: str = "-1 22:00") -> None:
        """The unit is switched on and may sense; in bed from soon after until midnight, where it was before that."""
        self.teller.start(self.at(time))
        self.teller.gate(self.at(time), "open")
        if " " in time:
            self.teller.minutes(self.at(time), self.at("00:00"), "still")

    def live(self, rows: list[Row]) -> None:
        """Each row's state from its time until the time of the next."""
        for (time, state, kind), (until, *_) in pairwise(rows):
            if state is not None:
                self.teller.state(self.at(time), state)
            self.teller.minutes(self.at(time), self.at(until), kind)  # type: ignore[arg-type]

    def deliver(self) -> None:
        self.teller.deliver(self.at("36:00"))

    def copy(self, folder: Path) -> "Ward":
        """The same site elsewhere, for a test that changes it."""
        shutil.copytree(self.site.folder, folder / "site")
        twin = Ward.__new__(Ward)
        twin.__dict__ |= self.__dict__ | {"site": open_site(folder / "site"), "folder": folder}
        return twin

    def report(self, out: Path, *more: str, day: date | None = None) -> int:
        words = [
            "site",
            "report",
            "room-12",
            "--site",
            self.site.folder,
            "--day",
            day or self.day,
            "--out",
            out,
            *more,
        ]
        return main([str(word) for word in words])


def eventful(folder: Path) -> Ward:
    """A day with a fall; paused, without power, covered, withdrawn, and away from the gateway for a while."""
    ward = Ward(folder)
    teller = ward.teller
    ward.begin()
    ward.live([("00:00", "in-bed", "still"), ("05:33", "on-floor", "moving"), ("05:40", "in-bed", "still"),
               ("10:00", None, "")])  # fmt: skip
    teller.gate(ward.at("10:00"), "paused")
    teller.minutes(ward.at("10:00"), ward.at("11:30"), "dark")
    teller.gate(ward.at("11:30"), "open")
    ward.live([("11:30", "occupied", "moving"), ("13:00", None, "")])
    teller.start(ward.at("15:00"))
    teller.gate(ward.at("15:00"), "open")
    ward.live([("15:02", "occupied", "moving"), ("18:00", "unknown", "blind"), ("19:00", "occupied", "moving"),
               ("22:00", None, "")])  # fmt: skip
    teller.gate(ward.at("22:00"), "withdrawn")
    teller.minutes(ward.at("22:00"), ward.at("24:00"), "dark")
    teller.condition(ward.at("05:33"), "on-floor", "high", True, "on-floor for 0.0 s")
    teller.condition(ward.at("05:36"), "on-floor", "high", False)
    teller.act(ward.at("05:33:41"), "acknowledge", "nurse-a")
    teller.act(ward.at("05:35:10"), "attend", "nurse-a")
    teller.condition(ward.at("18:00"), "camera-covered", "technical", True)
    teller.condition(ward.at("19:00"), "camera-covered", "technical", False)
    teller.away(ward.at("16:00"), ward.at("17:00"))
    ward.deliver()
    return ward


@dataclass(frozen=True)
class Picture:
    """A picture that was written, to be asked about."""

    root: ET.Element

    @classmethod
    def read(cls, path: Path) -> "Picture":
        return cls(ET.fromstring(path.read_bytes()))

    @property
    def name(self) -> str:
        return self.root.findtext(f"{SVG}title") or ""

    @property
    def description(self) -> str:
        return self.root.findtext(f"{SVG}desc") or ""

    @property
    def words(self) -> list[str]:
        """Every text that can be seen."""
        return [each.text or "" for each in self.root.iter(f"{SVG}text")]

    def bars(self, style: str) -> list[tuple[float, float, str]]:
        """Where each bar of a style begins and ends, in px, and what it says to whoever points at it."""
        found = []
        for each in self.root.iter(f"{SVG}rect"):
            said = each.findtext(f"{SVG}title")
            if each.get("class") == style and said is not None:
                x = float(each.attrib["x"])
                found.append((x, x + float(each.attrib["width"]), said))
        return sorted(found)

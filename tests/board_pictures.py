"""The pictures of README: `.venv/bin/python -m tests.board_pictures tools/pictures`. Rooms are played, days made up."""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

# As pytest does: the modules of tests find one another by their names.
sys.path.insert(0, str(Path(__file__).parent))

from board_browser import chromium, lives, set_up
from board_rig import Ward, until
from unit_sender import command

from stillroom.clock import MS_PER_S, SystemClock
from stillroom_tools.lab.told_day import MINUTE_MS, Level, Teller
from stillroom_tools.site.layout import open_site

HOUR_MS = 60 * MINUTE_MS
TOLD = 11
"""The voice whose yesterday is told."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where they go")
    parser.add_argument("--all", action="store_true", help="all sizes and colours, to be looked at")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    made = Ward(Path(tempfile.mkdtemp(prefix="sr-", dir="/tmp")), 14)
    yesterday(made)
    try:
        made.start()
        with chromium() as browser:
            draw(made, browser, options.folder, everything=options.all)
    finally:
        made.stop()


def yesterday(made: Ward) -> None:
    """A night with a fall, a day with a pause."""
    now_ms, voice = SystemClock().utc_ms(), made.voices[TOLD]
    unit, room = made.folder / voice.unit, voice.now.room
    command("site", "authorise", "new", unit, "--site", made.site, "--room", room, "--days", 7)
    start = now_ms // (24 * HOUR_MS) * 24 * HOUR_MS - 24 * HOUR_MS
    teller = Teller(open_site(made.site), voice.unit, voice.now.room)
    teller.start(start - 2 * HOUR_MS)
    teller.gate(start - 2 * HOUR_MS, "open")

    def live(begin: float, end: float, state: Any, kind: Any) -> None:
        teller.state(start + round(begin * HOUR_MS), state)
        teller.minutes(start + round(begin * HOUR_MS), start + round(end * HOUR_MS), kind)

    def condition(at: float, kind: str, level: Level, active: bool) -> None:
        teller.condition(start + round(at * HOUR_MS), kind, level, active, "floor zone 0.81")

    live(-1.5, 3.2, "in-bed", "still")
    live(3.2, 3.5, "bathroom", "nobody")
    live(3.5, 3.6, "on-floor", "moving")
    condition(3.5, "on-floor", "high", True)
    teller.act(start + round(3.5 * HOUR_MS) + 40 * MS_PER_S, "acknowledge", "ann")
    teller.act(start + round(3.53 * HOUR_MS), "attend", "ann")
    condition(3.6, "on-floor", "high", False)
    live(3.6, 7.3, "in-bed", "still")
    live(7.3, 12, "occupied", "moving")
    teller.gate(start + 12 * HOUR_MS, "paused")
    teller.minutes(start + 12 * HOUR_MS, start + 13 * HOUR_MS, "dark")
    teller.gate(start + 13 * HOUR_MS, "open")
    live(13.1, 17, "empty", "nobody")
    live(17, 21.5, "occupied", "moving")
    live(21.5, 24, "in-bed", "still")
    teller.deliver(now_ms)
    voice.after(teller._number, teller._links, teller._head)


def draw(made: Ward, browser: Any, folder: Path, *, everything: bool) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    lives(made)
    made.voices[13].quiet = True
    set_up(page, made.address, "ann", made.first_token())

    def slot() -> str:
        made.speak()
        return str(page.locator("body").inner_text())

    until(lambda: all(word in slot() for word in ("HIGH", "MEDIUM", "SILENT", "DARK")), "rooms of all kinds")
    page.get_by_role("button", name="Take on: bathroom long").click()
    until(lambda: "acknowledged by ann" in slot(), "an owner")
    sizes = {"desktop": (1280, 900), "phone": (390, 844), "wall": (1920, 1080)}
    shots = [("light", "desktop"), ("dark", "phone")]
    for scheme, size in [(s, z) for s in ("light", "dark") for z in sizes] if everything else shots:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(dict(zip(("width", "height"), sizes[size], strict=True)))
        slot()
        page.wait_for_timeout(500)
        page.screenshot(path=folder / f"board-{size}-{scheme}.png")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})
    day = page.goto(f"{made.address}/rooms/{made.voices[TOLD].unit}")
    assert day.ok
    page.get_by_role("link", name="The day before").click()
    made.speak()
    page.wait_for_timeout(500)
    page.locator("section[aria-labelledby=h-day]").screenshot(path=folder / "board-room.png")
    if everything:
        page.screenshot(path=folder / "board-room-whole.png", full_page=True)
        more(made, page, folder)


def more(made: Ward, page: Any, folder: Path) -> None:
    """Pages that README does not show."""
    for path in ("people", "log", "burden", "units", "rooms/u-003"):
        page.goto(f"{made.address}/{path}")
        made.speak()
        page.wait_for_timeout(500)
        page.screenshot(path=folder / f"board-{path.replace('/', '-')}.png")
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("units", "rooms/u-003"):
        page.goto(f"{made.address}/{path}")
        page.screenshot(path=folder / f"board-{path.replace('/', '-')}-phone.png")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.context.clear_cookies()
    set_up(page, made.address, "ian", made.add("ian", "installer"))
    page.goto(f"{made.address}/rooms/u-001/zones")
    canvas = page.locator("#canvas")
    for x, y in ((100, 100), (400, 120), (380, 400), (90, 380)):
        canvas.click(position={"x": x, "y": y})
    page.screenshot(path=folder / "board-zones.png")
    page.goto(made.address)
    page.screenshot(path=folder / "board-installer.png")
    made.broker.kill()
    page.wait_for_timeout(2_000)
    page.screenshot(path=folder / "board-deaf.png")


if __name__ == "__main__":
    main()

"""From a record that the gateway has opened to the tile in the browser, 200 rooms; and what their page weighs."""

import json
import statistics
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from board_browser import chromium, lives, set_up
from board_rig import SLOT_S, Ward, until, ward

from stillroom.events import RoomState, StateChanged
from stillroom_tools.lab.broker import find_program
from stillroom_tools.site.gateway.reader import open_reader
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.room_words import spoken

ROOMS = 200
SLOTS = 12
MOST_BYTES = 300 * 1024

WATCH = """
window.seen = [];
new MutationObserver((changes) => {
  const at = Date.now();
  for (const change of changes) for (const tile of change.addedNodes)
    if (tile.id) window.seen.push([tile.id.slice(2), tile.querySelector(".state strong").textContent, at]);
}).observe(document.getElementById("tiles"), { childList: true });
"""


def spread(made: Ward) -> None:
    """Every room changes once a slot, one after another, as units do, and tells of it."""
    states: Iterator[RoomState] = cycle(["occupied", "out-of-bed", "empty", "bathroom", "in-bed", "bed-edge"])
    begun = time.monotonic()
    for slot in range(SLOTS):
        state = next(states)
        for n, voice in enumerate(made.voices):
            due = begun + slot * SLOT_S + n * SLOT_S / ROOMS
            time.sleep(max(due - time.monotonic(), 0))
            if voice.now.gate == "open":
                voice.tells(StateChanged(state, voice.now.state, "zone 0.6"))
                voice.is_now(state=state)
            made.say(voice)


@pytest.mark.long
def test_a_change_is_on_the_screen(tmp_path: Path) -> None:
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    with chromium() as browser, ward(tmp_path, ROOMS) as made:
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        lives(made)
        set_up(page, made.address, "ann", made.first_token())
        made.speak()
        until(lambda: page.locator(".tile").count() == ROOMS, "all tiles")
        weight = weigh(page, made.address)
        print(f"\npage of {ROOMS} rooms with all it loads: {weight / 1024:.0f} KiB compressed")
        assert weight <= MOST_BYTES
        page.evaluate(WATCH)
        spread(made)
        page.wait_for_timeout(3_000)
        accepted = opened(made)
        late = lateness(accepted, page.evaluate("window.seen"))
        cuts = statistics.quantiles(late, n=100)
        print(
            f"{len(late)} of {len(accepted)} changes, from the gateway to the tile: median {cuts[49]:.0f} ms, "
            f"95 % within {cuts[94]:.0f} ms, 99 % within {cuts[98]:.0f} ms"
        )
        assert len(late) >= len(accepted) * 0.99, "each is shown"


def opened(made: Ward) -> list[tuple[str, str, int]]:
    """Unit, state and the moment at which the gateway opened the record, for each change. In order of time."""
    words = {voice.now.room: voice.unit for voice in made.voices}
    with open_reader(open_site(made.site)) as reader:
        kept = [one for room in words for one in reader.entries(room, 0, 2**52, ("state",))]
    found = [(one.unit, json.loads(bytes(one.event))["state"], one.opened_ms) for one in kept]
    return sorted(found, key=lambda one: one[2])


def lateness(accepted: list[tuple[str, str, int]], seen: list[list[Any]]) -> list[float]:
    """For each change how long it took, in ms, to the first tile of that unit that shows it; less than 0: sooner."""
    shown: dict[tuple[str, str], list[float]] = {}
    for unit, word, at in seen:
        shown.setdefault((unit, word), []).append(at)
    found = []
    for unit, state, at in accepted:
        after = [one for one in shown.get((unit, spoken(state)), []) if at - SLOT_S * 500 <= one]
        found += [after[0] - at] if after else []
    return found


def weigh(page: Any, address: str) -> int:
    """Bytes that come over the line for the page of rooms, with nothing kept from before."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    total = 0

    def ended(said: dict[str, Any]) -> None:
        nonlocal total
        total += said["encodedDataLength"]

    session.on("Network.loadingFinished", ended)
    page.goto(address, wait_until="load")
    page.wait_for_timeout(500)
    session.send("Network.setCacheDisabled", {"cacheDisabled": False})
    session.detach()
    return total

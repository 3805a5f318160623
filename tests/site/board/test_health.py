"""What the board says of recordings that run, and of how the units themselves are."""

from collections.abc import Iterator
from contextlib import closing

import msgspec
import pytest
from board_desk import Board
from board_rig import SCENARIO
from stored import NOON_MS, Sender
from unit_sender import command

from stillroom.events import Audited, Entry, Event, Telemetry
from stillroom_tools.site.board import main
from stillroom_tools.site.gateway.store import Store

DAY_MS = 86_400_000
SEEN = {
    "what": "release-seen", "release": "r-1", "purpose": "seizure-study", "custodian": "archivist",
    "until": "2026-11-22T20:00:00Z",
}  # fmt: skip
STARTED = {"what": "release-started", "release": "r-1", "file": 1, "level": "192x144/5", "by": "matron ann"}
ENDED = {"what": "release-ended", "release": "r-1", "file": 1, "chunks": 9, "how": "withdrawn"}
WELL = Telemetry(
    NOON_MS - 60_000,
    NOON_MS,
    51.2,
    0,
    29.9,
    3,
    240.0,
    0,
    12_000,
    0.1,
    "0.1.0",
    NOON_MS - 9 * DAY_MS,
    0,
    None,
    1,
)


@pytest.fixture
def sender(board: Board) -> Iterator["Told"]:
    with closing(Store(board.site.folder / "gateway", site=board.site.name)) as store:
        yield Told(store)


class Told:
    """A unit's entries, as the gateway keeps them."""

    def __init__(self, store: Store) -> None:
        self._store, self._sender, self._number = store, Sender(store), 0

    def links(self, *said: dict[str, object], first: int = 1) -> None:
        self._arrive(
            [
                Audited(n, NOON_MS, msgspec.json.encode(one), bytes(16), bytes(32), bytes(64))
                for n, one in enumerate(said, first)
            ]
        )

    def of_itself(self, **changes: object) -> None:
        self._arrive([msgspec.structs.replace(WELL, **changes)])

    def _arrive(self, events: list[Event]) -> None:
        entries = [Entry(self._number + n, NOON_MS, NOON_MS, event) for n, event in enumerate(events, 1)]
        self._number += len(entries)
        self._store.commit([self._sender.arrive(*entries)])


ROLES = ("viewer", "manager", "auditor", "installer")


@pytest.mark.parametrize("role", ROLES)
def test_a_recording_that_runs_is_said_to_everybody(board: Board, sender: Told, role: str) -> None:
    board.room()
    browser = board.logged_in("ann", role)  # type: ignore[arg-type]
    assert "Recorded now" not in browser.get("/rooms/u-1").text
    sender.links(SEEN, STARTED)
    page = " ".join(browser.get("/rooms/u-1").text.split())
    assert "Recorded now" in page and "<strong>seizure-study</strong>" in page and "<code>r-1</code>" in page
    assert "<strong>matron and ann</strong> have signed" in page
    assert "until <strong>2026-11-22 20:00:00 UTC</strong> at the latest" in page
    assert "Only archivist can open it." in page
    sender.links(SEEN, STARTED, ENDED)
    assert "Recorded now" not in browser.get("/rooms/u-1").text


def test_a_start_of_the_unit_ends_one_and_erased_words_say_less(board: Board, sender: Told) -> None:
    board.room()
    browser = board.logged_in("ann", "viewer")
    sender.links(STARTED | {"by": "<b>x</b>"})
    page = " ".join(browser.get("/rooms/u-1").text.split())
    assert "under the release <code>r-1</code>" in page and "&lt;b&gt;x&lt;/b&gt;" in page
    assert " for <strong>" not in page and "at the latest" not in page and "can open it" not in page
    sender.links(STARTED, {"what": "start", "boot": "x"})
    assert "Recorded now" not in browser.get("/rooms/u-1").text


def test_tiles_of_rooms_that_are_recorded_say_so(board: Board, sender: Told) -> None:
    """From the start on, by what the store has; then by what comes in. Late links tell of before."""
    board.room()
    browser = board.logged_in("ann", "installer")
    follower = main.follower(board.desk)

    def marked() -> bool:
        follower.look()
        board.desk.live.look(0)
        return ">recorded</p>" in " ".join(browser.get("/").text.split()).replace("> recorded", ">recorded")

    assert not marked()
    sender.links(SEEN, STARTED)
    assert marked() and marked()
    sender.links(SEEN, STARTED, ENDED, first=1)
    assert not marked()
    sender.links(STARTED, first=2)
    assert not marked(), "an older link that came again, or late"
    sender.links(STARTED | {"file": 2}, first=4)
    assert marked()
    follower = main.follower(board.desk)
    assert marked(), "another board finds it"
    sender.links({"what": "start", "boot": "x"})
    assert not marked(), "another card in the unit begins anew"


def test_without_the_units_record_nobody_says_that_nothing_is_recorded(board: Board) -> None:
    board.room()
    assert (
        "Whether this room is recorded is not known"
        in board.logged_in("ann", "viewer").get("/rooms/u-1").text
    )


@pytest.mark.parametrize("role", ROLES)
def test_health_is_for_managers_and_installers(board: Board, role: str) -> None:
    board.room()
    browser, may = board.logged_in("ann", role), role in ("manager", "installer")  # type: ignore[arg-type]
    assert browser.get("/units").status_code == (200 if may else 403)
    for place in ("/", "/rooms/u-1"):
        assert ('href="/units' in browser.get(place).text) == may


def test_units_are_shown_with_what_somebody_should_look_after(board: Board, sender: Told) -> None:
    installer = board.logged_in("ann", "installer")
    assert "No unit is enrolled here." in installer.get("/units").text
    folder = board.site.folder.parent
    lab = ("--profile", "lab", "--camera", "simulated", "--source", SCENARIO)
    command("make", "unit", folder / "u-1", "--site", board.site.folder, "--unit", "u-1", *lab)
    assert "has told nothing of itself yet" in installer.get("/units").text
    sender.of_itself()
    page = installer.get("/units").text
    for cell in ("51 C", "29.9", "240 ms", "12000 MB, 10% worn", "0.1.0, 9 d", "as installed"):
        assert f"<td>{cell}</td>" in page
    assert '<span class="good">nothing</span>' in page and 'class="fault"' not in page
    for change, said in (
        ({"celsius": 76.0}, "hot"),
        ({"throttled": 2}, "the board slows down"),
        ({"card_worn": 0.9}, "the card is worn"),
        ({"software_ms": NOON_MS - 181 * DAY_MS}, "nothing newer was put on it for half a year"),
        ({"until_ms": NOON_MS - 2 * 3_600_000}, "has told nothing for 2 h"),
    ):
        sender.of_itself(**change)
        page = installer.get("/units").text
        assert f"<li>{said}</li>" in page and page.count("<li>") == 1, said


def test_without_a_store_it_says_so(board: Board) -> None:
    page = board.logged_in("ann", "manager").get("/units").text
    assert "What units have told of themselves cannot be shown" in page

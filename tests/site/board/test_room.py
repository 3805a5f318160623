"""The page of one room: each part for whoever may see it, what is not known said, who looked written down."""

import re
from datetime import timedelta

import pytest
from board_desk import Board
from board_rig import SCENARIO
from unit_sender import command

from stillroom.document_forms import to_ms
from stillroom.errors import TrustError

PARTS = {
    "viewer": (True, False),
    "manager": (True, True),
    "auditor": (False, True),
    "installer": (False, False),
}


@pytest.mark.parametrize("role", PARTS)
def test_each_part_is_for_whoever_may_see_it(board: Board, role: str) -> None:
    board.room()
    page = board.logged_in("ann", role).get("/rooms/u-1").text  # type: ignore[arg-type]
    persons, audit = PARTS[role]
    assert ("kept cannot be shown" in page) == (persons or audit)
    assert ("Sunday 22 November 2026" in page) == persons and ("Who looked" in page) == audit
    assert ("15.5</strong>" in page) == persons and "What is allowed here" in page
    deeds = [(deed.by, deed.what, deed.about) for _, deed in board.desk.log.newest(9)]
    assert (("ann", "room-read", "u-1 room-1 2026-11-22") in deeds) == (persons or audit)


def test_without_a_store_the_page_says_so_and_shows_the_rest(board: Board) -> None:
    board.room()
    browser = board.logged_in("ann", "viewer")
    page = browser.get("/rooms/u-1").text
    assert "What the gateway has kept cannot be shown" in page and "<strong>in bed</strong>" in page
    assert "No alert was raised" not in page
    assert browser.get("/rooms/u-1/day.svg").status_code == 503


def test_units_and_days_that_are_none(board: Board) -> None:
    board.room()
    browser = board.logged_in("ann", "viewer")
    for unit in ("u-9", "%3Cscript%3E", "..%2F..%2Fetc", "u-1%00"):
        answer = browser.get(f"/rooms/{unit}")
        assert answer.status_code == 404 and "<script>" not in answer.text
    for day in ("2026-11-23", "tomorrow", "1999-01-01", "2026-02-30", "", "2026-11-22' OR 1=1"):
        for place in ("/rooms/u-1", "/rooms/u-1/day.svg"):
            assert browser.get(place, params={"day": day}).status_code == 400
    assert "Saturday 21 November 2026" in browser.get("/rooms/u-1?day=2026-11-21").text


def test_what_is_allowed_and_how_it_stands(board: Board, tmp_path_factory: pytest.TempPathFactory) -> None:
    site = board.site.folder
    unit = tmp_path_factory.mktemp("u") / "u-1"
    lab = ("--profile", "lab", "--camera", "simulated", "--source", SCENARIO)
    command("make", "unit", unit, "--unit", "u-1", "--site", site, *lab)
    command("site", "authorise", "new", unit, "--site", site, "--room", "room-1", "--days", 7)
    board.room()
    manager = board.logged_in("ann", "manager")
    (paper,) = board.site.authorisations("u-1")
    row = re.compile(rf"<tr><th scope=\"row\">(.*?)</th>.*?{re.escape(paper.id)}", re.DOTALL)

    def stands() -> str:
        found = row.search(manager.get("/rooms/u-1").text)
        assert found
        return re.sub(r"<[^>]*>", "", found[1])

    board.clock.turn(timedelta(milliseconds=to_ms(paper.start) - board.clock.utc_ms() - 1_000))
    assert stands() == "not yet"
    board.clock.turn(timedelta(seconds=1))
    assert stands() == "in force"
    board.clock.turn(timedelta(days=7))
    assert stands() == "ended"
    board.clock.turn(timedelta(days=-7))
    command("site", "authorise", "withdraw", unit, "--site", site)
    assert stands() == "withdrawn"
    command("site", "halt", unit, "--site", site)
    assert "Halted by the facility" in manager.get("/rooms/u-1").text
    (site / "halts" / "x.note").write_text("none")
    assert "Not all documents of this site can be read" in manager.get("/rooms/u-1").text


def test_the_log_is_shown_to_those_who_may_and_says_that_it_was_bent(board: Board) -> None:
    for role in ("viewer", "installer"):
        assert board.logged_in(f"of-{role}", role).get("/log").status_code == 403  # type: ignore[arg-type]
    auditor = board.logged_in("ann", "auditor")
    page = auditor.get("/log").text
    assert "whole up to the newest" in page and "log read" in page
    path = board.desk.log._path
    path.write_bytes(path.read_bytes().replace(b'"index":1,', b'"index":7,'))
    with pytest.raises(TrustError):
        board.desk.log.verify(board.site.keys("board").signing.verify_key)
    assert "This log is not whole" in auditor.get("/log").text

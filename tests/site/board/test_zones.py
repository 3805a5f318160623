"""Zones drawn at the board: kept for whoever signs, refused where they are none, and nothing before they are signed."""

from pathlib import Path

import pytest
from board_desk import Board
from board_rig import SCENARIO
from unit_sender import command

from stillroom import cli
from stillroom_tools.site import drawn

BED = "[[0.1, 0.2], [0.6, 0.2], [0.6, 0.7]]"


def send(board: Board, **fields: str) -> tuple[int, str]:
    browser = board.logged_in("ann", "installer")
    csrf = browser.get("/rooms/u-1/zones").text.split('name="csrf" value="')[1].split('"')[0]
    answer = browser.post(
        "/rooms/u-1/zones", data={"csrf": csrf, "bed": "", "floor": ""} | fields, headers=board.origin
    )
    return answer.status_code, answer.text


def test_a_drawing_is_kept_written_down_and_shown_again(board: Board) -> None:
    board.room()
    status, page = send(board, bed=BED)
    assert status == 200 and "Nothing has changed at the unit" in page and "was drawn by ann" in page
    assert "[[0.1,0.2],[0.6,0.2],[0.6,0.7]]" in page
    found = drawn.read(board.site, "u-1")
    assert found and (found.by, found.bed, found.floor) == ("ann", ((100, 200), (600, 200), (600, 700)), None)
    assert [(d.by, d.what, d.about) for _, d in board.desk.log.newest(1)] == [("ann", "zones-drawn", "u-1")]
    assert board.site.configuration("u-1") is None


@pytest.mark.parametrize(
    "text",
    ["[]", "[[0,0],[1,1]]", "[[0,0],[1,0],[2,1]]", "[[0,0],[1,1],[1,0],[0,1]]", "x", "{}", "[[0,0],[1,0],[null,1]]",
     "[[0,0],[1e999,0],[1,1]]", '[["<b>",0],[1,0],[1,1]]', "[" * 500],
)  # fmt: skip
def test_what_is_no_zone_is_refused_in_words_and_stays_to_be_mended(board: Board, text: str) -> None:
    board.room()
    status, page = send(board, floor=text)
    assert status == 400 and "Nothing was kept. floor: " in page and "<b>" not in page
    assert drawn.read(board.site, "u-1") is None


def test_only_an_installer_draws(board: Board) -> None:
    board.room()
    for role in ("viewer", "manager", "auditor"):
        assert board.logged_in(f"of-{role}", role).get("/rooms/u-1/zones").status_code == 403  # type: ignore[arg-type]
    assert board.logged_in("ann", "installer").get("/rooms/u-9/zones").status_code == 404


def test_the_authority_signs_what_was_drawn(
    board: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site, unit = board.site.folder, tmp_path / "u-1"
    lab = ("--profile", "lab", "--camera", "simulated", "--source", SCENARIO)
    command("make", "unit", unit, "--unit", "u-1", "--site", site, *lab)
    words = ["site", "configure", str(unit), "--site", str(site), "--drawn"]
    assert cli.main(words) == 3 and "nobody has drawn zones of unit 'u-1'" in capsys.readouterr().err
    board.room()
    send(board, bed=BED)
    assert cli.main(words) == 0
    assert "drawn by ann" in capsys.readouterr().err
    signed = board.site.configuration("u-1")
    assert signed and signed.bed == ((100, 200), (600, 200), (600, 700)) and signed.floor is None

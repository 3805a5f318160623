"""The manager's page of burden: the report's own numbers, for managers alone."""

import pytest
from board_desk import Board

from stillroom_tools.site.gateway.store import Store


@pytest.mark.parametrize("role", ["viewer", "auditor", "installer"])
def test_it_is_for_managers(board: Board, role: str) -> None:
    assert board.logged_in("ann", role).get("/burden").status_code == 403  # type: ignore[arg-type]


def test_spans_that_can_be_chosen(board: Board) -> None:
    manager = board.logged_in("ann", "manager")
    for days in ("0", "29", "-1", "x", ""):
        assert manager.get("/burden", params={"days": days}).status_code == 400
    assert "cannot be counted" in manager.get("/burden").text, "no gateway has run here"


def test_an_empty_store_counts_nothing_and_says_so(board: Board) -> None:
    Store(board.site.folder / "gateway", site=board.site.name).close()
    page = board.logged_in("ann", "manager").get("/burden?days=7").text
    assert "0.0 room-nights" in page and "No condition began and no alert was raised." in page
    assert board.desk.log.newest(1)[0][1].what == "burden-read"

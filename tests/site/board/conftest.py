"""A board of a site's own for each test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from board_desk import Board
from parties import HandClock
from unit_sender import SITE, command

from stillroom_tools.site.board import passwords
from stillroom_tools.site.board.main import make_desk
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.watching import Watch


@pytest.fixture(scope="session")
def site_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("board") / "site"
    command("site", "new", folder, "--site", SITE, "--no-tls")
    return folder


@pytest.fixture
def make_board(tmp_path: Path, site_made: Path) -> Iterator[Callable[..., Board]]:
    """`make_board(tls=True)`: a board of a copy of the site. A password costs a thousandth of what it does."""

    def make(*, tls: bool = False) -> Board:
        folder = tmp_path / "site"
        shutil.copytree(site_made, folder)
        site, clock = open_site(folder), HandClock()
        watch = Watch(site, clock, lambda _text: None)
        return Board(site, clock, watch, make_desk(site, clock, watch, tls=tls))

    cheap = {"opslimit": 1, "memlimit": 8192}
    with patch.object(passwords, "COST", cheap):
        yield make


@pytest.fixture
def board(make_board: Callable[..., Board]) -> Board:
    return make_board()

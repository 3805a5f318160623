"""`stillroom site accept-view`: what the unit then reads."""

from pathlib import Path

import pytest
from parties import command

from stillroom.clock import SystemClock
from stillroom.config import load
from stillroom.errors import ConfigError, TrustError
from stillroom.keeper.authorisation import VIEWS, load_papers
from stillroom_tools.make import commands as make_commands
from stillroom_tools.site import commands


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    command(commands, "new", tmp_path / "site", "--site", "demo")
    command(make_commands, "unit", tmp_path / "unit", "--site", tmp_path / "site", "--unit", "u-1")
    return tmp_path


def test_the_unit_reads_when_its_view_was_accepted(ward: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert load_papers(load(ward / "unit" / "unit.toml"), ()).views_ms == ()
    before = SystemClock().utc_ms()
    assert command(commands, "accept-view", ward / "unit", "--site", ward / "site") == 0
    said = capsys.readouterr()
    assert said.out.endswith("Z\n") and "private zones" in said.err
    papers = load_papers(load(ward / "unit" / "unit.toml"), ())
    assert papers.refused == ()
    (at_ms,) = papers.views_ms
    assert before < at_ms <= SystemClock().utc_ms() + 1000


def test_another_sites_folder_is_refused(ward: Path, tmp_path: Path) -> None:
    command(commands, "new", tmp_path / "else", "--site", "else")
    with pytest.raises((ConfigError, TrustError)):
        command(commands, "accept-view", ward / "unit", "--site", tmp_path / "else")
    assert not (ward / "unit" / "trust" / VIEWS).exists()

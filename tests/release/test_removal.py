"""Before the package is taken off a unit: what it ends and leaves behind is said, and nothing where that is nothing."""

from pathlib import Path

import pytest
from tests.recorded import Recorded

from stillroom_release.removal import main


@pytest.fixture
def unit(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def said(unit: Recorded, capsys: pytest.CaptureFixture[str], mode: str) -> list[str]:
    """What `prerm` prints; it never keeps anybody from removing it."""
    capsys.readouterr()
    assert main([mode, str(unit.rig.folder / "unit.toml")]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def test_a_recording_that_runs_is_said(unit: Recorded, capsys: pytest.CaptureFixture[str]):
    unit.beat(3.0)
    assert said(unit, capsys, "remove") == []
    unit.release()
    unit.beat(4.0)
    (file,) = unit.files()
    running, left = said(unit, capsys, "remove")
    assert "a recording runs under a release: it ends now" in running
    assert f"recordings (1 file, {file.stat().st_size / 1e6:.1f} MB) stay in {unit.folder}" in left
    (newer,) = said(unit, capsys, "upgrade")
    assert "it goes on in another file" in newer


def test_what_was_recorded_is_said_and_a_keeper_that_ended_records_nothing(
    unit: Recorded, capsys: pytest.CaptureFixture[str]
):
    unit.release()
    unit.beat(4.0)
    unit.withdraw()
    unit.beat(3.0)
    (left,) = said(unit, capsys, "remove")
    assert "nobody deletes them when they expire" in left and "purge this package" in left
    assert said(unit, capsys, "upgrade") == []


def test_where_there_is_no_unit_yet_nothing_stands_in_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["remove", str(tmp_path / "unit.toml")]) == 0
    assert capsys.readouterr() == ("", "")

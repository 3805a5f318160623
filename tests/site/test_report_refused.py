"""The report of a day: bad input is one line with its exit code, and hostile words stay words."""

import sqlite3
from pathlib import Path

import pytest
from tests.rig import Rig
from tests.site.days import DAY, SVG, Picture, Ward, eventful
from tests.site.test_audit import deliver

from stillroom.cli import main
from stillroom.errors import ConfigError, InputError, StorageError, TrustError
from stillroom_tools.site.gateway.sealed import day_of, unseal
from stillroom_tools.site.gateway.settings import FILE


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Ward:
    return eventful(tmp_path_factory.mktemp("ward"))


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["room-13", "--day", f"{DAY}"], ConfigError, "'room-13': nothing was ever kept of one"),
        (["room-12", "--day", "2024-11-31"], ConfigError, "'2024-11-31': a day is needed: 2026-11-25"),
        (["room-12", "--day", "24.11.2024"], ConfigError, "a day is needed"),
        (["room-12", "--day", "1024-11-24"], ConfigError, "a day is needed"),
        (["room-12", "--day", "2199-01-01"], ConfigError, "is still to come"),
        (["room-12"], ConfigError, "ROOM and --day, or --burden"),
        (["--day", f"{DAY}"], ConfigError, "ROOM and --day, or --burden"),
        (["room-12", "--day", f"{DAY}", "--out", "day.png"], ConfigError, "an SVG is written, and nothing else"),
        (["room-12", "--day", f"{DAY}", "--out", "/nowhere/day.svg"], StorageError, "cannot be written"),
        (["room-12", "--day", f"{DAY}", "--out", "FOLDER.svg"], InputError, "not a plain file"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(
    ward: Ward, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    words: list[str], error: type[ConfigError], said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FOLDER.svg").mkdir()
    assert main(["site", "report", *words, "--site", str(ward.site.folder)]) == error.exit_code
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1
    assert not list(tmp_path.glob("*.svg/*")) and len(list(tmp_path.iterdir())) == 1


def test_without_a_gateway_there_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ward = Ward(tmp_path)
    capsys.readouterr()
    assert ward.report(tmp_path / "day.svg") == StorageError.exit_code
    told = capsys.readouterr().err
    assert "has a gateway ever run here?" in told and told.count("\n") == 1


def test_a_damaged_archive_is_said(ward: Ward, tmp_path: Path) -> None:
    twin = ward.copy(tmp_path)
    twin.site.authorisations_dir.mkdir(exist_ok=True)
    (twin.site.authorisations_dir / "x.note").write_bytes(b"junk")
    assert twin.report(tmp_path / "day.svg") == TrustError.exit_code


def test_hostile_names_and_words_are_text(ward: Ward, tmp_path: Path) -> None:
    """No unit can say such a room, the database could: an insider writes into it, or a unit gives such numbers."""
    twin = ward.copy(tmp_path)
    hostile = '"><script>x</script>\u202e&\x07'
    database = sqlite3.connect(twin.site.folder / "gateway" / FILE)
    keys = {(room, day): key for room, day, key in database.execute("SELECT room, day, key FROM room_keys")}
    for place, room, at_ms, event in database.execute(
        "SELECT id, room, at_ms, event FROM entries"
    ).fetchall():
        told = unseal(keys.get((room, day_of(at_ms))), event).replace(b"made up", b"<b onload=x>&amp;")
        database.execute("UPDATE entries SET room = ?, event = ? WHERE id = ?", (hostile, told, place))
    database.commit()
    database.close()
    words = ["site", "report", hostile, "--day", f"{DAY}", "--site", str(twin.site.folder)]
    assert main([*words, "--out", str(tmp_path / "day.svg")]) == 0
    drawn = Picture.read(tmp_path / "day.svg")
    assert drawn.words[0] == 'Room "><script>x</script>\ufffd&\ufffd'
    assert drawn.bars("on-floor")[0][2].endswith("<b onload=x>&amp;")
    assert {each.tag for each in drawn.root.iter()} == {
        SVG + name
        for name in ("svg", "title", "desc", "style", "defs", "pattern", "rect", "path", "line", "text")
    }


def test_its_own_name_where_none_is_given(
    ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["site", "report", "room-12", "--day", f"{DAY}", "--site", str(ward.site.folder)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [f"room-12-{DAY}.svg"]


def test_a_gateway_that_heard_of_no_room_names_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = Rig(tmp_path)
    rig.beat()
    deliver(rig)
    for words in (["--day", f"{DAY}"], ["--burden", "--from", "2024-11-24", "--to", "2024-11-25"]):
        capsys.readouterr()
        assert main(["site", "report", "room-9", *words, "--site", str(rig.site_folder)]) == 3
        said = capsys.readouterr().err
        assert (
            "of one that is called so, nor of any other: a unit tells of a room once it is authorised" in said
        )
        assert "none" not in said

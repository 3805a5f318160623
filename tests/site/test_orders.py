"""`site halt`, `pause`, `resume`, `acknowledge`, `configure`: what is signed, where it goes, what the unit reads."""

from pathlib import Path

import pytest
from parties import command

from stillroom import cli
from stillroom.clock import SystemClock
from stillroom.documents import KINDS
from stillroom.errors import ConfigError, TrustError
from stillroom.keeper.authorisation import load_papers
from stillroom.keeper.settings import CONFIGURATION_FILE, load_configuration
from stillroom.notes import open_note, signer_of
from stillroom.orders import Acknowledgement, Configuration, Pause, Resume
from stillroom_tools.make import commands as make_commands
from stillroom_tools.site import commands
from stillroom_tools.site.layout import Site, open_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    command(commands, "new", tmp_path / "site", "--site", "demo")
    for unit in ("u-1", "u-2"):
        command(make_commands, "unit", tmp_path / unit, "--site", tmp_path / "site", "--unit", unit)
    return open_site(tmp_path / "site")


@pytest.fixture
def trust(site: Site, tmp_path: Path) -> Path:
    return tmp_path / "u-1" / "trust"


def do(site: Site, what: str, *words: object) -> None:
    assert command(commands, what, *words, "--site", site.folder) == 0


def halted(trust: Path) -> frozenset[str]:
    papers = load_papers(trust, "u-1", ())
    assert papers.refused == ()
    return papers.halts - papers.lifted


def sent(site: Site, unit: str = "u-1") -> list[str]:
    folder = site.commands_dir / unit
    return sorted(p.name.rpartition("-")[0] for p in folder.iterdir()) if folder.exists() else []


def test_a_halt_at_hand_is_read_by_the_unit_until_it_is_resumed(site, trust, tmp_path, capsys):
    capsys.readouterr()
    do(site, "halt", tmp_path / "u-1")
    (name,) = halted(trust)
    assert capsys.readouterr().out == f"{name}\n"
    do(site, "resume", tmp_path / "u-1")
    assert halted(trust) == frozenset() and name in capsys.readouterr().out
    do(site, "resume", tmp_path / "u-1")
    assert capsys.readouterr().out == "", "nothing stands any more"
    assert sent(site) == [], "nothing of it went through the gateway"


def test_the_whole_site_is_halted_through_the_gateway_and_resumed_unit_by_unit(site, tmp_path):
    with pytest.raises(ConfigError, match="--send"):
        do(site, "halt")
    assert not site.halts_dir.exists(), "and nothing was signed"
    do(site, "halt", "--send")
    assert sent(site, "u-1") == sent(site, "u-2") == ["halts-h"]
    (standing,) = site.halts("u-1")
    assert standing.unit is None
    do(site, "resume", "u-1", "--send")
    assert site.halts("u-1") == () and site.halts("u-2") == (standing,)
    do(site, "resume", "--send")
    assert site.halts("u-2") == ()


def test_a_pause_goes_through_the_gateway_and_bears_the_boards_signature(site, capsys):
    do(site, "pause", "u-1", "--minutes", 30)
    (path,) = (site.commands_dir / "u-1").iterdir()
    said = open_note(path.read_bytes(), KINDS[Pause], Pause, [signer_of(site.keys("board"))])
    assert said.unit == "u-1" and (said.until - said.start).total_seconds() == 1800
    (site.folder / "authority" / "authority.key").unlink()
    capsys.readouterr()
    do(site, "resume", "u-1", "--send")
    assert capsys.readouterr().out == f"{said.id}\n", "without the authority's key, which is elsewhere"
    path = site.commands_dir / "u-1" / f"resume-{said.id}.note"
    ended = open_note(path.read_bytes(), KINDS[Resume], Resume, [signer_of(site.keys("board"))])
    assert ended.pause == said.id and site.pauses("u-1", SystemClock().utc_ms()) == ()


@pytest.mark.parametrize("minutes", [0, -1, 481, "x"])
def test_a_pause_has_an_end_within_a_shift(site, minutes, capsys):
    words = ["site", "pause", "u-1", "--site", str(site.folder), f"--minutes={minutes}"]
    try:
        code = cli.main(words)
    except SystemExit as error:
        code = error.code
    assert code == (2 if minutes == "x" else 3)
    assert "--minutes" in capsys.readouterr().err and sent(site) == []


def test_an_acknowledgement_names_an_entry(site):
    do(site, "acknowledge", "u-1", 17)
    path = site.commands_dir / "u-1" / "acknowledgement-17.note"
    signers = [signer_of(site.keys("board"))]
    assert open_note(path.read_bytes(), KINDS[Acknowledgement], Acknowledgement, signers).entry == 17
    for wrong in (0, 2**53):
        with pytest.raises(ConfigError, match="ENTRY"):
            do(site, "acknowledge", "u-1", wrong)
    with pytest.raises(TrustError, match="not enrolled"):
        do(site, "acknowledge", "u-9", 1)


def test_settings_add_up_until_they_are_reset(site, trust, tmp_path):
    unit = tmp_path / "u-1"
    do(site, "configure", unit, "--set", "room.bed_dwell_s=4.5", "--set", "outbox.summary_s=30")
    do(site, "configure", unit, "--set", "zones.bed=[[0.3, 0], [0.7, 0.3333], [0.7, 1]]")
    found = load_configuration(trust, "u-1", 2)
    assert isinstance(found, Configuration) and found.version == 2
    assert (found.bed_dwell_ms, found.summary_s, found.bed) == (4500, 30, ((300, 0), (700, 333), (700, 1000)))
    do(site, "configure", unit, "--reset", "--set", "outbox.summary_s=60")
    found = load_configuration(trust, "u-1", 3)
    assert (found.bed_dwell_ms, found.summary_s, found.bed) == (None, 60, None)
    do(site, "configure", "u-1", "--reset", "--send")
    assert [p.name for p in (site.commands_dir / "u-1").iterdir()] == ["configuration.note"]
    assert site.configuration("u-1").version == 4


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("pause.duration_s=60", "at the unit alone"),
        ("zones.private=[]", "at the unit alone"),
        ("camera.kind='simulated'", "at the unit alone"),
        ("room.unseen_unknown_s=86400", "at the unit alone"),
        ("room.bed_dwell_s=0.4", "0.5 to 120 s"),
        ("room.bed_dwell_s=true", "0.5 to 120 s"),
        ("room.bed_dwell_s=", "0.5 to 120 s"),
        ("room.bed_dwell_s=nan", "0.5 to 120 s"),
        ("room.bed_dwell_s=1\nx=2", "0.5 to 120 s"),
        ("room.bed_dwell_s", "0.5 to 120 s"),
        ("outbox.summary_s=10.5", "whole seconds"),
        ("zones.bed=[[0, 0], [1, 1]]", "3 to 32 points"),
        ("zones.bed=[[0, 0], [1, 1], [2, 0]]", "3 to 32 points"),
        ("zones.bed=[[0, 0], [1, 1], [1, 0], [0, 1]]", "crosses itself"),
        ("zones.floor=[[0, 0], [0.5, 0.5], [1, 1]]", "holds less than"),
        ("zones.floor='all'", "3 to 32 points"),
        ("=", "at the unit alone"),
    ],
)
def test_what_may_not_be_set_is_told_and_nothing_is_signed(site, trust, tmp_path, words, told):
    with pytest.raises(ConfigError, match=told) as caught:
        do(site, "configure", tmp_path / "u-1", "--set", words)
    assert "\n" not in str(caught.value)
    assert not (trust / CONFIGURATION_FILE).exists() and site.configuration("u-1") is None


def test_nothing_to_change_is_a_mistake(site, tmp_path):
    with pytest.raises(ConfigError, match="--reset"):
        do(site, "configure", tmp_path / "u-1")


def test_a_moved_cameras_view_is_accepted_from_afar(site, trust):
    do(site, "accept-view", "u-1", "--send")
    (path,) = (site.commands_dir / "u-1").iterdir()
    assert path.name.startswith("views-") and not (trust / "views").exists()


@pytest.mark.parametrize("entry", [0, -1, 2**53, 10**22])
def test_the_range_of_an_entrys_number_is_said(tmp_path: Path, entry: int) -> None:
    with pytest.raises(ConfigError, match=r"ENTRY .*: the number of an entry is 1 to 9007199254740991"):
        command(commands, "acknowledge", "u-1", entry, "--site", tmp_path)

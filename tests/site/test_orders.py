"""`site halt`, `pause`, `resume`, `acknowledge`, `configure`: what is signed, where it goes, what the unit reads."""

from pathlib import Path

import pytest
from parties import command

from stillroom import cli
from stillroom.clock import SystemClock
from stillroom.config import load
from stillroom.documents import KINDS
from stillroom.errors import ConfigError, TrustError
from stillroom.keeper.authorisation import load_papers
from stillroom.keeper.settings import CONFIGURATION_FILE, load_configuration
from stillroom.note_reading import open_note
from stillroom.notes import signer_of
from stillroom.orders import Acknowledgement, Configuration, OrderedRow, Pause, Resume
from stillroom_tools.make import commands as make_commands
from stillroom_tools.site import commands
from stillroom_tools.site.configure_rows import CODES
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
    papers = load_papers(load(trust.parent / "unit.toml"), ())
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
    found = load_configuration(trust, load(unit / "unit.toml"), 2)
    assert isinstance(found, Configuration) and found.version == 2
    assert (found.bed_dwell_ms, found.summary_s, found.bed) == (4500, 30, ((300, 0), (700, 333), (700, 1000)))
    do(site, "configure", unit, "--reset", "--set", "outbox.summary_s=60")
    found = load_configuration(trust, load(unit / "unit.toml"), 3)
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
        ("zones.bed=[[0, 0], [1, 1], [1, 0], [0, 1]]", "crosses or touches itself"),
        ("zones.floor=[[0, 0], [0.5, 0.5], [1, 1]]", "holds less than"),
        ("zones.floor='all'", "3 to 32 points"),
        ("=", "at the unit alone"),
        ("technical.hot_c=60", "at the unit alone"),
        ("technical.hot_sensors=''", "at the unit alone"),
        ("conditions.left_bet=[]", "did you mean 'conditions.left_bed'"),
        ("conditions.left_bed=high", "a TOML value is needed"),
        ("conditions.left_bed=3", "key 'conditions.left_bed' = 3"),
        ("conditions.left_bed=[{level='loud'}]", "'loud': allowed is 'high' or 'low' or 'medium'"),
        ("conditions.not_back=[{level='low', after_s=3}]", "allowed is a number from 30.0 to 86400.0"),
        ("conditions.left_bed=[{level='low', from='9 pm'}]", "a time of day from 00:00 to 23:59"),
        ("conditions.left_bed=[{level='low', til='9'}]", "unknown key 'conditions.left_bed.0.til'"),
        (
            "conditions.left_bed=[{level='low'},{level='high'}]",
            "key 'conditions.left_bed.1': is never reached",
        ),
        ("conditions.time_zone='Europe/Atlantis'", "not a time zone that this machine knows"),
        ("technical.hot=[{level='off'}]", "'off': allowed is 'high' or 'low' or 'medium'"),
    ],
)
def test_what_may_not_be_set_is_told_and_nothing_is_signed(site, trust, tmp_path, words, told):
    authorise(site, tmp_path / "u-1", "room-1")
    with pytest.raises(ConfigError, match=told) as caught:
        do(site, "configure", tmp_path / "u-1", "--set", words)
    assert "\n" not in str(caught.value)
    assert not (trust / CONFIGURATION_FILE).exists() and site.configuration("u-1") is None


def authorise(site: Site, unit: Path, room: str) -> None:
    do(site, "authorise", "new", unit, "--room", room, "--days", 1)


def test_conditions_are_for_the_room_of_the_newest_authorisation_and_go_with_it(
    site, trust, tmp_path, capsys
):
    unit = tmp_path / "u-1"
    authorise(site, unit, "room-1")
    night = 'conditions.left_bed=[{level="high",after_s=2.5,from="21:00",until="07:00"},{level="low"}]'
    do(site, "configure", unit, "--set", night, "--set", 'conditions.time_zone="Europe/London"')
    do(site, "configure", unit, "--set", "conditions.on_floor=[]", "--set", "room.bed_dwell_s=4")
    assert "configuration 2 is signed, with conditions for room room-1" in capsys.readouterr().err
    found = load_configuration(trust, load(unit / "unit.toml"), 2)
    assert found.bed_dwell_ms == 4000
    assert (found.conditions.room, found.conditions.time_zone) == ("room-1", "Europe/London")
    assert {one.condition: one.rows for one in found.conditions.each} == {
        "left-bed": (OrderedRow("high", 2500, "21:00", "07:00"), OrderedRow("low", 0, "00:00", "24:00")),
        "on-floor": (),
    }
    do(site, "authorise", "withdraw", unit)
    authorise(site, unit, "room-2")
    do(site, "configure", unit, "--set", 'technical.camera_covered=[{level="high"}]')
    found = load_configuration(trust, load(unit / "unit.toml"), 3)
    assert found.conditions.room == "room-2" and found.bed_dwell_ms == 4000
    assert [one.condition for one in found.conditions.each] == ["camera-covered"], "not another resident's"


def test_what_cannot_come_about_at_the_unit_at_hand_is_said(site, tmp_path, capsys):
    authorise(site, tmp_path / "u-1", "room-1")
    do(site, "configure", tmp_path / "u-1", "--set", 'conditions.left_bed=[{level="high"}]')
    assert "unit u-1: condition left-bed cannot come about: it needs 'zones.bed'" in capsys.readouterr().err
    do(site, "configure", tmp_path / "u-1", "--set", "zones.bed=[[0.3, 0], [0.7, 0], [0.7, 1]]")
    assert "condition left-bed" not in capsys.readouterr().err


def test_conditions_of_a_unit_that_is_authorised_for_no_room_are_nobodys(site, trust, tmp_path):
    with pytest.raises(ConfigError, match="authorised for no room: 'site authorise new' first"):
        do(site, "configure", tmp_path / "u-1", "--set", "conditions.on_floor=[]")
    assert site.configuration("u-1") is None


def test_what_contradicts_the_units_own_rows_is_told_where_it_is_at_hand(site, trust, tmp_path):
    unit = tmp_path / "u-1"
    authorise(site, unit, "room-1")
    path = unit / "unit.toml"
    path.write_text(path.read_text().replace("left_bed = []", 'left_bed = [{ level = "low", after_s = 90 }]'))
    with pytest.raises(
        ConfigError, match=r"'conditions.not_back' = 60 s at 00:00: must be longer than 'left_bed'"
    ):
        do(site, "configure", unit, "--set", 'conditions.not_back=[{level="high",after_s=60}]')
    assert site.configuration("u-1") is None


def test_more_rows_than_fit_are_a_mistake_and_all_that_fit_are_read(site, trust, tmp_path):
    unit = tmp_path / "u-1"
    authorise(site, unit, "room-1")
    row = '{{level="high",after_s=1.5,from="{0:02}:00",until="{0:02}:30"}}'
    eight = "[" + ",".join(row.format(hour) for hour in range(8)) + "]"
    codes = [key for key in CODES if key.startswith("technical.")]
    corners = str([[round(x / 40, 3), 0.1] for x in range(31)] + [[0.5, 0.9]])
    words = [f"{key}={eight}" for key in codes[:6]] + [f"{key}=[]" for key in CODES if key not in codes[:7]]
    words += [f"zones.bed={corners}", f"zones.floor={corners}"]
    do(site, "configure", unit, *(part for word in words for part in ("--set", word)))
    assert len(load_configuration(trust, load(unit / "unit.toml"), 1).conditions.each) == len(CODES) - 1
    with pytest.raises(ConfigError, match="more than 48 rows"):
        do(site, "configure", unit, "--set", f'{codes[6]}=[{{level="low"}}]')


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

"""`stillroom make unit`: a unit that can be started, enrolled once, and whose keys nothing destroys."""

import os
import stat
from pathlib import Path

import pytest
from parties import HandClock, command

from stillroom import config
from stillroom.clock import SystemClock
from stillroom.config import CameraConfig, SlotsConfig, UnitConfig, Zones
from stillroom.documents import Roster
from stillroom.errors import ConfigError, InputError, StillroomError, StorageError, TrustError
from stillroom.files import replace_file
from stillroom.keeper.roster import load_roster
from stillroom.keeper.seal import Sealer
from stillroom.keys import load_unit_keys
from stillroom.notes import sign_note
from stillroom.receiver import MemoryStore, Receiver
from stillroom_tools.lab.scenario import Scenario
from stillroom_tools.make import commands, papers
from stillroom_tools.make.toml import to_toml
from stillroom_tools.site import commands as site_commands
from stillroom_tools.site.layout import open_site

SCENARIO = """\
title = "a night"
[zones]
bed = [[0.1, 0.5], [0.6, 0.5], [0.6, 0.9]]
door = [[0.8, 0.1], [0.95, 0.1], [0.95, 0.6]]
"""
FILES = {
    "unit.toml",
    "keys/unit.key",
    "trust/roster.note",
    "tls/ca.pem",
    "tls/unit.pem",
    "tls/unit-key.pem",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    command(site_commands, "new", tmp_path / "site", "--site", "demo", "--slot", "4")
    return tmp_path / "site"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "unit"


def make(folder: Path, site: Path, *more: object) -> int:
    return command(commands, "unit", folder, "--site", site, *more)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_everything_is_there_and_private(
    site: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(folder, site, "--unit", "u-1") == 0
    assert set(contents(folder)) == FILES
    for path in [folder, *folder.rglob("*")]:
        private = path.is_dir() or path.suffix == ".key" or path.name.endswith("-key.pem")
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == (0 if private else 0o044), path
    keys = load_unit_keys(folder / "keys")
    fingerprint = keys.signing.verify_key.fingerprint
    assert capsys.readouterr().out.splitlines()[-1] == f"u-1 {fingerprint}"
    enrolment = open_site(site).enrolment("u-1")
    assert (enrolment.sign, enrolment.box) == (keys.signing.verify_key.raw, keys.boxes[0].public.raw)


def test_what_the_unit_seals_the_site_opens(site: Path, folder: Path) -> None:
    from parties import body

    make(folder, site)
    clock = SystemClock()
    sealer = Sealer(
        load_unit_keys(folder / "keys"), load_roster(config.load(folder / "unit.toml"), clock), 1, clock
    )
    data, place = sealer.seal(body()), open_site(site)
    for party in ("gateway", "board"):
        opened = Receiver(place.enrolments(), place.keys(party).boxes, MemoryStore()).open(data)
        assert opened.body == body()
        assert opened.unit == place.enrolments()[0].unit


def test_the_configuration_has_every_value(site: Path, folder: Path) -> None:
    make(folder, site, "--unit", "u-1")
    settings = config.load(folder / "unit.toml")
    assert (settings.site, settings.unit, settings.profile) == ("demo", "u-1", "care")
    assert settings.slots == SlotsConfig(4.0)
    assert settings.broker.ca_file == "tls/ca.pem"
    assert all((folder / n).exists() for n in (settings.broker.certificate_file, settings.broker.key_file))
    written = config.read_toml(folder / "unit.toml")
    for field in UnitConfig.__struct_fields__:
        if field != "folder":
            assert field in written
    for table, struct in ((t, getattr(settings, t)) for t in written if isinstance(written[t], dict)):
        optional = set(Zones.__struct_fields__) - {"private"} if table == "zones" else set()
        assert set(struct.__struct_fields__) - optional <= set(written[table])


def test_a_random_id_says_nothing(site: Path, tmp_path: Path) -> None:
    names = set()
    for number in range(3):
        make(tmp_path / f"unit-{number}", site)
        names.add(config.load(tmp_path / f"unit-{number}/unit.toml").unit)
    assert len(names) == 3
    assert {enrolment.unit for enrolment in open_site(site).enrolments()} == names


def test_a_simulated_unit_has_the_zones_of_its_scenario(site: Path, folder: Path, tmp_path: Path) -> None:
    scenario = tmp_path / "a night é.toml"
    scenario.write_text(SCENARIO)
    make(folder, site, "--camera", "simulated", "--source", scenario)
    settings = config.load(folder / "unit.toml")
    assert settings.profile == "lab"
    assert settings.camera == CameraConfig(kind="simulated", source=str(scenario))
    assert settings.zones.bed == ((0.1, 0.5), (0.6, 0.5), (0.6, 0.9))
    assert settings.zones.floor is None


def test_a_recorded_unit(site: Path, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    make(folder, site, "--camera", "recorded", "--source", tmp_path / "clip.mp4", "--profile", "lab")
    assert config.load(folder / "unit.toml").camera.kind == "recorded"


def test_again_keeps_keys_and_configuration(
    site: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(folder, site)
    text = (folder / "unit.toml").read_text().replace("still_empty_s = 45.0", "still_empty_s = 60.0")
    (folder / "unit.toml").write_text(text)
    before, enrolled, first = contents(folder), contents(site), capsys.readouterr()
    assert make(folder, site) == 0
    assert (contents(folder), contents(site)) == (before, enrolled)
    second = capsys.readouterr()
    assert second.out == first.out
    assert "is here already" in second.err


def test_an_interrupted_enrolment_is_finished(site: Path, folder: Path) -> None:
    make(folder, site, "--unit", "u-1")
    (site / "units/u-1.note").unlink()
    assert make(folder, site) == 0
    assert open_site(site).enrolment("u-1").sign == load_unit_keys(folder / "keys").signing.verify_key.raw


def test_a_renewed_roster_reaches_the_unit(site: Path, folder: Path) -> None:
    make(folder, site)
    place = open_site(site)
    old = place.roster()
    fields = {name: getattr(old, name) for name in Roster.__struct_fields__}
    renewed = Roster(**(fields | {"version": 2}))
    replace_file(site / "roster.note", sign_note("roster", renewed, [place.authority_keys()]))
    assert load_roster(config.load(folder / "unit.toml"), SystemClock()).version == 1
    make(folder, site)
    assert load_roster(config.load(folder / "unit.toml"), HandClock(old.start)).version == 2


def test_the_authority_never_changes_under_a_unit(site: Path, folder: Path, tmp_path: Path) -> None:
    make(folder, site, "--unit", "u-1")
    before = contents(folder)
    command(site_commands, "new", tmp_path / "twin", "--site", "demo")
    with pytest.raises(TrustError, match="another authority"):
        make(folder, tmp_path / "twin")
    assert contents(folder) == before


def test_an_id_that_is_taken(site: Path, tmp_path: Path) -> None:
    make(tmp_path / "first", site, "--unit", "u-1")
    before = contents(site)
    with pytest.raises(TrustError, match="'u-1' is enrolled in site 'demo' already"):
        make(tmp_path / "second", site, "--unit", "u-1")
    assert contents(site) == before
    assert not (tmp_path / "second").exists()


def test_another_unit_or_site_in_the_folder(site: Path, folder: Path, tmp_path: Path) -> None:
    make(folder, site, "--unit", "u-1")
    before = contents(folder)
    with pytest.raises(ConfigError, match="the unit 'u-1' is here"):
        make(folder, site, "--unit", "u-2")
    command(site_commands, "new", tmp_path / "other", "--site", "other")
    with pytest.raises(ConfigError, match="a unit of site 'demo' is here"):
        make(folder, tmp_path / "other")
    assert contents(folder) == before


def test_a_key_of_another_unit_in_the_folder(site: Path, folder: Path, tmp_path: Path) -> None:
    make(folder, site, "--unit", "u-1")
    make(tmp_path / "second", site, "--unit", "u-2")
    (folder / "keys/unit.key").write_bytes((tmp_path / "second/keys/unit.key").read_bytes())
    with pytest.raises(TrustError, match=r"the key of unit 'u-2' .* the configuration is of unit 'u-1'"):
        make(folder, site)


BAD = [
    (("--unit", "U-1"), ConfigError, "1 to 32 of a-z"),
    (("--unit", "../u"), ConfigError, "1 to 32 of a-z"),
    (("--unit", "gateway"), ConfigError, "reserved"),
    (("--unit", "authority"), ConfigError, "reserved"),
    (("--camera", "webcam"), ConfigError, "picamera2, simulated or recorded"),
    (("--camera", "simulated"), ConfigError, "--source is missing"),
    (("--camera", "recorded", "--source", "/nowhere.mp4"), InputError, "no such file"),
    (("--camera", "recorded", "--source", "/"), InputError, "no such file"),
    (("--camera", "simulated", "--source", "/etc/hostname"), ConfigError, "/etc/hostname"),
    (
        ("--camera", "recorded", "--source", "/etc/hostname", "--profile", "care"),
        ConfigError,
        "picamera2 only",
    ),
]


@pytest.mark.parametrize(("arguments", "error", "text"), BAD)
def test_bad_arguments_make_nothing(
    site: Path, folder: Path, arguments: tuple[str, ...], error: type[StillroomError], text: str
) -> None:
    before = contents(site)
    with pytest.raises(error, match=text) as caught:
        make(folder, site, *arguments)
    assert "\n" not in str(caught.value)
    assert not folder.exists()
    assert contents(site) == before


def test_care_needs_tls(folder: Path, tmp_path: Path) -> None:
    command(site_commands, "new", tmp_path / "plain", "--site", "demo", "--no-tls")
    with pytest.raises(ConfigError, match="needs a broker with TLS"):
        make(folder, tmp_path / "plain")
    make(folder, tmp_path / "plain", "--profile", "lab")
    assert not config.load(folder / "unit.toml").broker.tls
    assert not (folder / "tls/unit.pem").exists()


def test_a_folder_with_something_in_it_is_left_alone(site: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match="not empty, and no unit"):
        make(folder, site)
    assert contents(folder) == {"letter.txt": b"dear"}


def test_no_site(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no site here"):
        make(folder, tmp_path)


@pytest.mark.parametrize("name", ["authority/authority.key", "ca/ca-key.pem"])
@pytest.mark.parametrize("damage", ["absent", "readable", "truncated"])
def test_secrets_of_the_site_that_cannot_be_used(site: Path, folder: Path, name: str, damage: str) -> None:
    path = site / name
    if damage == "absent":
        path.unlink()
    elif damage == "readable":
        path.chmod(0o640)
    else:
        path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(TrustError, match=path.name) as caught:
        make(folder, site)
    assert "\n" not in str(caught.value)
    assert not folder.exists()
    assert list((site / "units").iterdir()) == []


def test_a_failure_midway_leaves_nothing(site: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(papers, "issue", full)
    with pytest.raises(StorageError, match="No space left on device"):
        make(folder, site)
    assert sorted(p.name for p in folder.parent.iterdir()) == ["site"]


def test_toml_that_comes_back() -> None:
    import tomllib

    import msgspec

    odd = 'a "quoted" \\ path\twith é, 🦉 and \x7f'
    zones = Zones(bed=((0.1, 0.2), (1e-7, 1.0), (0.0, 0.5)), private=(((0, 0), (1, 0), (1, 1)),))
    settings = UnitConfig("demo", "u-1", profile="lab", camera=CameraConfig("recorded", odd), zones=zones)
    again = msgspec.convert(tomllib.loads(to_toml(settings)), UnitConfig)
    assert again == settings


def test_every_scenario_we_ship_makes_a_unit(site: Path, tmp_path: Path) -> None:
    shipped = sorted((Path(__file__).parents[2] / "config/scenarios").glob("*.toml"))
    for number, path in enumerate(shipped):
        make(tmp_path / f"unit-{number}", site, "--camera", "simulated", "--source", os.path.relpath(path))
        settings = config.load(tmp_path / f"unit-{number}/unit.toml")
        assert settings.zones == config.convert(path, config.read_toml(path), Scenario).zones

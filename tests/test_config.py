"""Configuration: the commented example holds every key; what is wrong is said with file, key, value and range."""

import os
import subprocess
import time
from pathlib import Path

import msgspec
import pytest

from stillroom import check, config, status
from stillroom.cli import main
from stillroom.config import UnitConfig
from stillroom.documents import read_signer
from stillroom.errors import ConfigError
from stillroom.keys import load_unit_keys
from stillroom.status import HOLDS, Status

EXAMPLE = Path(__file__).parents[1] / "config" / "unit.toml"
LEAST = 'site = "a"\nunit = "b"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "unit.toml"
    path.write_text(text)
    return path


def make_unit(folder: Path) -> Path:
    site, unit = str(folder / "site"), str(folder / "unit")
    assert main(["site", "new", site, "--site", "test", "--no-tls"]) == 0
    assert main(["make", "unit", unit, "--site", site, "--unit", "u-1", "--profile", "lab"]) == 0
    return folder / "unit" / "unit.toml"


def keys_of(schema: type, prefix: str = "") -> set[str]:
    found = set()
    for field in msgspec.structs.fields(schema):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            found |= keys_of(field.type, f"{prefix}{field.name}.")
        elif field.name != "folder":
            found.add(prefix + field.name)
    return found


def test_the_example_is_sound_and_names_every_key():
    raw = config.read_toml(EXAMPLE)
    named = {k for k, v in raw.items() if not isinstance(v, dict)}
    named |= {f"{table}.{k}" for table, v in raw.items() if isinstance(v, dict) for k in v}
    assert named == keys_of(UnitConfig)
    assert config.load(EXAMPLE).unit == "u-0001"


def test_the_examples_values_are_the_defaults_but_for_names_and_zones():
    example = config.load(EXAMPLE)
    default = UnitConfig(site="ward-7", unit="u-0001", zones=example.zones, folder=example.folder)
    assert example == default


def test_every_key_of_the_example_is_commented():
    lines = [line for line in EXAMPLE.read_text().splitlines() if "=" in line and not line.startswith("#")]
    assert all("#" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "key 'site' is missing"),
        ('site = "a"', "key 'unit' is missing"),
        ('site = "A b"\nunit = "b"', "key 'site' = 'A b': allowed is text: 1 to 32 of a-z 0-9 -"),
        (LEAST + "[slots]\nperiod_s = 99", "key 'slots.period_s' = 99: allowed is a number from 0.5 to 10.0"),
        (LEAST + "[slots]\nperod_s = 2", "unknown key 'slots.perod_s': did you mean 'period_s'?"),
        (LEAST + "wibble = 2", "unknown key 'wibble': known here: site, unit"),
        (LEAST + 'folder = "x"', "unknown key 'folder'"),
        (LEAST + "slots = 3", "key 'slots' = 3: allowed is a table"),
        (
            LEAST + "[zones]\nbed = [[0, 0], [1, 2], [1, 1]]",
            "key 'zones.bed.1.1' = 2: allowed is a number from 0.0 to 1.0",
        ),
        (
            LEAST + "[zones]\nbed = [[0, 0], [1, 1]]",
            "key 'zones.bed' = [[0, 0], [1, 1]]: allowed is a list of 3 to 32 corners [x, y], each 0 to 1",
        ),
        (LEAST + "[zones]\nbed = 'all'", "key 'zones.bed' = 'all': allowed is a list of 3 to 32 corners"),
        (
            LEAST + "[zones]\nbed = [0, 0, 1]",
            "key 'zones.bed.0' = 0: allowed is a corner [x, y], each 0 to 1",
        ),
        (
            LEAST + "[zones]\nprivate = [[0, 0], [1, 1], [1, 0]]",
            "key 'zones.private.0' = [0, 0]: allowed is a list of 3 to 32 corners",
        ),
        (
            LEAST + "[zones]\nprivate = [" + "[[0, 0], [1, 1], [1, 0]]," * 9 + "]",
            "allowed is a list of at most 8 outlines",
        ),
        (LEAST + "zones = []", "key 'zones' = []: allowed is a table"),
        (
            LEAST + '[conditions]\nleft_bed = { level = "high" }',
            'allowed is a list of at most 8 rows like { level = "high", after_s = 5.0 }',
        ),
        (
            LEAST + '[conditions]\nleft_bed = [{ level = "high", from = 21:00:00 }]',
            "key 'conditions.left_bed.0.from' = 21:00:00: allowed is text: a time of day from 00:00 to 23:59",
        ),
        (
            LEAST + "[room]\nleave_dwell_s = 60\nunseen_unknown_s = 60",
            "key 'room.leave_dwell_s' = 60: must be shorter than 'unseen_unknown_s', 60",
        ),
        (
            LEAST + "[slots]\nperiod_s = 10\n[technical]\ncourier_silent_s = 29",
            "key 'technical.courier_silent_s' = 29: must be at least 3 slots of 'slots.period_s', 30 s",
        ),
        (
            LEAST + "[zones]\nchair = [[0, 0], [1, 1], [1, 0], [0, 1]]",
            "key 'zones.chair' = [[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]: crosses or touches itself, side 1",
        ),
        (
            LEAST + "[zones]\nprivate = [[[0, 0], [1, 0], [1, 1]], [[0, 0], [0.5, 0.5], [1, 1]]]",
            "key 'zones.private.1' = [[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]]: holds less than 0.01% of the picture",
        ),
        (
            LEAST + "[zones]\nbed_edge = [[0, 0], [1, 1], [1, 0]]",
            "key 'zones.bed_edge': an edge belongs to a bed",
        ),
        (LEAST + "[zones]\nbathroom = [[0, 0], [1, 1], [1, 0]]", "did you mean 'bathroom_door'?"),
        (
            LEAST + '[conditions]\non_floor = [{ level = "loud" }]',
            "key 'conditions.on_floor.0.level' = 'loud': allowed is 'high' or 'low' or 'medium'",
        ),
        (
            LEAST + '[conditions]\nnot_back = [{ level = "high", after_s = 5 }]',
            "key 'conditions.not_back.0.after_s' = 5: allowed is a number from 30.0 to 86400.0",
        ),
        (
            LEAST + '[conditions]\nleft_bed = [{ level = "high", from = "9 pm" }]',
            "key 'conditions.left_bed.0.from' = '9 pm': allowed is text: a time of day from 00:00 to 23:59",
        ),
        (
            LEAST + '[conditions]\nleft_bed = [{ level = "high", til = "9" }]',
            "unknown key 'conditions.left_bed.0.til'",
        ),
        (
            LEAST + "[conditions]\nleft_bed = [{ after_s = 2.0 }]",
            "key 'conditions.left_bed.0.level' is missing",
        ),
        (
            LEAST + '[conditions]\nentered = [{ level = "high", from = "09:00", until = "09:00" }]',
            "key 'conditions.entered.0.until' = '09:00': the same as 'from'",
        ),
        (
            LEAST
            + '[conditions]\nentered = [{ level = "high" }, { level = "low", from = "21:00", until = "07:00" }]',
            "key 'conditions.entered.1': is never reached",
        ),
        (
            LEAST + '[conditions]\nleft_bed = [{ level = "low", after_s = 60 }]\n'
            'not_back = [{ level = "high", after_s = 60, from = "21:00", until = "22:00" }]',
            "key 'conditions.not_back' = 60 s at 21:00: must be longer than 'left_bed' then, 60 s",
        ),
        (
            LEAST + '[conditions]\ntime_zone = "Europe/Atlantis"',
            "key 'conditions.time_zone' = 'Europe/Atlantis': not a time zone",
        ),
        (LEAST + "[conditions]\nbreathing_stopped = []", "unknown key 'conditions.breathing_stopped'"),
        (
            LEAST + "[technical]\nhot_c = 60\nhot_ends_c = 60",
            "key 'technical.hot_ends_c' = 60: must be lower than 'hot_c', 60",
        ),
        (
            LEAST + "[technical]\nhot_c = 20",
            "key 'technical.hot_c' = 20: allowed is a number from 30.0 to 110.0",
        ),
        (
            LEAST + "[technical]\ngateway_silent_s = 1",
            "key 'technical.gateway_silent_s' = 1: allowed is a number from 30.0 to 86400.0",
        ),
        (LEAST + "[technical]\nlens_cracked = []", "unknown key 'technical.lens_cracked'"),
        (
            LEAST + '[technical]\nhot = [{ level = "off" }]',
            "key 'technical.hot.0.level' = 'off': allowed is 'high' or 'low' or 'medium'",
        ),
        (
            LEAST + '[technical]\nhot = [{ level = "low" }, { level = "high" }]',
            "key 'technical.hot.1': is never reached",
        ),
        (
            LEAST + "[camera]\nwidth_px = 641",
            "key 'camera.width_px' = 641: allowed is a whole number from 16 to 1920, a multiple of 2",
        ),
        (LEAST + '[camera]\nwidth_px = "640"', "key 'camera.width_px' = '640': allowed is a whole number"),
        (LEAST + '[camera]\nspeed = "fast"', "key 'camera.speed' = 'fast': allowed is 'max' or 'real'"),
        (
            LEAST + '[broker]\nhost = "a b"',
            "key 'broker.host' = 'a b': allowed is text: a host name or an address",
        ),
        (LEAST + '[camera]\nkind = "simulated"', "profile 'care' takes only 'picamera2'"),
        (LEAST + "[broker]\ntls = false", "profile 'care' takes only true"),
        (LEAST + '[broker]\ncertificate_file = "c.pem"', "key 'broker.key_file' is missing"),
        ("site = ", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, text, says):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a = " + b"[" * 20_000, b"a = {" * 3_000, None])
def test_files_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "unit.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=str(path)):
        config.load(path)


def test_check_names_a_file_that_is_not_there(tmp_path, capsys):
    path = write(tmp_path, LEAST + '[broker]\nca_file = "ca.pem"')
    assert main(["check", str(path)]) == ConfigError.exit_code
    assert capsys.readouterr().err == (
        f"stillroom: {path}: key 'broker.ca_file' = 'ca.pem': not found at {tmp_path}/ca.pem\n"
    )


@pytest.mark.parametrize("path", ["/dev/zero", "/dev", "fifo"])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path, path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ConfigError, match=r"plain file|Is a directory"):
        config.load(tmp_path / path)


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "unit.toml"
    with path.open("wb") as file:
        file.truncate(10**9)
    with pytest.raises(ConfigError, match="larger than 256 KiB"):
        config.load(path)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('site = "test"', 'site = "other"', "of site 'test', and 'site' is 'other'"),
        ('kind = "picamera2"', 'kind = "webcam"', "no such camera is installed"),
    ],
)
def test_check_finds_what_would_fail_only_when_it_runs(tmp_path, capsys, old, new, says):
    unit = make_unit(tmp_path)
    unit.write_text(unit.read_text().replace(old, new))
    assert main(["check", str(unit)]) != 0
    assert says in capsys.readouterr().err


def test_check_says_what_run_would_of_a_key_that_others_may_read(tmp_path, capsys):
    unit = make_unit(tmp_path)
    key = next(unit.parent.rglob("unit.key"))
    assert main(["check", str(unit)]) == 0
    key.chmod(0o644)
    assert main(["check", str(unit)]) == 6
    assert "unit.key: " in capsys.readouterr().err


def test_check_says_which_conditions_cannot_come_about(tmp_path, capsys):
    path = make_unit(tmp_path)
    assert main(["check", str(path)]) == 0
    said = capsys.readouterr().out
    assert "condition on-floor cannot come about: it needs 'zones.floor'" in said
    assert "condition left-bed" not in said, "which nobody asked for"


def test_check_says_which_zones_are_private(tmp_path, capsys):
    path = make_unit(tmp_path)
    zones = (
        "[zones]\nbed = [[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]]\ndoor = [[0.5, 0.5], [1, 0.5], [1, 1], [0.5, 1]]\n"
        "private = [[[0, 0], [0.4, 0], [0.4, 1], [0, 1]]]"
    )
    path.write_text(path.read_text().replace("[zones]\nprivate = []", zones))
    assert main(["check", str(path)]) == 0
    said = capsys.readouterr().out
    assert "zone bed: 81% of it is private, where nobody is seen" in said
    assert "zone door:" not in said and "the picture:" not in said
    path.write_text(path.read_text().replace("[0.4, 0], [0.4, 1]", "[1, 0], [1, 1]"))
    assert main(["check", str(path)]) == 0
    assert "the picture: 100% of it is private" in capsys.readouterr().out


def test_check_says_how_hot_it_is_or_that_nobody_knows(tmp_path, capsys):
    path = make_unit(tmp_path)
    zone = tmp_path / "thermal" / "thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "temp").write_text("48250\n")
    (zone / "type").write_text("cpu-thermal\n")
    for folder, says in (
        (tmp_path / "thermal", "heat: 48.2 C at cpu-thermal"),
        ("/nowhere", "the condition hot"),
    ):
        text = path.read_text().splitlines()
        text = [f'hot_sensors = "{folder}"' if line.startswith("hot_sensors") else line for line in text]
        path.write_text("\n".join(text))
        assert main(["check", str(path)]) == 0
        assert says in capsys.readouterr().out


def test_check_tells_of_processes_that_run_and_of_no_others(tmp_path, capsys):
    path = make_unit(tmp_path)
    run = path.parent / "run"
    run.mkdir(exist_ok=True)
    found = Status(unit="u-1", pid=os.getpid(), guards={"eye": {"no-swap": HOLDS}})
    ended = subprocess.Popen(["true"])
    ended.wait()
    for pid, age_s, told in (
        (os.getpid(), 0, True),
        (0, 0, True),
        (ended.pid, 0, False),
        (os.getpid(), 60, False),
        (os.getpid(), -60, False),
    ):
        status.write(run, msgspec.structs.replace(found, pid=pid))
        then = time.time() - age_s
        os.utime(run / status.FILE, (then, then))
        capsys.readouterr()
        assert main(["check", str(path)]) == 0
        assert ("running eye: all its guards hold" in capsys.readouterr().out) is told, (pid, age_s)


def test_check_says_what_a_sound_file_asks_for(tmp_path, capsys):
    path = make_unit(tmp_path)
    assert main(["check", str(path)]) == 0
    said = capsys.readouterr().out
    assert "one record every 2 s to 127.0.0.1:8883 without TLS" in said
    authority = read_signer(tmp_path / "site/authority/authority.pub")
    assert f"it obeys test/authority, as on the site's papers: {authority.fingerprint}" in said
    own = load_unit_keys(path.parent / "keys").signing.verify_key.fingerprint
    assert f"its own key, as on its label: {own}" in said
    assert check.HELP

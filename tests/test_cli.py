"""The command line: lazy, one line for a mistake, stable exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from stillroom import errors
from stillroom.cli import main
from stillroom.config import CameraConfig
from stillroom.eye.camera import open_camera
from stillroom.run import find_opener


def test_codes_are_what_the_readme_says():
    codes = {
        kind.__name__: kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.StillroomError)
    }
    assert codes == {
        "StillroomError": 1,
        "UsageError": 2,
        "ConfigError": 3,
        "InputError": 4,
        "CameraError": 5,
        "TrustError": 6,
        "WireError": 6,
        "BrokerError": 7,
        "StorageError": 8,
        "SetupError": 9,
        "LinkError": 10,
    }


def test_no_command_shows_them_all(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    for command in ("run", "check", "demo", "evaluate", "site", "make"):
        assert f"  {command} " in shown


def test_a_slip_is_told_what_was_meant(capsys):
    assert main(["evalute"]) == 2
    assert "did you mean 'evaluate'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "stillroom run: the following arguments are required: --config"),
        (["check", "x", "--wibble"], "stillroom check: unrecognized arguments: --wibble"),
        (["site", "wach"], "did you mean 'watch'?"),
        (["site", "watch"], "stillroom site watch: the following arguments are required"),
        (["site", "audit", "shwo"], "stillroom site audit: "),
    ],
)
def test_a_command_line_that_is_not_understood_is_one_line_that_says_where_its_help_is(
    capsys, arguments, said
):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    line = capsys.readouterr().err
    assert said in line and line.count("\n") == 1 and line.endswith("--help' tells more\n")


@pytest.mark.parametrize("command", ["run", "keeper", "eye", "courier"])
def test_a_missing_configuration_is_one_line(tmp_path, command):
    found = subprocess.run(
        [sys.executable, "-m", "stillroom", command, "--config", str(tmp_path / "absent.toml")],
        capture_output=True,
        text=True,
    )
    assert found.returncode == errors.ConfigError.exit_code
    assert found.stderr.count("\n") == 1 and "cannot be read" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--config FILE is needed"),
        (["--config"], "--config: needs a value"),
        (["--config", "x", "--parent", "me"], "--parent 'me': a number is needed"),
        (["--config", "x", "--config", "y"], "an option is there twice"),
        (["--wibble", "x"], "unknown argument '--wibble'"),
    ],
)
def test_a_process_that_is_told_wrongly_says_what_in_one_line(capsys, arguments, says):
    assert main(["eye", *arguments]) == 2
    said = capsys.readouterr().err
    assert said == f"stillroom eye: {says}; 'stillroom eye --help' tells more\n"
    assert main(["eye", "--help"]) == 0
    assert "usage: stillroom eye --config FILE" in capsys.readouterr().out


def test_the_eye_takes_no_camera_of_the_lab_from_a_configuration_alone(tmp_path):
    config = CameraConfig(kind="simulated", source="day.toml")
    with pytest.raises(errors.CameraError, match="stillroom run"):
        open_camera(config, tmp_path)


def test_a_kind_of_camera_that_nobody_registered_is_named_with_those_there_are():
    with pytest.raises(errors.CameraError, match="recorded, simulated"):
        find_opener("webcam")
    assert find_opener("picamera2") == ""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["check", "config/unit.toml"]])
def test_an_output_that_cannot_be_written_is_one_line(arguments):
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [sys.executable, "-m", "stillroom", *arguments], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert "Traceback" not in found.stderr
    if found.returncode != errors.ConfigError.exit_code:
        assert found.returncode == errors.StorageError.exit_code
        assert found.stderr == "stillroom: standard output: No space left on device\n"


def test_commands_import_nothing_that_they_do_not_need():
    script = (
        "import sys; from stillroom.cli import main; main(['--version'])\n"
        "print(sorted(m for m in sys.modules if m in {'numpy', 'nacl', 'paho', 'sqlite3', 'msgspec', 'rich', 'av'}))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.endswith("[]\n")

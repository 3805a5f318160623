"""The command line: lazy, one line for a mistake, stable exit codes."""

import subprocess
import sys

import pytest

from stillroom import errors
from stillroom.cli import main


def test_codes_are_what_the_readme_says():
    codes = {
        kind.__name__: kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.StillroomError)
    }
    assert codes == {
        "StillroomError": 1,
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


@pytest.mark.parametrize("command", ["run", "keeper", "eye", "courier"])
def test_a_missing_configuration_is_one_line(tmp_path, command):
    found = subprocess.run(
        [sys.executable, "-m", "stillroom", command, "--config", str(tmp_path / "absent.toml")],
        capture_output=True,
        text=True,
    )
    assert found.returncode == errors.ConfigError.exit_code
    assert found.stderr.count("\n") == 1 and "cannot be read" in found.stderr


def test_commands_import_nothing_that_they_do_not_need():
    script = (
        "import sys; from stillroom.cli import main; main(['--version'])\n"
        "print(sorted(m for m in sys.modules if m in {'numpy', 'nacl', 'paho', 'sqlite3', 'msgspec', 'rich', 'av'}))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.endswith("[]\n")

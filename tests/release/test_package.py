"""An install without the package `stillroom-release` records nothing: what the base package holds, and answers."""

import subprocess
import sys
from pathlib import Path

import pytest
from setuptools import find_namespace_packages
from tests.parties import release
from tests.recorded import ADVOCATE, MANAGER
from tests.recorded import Recorded as RecordedUnit

from stillroom import release_forms
from stillroom.errors import SetupError
from stillroom.eye.main import Eye
from stillroom.eye.papers import Recorded
from stillroom.keeper import commands, releases
from stillroom.link import Lease, RecordAsked

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "runtime" / "release"


def base_packages() -> list[str]:
    """As `pyproject.toml` has setuptools find them."""
    import tomllib

    found = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"][
        "find"
    ]
    return [
        name
        for where in found["where"]
        for name in find_namespace_packages(str(REPOSITORY / where), include=found["include"])
    ]


def test_the_base_package_has_no_file_of_it():
    packages = base_packages()
    assert {"stillroom", "stillroom.eye", "stillroom_tools.site.release"} <= set(packages)
    assert not [name for name in packages if name.startswith(("stillroom_release", "release"))]
    named = (REPOSITORY / "pyproject.toml").read_text()
    assert 'entry-points."stillroom.release"' not in named


def test_nothing_of_the_base_package_seals_a_chunk_or_names_the_package():
    """It would have to import what does, or do it itself: a chunk has its head made in one place."""
    for root in (REPOSITORY / "runtime" / "stillroom", REPOSITORY / "tools"):
        for path in root.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert "stillroom_release" not in text.replace("`stillroom_release`", ""), path
            assert "chunk_head(" not in text or path.name == "release_forms.py", path
    of_package = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    assert "chunk_head(" in of_package and "crypto_box_seal" in of_package


@pytest.mark.long
def test_the_wheel_itself_has_no_file_of_it(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", tmp_path]
    for source in (REPOSITORY, PACKAGE):
        subprocess.run([*command, source], check=True, timeout=600)
    import zipfile

    names = {wheel.name.split("-")[0]: zipfile.ZipFile(wheel).namelist() for wheel in tmp_path.glob("*.whl")}
    assert set(names) == {"stillroom", "stillroom_release"}
    assert not [name for name in names["stillroom"] if "stillroom_release" in name]
    modules = {name for name in names["stillroom_release"] if name.endswith(".py")}
    assert {"stillroom_release/eye.py", "stillroom_release/keeper.py", "stillroom_release/seal.py"} <= modules


@pytest.fixture
def without(tmp_path, monkeypatch) -> RecordedUnit:
    for module in (release_forms, releases, commands):
        monkeypatch.setattr(module, "part", lambda name: None)
    return RecordedUnit(tmp_path)


def test_a_unit_without_it_refuses_in_one_line_and_never_asks_its_eye(without: RecordedUnit, capsys):
    assert without.release() == "not-installed"
    without.put(without.sign(without.paper(), (MANAGER, ADVOCATE)))
    capsys.readouterr()
    without.beat(3.0)
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "stillroom-release is not installed here" in err
    assert without.asked is None and without.light == "steady" and not without.folder.exists()
    assert without.story() == [("release-refused", "not-installed")]


def test_it_says_that_nobody_deletes_what_was_recorded_before(without: RecordedUnit, capsys):
    without.folder.mkdir()
    without.beat(1.0)
    assert "recordings that nobody deletes here" in capsys.readouterr().err
    assert [what for what, _ in without.story()] == ["releases-stranded"]


class Camera:
    width, height = 640, 480


class Allowed:
    """Papers that allow a recording."""

    def recorded(self, _: RecordAsked) -> Recorded:
        return Recorded(bytes(16), release(bytes(range(32))), 2**53)


def an_eye() -> Eye:
    """That was asked to record."""
    eye = object.__new__(Eye)
    asked = RecordAsked(bytes(8), bytes(16), bytes(16), 0, 0)
    eye._recorder, eye._not_recorded, eye._papers = None, None, Allowed()
    eye._lease = Lease(900, False, False, False, record=asked)
    return eye


def test_an_eye_without_it_takes_no_order_for_a_recording(monkeypatch):
    monkeypatch.setattr("stillroom.eye.main.part", lambda name: None)
    assert an_eye()._recording(Camera()) is None


def test_an_eye_without_locked_memory_goes_on_without_a_recording_and_does_not_try_for_each_frame(
    monkeypatch, capsys
):
    tries = []

    def make(*_: object) -> None:
        tries.append(1)
        raise SetupError("locked memory: 135 KiB cannot be had")

    monkeypatch.setattr("stillroom.eye.main.part", lambda name: make)
    eye, camera = an_eye(), Camera()
    assert eye._recording(camera) is None and eye._recording(camera) is None
    assert len(tries) == 1 and "eye: nothing can be recorded: locked memory" in capsys.readouterr().err

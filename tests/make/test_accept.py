"""Acceptance at the wall: what the running unit says of its light, what was drawn, how far it is; signed, and kept."""

from pathlib import Path

import pytest
from making import passphrase_file, refused, stillroom
from tests.keeper.test_unit import Rig
from tests.rig import SOMEWHERE, observation

from stillroom import config
from stillroom.status import Status
from stillroom_tools.make import accept_judge
from stillroom_tools.make.accept import read
from stillroom_tools.make.accept_judge import judge
from stillroom_tools.site.layout import open_site

ZONES = """\
[zones]
bed = [[0.1, 0.4], [0.7, 0.4], [0.7, 0.9], [0.1, 0.9]]
door = [[0.8, 0.1], [0.95, 0.1], [0.95, 0.6]]
private = []
"""


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path)
    rig.unit.close()
    text = (rig.folder / "unit.toml").read_text()
    before, _, after = text.partition("[zones]\n")
    (rig.folder / "unit.toml").write_text(before + ZONES + "\n[" + after.partition("\n[")[2])
    rig.start()
    rig.authorise()
    rig.beat(1)
    rig.unit.from_eye(observation(rig.clock, SOMEWHERE, 0.02))
    rig.speak()
    return rig


def installer(tmp_path: Path, rig: Rig) -> tuple[object, ...]:
    given = passphrase_file(tmp_path)
    new = ("make", "key", tmp_path / "i", "--of", "test", "--role", "installer", "--name", "ida")
    stillroom(*new, "--passphrase-file", given)
    stillroom("make", "accept", "installer", tmp_path / "i/ida.pub", "--site", rig.site_folder)
    return ("--key", tmp_path / "i/ida.key", "--passphrase-file", given)


def test_looked_at_signed_and_kept(tmp_path: Path, rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    key, out = installer(tmp_path, rig), tmp_path / "u-1.acceptance"
    check = ("make", "accept", "check", rig.folder, *key, "--out", out)
    capsys.readouterr()
    assert stillroom(*check, "--distance-m", 2.5) == 0
    said = capsys.readouterr().out
    assert (
        "passed  light: 90 of 255" in said and "passed  face-cells: 18.2 cells" in said and "NOT" not in said
    )
    assert stillroom("make", "accept", "take", out, "--site", rig.site_folder) == 0
    paper = read(open_site(rig.site_folder), rig.site_folder / "acceptances/u-1.note")
    assert (paper.unit, paper.installer, paper.distance_mm, paper.passed) == ("u-1", "ida", 2500, True)
    forged = tmp_path / "forged"
    forged.write_bytes(out.read_bytes().replace(b'"distance_mm": 2500', b'"distance_mm": 1500'))
    assert "altered" in refused(capsys, 6, "make", "accept", "take", forged, "--site", rig.site_folder)
    (rig.site_folder / "installers/ida.pub").unlink()
    assert "not signed by any" in refused(capsys, 6, "make", "accept", "take", out, "--site", rig.site_folder)


def test_an_installer_is_who_made_an_installers_key(
    tmp_path: Path, rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    stillroom("site", "signer", "new", tmp_path / "k", "--site", "test", "--name", "eve", "--role", "viewer")
    public, site = tmp_path / "k/eve.pub", rig.site_folder
    said = refused(capsys, 6, "make", "accept", "installer", public, "--site", site)
    assert "made for the role viewer, where a public file for installer is needed" in said
    installer(tmp_path, rig)
    public = tmp_path / "i/ida.pub"
    public.write_text(public.read_text().splitlines()[0] + "\n")
    assert stillroom("make", "accept", "installer", public, "--site", site) == 0, "named already"


def test_an_installer_of_another_site_hears_of_it_before_he_types(
    tmp_path: Path, rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    new = ("make", "key", tmp_path / "i", "--of", "other", "--role", "installer", "--name", "ida")
    stillroom(*new, "--passphrase-file", passphrase_file(tmp_path))
    check = ("make", "accept", "check", rig.folder, "--distance-m", 2.5, "--out", tmp_path / "a")
    said = refused(capsys, 6, *check, "--key", tmp_path / "i/ida.key")
    assert "an installer of 'other', and the unit is of 'test'" in said


def test_too_far_for_a_pulse_is_near_enough_for_breath(
    tmp_path: Path, rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    key, out = installer(tmp_path, rig), tmp_path / "u-1.acceptance"
    check = ("make", "accept", "check", rig.folder, *key, "--out", out, "--distance-m", 4)
    capsys.readouterr()
    assert stillroom(*check) == 1
    shown = capsys.readouterr()
    assert "NOT PASSED  face-cells: 7.1 cells (at least 12, margin -4.9)" in shown.out
    assert "not signed" in shown.err and not out.exists()
    assert stillroom(*check, "--purpose", "breathing") == 0


def test_what_is_refused(tmp_path: Path, rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    key, out = installer(tmp_path, rig), tmp_path / "a"
    check = ("make", "accept", "check", rig.folder, *key, "--out", out)
    assert "0.3 to 20" in refused(capsys, 3, *check, "--distance-m", 99)
    assert "--zones 'bad'" in refused(capsys, 3, *check, "--distance-m", 2, "--zones", "bad")
    assert stillroom(*check, "--distance-m", 2, "--zones", "bed,chair") == 1
    rig.withdraw()
    rig.beat(1)
    rig.speak()
    assert stillroom(*check, "--distance-m", 2) == 1, "a closed camera sees no light"
    (rig.folder / "run/keeper.json").unlink()
    assert "does not run" in refused(capsys, 3, *check, "--distance-m", 2)


@pytest.mark.parametrize(
    ("status", "failed"),
    [
        (Status(gate="open", luma_mean=90.0, clipped=0.01), set()),
        (Status(gate="paused-by-button", luma_mean=None, clipped=None), {"sensing", "light", "clipped"}),
        (Status(gate="open", luma_mean=39.0, clipped=0.01), {"light"}),
        (Status(gate="open", luma_mean=201.0, clipped=0.06), {"light", "clipped"}),
        (Status(gate="open", luma_mean=90.0, clipped=0.0, faults=("camera-blurred",)), {"view"}),
        (Status(gate="open", luma_mean=90.0, clipped=0.0, faults=("hot",)), set()),
    ],
)
def test_each_fault_fails_its_own_check(rig: Rig, status: Status, failed: set[str]) -> None:
    unit = config.load(rig.folder / "unit.toml")
    checks = list(judge(unit, status, ["bed", "door"], "pulse", 2.5, 66))
    assert {one.check for one in checks if not one.passed} == failed


def test_cells_follow_from_distance_and_lens() -> None:
    assert accept_judge.cells_per_m(640, 1.0, 90) == pytest.approx(40.0), "80 cells over two metres"
    near, far = (accept_judge.cells_per_m(640, metres, 66) for metres in (2.0, 4.0))
    assert near == pytest.approx(2 * far)

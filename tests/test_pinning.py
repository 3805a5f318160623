"""A unit of an earlier version: `check --authority` tells it whom it obeys, by a fingerprint that was compared."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from stillroom.cli import main
from stillroom.config import load
from stillroom.documents import read_signer
from tests.live import command


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The folder of one as earlier versions made them: no line in `unit.toml`, a file in the trust folder."""
    command("site", "new", tmp_path / "site", "--site", "test", "--no-tls")
    command("make", "unit", tmp_path / "u", "--site", tmp_path / "site", "--unit", "u-1", "--profile", "lab")
    path = tmp_path / "u/unit.toml"
    path.write_text("".join(line for line in lines(path) if not line.startswith("authority =")))
    path.chmod(0o640)
    shutil.copy(tmp_path / "site/authority/authority.pub", tmp_path / "u/trust/authority.pub")
    return tmp_path / "u"


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True)


def own(unit: Path) -> str:
    return read_signer(unit.parent / "site/authority/authority.pub").fingerprint


def refused(capsys: pytest.CaptureFixture[str], code: int, *words: object) -> str:
    capsys.readouterr()
    assert main([str(word) for word in words]) == code
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize("text", ["NONSENSE", "", "aaaa-bbbb", "aaaa-" * 7 + "aaa1", "test/authority+00+AA"])
def test_what_is_no_fingerprint_is_said_and_is_nobodys(unit, capsys, text):
    path = unit / "unit.toml"
    before = path.read_bytes()
    said = refused(capsys, 3, "check", path, "--authority", text)
    assert f"--authority '{text}': not a fingerprint: 32 of a-z 2-7 are needed, as `site new` printed" in said
    assert path.read_bytes() == before
    assert main(["check", str(path), "--authority", own(unit).replace("-", "").upper()]) == 0, (
        "one is, however typed"
    )


def test_it_is_told_once_and_all_else_stays_as_it_was(unit, capsys):
    path = unit / "unit.toml"
    before, owner = lines(path), (os.getuid(), os.getgid())
    if os.getuid() == 0:  # where services run, the group of the three reads it
        owner = (0, 65_534)
        os.chown(path, *owner)
    assert "--authority FINGERPRINT" in refused(capsys, 6, "check", path)
    capsys.readouterr()
    assert main(["check", str(path), "--authority", own(unit)]) == 0
    assert f"the unit obeys test/authority, key {own(unit)}" in capsys.readouterr().out
    added = [line for line in lines(path) if line not in before]
    assert [line for line in lines(path) if line in before] == before
    assert len(added) == 1 and added[0].startswith('authority = "test/authority+')
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and (path.stat().st_uid, path.stat().st_gid) == owner
    assert load(path).authority == (unit / "trust/authority.pub").read_text().strip()
    after = path.read_bytes()
    assert main(["check", str(path), "--authority", own(unit)]) == 0 and path.read_bytes() == after
    assert main(["check", str(path)]) == 0
    command("site", "authorise", "new", unit, "--site", unit.parent / "site", "--room", "r", "--days", 1)


def test_an_empty_line_is_filled(unit):
    path = unit / "unit.toml"
    without = path.read_text()
    for empty in ('authority = ""  # of no site yet', "  authority=''"):
        path.write_text(f"# mine\n{empty}\n" + without)
        assert main(["check", str(path), "--authority", own(unit)]) == 0
        assert load(path).authority and path.read_text().startswith("# mine\n")


def test_what_nobody_compared_is_not_believed(unit, tmp_path, capsys):
    path, kept = unit / "unit.toml", unit / "trust/authority.pub"
    before = path.read_bytes()
    said = refused(capsys, 6, "check", path, "--authority", "-".join(["aaaa"] * 8))
    assert f"the authority there is {own(unit)}, not aaaa-aaaa-" in said
    command("site", "new", tmp_path / "twin", "--site", "test", "--no-tls")
    other = read_signer(tmp_path / "twin/authority/authority.pub").fingerprint
    shutil.copy(tmp_path / "twin/authority/authority.pub", kept)
    assert f"not {own(unit)}" in refused(capsys, 6, "check", path, "--authority", own(unit))
    assert "roster.note: not signed by" in refused(capsys, 6, "check", path, "--authority", other)
    kept.unlink()
    assert str(kept) in refused(capsys, 6, "check", path, "--authority", own(unit))
    assert path.read_bytes() == before


def test_whom_it_obeys_never_changes(unit, tmp_path, capsys):
    path = unit / "unit.toml"
    assert main(["check", str(path), "--authority", own(unit)]) == 0
    before = path.read_bytes()
    command("site", "new", tmp_path / "twin", "--site", "test", "--no-tls")
    twin = tmp_path / "twin"
    shutil.copy(twin / "authority/authority.pub", unit / "trust/authority.pub")
    shutil.copy(twin / "roster.note", unit / "trust/roster.note")
    other = read_signer(twin / "authority/authority.pub").fingerprint
    assert f"{path}: the authority there is {own(unit)}" in refused(
        capsys, 6, "check", path, "--authority", other
    )
    assert path.read_bytes() == before

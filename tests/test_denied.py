"""What an account may not use is said by every command in one way: path, account, owner, what to do; exit code 9."""

import ctypes
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from stillroom.cli import main
from stillroom.denied import _group, _user, denied
from stillroom.errors import SetupError, TrustError
from tests.live import command

_VERSION = (ctypes.c_uint32 * 2)(0x20080522, 0)


@pytest.fixture
def plain() -> Iterator[None]:
    """Without the right to pass over modes, which root has: as anybody else is."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = (ctypes.c_uint32 * 6)()
    assert libc.capget(_VERSION, before) == 0
    less = (ctypes.c_uint32 * 6)(*before)
    less[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: effective, and still permitted
    assert libc.capset(_VERSION, less) == 0
    yield
    assert libc.capset(_VERSION, before) == 0


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    site = tmp_path / "site"
    command("site", "new", site, "--site", "test", "--no-tls")
    command("make", "unit", tmp_path / "u", "--site", site, "--unit", "u-1", "--profile", "lab")
    for name, role in (("eve", "viewer"), ("mia", "manager")):
        command("site", "signer", "new", tmp_path / "k", "--site", "test", "--name", name, "--role", role)
    (tmp_path / "k/mia.key").chmod(0o600)
    yield tmp_path
    for path in (site, tmp_path / "u", tmp_path / "k", site / "gateway"):
        path.chmod(0o700)


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert main([str(word) for word in words]) == SetupError.exit_code, words
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("stillroom: ")
    return said


@pytest.mark.usefixtures("plain")
def test_ten_commands_say_it_in_one_way(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site, unit, keys = folder / "site", folder / "u", folder / "k"
    me, mine = _user(os.geteuid()), _group(site.stat().st_gid)
    for closed in (site, unit, keys):
        closed.chmod(0o000)
    at = ("--site", site)
    for closed, words in (
        (unit, ("check", unit / "unit.toml")),
        (unit, ("explain", "--config", unit / "unit.toml")),
        (unit, ("run", "--config", unit / "unit.toml")),
        (unit, ("selftest", "--config", unit / "unit.toml")),
        (unit, ("make", "rotate", unit, *at)),
        (site, ("site", "authorise", "new", unit, *at, "--room", "r", "--days", 1)),
        (site, ("site", "gateway", *at)),
        (site, ("site", "units", *at)),
        (site, ("site", "view", "r", *at, "--key", keys / "eve.key", "--reason", "x")),
        (site, ("site", "subject", "log", *at)),
        (site, ("make", "revoke", "u-1", *at, "--reason", "stolen")),
        (keys, ("site", "signer", "new", keys, "--site", "test", "--name", "x", "--role", "viewer")),
    ):
        said = refused(capsys, *words)
        whose = f"(user {me}, group {mine}, mode 0000): run this as {me}"
        assert f": account {me} may not enter {closed} {whose}" in said, said


@pytest.mark.usefixtures("plain")
def test_what_may_be_seen_and_not_read_or_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site, keys = folder / "site", folder / "k"
    (keys / "mia.key").chmod(0o000)
    policy = ("site", "view-policy", folder / "u", "--site", site, "--key", keys / "mia.key")
    assert f"may not read {keys / 'mia.key'} " in refused(capsys, *policy)
    keys.chmod(0o550)
    more = ("site", "signer", "new", keys, "--site", "test", "--name", "x", "--role", "viewer")
    said = refused(capsys, *more)
    assert f"may not write into {keys} " in said and "or name a folder of your own" in said
    store = site / "gateway/gateway.db"
    sqlite3.connect(store).close()
    store.touch(mode=0o000)
    store.chmod(0o000)
    assert f"may not read {store} " in refused(capsys, "site", "units", "--site", site)
    store.chmod(0o600)
    (site / "gateway").chmod(0o500)
    assert f"may not write into {site / 'gateway'} " in refused(capsys, "site", "units", "--site", site)


def test_an_account_without_a_name_is_its_number() -> None:
    assert (_user(4_000_000_123), _group(4_000_000_123)) == ("4000000123", "4000000123")


@pytest.mark.usefixtures("plain")
def test_a_group_that_may_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o050)
    try:
        with pytest.raises(PermissionError) as caught:
            (tmp_path / "x").read_bytes()
    finally:
        said = denied(caught.value)
        tmp_path.chmod(0o700)
    assert said is not None and said.endswith(f"or a member of group {_group(tmp_path.stat().st_gid)}")


def test_what_is_no_lack_of_a_right_is_said_as_before() -> None:
    assert denied(TrustError("no")) is None
    assert denied(FileNotFoundError(2, "no such file", "/x")) is None
    assert denied(PermissionError(1, "of no path")) is None

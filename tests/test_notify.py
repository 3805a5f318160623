"""What is said to systemd, to whom, and when nothing is; and where keys are read from."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from stillroom import credentials
from stillroom.errors import SetupError, TrustError
from stillroom.files import read_private
from stillroom.link import uid_of
from stillroom.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@stillroom-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.bind(name.replace("@", "\0"))
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield sock


def heard(sock: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(sock.recv(4096))
        except BlockingIOError:
            return found


def test_ready_is_said_once_and_a_pet_not_each_time(manager: socket.socket, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WATCHDOG_USEC", "3600000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    notifier = Notifier()
    for _ in range(3):
        notifier.ready()
        notifier.progress()
    notifier.stopping()
    assert heard(manager) == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


@pytest.mark.parametrize(("period", "meant"), [("", ""), ("soon", ""), ("-5", ""), ("1000", "1"), ("0", "")])
def test_no_pet_where_no_watchdog_is_ours(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch, period: str, meant: str
):
    monkeypatch.setenv("WATCHDOG_USEC", period)
    monkeypatch.setenv("WATCHDOG_PID", meant)
    Notifier().progress()
    assert heard(manager) == []


@pytest.mark.parametrize("name", ["", "relative", "/nowhere/at/all", "@nobody-listens-here"])
def test_where_nobody_listens_nothing_fails(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    notifier = Notifier()
    notifier.ready()
    notifier.progress()


def test_a_manager_that_has_gone_is_no_reason_to_fail(manager: socket.socket):
    notifier = Notifier()
    manager.close()
    notifier.ready()


def test_what_systemd_hands_over_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given, plain = tmp_path / "given", tmp_path / "keys" / "unit.key"
    given.mkdir()
    assert credentials.locate(plain) == plain
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    assert credentials.locate(plain) == plain, "it has none of that name"
    (given / "unit.key").write_bytes(b"secret")
    assert credentials.locate(plain) == given / "unit.key"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "keys")
    assert credentials.folder() is None, "never a folder that depends on where somebody stands"


@pytest.mark.parametrize(
    ("mode", "given", "taken"),
    [(0o400, True, True), (0o440, True, True), (0o444, True, False), (0o440, False, False)],
)
def test_an_acls_mask_counts_among_credentials_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, given: bool, taken: bool
):
    path = tmp_path / "unit.key"
    path.write_bytes(b"secret")
    path.chmod(mode)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path) if given else "")
    if taken:
        assert read_private(path) == b"secret"
    else:
        with pytest.raises(TrustError, match="others may read"):
            read_private(path)


def test_an_account_that_is_not_there_is_named():
    assert uid_of("") == os.getuid() and uid_of("root") == 0
    with pytest.raises(SetupError, match="no user 'stillroom-nobody'"):
        uid_of("stillroom-nobody")

"""What `stillroom site connect --write` writes: tried in a real mosquitto; for EMQX read as it documents its rules."""

import re
import socket
from pathlib import Path

import pytest
from tests.connecting import Connect, connector, outcomes

from stillroom_tools.lab.broker import find_program
from stillroom_tools.lab.child import listens, spawn
from stillroom_tools.site.connect import keep

needs_mosquitto = pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed")


@pytest.fixture
def connect(capsys: pytest.CaptureFixture[str]) -> Connect:
    return connector(capsys)


@needs_mosquitto
def test_the_lines_written_make_a_broker_that_lacks_nothing(
    tls_site: Path, tmp_path: Path, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mosquitto of the facility's own, with nothing but a listener, a certificate, and the lines."""
    monkeypatch.setattr(keep, "QUEUED_RECORDS", 10)
    assert connect("mqtt://127.0.0.1:1", "--site", tls_site, "--write", tmp_path / "lines")[0] == 7
    written = tmp_path / "lines"
    assert {path.name for path in written.iterdir()} == {
        *("mosquitto-lines.conf", "acl", "emqx-lines.conf", "emqx-acl.conf")
    }
    assert (written / "acl").read_text() == (tls_site / "broker" / "acl").read_text()

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    files = tls_site / "broker"
    shared, _, listening = (written / "mosquitto-lines.conf").read_text().partition("# Under the listener")
    uncommented = "\n".join(line[1:] for line in listening.splitlines()[1:])
    (tmp_path / "conf").write_text(
        f"user root\npersistence_location {tmp_path}/\nper_listener_settings false\n{shared}\n"
        f"listener {port} 127.0.0.1\ncafile {files}/ca.pem\ncertfile {files}/server.pem\n"
        f"keyfile {files}/server-key.pem\n{uncommented}\n"
    )
    program = find_program("mosquitto")
    assert program is not None
    with (tmp_path / "log").open("wb") as log:
        process = spawn([program, "-c", str(tmp_path / "conf")], log)
        try:
            while not listens(process.pid, port):
                assert process.poll() is None, (tmp_path / "log").read_text()
            code, found, _ = connect(f"mqtts://127.0.0.1:{port}", "--site", tls_site)
        finally:
            process.kill()
            process.wait()
    assert code == 0
    assert outcomes(found, "limited") == set() and found["acl up"][0] == "good"


def test_the_access_list_of_emqx_says_what_that_of_mosquitto_says(tmp_path: Path, connect: Connect) -> None:
    """Its rules, read as EMQX documents them (the first that fits), give each what mosquitto's pattern gives."""

    connect("mqtt://127.0.0.1:1", "--name", "ward-7", "--write", tmp_path)
    rules = []
    for line in (tmp_path / "emqx-acl.conf").read_text().splitlines():
        if line.startswith("{"):
            found = re.fullmatch(
                r'\{(allow|deny), (all|\{username, .*?\})(?:, (\w+), \["([^"]*)"\])?\}\.', line
            )
            assert found, line
            rules.append(found.groups())

    def who(rule: str, user: str) -> bool:
        pattern = re.search(r're, "(.*)"', rule)
        return rule == "all" or (bool(re.search(pattern[1], user)) if pattern else f'"{user}"' in rule)

    def may(user: str, action: str, topic: str) -> bool:
        for verdict, of, does, pattern in rules:
            wanted = (pattern or "#").replace("${username}", user)
            fits = wanted == "#" or re.fullmatch(re.escape(wanted).replace(r"\+", "[^/]+"), topic)
            if who(of, user) and does in (None, action) and fits:
                return verdict == "allow"
        return False

    users, ways = (
        ("u-1", "gateway", "board", "advocate"),
        ("u-1/up", "u-2/up", "gateway/up", "u-1/down", "u-2/down"),
    )
    said = {(u, t) for u in users for t in ways if may(u, "publish", f"stillroom/1/ward-7/{t}")}
    assert said == {("u-1", "u-1/up"), ("gateway", "u-1/down"), ("gateway", "u-2/down")}
    patterns = ("u-1/down", "u-2/down", "+/up", "+/down", "#")
    heard = {(u, t) for u in users for t in patterns if may(u, "subscribe", f"stillroom/1/ward-7/{t}")}
    assert heard == {("u-1", "u-1/down"), ("gateway", "+/up"), ("board", "+/up"), ("advocate", "+/up")}

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


Rights = set[tuple[str, str, str]]
USERS = ("u-1", "gateway", "board", "advocate")
TOPICS = tuple(
    f"stillroom/1/ward-7/{unit}/{way}"
    for unit in ("u-1", "u-2", "+", *USERS[1:])
    for way in ("up", "down", "view")
)


def fits(pattern: str, topic: str) -> bool:
    return bool(re.fullmatch(re.escape(pattern).replace(r"\+", r"[^/]+"), topic))


def of_mosquitto(text: str) -> Rights:
    """As its manual says: a user's rules and the patterns together, and what is denied is denied."""
    allowed, denied = set(), set()
    user = ""
    for kind, *rest in (line.split() for line in text.splitlines() if line and not line.startswith("#")):
        if kind == "user":
            (user,) = rest
            continue
        does, pattern = rest
        for who in USERS if kind == "pattern" else (user,):
            found = {(who, topic) for topic in TOPICS if fits(pattern.replace("%u", who), topic)}
            denied |= found if does == "deny" else set()
            allowed |= {(*each, does) for each in found if does != "deny"}
    return {(who, topic, does) for who, topic, does in allowed if (who, topic) not in denied}


def of_emqx(text: str) -> Rights:
    """As EMQX documents its file: the first rule that fits counts."""
    rules = []
    for line in text.splitlines():
        if line.startswith("{"):
            found = re.fullmatch(
                r'\{(allow|deny), (all|\{username, .*?\})(?:, (\w+), \["([^"]*)"\])?\}\.', line
            )
            assert found, line
            rules.append(found.groups())

    def may(who: str, topic: str, does: str) -> bool:
        for verdict, of, action, pattern in rules:
            named = re.search(r're, "(.*)"', of)
            is_his = of == "all" or (bool(re.search(named[1], who)) if named else f'"{who}"' in of)
            if (
                is_his
                and action in (None, does)
                and (pattern is None or fits(pattern.replace("${username}", who), topic))
            ):
                return verdict == "allow"
        return False

    words = {"read": "subscribe", "write": "publish"}
    return {(w, t, does) for w in USERS for t in TOPICS for does in words if may(w, t, words[does])}


def test_the_access_list_of_emqx_says_what_that_of_mosquitto_says(tmp_path: Path, connect: Connect) -> None:
    connect("mqtt://127.0.0.1:1", "--name", "ward-7", "--write", tmp_path)
    found = of_emqx((tmp_path / "emqx-acl.conf").read_text())
    base = "stillroom/1/ward-7"
    assert {("u-1", f"{base}/u-1/{way}", "write") for way in ("up", "view")} <= found
    assert ("gateway", f"{base}/u-2/down", "write") in found and ("board", f"{base}/+/view", "read") in found
    assert ("u-1", f"{base}/u-2/up", "write") not in found and (
        "gateway",
        f"{base}/gateway/up",
        "write",
    ) not in found
    # Of a topic that nobody may write to, mosquitto's `deny` forbids reading too: for EMQX that is left out.
    his_own = {(who, f"{base}/{who}/up", "read") for who in USERS[1:]}
    assert found - his_own == of_mosquitto((tmp_path / "acl").read_text())

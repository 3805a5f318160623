"""Where a board listens and under which names; and the real command, from the first token to a live tile."""

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from board_desk import Board
from board_rig import PASSWORD, code_now, until, ward
from tests.patience import WITHIN_S

from stillroom import cli
from stillroom.errors import ConfigError, TrustError
from stillroom_tools.lab.broker import find_program, free_port
from stillroom_tools.site.board.main import where


@pytest.mark.parametrize(
    ("listen", "words"),
    [
        ("8443", "ADDRESS:PORT is needed"),
        ("localhost:8443", "ADDRESS:PORT is needed"),
        ("127.0.0.1:0", "the port is 1 to 65535"),
        ("127.0.0.1:65536", "the port is 1 to 65535"),
        ("127.0.0.1:x", "the port is 1 to 65535"),
        ("0.0.0.0:8443", "without TLS others could read along"),
        ("[::]:8443", "without TLS others could read along"),
        ("192.0.2.1:8443", "without TLS others could read along"),
    ],
)
def test_places_that_are_none(board: Board, listen: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        where(listen, board.site)


def test_loopback_may_be_plain(board: Board) -> None:
    for listen, address in (("127.0.0.1:8443", "http://127.0.0.1:8443"), ("[::1]:9", "http://[::1]:9")):
        place = where(listen, board.site)
        assert (place.certificate, place.address) == (None, address) and "localhost" in place.names


def test_a_certificate_names_the_hosts(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    site = board.site.folder
    made = [
        "site",
        "board",
        "--site",
        str(site),
        "--certificate",
        "ward.example",
        "--certificate",
        "192.0.2.1",
    ]
    assert cli.main(made) == 0 and cli.main(made) == 0, "again, where it runs out"
    place = where("0.0.0.0:8443", board.site)
    assert place.names == ("ward.example", "192.0.2.1") and place.address == "https://ward.example:8443"
    assert (site / "board" / "server-key.pem").stat().st_mode & 0o077 == 0
    (site / "board" / "server.pem").write_text("none")
    with pytest.raises(TrustError, match="not a certificate of ours"):
        where("0.0.0.0:8443", board.site)
    (site / "ca" / "ca-key.pem").unlink()
    assert cli.main(made) == 6, "the CA is offline"
    assert cli.main(["site", "board", "--site", str(site), "--certificate", "ward example"]) == 3


def test_a_port_that_somebody_has_is_one_line(board: Board, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        assert cli.main(["site", "board", "--site", str(board.site.folder), "--listen", listen]) == 3
    said = capfd.readouterr().err
    assert said.count("\n") == 1 and "Address already in use: stop what listens there" in said


def test_the_command_over_tls_to_a_signal(board: Board) -> None:
    """No broker runs: the board says so, and is there."""
    site, port = board.site.folder, free_port()
    assert cli.main(["site", "board", "--site", str(site), "--certificate", "127.0.0.1"]) == 0
    words = [
        sys.executable,
        "-m",
        "stillroom",
        "site",
        "board",
        "--site",
        site,
        "--listen",
        f"127.0.0.1:{port}",
    ]
    running = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr is not None
        assert f"https://127.0.0.1:{port}" in running.stderr.readline()
        context = ssl.create_default_context(cafile=str(site / "ca" / "ca.pem"))
        with httpx.Client(verify=context, trust_env=False) as client:
            answer = client.get(f"https://127.0.0.1:{port}/login")
            assert answer.status_code == 200 and "strict-transport-security" in answer.headers
            assert client.get(f"https://127.0.0.1:{port}/").headers["location"] == "/login"
        second = subprocess.run(words, capture_output=True, text=True, check=False)
        assert second.returncode == 8 and "another board is using it" in second.stderr
    finally:
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait(WITHIN_S) == 0


def test_from_the_first_token_to_a_live_tile_and_an_alert_that_is_attended(tmp_path: Path) -> None:
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    with ward(tmp_path, 2) as made, httpx.Client(base_url=made.address, trust_env=False) as browser:
        browser.headers["origin"] = made.address
        first = {"name": "ann", "token": made.first_token()}
        secret = browser.post("/set-up", data=first).text.split('class="key">')[1].split("<")[0]
        done = browser.post("/set-up", data=first | {"password": PASSWORD, "code": code_now(secret)})
        assert done.status_code == 303

        def page() -> str:
            made.speak()
            return browser.get("/").text

        until(lambda: "<strong>in bed</strong>" in page() and 'data-link="live"' in page(), "a live tile")
        made.voices[0].condition("on-floor")
        until(lambda: "acknowledge u-001 on-floor" in page(), "an alert")
        now = page()
        act = re.search(r"attend u-001 on-floor \d+", now)
        csrf = now.split('name="csrf" value="')[1].split('"')[0]
        assert act
        answer = browser.post("/acts", data={"csrf": csrf, "act": act[0]}, headers={"accept": "text/plain"})
        assert (answer.status_code, answer.text) == (
            200,
            "You are written down as attending to 'on floor' in room-1.",
        )
        until(lambda: "acknowledged by ann, attended" in page(), "an alert that is attended")
        until(lambda: made.speak() or "attended by ann" in browser.get("/rooms/u-001").text, "what was kept")
        room = browser.get("/rooms/u-001").text
        assert "alert: on floor, high; attended by ann after" in room and "Alerts: 1 high" in room
        drawn = browser.get("/rooms/u-001/day.svg")
        assert drawn.headers["content-type"] == "image/svg+xml" and "attended by ann" in drawn.text
        assert "style-src 'sha256-" in drawn.headers["content-security-policy"]
        made.end("gateway")
        until(lambda: "Alerts are not known" in page(), "that nobody knows the alerts")

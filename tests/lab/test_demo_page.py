"""The demo's page as a browser meets it: a whole demo runs, what is pressed happens, strangers are refused."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.patience import WITHIN_S

from stillroom import guard_files
from stillroom.cli import main
from stillroom_tools.lab.broker import find_program


class Demo:
    """`stillroom demo` with two rooms, and a client that has its address."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "stillroom", "demo", "--rooms", "2", "--no-models"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.said: list[str] = []
        for line in self.process.stderr:
            self.said.append(line)
            if line.startswith("open "):
                self.url = httpx.URL(line.split()[1])
                break
        self.base = str(self.url.copy_with(query=None))
        self.client = httpx.Client(base_url=self.base, timeout=20.0)

    def until(self, holds: Callable[[dict[str, Any]], bool], unit: str = "unit-1") -> dict[str, Any]:
        """The state as soon as it holds."""
        end = time.monotonic() + WITHIN_S
        with self.client.stream("GET", "/live", params={"unit": unit}) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: ") and holds(state := json.loads(line[6:])):
                    return state
                assert time.monotonic() < end, line
        raise AssertionError("the page ended")

    def press(self, act: str, unit: str = "unit-1") -> None:
        assert self.client.post("/act", json={"unit": unit, "act": act}).status_code == 204

    def end(self) -> str:
        self.process.send_signal(signal.SIGINT)
        assert self.process.stderr is not None
        rest = self.process.stderr.read()
        self.process.wait(WITHIN_S)
        return rest


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    if find_program("mosquitto") is None and find_program("nats") is None:
        pytest.skip("no broker is installed")
    running = Demo()
    yield running
    with contextlib.suppress(OSError):
        running.process.kill()


def test_nobody_without_the_token_and_no_foreign_page_gets_anything(demo):
    stranger = httpx.Client(base_url=demo.base)
    for path in ("/", "/live", "/picture/unit-1", "/page.js"):
        assert stranger.get(path).status_code == 403
    assert stranger.get("/", params={"token": "guessed"}).status_code == 403
    assert stranger.post("/act", json={"unit": "unit-1", "act": "fall"}).status_code == 403
    page = demo.client.get(demo.url)
    assert page.status_code == 200 and "HttpOnly" in page.headers["set-cookie"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    foreign = demo.client.get("/", headers={"Host": "somebody.example"})
    assert foreign.status_code == 421
    unasked = demo.client.post("/act", content=b'{"unit":"unit-1","act":"fall"}')
    assert unasked.status_code == 415, "a form of a foreign page can send no JSON"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", 400),
        (b'{"unit":"unit-9","act":"fall"}', 400),
        (b'{"unit":"unit-1","act":"explode"}', 400),
        (b'{"unit":"unit-1","act":"fall","x":1}', 400),
        (b" " * 9_999, 413),
    ],
)
def test_what_cannot_be_meant_is_refused(demo, body, code):
    demo.client.get(demo.url)
    answer = demo.client.post("/act", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == code and "Traceback" not in answer.text
    assert demo.client.get("/live", params={"unit": "../unit-1"}).status_code == 404


def test_rooms_come_alive_and_what_is_pressed_happens(demo):
    demo.client.get(demo.url)
    state = demo.until(lambda s: s["wire"] and s["wire"]["count"] > 2)
    assert [room["unit"] for room in state["rooms"]] == ["unit-1", "unit-2"]
    login = state["board"]
    assert len(login["code"]) == 6 and httpx.get(login["url"], follow_redirects=True).status_code == 200
    assert state["wire"]["bytes"] == 2048 and len(state["wire"]["hex"]) > 1000
    with demo.client.stream("GET", "/picture/unit-1") as answer:
        part = next(answer.iter_bytes(2048))
    assert part.startswith(b"--picture\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8")
    demo.press("press")
    demo.until(lambda s: s["rooms"][0]["state"].startswith("PAUSED"))
    demo.press("press")
    demo.press("withdraw", "unit-2")
    state = demo.until(lambda s: s["rooms"][1]["state"].startswith("DARK"), "unit-2")
    assert state["undoes"] == ["withdraw"]


def test_five_attacks_are_refused(demo):
    demo.client.get(demo.url)
    demo.until(lambda s: s["wire"] is not None)
    demo.press("attack")
    state = demo.until(lambda s: s["attacks"]["said"].endswith("refused"))
    outcomes = {row["name"]: row["outcome"] for row in state["attacks"]["rows"]}
    expected = dict.fromkeys(["camera", "socket", "core-dump", "flipped-bit", "replay"], "refused")
    assert outcomes == expected | ({} if guard_files.version() else {"camera": "done"})


def test_the_broker_is_cut_and_at_the_end_nothing_is_lost(demo):
    """The last of this file: it ends the demo."""
    demo.client.get(demo.url)
    demo.press("cut")
    demo.until(lambda s: "BROKER CUT" in s["note"] and s["undoes"] == ["cut"])
    demo.press("cut")
    demo.until(lambda s: "BROKER CUT" not in s["note"])
    rest = demo.end()
    assert demo.process.returncode == 0, rest
    assert "none lost, none doubled" in rest and "Traceback" not in rest


def test_a_port_that_is_taken_is_one_line(capsys):
    if find_program("mosquitto") is None and find_program("nats") is None:
        pytest.skip("no broker is installed")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["demo", "--rooms", "1", "--no-models", "--port", str(port)]) == 3
    last = capsys.readouterr().err.splitlines()[-1]
    assert f"--port {port}" in last and "another program has it" in last

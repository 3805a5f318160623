"""The vectors through a second implementation, in JavaScript, that shares no code with ours: tests/second.

It has libsodium from npm (`libsodium-wrappers-sumo`, pinned by a lock file), put into .cache by the first test that
needs it. Its tables of bodies and documents are typed in from WIRE.md a second time.
"""

import base64
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bodies_at_random import at_random, spoilt
from test_vectors import HERE, NOTES, RECORDS, RELEASES, REPLAY, VIEWS, named

from stillroom.bodies import decode_down, decode_up, encode
from stillroom.errors import WireError
from stillroom.events import Body, DownBody
from tests.patience import WITHIN_S

SOURCE = Path(__file__).parent / "second"
PLACE = Path(__file__).parents[1] / ".cache" / "second"
LOCK = "package-lock.json"
NO_NETWORK = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|network|ERR_SOCKET")


def program(name: str) -> str:
    found = shutil.which(name, path=os.environ["PATH"] + os.pathsep + str(Path(sys.executable).parent))
    return found or pytest.skip(f"{name} is not installed")


def install() -> None:
    """Our files beside a node_modules that fits the lock file; the network is used only where that has changed."""
    PLACE.mkdir(parents=True, exist_ok=True)
    installed = PLACE / "node_modules" / "installed-from"
    lock = (SOURCE / LOCK).read_bytes()
    for path in SOURCE.iterdir():
        if path.is_file():
            shutil.copy(path, PLACE)
    if installed.exists() and installed.read_bytes() == lock:
        return
    command = [program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    npm = os.environ | {"npm_config_cache": str(PLACE.parent / "npm"), "npm_config_update_notifier": "false"}
    done = subprocess.run(
        command, cwd=PLACE, env=npm, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    if done.returncode and NO_NETWORK.search(done.stderr):
        pytest.skip("libsodium-wrappers-sumo could not be had from npm: no network")
    assert done.returncode == 0, done.stderr
    installed.write_bytes(lock)


@pytest.fixture(scope="session")
def second() -> dict[str, Any]:
    """What the second implementation made of each vector."""
    node = program("node")
    install()
    command = [node, PLACE / "vectors.mjs", HERE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def test_it_makes_the_same_keys(second: dict[str, Any]) -> None:
    assert second["keys"] == RECORDS["keys"]
    assert second["derivation"] == RECORDS["derivation"]


@named(RECORDS["records"])
def test_it_opens_and_refuses_the_same_records(second: dict[str, Any], vector: dict[str, Any]) -> None:
    """A good record's body is compared byte for byte, over there."""
    assert second["records"][vector["name"]] == vector["expect"]


@named(NOTES)
def test_it_accepts_and_refuses_the_same_documents(second: dict[str, Any], vector: dict[str, Any]) -> None:
    assert second["notes"][vector["name"]] == vector["expect"]


@named(VIEWS["vectors"])
def test_it_opens_and_refuses_the_same_frames_of_views(
    second: dict[str, Any], vector: dict[str, Any]
) -> None:
    assert second["viewId"] == VIEWS["view"]
    assert second["views"][vector["name"]] == vector["expect"]


@named(RELEASES["vectors"])
def test_it_opens_and_refuses_the_same_blocks_of_recordings(
    second: dict[str, Any], vector: dict[str, Any]
) -> None:
    assert second["releases"][vector["name"]] == vector["expect"]


@named(REPLAY)
def test_it_remembers_the_same(second: dict[str, Any], vector: dict[str, Any]) -> None:
    assert second["replay"][vector["name"]] == [step["expect"] for step in vector["steps"]]


@pytest.fixture
def accepted() -> Callable[[list[tuple[str, bytes]]], list[bool]]:
    """Which bodies of a lane the second implementation takes."""
    node = program("node")
    install()

    def ask(bodies: list[tuple[str, bytes]]) -> list[bool]:
        given = json.dumps([[lane, base64.b64encode(data).decode()] for lane, data in bodies])
        command = [node, PLACE / "bodies.mjs"]
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=WITHIN_S, check=False
        )
        assert done.returncode == 0, done.stderr
        found: list[bool] = json.loads(done.stdout)
        return found

    return ask


def ours(lane: str, data: bytes) -> bool:
    try:
        (decode_down if lane == "down" else decode_up)(data)
    except WireError:
        return False
    return True


def test_both_take_and_refuse_the_same_bodies(
    accepted: Callable[[list[tuple[str, bytes]]], list[bool]],
) -> None:
    """Made at random from our schema, and each spoilt in a small way too: most of these both refuse, some both take."""
    rng = random.Random(6)
    good = [("up", encode(at_random(Body, rng))) for _ in range(400)]
    good += [("down", encode(at_random(DownBody, rng))) for _ in range(200)]
    bad = [(lane, spoilt(data, rng)) for lane, data in good for _ in range(10)]
    assert accepted(good) == [True] * len(good)
    theirs = accepted(bad)
    differ = [one for one, taken in zip(bad, theirs, strict=True) if taken != ours(*one)]
    assert not differ, differ[0]
    assert 100 < sum(theirs) < len(bad) - 100

"""The vectors through a second implementation, in JavaScript, that shares no code with ours: tests/second.

It has libsodium from npm (`libsodium-wrappers-sumo`, pinned by a lock file), put into .cache by the first test that
needs it. Its tables of bodies and documents are typed in from WIRE.md a second time.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_vectors import HERE, NOTES, RECORDS, REPLAY, named

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
        command, cwd=PLACE, env=npm, capture_output=True, text=True, timeout=90, check=False
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
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
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


@named(REPLAY)
def test_it_remembers_the_same(second: dict[str, Any], vector: dict[str, Any]) -> None:
    assert second["replay"][vector["name"]] == [step["expect"] for step in vector["steps"]]

"""The eye lives by its lease: the kernel ends it, whatever it is doing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from tests.patience import WITHIN_S

from stillroom import link
from stillroom.link import EyeSays, Halt, Lease, Listener

# An eye that, after its first lease, does what `{does}` says in its main thread.
EYE = """
import sys, time, threading
from pathlib import Path
from stillroom import link
from stillroom.eye import lease
lease.arm_for_start()
holder = lease.LeaseHolder(link.connect(Path(sys.argv[1]), link.EyeHears), lambda _: None)
holder.wait_for_first()
print("leased", flush=True)
{does}
"""
STUCK_IN_C = "import re; re.match(r'(a+)+$', 'a' * 64 + 'b')"
"""Backtracks for ever in C with the interpreter's lock held: no Python of this process runs any more."""
STUCK_IN_LIBC = "import ctypes; ctypes.CDLL(None).sleep(1000)"
IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)"


@pytest.fixture
def keeper(tmp_path: Path):
    listener = Listener(tmp_path / "eye.sock", EyeSays, os.getuid())
    yield listener
    listener.close()


def start(tmp_path: Path, does: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", EYE.format(does=does), str(tmp_path / "eye.sock")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def accept(listener: Listener) -> link.Link:
    while True:
        found = listener.accept()
        if found is not None:
            return found
        time.sleep(0.01)


@pytest.mark.parametrize(
    "does", [STUCK_IN_C, STUCK_IN_LIBC, IGNORES], ids=["stuck", "asleep in C", "ignores"]
)
def test_when_leases_stop_the_kernel_ends_it(tmp_path, keeper, does):
    """In a second. A busy machine lets a test see that late, so another one may be looked at."""
    assert any(outlives_s(tmp_path, keeper, does) < 1.0 for _ in range(5))


def outlives_s(tmp_path: Path, keeper: Listener, does: str) -> float:
    """How long an eye outlives its last lease."""
    eye = start(tmp_path, does)
    peer = accept(keeper)
    peer.send(Lease(900, True, True, False))
    assert eye.stdout.readline() == "leased\n"
    last_lease_s = time.monotonic()
    assert eye.wait(WITHIN_S) == -signal.SIGALRM
    return time.monotonic() - last_lease_s


def test_leases_keep_it_alive(tmp_path, keeper):
    eye = start(tmp_path, "time.sleep(1000)")
    peer = accept(keeper)
    for _ in range(8):
        peer.send(Lease(900, True, True, False))
        time.sleep(0.2)
    assert eye.poll() is None
    peer.send(Halt())
    assert eye.wait(WITHIN_S) == -signal.SIGALRM


def test_without_a_keeper_there_is_no_eye(tmp_path):
    eye = start(tmp_path, "")
    assert eye.wait(WITHIN_S) == 1


def test_the_keepers_end_ends_it(tmp_path, keeper):
    eye = start(tmp_path, "time.sleep(1000)")
    peer = accept(keeper)
    peer.send(Lease(900, True, True, False))
    eye.stdout.readline()
    peer.close()
    assert eye.wait(WITHIN_S) == -signal.SIGALRM


def test_no_lease_can_be_asked_for_that_outlives_a_second():
    assert Lease.__annotations__["ttl_ms"].__metadata__[0] == msgspec.Meta(ge=1, le=950)

"""Locked memory: locked, not dumped, not inherited, wiped; no view outlives it."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stillroom._native import ffi, lib
from stillroom.locked import locked_arrays, wipe
from tests.patience import WITHIN_S


def mapping_of(address: int) -> dict[str, str]:
    """The lines of /proc/self/smaps that describe the mapping around an address."""
    found: dict[str, str] = {}
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        key, _, value = line.partition(":")
        if "-" in line.split(" ")[0]:
            first, last = (int(part, 16) for part in line.split(" ")[0].split("-"))
            inside = first <= address < last
        elif inside:
            found[key] = value.strip()
    return found


def test_is_locked_not_dumped_and_not_inherited() -> None:
    (array,) = locked_arrays([((100_000,), np.uint8)])
    array[:] = 1
    mapping = mapping_of(array.ctypes.data)
    flags = mapping["VmFlags"].split()
    assert {"lo", "dd", "wf"} <= set(flags)
    assert mapping["Locked"] != "0 kB"


def test_arrays_are_zeroed_aligned_and_apart() -> None:
    first, second, third = locked_arrays([((3, 5), np.uint16), ((7,), np.float32), ((2, 2), np.uint8)])
    assert [a.ctypes.data % 64 for a in (first, second, third)] == [0, 0, 0]
    assert not first.any()
    first[...] = 0xFFFF
    third[...] = 0xFF
    assert not second.any()
    assert (first.shape, second.shape, third.dtype) == ((3, 5), (7,), np.uint8)


def test_a_view_keeps_the_memory_and_the_last_one_gives_it_back() -> None:
    (array,) = locked_arrays([((64, 64), np.uint8)])
    array[...] = 7
    address, view = array.ctypes.data, array[3:5, ::2].T
    del array
    gc.collect()
    assert (view == 7).all()
    assert "lo" in mapping_of(address)["VmFlags"].split()
    del view
    gc.collect()
    assert "lo" not in mapping_of(address).get("VmFlags", "").split()


def test_a_child_of_fork_finds_zeros() -> None:
    (array,) = locked_arrays([((16,), np.uint8)])
    array[:] = 9
    child = os.fork()
    if child == 0:
        os._exit(int(array.any()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (array == 9).all()


def test_wipe_is_there_for_what_goes_on_living() -> None:
    (array,) = locked_arrays([((16,), np.uint16)])
    array[:] = 9
    wipe(array)
    assert not array.any()
    block = ffi.new("uint8_t[32]", b"\xff" * 32)
    lib.locked_wipe(block, 31)
    assert bytes(ffi.buffer(block, 32)) == b"\0" * 31 + b"\xff"


TOO_LITTLE = """
import os, resource, sys
import numpy as np
from stillroom.errors import StillroomError
from stillroom.eye.distil import Grid
from stillroom.locked import locked_arrays
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
kept = locked_arrays([((1,), np.uint8)])
try:
    Grid(640, 480)
except StillroomError as error:
    print(error); sys.exit(error.exit_code)
"""


def test_too_little_lockable_memory_says_what_to_do() -> None:
    """As an ordinary user: root is not bound by the limit."""
    done = subprocess.run(
        [sys.executable, "-c", TOO_LITTLE], capture_output=True, text=True, timeout=WITHIN_S
    )
    assert done.returncode == 9, done.stderr
    for part in ("76 KiB", "RLIMIT_MEMLOCK is 64 KiB", "ulimit -l", "LimitMEMLOCK="):
        assert part in done.stdout


@pytest.mark.parametrize("shape", [(0,), (2**31,), (-1,), (2**40, 2**40)])
def test_an_impossible_size_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="locked memory"):
        locked_arrays([(shape, np.uint8)])


@pytest.mark.parametrize("size", [0, -1, 2**62])
def test_c_refuses_an_impossible_size_too(size: int) -> None:
    place, error = ffi.new("uint8_t **"), ffi.new("int32_t *")
    assert lib.locked_new(size, place, error) == lib.LOCKED_SIZE
    assert place[0] == ffi.NULL


def test_memory_comes_back() -> None:
    """A thousand grids' worth, one after the other, in a limit that holds a few."""
    for _ in range(1000):
        (array,) = locked_arrays([((80_000,), np.uint8)])
        array[0] = 1
    locked = sum(
        int(line.split()[1])
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmLck")
    )
    assert locked < 4096

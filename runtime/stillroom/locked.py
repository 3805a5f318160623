"""Memory that never reaches swap, a core dump or a child process, and is wiped before it is given back.

NumPy arrays out of it keep it alive: it is given back when the last of them is gone, never under one.
A process that is killed leaves it to the kernel, which clears pages before it hands them on.
"""

import os
import resource
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stillroom._native import ffi, lib
from stillroom.errors import SetupError

_ALIGNMENT_BYTES = 64
_PAGE_BYTES = resource.getpagesize()

Layout = Sequence[tuple[tuple[int, ...], type[np.generic]]]
"""Shape and type of each array wanted."""


def locked_arrays(layout: Layout) -> list[NDArray[Any]]:
    """Zeroed arrays out of one locked block, each at a multiple of 64 bytes.

    The block is wiped and given back when the last of the arrays, and of their views, is gone.
    Raises SetupError where RLIMIT_MEMLOCK is too low, ValueError for a size below 1 byte or above 1 GiB.
    """
    sizes = [_size_bytes(shape, kind) for shape, kind in layout]
    steps = [_rounded(size, _ALIGNMENT_BYTES) for size in sizes]
    block = _block(_rounded(sum(steps), _PAGE_BYTES))
    arrays, at = [], 0
    for (shape, kind), size, step in zip(layout, sizes, steps, strict=True):
        arrays.append(block[at : at + size].view(kind).reshape(shape))
        at += step
    return arrays


def wipe(array: NDArray[Any]) -> None:
    """Zeros over all of an array, now. Raises ValueError where it is read-only."""
    array[...] = 0


def _size_bytes(shape: tuple[int, ...], kind: type[np.generic]) -> int:
    size = np.dtype(kind).itemsize
    for length in shape:
        if length < 0:
            raise ValueError(f"locked memory: shape {shape} has a negative length")
        size *= length
    return size


def _rounded(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _block(size_bytes: int) -> NDArray[np.uint8]:
    """The whole mapping as one array. The mapping belongs to `owner`; every view holds it through its base."""
    if not 1 <= size_bytes <= 2**30:
        raise ValueError(f"locked memory: {size_bytes} bytes, must be 1 byte to 1 GiB")
    place, error = ffi.new("uint8_t **"), ffi.new("int32_t *")
    code = lib.locked_new(size_bytes, place, error)
    if code != lib.LOCKED_OK:
        raise SetupError(_explain(code, size_bytes, error[0]))
    owner = ffi.gc(place[0], lambda block: lib.locked_free(block, size_bytes), size_bytes)
    return np.frombuffer(ffi.buffer(owner, size_bytes), dtype=np.uint8)


def _explain(code: int, size_bytes: int, error: int) -> str:
    what = f"locked memory: {size_bytes // 1024} KiB cannot be had ({os.strerror(error)})"
    if code != lib.LOCKED_LIMIT:
        return f"{what}: free memory or use a kernel from 4.14 on"
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    return (
        f"{what}: RLIMIT_MEMLOCK is {limit // 1024} KiB for all that the process locks; raise it with "
        "`ulimit -l`, LimitMEMLOCK= in a systemd unit or memlock in /etc/security/limits.conf"
    )

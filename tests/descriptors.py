"""What a test leaves open in this process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def _open_now() -> set[tuple[str, str]]:
    """The number and the target of each descriptor of this process."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the descriptor with which the folder itself is listed
            found.add((entry.name, os.readlink(entry)))  # noqa: PTH115 - a target like "socket:[7]" is no path
    return found


@contextmanager
def nothing_left_open() -> Iterator[None]:
    """Fail if the block leaves a descriptor open that was not open before it.

    What was open before may close meanwhile: the garbage collector runs when it likes, and other tests in the
    same process leave things to it.
    """
    before = _open_now()
    yield
    left = _open_now() - before
    assert not left, f"left open: {sorted(left)}"

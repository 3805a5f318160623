"""Whether a process of this unit can be locked in as it must be: tried, in children that do nothing else."""

import os
import sys
from collections.abc import Callable

import msgspec

from stillroom import guard
from stillroom.config import UnitConfig
from stillroom.courier.main import files as courier_files
from stillroom.errors import SetupError
from stillroom.keeper.main import files as keeper_files
from stillroom.link import Guarded


def tried(unit: UnitConfig) -> dict[str, Guarded | str]:
    """Keeper and courier, each with its guards as the kernel tells of them, or why it would not go on.

    To be called before this process has threads. The eye's own guards are told by the process with the camera.
    """
    return {
        "keeper": _in_a_child(lambda: guard.confine("keeper", unit, keeper_files(unit))),
        "courier": _in_a_child(lambda: guard.confine("courier", unit, courier_files(unit))),
    }


def _in_a_child(confine: Callable[[], Guarded]) -> Guarded | str:
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            os.write(writing, msgspec.json.encode(_confined(confine)))
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if not said:
        return f"it ended with {os.waitstatus_to_exitcode(status)} when it was locked in"
    found: Guarded | str = msgspec.json.decode(said, type=Guarded | str)
    return found


def _confined(confine: Callable[[], Guarded]) -> Guarded | str:
    try:
        guard.forbid()
        return confine()
    except (SetupError, OSError) as error:
        return str(error)[:200]

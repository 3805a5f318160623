"""Five attacks that anybody can start: what each does where nothing stands in its way, and what became of it here.

Three are made by an attacker who sits in a process of a unit (`take_over`), two by one who sits at the broker: those
wait for the gateway's own word, which counts what it refuses and by which reason.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stillroom_tools.lab.take_over import Attacked, Name, take_over

Outcome = Literal["refused", "done", "untried"]
ANSWER_WITHIN_S = 15.0
"""A gateway tells a reason that it has told before again after ten seconds at the latest."""
CAMERA = "video0"


@dataclass(frozen=True)
class Attack:
    """One attack, as it went."""

    name: str
    tried: str
    """What the attacker did."""
    outcome: Outcome
    answer: str
    """Who refused it, and how."""
    control: str
    """What the same does where nothing refuses it; empty where there is nothing to compare with."""


@dataclass(frozen=True)
class _Inside:
    """An attempt from inside a process."""

    name: str
    process: Name
    tried: str
    code: str
    refused_by: str


INSIDE = (
    _Inside(
        "camera",
        "courier",
        "open the camera from the courier, which has the network",
        f"lambda: os.read(os.open(folder / '{CAMERA}', os.O_RDONLY), 1)",
        "Landlock: no such file can be reached",
    ),
    _Inside(
        "socket",
        "eye",
        "open a network socket from the eye, which has the camera",
        "lambda: socket.socket(socket.AF_INET)",
        "seccomp: no socket can be made",
    ),
    _Inside(
        "core-dump",
        "eye",
        "crash the eye so that its memory is written to a disk",
        "crash",
        "no core is written: it is not dumpable, and its limit is 0",
    ),
)


def inside(unit: Path) -> list[Attack]:
    """The attacks from inside, on a unit's folder that nobody runs."""
    (unit / "run").mkdir(exist_ok=True)
    (unit / CAMERA).write_bytes(b"a picture")  # stands for the device's node, which only root could make
    return [_tried(unit, each) for each in INSIDE]


def _tried(unit: Path, attempt: _Inside) -> Attack:
    control = _outcome(attempt, take_over(unit, None, {attempt.name: attempt.code}))
    found = take_over(unit, attempt.process, {attempt.name: attempt.code})
    went = _outcome(attempt, found)
    held = {"files": "Landlock", "system-calls": "seccomp"}
    missing = [held[name] for name in held if name in found.guards.missing.split()]
    answer = {
        "done": f"DONE: this machine has no {' or '.join(missing)}" if missing else "DONE",
        "refused": f"{attempt.refused_by} ({found.found.get(attempt.name, 'the process ended')})",
        "untried": f"the process could not be started: {found.said.strip()[-200:]}",
    }[went]
    without = (
        "without guards: done" if control == "done" else "without guards: not done on this machine either"
    )
    return Attack(attempt.name, attempt.tried, went, answer, without)


def _outcome(attempt: _Inside, found: Attacked) -> Outcome:
    if attempt.name == "core-dump":
        return "untried" if found.exit_code >= 0 else "done" if found.dumped else "refused"
    how = found.found.get(attempt.name)
    return "untried" if how is None else "done" if how == "done" else "refused"


Publish = Callable[[str, bytes], bool]
Refusals = Callable[[], Counter[str]]
"""How many records the gateway has refused so far, by reason."""


def at_broker(topic: str, record: bytes, publish: Publish, refusals: Refusals) -> list[Attack]:
    """The attacks by whoever reads and writes the broker. record: a true one, as it was published on `topic`.

    Both are published again there; the gateway that runs is asked what it made of them.
    """
    flipped = bytearray(record)
    flipped[len(record) // 2] ^= 1
    both = (
        ("flipped-bit", "flip one bit of a record and publish it in the unit's name", bytes(flipped)),
        ("replay", "publish a true record once more, a moment later", record),
    )
    return [_published(name, tried, topic, data, publish, refusals) for name, tried, data in both]


def _published(
    name: str, tried: str, topic: str, data: bytes, publish: Publish, refusals: Refusals
) -> Attack:
    before = refusals()
    if not publish(topic, data):
        return Attack(name, tried, "untried", "the broker took nothing: it is cut", "")
    end = time.monotonic() + ANSWER_WITHIN_S
    while time.monotonic() < end:
        grown = refusals() - before
        if grown:
            return Attack(name, tried, "refused", f"the gateway did not take it: {', '.join(grown)}", "")
        time.sleep(0.1)
    return Attack(name, tried, "done", f"no refusal was heard for {ANSWER_WITHIN_S:g} s", "")

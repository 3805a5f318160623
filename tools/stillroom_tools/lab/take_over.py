"""An attacker in one of the three processes: its own `main` runs up to where its work begins, and there his code runs
in place of the work. For tests, and for whoever wants to see with his own eyes what a taken-over process cannot do.
"""

import os
import select
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from stillroom.link import COURIER_SOCKET, EYE_SOCKET, CourierSays, EyeSays, Guarded, Listener

Name = Literal["eye", "courier", "keeper"]
WORK: dict[Name, str] = {"eye": "Eye.run", "courier": "Courier.run", "keeper": "Keeper.loop"}
WITHIN_S = 60.0
_SOCKETS = {"eye": (EYE_SOCKET, EyeSays), "courier": (COURIER_SOCKET, CourierSays)}
_ATTACK = """
import contextlib, ctypes, json, os, resource, signal, socket, subprocess, sys, threading
from pathlib import Path
folder, libc = Path(sys.argv[1]), ctypes.CDLL(None, use_errno=True)
def checked(code):
    if code < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def write(*place):
    folder.joinpath(*place, "new").write_text("x")
def crash():
    limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
    os.kill(os.getpid(), signal.SIGABRT)
def attack(_self=None):
    found = {{}}
    for name, act in ATTEMPTS.items():
        try:
            act()
            found[name] = "done"
        except OSError as error:
            found[name] = type(error).__name__
    print(json.dumps(found), flush=True)
    os._exit(0)
ATTEMPTS = {attempts}
"""
_AS = "from stillroom.{name} import main as module\nmodule.{work} = attack\nsys.exit(module.main(folder / 'unit.toml'))"


@dataclass(frozen=True)
class Attacked:
    """What became of it. `found`: each attempt that was made, to `done` or the error it ended in."""

    found: dict[str, str]
    exit_code: int
    """Below 0: the signal that ended it."""
    dumped: bool
    """The kernel wrote its memory to a disk."""
    said: str
    """On standard error."""
    guards: Guarded
    """What it told the keeper of its guards."""


def take_over(unit: Path, name: Name | None, attempts: Mapping[str, str]) -> Attacked:
    """Run the attempts in a process of the unit in folder `unit`, which nobody runs, with a keeper's end of its link.

    name: None for a process without any guard, to see what an attempt does there. attempts: name to a Python
    expression of a callable, in which `folder`, `libc`, `checked`, `write` and `crash` are known.
    """
    rows = ",".join(f"{key!r}: {code}" for key, code in attempts.items())
    code = _ATTACK.format(attempts="{" + rows + "}")
    code += "attack()" if name is None else _AS.format(name=name, work=WORK[name])
    heard: list[Guarded] = []
    with _Ear(unit, name, heard):
        process = subprocess.Popen(
            [sys.executable, "-B", "-c", code, str(unit)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=unit,
        )
        ended = threading.Timer(WITHIN_S, process.kill)
        ended.start()
        assert process.stdout is not None and process.stderr is not None
        out, said = process.stdout.read(), process.stderr.read()
        _, status = os.waitpid(process.pid, 0)
        ended.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    found = msgspec.json.decode(out or b"{}", type=dict[str, str])
    guards = heard[0] if heard else Guarded(())
    return Attacked(found, process.returncode, os.WCOREDUMP(status), said.decode(errors="replace"), guards)


class _Ear:
    """Where the keeper would listen, for as long as the process runs."""

    def __init__(self, unit: Path, name: Name | None, heard: list[Guarded]) -> None:
        self._heard, self._listener = heard, None
        if name in _SOCKETS:
            socket_name, says = _SOCKETS[name]
            self._listener = Listener(unit / "run" / socket_name, says, os.getuid())
            self._over = threading.Event()
            self._thread = threading.Thread(target=self._listen, args=(self._listener,))

    def __enter__(self) -> None:
        if self._listener is not None:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        if self._listener is not None:
            self._over.set()
            self._thread.join()
            self._listener.close()

    def _listen(self, listener: Listener) -> None:
        while not select.select([listener], [], [], 0.1)[0]:
            if self._over.is_set():
                return
        link = listener.accept()
        first = link.receive(wait=True) if link is not None else None
        if isinstance(first, Guarded):
            self._heard.append(first)

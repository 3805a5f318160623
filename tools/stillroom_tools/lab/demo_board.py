"""The demo's ward board: `stillroom site board` as a process, and somebody who can log in to it.

The person, his password and the secret of his phone are the demo's own and go with it; the page shows all of it, and
the code that his phone would show now. At a real site nobody but he has any of that.
"""

import secrets
import subprocess
import sys
from pathlib import Path
from typing import get_args

from stillroom.clock import MS_PER_S, SystemClock
from stillroom.errors import StillroomError
from stillroom_tools.lab.broker import free_port
from stillroom_tools.lab.child import end, spawn
from stillroom_tools.site.board import totp
from stillroom_tools.site.board.people import People
from stillroom_tools.site.board.roles import Role

NAME = "demo"
STOP_WITHIN_S = 5.0


class DemoBoard:
    """Start it once the gateway runs; `login` says how to get in."""

    def __init__(self, site: Path, log: Path) -> None:
        self._site, self._log, self._clock = site, log, SystemClock()
        self._password = "-".join(secrets.token_hex(2) for _ in range(4))
        self._secret = totp.new_secret()
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Raises StillroomError."""
        people = People(self._site / "board" / "people", self._clock)
        token = people.add(NAME, get_args(Role))
        if people.set_up(NAME, token, self._password, self._secret, 0) is None:
            raise StillroomError("the demo's person could not be set up at the board")
        command = [sys.executable, "-m", "stillroom", "site", "board", "--site", str(self._site)]
        with self._log.open("ab") as log:
            self._process = spawn([*command, "--listen", f"127.0.0.1:{self._port}"], log)

    def ended(self) -> int | None:
        return self._process.poll() if self._process else None

    def login(self) -> dict[str, str]:
        """Address, name, password, and the code of now."""
        code = totp.code_at(self._secret, self._clock.utc_ms() // MS_PER_S // totp.STEP_S)
        return {"url": self.url, "name": NAME, "password": self._password, "code": code}

    def stop(self) -> None:
        if self._process is not None:
            end(self._process, STOP_WITHIN_S)

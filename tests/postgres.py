"""A PostgreSQL of one's own: in a private folder, by a socket in it alone, run by a user who is not root."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.patience import WITHIN_S


def missing() -> str:
    """Why there can be none here; empty where there can."""
    if program("initdb") is None:
        return "PostgreSQL is not installed"
    return "" if importlib.util.find_spec("psycopg") else "psycopg is not installed"


def program(name: str) -> str | None:
    """Debian keeps them out of PATH."""
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*map(str, kept), os.environ.get("PATH", "")]))


class Postgres:
    """Made and started; `kill` and `start` as often as needed, `close` at the end."""

    def __init__(self) -> None:
        # In memory: after a kill a server flushes each of its thousands of files before it answers.
        shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="stillroom-postgres-", dir=shared))
        self._as = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
        if self._as:
            shutil.chown(self.folder, "nobody", "nogroup")
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._run("initdb", "-D", self._data, "-U", "gateway", "-A", "trust", "-E", "UTF8", "--no-locale")
        self.start()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://gateway@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """Its URL."""
        self._databases += 1
        name = f"ward_{self._databases}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str, database: str = "postgres") -> None:
        """As an administrator."""
        engine = create_engine(self.url(database), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def start(self) -> None:
        """Ready when it returns."""
        command = [program("postgres"), "-D", self._data, "-k", self.folder, "-c", "listen_addresses="]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, stdout=log, cwd="/", **self._as)
        give_up = time.monotonic() + WITHIN_S
        while True:
            try:
                return self.execute("SELECT 1")
            except OperationalError:
                assert time.monotonic() < give_up, (self.folder / "log").read_text()
                time.sleep(0.05)

    def kill(self) -> None:
        """At once, without a word to anybody; what was committed is on the disk."""
        self._end(signal.SIGQUIT)

    def close(self) -> None:
        self._end(signal.SIGINT)
        shutil.rmtree(self.folder)

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(WITHIN_S)

    def _run(self, name: str, *arguments: object) -> None:
        command = [program(name), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **self._as)
        assert done.returncode == 0, done.stderr

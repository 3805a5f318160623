"""A gateway as a process that tests start and kill, and which of its lines may come twice for that."""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stillroom_tools.site.gateway.settings import FILE
from tests.patience import WITHIN_S


class GatewayProcess:
    """`stillroom site gateway --json`, its lines appended to one file over all its runs."""

    def __init__(self, site: Path, folder: Path) -> None:
        self._site = site
        self.lines, self.log = folder / "lines", folder / "log"
        self.repeats: Counter[tuple[str, int]] = Counter()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        arguments = [sys.executable, "-m", "stillroom", "site", "gateway", "--json", "--site", self._site]
        with self.lines.open("ab") as lines, self.log.open("ab") as log:
            self._process = subprocess.Popen(arguments, stdout=lines, stderr=log)

    def kill(self) -> None:
        """kill -9, then work out which lines were printed and not marked: these and no others may come again."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        copy = self._copy() / FILE
        if not copy.exists():
            return
        database = sqlite3.connect(copy)
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            return
        mark = "coalesce((SELECT value FROM meta WHERE key = 'announced'), 0)"
        query = f"SELECT unit, number FROM entries WHERE id > {mark}"
        unmarked = Counter(dict.fromkeys(database.execute(query), 1))
        database.close()
        self.repeats += Counter({n for n in map(place, self.announced()) if n in unmarked})

    def _copy(self) -> Path:
        """Of the database, so that looking at it changes nothing."""
        folder = self.lines.parent / f"copy-{time.monotonic_ns()}"
        folder.mkdir()
        for path in (self._site / "gateway").glob(f"{FILE}*"):
            shutil.copy(path, folder)
        return folder

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(WITHIN_S)

    def announced(self) -> list[dict[str, Any]]:
        return [line for line in self._whole() if "notice" not in line]

    def alerts(self) -> list[dict[str, Any]]:
        """Every change of an alert that was printed."""
        return [line for line in self._whole() if line.get("notice") == "alert"]

    def _whole(self) -> list[dict[str, Any]]:
        """The lines that it has ended; the last may be half written."""
        return [json.loads(line) for line in self.lines.read_bytes().rpartition(b"\n")[0].splitlines()]

    def said(self) -> str:
        return self.log.read_text()


def place(line: dict[str, Any]) -> tuple[str, int]:
    return line["unit"], line["number"]


@contextmanager
def gateway(site: Path, folder: Path) -> Iterator[GatewayProcess]:
    process = GatewayProcess(site, folder)
    process.start()
    try:
        yield process
    finally:
        assert process._process is not None
        process._process.kill()
        process._process.wait()

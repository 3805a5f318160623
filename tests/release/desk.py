"""A site whose people sign releases, for tests of the commands."""

import shutil
from pathlib import Path

from tests.rig import freshly_made

from stillroom.cli import main

DRAFT = "draft"


class Desk:
    """A site with two managers and a custodian, and a unit; `run` gives the exit code."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(freshly_made(), folder, dirs_exist_ok=True)
        self.folder, self.site, self.unit, self.keys = (
            folder,
            folder / "site",
            folder / "unit",
            folder / "keys",
        )
        for name, role in (("matron", "manager"), ("director", "manager"), ("archivist", "custodian")):
            assert self.run("signer", "new", self.keys, "--site", "test", "--name", name, "--role", role) == 0
        self.set("manager", "matron", "director")
        self.set("custodian", "archivist")

    def set(self, role: str, *names: str) -> None:
        files = [self.keys / f"{name}.pub" for name in names]
        assert self.run("signer", "set", self.site, *files, "--role", role, "--unit", self.unit) == 0

    def run(self, *words: object) -> int:
        return main([str(word) for word in ("site", *words)])

    def new(self, *more: object) -> int:
        terms = ("--room", "r-1", "--purpose", "study", "--custodian", "archivist", "--hours", 8)
        words = ("release", "new", self.unit, "--site", self.site, *terms, "--draft", self.folder / DRAFT)
        return self.run(*words, *more)

    def sign(self, name: str) -> int:
        return self.run("release", "sign", self.folder / DRAFT, "--key", self.keys / f"{name}.key")

    def deliver(self) -> int:
        return self.run("release", "deliver", self.folder / DRAFT, self.unit, "--site", self.site)

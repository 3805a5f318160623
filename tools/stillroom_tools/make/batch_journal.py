"""What a batch is and how far each unit of it has come: small files, each written whole, so that a kill loses nothing.

`batch.json` is written once, when the CSV was taken. `journal/SERIAL.json` is rewritten after each step, when what the
step made is on the disk: who is interrupted between makes that again, the same.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from stillroom.config import Name
from stillroom.errors import ConfigError, StorageError
from stillroom.files import lock_folder, make_folder, replace_file, write_new
from stillroom_tools.make.batch_csv import MADE_UP, Planned
from stillroom_tools.make.card import Token

PLAN = "batch.json"
_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}")
Step = Literal["card", "answered", "tested", "labelled", "verified"]
STEPS: tuple[Step, ...] = ("card", "answered", "tested", "labelled", "verified")
"""In this order: each needs the one before."""


class Plan(Struct, frozen=True, forbid_unknown_fields=True):
    """What was asked for."""

    stillroom: Literal["batch/1"]
    site: Name
    units: Annotated[tuple[Planned, ...], Meta(min_length=1)]


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """How far one unit has come."""

    serial: str
    unit: Name
    token: Token = ""
    """Of the ticket that waits for its answer; gone once it came."""
    fingerprint: str = ""
    steps: dict[Step, str] = {}
    """Steps that are done, each with the SHA-256 of what it made."""
    trouble: str = ""
    """Why it does not go on; gone when it does."""
    dropped: str = ""
    """Why it was left out."""

    def has(self, step: Step) -> bool:
        return step in self.steps

    def with_step(self, step: Step, sha256: str, **changes: str) -> "Record":
        """After a step; those behind it have to be done again."""
        kept = {name: made for name, made in self.steps.items() if STEPS.index(name) < STEPS.index(step)}
        return msgspec.structs.replace(self, steps={**kept, step: sha256}, trouble="", **changes)

    @property
    def complete(self) -> bool:
        return all(step in self.steps for step in STEPS)


@dataclass(frozen=True)
class Batch:
    """A batch's folder. One process at a time works in it: `locked`."""

    folder: Path
    plan: Plan

    @property
    def cards(self) -> Path:
        return self.folder / "cards"

    @property
    def units(self) -> Path:
        """Of a simulated batch: the units themselves."""
        return self.folder / "units"

    @property
    def labels(self) -> Path:
        return self.folder / "labels"

    @property
    def handover(self) -> Path:
        """What the facility gets: nothing secret."""
        return self.folder / "handover"

    def record(self, planned: Planned) -> Record:
        """Raises StorageError: damaged."""
        path = self._place(planned.serial)
        if not path.exists():
            return Record(planned.serial, planned.unit)
        try:
            return msgspec.json.decode(path.read_bytes(), type=Record)
        except (msgspec.MsgspecError, OSError) as error:
            raise StorageError(f"{path}: damaged ({error}): remove it, and run the batch again") from None

    def records(self) -> list[Record]:
        """In the order of the plan."""
        return [self.record(planned) for planned in self.plan.units]

    def keep(self, record: Record) -> None:
        """Raises StorageError."""
        make_folder(self.folder / "journal")
        replace_file(self._place(record.serial), msgspec.json.encode(record) + b"\n", 0o600)

    def planned(self, serial: str) -> Planned:
        """Raises ConfigError."""
        found = next((one for one in self.plan.units if one.serial == serial), None)
        if found is None:
            raise ConfigError(f"{self.folder}: no unit with the serial '{serial}' in this batch")
        return found

    def _place(self, serial: str) -> Path:
        return self.folder / "journal" / f"{serial}.json"


def begin(folder: Path, plan: Plan) -> bool:
    """Write the plan; False where the same one is there. Raises ConfigError: another one is; StorageError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made: {error.strerror}") from None
    if (folder / PLAN).exists():
        there = open_batch(folder).plan
        if _same(there, plan):
            return False
        raise ConfigError(
            f"{folder}: a batch with other units is here: name another folder, one for each CSV"
        )
    write_new(folder / PLAN, msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n", 0o600)
    return True


def open_batch(folder: Path) -> Batch:
    """Raises ConfigError where there is none."""
    path = folder / PLAN
    if not path.exists():
        raise ConfigError(
            f"{folder}: no batch here: `stillroom make batch import CSV --batch DIR --site NAME` makes one"
        )
    try:
        return Batch(folder.resolve(), msgspec.json.decode(path.read_bytes(), type=Plan))
    except (msgspec.MsgspecError, OSError) as error:
        raise ConfigError(f"{path}: damaged: {error}: import its CSV into another folder") from None


@contextmanager
def locked(folder: Path) -> Iterator[Batch]:
    """For whoever changes something. Raises ConfigError, StorageError: another one is at work."""
    batch = open_batch(folder)
    descriptor = lock_folder(batch.folder, ".lock", "batch run")
    sweep(batch.folder)
    try:
        yield batch
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Take away what killed runs left: files not renamed yet, units half made. Nobody was told of the keys in them."""
    for path in [path for path in folder.rglob(".*") if _LEFTOVER.fullmatch(path.name)]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _same(there: Plan, asked: Plan) -> bool:
    """Ids that were made up here are not made up again."""
    if there.site != asked.site or len(there.units) != len(asked.units):
        return False
    return [_asked_for(one) for one in there.units] == [_asked_for(one) for one in asked.units]


def _asked_for(one: Planned) -> tuple[str, ...]:
    named = "" if MADE_UP.fullmatch(one.unit) else one.unit
    return one.serial, one.model, named

"""`make batch run`: brings every unit of a batch as far as it can come now, and says what was done, and what again.

The steps: a card for each unit; its answer taken; its self-test taken; a label; the label read back from the sheet that
goes to the printer. When all of them are done, the manifest, signed. A simulated unit's first start and self-test
happen here, by the same commands as on a unit.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from stillroom.errors import ConfigError, StillroomError, StorageError
from stillroom.files import make_folder, replace_file
from stillroom_tools.lab.evaluate_progress import Progress
from stillroom_tools.make import batch_collect, batch_simulated, card, label_read, label_sheet
from stillroom_tools.make.batch_collect import Found
from stillroom_tools.make.batch_csv import Planned
from stillroom_tools.make.batch_journal import STEPS, Batch, Record, Step
from stillroom_tools.make.card import Ticket
from stillroom_tools.make.label_text import Label
from stillroom_tools.make.manifest import sha256

SHEET = "sheet.pdf"


@dataclass
class Run:
    """One run over a batch that is locked."""

    batch: Batch
    phantom: Path | None
    """What simulated units stand before; None: there are boards."""
    answers: tuple[Path, ...]
    progress: Progress
    did: Counter[tuple[Step, str]] = field(default_factory=Counter)
    aside: set[str] = field(default_factory=set)
    """What was told of answers that cannot be read."""

    def go(self) -> list[Record]:
        """Every step of every unit, as far as it goes. Raises StorageError; what is wrong with a unit is kept."""
        self.progress.begin("units", len(self._open()) * len(STEPS))
        self._each("card", self._card)
        if self.phantom is not None:
            self._start()
        self._take_answers()
        if self.phantom is not None:
            self._test(self.phantom)
        self._take_reports()
        self._each("labelled", self._label)
        self._verify()
        return self.batch.records()

    def told(self) -> list[str]:
        """One line for each step."""
        total = len(self._open())
        return [
            f"{step}: {self.did[step, 'done']} done, {self.did[step, 'again']} again, "
            f"{total - self.did[step, 'done'] - self.did[step, 'again']} not yet"
            for step in STEPS
        ]

    def _open(self) -> list[Planned]:
        return [one for one in self.batch.plan.units if not self.batch.record(one).dropped]

    def _each(self, step: Step, make: Callable[[Planned, Record], Record | None]) -> None:
        """Where it is due, and count. What is wrong with one unit stops that unit alone."""
        before = STEPS[STEPS.index(step) - 1] if STEPS.index(step) else None
        for planned in self._open():
            record = self.batch.record(planned)
            if record.has(step):
                self._count(step, "again")
            elif before is None or record.has(before):
                after = self._tried(record, partial(make, planned, record))
                if after is not None:
                    self.batch.keep(after)
                    if after.has(step):
                        self._count(step, "done")

    def _count(self, step: Step, how: str) -> None:
        self.did[step, how] += 1
        self.progress.advance(1)

    def _tried(self, record: Record, make: Callable[[], Record | None]) -> Record | None:
        try:
            return make()
        except StorageError:
            raise
        except StillroomError as error:
            return troubled(record, str(error))

    def _card(self, planned: Planned, record: Record) -> Record:
        """The token is in the journal before it is on a card: a kill between leaves no card that nobody knows."""
        if not record.token:
            record = with_token(record)
            self.batch.keep(record)
        ticket = Ticket(
            "ticket/1",
            self.batch.plan.site,
            planned.unit,
            planned.serial,
            planned.model,
            record.token,
            self._camera,
            str(self.phantom or ""),
        )
        make_folder(self.batch.cards)
        place = self.batch.cards / planned.serial
        card.write(place, card.TICKET, ticket, 0o600)
        return record.with_step("card", sha256((place / card.TICKET).read_bytes()))

    @property
    def _camera(self) -> Literal["picamera2", "stand"]:
        return "picamera2" if self.phantom is None else "stand"

    def _start(self) -> None:
        """First starts of simulated units."""
        for planned in self._open():
            record = self.batch.record(planned)
            if record.has("card") and not record.has("answered"):
                done = self._tried(record, partial(batch_simulated.start, self.batch, planned, record))
                if done is not None:
                    self.batch.keep(done)

    def _test(self, phantom: Path) -> None:
        """Self-tests of simulated units, beside one another, as many as there are processors."""
        untested = [one for one in self._open() if not self.batch.record(one).has("tested")]
        for planned, why in batch_simulated.test(self.batch, untested, phantom):
            if why:
                self.batch.keep(troubled(self.batch.record(planned), why))

    def _take_answers(self) -> None:
        found = self._found()
        keys = {one.fingerprint: one.serial for one in self.batch.records() if one.fingerprint}
        self._each(
            "answered",
            lambda planned, record: self._answer(record, found.get(planned.serial, []), keys),
        )
        for planned in self._open():
            record = self.batch.record(planned)
            others = found.get(planned.serial, [])
            other = batch_collect.stranger(record, others) if record.has("answered") else ""
            if other:
                self.batch.keep(troubled(record, other))

    def _take_reports(self) -> None:
        found = self._found()
        self._each("tested", lambda planned, record: self._report(record, found.get(planned.serial, [])))

    def _found(self) -> dict[str, list[Found]]:
        found, wrong = batch_collect.look(batch_collect.places(self.batch, self.answers))
        for line in sorted(set(wrong) - self.aside):
            self.progress.say(f"left aside: {line}")
        self.aside |= set(wrong)
        return found

    def _answer(self, record: Record, found: list[Found], keys: dict[str, str]) -> Record | None:
        if not found:
            return None
        taken = batch_collect.take(self.batch, record, found, keys)
        keys[taken.fingerprint] = taken.serial
        return taken

    def _report(self, record: Record, found: list[Found]) -> Record | None:
        folders = [one.folder for one in found]
        return batch_collect.take_report(self.batch, record, folders, self._camera)

    def _label(self, planned: Planned, record: Record) -> Record:
        made = label_sheet.as_svg(label_of(planned, record))
        make_folder(self.batch.labels)
        replace_file(self.batch.labels / f"{planned.serial}.svg", made)
        return record.with_step("labelled", sha256(made))

    def _verify(self) -> None:
        """The sheet is made anew where any label of it was not read back yet; the same labels give the same sheet."""
        labels = {planned: label_of(planned, record) for planned, record in self._labelled()}
        if not labels:
            return
        sheet, path = label_sheet.as_pdf(list(labels.values())), self.batch.labels / SHEET
        fresh = not path.exists() or path.read_bytes() != sheet
        if fresh:
            replace_file(path, sheet)
        is_read = Counter[Label]()
        if fresh or not all(record.steps.get("verified") == sha256(sheet) for _, record in self._labelled()):
            is_read = Counter(label_read.read(path))
        for planned, record in self._labelled():
            if record.steps.get("verified") == sha256(sheet) and not fresh:
                self._count("verified", "again")
            elif is_read[labels[planned]] == 1:
                self.batch.keep(record.with_step("verified", sha256(sheet)))
                self._count("verified", "done")
            else:
                self.batch.keep(
                    troubled(
                        record, f"its label is {is_read[labels[planned]]} times on {path}: print nothing"
                    )
                )

    def _labelled(self) -> Iterable[tuple[Planned, Record]]:
        both = ((planned, self.batch.record(planned)) for planned in self._open())
        return [(planned, record) for planned, record in both if record.has("labelled")]


def label_of(planned: Planned, record: Record) -> Label:
    return Label(planned.model, planned.serial, record.fingerprint)


def troubled(record: Record, why: str) -> Record:
    """The same unit, with why it does not go on."""
    from msgspec.structs import replace

    return replace(record, trouble=why)


def with_token(record: Record) -> Record:
    from msgspec.structs import replace

    return replace(record, token=card.new_token())


def refuse_mixture(batch: Batch, simulated: bool) -> None:
    """A batch is simulated from its beginning to its end, or not at all. Raises ConfigError."""
    if batch.units.exists() and not simulated:
        raise ConfigError(
            f"{batch.folder}: a batch of simulated units: add --simulated, or import its CSV elsewhere"
        )
    if simulated and not batch.units.exists() and any(record.steps for record in batch.records()):
        raise ConfigError(f"{batch.folder}: cards of real units were written: leave --simulated out")

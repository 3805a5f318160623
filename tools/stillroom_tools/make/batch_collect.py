"""What units have answered: looked for on cards and in folders, believed by the ticket's token and their signatures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stillroom.errors import InputError, StillroomError, TrustError
from stillroom.files import make_folder, replace_file
from stillroom.public_keys import VerifyKey
from stillroom.selftest_forms import SignedReport, failed, open_report, read_report
from stillroom_tools.make import card
from stillroom_tools.make.batch_journal import Batch, Record
from stillroom_tools.make.card import Answer
from stillroom_tools.make.manifest import sha256
from stillroom_tools.site.admit import read_request


@dataclass(frozen=True)
class Found:
    """An answer, and the folder in which it lies."""

    answer: Answer
    folder: Path


def look(folders: Iterable[Path]) -> tuple[dict[str, list[Found]], list[str]]:
    """Answers by serial, and what could not be read."""
    found: dict[str, list[Found]] = {}
    wrong = []
    for folder in folders:
        try:
            answer = card.read_answer(folder)
        except StillroomError as error:
            wrong.append(str(error))
            continue
        if answer is not None:
            found.setdefault(answer.serial, []).append(Found(answer, folder))
    return found, wrong


def places(batch: Batch, extra: Sequence[Path]) -> list[Path]:
    """Where answers may lie: the cards written here, each folder given and those in it. Raises InputError."""
    for folder in extra:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder: where were the cards' answers copied?")
    roots = [batch.cards, *extra]
    inside = (sub for root in roots if root.is_dir() for sub in sorted(root.iterdir()) if sub.is_dir())
    return [*extra, *inside]


def take(batch: Batch, record: Record, answers: Sequence[Found], keys: dict[str, str]) -> Record:
    """A unit's public part into what is handed over. keys: fingerprints of units that answered, and whose they are.

    Raises TrustError: none of this card, two units of one card, another's key.
    """
    proven = [one for one in answers if card.is_proven(one.answer, record.token)]
    if not proven:
        raise TrustError(
            "an answer that was not made with this card's ticket: write it anew (`batch card`), and start the unit"
        )
    if len({_key(one) for one in proven}) > 1:
        raise TrustError(
            "two units answered with one card: it was copied: find both, and `batch card` a new one"
        )
    answer = proven[0].answer
    said = read_request(answer.enrolment.encode())
    if (said.site, said.unit) != (batch.plan.site, record.unit):
        raise TrustError(
            f"an answer of unit '{said.unit}' of site '{said.site}', where '{record.unit}' is due"
        )
    fingerprint = VerifyKey(said.sign).fingerprint
    owner = keys.get(fingerprint, record.serial)
    if owner != record.serial:
        raise TrustError(f"the key of {owner}: its card was copied: write this one again (`batch card`)")
    if record.fingerprint not in ("", fingerprint):
        raise TrustError(
            f"another key than before ({record.fingerprint}): was the card put into another board?"
        )
    units = batch.handover / "units"
    make_folder(batch.handover)
    make_folder(units)
    replace_file(units / f"{record.unit}.note", answer.enrolment.encode())
    replace_file(units / f"{record.unit}.csr", answer.request.encode())
    both = (answer.enrolment + answer.request).encode()
    return record.with_step("answered", sha256(both), token="", fingerprint=fingerprint)


def stranger(record: Record, answers: Sequence[Found]) -> str:
    """Of a unit that has answered: another one that answers in its name; or nothing."""
    others = [one for one in answers if VerifyKey(_key(one)).fingerprint != record.fingerprint]
    return f"{others[0].folder}: another unit answers with this serial: its card was copied" if others else ""


def take_report(batch: Batch, record: Record, folders: Iterable[Path], camera: str) -> Record | None:
    """The unit's signed report into what is handed over; None where there is none yet.

    Raises TrustError: another unit's, not passed, or of another camera.
    """
    path = next((folder / card.REPORT for folder in folders if (folder / card.REPORT).exists()), None)
    if path is None:
        return None
    data = path.read_bytes()
    report = open_report(data, record.fingerprint)
    _judge(report, record, camera)
    make_folder(batch.handover / "selftests")
    replace_file(batch.handover / "selftests" / f"{record.unit}.json", data)
    return record.with_step("tested", sha256(data))


def kept_report(batch: Batch, record: Record) -> SignedReport:
    """The one that was taken. Raises TrustError, InputError."""
    return read_report(batch.handover / "selftests" / f"{record.unit}.json", record.fingerprint)


def _judge(report: SignedReport, record: Record, camera: str) -> None:
    if report.unit != record.unit:
        raise TrustError(f"a self-test of unit '{report.unit}', where '{record.unit}' is due")
    if report.camera != camera:
        raise TrustError(f"a self-test with the camera '{report.camera}', where '{camera}' is due")
    if not report.passed:
        checks = ", ".join(failed(report.profile, report.checks))
        raise TrustError(
            f"its self-test did not pass ({checks}): mend it, test again, and run the batch again"
        )


def _key(found: Found) -> bytes:
    try:
        return read_request(found.answer.enrolment.encode()).sign
    except TrustError as error:
        raise TrustError(f"{found.folder}: {error}") from None

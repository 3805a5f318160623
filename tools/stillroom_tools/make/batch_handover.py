"""What a batch hands over: files of the units that are not left out, and a manifest that the maker signs."""

import msgspec

from stillroom.clock import SystemClock
from stillroom.document_forms import now
from stillroom.documents import read_signer
from stillroom.errors import EXIT_OK, StillroomError, TrustError
from stillroom.files import replace_file
from stillroom.keys import KeyRing
from stillroom.notes import signer_of
from stillroom_tools.lab.evaluate_progress import Progress
from stillroom_tools.make import manifest
from stillroom_tools.make.batch_journal import Batch, Record

EXIT_NOT_YET = 1
UNSIGNED = "the manifest is not signed: `make batch run BATCH --key KEY` (`stillroom make key` makes one)"


def hand_over(batch: Batch, records: list[Record], maker: KeyRing | None, progress: Progress) -> int:
    """Sign what its units have made: 0, or 1 where there is no key to sign with. Raises TrustError, StorageError."""
    made = _manifest(batch, records)
    if _signed_already(batch, made):
        progress.say(f"manifest: again: {batch.handover / manifest.FILE}")
        return EXIT_OK
    if maker is None:
        progress.say(f"all units are done; {UNSIGNED}")
        return EXIT_NOT_YET
    replace_file(batch.handover / manifest.MAKER, f"{signer_of(maker).text}\n".encode())
    replace_file(batch.handover / manifest.FILE, manifest.sign(made, maker))
    progress.say(
        f"manifest: done: {len(made.units)} units; hand over {batch.handover}, and print {batch.labels}/sheet.pdf"
    )
    print(signer_of(maker).fingerprint)
    return EXIT_OK


def is_signed(batch: Batch, records: list[Record]) -> bool:
    """Whether a manifest of just the units that are not left out lies there, and all of them are done."""
    kept = [record for record in records if not record.dropped]
    if not kept or not all(record.complete for record in kept):
        return False
    try:
        return _signed_already(batch, _manifest(batch, records))
    except StillroomError:
        return False


def _manifest(batch: Batch, records: list[Record]) -> manifest.Manifest:
    """What is to be signed, from the files that are handed over. Raises TrustError, StorageError."""
    left_out = tuple(manifest.LeftOut(one.serial, one.dropped) for one in records if one.dropped)
    kept = {one.serial: one for one in records if not one.dropped}
    lines = tuple(
        manifest.line_of(batch.handover, planned.serial, planned.model, planned.unit)
        for planned in batch.plan.units
        if planned.serial in kept
    )
    return manifest.Manifest(batch.plan.site, now(SystemClock()), lines, left_out)


def _signed_already(batch: Batch, made: manifest.Manifest) -> bool:
    """Whether there is one that says the same, but for its time."""
    if not (batch.handover / manifest.FILE).exists():
        return False
    try:
        maker = read_signer(batch.handover / manifest.MAKER)
        there, _ = manifest.read(batch.handover, maker.fingerprint)
    except TrustError:
        return False
    return msgspec.structs.replace(there, made=made.made) == made

"""`stillroom make batch import|run|status|card|drop`: many units from one CSV, each whole and each once.

Whoever is interrupted runs the same command again: what was done is said to be done again, and nothing is made twice.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from stillroom.errors import EXIT_OK, ConfigError
from stillroom.keys import KeyRing
from stillroom_tools.lab.evaluate_progress import Progress
from stillroom_tools.make import (
    batch_csv,
    batch_handover,
    batch_journal,
    batch_run,
    batch_simulated,
    card,
    manifest,
    sealed_key,
)
from stillroom_tools.make.batch_journal import STEPS, Plan, Record
from stillroom_tools.make.key import add_passphrase
from stillroom_tools.site.layout import check_name

HELP = "many units from one CSV: import, run, status"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    choices = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    take = choices.add_parser("import", help="take a CSV, or say everything that is wrong with it")
    take.add_argument("csv", type=Path, metavar="CSV", help=f"columns {', '.join(batch_csv.ALLOWED)}")
    take.add_argument("--batch", type=Path, required=True, metavar="BATCH", help="a folder for this batch")
    take.add_argument("--site", required=True, metavar="NAME", help="the name of the site that they are for")
    run = choices.add_parser(
        "run", help="bring each unit as far as it can come now; at the end sign the manifest"
    )
    run.add_argument(
        "--simulated", action="store_true", help="no boards: each unit is started and tested here"
    )
    run.add_argument("--phantom", type=Path, metavar="FILE", help="what simulated units stand before")
    run.add_argument(
        "--answers",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a card's folder, or one with such folders in it (those that were written here, in any case)",
    )
    run.add_argument("--key", type=Path, metavar="KEY", help="the maker's, for the manifest")
    add_passphrase(run)
    status = choices.add_parser("status", help="how far each unit has come")
    status.add_argument("--json", action="store_true", help="one JSON object on standard output")
    again = choices.add_parser("card", help="a new ticket for a unit whose card was lost, used or copied")
    again.add_argument(
        "--anew", action="store_true", help="of a unit that is done too: it has to answer and be tested again"
    )
    drop = choices.add_parser("drop", help="leave a unit out, and say why")
    drop.add_argument("--why", required=True, metavar="WORDS", help="stands in the manifest")
    for command in (run, status, again, drop):
        command.add_argument("batch", type=Path, metavar="BATCH", help="the batch's folder")
    for command in (again, drop):
        command.add_argument("serial", metavar="SERIAL")


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, InputError, TrustError, StorageError."""
    does = {"import": _import, "run": _run, "status": _status, "card": _card, "drop": _drop}
    return does[options.what](options)


def _import(options: argparse.Namespace) -> int:
    """Prints how many units there are. Nothing is made where anything is wrong."""
    check_name(options.site, "--site")
    units = batch_csv.read(options.csv)
    new = batch_journal.begin(options.batch, Plan("batch/1", options.site, units))
    _say(f"{options.batch}: {'done' if new else 'again'}: {len(units)} units of site '{options.site}'")
    print(len(units))
    return EXIT_OK


def _run(options: argparse.Namespace) -> int:
    """0 where every unit is done and the manifest is signed; 1 where not yet."""
    with batch_journal.locked(options.batch) as batch, Progress("steps") as progress:
        batch_run.refuse_mixture(batch, options.simulated)
        maker = _maker(options)
        phantom = batch_simulated.phantom(batch, options.phantom) if options.simulated else None
        work = batch_run.Run(batch, phantom, tuple(options.answers), progress)
        records = work.go()
        for line in work.told():
            progress.say(line)
        open_records = [record for record in records if not record.dropped]
        for record in open_records:
            if record.trouble and not record.complete:
                progress.say(f"{record.serial}: {record.trouble}")
        if not open_records:
            raise ConfigError(f"{batch.folder}: every unit was left out: there is nothing to hand over")
        waiting = sum(not record.complete for record in open_records)
        if waiting:
            progress.say(f"{waiting} of {len(open_records)} units are not done: {_next(open_records)}")
            return batch_handover.EXIT_NOT_YET
        return batch_handover.hand_over(batch, records, maker, progress)


def _maker(options: argparse.Namespace) -> KeyRing | None:
    """Before the work: whoever has the wrong passphrase hears of it now. Raises ConfigError, TrustError."""
    if options.key is None:
        return None
    return sealed_key.opened(options.key, options.passphrase_file, "maker")


def _next(records: list[Record]) -> str:
    """What to do about it, in the order in which it comes."""
    steps = {
        next(step for step in STEPS if not record.has(step)) for record in records if not record.complete
    }
    if "answered" in steps:
        return (
            "copy cards/SERIAL to each card's boot partition, start the units, bring the folders back (--answers DIR), "
            "and run the batch again"
        )
    if "tested" in steps:
        return f"run the self-test of each into {card.REPORT} beside its answer, and run the batch again"
    return "mend what is said above, and run the batch again"


def _status(options: argparse.Namespace) -> int:
    batch = batch_journal.open_batch(options.batch)
    records = batch.records()
    signed = batch_handover.is_signed(batch, records)
    if options.json:
        rows = [{"done": list(one.steps), **_row(one)} for one in records]
        print(
            msgspec.json.format(
                msgspec.json.encode({"site": batch.plan.site, "signed": signed, "units": rows}), indent=2
            ).decode()
        )
        return EXIT_OK
    for record in records:
        done = [step for step in STEPS if record.has(step)]
        state = f"left out: {record.dropped}" if record.dropped else done[-1] if done else "not begun"
        said = f"; {record.trouble}" if record.trouble else ""
        print(f"{record.serial:<24} {record.unit:<12} {record.fingerprint or '-':<39} {state}{said}")
    complete = sum(record.complete for record in records if not record.dropped)
    print(f"{complete} of {sum(not record.dropped for record in records)} units are done")
    print(f"the manifest is signed: {batch.handover / manifest.FILE}" if signed else batch_handover.UNSIGNED)
    return EXIT_OK


def _row(record: Record) -> dict[str, object]:
    """What of a record is no secret."""
    return {
        "serial": record.serial,
        "unit": record.unit,
        "fingerprint": record.fingerprint,
        "trouble": record.trouble,
        "dropped": record.dropped,
        "complete": record.complete,
    }


def _card(options: argparse.Namespace) -> int:
    """A new token; the unit's keys stay what they are, where it has some. Nobody takes back by the way what is signed.

    Raises ConfigError: it is done, and --anew was not said.
    """
    with batch_journal.locked(options.batch) as batch:
        record = batch.record(batch.planned(options.serial))
        if record.dropped:
            raise ConfigError(f"{record.serial} was left out of this batch: {record.dropped}")
        if record.complete and not options.anew:
            raise ConfigError(
                f"{record.serial}: is done, and handed over with the key {record.fingerprint}: a new card takes that "
                "back. Add --anew where its unit shall answer and be tested again with that key; another board is "
                f"another unit: `make batch drop {batch.folder} {record.serial} --why`, and a batch of its own"
            )
        batch.keep(msgspec.structs.replace(record, steps={}, token="", trouble=""))
        place = batch.cards / record.serial
        for name in (card.ANSWER, card.REPORT):
            (place / name).unlink(missing_ok=True)
    back = "; until it is done again, and signed, the manifest counts no more" if record.complete else ""
    _say(f"{options.serial}: done: the next run writes it a new card{back}")
    return EXIT_OK


def _drop(options: argparse.Namespace) -> int:
    if not options.why.strip() or len(options.why) > 240 or not options.why.isprintable():
        raise ConfigError("--why: 1 to 240 characters that can be printed")
    with batch_journal.locked(options.batch) as batch:
        record = batch.record(batch.planned(options.serial))
        batch.keep(msgspec.structs.replace(record, dropped=options.why, token=""))
        for path in (*manifest.files_of(batch.handover, record.unit), batch.labels / f"{record.serial}.svg"):
            path.unlink(missing_ok=True)
    _say(
        f"{options.serial}: {'again' if record.dropped else 'done'}: left out; its files are taken out of what is "
        "handed over, and the next run makes sheet and manifest without it"
    )
    return EXIT_OK


def _say(text: str) -> None:
    print(text, file=sys.stderr)

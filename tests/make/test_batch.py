"""A batch of real units over files: cards out, answers in, labels read back, a manifest; and what is refused."""

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from making import (
    batch_of,
    contents,
    made_batch,
    maker_key,
    passphrase_file,
    refused,
    report_of,
    start_units,
    stillroom,
    write_card,
)

from stillroom.errors import TrustError
from stillroom.keys import load_unit_keys
from stillroom_tools.make import batch_simulated, card, label_read, manifest
from stillroom_tools.make.batch_journal import open_batch


def ran(capsys: pytest.CaptureFixture[str], code: int, batch: Path, *more: object) -> str:
    capsys.readouterr()
    assert stillroom("make", "batch", "run", batch, *more) == code
    return capsys.readouterr().err


def test_from_a_csv_to_a_manifest_in_three_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    batch = batch_of(tmp_path)
    said = ran(capsys, 1, batch)
    assert "card: 3 done, 0 again" in said and "answered: 0 done, 0 again, 3 not yet" in said
    assert "copy cards/SERIAL to each card's boot partition" in said
    start_units(batch, tmp_path / "boards")
    said = ran(capsys, 1, batch)
    assert (
        "card: 0 done, 3 again" in said
        and "verified: 3 done" in said
        and "the manifest is not signed" in said
    )
    said = ran(capsys, 0, batch, *maker_key(tmp_path))
    assert "verified: 0 done, 3 again" in said and "manifest: done: 3 units" in said
    maker = manifest.read_signer(batch / "handover" / manifest.MAKER)
    made, _ = manifest.read(batch / "handover", maker.fingerprint)
    boards = [load_unit_keys(unit / "keys") for unit in sorted((tmp_path / "boards").iterdir())]
    assert {one.sign for one in made.units} == {ring.signing.verify_key.raw for ring in boards}
    assert all(one.passed and one.models == {"face.tflite": "b" * 64} for one in made.units)
    labels = {(one.serial, one.fingerprint) for one in label_read.read(batch / "labels/sheet.pdf")}
    assert labels == {(one.serial, one.fingerprint) for one in made.units}
    before = contents(batch)
    assert "manifest: again" in ran(capsys, 0, batch)
    assert contents(batch) == before, "run again, nothing changes"
    handed = b"".join(contents(batch / "handover").values())
    assert not any(ring.signing.seed() in handed or ring.boxes[0].secret() in handed for ring in boards)


def test_status_says_how_far_each_has_come_and_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = batch_of(tmp_path)
    stillroom("make", "batch", "run", batch)
    token = open_batch(batch).records()[0].token
    capsys.readouterr()
    stillroom("make", "batch", "status", batch, "--json")
    out = capsys.readouterr().out
    rows = json.loads(out)["units"]
    assert [row["serial"] for row in rows] == ["SN-1", "SN-2", "SN-3"]
    assert token and token not in out and rows[0]["done"] == ["card"]
    stillroom("make", "batch", "status", batch)
    out = capsys.readouterr().out
    assert "0 of 3 units are done" in out and "the manifest is not signed" in out


def test_done_is_told_from_signed_and_the_key_is_asked_for_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch, key = batch_of(tmp_path, 2), maker_key(tmp_path)
    wrong = passphrase_file(_made(tmp_path / "wrong"), "not this one at all")
    said = refused(capsys, 6, "make", "batch", "run", batch, *key[:3], wrong)
    assert "not this passphrase" in said and not (batch / "cards").exists(), "before any work"
    stillroom("make", "batch", "run", batch)
    start_units(batch, tmp_path / "boards")
    stillroom("make", "batch", "run", batch)
    for signed, more in ((False, "2 of 2 units are done\nthe manifest is not signed"), (True, "is signed: ")):
        if signed:
            ran(capsys, 0, batch, *key)
        capsys.readouterr()
        stillroom("make", "batch", "status", batch)
        assert more in capsys.readouterr().out
        stillroom("make", "batch", "status", batch, "--json")
        assert json.loads(capsys.readouterr().out)["signed"] is signed
    for how in ("done: left out", "again: left out"):
        assert stillroom("make", "batch", "drop", batch, "SN-1", "--why", "fell") == 0
        assert how in capsys.readouterr().err
    second = open_batch(batch).plan.units[1].unit
    handed = set(contents(batch / "handover")) - {manifest.FILE, manifest.MAKER}
    assert handed == {f"units/{second}.note", f"units/{second}.csr", f"selftests/{second}.json"}
    assert not (batch / "labels/SN-1.svg").exists()
    stillroom("make", "batch", "status", batch)
    assert "the manifest is not signed" in capsys.readouterr().out, "the one there names another unit"
    assert "manifest: done: 1 units" in ran(capsys, 0, batch, *key)


def test_a_new_card_takes_nothing_back_that_is_signed_unless_it_is_asked_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = made_batch(tmp_path, 2)
    before, key = contents(batch), open_batch(batch).records()[0].fingerprint
    said = refused(capsys, 3, "make", "batch", "card", batch, "SN-1")
    assert f"SN-1: is done, and handed over with the key {key}" in said and "--anew" in said
    assert "batch drop" in said and contents(batch) == before
    stillroom("make", "batch", "status", batch)
    assert "the manifest is signed: " in capsys.readouterr().out
    assert stillroom("make", "batch", "card", batch, "SN-1", "--anew") == 0
    assert "the manifest counts no more" in capsys.readouterr().err
    stillroom("make", "batch", "status", batch)
    assert "1 of 2 units are done\nthe manifest is not signed" in capsys.readouterr().out


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_answers_are_found_where_they_were_copied_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = batch_of(tmp_path)
    stillroom("make", "batch", "run", batch)
    shutil.move(batch / "cards", tmp_path / "media")
    for place in (tmp_path / "media").iterdir():
        unit = tmp_path / "boards" / card.read_ticket(place).unit
        stillroom("make", "unit", unit, "--card", place)
        (place / card.REPORT).write_bytes(report_of(unit))
    assert "answered: 3 done" in ran(capsys, 1, batch, "--answers", tmp_path / "media")
    assert "no such folder" in refused(capsys, 4, "make", "batch", "run", batch, "--answers", tmp_path / "no")


def test_an_answer_without_the_cards_token_is_not_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = batch_of(tmp_path)
    stillroom("make", "batch", "run", batch)
    unit = open_batch(batch).plan.units[0].unit
    write_card(batch / "cards/SN-1", "SN-1", unit)  # another ticket for the same unit
    start_units(batch, tmp_path / "boards")
    said = ran(capsys, 1, batch, *maker_key(tmp_path))
    assert "SN-1: an answer that was not made with this card's ticket" in said and "answered: 2 done" in said
    assert not (batch / "handover" / manifest.FILE).exists()
    assert stillroom("make", "batch", "card", batch, "SN-1") == 0
    stillroom("make", "batch", "run", batch)
    start_units(batch, tmp_path / "boards")
    assert ran(capsys, 0, batch, *maker_key(tmp_path))


def test_a_card_that_was_copied_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    batch = batch_of(tmp_path)
    stillroom("make", "batch", "run", batch)
    shutil.copytree(batch / "cards/SN-1", tmp_path / "copies/SN-1")
    start_units(batch, tmp_path / "boards")
    stillroom("make", "unit", tmp_path / "second-board", "--card", tmp_path / "copies/SN-1")
    said = ran(capsys, 1, batch, "--answers", tmp_path / "copies")
    assert "SN-1: two units answered with one card" in said and "answered: 2 done" in said
    shutil.rmtree(tmp_path / "copies")
    ran(capsys, 1, batch)
    shutil.copytree(batch / "cards/SN-1", tmp_path / "copies/SN-1")
    (tmp_path / "copies/SN-1" / card.ANSWER).unlink()
    write_card(tmp_path / "copies/SN-1", "SN-1", open_batch(batch).plan.units[0].unit)
    stillroom("make", "unit", tmp_path / "third-board", "--card", tmp_path / "copies/SN-1")
    assert "another unit answers with this serial" in str(
        [one.trouble for one in _after(batch, tmp_path / "copies")]
    )


def _after(batch: Path, answers: Path):
    stillroom("make", "batch", "run", batch, "--answers", answers)
    return open_batch(batch).records()


def test_one_key_for_two_serials_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A card that was imaged after its first start."""
    batch = batch_of(tmp_path, 2)
    stillroom("make", "batch", "run", batch)
    first, second = (batch / "cards" / f"SN-{number}" for number in (1, 2))
    ticket = card.read_ticket(second)
    unit = tmp_path / "boards" / card.read_ticket(first).unit
    stillroom("make", "unit", unit, "--card", first)
    answer = card.read_answer(first)
    assert answer is not None
    proof = card.proof_of(ticket.token, "SN-2", answer.enrolment, answer.request)
    card.write(second, card.ANSWER, card.Answer("answer/1", "SN-2", answer.enrolment, answer.request, proof))
    said = ran(capsys, 1, batch)
    assert "SN-2: an answer of unit" in said and "answered: 1 done" in said


def test_a_self_test_that_failed_or_is_anothers_stops_that_unit_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = batch_of(tmp_path)
    stillroom("make", "batch", "run", batch)
    start_units(batch, tmp_path / "boards")
    units = [tmp_path / "boards" / one.unit for one in open_batch(batch).plan.units]
    (batch / "cards/SN-1" / card.REPORT).write_bytes(report_of(units[0], passed=False))
    (batch / "cards/SN-2" / card.REPORT).write_bytes(report_of(units[0]))
    said = ran(capsys, 1, batch, *maker_key(tmp_path))
    assert "SN-1: its self-test did not pass (camera, clock)" in said
    assert "SN-2: signed by the unit" in said and "tested: 1 done" in said
    (batch / "cards/SN-2" / card.REPORT).write_bytes(report_of(units[1], camera="stand"))
    assert "with the camera 'stand', where 'picamera2' is due" in ran(capsys, 1, batch)
    (batch / "cards/SN-2" / card.REPORT).write_bytes(report_of(units[1], shut=True))
    assert "SN-2: its self-test did not pass (camera)" in ran(capsys, 1, batch)
    (batch / "cards/SN-2" / card.REPORT).write_bytes(report_of(units[1])[:-200])
    assert "cut short" in ran(capsys, 1, batch)
    (batch / "cards/SN-2" / card.REPORT).write_bytes(report_of(units[1]))
    assert stillroom("make", "batch", "drop", batch, "SN-1", "--why", "no light") == 0
    ran(capsys, 0, batch, *maker_key(tmp_path))
    maker = manifest.read_signer(batch / "handover" / manifest.MAKER)
    made, _ = manifest.read(batch / "handover", maker.fingerprint)
    assert [one.serial for one in made.units] == ["SN-2", "SN-3"]
    assert [(one.serial, one.why) for one in made.left_out] == [("SN-1", "no light")]
    assert {one.serial for one in label_read.read(batch / "labels/sheet.pdf")} == {"SN-2", "SN-3"}


def test_the_manifest_is_not_believed_with_another_maker_or_other_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = made_batch(tmp_path, 2)
    maker = manifest.read_signer(batch / "handover" / manifest.MAKER)
    with pytest.raises(TrustError, match="ask the maker"):
        manifest.read(batch / "handover", "aaaa-" * 7 + "aaaa")
    first, second = (one.unit for one in open_batch(batch).plan.units)
    reports = batch / "handover/selftests"
    kept = (reports / f"{first}.json").read_bytes()
    (reports / f"{first}.json").write_bytes((reports / f"{second}.json").read_bytes())
    with pytest.raises(TrustError, match="another unit's report"):
        manifest.read(batch / "handover", maker.fingerprint)
    (reports / f"{first}.json").write_bytes(kept)
    path = batch / "handover" / manifest.FILE
    path.write_bytes(path.read_bytes().replace(b'"SN-1"', b'"SN-9"'))
    with pytest.raises(TrustError, match="altered"):
        manifest.read(batch / "handover", maker.fingerprint)
    lost = passphrase_file(tmp_path, "not this one at all")
    said = refused(
        capsys,
        6,
        *("make", "batch", "run", batch, "--key", tmp_path / "maker/line-1.key", "--passphrase-file", lost),
    )
    assert "not this passphrase" in said and "make a new key" in said


def test_simulated_units_make_their_own_keys_and_test_themselves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real self-test, of a camera before a simulated stand, however deep the folder lies."""
    folder = tmp_path / ("deeper-than-a-sockets-name-may-be-long-" * 3)
    folder.mkdir()
    batch = batch_of(folder, 1)
    ran(capsys, 0, batch, "--simulated", *maker_key(folder))
    (planned,) = open_batch(batch).plan.units
    maker = manifest.read_signer(batch / "handover" / manifest.MAKER)
    made, _ = manifest.read(batch / "handover", maker.fingerprint)
    (one,) = made.units
    ring = load_unit_keys(batch / "units" / planned.unit / "keys")
    assert one.sign == ring.signing.verify_key.raw and one.camera == "stand" and one.passed
    assert "sha256:" in one.software and {"camera", "focus", "kernel"} <= {
        check.check for check in one.checks
    }
    assert "add --simulated" in refused(capsys, 3, "make", "batch", "run", batch)
    (batch / batch_simulated.PHANTOM).write_text("edge = 1\n")
    (batch / "cards/SN-1" / card.REPORT).unlink()
    assert stillroom("make", "batch", "card", batch, "SN-1", "--anew") == 0
    assert "its self-test could not be made" in ran(capsys, 1, batch, "--simulated")


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    batch = batch_of(tmp_path, 1)
    stillroom("make", "batch", "run", batch)
    assert "leave --simulated out" in refused(capsys, 3, "make", "batch", "run", batch, "--simulated")
    assert "no unit with the serial 'SN-7'" in refused(capsys, 3, "make", "batch", "card", batch, "SN-7")
    assert "1 to 240" in refused(capsys, 3, "make", "batch", "drop", batch, "SN-1", "--why", " ")
    (batch / "journal/SN-1.json").write_text("{")
    assert "damaged" in refused(capsys, 8, "make", "batch", "run", batch)


def test_a_disk_that_fills_midway_is_one_line_and_the_next_run_goes_on(tmp_path: Path) -> None:
    """Files may grow to so many bytes and no more: what the kernel does when a disk is full, with another number."""
    batch = batch_of(tmp_path, 3)
    stillroom("make", "batch", "run", batch)
    start_units(batch, tmp_path / "boards")
    key = [str(one) for one in maker_key(tmp_path)]
    command = [sys.executable, "-m", "stillroom", "make", "batch", "run", str(batch), *key]
    for limit in (100, 700, 2_000):
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
        assert done.returncode == 8, (limit, done.stderr)
        last = done.stderr.strip().splitlines()[-1]
        assert "cannot be written: File too large" in last and "Traceback" not in done.stderr
    assert stillroom("make", "batch", "run", batch, *maker_key(tmp_path)) == 0
    assert all(record.complete for record in open_batch(batch).records())
    assert not list(batch.rglob(".*.????????"))

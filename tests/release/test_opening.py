"""The custodian's tool: what it opens and lists, what it refuses, and a line for each thing that was done to a file."""

import errno
import os
import shutil
import zlib
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.parties import HandClock
from tests.recorded import CUSTODIAN, STRANGER, Recorded

from stillroom.cli import main
from stillroom.clock import SystemClock
from stillroom.document_forms import now
from stillroom.documents import KINDS, Enrolment
from stillroom.errors import StorageError
from stillroom.keys import KeyRing, save_keys
from stillroom.notes import sign_note
from stillroom.release_wire import read_blocks
from stillroom_tools.site import admit, retired
from stillroom_tools.site.layout import open_site


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Recorded:
    """A recording of some seconds, and another file of the same release; nothing here changes them."""
    unit = Recorded(tmp_path_factory.mktemp("made"))
    unit.release(until=now(unit.rig.clock) + timedelta(minutes=5))
    unit.beat(6.0)
    unit.rig.unit.button()
    unit.beat(0.4)
    unit.rig.unit.button()
    unit.beat(4.0)
    unit.rig.unit.close()
    save_keys(unit.rig.folder / "archivist.key", CUSTODIAN)
    save_keys(unit.rig.folder / "stranger.key", STRANGER)
    (unit.rig.site_folder / "roster.note").write_bytes(unit.told.sign(unit.roster))
    return unit


@pytest.fixture
def copied(made: Recorded, tmp_path: Path) -> Path:
    """What the custodian has fetched: the first file, and the note beside it."""
    for path in (made.folder / "r-1").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path / "r-1-0001.stlc"


def opens(made: Recorded, *files: Path, key: str = "archivist", more: tuple[object, ...] = ()) -> int:
    folder = files[0].parent
    words = ("site", "release", "open", *files, "--site", made.rig.site_folder, *more)
    words += ("--key", made.rig.folder / f"{key}.key", "--openings", folder / "openings")
    return main([str(word) for word in words])


def test_it_opens_and_shows_and_lists_what_it_opened(made: Recorded, copied: Path, capsys):
    out, frames = copied.parent / "out", copied.parent / "frames"
    second = copied.with_name("r-1-0002.stlc")
    assert opens(made, copied, second, more=("--out", out, "--frames", frames)) == 0
    said = capsys.readouterr()
    assert "r-1-0001.stlc: " in said.out and "ended: paused" in said.out and "ended: stop" in said.out
    film = (out / "r-1-0001.y4m").read_bytes()
    assert film.startswith(b"YUV4MPEG2 W192 H144 F5:1 Ip A1:1 Cmono\nFRAME\n" + bytes([200]) * 192)
    count = film.count(b"FRAME\n")
    assert count >= 15 and len((out / "r-1-0001.csv").read_text().splitlines()) == count + 1
    pictures = sorted(frames.glob("r-1-0001-*.png"))
    assert len(pictures) == count
    import cv2

    assert (cv2.imread(str(pictures[0]), cv2.IMREAD_GRAYSCALE) == np.uint8(200)).all()
    assert (out / "r-1-0001.y4m").stat().st_mode & 0o077 == 0
    listed = (
        "site",
        "release",
        "openings",
        str(copied.parent / "openings"),
        "--site",
        str(made.rig.site_folder),
    )
    assert main(list(listed)) == 0
    said = capsys.readouterr()
    assert said.out.count("archivist  release-opened  r-1-000") == 2 and "whole: 2 openings" in said.err
    log = copied.parent / "openings" / "log"
    log.write_bytes(log.read_bytes().replace(b'at_ms":1', b'at_ms":2', 1))
    assert main(list(listed)) == 6


@pytest.mark.parametrize("room_for", [0, 1], ids=["its head", "a frame"])
def test_a_full_disk_is_named_by_its_file(made: Recorded, copied: Path, capsys, monkeypatch, room_for: int):
    """So many writes of a film it takes, and no more."""
    out, real, taken = copied.parent / "out", os.write, []

    def full(descriptor: int, data: bytes) -> int:
        if data.startswith((b"YUV4MPEG2", b"FRAME")):
            taken.append(data)
            if len(taken) > room_for:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    assert opens(made, copied, more=("--out", out)) == StorageError.exit_code
    said = f"stillroom: {out / 'r-1-0001.y4m'}: cannot be written: No space left on device\n"
    assert capsys.readouterr().err == said


def changed(path: Path, act) -> None:
    with path.open("rb") as file:
        blocks = [block.head + block.body + block.before + block.at_ms.to_bytes(8, "big") + block.signature
                  for block in read_blocks(file)]  # fmt: skip
    path.write_bytes(b"".join(act(blocks)))


def flipped(block: bytes, at: int) -> bytes:
    return block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda b: [*b[:1], *b[2:]], ["chunk 1 is missing"]),
        (lambda b: b[2:], ["chunks 0 to 1 are missing"]),
        (lambda b: [b[0], b[2], b[1], *b[3:]], ["chunk 1 is missing", "block 1 stands after block 2"]),
        (lambda b: [b[0], b[0], *b[1:]], ["block 0 stands after block 0"]),
        (lambda b: b[:-1], ["cut off, or not over"]),
        (lambda b: [*b[:-1], b[-1][:-1]], ["no whole block (cut)", "cut off, or not over"]),
        (lambda b: [b[0], flipped(b[1], 5_000), *b[2:]], ["altered since the unit signed it", "chunk 1 is missing"]),
        (lambda b: [b[0], flipped(b[1], 0), *b[2:]], ["no whole block (magic)", "chunk 1 is missing"]),
        (lambda b: [b[0], flipped(b[1], 53), *b[2:]], ["altered since the unit signed it", "chunk 1 is missing"]),
        (lambda b: [*b, b[0]], ["stands after the end"]),
    ],
)  # fmt: skip
def test_each_thing_that_was_done_to_it_is_a_line_and_the_rest_is_shown(
    made: Recorded, copied: Path, capsys, act, said
):
    changed(copied, act)
    assert opens(made, copied, more=("--out", copied.parent / "out")) == 6
    told = capsys.readouterr()
    for each in said:
        assert each in told.err, told.err
    assert told.err.count("\n") == len([line for line in told.err.splitlines() if "r-1-0001.stlc: " in line])
    film = (copied.parent / "out" / "r-1-0001.y4m").read_bytes()
    assert film.count(b"FRAME\n" + bytes([200]) * 100) >= 10


def test_an_end_after_a_power_cut_may_hide_chunks_and_that_is_told(tmp_path: Path, capsys):
    """The card was taken out meanwhile, and its file cut where a block ends: the unit cannot see that."""
    unit = Recorded(tmp_path)
    unit.release()
    unit.beat(5.0)
    (file,) = unit.files()
    unit.rig.unit._outbox.commit(unit.rig.clock.utc_ms())
    unit.rig.unit._outbox.close()  # no goodbye
    changed(file, lambda blocks: blocks[:2])
    unit.rig.start()
    unit.rig.beat()
    unit.rig.unit.close()
    save_keys(unit.rig.folder / "archivist.key", CUSTODIAN)
    (unit.rig.site_folder / "roster.note").write_bytes(unit.told.sign(unit.roster))
    assert opens(unit, file) == 6
    said = capsys.readouterr()
    assert "2 chunks" in said.out and "ended: interrupted" in said.out
    assert said.err.count("\n") == 1 and "after chunk 1: chunks there may be missing" in said.err


def test_blocks_of_another_recording_are_told_and_left_out(made: Recorded, copied: Path, capsys):
    other = copied.with_name("r-1-0002.stlc").read_bytes()
    copied.write_bytes(copied.read_bytes() + other)
    assert opens(made, copied) == 6
    assert "is of another recording: left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(b""), "empty: no recording"),
        (lambda path: path.write_bytes(b"junk" * 100), "no recording, or its beginning is damaged"),
        (lambda path: path.with_name("release.note").unlink(), "its release is not here"),
        (lambda path: path.with_name("release.note").write_bytes(b"x\n"), "release.note"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
)
def test_what_is_no_recording_is_one_line(made: Recorded, copied: Path, capsys, spoil, said):
    spoil(copied)
    assert opens(made, copied) in (4, 6)
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert not (copied.parent / "openings" / "log").exists()


def test_another_custodians_key_opens_nothing(made: Recorded, copied: Path, capsys):
    assert opens(made, copied, key="stranger") == 6
    assert "sealed to another key: of custodian 'archivist'" in capsys.readouterr().err


def test_after_its_time_nothing_is_opened(made: Recorded, copied: Path, capsys, monkeypatch):
    later = HandClock(now(SystemClock()) + timedelta(days=8))
    monkeypatch.setattr("stillroom_tools.site.release.opening.SystemClock", lambda: later)
    assert opens(made, copied, more=("--out", copied.parent / "out")) == 6
    err = capsys.readouterr().err
    assert "expired on" in err and err.count("\n") == 1
    assert not (copied.parent / "out").exists() and not (copied.parent / "openings" / "log").exists()


def retire(made: Recorded, folder: Path, why: str, reason: str) -> Path:
    """A copy of the site's folder in which the unit's key counts no longer."""
    place = Path(shutil.copytree(made.rig.site_folder, folder / "site"))
    site, authority = open_site(place), made.told.authority
    known = site.enrolment("u-1")
    at = now(SystemClock())
    retired.retire(site, authority, retired.Retirement(at, "test", "u-1", known.sign, why, reason))
    if why == "rotated":
        new = KeyRing.generate("test", "unit", "u-1")
        paper = msgspec.structs.replace(known, sign=new.signing.verify_key.raw)
        admit.replace(site, "u-1", sign_note(KINDS[Enrolment], paper, [new, authority]))
    return place


@pytest.mark.parametrize(("why", "reason"), [("rotated", "rotated"), ("gone", "decommissioned")])
def test_a_units_earlier_recordings_open_after_it_has_new_keys_or_is_gone(
    made: Recorded, copied: Path, capsys, why, reason
):
    place = retire(made, copied.parent, why, reason)
    assert opens(made, copied, more=("--site", place)) == 0
    said = capsys.readouterr()
    assert "ended: paused" in said.out and said.err == ""


def test_what_a_revoked_key_signed_is_shown_and_that_is_said(made: Recorded, copied: Path, capsys):
    place = retire(made, copied.parent, "revoked", "stolen")
    assert opens(made, copied, more=("--site", place)) == 6
    said = capsys.readouterr()
    assert "ended: paused" in said.out and said.err.count("\n") == 1
    assert "signed with a key that was revoked at " in said.err and "(stolen)" in said.err


def test_a_key_that_the_unit_never_had_is_anothers_all_the_same(made: Recorded, copied: Path, capsys):
    place = retire(made, copied.parent, "rotated", "rotated")
    for kept in (place / "retired").iterdir():
        kept.unlink()
    assert opens(made, copied, more=("--site", place)) == 6
    said = capsys.readouterr()
    assert "another unit's: left out" in said.err and "0 chunks" in said.out


def test_a_png_is_one(tmp_path: Path):
    from stillroom_tools.site.release.films import png

    made = png(2, 2, bytes([0, 50, 100, 255]))
    assert made.startswith(b"\x89PNG") and zlib.compress(b"\0\x00\x32\0\x64\xff") in made

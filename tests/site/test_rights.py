"""`stillroom site subject`: a copy and an erasure, by a manager's key, with receipts, beside a gateway or alone."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import sleep
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from site_facility import Facility
from tests.parties import HandClock

from stillroom.cli import main
from stillroom.clock import SystemClock
from stillroom.config_conditions import zone
from stillroom.document_forms import now
from stillroom.errors import (
    EXIT_INTERRUPTED,
    ConfigError,
    InputError,
    StillroomError,
    StorageError,
    TrustError,
)
from stillroom.events import ConditionChanged, Entry
from stillroom.keys import load_keys
from stillroom.observation import Box
from stillroom.public_keys import VerifyKey
from stillroom_tools.site.gateway import main as gateway_main
from stillroom_tools.site.gateway.reader import open_reader
from stillroom_tools.site.rights import command as rights
from stillroom_tools.site.rights import ordering
from stillroom_tools.site.rights.period import asked_for
from stillroom_tools.site.rights.record import read_receipt
from stillroom_tools.site.rights.wishes import Wishes

ROOM = "r-1"


class Ward:
    """A unit with its gateway, and a manager."""

    def __init__(self, folder: Path) -> None:
        self.facility, self.folder = Facility(folder), folder
        self.site = self.facility.rig.site_folder
        self.make_key("matron", "manager")
        assert self.do("signer", "set", self.site, folder / "matron.pub", "--role", "manager", "--send") == 0
        self.facility.rig.authorise()
        self.facility.rig.see(Box(0.4, 0.4, 0.2, 0.2), 70)
        self.facility.live(2)
        self.facility.settle()

    def make_key(self, name: str, role: str, site: str = "test") -> Path:
        assert self.do("signer", "new", self.folder, "--site", site, "--name", name, "--role", role) == 0
        return self.folder / f"{name}.key"

    def do(self, *words: object) -> int:
        return main(["site", *map(str, words)])

    def subject(
        self,
        what: str,
        *more: object,
        room: str = ROOM,
        key: str = "matron",
        days: tuple[str, str] = ("", ""),
    ):
        today = now(SystemClock()).date()
        if "--asked-by" not in more and "--dry-run" not in more:
            more = (*more, "--asked-by", "resident")
        period = ("--from", days[0] or today, "--to", days[1] or today.fromordinal(today.toordinal() + 1))
        return self.do(
            "subject", what, room, "--site", self.site, *period, "--key", self.folder / f"{key}.key", *more
        )

    @property
    def kept(self) -> list[str]:
        with open_reader(self.facility.site) as reader:
            return [msgspec.json.decode(one.event)["type"] for one in reader.entries(ROOM, 0, 2**53)]

    def beside_a_gateway(self, act) -> int:
        """What `act` gives, while the gateway goes on."""
        gave: list[int] = []
        thread = threading.Thread(target=lambda: gave.append(act()))
        thread.start()
        while thread.is_alive():
            self.facility.gateway._collect()
            sleep(0.01)
        return gave[0]


@pytest.fixture
def ward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ward]:
    later = HandClock(now(SystemClock()) + timedelta(minutes=30))
    monkeypatch.setattr(rights, "SystemClock", lambda: later)
    monkeypatch.setattr(gateway_main, "Wishes", lambda site, store, _: Wishes(site, store, later))
    made = Ward(tmp_path)
    yield made
    made.facility.close()


def receipts(ward: Ward) -> list[Path]:
    return sorted((ward.site / "rights").glob("*.note"))


def test_a_copy_has_all_that_is_kept_and_a_page_and_a_receipt(ward: Ward, tmp_path: Path, capsys) -> None:
    out = tmp_path / "room.jsonl"
    assert ward.subject("export", "--out", out, "--asked-by", "advocate-7") == 0
    lines = [msgspec.json.decode(line) for line in out.read_bytes().splitlines()]
    assert lines[0]["stillroom"] == "subject-export/1" and lines[0]["room"] == ROOM
    found = sorted(
        line["kind"] for line in lines[1:] if line["kind"] not in ("command", "alert", "alert-change")
    )
    assert found == sorted(ward.kept) and {"gate", "audit", "state"} <= set(found)
    links = [line["event"] for line in lines[1:] if line["kind"] == "audit"]
    assert all(link["in_words"] and link["body"] for link in links)
    page = out.with_name("room.jsonl.txt").read_text()
    assert "What is kept of room r-1 of site test" in page and "Asked for by advocate-7" in page
    assert "the camera was off: somebody in the room pressed pause" in page
    for path in (out, out.with_name("room.jsonl.txt"), out.with_name("room.jsonl.receipt")):
        assert path.stat().st_mode & 0o077 == 0, path
    receipt = out.with_name("room.jsonl.receipt")
    capsys.readouterr()
    assert ward.do("subject", "check", receipt, "--file", out, "--site", ward.site) == 0
    assert "a copy handed out by matron" in capsys.readouterr().out
    assert receipts(ward) and receipts(ward)[0].read_bytes() == receipt.read_bytes()
    kept = out.read_bytes()
    assert ward.subject("export", "--out", out) == InputError.exit_code, "it may have been handed out"
    assert "room.jsonl: is there already; it is never replaced" in capsys.readouterr().err
    assert out.read_bytes() == kept and len(receipts(ward)) == 1
    out.write_bytes(out.read_bytes() + b"\n")
    assert ward.do("subject", "check", receipt, "--file", out, "--site", ward.site) == TrustError.exit_code
    receipt.write_bytes(receipt.read_bytes().replace(b"advocate-7", b"advocate-8"))
    assert ward.do("subject", "check", receipt, "--site", ward.site) == TrustError.exit_code


@pytest.mark.parametrize("runs", [True, False], ids=["beside a gateway", "alone"])
def test_it_is_erased_and_the_chain_still_verifies(ward: Ward, tmp_path: Path, capsys, runs: bool) -> None:
    before = ward.kept
    assert ward.subject("erase", "--dry-run") == 0
    said = capsys.readouterr().err
    assert f"{before.count('state')} state" in said and ward.kept == before and not receipts(ward)
    if runs:
        assert ward.beside_a_gateway(lambda: ward.subject("erase", "--yes")) == 0
    else:
        ward.facility.close()
        assert ward.subject("erase", "--yes") == 0
        ward.facility.open()
    assert set(ward.kept) <= {"audit", "erased", "lost"}
    (receipt,) = receipts(ward)
    capsys.readouterr()
    assert ward.do("subject", "check", receipt, "--site", ward.site) == 0
    assert "erased by matron" in capsys.readouterr().out
    assert ward.do("subject", "log", "--site", ward.site) == 0
    assert "subject-erase" in capsys.readouterr().out
    today = now(SystemClock()).date()
    days = ("--from", today, "--to", today.fromordinal(today.toordinal() + 1))
    assert ward.do("report", "--burden", *days, "--site", ward.site) == 0
    assert "was erased on somebody's wish" in capsys.readouterr().out.replace("\n", " "), (
        "and not: none began"
    )
    verified(ward, tmp_path)
    ward.facility.live()
    ward.facility.settle()
    assert ward.facility.alarms == {}, "and the receiver follows it on"
    verified(ward, tmp_path)


def verified(ward: Ward, tmp_path: Path) -> None:
    out = tmp_path / "u-1.audit"
    fingerprint = VerifyKey(ward.facility.site.enrolment("u-1").sign).fingerprint
    assert ward.do("audit", "export", "u-1", "--site", ward.site, "--out", out) == 0
    assert ward.do("audit", "verify", out, "--fingerprint", fingerprint) == 0


def test_bridges_have_nothing_of_it_and_a_restart_brings_nothing_back(ward: Ward, tmp_path: Path) -> None:
    ward.facility.close()
    assert ward.subject("erase", "--yes") == 0
    today = now(SystemClock()).date()
    out = tmp_path / "fhir.ndjson"
    words = ("--from", today, "--to", today.fromordinal(today.toordinal() + 1), "--out", out)
    assert ward.do("fhir", "--site", ward.site, *words) == 0
    assert b"Observation" not in out.read_bytes()
    ward.facility.open()
    assert [known.state for known in ward.facility.gateway._store.known()] == [None]
    assert all(alert.technical for alert in ward.facility.gateway._store.alerts.all()), (
        "of the unit, of nobody"
    )
    assert set(ward.kept) <= {"audit", "erased", "lost"}


def waiting(ward: Ward) -> list[Path]:
    return sorted((ward.site / "rights" / "orders").iterdir())


def interrupt(monkeypatch: pytest.MonkeyPatch, before: Callable[[], object]) -> None:
    def sleep_until(_: float) -> None:
        before()
        raise KeyboardInterrupt

    monkeypatch.setattr(ordering, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=sleep_until))


def test_interrupted_it_is_withdrawn(ward: Ward, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """Beside a gateway that has not begun it; it does nothing when it goes on."""
    before = ward.kept
    interrupt(monkeypatch, lambda: None)
    assert ward.subject("erase", "--yes") == EXIT_INTERRUPTED
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == "stillroom: interrupted: the order is withdrawn: nothing of room r-1 was erased"
    assert not waiting(ward)
    ward.facility.gateway._collect()
    assert ward.kept == before and not receipts(ward)


def test_interrupted_once_it_is_begun_it_says_that_it_goes_on(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    gateway = ward.facility.gateway
    interrupt(monkeypatch, lambda: next(gateway._wishes._carry_out(waiting(ward)[0])))
    assert ward.subject("erase", "--yes") == EXIT_INTERRUPTED
    said = capsys.readouterr().err.splitlines()[-1]
    (order,) = waiting(ward)
    receipt = ward.site / "rights" / f"{order.stem}.note"
    assert "erasure of room r-1 had begun and goes on" in said and str(receipt) in said
    while waiting(ward):
        gateway._collect()
    assert receipts(ward) == [receipt] and "state" not in ward.kept


def test_the_log_says_who_asked_and_what_failed(ward: Ward, tmp_path: Path, capsys) -> None:
    assert ward.subject("export", "--out", tmp_path / "copy", "--asked-by", "advocate-7") == 0
    assert ward.subject("export", "--out", tmp_path / "nowhere" / "copy") == InputError.exit_code
    capsys.readouterr()
    assert ward.do("subject", "log", "--site", ward.site) == 0
    told, said = capsys.readouterr()
    newest, failed, done = told.splitlines()
    assert "subject-export-failed" in newest and failed.endswith(", asked for by resident: failed")
    assert done.endswith(", asked for by advocate-7: done")
    assert said.startswith("whole: 3 lines, with those of 1 receipts")


def test_a_copy_that_fails_half_way_leaves_nothing(
    ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one would be out of which the log says that it failed."""
    (tmp_path / "out").mkdir()
    real = rights.write_new

    def full_at_the_receipt(path: Path, data: bytes) -> None:
        if path.name.endswith(".receipt"):
            raise StorageError(f"{path}: cannot be written: No space left on device")
        real(path, data)

    monkeypatch.setattr(rights, "write_new", full_at_the_receipt)
    assert ward.subject("export", "--out", tmp_path / "out" / "copy") == StorageError.exit_code
    assert not list((tmp_path / "out").iterdir()) and not receipts(ward)


def test_a_log_without_its_end_is_not_whole(ward: Ward, tmp_path: Path, capsys) -> None:
    for name in ("one", "two"):
        assert ward.subject("export", "--out", tmp_path / name) == 0
    log = ward.site / "rights" / "log"
    whole = log.read_bytes()
    first = whole.splitlines(keepends=True)[0]
    for left in (first, b"", None):
        log.write_bytes(left) if left is not None else log.unlink()
        capsys.readouterr()
        assert ward.do("subject", "log", "--site", ward.site) == TrustError.exit_code
        said = capsys.readouterr().err
        assert "rights/log: cut off at its end, or another" in said and said.count("\n") == 1
    for path in receipts(ward):
        path.unlink()
    handed_out = ("subject", "check", tmp_path / "two.receipt", "--site", ward.site)
    assert ward.do(*handed_out) == TrustError.exit_code, "also where the site's own receipts are gone"
    log.write_bytes(whole)
    assert ward.do(*handed_out) == 0 and ward.do("subject", "log", "--site", ward.site) == 0
    assert "no receipt" in capsys.readouterr().out


def test_a_line_that_has_no_receipt_is_missed_too(ward: Ward, tmp_path: Path, capsys) -> None:
    """What failed ends with none: who has the site's folder, and not the gateway's key, cannot take its line away."""
    assert ward.subject("export", "--out", tmp_path / "one") == 0
    log, end = ward.site / "rights" / "log", ward.site / "rights" / "log.end"
    before, noted_before = log.read_bytes(), end.read_bytes()
    assert ward.subject("export", "--out", tmp_path / "nowhere" / "copy") == InputError.exit_code
    whole, held = log.read_bytes(), end.read_bytes()
    capsys.readouterr()
    shown = ("subject", "log", "--site", ward.site)
    assert ward.do(*shown) == 0
    newest = capsys.readouterr().err.split("the newest head is ")[1].split(":")[0]
    for lines, its_end, says in (
        (before, held, "rights/log: cut off at its end, or another (1 lines)"),
        (b"", held, "rights/log: cut off at its end, or another (0 lines)"),
        (whole, held.replace(b"line", b"LINE", 1), "log.end: "),
        (before, None, "log.end: missing, so that nobody can tell"),
    ):
        log.write_bytes(lines)
        end.write_bytes(its_end) if its_end is not None else end.unlink()
        capsys.readouterr()
        for asked in (shown, ("subject", "check", receipts(ward)[0], "--site", ward.site)):
            assert ward.do(*asked) == TrustError.exit_code
            said = capsys.readouterr().err
            assert says in said and said.count("\n") == 1
    log.write_bytes(before)
    end.write_bytes(noted_before)  # somebody had kept the older one: then a head that was noted tells
    assert ward.do(*shown) == 0
    capsys.readouterr()
    assert ward.do(*shown, "--head", newest) == TrustError.exit_code
    assert f"--head {newest}: in no line of it" in capsys.readouterr().err
    log.write_bytes(whole)
    assert ward.do(*shown, "--head", newest.upper()) == 0
    assert ward.subject("export", "--out", tmp_path / "two") == 0 and ward.do(*shown) == 0


def test_an_older_log_with_its_older_end_is_known_by_the_gateways_store(
    ward: Ward, tmp_path: Path, capsys
) -> None:
    assert ward.subject("export", "--out", tmp_path / "one") == 0
    places = [ward.site / "rights" / name for name in ("log", "log.end")]
    before, kept = [path.read_bytes() for path in places], receipts(ward)
    assert ward.subject("export", "--out", tmp_path / "two") == 0
    whole = [path.read_bytes() for path in places]
    ward.facility.gateway._collect()
    for path in set(receipts(ward)) - set(kept):
        path.unlink()
    shown = ("subject", "log", "--site", ward.site)
    for found in (before, [b"", before[1]]):
        for path, data in zip(places, found, strict=True):
            path.write_bytes(data)
        ward.facility.gateway._collect()
        assert (
            "tells of line 1, and line 2 was there: an older one was put back" in capsys.readouterr().err
            or not found[0]
        )
        for asked in (shown, ("subject", "check", kept[0], "--site", ward.site)):
            assert ward.do(*asked) == TrustError.exit_code
            said = capsys.readouterr().err
            assert "cut off at its end, or another" in said and said.count("\n") == 1
            assert "by the gateway's store it had line 2" in said or not found[0]
    for path, data in zip(places, whole, strict=True):
        path.write_bytes(data)
    assert ward.do(*shown) == 0
    assert ward.subject("export", "--out", tmp_path / "three") == 0 and ward.do(*shown) == 0


def test_another_log_of_the_same_length_is_known_too(ward: Ward, tmp_path: Path, capsys) -> None:
    """Cut off, and gone on with: as many lines, and another head."""
    assert ward.subject("export", "--out", tmp_path / "one") == 0
    places = [ward.site / "rights" / name for name in ("log", "log.end")]
    before, kept = [path.read_bytes() for path in places], receipts(ward)
    assert ward.subject("export", "--out", tmp_path / "two") == 0
    ward.facility.gateway._collect()
    for path in set(receipts(ward)) - set(kept):
        path.unlink()
    for path, data in zip(places, before, strict=True):
        path.write_bytes(data)
    assert ward.subject("export", "--out", tmp_path / "other") == 0
    capsys.readouterr()
    assert ward.do("subject", "log", "--site", ward.site) == TrustError.exit_code
    assert "by the gateway's store it had line 2" in capsys.readouterr().err


@pytest.mark.parametrize("more", [(), ("--keep-audit",)])
def test_a_report_says_that_it_was_erased(ward: Ward, tmp_path: Path, more: tuple[str, ...]) -> None:
    """And not that the unit or the camera was off, which would be an untruth, nor that all was calm."""
    ward.facility.close()
    assert ward.subject("erase", "--yes", *more) == 0
    out = tmp_path / "day.svg"
    assert ward.do("report", ROOM, "--day", now(SystemClock()).date(), "--site", ward.site, "--out", out) == 0
    told = out.read_text()
    assert "erased on somebody" in told and "dark" not in told.partition("<desc")[2].partition("</desc>")[0]
    assert "authorised it" not in told and "none could be" not in told and "Nothing was sensed" not in told


def test_who_looked_can_be_left(ward: Ward) -> None:
    before = ward.kept
    ward.facility.close()
    assert ward.subject("erase", "--yes", "--keep-audit") == 0
    left = ward.kept
    assert left.count("audit") == before.count("audit") and "erased" not in left and "gate" in left
    assert "state" not in left


def test_a_restriction_outlives_a_copy_and_an_erasure(ward: Ward, tmp_path: Path) -> None:
    """A pause that waits is still told, a halt is told again at the next start, and nothing opens a camera."""
    gateway = ward.facility.gateway
    assert ward.do("halt", "u-1", "--site", ward.site, "--send") == 0
    assert ward.do("pause", "u-1", "--site", ward.site, "--minutes", 60) == 0
    gateway._collect()
    commands = gateway._store.commands
    before = commands.waiting("u-1")
    assert before >= 2
    papers = sorted(path.name for folder in ("halts", "pauses") for path in (ward.site / folder).iterdir())
    assert ward.subject("export", "--out", tmp_path / "copy") == 0
    assert b'"document":"pause"' in (tmp_path / "copy").read_bytes(), "the copy tells of it"
    assert ward.beside_a_gateway(lambda: ward.subject("erase", "--yes")) == 0
    assert commands.waiting("u-1") == before
    assert papers == sorted(
        path.name for folder in ("halts", "pauses") for path in (ward.site / folder).iterdir()
    )
    told = commands.to_tell("u-1", SystemClock().utc_ms())
    assert told and told.note.startswith(b"stillroom/1 halt")


def test_alerts_that_stand_keep_it(ward: Ward, capsys) -> None:
    gateway = ward.facility.gateway
    now_ms = SystemClock().utc_ms()
    high = Entry(999, now_ms, now_ms, ConditionChanged("on-floor", "high", True, "91 % on the floor"))
    with gateway._store.database.transaction():
        gateway._store.alerts.heard("u-1", ROOM, high, now_ms)
    before = ward.kept
    for more in (("--dry-run",), ("--yes",)):
        assert ward.subject("erase", *more) == StillroomError.exit_code
        said = capsys.readouterr().err
        assert "room 'r-1': 1 of its alerts stand (on-floor of unit u-1)" in said and said.count("\n") == 1
    assert ward.kept == before and not receipts(ward)


def test_alerts_that_are_over_are_named_before_they_go(ward: Ward, capsys) -> None:
    gateway, now_ms = ward.facility.gateway, SystemClock().utc_ms()
    with gateway._store.database.transaction():
        for number, stands in ((999, True), (1_000, False)):
            entry = Entry(
                number, now_ms, now_ms, ConditionChanged("on-floor", "low", stands, "91 % on the floor")
            )
            gateway._store.alerts.heard("u-1", ROOM, entry, now_ms)
    assert ward.subject("erase", "--dry-run") == 0
    going = capsys.readouterr().err.splitlines()[0].partition(" UTC: ")[2]
    assert ", 1 alerts, " in going
    assert ward.beside_a_gateway(lambda: ward.subject("erase", "--yes")) == 0
    capsys.readouterr()
    assert ward.do("subject", "check", receipts(ward)[0], "--site", ward.site) == 0
    assert capsys.readouterr().out.strip().endswith(f": {going}"), "the receipt names what was said before"


BAD: tuple[tuple[dict[str, Any], type[StillroomError], str], ...] = (
    (
        {"room": "room-9"},
        ConfigError,
        "room 'room-9': nothing was ever kept of one that is called so, but of r-1",
    ),
    ({"days": ("2026-11-05", "2026-11-05")}, ConfigError, "--to 2026-11-05: must be after --from 2026-11-05"),
    ({"days": ("2026-11-05", "2026-11-04")}, ConfigError, "must be after --from"),
    ({"days": ("2099-01-01", "2099-02-01")}, ConfigError, "--from 2099-01-01: is still to come"),
    ({"days": ("2026-11-01", "2099-02-01")}, ConfigError, "--to 2099-02-01: is still to come"),
    ({"days": ("tuesday", "2026-11-04")}, ConfigError, "--from 'tuesday': a day is needed"),
    ({"key": "nobody"}, TrustError, "nobody.key: cannot be read"),
    ({"key": "stranger"}, TrustError, "stranger.key: the roster names no manager with this key"),
    ({"key": "nurse-a"}, TrustError, "a key for the role viewer, where one for manager is needed"),
)


def test_bad_input_is_one_line_and_changes_nothing(ward: Ward, tmp_path: Path, capsys) -> None:
    ward.make_key("stranger", "manager")
    ward.make_key("nurse-a", "viewer")
    before = ward.kept
    for what, more in (("export", ("--out", tmp_path / "copy")), ("erase", ("--yes",))):
        for change, error, says in BAD:
            capsys.readouterr()
            assert ward.subject(what, *more, **change) == error.exit_code, says
            said = capsys.readouterr().err
            assert says in said and said.count("\n") == 1 and "Traceback" not in said
    assert ward.kept == before and not receipts(ward) and not (tmp_path / "copy").exists()


def test_nothing_is_erased_without_a_key_or_a_word(
    ward: Ward, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, days = ward.kept, ("--from", "2026-11-01", "--to", "2026-11-02")
    words = ("subject", "erase", ROOM, "--site", ward.site, *days)
    assert ward.do(*words, "--yes") == ConfigError.exit_code
    assert "--key: a manager's own key is needed" in capsys.readouterr().err
    assert ward.do(*words, "--yes", "--key", ward.folder / "matron.key") == ConfigError.exit_code
    assert "--asked-by: who wished it is needed" in capsys.readouterr().err
    assert ward.do(*words, "--dry-run") == 0, "which needs none"
    assert ward.subject("erase") == ConfigError.exit_code
    assert "--yes is needed where nobody can be asked" in capsys.readouterr().err
    assert ward.subject("erase", "--yes", "--asked-by", "Mrs Jones") == ConfigError.exit_code
    assert "--asked-by 'Mrs Jones': a code of" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "room-2")
    assert ward.subject("erase") == ConfigError.exit_code
    assert ward.kept == before and not receipts(ward)


def test_an_order_of_before_that_was_begun_for_a_time_to_come_ends_where_it_was_begun(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """It has erased something already: that needs its receipt, which tells of no time after it."""
    real, gateway = rights.asked_for, ward.facility.gateway
    with monkeypatch.context() as of_old:
        of_old.setattr(Wishes, "_refuse_to_come", lambda *_: None)
        of_old.setattr(
            rights,
            "asked_for",
            lambda *one: replace(real(*one), until=now(SystemClock()) + timedelta(days=9)),
        )
        interrupt(of_old, lambda: next(gateway._wishes._carry_out(waiting(ward)[0])))
        assert ward.subject("erase", "--yes") == EXIT_INTERRUPTED
    ward.facility.close()
    ward.facility.open()
    (order,) = waiting(ward)
    said: list[str] = []
    while waiting(ward):
        said += ward.facility.gateway._wishes.step()
    assert f"{order.stem} is for a time to come too: erased up to" in said[0]
    (path,) = receipts(ward)
    receipt = read_receipt(path, ward.facility.site)
    assert receipt.until <= now(SystemClock()) + timedelta(hours=1) and "state" not in ward.kept
    assert ward.do("subject", "check", path, "--site", ward.site) == 0


def test_an_order_that_no_manager_signed_is_put_aside(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """Whoever can write into the site's folder is no manager for that."""
    before = ward.kept
    stranger = ward.make_key("stranger", "manager")
    monkeypatch.setattr(
        rights,
        "person_keys",
        lambda _site, _path, _role: load_keys(stranger, "manager"),
    )
    assert ward.beside_a_gateway(lambda: ward.subject("erase", "--yes")) == StillroomError.exit_code
    assert "not signed by any of test/matron" in capsys.readouterr().err
    assert ward.kept == before and not receipts(ward)


@pytest.mark.parametrize("runs", [True, False])
def test_an_order_for_a_time_to_come_is_put_aside(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, capsys, runs: bool
) -> None:
    """Signed by a manager's key all the same: that room's entries would go unkept, and its alerts unraised."""
    before, real = ward.kept, rights.asked_for
    monkeypatch.setattr(
        rights, "asked_for", lambda *each: replace(real(*each), until=now(SystemClock()) + timedelta(days=9))
    )
    if runs:
        assert ward.beside_a_gateway(lambda: ward.subject("erase", "--yes")) == StillroomError.exit_code
    else:
        ward.facility.close()
        assert ward.subject("erase", "--yes") == StillroomError.exit_code
        ward.facility.open()
    assert "only what is past is erased" in capsys.readouterr().err
    assert ward.kept == before and not receipts(ward)
    ward.facility.live()
    ward.facility.settle()
    assert len(ward.kept) > len(before), "and what comes is kept"
    assert ward.do("subject", "log", "--site", ward.site) == 0
    assert "subject-erase-refused" in capsys.readouterr().out


def test_days_are_the_sites_own(ward: Ward) -> None:
    """A day in Auckland ends at eleven of UTC."""
    site = replace(
        ward.facility.site,
        config=msgspec.structs.replace(ward.facility.site.config, time_zone="Pacific/Auckland"),
    )
    asked = asked_for(site, "2026-07-01", "2026-07-02", SystemClock())
    assert f"{asked.start:%d %H:%M} {asked.until:%d %H:%M}" == "30 12:00 01 12:00" and asked.zone == zone(
        "Pacific/Auckland"
    )

"""An advocate outside the facility: named by the roster, told heads by units; and what nobody can hide from him."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from live import LiveSite, command, until
from tests.patience import WITHIN_S
from tests.rig import Rig
from tests.site.test_audit import deliver

from stillroom.chain import FIRST_HEAD, KEYS_ROTATED, head_of, leaf_of, signed_part
from stillroom.cli import main
from stillroom.errors import ConfigError, InputError, TrustError
from stillroom.events import Audited
from stillroom.keys import SigningKey, load_keys, load_unit_keys
from stillroom.link import Up
from stillroom.public_keys import VerifyKey
from stillroom_tools.lab.broker import find_program
from stillroom_tools.site import audit_file, heads_file
from stillroom_tools.site.layout import open_site

needs_broker = pytest.mark.skipif(find_program("mosquitto") is None, reason="mosquitto is not installed")


def cli(*words: object) -> int:
    return main([str(word) for word in words])


class Case:
    """A unit, its facility, and an advocate named ann with a folder of her own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rig = Rig(folder)
        self.site = self.rig.site_folder
        self.key, self.public = folder / "own/ann.key", folder / "own/ann.pub"
        self.heads = folder / "own/heads"
        command("site", "advocate", "new", folder / "own", "--site", "test", "--name", "ann")
        command("site", "advocate", "set", self.site, self.public, "--unit", self.rig.folder)
        self.handed = self.site / "advocates/ann"
        self.rig.beat()
        self.fingerprint = VerifyKey(open_site(self.site).enrolment("u-1").sign).fingerprint

    def record(self) -> bytes:
        """Of the next slot, as the broker has it."""
        self.rig.speak()
        up = self.rig.courier.last(Up)
        assert isinstance(up, Up)
        return up.record

    def listen(self, *records: bytes, key: Path | None = None) -> int:
        capture = self.folder / "capture"
        capture.write_bytes(b"".join(records))
        words = ("--key", key or self.key, "--heads", self.heads, "--capture", capture)
        return cli("site", "advocate", "heads", self.handed, *words)

    def told(self) -> list[str]:
        (found,) = heads_file.read(self.heads)[1].values()
        return [one.head for one in found.told]

    def live(self, press: int = 1) -> None:
        """Something for the chain."""
        for _ in range(press):
            self.rig.unit.button()
            self.rig.clock.pass_time(timedelta(seconds=2))
            self.rig.unit.button()
            self.rig.beat()

    def export(self, name: str = "u-1.audit") -> Path:
        deliver(self.rig)
        command("site", "audit", "export", "u-1", "--site", self.site, "--out", self.folder / name)
        return self.folder / name

    def verify(self, file: Path, *, heads: bool = True) -> int:
        more = ("--heads", self.heads) if heads else ()
        return cli("site", "audit", "verify", file, "--fingerprint", self.fingerprint, *more)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def cut(file: Path, links: int) -> Path:
    """The facility leaves out the last links."""
    shorter = file.with_suffix(".cut")
    shorter.write_text("\n".join(file.read_text().splitlines()[:-links]) + "\n")
    return shorter


def test_what_he_was_told_is_in_the_chain_and_how_far_it_goes_is_said(case, capsys):
    records = [case.record()]
    case.live()
    records.append(case.record())
    assert case.listen(*records) == 0
    case.live()
    file = case.export()
    capsys.readouterr()
    assert case.verify(file) == 0
    said = capsys.readouterr().out
    assert "held to 2 heads" in said and "each is in it, in order" in said
    assert "links after it only the unit's signature stands" in said
    assert len(case.told()) == 2


def rotated(case: Case) -> str:
    """Told a head under the keys before and one under the new ones; the fingerprint of these."""
    case.live()
    assert case.listen(case.record()) == 0
    deliver(case.rig)
    case.rig.unit.close()
    command("make", "rotate", case.rig.folder, "--site", case.site)
    command("site", "advocate", "set", case.site, case.public, "--unit", case.rig.folder)
    case.rig.start()
    case.rig.beat()
    assert case.listen(case.record()) == 0
    return VerifyKey(open_site(case.site).enrolment("u-1").sign).fingerprint


def test_after_a_rotation_heads_told_under_either_key_count_by_either_label(case, capsys):
    old, new = case.fingerprint, rotated(case)
    assert [len(one.told) for one in heads_file.read(case.heads)[1].values()] == [1, 1]
    file = case.export()
    for case.fingerprint in (old, new):
        capsys.readouterr()
        assert case.verify(file) == 0
        said = capsys.readouterr().out
        assert (
            "held to 2 heads" in said and f"with its key before, {old}: compare" in said and new not in said
        )
        shorter = cut(file, 1)
        assert case.verify(shorter, heads=False) == 0, "the control"
        assert case.verify(shorter) == TrustError.exit_code, (
            "by the old label too, though the new key told it"
        )
    owner, kept = heads_file.read(case.heads)
    for key in (old, new):
        case.heads.write_bytes(b"\n".join(map(msgspec.json.encode, (owner, kept[key]))))
        assert case.verify(file) == 0, "heads of one key are enough"


def test_who_has_the_new_key_alone_makes_no_history_before_it_that_passes(case, capsys):
    """He makes up a key before, lets it name the new one, and tells the advocate a head of what follows."""
    case.fingerprint = rotated(case)
    stolen, made_up = load_unit_keys(case.rig.folder / "keys").signing, SigningKey.generate()
    keys = {"before": made_up.verify_key.raw.hex(), "key": stolen.verify_key.raw.hex()}
    start = {"what": "start", "site": "test", "unit": "u-1"}
    head, links = FIRST_HEAD, []
    for index, (key, said) in enumerate(
        ((made_up, start), (made_up, {"what": KEYS_ROTATED} | keys), (stolen, start)), 1
    ):
        body, salt = msgspec.json.encode(said), bytes(16)
        head = head_of(head, index, index, leaf_of(salt, body))
        signature = key.sign(signed_part(index, head))
        links.append(audit_file.link_of(Audited(index, index, body, salt, head, signature)))
    forged = case.folder / "forged.audit"
    first = audit_file.Head(audit_file.KIND, "test", "u-1", stolen.verify_key.raw.hex())
    forged.write_bytes(audit_file.write(first, links))
    capsys.readouterr()
    assert case.verify(forged, heads=False) == 0, "the control: by itself it is whole"
    assert f"its key before, {made_up.verify_key.fingerprint}: compare" in capsys.readouterr().out
    assert case.verify(forged) == TrustError.exit_code
    owner, kept = heads_file.read(case.heads)
    kept[case.fingerprint].told = [heads_file.Told(1, head.hex())]
    case.heads.write_bytes(b"\n".join(map(msgspec.json.encode, (owner, *kept.values()))))
    capsys.readouterr()
    assert case.verify(forged) == TrustError.exit_code
    assert "CUT OFF OR REWRITTEN" in capsys.readouterr().err


@pytest.mark.parametrize("links", [1, 3])
def test_last_links_left_out_are_noticed_with_the_heads_and_not_without(case, capsys, links):
    case.live(2)
    case.listen(case.record())
    shorter = cut(case.export(), links)
    assert case.verify(shorter, heads=False) == 0, "the control: alone, the shortened file is whole"
    capsys.readouterr()
    assert case.verify(shorter) == TrustError.exit_code
    assert "CUT OFF" in capsys.readouterr().err


def test_a_file_cut_before_all_that_he_was_told(case, capsys):
    case.live(2)
    case.listen(case.record())
    file = case.export()
    shorter = cut(file, len(file.read_text().splitlines()) - 2)
    assert case.verify(shorter, heads=False) == 0
    assert case.verify(shorter) == TrustError.exit_code
    assert "CUT OFF" in capsys.readouterr().err


def test_the_chain_of_an_older_card_is_noticed_with_the_heads_and_not_without(case, capsys):
    """A copy of the card lives another life, under the same key; what its gateway holds is exported."""
    case.live()
    first = case.record()
    case.rig.unit.close()
    shutil.copytree(case.rig.folder / "state", case.folder / "copy")
    case.rig.start()
    case.live(3)
    second = case.record()
    assert case.listen(first, second) == 0
    case.rig.unit.close()
    shutil.rmtree(case.rig.folder / "state")
    shutil.copytree(case.folder / "copy", case.rig.folder / "state")
    case.rig.start()
    case.rig.beat(2)
    other = case.export()
    assert case.verify(other, heads=False) == 0, "the control: it is signed by this unit, link by link"
    capsys.readouterr()
    assert case.verify(other) == TrustError.exit_code
    said = capsys.readouterr().err
    assert "REWRITTEN after link" in said or "CUT OFF" in said


def test_another_units_fingerprint_has_no_heads(case, capsys):
    case.listen(case.record())
    file = case.export()
    path, kept = case.heads, case.heads.read_text()
    path.write_text(kept.replace(case.fingerprint, "-".join(["aaaa"] * 8)))
    assert case.verify(file) == TrustError.exit_code
    assert "no head of this unit" in capsys.readouterr().err


def test_a_unit_that_told_nothing_is_held_to_nothing(case, capsys):
    """Heard of, and nothing known."""
    file = case.export()
    owner = heads_file.Owner(heads_file.KIND, "test", "ann")
    kept = heads_file.HeadsFile(case.heads, owner, open_site(case.site).enrolments())
    kept.of("u-1")
    kept.write()
    assert case.verify(file) == TrustError.exit_code
    assert "no head of this unit" in capsys.readouterr().err


def test_a_replayed_record_and_a_forged_one_tell_nothing(case, capsys):
    first = case.record()
    case.live()
    second = case.record()
    forged = bytearray(case.record())
    forged[-1] ^= 1
    assert case.listen(first, second, first, bytes(forged)) == 0
    before = case.told()
    assert len(before) == 2
    assert case.listen(first, second) == 0, "another run remembers what it has seen"
    assert case.told() == before
    assert "signature: 1" in capsys.readouterr().err


def test_a_late_record_does_not_put_heads_out_of_order(case):
    first = case.record()
    case.live()
    second = case.record()
    assert case.listen(second, first) == 0
    assert len(case.told()) == 1
    assert case.verify(case.export()) == 0


def test_junk_between_the_records_of_a_capture_is_passed_over(case):
    first = case.record()
    case.live()
    assert case.listen(b"junk", first, b"STLRjunk", first[:700], case.record(), b"STL") == 0
    assert len(case.told()) == 2


def test_his_key_opens_nothing_and_others_keys_are_no_advocates(case, capsys):
    record = case.record()
    boxes = load_keys(case.key, "advocate").boxes
    assert boxes and all(not box.open(record[1000:1080]) for box in boxes)
    assert case.listen(record, key=case.site / "gateway/gateway.key") == TrustError.exit_code
    assert "a key for the role gateway, where one for advocate is needed" in capsys.readouterr().err


def test_who_is_not_named_any_more_is_told_nothing_and_is_told_why(case, capsys):
    assert cli("site", "advocate", "set", case.site, "--unit", case.rig.folder) == 0
    assert "nobody is told the audit heads; no longer advocate: ann" in capsys.readouterr().err
    case.rig.beat()
    assert case.listen(case.record()) == 0
    assert "recipient: 1: the roster that this unit has does not name you" in capsys.readouterr().err
    assert heads_file.read(case.heads)[1][case.fingerprint].told == []


def test_the_roster_rises_where_it_says_something_else_and_only_there(case):
    version = open_site(case.site).roster().version
    assert version == 2
    assert cli("site", "advocate", "set", case.site, case.public) == 0
    assert open_site(case.site).roster().version == version
    command("site", "renew", case.site, case.rig.folder)
    roster = open_site(case.site).roster()
    assert roster.version == version + 1 and [one.name for one in roster.advocates] == ["ann"]


@pytest.mark.parametrize("units", [(), ("u-1",), ("folder",)])
def test_set_goes_to_units_that_are_not_at_hand_through_the_gateway(case, units):
    command("make", "unit", case.folder / "two", "--site", case.site, "--unit", "u-2", "--profile", "lab")
    before = (case.rig.folder / "trust/roster.note").read_bytes()
    named = [word for unit in units for word in ("--unit", case.rig.folder if unit == "folder" else unit)]
    assert cli("site", "advocate", "set", case.site, *named, "--send") == 0
    site = open_site(case.site)
    told = {unit: list((site.commands_dir / unit).glob("*.note")) for unit in ("u-1", "u-2")}
    assert [unit for unit, notes in told.items() if notes] == (["u-1"] if units else ["u-1", "u-2"])
    (note,) = told["u-1"]
    assert note.name == "roster-3.note" and note.read_bytes() == site.roster_file.read_bytes()
    assert (case.rig.folder / "trust/roster.note").read_bytes() == before, "its own folder is left alone"


def test_set_for_a_unit_that_is_not_enrolled_signs_nothing(case):
    version = open_site(case.site).roster().version
    for words in (("--unit", "u-9", "--send"), ("--unit", case.folder / "nowhere")):
        assert cli("site", "advocate", "set", case.site, *words) in (3, 6)
    assert open_site(case.site).roster().version == version


def test_what_is_handed_over_holds_no_secret_of_the_site(case):
    names = {str(path.relative_to(case.handed)) for path in case.handed.rglob("*") if path.is_file()}
    assert names == {"site.toml", "authority/authority.pub", "units/u-1.note"}


def spoiled(text: bytes, how: str) -> bytes:
    line, _, note = text.partition(b"\n")
    return {
        "empty": b"",
        "no note": line + b"\n",
        "no key": note,
        "altered": text.replace(b'"advocate"', b'"gateway"'),
        "cut": text[:-30],
        "huge": text + b"x" * 20_000,
        "bytes": b"\xff\xfe" * 50,
    }[how]


@pytest.mark.parametrize("how", ["empty", "no note", "no key", "altered", "cut", "huge", "bytes"])
def test_what_is_no_public_file_is_one_line_and_changes_nothing(case, capsys, how):
    before = (case.site / "roster.note").read_bytes()
    case.public.write_bytes(spoiled(case.public.read_bytes(), how))
    capsys.readouterr()
    assert cli("site", "advocate", "set", case.site, case.public) == TrustError.exit_code
    assert capsys.readouterr().err.count("\n") == 1
    assert (case.site / "roster.note").read_bytes() == before


def test_who_cannot_be_named(case, capsys, tmp_path):
    command("site", "advocate", "new", tmp_path / "o", "--site", "other", "--name", "bob")
    assert cli("site", "advocate", "set", case.site, tmp_path / "o/bob.pub") == TrustError.exit_code
    assert "of site 'other'" in capsys.readouterr().err
    assert cli("site", "advocate", "set", case.site, case.public, case.public) == ConfigError.exit_code
    many = []
    for i in range(7):
        command("site", "advocate", "new", tmp_path / "m", "--site", "test", "--name", f"m-{i}")
        many.append(tmp_path / f"m/m-{i}.pub")
    assert cli("site", "advocate", "set", case.site, *many) == ConfigError.exit_code
    assert "at most 8 recipients of records" in capsys.readouterr().err
    for name in ("board", "advocate", "Ann"):
        words = ("site", "advocate", "new", tmp_path / "n", "--site", "test", "--name", name)
        assert cli(*words) == ConfigError.exit_code


@pytest.mark.parametrize(
    "content", [b"", b"junk", b"{}", b'{"stillroom":"audit/1","site":"test","advocate":"ann"}', b"\xff"]
)
def test_what_is_no_file_of_heads_is_one_line(case, capsys, content):
    record = case.record()
    file = case.export()
    case.heads.write_bytes(content)
    for doing in (lambda: case.verify(file), lambda: case.listen(record)):
        capsys.readouterr()
        assert doing() == InputError.exit_code
        assert capsys.readouterr().err.count("\n") == 1
    assert case.heads.read_bytes() == content


def test_a_file_of_another_advocate_is_not_gone_on_with(case, capsys):
    case.listen(case.record())
    case.heads.write_text(case.heads.read_text().replace('"ann"', '"bob"'))
    assert case.listen(case.record()) == TrustError.exit_code
    assert "name another file" in capsys.readouterr().err


def test_the_file_stays_small(monkeypatch):
    monkeypatch.setattr(heads_file, "MAX_HEADS", 100)
    kept = heads_file.Heads("u-1", "-".join(["aaaa"] * 8))
    for minute in range(1, 3_000):
        assert kept.add(minute.to_bytes(32, "big"), minute * 60_000)
    assert len(kept.told) <= 150
    assert [one.at_ms for one in kept.told] == sorted(one.at_ms for one in kept.told)
    assert len({one.at_ms // heads_file.HOUR_MS for one in kept.told}) == 50, "no hour is without one"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveSite]:
    one = LiveSite(tmp_path)
    one.add_unit()
    yield one
    one.end()


@needs_broker
def test_from_a_real_unit_over_a_real_broker_to_a_shortened_file(live, tmp_path, capsys):
    """Named while the unit runs; the roster goes by the gateway; he listens with what he was handed, and no more."""
    live.start()
    until(lambda: live.has("gate", gate="open"), "an open gate")
    own, heads = tmp_path / "own", tmp_path / "own/heads"
    command("site", "advocate", "new", own, "--site", "test", "--name", "ann")
    command("site", "advocate", "set", live.site, own / "ann.pub")
    command("site", "renew", live.site, "unit-1", "--send")
    handed = tmp_path / "handed"
    shutil.copytree(live.site / "advocates/ann", handed)
    words = ["site", "advocate", "heads", handed, "--key", own / "ann.key", "--heads", heads]
    with (own / "log").open("wb") as log:
        listening = subprocess.Popen(
            [sys.executable, "-m", "stillroom", *map(str, words)], stdout=log, stderr=log
        )
    try:
        until(lambda: live.has("receipt", kind="roster", outcome="done"), "the roster's receipt")
        until(lambda: heads.exists() and b"told" in heads.read_bytes(), "a head")
        command("site", "authorise", "withdraw", live.units[0].folder, "--site", live.site)
        until(lambda: live.has("gate", gate="withdrawn"), "the end of the authorisation")
        live.settle()
        newest = max(line.event["index"] for line in live.lines if line.event["type"] == "audit")
    finally:
        listening.send_signal(signal.SIGTERM)
        assert listening.wait(WITHIN_S) == 0, (own / "log").read_text()
    (found,) = heads_file.read(heads)[1].values()
    assert found.told
    file = tmp_path / "unit-1.audit"
    command("site", "audit", "export", "unit-1", "--site", live.site, "--out", file)
    rows = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    place = next(row["index"] for row in rows if row["head"] == found.told[-1].head)
    key = VerifyKey(open_site(live.site).enrolment("unit-1").sign).fingerprint
    verify = ("site", "audit", "verify", "--fingerprint", key)
    assert newest >= place > 1
    assert cli(*verify, file, "--heads", heads) == 0
    shorter = cut(file, len(rows) - place + 1)
    assert cli(*verify, shorter) == 0, "the control"
    assert cli(*verify, shorter, "--heads", heads) == TrustError.exit_code
    assert "CUT OFF after link" in capsys.readouterr().err

"""A facility lets a batch in: all of it or nothing, each unit once; and its papers fit the unit they are for alone."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from interrupted import made_up
from making import batch_of, contents, made_batch, maker_key, refused, start_units, stillroom

from stillroom import config
from stillroom.clock import SystemClock
from stillroom.keeper.roster import load_roster
from stillroom.keeper.seal import Sealer
from stillroom.keys import KeyRing, SigningKey, load_unit_keys
from stillroom.receiver import MemoryStore, Receiver
from stillroom_tools.make import batch_simulated, card, certificate_request, identity, manifest
from stillroom_tools.make import enrol as enrol_command
from stillroom_tools.make.batch_journal import open_batch
from stillroom_tools.site.layout import open_site


@pytest.fixture
def site(tmp_path: Path) -> Path:
    stillroom("site", "new", tmp_path / "site", "--site", "ward-7", "--broker-host", "broker.example")
    return tmp_path / "site"


def fingerprint(batch: Path) -> str:
    return manifest.read_signer(batch / "handover" / manifest.MAKER).fingerprint


def enrol(batch: Path, site: Path) -> int:
    return stillroom("make", "enrol", batch / "handover", "--site", site, "--fingerprint", fingerprint(batch))


def test_enrolled_given_papers_and_heard(
    tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from parties import body

    batch = made_batch(tmp_path)
    assert enrol(batch, site) == 0
    place = open_site(site)
    assert len(place.enrolments()) == 3
    assert len((next((site / "papers").glob("*.csv"))).read_text().splitlines()) == 4
    for unit in sorted((tmp_path / "boards").iterdir()):
        where = tmp_path / f"card-{unit.name}"
        shutil.copytree(_card_of(batch, unit.name), where)
        shutil.copytree(site / "papers" / unit.name, where / card.PAPERS)
        for how in ("papers: done", "papers: again"):
            capsys.readouterr()
            assert stillroom("make", "unit", unit, "--card", where) == 0
            assert how in capsys.readouterr().err
        assert config.load(unit / "unit.toml").broker.host == "broker.example"
        sealer = Sealer(
            load_unit_keys(unit / "keys"),
            load_roster(config.load(unit / "unit.toml"), SystemClock()),
            1,
            SystemClock(),
        )
        receiver = Receiver(place.enrolments(), place.keys("gateway").boxes, MemoryStore())
        assert receiver.open(sealer.seal(body())).unit == unit.name
        assert b"PRIVATE" not in b"".join(contents(site / "papers" / unit.name).values())
    unit = (tmp_path / "boards") / open_batch(batch).plan.units[0].unit
    for serial, code in (("SN-1", 0), ("SN-7", 6)):
        label = (unit, "--serial", serial, "--model", "ROOM-1", "--out", tmp_path / serial)
        assert stillroom("make", "label", "new", *label) == 0
        sheet = tmp_path / serial / f"{serial}.pdf"
        assert stillroom("make", "label", "verify", sheet, "--site", site) == code, "as the batch's list says"
    assert "says ROOM-1 SN-7, and that is ROOM-1 SN-1" in capsys.readouterr().err
    before = contents(site)
    assert enrol(batch, site) == 0
    assert "0 enrolled, 3 again" in capsys.readouterr().err and contents(site) == before


def _card_of(batch: Path, unit: str) -> Path:
    return next(place for place in (batch / "cards").iterdir() if card.read_ticket(place).unit == unit)


def test_anothers_papers_are_not_taken(
    tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = made_batch(tmp_path, 2)
    enrol(batch, site)
    first, second = sorted((tmp_path / "boards").iterdir())
    shutil.copytree(site / "papers" / second.name, _card_of(batch, first.name) / card.PAPERS)
    arguments = ("make", "unit", first, "--card", _card_of(batch, first.name))
    before = contents(first)
    assert f"papers of unit '{second.name}'" in refused(capsys, 6, *arguments)
    papers = _card_of(batch, first.name) / card.PAPERS
    shutil.rmtree(papers)
    shutil.copytree(site / "papers" / first.name, papers)
    (papers / "roster.note").unlink()
    assert "the papers lack roster.note" in refused(capsys, 6, *arguments)
    stillroom("site", "new", tmp_path / "twin", "--site", "ward-7")
    shutil.copy(site / "papers" / first.name / "roster.note", papers)
    shutil.copy(tmp_path / "twin/authority/authority.pub", papers)
    assert "not signed by ward-7/authority" in refused(capsys, 6, *arguments)
    assert contents(first) == before
    shutil.copy(site / "authority/authority.pub", papers)
    assert stillroom(*arguments) == 0


def test_nothing_is_enrolled_where_anything_is_wrong(
    tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = made_batch(tmp_path, 3)
    units = sorted(unit.name for unit in (tmp_path / "boards").iterdir())
    stillroom("make", "unit", tmp_path / "taken", "--site", site, "--unit", units[0])
    stillroom("make", "unit", tmp_path / "gone", "--site", site, "--unit", units[1])
    before = contents(site)
    arguments = ("make", "enrol", batch / "handover", "--site", site, "--fingerprint", fingerprint(batch))
    said = refused(capsys, 6, *arguments)
    assert "nothing was enrolled" in said
    assert f"another unit has the id '{units[0]}'" in said and f"another unit has the id '{units[1]}'" in said
    assert contents(site) == before
    stillroom("site", "new", tmp_path / "other", "--site", "other")
    other = ("make", "enrol", batch / "handover", "--site", tmp_path / "other")
    said = refused(capsys, 6, *other, "--fingerprint", fingerprint(batch))
    assert "made for site 'ward-7', and this is 'other'" in said
    wrong = "aaaa-" * 7 + "aaaa"
    assert "ask the maker" in refused(capsys, 6, *other, "--fingerprint", wrong)
    assert "32 of a-z 2-7 are needed, as the maker tells" in refused(capsys, 3, *other, "--fingerprint", "x")


def test_all_that_is_wrong_is_in_one_line(
    tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = made_batch(tmp_path, 3)
    first, second, third = (one.unit for one in open_batch(batch).plan.units)
    handed, before = batch / "handover", contents(site)
    (handed / f"selftests/{first}.json").write_bytes(b"{")
    (handed / f"units/{first}.csr").unlink()
    (handed / f"units/{second}.note").write_bytes((handed / f"units/{second}.note").read_bytes()[:90])
    (handed / f"units/{third}.csr").write_bytes((handed / f"units/{second}.csr").read_bytes())
    stillroom("make", "unit", tmp_path / "taken", "--site", site, "--unit", third)
    before = contents(site)
    said = refused(capsys, 6, "make", "enrol", handed, "--site", site, "--fingerprint", fingerprint(batch))
    for text in (
        f"SN-1: {handed}/selftests/{first}.json: not a report",
        f"SN-1: {handed}/units/{first}.csr: cannot be read",
        f"SN-2: {handed}/units/{second}.note: ",
        f"SN-3: {handed}/units/{third}.csr: not the file that the manifest names",
        f"SN-3: {site}/units/{third}.note: another unit has the id",
    ):
        assert said.count(text) == 1, said
    assert contents(site) == before


@pytest.mark.parametrize("ending", ["note", "csr"])
def test_what_was_checked_is_what_is_enrolled(
    tmp_path: Path,
    site: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ending: str,
) -> None:
    """Whoever can write where the handover lies swaps a file when all was found right; his are whole in themselves."""
    batch = made_batch(tmp_path, 1)
    (made,) = open_batch(batch).plan.units
    stranger = KeyRing.generate("ward-7", "unit", made.unit)
    swapped = {
        "note": identity.request(stranger),
        "csr": certificate_request.request_pem(SigningKey.generate(), made.unit),
    }
    place, check, before = (
        batch / f"handover/units/{made.unit}.{ending}",
        enrol_command.check_all,
        contents(site),
    )
    good = place.read_bytes()

    def check_and_swap(*given: Any) -> Any:
        found = check(*given)
        place.write_bytes(swapped[ending])
        return found

    with monkeypatch.context() as patch:
        patch.setattr(enrol_command, "check_all", check_and_swap)
        arguments = ("make", "enrol", batch / "handover", "--site", site, "--fingerprint", fingerprint(batch))
        assert f"{place}: not the file that the manifest names" in refused(capsys, 6, *arguments)
    assert contents(site) == before
    place.write_bytes(good)
    assert enrol(batch, site) == 0, "and with its own it is let in"


def test_simulated_units_are_let_in_by_who_says_so(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batch_simulated, "_test", made_up)
    batch, before = batch_of(tmp_path, 2), contents(site)
    assert stillroom("make", "batch", "run", batch, "--simulated", *maker_key(tmp_path)) == 0
    made, _ = manifest.read(batch / "handover", fingerprint(batch))
    assert [one.profile for one in made.units] == ["lab", "lab"]
    arguments = ("make", "enrol", batch / "handover", "--site", site, "--fingerprint", fingerprint(batch))
    said = refused(capsys, 6, *arguments)
    assert "SN-1, SN-2: simulated" in said and "add --simulated" in said
    assert contents(site) == before
    assert stillroom(*arguments, "--simulated") == 0
    assert "2 enrolled, 0 again (2 of them simulated)" in capsys.readouterr().err


def test_another_authority_enrols_nobody(
    tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = made_batch(tmp_path, 1)
    stillroom("site", "new", tmp_path / "twin", "--site", "ward-7")
    shutil.copy(tmp_path / "twin/authority/authority.key", site / "authority/authority.key")
    said = refused(
        capsys, 6, "make", "enrol", batch / "handover", "--site", site, "--fingerprint", fingerprint(batch)
    )
    assert "not the authority of this site" in said
    assert open_site(site).enrolments() == ()


def test_a_unit_twice_is_refused(tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same board, made once more under another id: one key, two names."""
    batch = made_batch(tmp_path, 1)
    enrol(batch, site)
    (board,) = (tmp_path / "boards").iterdir()
    again = tmp_path / "again"
    again.mkdir()
    second = batch_of(again, 1)
    stillroom("make", "batch", "run", second)
    (place,) = (second / "cards").iterdir()
    shutil.copytree(board, again / "boards" / card.read_ticket(place).unit)
    said = refused(
        capsys, 3, "make", "unit", again / "boards" / card.read_ticket(place).unit, "--card", place
    )
    assert f"the unit '{board.name}' is here" in said, "the board knows who it is"
    shutil.rmtree(again / "boards")
    start_units(second, again / "boards")
    stillroom("make", "batch", "run", second, *maker_key(again))
    assert enrol(second, site) == 0, "with keys of its own it is another unit"
    stillroom("make", "revoke", board.name, "--site", site)
    said = refused(
        capsys, 6, "make", "enrol", batch / "handover", "--site", site, "--fingerprint", fingerprint(batch)
    )
    assert "was retired (revoked, lost)" in said

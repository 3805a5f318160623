"""The unit's trust folder: what is accepted from it, and what is refused in one line and allows nothing."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from parties import AUTHORITY, DAY, GATEWAY, NOON, HandClock, recipient, ring, roster
from parties import authorisation as paper

from stillroom.config import Paths, UnitConfig
from stillroom.documents import Authorisation, Roster, Withdrawal
from stillroom.errors import TrustError
from stillroom.files import MAX_FILE_BYTES
from stillroom.keeper.authorisation import MAX_FILES, Papers, Refused, TrustFolder, load_papers
from stillroom.keeper.roster import load_roster
from stillroom.keys import KeyRing
from stillroom.notes import sign_note, signer_of

OTHER_AUTHORITY = ring("authority", "authority", 0, site="other")


def unit_of(trust: Path, authority: str = signer_of(AUTHORITY).text) -> UnitConfig:
    return UnitConfig("demo", "u-1", authority, paths=Paths(trust=str(trust)))


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    (tmp_path / "roster.note").write_bytes(sign_note("roster", roster(), [AUTHORITY]))
    for name in ("authorisations", "withdrawals"):
        (tmp_path / name).mkdir()
    return tmp_path


def put(
    trust: Path, document: Authorisation | Withdrawal | Roster, by: KeyRing = AUTHORITY, name: str = ""
) -> Path:
    if isinstance(document, Roster):
        path = trust / "roster.note"
        path.write_bytes(sign_note("roster", document, [by]))
        return path
    kind, folder, own = (
        ("authorisation", "authorisations", document.id)
        if isinstance(document, Authorisation)
        else ("withdrawal", "withdrawals", document.authorisation)
    )
    path = trust / folder / f"{name or own}.note"
    path.write_bytes(sign_note(kind, document, [by]))
    return path


def withdrawal(name: str, unit: str = "u-1") -> Withdrawal:
    return Withdrawal(authorisation=name, site="demo", unit=unit, at=NOON)


def refused_with(trust: Path, code: str) -> None:
    papers = load_papers(unit_of(trust), ())
    assert papers.authorisations == ()
    assert [refused.code for refused in papers.refused] == [code]


def test_the_roster_in_force(trust: Path) -> None:
    assert load_roster(unit_of(trust), HandClock()) == roster()
    assert load_roster(unit_of(trust), HandClock(), newest_version=1) == roster()


@pytest.mark.parametrize(
    ("put_there", "text"),
    [
        (roster(version=1), "version 1, but 2 was accepted before"),
        (roster(version=2, until=NOON), "roster expired on 2026-11-22T12:00:00Z"),
        (roster(version=2, start=NOON + timedelta(seconds=1)), "check the clock"),
        (roster(version=2, site="other"), "of site 'other'"),
    ],
    ids=["regressed", "expired", "future", "other site"],
)
def test_a_roster_that_is_not_in_force(trust: Path, put_there: Roster, text: str) -> None:
    path = put(trust, put_there)
    with pytest.raises(TrustError, match=text) as caught:
        load_roster(unit_of(trust), HandClock(), newest_version=2)
    assert str(caught.value).startswith(f"{path}: ")
    put(trust, roster(version=2))
    assert load_roster(unit_of(trust), HandClock(), newest_version=2).version == 2


def test_a_forged_roster_is_refused(trust: Path) -> None:
    put(trust, roster(recipient(GATEWAY)), OTHER_AUTHORITY)
    with pytest.raises(TrustError, match="not signed by demo/authority"):
        load_roster(unit_of(trust), HandClock())


@pytest.mark.parametrize("damage", ["absent", "empty", "truncated", "enormous", "folder", "link"])
def test_a_damaged_roster_is_one_line(trust: Path, damage: str) -> None:
    path = trust / "roster.note"
    data = path.read_bytes()
    path.unlink()
    if damage == "link":
        (trust / "elsewhere").write_bytes(data)
        path.symlink_to(trust / "elsewhere")
    elif damage == "folder":
        path.mkdir()
    elif damage != "absent":
        changed = {"empty": b"", "truncated": data[:-20], "enormous": data + b"x" * MAX_FILE_BYTES}
        path.write_bytes(changed[damage])
    with pytest.raises(TrustError) as caught:
        load_roster(unit_of(trust), HandClock())
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).count(str(path)) == 1
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("authority", "text"),
    [
        ("", "is empty: this unit is of no site yet"),
        (signer_of(AUTHORITY).text.replace("+", "+0", 1), "copied wrongly"),
        (signer_of(OTHER_AUTHORITY).text, "of site 'other', and 'site' is 'demo'"),
        (signer_of(ring("authority", "authority", 1)).text.replace("authority", "twin"), "copied wrongly"),
    ],
    ids=["none", "hash", "site", "name"],
)
def test_an_authority_that_cannot_be_obeyed(trust: Path, authority: str, text: str) -> None:
    for read in (lambda unit: load_roster(unit, HandClock()), lambda unit: load_papers(unit, ())):
        with pytest.raises(TrustError, match=text) as caught:
            read(unit_of(trust, authority))
        assert "key 'authority'" in str(caught.value) and "\n" not in str(caught.value)


def test_a_unit_of_an_earlier_version_is_told_where_its_authority_lies(trust: Path) -> None:
    (trust / "authority.pub").write_text(signer_of(AUTHORITY).text)
    with pytest.raises(TrustError, match=r"check .*--authority FINGERPRINT' moves it") as caught:
        load_roster(unit_of(trust, ""), HandClock())
    assert str(trust / "authority.pub") in str(caught.value) and "\n" not in str(caught.value)


def test_authorisations_for_this_unit(trust: Path) -> None:
    put(trust, paper("a-1", scopes=("status", "pulse")))
    put(trust, paper("a-2", start=NOON + DAY, until=NOON + 29 * DAY))
    put(trust, withdrawal("a-2"))
    papers = load_papers(unit_of(trust), ())
    assert [(a.id, a.scopes, a.room) for a in papers.authorisations] == [
        ("a-1", ("status", "pulse"), "room-1"),
        ("a-2", ("status",), "room-1"),
    ]
    assert papers.authorisations[0] == paper("a-1", scopes=("status", "pulse"))
    assert papers.withdrawn == {"a-2"}
    assert papers.refused == ()


def test_forged_or_foreign_papers_allow_nothing(trust: Path) -> None:
    path = put(trust, paper(), OTHER_AUTHORITY)
    refused_with(trust, "signer")
    put(trust, paper(unit="u-2"))
    refused_with(trust, "unit")
    put(trust, paper(site="other"))
    refused_with(trust, "unit")
    path.write_bytes(sign_note("withdrawal", withdrawal("a-1"), [AUTHORITY]))
    refused_with(trust, "kind")
    good = sign_note("authorisation", paper(), [AUTHORITY])
    path.write_bytes(good.replace(b'"room-1"', b'"room-2"'))
    refused_with(trust, "signature")
    path.write_bytes(good[:-9])
    refused_with(trust, "form")
    path.write_bytes(good)
    assert [a.id for a in load_papers(unit_of(trust), ()).authorisations] == ["a-1"]


def test_a_forged_withdrawal_ends_nothing(trust: Path) -> None:
    put(trust, paper())
    put(trust, withdrawal("a-1"), OTHER_AUTHORITY)
    put(trust, withdrawal("a-1", unit="u-2"), name="other")
    papers = load_papers(unit_of(trust), ())
    assert papers.withdrawn == frozenset()
    assert sorted(refused.code for refused in papers.refused) == ["signer", "unit"]
    put(trust, withdrawal("a-1"))
    assert load_papers(unit_of(trust), ()).withdrawn == {"a-1"}


def test_one_bad_file_does_not_hide_the_others(trust: Path) -> None:
    put(trust, paper("a-1"))
    (trust / "authorisations" / "a-0.note").write_bytes(b"junk")
    (trust / "authorisations" / "a-3.note").mkdir()
    (trust / "authorisations" / "big.note").write_bytes(b"x" * 10**6)
    os.mkfifo(trust / "authorisations" / "pipe.note")
    (trust / "authorisations" / ".a-9.note.part").write_bytes(b"half written")
    papers = load_papers(unit_of(trust), ())
    assert [a.id for a in papers.authorisations] == ["a-1"]
    codes = {refused.file: refused.code for refused in papers.refused}
    assert codes == {"a-0.note": "form", "a-3.note": "file", "big.note": "file", "pipe.note": "file"}


def test_a_crowded_folder_allows_nothing(trust: Path) -> None:
    put(trust, paper())
    for number in range(MAX_FILES):
        (trust / "authorisations" / f"x-{number}.note").touch()
    papers = load_papers(unit_of(trust), ())
    assert papers == Papers((), frozenset(), papers.refused)
    assert [refused.file for refused in papers.refused] == ["authorisations"]
    (trust / "authorisations" / "x-0.note").unlink()
    assert len(load_papers(unit_of(trust), ()).authorisations) == 1


def test_an_absent_folder_allows_nothing(trust: Path) -> None:
    (trust / "authorisations").rmdir()
    refused_with(trust, "file")


def test_polling_sees_each_change_and_reads_nothing_twice(
    trust: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = TrustFolder(unit_of(trust))
    assert folder.poll(()) == Papers()
    path = put(trust, paper())
    first = folder.poll(())
    assert [a.id for a in first.authorisations] == ["a-1"]
    assert folder.poll(()) is first
    put(trust, withdrawal("a-1"))
    assert folder.poll(()).withdrawn == {"a-1"}
    path.unlink()
    assert folder.poll(()).authorisations == ()
    trust.rename(trust.with_name("hidden"))
    for _ in range(2):
        with pytest.raises(TrustError, match="cannot be read"):
            folder.poll(())


def test_what_was_refused_says_which_file_and_why(trust: Path) -> None:
    put(trust, paper(unit="u-2"))
    refused = load_papers(unit_of(trust), ()).refused
    assert refused == (Refused("a-1.note", "for unit 'demo/u-2', not for this one", "unit"),)

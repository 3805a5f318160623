"""`stillroom site authorise` and `withdraw`: what the unit then reads, and what is refused before signing."""

import shutil
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from parties import command

from stillroom.clock import SystemClock
from stillroom.config import load
from stillroom.document_forms import to_ms
from stillroom.documents import Authorisation, read_document
from stillroom.errors import ConfigError, StorageError, TrustError
from stillroom.keeper.authorisation import load_papers
from stillroom_tools.make import commands as make_commands
from stillroom_tools.site import commands
from stillroom_tools.site.layout import open_site


class Ward:
    """A site and its unit `u-1` in two folders."""

    def __init__(self, folder: Path) -> None:
        self.site, self.unit = folder / "site", folder / "unit"
        command(commands, "new", self.site, "--site", "demo")
        command(make_commands, "unit", self.unit, "--site", self.site, "--unit", "u-1")

    def authorise(self, *more: object) -> int:
        plain = ("--site", self.site, "--room", "room-1", "--days", "7")
        return command(commands, "authorise", "new", self.unit, *plain, *more)

    def withdraw(self, *more: object) -> int:
        return command(commands, "authorise", "withdraw", self.unit, "--site", self.site, *more)

    def papers(self):
        return load_papers(load(self.unit / "unit.toml"), ())

    def files(self) -> set[str]:
        return {str(p.relative_to(self.site.parent)) for p in self.site.parent.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Ward:
    return Ward(tmp_path_factory.mktemp("ward"))


@pytest.fixture
def ward(made: Ward, tmp_path: Path) -> Ward:
    """A copy of one made earlier: quicker, and as a site that was moved."""
    copy = Ward.__new__(Ward)
    copy.site, copy.unit = tmp_path / "site", tmp_path / "unit"
    shutil.copytree(made.site, copy.site)
    shutil.copytree(made.unit, copy.unit)
    return copy


def test_the_unit_reads_what_was_signed(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    before = SystemClock().utc_ms()
    assert ward.authorise("--scopes", "pulse,status", "--purpose", "falls") == 0
    name = capsys.readouterr().out.strip()
    papers = ward.papers()
    assert papers.refused == ()
    (paper,) = papers.authorisations
    assert (paper.id, paper.site, paper.unit, paper.room) == (name, "demo", "u-1", "room-1")
    assert (paper.scopes, paper.purpose) == (("status", "pulse"), "falls")
    assert before - 1000 <= to_ms(paper.start) <= SystemClock().utc_ms()
    assert paper.until - paper.start == timedelta(days=7) == paper.review_by - paper.start
    assert [p.id for p in open_site(ward.site).authorisations("u-1")] == [name]


def test_each_is_another_one(ward: Ward) -> None:
    ward.authorise()
    ward.authorise()
    assert len({a.id for a in ward.papers().authorisations}) == 2


@pytest.mark.parametrize(("days", "seconds"), [("28", 28 * 86_400), ("0.5", 43_200), ("0.0001", 8)])
def test_days_at_their_edges(ward: Ward, days: str, seconds: int) -> None:
    assert ward.authorise("--days", days) == 0
    (paper,) = ward.papers().authorisations
    assert paper.until - paper.start == timedelta(seconds=seconds)


BAD = [
    (("--days", "0"), "at most 28"),
    (("--days=-1",), "at most 28"),
    (("--days", "28.0001"), "at most 28"),
    (("--days", "0.00001"), "at most 28"),
    (("--days", "nan"), "at most 28"),
    (("--days", "inf"), "at most 28"),
    (("--days", "1e300"), "at most 28"),
    (("--scopes", "status,video"), "status, and any of breathing, pulse"),
    (("--scopes", ""), "status, and any of"),
    (("--scopes", ","), "status, and any of"),
    (("--scopes", "pulse"), "status, and any of"),
    (("--view-seconds", "5"), "only with scope view"),
    (("--scopes", "status,view-figure", "--view-seconds", "61"), "each 1 to 60"),
    (("--scopes", "status,view-picture", "--looks-per-hour", "0"), "each 1 to 60"),
    (("--review-days", "8"), "not after its end"),
    (("--review-days", "0"), "at most 28"),
    (("--from", "tomorrow"), "UTC to the second"),
    (("--from", "2026-11-22T08:00:00+01:00"), "UTC to the second"),
    (("--from", "2020-01-01T00:00:00Z"), "would be over"),
    (("--consent", "Mrs Smith said yes"), "1 to 48 of a-z"),
    (("--consent", ""), "1 to 48 of a-z"),
    (("--room", "Room 1"), "1 to 48 of a-z"),
    (("--room", ""), "1 to 48 of a-z"),
    (("--room", "a" * 49), "1 to 48 of a-z"),
    (("--room", "../x"), "1 to 48 of a-z"),
    (("--purpose", "because we want"), "1 to 48 of a-z"),
]


@pytest.mark.parametrize(("arguments", "text"), BAD)
def test_bad_arguments_sign_nothing(ward: Ward, arguments: tuple[str, ...], text: str) -> None:
    before = ward.files()
    with pytest.raises(ConfigError, match=text):
        ward.authorise(*arguments)
    assert ward.files() == before


def test_a_unit_that_is_not_enrolled(ward: Ward) -> None:
    (ward.site / "units/u-1.note").unlink()
    with pytest.raises(TrustError, match="'u-1' is not enrolled in site 'demo'"):
        ward.authorise()
    assert ward.papers().authorisations == ()


def test_a_unit_of_another_site(ward: Ward, tmp_path: Path) -> None:
    command(commands, "new", tmp_path / "other", "--site", "other")
    for name in ("new", "withdraw"):
        more = ("--room", "r", "--days", "1") if name == "new" else ()
        with pytest.raises(ConfigError, match=r"a unit of site 'demo', and .* is 'other'"):
            command(commands, "authorise", name, ward.unit, "--site", tmp_path / "other", *more)


def test_another_authority_of_the_same_name_is_refused_by_the_unit(ward: Ward, tmp_path: Path) -> None:
    command(commands, "new", tmp_path / "twin", "--site", "demo")
    command(make_commands, "unit", tmp_path / "twin-unit", "--site", tmp_path / "twin", "--unit", "u-1")
    twin = tmp_path / "twin-unit"
    command(commands, "authorise", "new", twin, "--site", tmp_path / "twin", "--room", "r", "--days", "1")
    [paper] = (twin / "trust/authorisations").glob("*.note")
    shutil.copy(paper, ward.unit / "trust/authorisations")
    papers = ward.papers()
    assert papers.authorisations == ()
    assert [refused.code for refused in papers.refused] == ["signer"]


@pytest.mark.parametrize("what", ["unit", "site"])
def test_folders_that_are_none(ward: Ward, tmp_path: Path, what: str) -> None:
    setattr(ward, what, tmp_path / "nothing")
    with pytest.raises(ConfigError, match=r"nothing"):
        ward.authorise()


@pytest.mark.parametrize("damage", ["absent", "readable", "truncated", "another"])
def test_an_authority_key_that_cannot_be_used(ward: Ward, tmp_path: Path, damage: str) -> None:
    path = ward.site / "authority/authority.key"
    if damage == "absent":
        path.unlink()
    elif damage == "readable":
        path.chmod(0o644)
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:50])
    else:
        command(commands, "new", tmp_path / "other", "--site", "demo")
        path.write_bytes((tmp_path / "other/authority/authority.key").read_bytes())
    before = ward.files()
    with pytest.raises(TrustError, match=r"authority\.key"):
        ward.authorise()
    assert ward.files() == before


@pytest.mark.parametrize("size", [0, 10, 200, 17_000])
def test_a_damaged_enrolment_is_one_line(ward: Ward, size: int) -> None:
    path = ward.site / "units/u-1.note"
    path.write_bytes((path.read_bytes() + b"x" * 17_000)[:size])
    with pytest.raises(TrustError, match=r"u-1\.note: (not a signed document|larger than)"):
        ward.authorise()


def test_an_enrolment_that_the_unit_did_not_sign(ward: Ward) -> None:
    path = ward.site / "units/u-1.note"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b" demo/u-1 " not in line))
    assert len(path.read_bytes().splitlines()) == len(lines) - 1
    with pytest.raises(TrustError, match="not signed by demo/u-1"):
        ward.authorise()


def test_withdrawing_all_that_stands(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    ward.authorise()
    ward.authorise()
    names = set(capsys.readouterr().out.split())
    assert ward.withdraw() == 0
    assert set(capsys.readouterr().out.split()) == names == ward.papers().withdrawn
    assert open_site(ward.site).withdrawn().keys() == names
    assert ward.withdraw() == 0
    again = capsys.readouterr()
    assert set(again.out.split()) == names
    assert "was withdrawn before; delivered again" in again.err


def test_a_withdrawal_that_did_not_reach_the_unit_reaches_it_the_next_time(ward: Ward) -> None:
    """The site has it, the unit has not: a folder that was away, a disk that refused."""
    ward.authorise()
    assert ward.withdraw() == 0
    for note in (ward.unit / "trust" / "withdrawals").iterdir():
        note.unlink()
    assert not ward.papers().withdrawn
    assert ward.withdraw() == 0
    assert len(ward.papers().withdrawn) == 1


def test_withdrawing_one_leaves_the_other(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    ward.authorise()
    name = capsys.readouterr().out.strip()
    ward.authorise()
    for _ in range(2):
        assert ward.withdraw("--id", name) == 0
        assert capsys.readouterr().out.split()[-1] == name
    assert ward.papers().withdrawn == {name}
    assert len(ward.papers().authorisations) == 2


@pytest.mark.parametrize("name", ["a-0000", "../../x", "A", ""])
def test_withdrawing_what_was_never_signed(ward: Ward, name: str) -> None:
    ward.authorise()
    before = ward.files()
    with pytest.raises(TrustError, match="never signed for unit 'u-1'; known: a-"):
        ward.withdraw("--id", name)
    assert ward.files() == before


def test_sent_again_it_says_who_will_tell_the_unit(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    ward.authorise()
    words = ("authorise", "withdraw", "u-1", "--site", ward.site)
    for said in ("is withdrawn", "was withdrawn before; the gateway tells it to the unit again"):
        command(commands, *words, "--send")
        assert said in capsys.readouterr().err


def test_an_enrolled_unit_that_is_not_at_hand_is_reached_with_send(ward: Ward) -> None:
    with pytest.raises(ConfigError, match=r"u-1: no folder here, but a unit of site 'demo': add --send"):
        command(commands, "authorise", "withdraw", "u-1", "--site", ward.site)
    with pytest.raises(ConfigError, match=r"u-9") as caught:
        command(commands, "authorise", "withdraw", "u-9", "--site", ward.site)
    assert "--send" not in str(caught.value), "nobody knows that one"


def test_withdrawing_nothing_where_nothing_stands(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    assert ward.withdraw() == 0
    assert "there is nothing to withdraw" in capsys.readouterr().err


def test_files_appear_whole(ward: Ward) -> None:
    """By rename: whoever polls the folder sees no half document, and no temporary file stays."""
    ward.authorise()
    ward.withdraw()
    for name in ("authorisations", "withdrawals"):
        paths = list((ward.unit / "trust" / name).iterdir())
        assert [path.suffix for path in paths] == [".note"]
        assert stat.S_IMODE(paths[0].stat().st_mode) == 0o644


def test_a_trust_folder_that_is_gone(ward: Ward) -> None:
    shutil.rmtree(ward.unit / "trust/authorisations")
    with pytest.raises(ConfigError, match="no such folder"):
        ward.authorise()
    (ward.unit / "trust/authorisations").write_text("a file")
    with pytest.raises((ConfigError, StorageError)):
        ward.authorise()


def test_the_archive_holds_the_same_bytes(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    ward.authorise()
    name = capsys.readouterr().out.strip()
    ours, theirs = (ward.site / "authorisations", ward.unit / "trust/authorisations")
    assert (ours / f"{name}.note").read_bytes() == (theirs / f"{name}.note").read_bytes()
    site = open_site(ward.site)
    paper = read_document(ours / f"{name}.note", Authorisation, [site.authority()])
    assert to_ms(paper.until) - to_ms(paper.start) == timedelta(days=7) // timedelta(milliseconds=1)

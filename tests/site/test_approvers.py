"""Two signers: who they are is signed, drafts go from hand to hand, and nothing less is believed by a unit."""

import hashlib
from pathlib import Path

import msgspec
import pytest
from live import command
from tests.rig import Rig

from stillroom.cli import main
from stillroom.documents import Authorisation, read_document
from stillroom.errors import ConfigError, TrustError
from stillroom.keys import KeyRing, load_keys
from stillroom.notes import sign_note
from stillroom_tools.site.layout import open_site
from stillroom_tools.site.public_file import write_public


class Ward:
    """A site with a running unit, and two approvers on machines of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rig = Rig(folder)
        self.site, self.unit = self.rig.site_folder, self.rig.folder
        self.draft = folder / "draft"
        for name in ("dr-a", "dr-b"):
            command("site", "approver", "new", folder / name, "--site", "test", "--name", name)

    def key(self, name: str) -> Path:
        return (
            self.site / "authority/authority.key"
            if name == "authority"
            else self.folder / name / f"{name}.key"
        )

    def set_approvers(self, *names: str, key: str = "") -> int:
        more = ["--key", self.key(key)] if key else []
        public = [self.folder / name / f"{name}.pub" for name in names]
        words = ["site", "approver", "set", self.site, *public, "--unit", self.unit, *more]
        return main([str(word) for word in words])

    def make_draft(self, *more: object) -> None:
        self.draft.unlink(missing_ok=True)
        words = ("--site", self.site, "--room", "r-1", "--days", 7, "--draft", self.draft)
        command("site", "authorise", "new", self.unit, *words, *more)

    def sign(self, *names: str) -> None:
        for name in names:
            command("site", "authorise", "sign", self.draft, "--key", self.key(name))

    def deliver(self) -> int:
        return main(
            [str(w) for w in ("site", "authorise", "deliver", self.draft, self.unit, "--site", self.site)]
        )

    def shown(self, capsys: pytest.CaptureFixture[str]) -> str:
        capsys.readouterr()
        command("site", "authorise", "show", self.draft, "--site", self.site)
        return capsys.readouterr().out

    @property
    def gate(self) -> str:
        self.rig.beat(1)
        return self.rig.slot().snapshot.gate


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward(tmp_path)


def test_a_draft_is_signed_by_two_people_and_believed(ward, capsys):
    assert ward.set_approvers("dr-a", "dr-b") == 0
    ward.make_draft("--scopes", "status,breathing", "--consent", "form-7")
    shown = ward.shown(capsys)
    assert "signed by: nobody" in shown
    assert "missing: test/authority" in shown and "missing: one of test/dr-a, test/dr-b" in shown
    ward.sign("dr-b", "authority")
    shown = ward.shown(capsys)
    assert "signed by: test/authority, test/dr-b" in shown and "missing" not in shown
    assert ward.deliver() == 0
    assert ward.gate == "open"


def test_who_is_no_approver_any_more_is_said(ward, capsys):
    assert ward.set_approvers("dr-a", "dr-b") == 0
    assert "no longer" not in capsys.readouterr().err
    assert ward.set_approvers("dr-b", key="dr-a") == 0
    assert (
        "need one of dr-b to sign too: those that none of them has signed end now; no longer approver: dr-a"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("signers", [(), ("authority",), ("dr-a",), ("dr-a", "dr-b")])
def test_with_less_it_is_not_delivered_and_put_there_by_hand_it_allows_nothing(ward, capsys, signers):
    ward.set_approvers("dr-a", "dr-b")
    ward.make_draft()
    ward.sign(*signers)
    assert ward.deliver() == TrustError.exit_code
    assert "Traceback" not in capsys.readouterr().err
    (ward.unit / "trust/authorisations/x.note").write_bytes(ward.draft.read_bytes())
    assert ward.gate == "no-authorisation"


def test_one_step_says_that_it_is_not_enough(ward, capsys):
    ward.set_approvers("dr-a")
    words = ["site", "authorise", "new", ward.unit, "--site", ward.site, "--room", "r-1", "--days", "7"]
    assert main([str(word) for word in words]) == TrustError.exit_code
    assert "to be signed by the authority and dr-a: make a --draft FILE" in capsys.readouterr().err
    assert not list((ward.unit / "trust/authorisations").iterdir())


def test_what_the_authority_signed_alone_ends_when_approvers_are_named(ward):
    ward.rig.authorise()
    assert ward.gate == "open"
    ward.set_approvers("dr-a")
    assert ward.gate == "no-authorisation"


def test_set_goes_to_all_units_through_the_gateway(ward):
    words = ["site", "approver", "set", ward.site, ward.folder / "dr-a/dr-a.pub", "--send"]
    assert main([str(word) for word in words]) == 0
    site = open_site(ward.site)
    (note,) = (site.commands_dir / "u-1").glob("*.note")
    assert note.read_bytes() == site.roster_file.read_bytes()
    assert [approver.name for approver in site.roster().approvers] == ["dr-a"]


def test_the_authority_alone_cannot_be_rid_of_them(ward, capsys):
    ward.set_approvers("dr-a", "dr-b")
    assert ward.gate == "no-authorisation"
    assert ward.set_approvers() == TrustError.exit_code
    assert "one of test/dr-a, test/dr-b must sign this roster: --key" in capsys.readouterr().err
    assert ward.set_approvers(key="authority") == TrustError.exit_code
    # What the tool refuses, a changed tool would do: the unit does not take it, now or after a restart.
    site = open_site(ward.site)
    roster = msgspec.structs.replace(site.roster(), version=9, approvers=())
    note = sign_note("roster", roster, [site.authority_keys()])
    (ward.unit / "trust/roster.note").write_bytes(note)
    ward.make_draft()
    ward.sign("authority")
    (ward.unit / "trust/authorisations/x.note").write_bytes(ward.draft.read_bytes())
    assert ward.gate == "no-authorisation"
    assert "roster-refused" in ward.rig.slot().snapshot.faults
    ward.rig.unit.close()
    with pytest.raises(TrustError, match="not signed by any of test/dr-a, test/dr-b"):
        ward.rig.start()


@pytest.mark.parametrize(
    "ruin", [lambda data: bytes(len(data)), lambda data: data[:100]], ids=["zeros", "cut"]
)
def test_a_damaged_card_does_not_rid_the_authority_of_them(ward, ruin):
    ward.set_approvers("dr-a", "dr-b")
    assert ward.gate == "no-authorisation"
    ward.rig.unit.close()
    path, database = ward.unit / "trust/roster.note", ward.unit / "state/outbox.db"
    database.write_bytes(ruin(database.read_bytes()))
    ward.rig.start()
    assert [a.name for a in ward.rig.unit._delivery.roster.approvers] == ["dr-a", "dr-b"]
    ward.rig.unit.close()
    database.write_bytes(ruin(database.read_bytes()))
    site = open_site(ward.site)
    roster = msgspec.structs.replace(site.roster(), version=9, approvers=())
    path.write_bytes(sign_note("roster", roster, [site.authority_keys()]))
    with pytest.raises(TrustError, match="approvers"):
        ward.rig.start()


def test_one_of_them_can_agree_to_others(ward):
    ward.set_approvers("dr-a")
    assert ward.gate == "no-authorisation"
    assert ward.set_approvers("dr-b", key="dr-a") == 0
    ward.make_draft()
    ward.sign("authority", "dr-a")
    assert ward.deliver() == TrustError.exit_code
    ward.sign("dr-b")
    assert ward.deliver() == 0
    assert ward.gate == "open"
    assert ward.set_approvers(key="dr-b") == 0
    ward.rig.authorise()
    assert ward.gate == "open"


def test_the_roster_goes_on_for_another_year_with_the_same_approvers(ward):
    ward.set_approvers("dr-a")
    command("site", "renew", ward.site, ward.unit)
    assert ward.gate == "no-authorisation"
    assert "roster-refused" not in ward.rig.slot().snapshot.faults
    assert [a.name for a in open_site(ward.site).roster().approvers] == ["dr-a"]


def test_a_withdrawal_needs_the_authority_alone(ward):
    ward.set_approvers("dr-a")
    ward.make_draft()
    ward.sign("authority", "dr-a")
    ward.deliver()
    assert ward.gate == "open"
    ward.rig.withdraw()
    assert ward.gate == "withdrawn"


def test_who_signs_is_told_what_and_a_changed_draft_shows(ward, capsys):
    ward.set_approvers("dr-a")
    ward.make_draft()
    capsys.readouterr()
    ward.sign("dr-a")
    assert "may sense room r-1" in capsys.readouterr().err
    ward.draft.write_text(ward.draft.read_text().replace('"r-1"', '"r-2"'))
    ward.sign("authority")
    assert ward.deliver() == TrustError.exit_code
    assert "altered: the signature of test/dr-a" in capsys.readouterr().err
    words = ["site", "authorise", "show", ward.draft, "--site", ward.site]
    assert main([str(word) for word in words]) == TrustError.exit_code


@pytest.mark.parametrize("who", ["gateway", "unit", "signed already"])
def test_who_may_not_sign(ward, capsys, who):
    ward.make_draft()
    ward.sign("authority")
    before = ward.draft.read_bytes()
    key = {
        "gateway": ward.site / "gateway/gateway.key",
        "unit": ward.unit / "keys/unit.key",
        "signed already": ward.key("authority"),
    }[who]
    words = ["site", "authorise", "sign", ward.draft, "--key", key]
    assert main([str(word) for word in words]) == TrustError.exit_code
    assert capsys.readouterr().err.splitlines()[-1].startswith("stillroom: ")
    assert ward.draft.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"junk", b"stillroom/1 roster\n{}\n", b"\xff\xfe", b"x" * 20_000])
def test_what_is_no_draft_is_one_line(ward, capsys, content):
    ward.draft.write_bytes(content)
    for words in (["sign", ward.draft, "--key", ward.key("authority")], ["show", ward.draft]):
        capsys.readouterr()
        assert main(["site", "authorise", *map(str, words)]) == TrustError.exit_code
        assert capsys.readouterr().err.count("\n") == 1
    assert ward.draft.read_bytes() == content


def test_a_draft_is_never_written_over(ward):
    ward.make_draft()
    words = ["--site", ward.site, "--room", "r-1", "--days", 1, "--draft", ward.draft]
    assert main([str(w) for w in ["site", "authorise", "new", ward.unit, *words]]) == TrustError.exit_code


def test_renewing_keeps_the_terms(ward, capsys, tmp_path):
    (tmp_path / "dpia.pdf").write_bytes(b"assessed")
    words = [
        "--site",
        ward.site,
        "--room",
        "r-1",
        "--days",
        10,
        "--review-days",
        5,
        "--scopes",
        "status,view-figure",
    ]
    words += ["--consent", "form-7", "--assessment", tmp_path / "dpia.pdf", "--purpose", "falls"]
    capsys.readouterr()
    command("site", "authorise", "new", ward.unit, *words)
    first = capsys.readouterr().out.strip()
    command("site", "authorise", "renew", ward.unit, "--site", ward.site)
    second = capsys.readouterr().out.strip()
    old, new = (
        read_document(
            ward.site / f"authorisations/{name}.note", Authorisation, [open_site(ward.site).authority()]
        )
        for name in (first, second)
    )
    assert new.id != old.id and new.start >= old.start
    for name in ("room", "scopes", "purpose", "consent", "assessment", "view"):
        assert getattr(new, name) == getattr(old, name)
    assert new.until - new.start == old.until - old.start
    assert new.review_by - new.start == old.review_by - old.start
    assert old.assessment == hashlib.sha256(b"assessed").hexdigest()


def test_there_must_be_something_to_renew(ward, capsys):
    words = ["site", "authorise", "renew", str(ward.unit), "--site", str(ward.site)]
    assert main(words) == TrustError.exit_code
    ward.rig.authorise()
    ward.rig.withdraw()
    assert main(words) == TrustError.exit_code
    assert main([*words, "--id", "a-0"]) == TrustError.exit_code
    assert "nothing to renew" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["authority", "Dr A", ""])
def test_names_that_no_approver_has(tmp_path, name):
    words = ["site", "approver", "new", str(tmp_path / "x"), "--site", "test", "--name", name]
    assert main(words) == ConfigError.exit_code


def test_keys_that_no_second_signer_has(ward, capsys, tmp_path):
    command("site", "approver", "new", tmp_path / "other", "--site", "other", "--name", "dr-o")
    authority = load_keys(ward.site / "authority/authority.key", "authority")
    write_public(tmp_path / "twin.pub", KeyRing("test", "approver", "twin", authority.signing))
    for public, says in (
        (ward.site / "authority/authority.pub", "tells no role"),
        (tmp_path / "twin.pub", "the authority's own key"),
        (tmp_path / "other/dr-o.pub", "of site 'other'"),
    ):
        assert main(["site", "approver", "set", str(ward.site), str(public)]) == TrustError.exit_code
        assert says in capsys.readouterr().err

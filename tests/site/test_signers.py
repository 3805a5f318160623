"""Who signs as what: a key is named in the role that it was made for, and in no other."""

from pathlib import Path

import pytest
from tests.live import command

from stillroom.cli import main
from stillroom.documents import Roster, read_document, read_signer
from stillroom.errors import TrustError


@pytest.fixture
def site(tmp_path: Path) -> Path:
    command("site", "new", tmp_path / "site", "--site", "test", "--no-tls")
    for name, role in (("eve", "viewer"), ("mia", "manager"), ("cy", "custodian")):
        command("site", "signer", "new", tmp_path, "--site", "test", "--name", name, "--role", role)
    command("site", "approver", "new", tmp_path, "--site", "test", "--name", "ada")
    command("site", "advocate", "new", tmp_path, "--site", "test", "--name", "ann")
    return tmp_path / "site"


def named(site: Path, *what: object) -> int:
    return main([str(word) for word in ("site", what[0], "set", site, *what[1:])])


def roster(site: Path) -> Roster:
    return read_document(site / "roster.note", Roster, [read_signer(site / "authority/authority.pub")])


def test_a_key_is_taken_for_the_role_it_was_made_for_and_for_no_other(site, tmp_path, capsys):
    made = {"eve": "viewer", "mia": "manager", "cy": "custodian", "ada": "approver", "ann": "advocate"}
    for role in ("viewer", "manager", "custodian", "approver", "advocate"):
        group, more = (role, ()) if role in ("approver", "advocate") else ("signer", ("--role", role))
        for name, own in made.items():
            before = (site / "roster.note").read_bytes()
            capsys.readouterr()
            outcome = named(site, group, tmp_path / f"{name}.pub", *more)
            if role == own:
                assert outcome == 0, (role, name, capsys.readouterr().err)
                continue
            said = capsys.readouterr().err
            assert outcome == TrustError.exit_code and said.count("\n") == 1
            assert f"made for the role {own}, where a public file for {role} is needed" in said
            assert (site / "roster.note").read_bytes() == before


def test_a_file_of_an_earlier_version_tells_no_role_and_serves_whoever_is_named_already(
    site, tmp_path, capsys
):
    new, old = tmp_path / "eve.pub", tmp_path / "old.pub"
    old.write_text(new.read_text().splitlines()[0] + "\n")
    capsys.readouterr()
    assert named(site, "signer", old, "--role", "viewer") == TrustError.exit_code
    assert "tells no role, where a public file for viewer is needed" in capsys.readouterr().err
    assert named(site, "signer", new, "--role", "viewer") == 0
    version = roster(site).version
    assert named(site, "signer", old, "--role", "viewer") == 0 and roster(site).version == version
    assert named(site, "signer", old, "--role", "manager") == TrustError.exit_code


def test_an_altered_public_file_is_refused(site, tmp_path, capsys):
    public = tmp_path / "eve.pub"
    whole = public.read_text()
    for what, into, said in (
        ('"viewer"', '"manager"', "altered"),
        ("test/eve+", "best/eve+", "copied wrongly"),
        ("stillroom/1 signer", "stillroom/1 roster", "altered"),
        ("\n\n", "\n", "cut short"),
    ):
        public.write_text(whole.replace(what, into, 1))
        capsys.readouterr()
        assert named(site, "signer", public, "--role", "viewer") == TrustError.exit_code
        err = capsys.readouterr().err
        assert said in err and err.count("\n") == 1 and str(public) in err


def test_a_unit_that_obeys_another_authority_is_given_nothing(site, tmp_path, capsys):
    """Two sites of one name: a second try, or a copy of the folder from before its keys were made anew."""
    twin, unit = tmp_path / "twin", tmp_path / "u-1"
    command("site", "new", twin, "--site", "test", "--no-tls")
    for folder, place in ((site, unit), (twin, tmp_path / "other")):
        command("make", "unit", place, "--site", folder, "--unit", "u-1", "--profile", "lab")
    before = {path: path.read_bytes() for path in unit.rglob("*.note")}
    for words in (
        ("authorise", "new", unit, "--site", twin, "--room", "room-1", "--days", 1),
        ("signer", "set", twin, tmp_path / "eve.pub", "--role", "viewer", "--unit", unit),
        ("halt", unit, "--site", twin),
    ):
        capsys.readouterr()
        assert main([str(word) for word in ("site", *words)]) == TrustError.exit_code
        err = capsys.readouterr().err
        assert "key 'authority': another authority" in err and err.count("\n") == 1
        for folder in (site, twin):
            assert read_signer(folder / "authority/authority.pub").fingerprint in err
    assert {path: path.read_bytes() for path in unit.rglob("*.note")} == before
    assert not list((twin / "authorisations").glob("*.note"))

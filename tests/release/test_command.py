"""`stillroom site release`: drafts, who signs them, what is handed to a unit, and one line for each mistake."""

import pytest
from tests.release.desk import DRAFT, Desk

from stillroom.keys import KeyRing, save_keys


def test_two_sign_one_delivers_one_withdraws(desk: Desk, capsys):
    assert desk.new() == 0
    name = capsys.readouterr().out.strip()
    assert desk.run("release", "show", desk.folder / DRAFT, "--site", desk.site) == 0
    said = capsys.readouterr().out
    assert "192x144 grey pixels, clear, 5 a second" in said and "at most 3992 MB" in said
    assert "signed by: nobody" in said and "missing: a manager, and another" in said
    assert desk.sign("matron") == 0 and desk.deliver() == 6
    assert "signed by test/matron, and by nobody else who may" in capsys.readouterr().err
    assert desk.sign("director") == 0 and desk.deliver() == 0
    assert (desk.unit / "trust" / "releases" / f"{name}.note").exists()
    assert (desk.site / "releases" / f"{name}.note").exists()
    words = ("release", "withdraw", name, desk.unit, "--site", desk.site, "--key")
    assert desk.run(*words, desk.keys / "archivist.key") == 6
    assert desk.run(*words, desk.keys / "matron.key") == 0
    assert (desk.unit / "trust" / "release-withdrawals" / f"{name}.note").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--hours", 169), "--hours 169"),
        (("--hours", 0), "--hours 0"),
        (("--keep-days", 91), "--keep-days 91"),
        (("--max-mb", 0), "--max-mb 0"),
        (("--max-mb", 64_001), "--max-mb 64001"),
        (("--size", "480x360", "--hours", 100), "so long at this size takes"),
        (("--purpose", "A Study"), "--purpose 'A Study'"),
        (("--from", "tomorrow"), "--from 'tomorrow'"),
    ],
)
def test_what_no_release_can_be_is_one_line(desk: Desk, capsys, more, said):
    assert desk.new(*more) == 3
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1 and not (desk.folder / DRAFT).exists()


def test_a_custodian_must_be_named_by_the_roster(desk: Desk, capsys):
    assert desk.new("--custodian", "matron") == 6
    assert "the roster names none of this name" in capsys.readouterr().err
    assert desk.new() == 0 and desk.sign("matron") == 0 and desk.sign("director") == 0
    desk.set("custodian")
    assert desk.deliver() == 6
    assert "names no custodian 'archivist' with this key now" in capsys.readouterr().err


def test_who_may_not_sign_cannot(desk: Desk, capsys):
    desk.new()
    assert desk.sign("archivist") == 6
    assert "where one for manager or advocate or approver is needed" in capsys.readouterr().err
    assert desk.sign("matron") == 0 and desk.sign("matron") == 6
    assert "signed already" in capsys.readouterr().err
    save_keys(desk.keys / "foreign.key", KeyRing.generate("elsewhere", "manager", "foreign", 0))
    assert desk.sign("foreign") == 6
    assert "for site 'test'" in capsys.readouterr().err


def test_a_custodians_public_file_is_what_he_has_signed_himself(desk: Desk, capsys):
    public = desk.keys / "archivist.pub"
    public.write_bytes(public.read_bytes().replace(b'"archivist"', b'"otherone"'))
    words = ("signer", "set", desk.site, public, "--role", "custodian")
    assert desk.run(*words) == 6
    assert "not somebody's public file: altered" in capsys.readouterr().err
    assert desk.run("signer", "set", desk.site, desk.keys / "matron.pub", "--role", "custodian") == 6
    assert "made for the role manager, where a public file for custodian is needed" in capsys.readouterr().err

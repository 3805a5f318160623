"""`stillroom site release` and `signer set`: what is said where a name, a key or a paper is not what people believe."""

import re

from tests.release.desk import DRAFT, Desk

from stillroom.clock import SystemClock
from stillroom.document_forms import now
from stillroom.documents import KINDS
from stillroom.keys import load_keys
from stillroom.notes import sign_note
from stillroom.release_papers import ReleaseWithdrawal

WRONG = "r-0123456789abcdef"


def signed(desk: Desk, capsys) -> str:
    """A draft that two have signed, and its name."""
    assert desk.new() == 0
    name = capsys.readouterr().out.strip()
    assert desk.sign("matron") == 0 and desk.sign("director") == 0
    capsys.readouterr()
    return name


def withdraw(desk: Desk, name: str) -> int:
    words = ("release", "withdraw", name, desk.unit, "--site", desk.site)
    return desk.run(*words, "--key", desk.keys / "matron.key")


def test_a_name_that_no_release_has_withdraws_nothing(desk: Desk, capsys):
    name = signed(desk, capsys)
    assert desk.deliver() == 0
    capsys.readouterr()
    assert withdraw(desk, WRONG) == 6
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert f"'{WRONG}': never delivered to unit" in err and f"known: {name}" in err
    assert not (desk.site / "release-withdrawals").exists()
    assert not (desk.unit / "trust" / "release-withdrawals").exists()


def test_a_release_that_only_the_unit_has_or_that_is_damaged_can_be_withdrawn(desk: Desk, capsys):
    name = signed(desk, capsys)
    assert desk.deliver() == 0
    (desk.site / "releases" / f"{name}.note").unlink()
    assert withdraw(desk, name) == 0
    (desk.site / "releases" / f"{WRONG}.note").write_text("damaged\n")
    assert withdraw(desk, WRONG) == 0


def test_what_is_withdrawn_is_not_delivered_again(desk: Desk, capsys):
    name = signed(desk, capsys)
    assert desk.deliver() == 0 and withdraw(desk, name) == 0
    (desk.unit / "trust" / "releases" / f"{name}.note").unlink()
    capsys.readouterr()
    assert desk.deliver() == 6
    err = capsys.readouterr().err
    assert f"release {name} is withdrawn, for good" in err and "may record" not in err
    assert not (desk.unit / "trust" / "releases" / f"{name}.note").exists()


def test_what_the_unit_was_told_by_another_machine_counts_too(desk: Desk, capsys):
    name = signed(desk, capsys)
    paper = ReleaseWithdrawal(at=now(SystemClock()), release=name, site="test", unit="u-1")
    note = sign_note(KINDS[ReleaseWithdrawal], paper, [load_keys(desk.keys / "matron.key", "manager")])
    folder = desk.unit / "trust" / "release-withdrawals"
    folder.mkdir()
    (folder / f"{name}.note").write_bytes(note)
    assert desk.deliver() == 6
    assert "is withdrawn, for good" in capsys.readouterr().err


def test_a_room_that_nobody_has_authorised_is_told_at_draft_and_delivery(desk: Desk, capsys):
    paper = ("authorise", "new", desk.unit, "--site", desk.site, "--days", 2, "--scopes", "status,release")
    assert desk.run(*paper, "--room", "r-12") == 0
    warning = "will record nothing: no authorisation of room r-1 with the scope 'release'"
    capsys.readouterr()
    assert desk.new() == 0
    err = capsys.readouterr().err
    assert warning in err and "signed: room r-12 with status,release" in err
    assert desk.sign("matron") == 0 and desk.sign("director") == 0 and desk.deliver() == 0
    assert warning in capsys.readouterr().err
    assert desk.run(*paper, "--room", "r-1") == 0
    capsys.readouterr()
    assert desk.deliver() == 0
    assert "warning" not in capsys.readouterr().err
    assert desk.run("authorise", "withdraw", desk.unit, "--site", desk.site) == 0
    assert desk.deliver() == 0
    assert f"{warning} is signed for this time (signed: none)" in capsys.readouterr().err


def show(desk: Desk, capsys) -> str:
    capsys.readouterr()
    assert desk.run("release", "show", desk.folder / DRAFT, "--site", desk.site) == 0
    return capsys.readouterr().out


def test_a_managers_signature_counts_and_what_is_missing_is_the_other_one(desk: Desk, capsys):
    assert desk.new() == 0
    assert "missing: a manager, and another manager" in show(desk, capsys)
    assert desk.sign("director") == 0
    said = show(desk, capsys)
    assert "signed by: test/director" in said and "missing: another manager, an advocate or an app" in said
    desk.set("manager", "matron")
    assert "missing: a manager, and another manager" in show(desk, capsys), "he is none any more"
    desk.set("manager", "matron", "director")
    assert desk.sign("matron") == 0
    assert "missing" not in show(desk, capsys)


def test_who_is_named_no_more_is_said_in_the_one_line(desk: Desk, capsys):
    capsys.readouterr()
    desk.set("manager", "director")
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("managers: director; no longer manager: matron")
    desk.set("manager", "director", "matron")
    assert "no longer" not in capsys.readouterr().err
    desk.set("custodian")
    assert "custodians: nobody; no longer custodian: archivist" in capsys.readouterr().err


def test_a_custodian_is_compared_by_the_same_two_keys_everywhere(desk: Desk, capsys):
    words = ("signer", "new", desk.keys, "--site", "test", "--name", "keeper", "--role", "custodian")
    capsys.readouterr()
    assert desk.run(*words) == 0
    out, err = capsys.readouterr()
    key, (box,) = out.strip(), re.findall(r"recordings sealed to (\S+)", err)
    desk.set("custodian", "keeper")
    assert f"custodian keeper, key {key}, recordings sealed to {box}: compare" in capsys.readouterr().err
    assert desk.new("--custodian", "keeper") == 0
    said = show(desk, capsys)
    assert f"keeper alone can open it, with the box key {box}" in said
    assert f"that box key is of custodian keeper, key {key}" in said
    desk.set("custodian", "archivist")
    assert "names no custodian keeper with that box key" in show(desk, capsys)


def test_a_folder_without_a_list_of_openings_says_so(desk: Desk, capsys):
    folder = desk.folder / "nothing"
    for _ in range(2):
        assert desk.run("release", "openings", folder, "--site", desk.site) == 4
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and "no list of openings here" in err and "''" not in err
        folder.mkdir(exist_ok=True)

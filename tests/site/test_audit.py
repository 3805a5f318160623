"""The audit file: made from what the gateway has, checked with a fingerprint alone, read by a resident."""

import json
import re
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from live import command
from tests.keeper.test_unit import Rig

from stillroom.chain import leaf_of
from stillroom.cli import main
from stillroom.errors import ConfigError, InputError, StorageError, TrustError
from stillroom.events import Audited
from stillroom.keys import SigningKey
from stillroom.link import Network
from stillroom.public_keys import VerifyKey
from stillroom_tools.site import audit_file, audit_page, audit_words
from stillroom_tools.site.audit_part import Part
from stillroom_tools.site.gateway.arrived import Arrived
from stillroom_tools.site.gateway.store import Store
from stillroom_tools.site.layout import open_site

ANOTHER_KEY = SigningKey(bytes(32)).verify_key.raw.hex()


def deliver(rig: Rig) -> None:
    """All that waits, into the gateway's store."""
    store = Store(rig.site_folder / "gateway")
    rig.receiver._store = store
    rig.unit.from_courier(Network(True, "connected"))
    while True:
        rig.unit.slot()
        opened = rig.receiver.open(rig.courier.sent[-1].record)
        if not opened.body.entries:
            break
        store.commit([Arrived(opened, rig.clock.utc_ms())])
    store.close()


@pytest.fixture
def chain(tmp_path: Path) -> tuple[Path, str]:
    """A unit's life through the keeper, the wire and the gateway's store: the exported file, and the fingerprint."""
    rig = Rig(tmp_path)
    rig.authorise()
    rig.beat()
    rig.unit.button()
    rig.clock.pass_time(timedelta(seconds=2))
    rig.unit.button()
    rig.withdraw()
    rig.beat()
    deliver(rig)
    command("site", "audit", "export", "u-1", "--site", rig.site_folder, "--out", tmp_path / "u-1.audit")
    return tmp_path / "u-1.audit", VerifyKey(open_site(rig.site_folder).enrolment("u-1").sign).fingerprint


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[Path, str]:
    """The chain of a unit whose card was damaged once: before, and after."""
    rig = Rig(tmp_path)
    rig.authorise()
    rig.beat()
    deliver(rig)
    rig.unit._outbox.settle(rig.unit._outbox.accepted)
    rig.unit.close()
    database = rig.folder / "state" / "outbox.db"
    database.write_bytes(bytes(database.stat().st_size))
    rig.start()
    rig.beat()
    deliver(rig)
    command("site", "audit", "export", "u-1", "--site", rig.site_folder, "--out", tmp_path / "u-1.audit")
    return tmp_path / "u-1.audit", VerifyKey(open_site(rig.site_folder).enrolment("u-1").sign).fingerprint


def where_damaged(lines: list[str]) -> int:
    return next(n for n, line in enumerate(lines) if "storage-damaged" in line)


def test_a_damaged_card_is_told_as_such_and_the_chain_verifies(damaged, capsys):
    path, fingerprint = damaged
    command("site", "audit", "verify", path, "--fingerprint", fingerprint)
    said = capsys.readouterr().out
    first, last = map(
        int, re.search(r"storage was damaged: what links (\d+) to (\d+) said may", said).groups()
    )
    assert first > 3 and last >= 4096
    command("site", "audit", "show", path, "--fingerprint", fingerprint)
    assert "The unit's storage was found damaged" in capsys.readouterr().out


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: [*lines[: where_damaged(lines)], *lines[where_damaged(lines) + 1 :]],
        lambda lines: [*lines[:2], *lines[3:]],
        lambda lines: [*lines[:-2], lines[-1]],
        lambda lines: [line.replace("storage-damaged", "storage-mended") for line in lines],
        lambda lines: [line.replace("found", "fount") for line in lines],
        lambda lines: [lines[0], *lines[where_damaged(lines) :], *lines[1 : where_damaged(lines)]],
        lambda lines: [lines[0], *lines[where_damaged(lines) :]],
        lambda lines: [*lines[: where_damaged(lines) - 2], *lines[where_damaged(lines) :]],
    ],
    ids=["its link gone", "one before gone", "one after gone", "another word", "its words changed", "turned round",
         "all before gone", "the last before gone"],
)  # fmt: skip
def test_a_damage_excuses_nothing_else(damaged, spoil, capsys):
    path, fingerprint = damaged
    rewrite(path, spoil)
    assert main(["site", "audit", "verify", str(path), "--fingerprint", fingerprint]) == 6
    assert len(capsys.readouterr().err.strip().splitlines()[-1:]) == 1


def test_the_words_that_excuse_a_gap_are_not_erased(damaged, capsys):
    path, fingerprint = damaged
    lines = path.read_text().splitlines()
    number = json.loads(lines[where_damaged(lines)])["index"]
    before = path.read_bytes()
    words = ["site", "audit", "erase", str(path), "--fingerprint", fingerprint, "--link"]
    assert main([*words, str(number)]) == 3 and "must stay" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert main([*words, str(number + 1)]) == 3 and "is a start" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert main([*words, str(number + 2)]) == 0, "the next one may"


def test_where_no_start_is_left_the_name_is_not_proved(chain, capsys, tmp_path):
    """Somebody's own program has erased them: then the first line could call the unit anything."""
    path, fingerprint = chain
    head, links = audit_file.read(path)
    links = [link.without_words() if link.is_start else link for link in links]
    path.write_bytes(audit_file.write(msgspec.structs.replace(head, unit="u-9"), links))
    assert main(["site", "audit", "verify", str(path), "--fingerprint", fingerprint]) == TrustError.exit_code
    assert "its name is not proved" in capsys.readouterr().err
    shown = [
        "site",
        "audit",
        "show",
        str(path),
        "--fingerprint",
        fingerprint,
        "--html",
        str(tmp_path / "p.html"),
    ]
    assert main(shown) == TrustError.exit_code
    page = (tmp_path / "p.html").read_text()
    assert "its name is not proved" in page and "whole: " not in page.replace("not whole: ", "")


@pytest.fixture
def forked(tmp_path: Path) -> tuple[Path, str]:
    """The card was put back from a copy: the unit has signed other links under numbers that it had used."""
    rig = Rig(tmp_path)
    rig.authorise()
    rig.beat()
    rig.unit.close()
    state = rig.folder / "state"
    shutil.copytree(state, tmp_path / "copy")
    rig.start()
    rig.beat()
    rig.unit.button()
    rig.unit.close()
    first = lines_of(rig, state)
    shutil.rmtree(state)
    shutil.copytree(tmp_path / "copy", state)
    rig.start()
    rig.withdraw()
    rig.beat()
    rig.unit.close()
    both = {link.head: link for link in [*first, *lines_of(rig, state)]}
    site = open_site(rig.site_folder)
    head = audit_file.Head(audit_file.KIND, "test", "u-1", site.enrolment("u-1").sign.hex())
    path = tmp_path / "u-1.audit"
    path.write_bytes(audit_file.write(head, sorted(both.values(), key=lambda link: link.index)))
    return path, VerifyKey(site.enrolment("u-1").sign).fingerprint


def lines_of(rig: Rig, state: Path) -> list[audit_file.Link]:
    """What is on the unit's own card."""
    database = sqlite3.connect(state / "outbox.db")
    rows = database.execute(
        "SELECT position, at_ms, body, salt, head, signature FROM audit ORDER BY 1"
    ).fetchall()
    database.close()
    return [audit_file.link_of(Audited(*row)) for row in rows]


def test_of_a_chain_that_forks_what_verifies_is_shown_and_each_branch(forked, capsys, tmp_path):
    path, fingerprint = forked
    words = [str(path), "--fingerprint", fingerprint]
    assert main(["site", "audit", "verify", *words]) == TrustError.exit_code
    capsys.readouterr()
    assert main(["site", "audit", "show", *words]) == TrustError.exit_code
    shown = capsys.readouterr().out
    last = int(re.search(r"The chain forks after link (\d+): 2 chains follow", shown)[1])
    assert last > 3 and f"Links 1 to {last} verify" in shown
    trunk, one, two = re.split(r"Behind the fork, \d of 2: links", shown)
    assert "pressed pause" not in trunk and "An authorisation was accepted" in trunk
    assert ["pressed pause" in branch for branch in (one, two)].count(True) == 1
    assert ["was taken back" in branch for branch in (one, two)].count(True) == 2 - 1
    assert main(["site", "audit", "show", *words, "--html", str(tmp_path / "p.html")]) == TrustError.exit_code
    page = (tmp_path / "p.html").read_text()
    assert (
        "The chain forks after link" in page
        and "Nobody has paused it." not in page
        and "not provable" in page
    )


def test_what_stands_behind_a_changed_link_is_not_shown(chain, capsys):
    path, fingerprint = chain
    count = len(audit_file.read(path)[1])
    rewrite(path, lambda ls: [*ls[:4], ls[4].replace("what", "wham"), *ls[5:]])
    assert main(["site", "audit", "show", str(path), "--fingerprint", fingerprint]) == TrustError.exit_code
    shown = capsys.readouterr().out
    assert "Links 1 to 3 verify" in shown and f"{count - 3} more links follow from none" in shown
    assert "forks" not in shown and "pressed pause" not in shown


def test_a_whole_chain_is_said_to_be_whole(chain, capsys):
    path, fingerprint = chain
    command("site", "audit", "verify", path, "--fingerprint", fingerprint.upper())
    assert re.match(r"whole: \d+ links of unit 'u-1' of site 'test', from \d+ [A-Z]", capsys.readouterr().out)


def test_it_is_shown_in_words_that_a_resident_can_read(chain, capsys, tmp_path):
    path, fingerprint = chain
    command("site", "audit", "show", path, "--fingerprint", fingerprint)
    shown = capsys.readouterr().out
    for sentence in (
        "The unit was switched on",
        "An authorisation was accepted",
        "The camera was allowed to be on, under authorisation a-",
        "Somebody in the room pressed pause, for 15 minutes",
        "The camera was off: somebody had paused it",
        "Somebody in the room ended the pause",
        "The camera was off: the authorisation had been taken back",
    ):
        assert sentence in shown
    command("site", "audit", "show", path, "--fingerprint", fingerprint, "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Somebody in the room pressed pause" in page and "http" not in page and "<script" not in page


def rewrite(path: Path, change) -> None:
    lines = path.read_text().splitlines()
    path.write_text("\n".join(change(lines)) + "\n")


def edited(line: str, **changes: object) -> str:
    return json.dumps(json.loads(line) | changes)


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("a word of a body", lambda ls: [*ls[:2], ls[2].replace("-seen", "-sean"), *ls[3:]], "link 2 was changed"),
        ("a time", lambda ls: [*ls[:2], edited(ls[2], at_ms=1), *ls[3:]], "link 2 was changed"),
        ("a salt", lambda ls: [*ls[:3], edited(ls[3], salt="00" * 16), *ls[4:]], "link 3 was changed"),
        ("a link taken out", lambda ls: [*ls[:3], *ls[4:]], "link 3 is not there"),
        ("the first taken out", lambda ls: [ls[0], *ls[2:]], "link 1 is not there"),
        ("two in another order", lambda ls: [*ls[:2], ls[3], ls[2], *ls[4:]], "link 2 is not there"),
        ("one twice", lambda ls: [*ls[:3], ls[2], *ls[3:]], "link 3 is not there"),
        ("a signature", lambda ls: [*ls[:2], edited(ls[2], signature="00" * 64), *ls[3:]], "link 2 was not signed"),
        ("a head", lambda ls: [*ls[:2], edited(ls[2], head="00" * 32), *ls[3:]], "link 2 was changed"),
        ("nothing left", lambda ls: ls[:1], "no link in it"),
        ("another key", lambda ls: [edited(ls[0], key=ANOTHER_KEY), *ls[1:]], "another unit"),
    ],
)  # fmt: skip
def test_whatever_is_changed_is_found_and_named(chain, capsys, name, change, says):
    path, fingerprint = chain
    rewrite(path, change)
    assert (
        main(["site", "audit", "verify", str(path), "--fingerprint", fingerprint]) == TrustError.exit_code
    ), name
    assert says in capsys.readouterr().err


def test_a_link_can_be_erased_and_the_chain_still_verifies(chain, capsys):
    path, fingerprint = chain
    before = audit_file.read(path)[1]
    body, salt = before[1].body, before[1].salt
    assert path.stat().st_mode & 0o077 == 0, "names of staff are in it"
    command("site", "audit", "erase", path, "--fingerprint", fingerprint, "--link", 2)
    assert path.stat().st_mode & 0o077 == 0
    assert "; 1 erased" in capsys.readouterr().out
    left = path.read_text()
    assert body is not None and json.dumps(body)[1:-1] not in left and str(salt) not in left
    command("site", "audit", "show", path, "--fingerprint", fingerprint)
    shown = capsys.readouterr().out
    assert "; 1 erased" in shown and "(erased;" in shown
    assert audit_file.read(path)[1][2:] == before[2:]
    command("site", "audit", "erase", path, "--fingerprint", fingerprint, "--link", 2, 3)
    assert "; 2 erased" in capsys.readouterr().out


def test_what_an_erased_link_could_contradict_is_not_said(chain, tmp_path):
    """All that tells of looks, recordings, openings, pauses and halts is gone: the page says so."""
    path, fingerprint = chain
    telling = [link for link in audit_file.read(path)[1] if link.said()["what"] != "start"]
    numbers = [link.index for link in telling]
    command("site", "audit", "show", path, "--fingerprint", fingerprint, "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert (tmp_path / "page.html").stat().st_mode & 0o077 == 0
    assert (
        "It was never open." in page and "The facility has not halted it." in page and "Not known" not in page
    )
    command("site", "audit", "erase", path, "--fingerprint", fingerprint, "--link", *numbers)
    command("site", "audit", "show", path, "--fingerprint", fingerprint, "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert page.count(f"Not known: {len(numbers)} links were erased.") == 5
    for sentence in ("never open", "Nobody has", "has not halted"):
        assert sentence not in page


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"what":"guards","process":"courier","missing":"none"}', "The part with the network was locked in"),
        ('{"what":"guards","process":"eye","missing":"landlock"}', "without these guards: landlock"),
        ('{"what":"command","number":3,"kind":"withdrawal","document":"a-1","outcome":"done"}',
         "An order came from afar (withdrawal a-1) and was carried out"),
        ('{"what":"command","number":4,"kind":"roster","document":"none","outcome":"version"}',
         "(roster) and was refused: version"),
        ('{"what":"lease","since_ms":1764090000000,"authorisation":"a-1"}',
         "The camera was still open since 25 Nov 2025, 17:00:00, at this moment under authorisation a-1"),
        ('{"what":"guards","process":"eye","missing":"files no-swap"}',
         "without these guards: it reaches no files but those it needs, its memory never comes to a disk"),
        ('{"what":"command","number":1,"kind":"pause","document":"p-1","outcome":"stale","more":7}',
         "(pause p-1) and was refused: stale; 7 more came in vain before it"),
        ('{"what":"paused-by-command","by":"ann","until":"2026-11-25T17:39:41Z"}', "until 25 Nov 2026, 17:39:41"),
        ('{"what":"paused-by-command","by":"ann","until":"soon"}', "until soon"),
    ],
)  # fmt: skip
def test_links_have_words_and_one_form_of_time(body, says):
    assert says in audit_words.words(audit_file.Link(1, 5, "0" * 64, "0" * 128, body, "0" * 32))


def test_a_day_of_leases_is_one_row_of_the_page():
    lease = '{"what":"lease","since_ms":10,"authorisation":"a-1"}'
    bodies = [
        '{"what":"start"}',
        '{"what":"camera-opened"}',
        *[lease] * 96,
        '{"what":"camera-closed"}',
        lease,
    ]
    links = [
        audit_file.Link(n, n * 900_000, "0" * 64, "0" * 128, body, "0" * 32)
        for n, body in enumerate(bodies, 1)
    ]
    page = audit_page.page(audit_file.Head("audit/1", "test", "u-1", ANOTHER_KEY), Part(links))
    assert page.count("The camera was still open") == 2 and "said 96 times, last 2 Jan 1970, 00:30:00" in page


def test_an_erased_leaf_tells_no_guess_from_another(chain):
    """Without the salt whoever guesses the words cannot try whether he is right."""
    link = audit_file.read(chain[0])[1][1]
    leaf = link.proof().leaf
    assert link.body is not None and link.salt is not None
    assert leaf == leaf_of(bytes.fromhex(link.salt), link.body.encode())
    assert leaf != leaf_of(bytes(16), link.body.encode())
    assert link.without_words().proof() == link.proof()


@pytest.mark.parametrize(
    ("numbers", "code"), [((99,), ConfigError), ((0,), ConfigError), ((2, 99), ConfigError)]
)
def test_a_link_that_is_not_there_cannot_be_erased_and_nothing_is_changed(chain, capsys, numbers, code):
    path, fingerprint = chain
    before = path.read_bytes()
    arguments = [
        "site",
        "audit",
        "erase",
        str(path),
        "--fingerprint",
        fingerprint,
        "--link",
        *map(str, numbers),
    ]
    assert main(arguments) == code.exit_code
    assert "no link" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_chain_that_is_not_whole_is_not_erased_from(chain):
    """Else erasing would hide the very link that was changed."""
    path, fingerprint = chain
    rewrite(path, lambda ls: [*ls[:2], ls[2].replace("-seen", "-sean"), *ls[3:]])
    before = path.read_bytes()
    arguments = ["site", "audit", "erase", str(path), "--fingerprint", fingerprint, "--link", "2"]
    assert main(arguments) == TrustError.exit_code
    assert path.read_bytes() == before


def test_words_without_their_salt_are_refused(chain, capsys):
    """The true leaf beside other words: whoever has the file could make them say anything."""
    path, fingerprint = chain
    _, links = audit_file.read(path)
    leaf = links[1].proof().leaf.hex()

    def forge(lines: list[str]) -> list[str]:
        link = json.loads(lines[2]) | {"body": '{"what":"stop"}', "leaf": leaf}
        del link["salt"]
        return [*lines[:2], json.dumps(link), *lines[3:]]

    rewrite(path, forge)
    assert main(["site", "audit", "verify", str(path), "--fingerprint", fingerprint]) == InputError.exit_code
    assert "line 3" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["u-2", "u-1\x1b[31m", ""])
def test_the_first_line_cannot_call_the_unit_something_else(chain, name):
    path, fingerprint = chain
    rewrite(path, lambda lines: [edited(lines[0], unit=name), *lines[1:]])
    assert main(["site", "audit", "verify", str(path), "--fingerprint", fingerprint]) in {4, 6}


def test_what_was_cut_off_is_found_by_a_later_head_and_never_denied(chain, capsys):
    path, fingerprint = chain
    newest = audit_file.read(path)[1][-1].head
    arguments = ["site", "audit", "verify", str(path), "--fingerprint", fingerprint]
    assert main([*arguments, "--head", newest]) == 0
    rewrite(path, lambda lines: lines[:-1])
    assert main([*arguments, "--head", newest]) == TrustError.exit_code
    capsys.readouterr()
    assert main(arguments) == 0
    assert "whether later ones were cut off" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["xyz", "", "0" * 32, "a" * 31])
def test_what_is_no_fingerprint_is_said(chain, capsys, text):
    assert main(["site", "audit", "verify", str(chain[0]), "--fingerprint", text]) == ConfigError.exit_code
    assert "as they stand on the unit's label" in capsys.readouterr().err


def test_a_fingerprint_may_be_typed_without_its_hyphens(chain):
    path, fingerprint = chain
    command("site", "audit", "verify", path, "--fingerprint", fingerprint.replace("-", ""))


def test_nothing_but_a_plain_file_is_replaced(chain, tmp_path):
    arguments = ["site", "audit", "export", "u-1", "--site", str(tmp_path / "site"), "--out", "/dev/full"]
    assert main(arguments) == InputError.exit_code


def test_an_erased_link_cannot_be_given_another_leaf(chain):
    path, fingerprint = chain
    head, links = audit_file.read(path)
    forged = msgspec.structs.replace(links[1], body=None, salt=None, leaf="00" * 32)
    with pytest.raises(TrustError, match="link 2"):
        audit_file.verify(path, head, [links[0], forged, *links[2:]], fingerprint)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"{}\n",
        b'{"stillroom":"audit/2","site":"a","unit":"b","key":"' + b"0" * 64 + b'"}\n',
        b"\xff" * 99,
    ],
)
def test_what_is_no_audit_file_is_said_in_one_line(tmp_path, capsys, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    assert main(["site", "audit", "verify", str(path), "--fingerprint", "a" * 32]) == InputError.exit_code
    assert capsys.readouterr().err.count("\n") == 1


def test_export_without_a_gateway_says_so(tmp_path, capsys):
    rig = Rig(tmp_path)
    arguments = [
        "site",
        "audit",
        "export",
        "u-1",
        "--site",
        str(rig.site_folder),
        "--out",
        str(tmp_path / "f"),
    ]
    assert main(arguments) == StorageError.exit_code
    assert "has a gateway ever run here?" in capsys.readouterr().err


def test_the_file_holds_what_the_events_hold(chain):
    _, links = audit_file.read(chain[0])
    first = links[0]
    audited = Audited(
        1,
        first.at_ms,
        first.body.encode(),
        bytes.fromhex(first.salt),
        bytes.fromhex(first.head),
        bytes.fromhex(first.signature),
    )
    assert audit_file.link_of(audited) == first

"""Who may log in: tokens and codes that work once, passwords that are long, and a log that cannot be bent."""

import base64
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from board_desk import Board
from board_rig import PASSWORD
from parties import BOARD, GATEWAY, HandClock

from stillroom import cli
from stillroom.errors import ConfigError, StorageError, TrustError
from stillroom_tools.site.board import passwords, totp
from stillroom_tools.site.board.limits import MOST_KEYS, Limiter
from stillroom_tools.site.board.log import Log
from stillroom_tools.site.board.people import People
from stillroom_tools.site.board.roles import ROLES, rights
from stillroom_tools.site.board.sessions import IDLE_S, LONGEST_S, MOST_OF_ONE, Sessions

RFC6238 = b"12345678901234567890"
VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]
"""RFC 6238, appendix B, SHA-1; of eight digits, of which ours are the last six."""


@pytest.mark.parametrize(("utc_s", "code"), VECTORS)
def test_codes_are_those_of_the_rfc(utc_s: int, code: str) -> None:
    assert totp.code_at(RFC6238, utc_s // totp.STEP_S) == code[-6:]
    assert totp.step_of(RFC6238, code[-6:], utc_s, 0) == utc_s // totp.STEP_S


def test_a_code_of_the_step_beside_will_do_and_none_twice() -> None:
    now = 1_000_000_020
    step = now // totp.STEP_S
    for beside, taken in ((-2, None), (-1, step - 1), (0, step), (1, step + 1), (2, None)):
        assert totp.step_of(RFC6238, totp.code_at(RFC6238, step + beside), now, 0) == taken
    assert totp.step_of(RFC6238, totp.code_at(RFC6238, step), now, step) is None
    for wrong in ("", "12345", "abcdef", "123456789", "１２３４５６"):
        assert totp.step_of(RFC6238, wrong, now, 0) is None


@pytest.mark.parametrize(
    ("password", "good"),
    [
        (PASSWORD, True),
        ("elevenchars", False),
        ("twelve chars", True),
        ("x" * 200, False),
        ("aaaabbbbaaaabbbb", False),
        ("nurse-a12345", False),
    ],
)
def test_passwords_are_judged_by_length(password: str, good: bool) -> None:
    assert (passwords.fault(password, "nurse-a") == "") == good


def test_a_password_is_kept_as_argon2id_and_compared_in_one_form(board: Board) -> None:
    kept = passwords.hashed("caf\u00e9 au lait, twice")
    assert kept.startswith("$argon2id$")
    assert passwords.is_right(kept, "cafe\u0301 au lait, twice")
    assert not passwords.is_right(kept, "cafe au lait, twice")
    assert not passwords.is_right("", "nobody has this password")


def test_a_password_costs_sixty_four_mebibytes() -> None:
    assert passwords.COST["memlimit"] >= 64 << 20


@pytest.fixture
def people(tmp_path: Path) -> tuple[People, HandClock]:
    clock = HandClock()
    return People(tmp_path / "people", clock), clock


def test_a_token_works_once_for_a_day_and_for_its_person(people: tuple[People, HandClock]) -> None:
    them, clock = people
    token = them.add("ann", ("viewer",))
    other = them.add("bob", ("viewer",))
    assert len(base64.b32decode(token.replace("-", "").upper())) == 20
    assert them.takes("ann", token.replace("-", " ").upper()) and not them.takes("ann", other)
    clock.pass_time(timedelta(hours=24))
    assert not them.takes("ann", token)
    token = them.reset("ann")
    assert them.set_up("ann", token, PASSWORD, RFC6238, 5)
    assert not them.takes("ann", token) and them.set_up("ann", token, PASSWORD, RFC6238, 5) is None
    assert [person.ready for person in them.all()] == [True, False]


def test_what_a_file_holds_is_private_and_no_secret_in_the_clear(people: tuple[People, HandClock]) -> None:
    them, _ = people
    token = them.add("ann", ("viewer",))
    them.set_up("ann", token, PASSWORD, RFC6238, 5)
    (path,) = (p for p in Path(them._folder).iterdir() if p.suffix == ".json")
    assert path.stat().st_mode & 0o077 == 0
    assert PASSWORD not in path.read_text() and token not in path.read_text()
    assert "secrets hidden" in repr(them.find("ann")) and "argon2" not in repr(them.find("ann"))
    path.chmod(0o644)
    with pytest.raises(TrustError, match="others may read"):
        them.find("ann")


@pytest.mark.parametrize("name", ["", "Ann", "../ann", "a" * 33, "-ann", "ann/../bob", "ann\n", "<b>"])
def test_hostile_names_are_nobodys(people: tuple[People, HandClock], name: str) -> None:
    them, _ = people
    assert them.find(name) is None and not them.takes(name, "token")
    with pytest.raises(ConfigError):
        them.add(name, ("viewer",))


def test_a_reset_ends_what_was(people: tuple[People, HandClock]) -> None:
    them, _ = people
    them.set_up("ann", them.add("ann", ("viewer",)), PASSWORD, RFC6238, 5)
    before = them.there("ann").generation
    them.reset("ann")
    after = them.there("ann")
    assert after.generation != before and not after.ready and not after.secret
    them.remove("ann")
    for gone in (them.reset, them.remove):
        with pytest.raises(ConfigError, match="nobody here is called 'ann'"):
            gone("ann")


def test_rights_are_least(people: tuple[People, HandClock]) -> None:
    assert rights(["installer"]) == {"zones", "health"} and rights(["auditor"]) == {"audit"}
    assert rights(["viewer"]) == {"persons", "act"}
    assert rights(ROLES) == {"persons", "act", "people", "audit", "burden", "zones", "health"}


# sessions and limits


def test_a_session_ends_without_use_and_after_its_longest(people: tuple[People, HandClock]) -> None:
    them, clock = people
    them.set_up("ann", them.add("ann", ("viewer",)), PASSWORD, RFC6238, 5)
    sessions = Sessions(clock)
    cookie, session = sessions.begin(them.there("ann"))
    assert sessions.find(cookie) is session and sessions.find(cookie + "x") is None
    assert sessions.left_s(session) == IDLE_S
    clock.pass_time(timedelta(seconds=IDLE_S - 1))
    sessions.use(session)
    clock.pass_time(timedelta(seconds=IDLE_S - 1))
    assert sessions.find(cookie)
    clock.pass_time(timedelta(seconds=1))
    assert sessions.find(cookie) is None
    cookie, session = sessions.begin(them.there("ann"))
    for _ in range(LONGEST_S // 600):
        assert sessions.find(cookie)
        clock.pass_time(timedelta(seconds=600))
        sessions.use(session)
    assert sessions.find(cookie) is None, "whatever is done"


def test_the_system_clock_neither_ends_nor_lengthens_a_session(people: tuple[People, HandClock]) -> None:
    them, clock = people
    them.add("ann", ("viewer",))
    sessions = Sessions(clock)
    cookie, session = sessions.begin(them.there("ann"))
    clock.turn(timedelta(days=400))
    assert sessions.find(cookie)
    clock.turn(timedelta(days=-900))
    clock.pass_time(timedelta(seconds=IDLE_S))
    assert sessions.left_s(session) == 0


def test_one_person_has_so_many_sessions(people: tuple[People, HandClock]) -> None:
    them, clock = people
    them.add("ann", ("viewer",))
    sessions = Sessions(clock)
    cookies = []
    for _ in range(MOST_OF_ONE + 1):
        clock.pass_time(timedelta(seconds=1))
        cookies.append(sessions.begin(them.there("ann"))[0])
    assert sessions.find(cookies[0]) is None and all(map(sessions.find, cookies[1:]))


def test_a_bucket_fills_again_and_there_are_so_many() -> None:
    clock = HandClock()
    limiter = Limiter(clock, burst=3, refill_s=10)
    assert [limiter.wait_s("a") for _ in range(4)] == [0, 0, 0, 10]
    assert limiter.wait_s("b") == 0, "another key"
    clock.pass_time(timedelta(seconds=9))
    assert limiter.wait_s("a") == 1
    clock.pass_time(timedelta(seconds=1))
    assert [limiter.wait_s("a"), limiter.wait_s("a")] == [0, 10]
    limiter.forgive("a")
    assert limiter.wait_s("a") == 0
    for n in range(MOST_KEYS + 5):
        limiter.wait_s(n)
    assert len(limiter._full_ns) == MOST_KEYS


# the log


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path, BOARD, HandClock())


def test_the_log_is_a_chain_that_verifies(log: Log) -> None:
    assert log.verify(BOARD.signing.verify_key) == (0, bytes(32))
    for n in range(5):
        log.add("ann", "acknowledge", f"u-{n} on-floor")
    count, head = log.verify(BOARD.signing.verify_key)
    assert count == 5 and head != bytes(32)
    assert [deed.about for _, deed in log.newest(2)] == ["u-4 on-floor", "u-3 on-floor"]
    with pytest.raises(TrustError, match="link 1 was not signed"):
        log.verify(GATEWAY.signing.verify_key)


CHANGES: list[tuple[str, Callable[[list[bytes]], list[bytes]]]] = [
    ("link 1 is not there", lambda lines: lines[1:]),
    ("link 2 is not there", lambda lines: lines[:1] + lines[2:]),
    ("link 1 is not there", lambda lines: lines[::-1]),
    ("link 1 was changed", lambda lines: [lines[0].replace(b'"at_ms":1', b'"at_ms":2'), *lines[1:]]),
    ("line 2 cannot be read", lambda lines: [lines[0], lines[1][:40] + b"\n", lines[2]]),
]


@pytest.mark.parametrize(("words", "change"), CHANGES)
def test_a_log_that_was_bent_is_named(
    log: Log, words: str, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    for n in range(3):
        log.add("ann", "login", str(n))
    log._path.write_bytes(b"".join(change(log._path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(TrustError, match=words):
        log.verify(BOARD.signing.verify_key)


def test_nothing_is_added_after_a_half_line_or_on_a_full_disk(log: Log, tmp_path: Path) -> None:
    log.add("ann", "login")
    whole = log._path.read_bytes()
    log._path.write_bytes(whole + b'{"index":2')
    with pytest.raises(TrustError, match="cut short"):
        log.add("ann", "logout")
    log._path.unlink()
    log._path.mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        log.add("ann", "logout")


def test_the_longest_deed_fits_a_link(log: Log) -> None:
    log.add("a" * 32, "person-remove", "b" * 32 + " viewer/manager/auditor/installer")
    assert log.verify(BOARD.signing.verify_key)[0] == 1


# the commands


def run(*words: object) -> int:
    return cli.main(["site", "people", *map(str, words)])


def test_the_commands(board: Board, capsys: pytest.CaptureFixture[str]) -> None:
    site = board.site.folder
    assert run("add", "ann", "--role", "manager", "--role", "viewer", "--site", site) == 0
    token = capsys.readouterr().out.strip()
    assert board.desk.people.takes("ann", token)
    assert run("list", "--site", site) == 0
    assert capsys.readouterr().out == "ann  manager, viewer  not set up yet\n"
    assert run("reset", "ann", "--site", site) == 0 and run("remove", "ann", "--site", site) == 0
    capsys.readouterr()
    assert run("log", "--site", site) == 0
    said = capsys.readouterr()
    assert [line.split("  ")[2:] for line in said.out.splitlines()] == [
        ["operator", "person-add", "ann manager/viewer"],
        ["operator", "person-reset", "ann"],
        ["operator", "person-remove", "ann"],
    ]
    head = said.err.split("head ")[1].strip()
    assert run("log", "--head", head, "--site", site) == 0
    lines = board.desk.log._path.read_bytes().splitlines(keepends=True)
    board.desk.log._path.write_bytes(b"".join(lines[:2]))
    assert run("log", "--head", head, "--site", site) == 6


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("add", "Ann", "--role", "viewer"), 3, "1 to 32 of a-z 0-9 -"),
        (("remove", "ann"), 3, "nobody here is called 'ann'"),
        (("reset", "../ann"), 3, "nobody here is called"),
    ],
)
def test_wrong_commands_are_one_line(
    board: Board, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    assert run(*words, "--site", board.site.folder) == code
    assert said in capsys.readouterr().err
    assert board.desk.people.all() == []

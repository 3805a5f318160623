"""What a request must have before anything is shown or done; and each thing that is refused, in words."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from board_desk import HOST, Board, key_of
from board_rig import PASSWORD
from starlette.testclient import TestClient

from stillroom.clock import MS_PER_S
from stillroom_tools.site.board import totp
from stillroom_tools.site.board.people import new_token
from stillroom_tools.site.board.sessions import IDLE_S

PAGES = ["/", "/people", "/events"]


def login(board: Board, browser: TestClient, name: str = "ann", **changes: str) -> int:
    fields = {"name": name, "password": PASSWORD, "code": board.code(name)} | changes
    return browser.post("/login", data=fields, headers=board.origin).status_code


def deeds(board: Board) -> list[tuple[str, str, str]]:
    return [(deed.by, deed.what, deed.about) for _, deed in board.desk.log.newest(50)][::-1]


def test_the_first_manager_by_the_token_of_the_start(board: Board) -> None:
    board.desk.first_token = token = new_token()
    browser = board.browser()
    assert "first manager" in browser.get("/set-up").text
    step_1 = browser.post("/set-up", data={"name": "ann", "token": token}, headers=board.origin)
    assert step_1.status_code == 200 and PASSWORD not in step_1.text
    secret = key_of(step_1.text)
    code = totp.code_at(secret, board.clock.utc_ms() // MS_PER_S // totp.STEP_S)
    fields = {"name": "ann", "token": token, "password": PASSWORD, "code": code}
    for wrong in ({"code": "000000"}, {"password": "short"}):
        refused = browser.post("/set-up", data=fields | wrong, headers=board.origin)
        assert refused.status_code == 400 and key_of(refused.text) == secret, (
            "the phone need not be set up again"
        )
    assert board.desk.people.all() == []
    assert browser.post("/set-up", data=fields, headers=board.origin).status_code == 303
    assert browser.get("/").status_code == 200 and browser.get("/people").status_code == 200
    again = board.browser().post("/set-up", data={"name": "eve", "token": token}, headers=board.origin)
    assert again.status_code == 403, "once"
    board.secrets["ann"] = secret
    assert login(board, board.browser(), code=code) == 401, "the code was used"
    assert deeds(board)[0] == ("ann", "set-up", "")


def test_somebody_who_was_added_sets_himself_up(board: Board) -> None:
    token = board.desk.people.add("bob", ("viewer",))
    browser = board.browser()
    for name, given in (("bob", new_token()), ("eve", token), ("", token), ("../bob", token), ("bob", "")):
        assert (
            browser.post("/set-up", data={"name": name, "token": given}, headers=board.origin).status_code
            == 403
        )
    board.clock.pass_time(timedelta(minutes=5))
    page = browser.post("/set-up", data={"name": "bob", "token": token}, headers=board.origin)
    secret = key_of(page.text)
    code = totp.code_at(secret, board.clock.utc_ms() // MS_PER_S // totp.STEP_S)
    fields = {"name": "bob", "token": token, "password": PASSWORD, "code": code}
    assert browser.post("/set-up", data=fields, headers=board.origin).status_code == 303
    assert browser.get("/people").status_code == 403, "a viewer"


def test_login_needs_all_three_and_says_the_same_of_each(board: Board) -> None:
    board.person("ann", "viewer")
    answers = []
    for wrong in ({"name": "eve"}, {"password": "not this one at all"}, {"code": "000000"}, {"name": "<b>"}):
        fields = {"name": "ann", "password": PASSWORD, "code": board.code("ann")} | wrong
        answer = board.browser().post("/login", data=fields, headers=board.origin)
        answers.append((answer.status_code, answer.text, answer.headers.get("set-cookie")))
    assert len(set(answers)) == 1 and answers[0][0] == 401 and answers[0][2] is None
    assert login(board, board.browser()) == 303
    assert deeds(board) == [
        ("", "login-refused", "eve"),
        ("", "login-refused", "ann"),
        ("", "login-refused", "ann"),
        ("", "login-refused", ""),
        ("ann", "login", ""),
    ]


def test_a_code_works_once(board: Board) -> None:
    board.person("ann", "viewer")
    assert [login(board, board.browser()), login(board, board.browser())] == [303, 401]
    board.clock.pass_time(timedelta(seconds=30))
    assert login(board, board.browser()) == 303


def test_too_many_tries_wait_and_others_do_not(board: Board) -> None:
    board.person("ann", "viewer")
    board.person("bob", "viewer")
    codes = [login(board, board.browser(), code="000000") for _ in range(7)]
    assert codes == [401] * 5 + [429] * 2
    assert login(board, board.browser()) == 429, "also with the right ones"
    assert login(board, board.browser(), "bob") == 303
    board.clock.pass_time(timedelta(seconds=21))
    assert login(board, board.browser()) == 303
    board.secrets |= {f"eve-{n}": b"nobody" for n in range(20)}
    codes = [login(board, board.browser(), f"eve-{n}") for n in range(20)]
    assert 429 in codes and codes[0] == 401, "and one address has only so many"


def test_pages_are_for_whoever_is_logged_in(board: Board) -> None:
    browser = board.browser()
    browser.cookies.set(board.desk.cookie, "forged")
    for page in PAGES:
        answer = browser.get(page)
        assert (answer.status_code, answer.headers.get("location")) in ((303, "/login"), (401, None)), page
    for form in ("/acts", "/stay", "/logout", "/people"):
        assert browser.post(form, data={"csrf": "x"}, headers=board.origin).status_code == 401


def test_a_session_ends_after_a_quarter_of_an_hour_without_use(board: Board) -> None:
    browser = board.logged_in("ann", "viewer")
    csrf = board.csrf(browser)
    board.clock.pass_time(timedelta(seconds=IDLE_S - 1))
    assert browser.post("/stay", data={"csrf": csrf}, headers=board.origin).status_code == 204
    board.clock.pass_time(timedelta(seconds=IDLE_S - 1))
    assert browser.get("/").status_code == 200
    board.clock.pass_time(timedelta(seconds=IDLE_S))
    answer = browser.post(
        "/acts", data={"csrf": csrf, "act": "x"}, headers=board.origin | {"accept": "text/plain"}
    )
    assert (answer.status_code, answer.text) == (401, "Log in again: your session has ended.")
    assert browser.get("/").headers["location"] == "/login"


def test_whoever_is_reset_or_removed_is_out_at_once(board: Board) -> None:
    for change in (board.desk.people.reset, board.desk.people.remove):
        board.secrets.pop("ann", None)
        if board.desk.people.find("ann"):
            board.desk.people.remove("ann")
        browser = board.logged_in("ann", "viewer")
        assert browser.get("/").status_code == 200
        change("ann")
        assert browser.get("/").status_code == 303


def test_logout_ends_the_session_and_not_only_the_cookie(board: Board) -> None:
    browser = board.logged_in("ann", "viewer")
    cookie = browser.cookies[board.desk.cookie]
    assert (
        browser.post("/logout", data={"csrf": board.csrf(browser)}, headers=board.origin).status_code == 303
    )
    thief = board.browser()
    thief.cookies.set(board.desk.cookie, cookie)
    assert thief.get("/").status_code == 303
    assert deeds(board)[-1] == ("ann", "logout", "")


def test_a_form_needs_the_token_of_this_very_session(board: Board) -> None:
    ann, bob = board.logged_in("ann", "manager"), board.logged_in("bob", "manager")
    for csrf in ("", "x", board.csrf(bob)):
        answer = ann.post("/people", data={"csrf": csrf, "do": "remove", "name": "bob"}, headers=board.origin)
        assert answer.status_code == 403 and "Nothing was done" in answer.text
    assert board.desk.people.find("bob")


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", f"https://{HOST}", f"http://{HOST}:1"]
)
def test_what_comes_from_another_page_goes_no_further(board: Board, origin: str | None) -> None:
    browser = board.logged_in("ann", "viewer")
    headers = {"origin": origin} if origin else {}
    for form in ("/stay", "/login"):
        answer = browser.post(form, data={"csrf": board.csrf(browser)}, headers=headers)
        assert answer.status_code == 403 and "not come from a page of this board" in answer.text


def test_another_name_for_this_machine_is_not_answered(board: Board) -> None:
    browser = board.logged_in("ann", "viewer")
    for host in ("evil.example", "", "localhost.evil.example", "[::1", "localhost@evil.example"):
        answer = browser.get("/", headers={"host": host})
        assert answer.status_code == 421 and "room" not in answer.text


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"x" * 20_000, {}, 413),
        (b"csrf=" + b"x" * 16_380, {}, 413),
        (b"name=a&name=b", {}, 400),
        (b"name=%ff", {}, 400),
        (b"\xff", {}, 400),
        (b"&".join(b"f%d=1" % n for n in range(40)), {}, 400),
        (b"a=b", {"content-length": "-1"}, 413),
        (b"a=b", {"content-length": "1e3"}, 413),
    ],
)
def test_bodies_that_no_page_of_ours_sends(
    board: Board, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = board.browser().post("/login", content=body, headers=board.origin | headers)
    assert answer.status_code == status


def test_headers_of_every_answer(make_board: Callable[..., Board]) -> None:
    board = make_board(tls=True)
    browser = board.logged_in("ann", "viewer")
    for path in ("/", "/login", "/static/board.js", "/nowhere", "/acts"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert (
            "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        )
        assert headers["strict-transport-security"] == "max-age=31536000"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == ("no-cache" if "static" in path else "no-store")


def test_cookies_are_strict(make_board: Callable[..., Board]) -> None:
    board = make_board(tls=True)
    board.person("ann", "viewer")
    fields = {"name": "ann", "password": PASSWORD, "code": board.code("ann")}
    cookie = board.browser().post("/login", data=fields, headers=board.origin).headers["set-cookie"]
    name, *attributes = [part.strip().lower() for part in cookie.split(";")]
    assert name.startswith("__host-stillroom=")
    assert set(attributes) == {"httponly", "path=/", "samesite=strict", "secure"}, "it ends with the browser"


def test_nothing_is_done_that_cannot_be_written_down(board: Board) -> None:
    browser = board.logged_in("ann", "manager")
    csrf = board.csrf(browser)
    board.desk.log._path.unlink()
    board.desk.log._path.mkdir()
    fields = {"csrf": csrf, "do": "add", "name": "bob", "role-viewer": "1"}
    answer = browser.post("/people", data=fields, headers=board.origin)
    assert answer.status_code == 503 and "Nothing was done" in answer.text
    assert board.desk.people.find("bob") is None


def test_the_manager_adds_resets_and_removes_but_not_himself(board: Board) -> None:
    browser = board.logged_in("ann", "manager")
    csrf = board.csrf(browser)

    def do(what: str, name: str, **fields: str) -> tuple[int, str]:
        answer = browser.post(
            "/people", data={"csrf": csrf, "do": what, "name": name} | fields, headers=board.origin
        )
        return answer.status_code, answer.text

    status, page = do("add", "bob", **{"role-viewer": "1"})
    token = page.split('class="key">')[1].split("<")[0]
    assert status == 200 and board.desk.people.takes("bob", token)
    assert token not in browser.get("/people").text, "shown once"
    for what, name, words in (
        ("add", "bob", "is there already"),
        ("add", "eve", "at least one role"),
        ("add", "<script>", "1 to 32 of a-z"),
        ("remove", "ann", "nobody resets or removes himself"),
        ("reset", "nobody", "nobody here is called"),
        ("raise", "bob", "add, reset and remove"),
    ):
        status, page = do(what, name)
        assert status == 400 and words in page and "<script>" not in page.replace("<script type", "")
    assert do("reset", "bob")[0] == 200 and not board.desk.people.takes("bob", token)
    assert do("remove", "bob")[0] == 200 and board.desk.people.find("bob") is None
    assert [deed[1:] for deed in deeds(board)[1:]] == [
        ("person-add", "bob viewer"),
        ("person-reset", "bob"),
        ("person-remove", "bob"),
    ]

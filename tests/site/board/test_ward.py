"""What the page of all rooms shows, to whom, and how it is kept up; and what people do about alerts from it."""

import asyncio
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import msgspec
import pytest
from board_desk import HOST, Board, alert
from starlette.testclient import TestClient

from stillroom.explain import CLOSED
from stillroom.observation import Reading
from stillroom_tools.site.board import acts
from stillroom_tools.site.board.app import application
from stillroom_tools.site.board.roles import Role
from stillroom_tools.site.board.sessions import IDLE_S
from stillroom_tools.site.board.ward import Ward
from stillroom_tools.site.gateway import alert_file
from stillroom_tools.site.gateway.acts import AlertAct
from stillroom_tools.site.gateway.alert_forms import Alert
from stillroom_tools.site.layout import Site


def tile(page: str, unit: str = "u-1") -> str:
    found = re.search(rf'<article class="tile" id="r-{unit}".*?</article>', page, re.DOTALL)
    assert found, page
    return found[0]


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def test_a_tile_says_state_since_when_and_rates_with_their_quality(board: Board) -> None:
    viewer = board.logged_in("ann", "viewer")
    board.room(pulse=Reading(62.0, 0.88, None, "pos", 9.0))
    page = viewer.get("/").text
    shown = tile(page)
    assert 'data-kind="in-bed"' in shown and '#i-in-bed"' in shown and "<strong>in bed</strong>" in shown
    assert "Breathing 15.5 /min 93 % sure Pulse 62 /min 88 % sure" in words(shown)
    board.room(breathing=Reading(None, None, "several-people"), pulse=Reading(None, None, "low-signal"))
    assert "Breathing several people Pulse low signal" in words(tile(viewer.get("/").text))


@pytest.mark.parametrize("gate", CLOSED)
def test_each_dark_room_says_why_and_shows_nothing_of_before(board: Board, gate: str) -> None:
    viewer = board.logged_in("ann", "viewer")
    board.room()
    board.room(gate=gate)
    shown = tile(viewer.get("/").text)
    assert ("PAUSED" if gate == "paused" else "DARK") in shown and CLOSED[gate] in words(shown)
    assert "15.5" not in shown and "in bed" not in shown


def test_silent_late_and_waiting_rooms_stand_out(board: Board) -> None:
    viewer = board.logged_in("ann", "viewer")
    board.watch.rooms.enrol(["u-2"])
    board.room()
    board.clock.pass_time(timedelta(seconds=1))
    assert "WAITING" in tile(viewer.get("/").text, "u-2")
    board.clock.pass_time(timedelta(seconds=9))
    board.desk.live.look(0)
    shown = tile(viewer.get("/").text)
    assert "SILENT, was in bed" in shown and 'data-tone="alarm"' in shown and "15.5" not in shown


def test_whoever_may_not_know_of_persons_does_not(board: Board) -> None:
    board.room(state="on-floor")
    board.alerts(alert(), alert(kind="camera-covered", technical=True, priority="low"))
    roles: tuple[Role, ...] = ("auditor", "installer")
    for role in roles:
        browser = board.logged_in(f"of-{role}", role)
        page = browser.get("/").text
        shown = words(tile(page))
        page = page.split("</svg>", 1)[1]
        assert "sensing" in shown and "floor" not in page and "15.5" not in page
        assert "camera covered" in page
    board.clock.pass_time(timedelta(seconds=9))
    board.desk.live.look(0)
    assert "was" not in words(tile(browser.get("/").text)).replace("Not known now; was", "")


def test_hostile_words_are_text(board: Board) -> None:
    """No schema lets them through; a page that trusted to that would be one mistake from a hole."""
    viewer = board.logged_in("ann", "viewer")
    evil = "<img src=x onerror=alert(1)>\"'"
    board.room(room=evil, faults=(evil,), camera=evil)
    board.alerts(alert(room=evil, kind=evil, why=evil, state="acknowledged", owner=evil))
    page = viewer.get("/").text
    assert "<img" not in page and page.count("&lt;img src=x onerror=alert(1)&gt;") >= 4
    assert not re.search(r"<script(?! type=\"module\" src=\"/static/board.js\")", page)
    assert not re.search(r"\son\w+=\"|style=\"|javascript:", page.replace(evil, ""))


def test_alerts_not_known_is_no_calm(board: Board) -> None:
    viewer = board.logged_in("ann", "viewer")
    board.room()
    board.desk.live.look(0)
    page = viewer.get("/").text
    assert (
        "Alerts are not known" in page and "No alert stands" not in page and "alerts not known" in tile(page)
    )
    board.alerts()
    assert "No alert stands" in viewer.get("/").text
    board.clock.pass_time(timedelta(seconds=11))
    board.desk.live.look(0)
    assert "Alerts are not known" in viewer.get("/").text, "the gateway has said nothing for ten seconds"


def test_a_board_that_hears_no_broker_says_so_before_anything_else(board: Board) -> None:
    viewer = board.logged_in("ann", "viewer")
    board.room()
    board.desk.live.look(0)
    page = viewer.get("/").text
    assert 'data-link="deaf"' in page and "NOT CONNECTED" in page


def test_a_thread_that_stands_still_is_said(board: Board) -> None:
    board.desk.live.look(0)
    before = board.desk.live.what_is_wrong()
    board.clock.pass_time(timedelta(seconds=4))
    assert "what stands here is old" in board.desk.live.what_is_wrong() and "is old" not in before
    assert board.desk.live.deaf


# the stream


def news(board: Board, name: str, after: int, count: int = 1) -> list[dict[str, Any]]:
    """The first events of a stream."""
    session = next(one for one in board.desk.sessions._sessions.values() if one.name == name)

    async def read() -> list[dict[str, Any]]:
        stream, found = Ward(board.desk)._stream(session, after), []
        async for event in stream:
            assert event.startswith(b"data: ") and event.endswith(b"\n\n") and event.count(b"\n") == 2
            found.append(msgspec.json.decode(event[6:]))
            if len(found) == count or found[-1].get("ended"):
                break
        await stream.aclose()
        return found

    return asyncio.run(read())


def test_a_page_gets_what_is_newer_than_what_it_has(board: Board) -> None:
    board.logged_in("ann", "viewer")
    board.room("u-1")
    board.room("u-2")
    (first,) = news(board, "ann", 0)
    assert set(first["tiles"]) == {"u-1", "u-2"} and first["order"] == ["u-1", "u-2"]
    (still,) = news(board, "ann", first["version"])
    assert "tiles" not in still and still["now"] == board.clock.utc_ms()
    board.room("u-2", state="on-floor")
    (changed,) = news(board, "ann", first["version"])
    assert set(changed["tiles"]) == {"u-2"} and "ON FLOOR" in changed["tiles"]["u-2"]
    (anew,) = news(board, "ann", 10**9)
    assert set(anew["tiles"]) == {"u-1", "u-2"}, "a page of another run of the board"


def test_noise_is_no_news_and_who_goes_is_out_of_the_order(board: Board) -> None:
    board.logged_in("ann", "viewer")
    board.room("u-1")
    board.room("u-2")
    version = board.desk.live.version
    board.room("u-2", motion=0.9, frames_dropped=7, breathing=Reading(15.51, 0.931, None, "cells", 30.0))
    assert board.desk.live.version == version
    board.watch.rooms.withdraw(["u-2"])
    board.desk.live.show()
    assert news(board, "ann", version)[0]["order"] == ["u-1"]


def test_a_change_wakes_the_stream(board: Board) -> None:
    board.logged_in("ann", "viewer")
    board.room()
    timer = threading.Timer(0.05, lambda: board.room(state="on-floor"))
    timer.start()
    first, second = news(board, "ann", board.desk.live.version, 2)
    timer.join()
    assert "tiles" not in first and "ON FLOOR" in second["tiles"]["u-1"]


def test_the_stream_warns_ends_with_the_session_and_is_no_use_of_it(board: Board) -> None:
    browser = board.logged_in("ann", "viewer")
    assert news(board, "ann", 0)[0]["left"] is None
    board.clock.pass_time(timedelta(seconds=IDLE_S - 60))
    assert news(board, "ann", 0)[0]["left"] == 60
    board.clock.pass_time(timedelta(seconds=60))
    assert news(board, "ann", 0) == [{"ended": True}]
    assert browser.get("/events").status_code == 401


def test_a_stream_of_somebody_who_was_removed_ends(board: Board) -> None:
    board.logged_in("ann", "viewer")
    board.desk.people.remove("ann")
    assert news(board, "ann", 0) == [{"ended": True}]


def test_what_sounds_is_the_most_urgent(board: Board) -> None:
    board.logged_in("ann", "viewer")
    board.room()
    assert news(board, "ann", 0)[0]["sound"] is None
    board.alerts(alert(state="acknowledged", owner="bob"), alert(kind="entered", priority="low"))
    assert news(board, "ann", 0)[0]["sound"] == "low"
    board.alerts(alert(), alert(kind="entered", priority="low"))
    assert news(board, "ann", 0)[0]["sound"] == "high"


# acts


def act(board: Board, browser: TestClient, words_: str, csrf: str = "") -> tuple[int, str]:
    fields = {"csrf": csrf or board.csrf(browser), "act": words_}
    answer = browser.post("/acts", data=fields, headers=board.origin | {"accept": "text/plain"})
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("words_", "status"),
    [
        ("acknowledge u-1 on-floor", 400),
        ("silence u-1 on-floor 1", 400),
        ("acknowledge u-1 on-floor x", 400),
        ("acknowledge u-1 on-floor -1", 400),
        ("acknowledge u-1 on-floor ²", 400),
        ("acknowledge ../u-1 on-floor 1", 409),
        ("acknowledge u-1 entered 1", 409),
        ("", 400),
    ],
)
def test_acts_that_are_none(board: Board, words_: str, status: int) -> None:
    browser = board.logged_in("ann", "viewer")
    board.alerts(alert())
    assert act(board, browser, words_)[0] == status
    assert not board.site.acts_dir.exists()


def test_without_a_gateway_nothing_is_done(board: Board) -> None:
    status, said = act(board, board.logged_in("ann", "viewer"), "acknowledge u-1 on-floor 1")
    assert status == 503 and "Nothing was done" in said


def test_only_those_act_who_may(board: Board) -> None:
    board.alerts(alert())
    for role in ("auditor", "installer"):
        assert act(board, board.logged_in(f"of-{role}", role), "attend u-1 on-floor 1")[0] == 403
    assert not board.site.acts_dir.exists()


def test_whoever_was_quicker_has_it(board: Board) -> None:
    ann = board.logged_in("ann", "viewer")
    seen: Alert = alert()
    now_ms = board.clock.utc_ms()
    board.alerts(msgspec.structs.replace(seen, state="acknowledged", owner="bob", set_ms=now_ms))
    status, said = act(board, ann, f"acknowledge u-1 on-floor {seen.set_ms}")
    assert status == 409 and said == "Nothing was done: bob was quicker, and has room-1 now."
    assert not board.site.acts_dir.exists()


def test_the_browser_without_a_script_comes_back_to_the_rooms(board: Board) -> None:
    board.alerts(alert())
    browser = board.logged_in("ann", "viewer")
    fields = {"csrf": board.csrf(browser), "act": "acknowledge u-9 on-floor 1"}
    answer = browser.post("/acts", data=fields, headers=board.origin)
    assert answer.status_code == 409 and "does not stand any more" in answer.text


def taken(board: Board, done: list[AlertAct]) -> Callable[[Site, AlertAct], bool]:
    """A gateway that takes what is handed over, and makes the alert its owner's."""

    def hand_over(_site: Site, paper: AlertAct) -> bool:
        done.append(paper)
        now_ms = board.clock.utc_ms()
        standing = alert_file.Standing(
            now_ms, (alert(state="acknowledged", owner=paper.by, set_ms=now_ms, until_ms=now_ms + 600_000),)
        )
        alert_file.write(board.site.folder / "gateway", standing)
        return True

    return hand_over


def test_two_who_press_at_once_do_not_both_have_it(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[AlertAct] = []
    monkeypatch.setattr(acts, "hand_over", taken(board, done))
    board.alerts(alert())
    browsers = [board.logged_in(name, "viewer") for name in ("ann", "bob")]
    tokens = [board.csrf(browser) for browser in browsers]

    async def press() -> list[tuple[int, str]]:
        app = httpx.ASGITransport(application(board.desk, (HOST,)))
        headers = board.origin | {"accept": "text/plain"}
        async with httpx.AsyncClient(transport=app, base_url=f"http://{HOST}", headers=headers) as client:
            sent = [
                client.post(
                    "/acts",
                    data={"csrf": token, "act": "acknowledge u-1 on-floor 1"},
                    headers={"cookie": f"stillroom={browser.cookies['stillroom']}"},
                )
                for browser, token in zip(browsers, tokens, strict=True)
            ]
            return sorted([(one.status_code, one.text) for one in await asyncio.gather(*sent)])

    answers = asyncio.run(press())
    assert [status for status, _ in answers] == [200, 409] and len(done) == 1
    assert answers[1][1] == f"Nothing was done: {done[0].by} was quicker, and has room-1 now."


def test_each_act_carries_the_name_and_is_written_down_first(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[AlertAct] = []
    monkeypatch.setattr(acts, "hand_over", taken(board, done))
    ann, bob = board.logged_in("ann", "viewer"), board.logged_in("bob", "viewer")
    board.alerts(alert())
    assert act(board, ann, "pause-audio u-1 on-floor 1") == (
        200,
        "You have paused the sound of 'on floor' in room-1.",
    )
    assert act(board, bob, "attend u-1 on-floor 1")[0] == 200, "who is in the room is in the room"
    assert [(one.act, one.by, one.kind, one.unit) for one in done] == [
        ("pause-audio", "ann", "on-floor", "u-1"),
        ("attend", "bob", "on-floor", "u-1"),
    ]
    kept = [(deed.by, deed.what, deed.about) for _, deed in board.desk.log.newest(2)]
    assert kept == [("bob", "attend", "u-1 on-floor"), ("ann", "pause-audio", "u-1 on-floor")]


def test_a_gateway_that_does_not_answer_is_said(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "hand_over", lambda *_: False)
    board.alerts(alert())
    status, said = act(board, board.logged_in("ann", "viewer"), "attend u-1 on-floor 1")
    assert status == 202 and "has not answered yet" in said

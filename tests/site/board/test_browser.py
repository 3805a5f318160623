"""The board's pages in a real browser, fed by a real site: what is seen, heard, pressed and read aloud."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from board_browser import chromium, lives, recorded, set_up, violations, words
from board_rig import Ward, until, ward
from unit_sender import command

from stillroom_tools.lab.broker import find_program
from stillroom_tools.site.drawn import read
from stillroom_tools.site.layout import open_site


class Screen:
    """Ann, a manager, in a browser; a slot passes whenever somebody waits."""

    def __init__(self, made: Ward, browser: Any) -> None:
        self.ward, self._browser = made, browser
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self.state: Any = None

    def page(self, **options: Any) -> Any:
        """A page in which she is logged in; every request and complaint of it is kept."""
        context = self._browser.new_context(**{"storage_state": self.state, "bypass_csp": False, **options})
        page = context.new_page()
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def until(self, done: Callable[[], object], what: str) -> None:
        def look() -> object:
            self.ward.speak()
            return done()

        until(look, what)


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    if find_program("mosquitto") is None:
        pytest.skip("mosquitto is not installed")
    with chromium() as browser, ward(tmp_path_factory.mktemp("b"), 14) as made:
        lives(made)
        made.voices[13].quiet = True
        made.keep_speaking()
        found = Screen(made, browser)
        page = found.page()
        set_up(page, made.address, "ann", made.first_token())
        found.until(lambda: "HIGH on floor" in words(page.locator("#alerts").inner_text()), "an alert")
        found.until(lambda: "SILENT" in page.locator("#r-u-014").inner_text(), "a silent room")
        found.state = page.context.storage_state()
        page.context.close()
        yield found


def drawn_box(locator: Any) -> dict[str, float]:
    """Where it is drawn, in CSS pixels; a page that is being laid out has no box for a moment."""
    boxes: list[dict[str, float]] = []
    until(lambda: boxes.extend(filter(None, [locator.bounding_box()])) or boxes, "a place on the page")
    return boxes[0]


def test_no_page_breaks_a_rule_of_axe(screen: Screen) -> None:
    for scheme in ("light", "dark"):
        page = screen.page(bypass_csp=True, color_scheme=scheme)
        for path in ("/", "/rooms/u-003", "/units", "/people", "/log", "/burden"):
            page.goto(screen.ward.address + path)
            screen.ward.speak()
            assert violations(page) == [], f"{path}, {scheme}"
        page.route("**/events**", lambda route: route.abort())  # its next beat would take the warning away
        page.goto(screen.ward.address + "/")
        page.evaluate("import('/static/session.js').then((session) => session.warn(90))")
        page.locator("#leaving").wait_for()
        assert violations(page) == [], f"the warning, {scheme}"
        page.context.clear_cookies()
        for path in ("/login", "/set-up", "/login?ended"):
            page.goto(screen.ward.address + path)
            assert violations(page) == [], f"{path}, {scheme}"
        page.context.close()


def test_every_tile_says_its_state_by_an_icon_and_a_word(screen: Screen) -> None:
    page = screen.page()
    page.goto(screen.ward.address)
    for unit, said in (
        ("u-001", "in bed"), ("u-002", "empty"), ("u-003", "ON FLOOR"), ("u-004", "PAUSED by the room"),
        ("u-005", "DARK, expired"), ("u-006", "UNKNOWN"), ("u-009", "several people"), ("u-010", "DARK, withdrawn"),
        ("u-014", "SILENT, never heard"),
    ):  # fmt: skip
        tile = page.locator(f"#r-{unit}")
        assert tile.locator(".state strong").inner_text() == said
        box = drawn_box(tile.locator(".state .icon"))
        assert box["width"] > 15 and box["height"] > 15
        drawn = tile.locator(".state use").get_attribute("href")
        assert page.locator(f"{drawn} path").count() >= 1
    assert "its authorisation has ended" in page.locator("#r-u-005").inner_text()
    screen.until(lambda: "recorded" in page.locator("#r-u-003").inner_text(), "a tile that says so")
    assert page.locator(".rec").count() == 1
    assert (
        "15.2" in page.locator("#r-u-001").inner_text()
        and "93 % sure" in page.locator("#r-u-001").inner_text()
    )
    page.context.close()


def test_a_change_is_there_without_loading_and_is_read_aloud(screen: Screen) -> None:
    page = screen.page()
    page.goto(screen.ward.address)
    voice = screen.ward.voices[0]
    voice.is_now(state="out-of-bed")
    screen.until(lambda: "out of bed" in page.locator("#r-u-001").inner_text(), "a tile that changes")
    voice.condition("left-bed")
    screen.until(
        lambda: "high left bed room-1" in page.locator("#announce").inner_text(), "words for a screen reader"
    )
    assert page.locator("#announce").get_attribute("aria-live") == "assertive"
    voice.condition("left-bed", active=False)
    voice.is_now(state="in-bed")
    page.get_by_role("button", name="I am in the room: left bed in room-1").click()
    screen.until(
        lambda: page.locator("#alerts").get_by_text("left bed").count() == 0, "attended and over: closed"
    )
    page.context.close()


def test_by_keyboard_alone(screen: Screen) -> None:
    page = screen.page()
    page.goto(screen.ward.address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    name = "Take on: bathroom long in room-8"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == name:
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", "focus is seen"
    page.keyboard.press("Enter")
    screen.until(
        lambda: page.locator("#said").inner_text() == "You have taken on 'bathroom long' in room-8.", "a word"
    )
    screen.until(lambda: "acknowledged by ann" in page.locator("#alerts").inner_text(), "an owner")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == name, "it stays where it was"
    page.context.close()


def test_sound_is_off_until_it_is_asked_for_and_by_priority(screen: Screen) -> None:
    page = screen.page()
    page.goto(screen.ward.address)
    sound = page.locator("#sound")
    screen.until(lambda: page.locator("body").get_attribute("data-sound") == "off", "a page that is silent")
    assert sound.inner_text() == "Sound is off" and sound.get_attribute("aria-pressed") == "false"
    sound.click()
    screen.until(lambda: page.locator("body").get_attribute("data-burst") == "high", "a burst")
    assert sound.inner_text() == "Sound is on" and sound.get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Pause sound: on floor in room-3").click()
    screen.until(lambda: page.locator("body").get_attribute("data-burst") != "high", "that it is silent")
    assert "audio-paused by ann" in page.locator("#alerts").inner_text()
    sound.click()
    screen.until(lambda: sound.inner_text() == "Sound is off", "off again")
    page.context.close()


def test_a_clock_that_is_wrong_is_said_and_not_used(screen: Screen) -> None:
    page = screen.page()
    page.add_init_script("const now = Date.now; Date.now = () => now() - 8 * 60000;")
    page.goto(screen.ward.address)
    screen.until(lambda: page.locator("#drift").is_visible(), "a word about the clock")
    assert "about 8 min wrong" in page.locator("#drift").inner_text()
    assert (
        "12 min" in page.locator("#r-u-009").inner_text() or "s" in page.locator("#r-u-009 time").inner_text()
    )
    assert "-" not in page.locator("#r-u-009 time").inner_text()
    page.context.close()


def test_an_installer_draws_by_hand_and_by_key(screen: Screen) -> None:
    page = screen.page(bypass_csp=True, storage_state=None)
    set_up(page, screen.ward.address, "ian", screen.ward.add("ian", "installer"))
    page.goto(f"{screen.ward.address}/rooms/u-001")
    assert "in bed" not in page.locator("main").inner_text()
    page.get_by_role("link", name="Draw its zones").click()
    canvas = page.locator("#canvas")
    canvas.wait_for()
    for x, y in ((0.1, 0.2), (0.5, 0.2), (0.5, 0.6)):
        box = drawn_box(canvas)
        canvas.click(position={"x": box["width"] * x, "y": box["height"] * y})
    page.get_by_role("button", name="Corner 3 of bed").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowLeft")
    assert "Corner 3 of bed: 50 % from the left, 62 % from the top" in page.locator("#moved").inner_text()
    assert violations(page) == []
    page.get_by_role("button", name="Keep for signing").click()
    assert "Nothing has changed at the unit" in page.locator(".done").inner_text()
    kept = read(open_site(screen.ward.site), "u-001")
    assert kept and kept.by == "ian" and kept.bed is not None
    assert all(abs(a - b) <= 5 for corner, right in zip(kept.bed, ((100, 200), (500, 200), (498, 620)), strict=True)
               for a, b in zip(corner, right, strict=True))  # fmt: skip
    page.context.close()


def test_a_rooms_page_says_that_it_is_recorded_since_it_was_loaded(screen: Screen) -> None:
    page, voice = screen.page(), screen.ward.voices[0]
    page.goto(f"{screen.ward.address}/rooms/u-001")
    note = page.locator("#recorded-anew")
    assert not note.is_visible()
    recorded(voice)
    screen.until(note.is_visible, "a note beside what was true when the page was loaded")
    assert "has changed since this page was loaded" in note.inner_text() and violations(page) == []
    note.get_by_role("link").click()
    assert "seizure-study" in page.locator(".recorded").inner_text() and not note.is_visible()
    voice.links(
        {"what": "release-ended", "release": "r-0123456789abcdef", "file": 1, "seconds": 1, "how": "over"}
    )
    screen.until(note.is_visible, "the same where it ended")
    page.context.close()


def test_nothing_of_the_units_is_cut_at_an_ordinary_width_and_a_bell_is_seen(screen: Screen) -> None:
    page = screen.page(viewport={"width": 1300, "height": 900}, color_scheme="light")
    for path in ("/units", "/burden"):
        page.goto(screen.ward.address + path)
        cut = "[...document.querySelectorAll('.wide')].filter((e) => e.scrollWidth > e.clientWidth)"
        assert page.evaluate(f"{cut}.length") == 0, path
    page.goto(screen.ward.address)
    colours = """[...document.querySelectorAll('.tile[data-sounding] .strip')].map((strip) => [
      getComputedStyle(strip).color, getComputedStyle(strip.querySelector('.icon')).color])"""
    found = page.evaluate(colours)
    assert found and all(words == bell for words, bell in found), "as light or dark as the words beside it"
    page.context.close()


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920, 3840])
def test_no_width_scrolls_sideways_or_cuts_a_word(screen: Screen, width: int) -> None:
    page = screen.page(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    for path in ("/", "/rooms/u-003", "/units", "/people", "/log", "/burden"):
        page.goto(screen.ward.address + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.goto(screen.ward.address)
    cut = "[...document.querySelectorAll('.tile strong')].filter((e) => e.scrollWidth > e.clientWidth + 1)"
    cut += ".filter((e) => e.clientWidth)"
    assert page.evaluate(f"{cut}.length") == 0
    assert (
        page.evaluate("getComputedStyle(document.querySelector('[data-sounding] .icon')).animationName")
        == "none"
    )
    page.context.close()


def test_among_many_rooms_each_tile_still_holds_word_time_and_alert(screen: Screen) -> None:
    page = screen.page(viewport={"width": 1920, "height": 1080})
    page.goto(screen.ward.address)
    page.evaluate("document.getElementById('tiles').classList.add('many')")
    outside = """[...document.querySelectorAll('.tile')].flatMap((tile) => {
      const box = tile.getBoundingClientRect();
      return [...tile.querySelectorAll('strong, time, .strip, .withheld, .sure')].filter((part) => {
        const own = part.getBoundingClientRect();
        return own.width && (own.bottom > box.bottom + 1 || own.right > box.right + 1 || own.top < box.top - 1);
      }).map((part) => `${tile.id}: ${part.textContent.trim()}`);
    })"""
    assert page.evaluate(outside) == []
    assert page.locator("#r-u-003 .strip").is_visible()
    screen.until(lambda: page.locator(".sure:visible").count(), "a rate with its quality")
    page.context.close()


def test_over_tls_a_browser_keeps_the_strict_cookie_and_the_stream(screen: Screen, tmp_path: Path) -> None:
    made = Ward(tmp_path, 1)
    command("site", "board", "--site", made.site, "--certificate", "127.0.0.1")
    made.address = made.address.replace("http:", "https:")
    page = screen.page(
        ignore_https_errors=True, storage_state=None
    )  # nobody told this browser of the site's CA
    try:
        made.start()
        set_up(page, made.address, "ann", made.first_token())
        (cookie,) = page.context.cookies()
        assert (cookie["name"], cookie["secure"], cookie["sameSite"]) == ("__Host-stillroom", True, "Strict")
        made.speak()
        page.locator("#r-u-001").get_by_text("in bed").wait_for()
    finally:
        screen.hosts.discard(made.address.removeprefix("https://"))
        page.context.close()
        made.stop()


def test_nothing_is_asked_of_another_host_and_nothing_is_refused(screen: Screen) -> None:
    """After all the tests above."""
    assert screen.hosts == {screen.ward.address.removeprefix("http://")}
    assert [said for said in screen.complaints if "Content Security Policy" in said or "Error" in said] == []


def test_a_board_that_is_deaf_or_gone_holds_nothing_for_true(screen: Screen) -> None:
    """The last one: it ends the site."""
    page = screen.page(bypass_csp=True)
    page.goto(screen.ward.address)
    calm = page.locator("#r-u-001")
    assert "Not known now" not in calm.inner_text()
    screen.ward.end("gateway")
    screen.until(lambda: "Alerts are not known" in page.locator("#alerts").inner_text(), "a silent gateway")
    assert page.locator("body").get_attribute("data-link") == "live", "the rooms are known still"
    screen.ward.broker.kill()
    until(lambda: page.locator("body").get_attribute("data-link") == "deaf", "a deaf board")
    assert "NOT CONNECTED" in page.locator("#trouble").inner_text()
    for tile in page.locator(".tile").all():
        assert "Not known now; was" in words(tile.inner_text())
        assert "15.2" not in tile.inner_text()
    assert violations(page) == []
    screen.ward.end("board")
    until(lambda: page.locator("body").get_attribute("data-link") == "lost", "a page without a board")
    assert "This screen has lost the board" in page.locator("#trouble").inner_text()
    assert "Not known now; was in bed" in words(calm.inner_text())
    assert violations(page) == []
    screen.ward.run("board", "board", "--listen", screen.ward.address.removeprefix("http://"))
    page.wait_for_url("**/login?ended", timeout=30_000)
    assert "Nothing is watched on this screen" in page.locator("main").inner_text()
    page.context.close()

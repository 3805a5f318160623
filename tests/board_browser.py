"""Debian's Chromium through Playwright, for tests of pages; skips by name where one of them is not there."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from board_rig import PASSWORD, Voice, Ward, code_now
from unit_sender import SITE

from stillroom.clock import SystemClock, utc_text
from stillroom.events import Telemetry
from stillroom.observation import Reading

AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NONE = Reading(None, None, "no-person")
MOVES = Reading(None, None, "motion")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser that is never downloaded."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=program, args=[*sandbox, "--autoplay-policy=user-gesture-required"]
        )
        yield browser
        browser.close()


def set_up(page: Any, address: str, name: str, token: str) -> str:
    """Somebody who has a token sets up his login in this page; the secret of his phone."""
    page.goto(f"{address}/set-up")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Go on").click()
    secret: str = page.locator("code.key").inner_text()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Code from").fill(code_now(secret))
    page.get_by_role("button", name="Set up and log in").click()
    page.wait_for_url(f"{address}/")
    return secret


def violations(page: Any) -> list[str]:
    """What axe-core finds: rule and element. The page's context must bypass its own policy."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": AXE_RULES}}).response
    assert found["passes"], "it looked"
    return [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]


def lives(ward: Ward) -> None:
    """Rooms of all kinds: calm, empty, on the floor, paused, dark, unknown, silent."""
    closed = {"state": "unknown", "camera": "none", "model": "none"}
    rooms: list[dict[str, object]] = [
        {},
        {"state": "empty", "breathing": NONE, "pulse": NONE},
        {"state": "on-floor", "breathing": MOVES, "pulse": MOVES},
        {"gate": "paused", **closed},
        {"gate": "expired", **closed},
        {"state": "unknown", "breathing": Reading(None, None, "dark"), "pulse": Reading(None, None, "dark"),
         "faults": ("camera-covered",)},
        {"state": "out-of-bed", "breathing": MOVES, "pulse": MOVES},
        {"state": "bathroom", "breathing": NONE, "pulse": NONE},
        {"state": "several-people", "breathing": Reading(None, None, "several-people"),
         "pulse": Reading(None, None, "several-people")},
        {"gate": "withdrawn", **closed},
        {"state": "bed-edge", "breathing": MOVES},
        {"state": "occupied", "breathing": MOVES, "pulse": Reading(74.0, 0.81, None, "pos", 9.0)},
    ]  # fmt: skip
    for voice, changes in zip(ward.voices, rooms, strict=False):
        voice.is_now(**changes)
    recorded(ward.voices[2])
    for voice, celsius, worn in zip(
        ward.voices[:4], (48.0, 52.5, 81.0, None), (0.1, None, 0.2, 0.85), strict=True
    ):
        voice.tells(health(celsius, worn))
    ward.voices[2].condition("on-floor", why="floor zone 0.81 for 4 s")
    ward.voices[5].condition("camera-covered", "technical", why="edges 0.02 for 1 s")
    ward.voices[7].condition("bathroom-long", "medium", why="for 30 min")


def recorded(voice: Voice) -> None:
    """Under a release, from now on."""
    release = {"release": "r-0123456789abcdef"}
    until = utc_text(SystemClock().utc_ms() + 8 * 3_600_000)
    terms = {"purpose": "seizure-study", "custodian": "archivist", "until": until}
    started = {"what": "release-started", **release, "file": 1, "level": "192x144/5", "by": "matron director"}
    names = {"what": "start", "site": SITE, "unit": voice.unit}
    voice.links(names, {"what": "release-seen", **release, **terms}, started)


def health(celsius: float | None, worn: float | None) -> Telemetry:
    """Of a quarter of an hour that has just ended."""
    now_ms = SystemClock().utc_ms()
    card = {"free_mb": 11_800, "card_worn": worn}
    return Telemetry(
        from_ms=now_ms - 900_000, until_ms=now_ms, celsius=celsius, throttled=3 if celsius and celsius > 80 else 0,
        frames_per_s=29.8, frames_dropped=2, look_ms=231.0, waiting=0, **card, software="0.1.0",
        software_ms=now_ms - 12 * 86_400_000, configuration=0, configuration_hash=None, roster=1,
    )  # fmt: skip


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()

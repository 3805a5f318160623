"""`stillroom site view ROOM`: a small page in the browser with the look, what is left of it, and who is told."""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec

from stillroom.clock import SystemClock
from stillroom.document_forms import Code
from stillroom.errors import EXIT_OK, ConfigError
from stillroom.view_forms import BLOCKS, DEFAULT_BLOCK, HEIGHT_PX, LEVELS, WIDTH_PX, Blank
from stillroom_tools.site.layout import Site, open_site
from stillroom_tools.site.signer import person_keys
from stillroom_tools.site.view.look import BLANK_WORDS, Frame, Look

HELP = "look into a room: brief, announced and kept"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("room", metavar="ROOM", help="a room's pseudonym, or a unit's id")
    parser.add_argument("--site", type=Path, required=True, metavar="SITE_DIR", help="the site's folder")
    parser.add_argument("--key", type=Path, required=True, metavar="KEY", help="the viewer's own NAME.key")
    parser.add_argument(
        "--reason", required=True, metavar="CODE", help="why, in a word of a-z 0-9 . - that is kept for good"
    )
    parser.add_argument("--level", choices=LEVELS, default="figure", help="(figure)")
    parser.add_argument("--seconds", type=int, default=15, metavar="S", help="1 to 60 (15)")
    parser.add_argument(
        "--block",
        type=int,
        metavar="N",
        help=f"of a picture: squares of so many of its pixels are averaged ({DEFAULT_BLOCK})",
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="of the page (any free one)")
    parser.add_argument(
        "--frames", type=Path, metavar="DIR", help="no page: write frames there as PGM, for tests"
    )


def run(options: argparse.Namespace) -> int:
    """Raises ConfigError, TrustError, BrokerError, LookRefused; StillroomError where no frame comes."""
    site = open_site(options.site)
    look = _look(options, site)
    if options.frames is not None:
        return _write(options.frames, look)
    from stillroom_tools.site.view.page import show

    return show(look, options.room, options.port)


def _look(options: argparse.Namespace, site: Site) -> Look:
    block = options.block or (DEFAULT_BLOCK if options.level == "picture" else 1)
    if block not in BLOCKS or (options.level == "figure" and block != 1):
        allowed = "a figure has none" if options.level == "figure" else ", ".join(map(str, BLOCKS))
        raise ConfigError(f"--block {block}: {allowed}")
    if not 1 <= options.seconds <= 60:
        raise ConfigError(f"--seconds {options.seconds}: 1 to 60")
    try:
        reason = msgspec.convert(options.reason, Code)
    except msgspec.ValidationError:
        raise ConfigError(f"--reason '{options.reason}': 1 to 48 of a-z 0-9 . -") from None
    viewer = person_keys(site, options.key, "viewer")
    unit = _unit(site, options.room)
    return Look(site, unit, viewer, options.level, options.seconds, block, reason)


def _unit(site: Site, room: str) -> str:
    """The unit that looks at a room now, by the authorisations in force. Raises ConfigError."""
    now_ms, withdrawn = SystemClock().utc_ms(), site.withdrawn()
    found = [
        enrolment.unit
        for enrolment in site.enrolments()
        for paper in site.authorisations(enrolment.unit)
        if paper.room == room and paper.id not in withdrawn and paper.covers(now_ms)
    ]
    if found:
        return found[-1]
    if any(enrolment.unit == room for enrolment in site.enrolments()):
        return room
    raise ConfigError(f"'{room}': no unit of site '{site.name}' is authorised for a room of this name now")


def _write(folder: Path, look: Look) -> int:
    """Each frame as a file, and a line on standard output."""
    folder.mkdir(parents=True, exist_ok=True)
    asked_s = time.monotonic()
    count, blank = 0, Counter[Blank]()
    for frame in look.frames():
        head = f"P5 {WIDTH_PX} {HEIGHT_PX} 255\n".encode()
        (folder / f"frame-{frame.number:04}.pgm").write_bytes(head + frame.shown.luma)
        print(_line(frame, time.monotonic() - asked_s), flush=True)
        count += 1
        blank[frame.shown.blank] += frame.shown.blank != "shown"
    print(f"{count} frames, {look.refused} refused{_nothing(blank)}", file=sys.stderr)
    return EXIT_OK


def _nothing(blank: Counter[Blank]) -> str:
    """How many showed nothing, and why mostly."""
    if not blank.total():
        return ""
    why, _ = blank.most_common(1)[0]
    return f", {blank.total()} with nothing in them: {BLANK_WORDS[why]}"


def _line(frame: Frame, at_s: float) -> str:
    shown = frame.shown
    return f"{frame.number} {at_s:.2f} {shown.level} {shown.block} {shown.blank} {shown.left_ms}"

"""Writes views.json beside itself: python tests/vectors/make_views.py, by hand, as make.py is run."""

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "runtime")]

import parties as p  # noqa: E402

from stillroom.keys import BoxKey  # noqa: E402
from stillroom.view_forms import Blank, ViewLevel  # noqa: E402
from stillroom.view_seal import OPEN_BYTES, PIXELS_AT, PLAIN_BYTES, SEALED_BYTES, FrameSealer  # noqa: E402
from stillroom.view_wire import FRAME_BYTES, sign, view_id  # noqa: E402

SESSION = BoxKey(bytes(range(32)))
VIEW = view_id(SESSION.public.raw)


def frame(number: int, level: ViewLevel, block: int, blank: Blank, left_ms: int) -> tuple[bytes, bytes]:
    """As it leaves, and its pixels."""
    plain = bytearray(PLAIN_BYTES)
    sealer = FrameSealer(p.UNIT.signing.verify_key.id, VIEW, SESSION.public.raw, plain)
    plain[PIXELS_AT:] = bytes(i * 7 % 251 for i in range(PLAIN_BYTES - PIXELS_AT))
    pixels = bytes(plain[PIXELS_AT:]) if blank == "shown" else bytes(PLAIN_BYTES - PIXELS_AT)
    return sign(sealer.seal(number, level, block, blank, left_ms), p.UNIT.signing), pixels


def good(name: str, *shown: Any) -> dict[str, Any]:
    data, pixels = frame(*shown)
    keys = ("number", "level", "block", "blank", "left_ms")
    hashed = hashlib.sha256(pixels).hexdigest()
    return {
        "name": name,
        "expect": dict(zip(keys, shown, strict=True)) | {"pixels": hashed},
        "frame": base64.b64encode(data).decode(),
    }


def bad(name: str, expect: str, at: int, new: bytes, *, signed: bool = False, cut: int = 0) -> dict[str, Any]:
    """The first good one with `new` at `at`; signed anew, so that no earlier step fails; `cut` bytes shorter."""
    return {"name": name, "expect": expect, "at": at, "put": new.hex(), "sign": signed, "cut": cut}


if __name__ == "__main__":
    box = SESSION.public.seal(bytes(31))
    vectors = [
        good("a figure", 0, "figure", 1, "shown", 15_000),
        good("a picture of squares, the last of a look", 74, "picture", 12, "shown", 200),
        good("nothing to be shown", 3, "figure", 1, "no-background", 0),
        bad("another magic", "magic", 0, b"STLR"),
        bad("another version", "version", 4, b"\2", signed=True),
        bad("another suite", "suite", 5, b"\2", signed=True),
        bad("cut short", "size", 0, b"", cut=1),
        bad("another sender", "sender", 8, bytes(8), signed=True),
        bad("another view", "view", 16, bytes(16), signed=True),
        bad("another number, not signed anew", "signature", 6, b"\0\7"),
        bad("a bit of the signature", "signature", FRAME_BYTES - 1, b"\xff"),
        bad("another number, signed anew", "ciphertext", 6, b"\0\7", signed=True),
        bad("a box of a key that is too short", "wrap", 32, box + b"\0", signed=True),
        bad("a box of nobody's", "wrap", 32, bytes(80), signed=True),
        bad("another tag", "ciphertext", SEALED_BYTES - 1, b"\0", signed=True),
        bad("another pixel", "ciphertext", OPEN_BYTES + 1000, b"\0", signed=True),
    ]
    content = {
        "session_secret": SESSION.secret().hex(),
        "session_public": SESSION.public.raw.hex(),
        "view": VIEW.hex(),
        "sign_seed": p.UNIT.signing.seed().hex(),
        "vectors": vectors,
    }
    (HERE / "views.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

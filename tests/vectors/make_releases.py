"""Writes releases.json beside itself: python tests/vectors/make_releases.py, by hand, as make.py is run."""

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RUNTIME = HERE.parent.parent / "runtime"
sys.path[:0] = [str(HERE.parent), str(RUNTIME), str(RUNTIME / "release")]

import parties as p  # noqa: E402

from stillroom.keys import BoxKey  # noqa: E402
from stillroom.release_forms import BOX_BYTES, HEAD, body_bytes, chunk_head, end_head, pixels_at, plain_bytes  # noqa: E402
from stillroom.release_wire import FIRST_LINK, Block, write_block  # noqa: E402
from stillroom_release.seal import put_inner, seal_chunk  # noqa: E402

CUSTODIAN = BoxKey(bytes(range(32)))
RELEASE, RECORDING = b"R" * 16, bytes(range(16))
FORM = 192, 144, 2
AT_MS = p.to_ms(p.NOON)
ID = p.UNIT.signing.verify_key.id


def chunk(number: int, before: bytes, missed: int = 0) -> tuple[bytes, bytes, dict[str, Any]]:
    """Its bytes, its link, and what it holds."""
    plain = bytearray(plain_bytes(*FORM))
    plain[pixels_at(FORM[2]) :] = bytes(
        (i * 7 + number) % 251 for i in range(len(plain) - pixels_at(FORM[2]))
    )
    pixels = hashlib.sha256(plain[pixels_at(FORM[2]) :]).hexdigest()
    times = (1000 * number, 1000 * number + 500)
    put_inner(memoryview(plain), FORM[0], FORM[1], missed, times)
    head = chunk_head(ID, RELEASE, RECORDING, number, body_bytes(*FORM))
    data, link = write_block(
        head, seal_chunk(head, memoryview(plain), CUSTODIAN.public.raw), before, AT_MS, p.UNIT.signing
    )
    said = {
        "what": 1,
        "number": number,
        "link": link.hex(),
        "missed": missed,
        "at_ms": times,
        "pixels": pixels,
    }
    return data, link, said


def end(number: int, before: bytes, how: str) -> tuple[bytes, dict[str, Any]]:
    head = end_head(ID, RELEASE, RECORDING, number, len(how))
    data, link = write_block(head, how.encode(), before, AT_MS + 1, p.UNIT.signing)
    return data, {"what": 2, "number": number, "link": link.hex(), "how": how}


def good(name: str, data: bytes, said: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "expect": said, "block": base64.b64encode(data).decode()}


def bad(name: str, expect: str, at: int, new: bytes, *, signed: bool = False, cut: int = 0) -> dict[str, Any]:
    """The first good one with `new` at `at`; signed anew, so that no earlier step fails; `cut` bytes shorter."""
    return {"name": name, "expect": expect, "at": at, "put": new.hex(), "sign": signed, "cut": cut}


def signed_anew(data: bytes) -> bytes:
    size = int.from_bytes(data[52:56], "big")
    head, body, rest = data[: HEAD.size], data[HEAD.size : HEAD.size + size], data[HEAD.size + size :]
    block = Block(head, body, rest[:32], int.from_bytes(rest[32:40], "big"), b"")
    return write_block(block.head, block.body, block.before, block.at_ms, p.UNIT.signing)[0]


if __name__ == "__main__":
    first, link, said = chunk(0, FIRST_LINK)
    second, link_2, said_2 = chunk(1, link, 3)
    last, said_3 = end(2, link_2, "withdrawn")
    empty = CUSTODIAN.public.seal(bytes(31))
    vectors = [
        good("the first chunk", first, said),
        good("another, after some frames were left out", second, said_2),
        good("the end", last, said_3),
        bad("another magic", "magic", 0, b"STLV"),
        bad("another version", "version", 4, b"\2", signed=True),
        bad("another suite", "suite", 5, b"\2", signed=True),
        bad("neither chunk nor end", "what", 6, b"\3", signed=True),
        bad("an eighth byte", "what", 7, b"\1", signed=True),
        bad("too large", "size", 52, b"\x7f\0\0\0"),
        bad("of nothing", "size", 52, bytes(4)),
        bad("cut short", "cut", 0, b"", cut=1),
        bad("cut inside its head", "cut", 0, b"", cut=len(first) - 20),
        bad("another sender", "sender", 8, bytes(8), signed=True),
        bad("another release", "release", 16, bytes(16), signed=True),
        bad("another recording, not signed anew", "signature", 32, bytes([9]) * 16),
        bad("another place, not signed anew", "signature", 48, b"\0\0\0\7"),
        bad("after another block, not signed anew", "signature", len(first) - 104, b"\7"),
        bad("another time, not signed anew", "signature", len(first) - 65, b"\7"),
        bad("a bit of the signature", "signature", len(first) - 1, b"\xff"),
        bad("another place, signed anew", "ciphertext", 48, b"\0\0\0\7", signed=True),
        bad("a box of a key that is too short", "wrap", 56, empty + b"\0", signed=True),
        bad("a box of nobody's", "wrap", 56, bytes(BOX_BYTES), signed=True),
        bad("another pixel", "ciphertext", 1_000, b"\0\1\2\3", signed=True),
    ]
    content = {
        "custodian_secret": CUSTODIAN.secret().hex(),
        "release": RELEASE.hex(),
        "sign_seed": p.UNIT.signing.seed().hex(),
        "vectors": vectors,
    }
    (HERE / "releases.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

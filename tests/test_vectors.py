"""The vectors of WIRE.md, through our own code: good ones open, bad ones fail as they say."""

import base64
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from stillroom import release_wire, view_wire, wire
from stillroom.bodies import decode_down, decode_up
from stillroom.documents import KINDS
from stillroom.errors import WireError
from stillroom.events import Body, DownBody, Entry, Event, Snapshot
from stillroom.hashes import digest
from stillroom.keys import BoxKey, SigningKey
from stillroom.note_reading import NoteError, open_note, parse_signer
from stillroom.observation import Reading
from stillroom.public_keys import VerifyKey
from stillroom.replay import Seen, advance
from stillroom.view_seal import SEALED_BYTES
from stillroom.wire import Boot, Lane, Record

HERE = Path(__file__).parent / "vectors"
RECORDS = json.loads((HERE / "records.json").read_text(encoding="utf-8"))
NOTES = json.loads((HERE / "notes.json").read_text(encoding="utf-8"))
REPLAY = json.loads((HERE / "replay.json").read_text(encoding="utf-8"))
VIEWS = json.loads((HERE / "views.json").read_text(encoding="utf-8"))
RELEASES = json.loads((HERE / "releases.json").read_text(encoding="utf-8"))
WIRE_MD = (Path(wire.__file__).parent / "WIRE.md").read_text(encoding="utf-8")
SCHEMAS = {kind: schema for schema, kind in KINDS.items()}


def named(vectors: list[dict[str, Any]]) -> pytest.MarkDecorator:
    assert len({v["name"] for v in vectors}) == len(vectors)
    return pytest.mark.parametrize("vector", vectors, ids=[v["name"] for v in vectors])


@named(VIEWS["vectors"])
def test_frames_of_views(vector: dict[str, Any]) -> None:
    unit, session = (
        SigningKey(bytes.fromhex(VIEWS["sign_seed"])),
        BoxKey(bytes.fromhex(VIEWS["session_secret"])),
    )
    frame = bytearray(base64.b64decode(vector.get("frame", VIEWS["vectors"][0]["frame"])))
    if "put" in vector:
        new = bytes.fromhex(vector["put"])
        frame[vector["at"] : vector["at"] + len(new)] = new
        if vector["sign"]:
            frame[SEALED_BYTES:] = view_wire.sign(bytes(frame[:SEALED_BYTES]), unit)[SEALED_BYTES:]
        del frame[len(frame) - vector["cut"] :]
    view = view_wire.view_id(session.public.raw)
    assert view.hex() == VIEWS["view"]
    try:
        number, shown = view_wire.open_frame(bytes(frame), unit.verify_key, view, session)
    except WireError as refused:
        assert refused.reason == vector["expect"]
        return
    said = {"number": number, "level": shown.level, "block": shown.block, "blank": shown.blank}
    said |= {"left_ms": shown.left_ms, "pixels": hashlib.sha256(shown.luma).hexdigest()}
    assert said == vector["expect"]


def spoilt_block(vector: dict[str, Any], unit: SigningKey) -> bytes:
    data = bytearray(base64.b64decode(vector.get("block", RELEASES["vectors"][0]["block"])))
    if "put" in vector:
        new = bytes.fromhex(vector["put"])
        data[vector["at"] : vector["at"] + len(new)] = new
        if vector["sign"]:
            head, size = bytes(data[:56]), int.from_bytes(data[52:56], "big")
            before, at = (
                bytes(data[56 + size : 88 + size]),
                int.from_bytes(data[88 + size : 96 + size], "big"),
            )
            data[:] = release_wire.write_block(head, bytes(data[56 : 56 + size]), before, at, unit)[0]
        del data[len(data) - vector["cut"] :]
    return bytes(data)


@named(RELEASES["vectors"])
def test_blocks_of_recordings(vector: dict[str, Any]) -> None:
    unit, custodian = (
        SigningKey(bytes.fromhex(RELEASES["sign_seed"])),
        BoxKey(bytes.fromhex(RELEASES["custodian_secret"])),
    )
    try:
        block = release_wire.read_block(io.BytesIO(spoilt_block(vector, unit)))
        assert block is not None
        release_wire.verify(block, unit.verify_key, bytes.fromhex(RELEASES["release"]))
        said: dict[str, Any] = {"what": block.what, "number": block.number, "link": block.link.hex()}
        if block.what == 2:
            said["how"] = release_wire.how_it_ended(block)
        else:
            frames = release_wire.open_chunk(block, custodian)
            said |= {"missed": frames.missed, "at_ms": list(frames.at_ms)}
            said["pixels"] = hashlib.sha256(b"".join(frames.luma)).hexdigest()
    except WireError as refused:
        assert refused.reason == vector["expect"]
        return
    assert said == vector["expect"]


def opened(vector: dict[str, Any]) -> bytes:
    keys = RECORDS["keys"]
    sender, recipient = keys[vector["sender"]], keys[vector["recipient"]]
    record = wire.parse(base64.b64decode(vector["record"]))
    verified = wire.verify(
        record, VerifyKey(bytes.fromhex(sender["sign_public"])), Lane[vector["lane"].upper()]
    )
    return wire.open_record(verified, [BoxKey(bytes.fromhex(recipient["box_secret"]))])


@named(RECORDS["records"])
def test_records(vector: dict[str, Any]) -> None:
    decode = decode_down if vector["lane"] == "down" else decode_up
    if vector["expect"] == "ok":
        assert opened(vector) == base64.b64decode(vector["body"])
        if not vector["opaque"]:
            decode(opened(vector))
        return
    with pytest.raises(WireError) as caught:
        decode(opened(vector))
    assert caught.value.reason == vector["expect"]


@pytest.mark.parametrize("name", RECORDS["keys"])
def test_keys(name: str) -> None:
    given = RECORDS["keys"][name]
    sign, box = SigningKey(bytes.fromhex(given["sign_seed"])), BoxKey(bytes.fromhex(given["box_secret"]))
    assert sign.verify_key.raw.hex() == given["sign_public"]
    assert sign.verify_key.id.hex() == given["sign_id"]
    assert sign.verify_key.fingerprint == given["fingerprint"]
    assert (box.public.raw.hex(), box.public.id.hex()) == (given["box_public"], given["box_id"])


def test_derivation() -> None:
    given = {name: bytes.fromhex(value) for name, value in RECORDS["derivation"].items()}
    both = digest(b"stillroom/1 record key", given["head"], 64, given["epoch_key"])
    assert both == given["record_key"] + given["commitment"]


@named(NOTES)
def test_notes(vector: dict[str, Any]) -> None:
    arguments = (
        vector["note"].encode(),
        vector["kind"],
        SCHEMAS[vector["kind"]],
        [parse_signer(vector["signer"])],
        [parse_signer(line) for line in vector["one_of"]],
    )
    if vector["expect"] == "ok":
        assert isinstance(open_note(*arguments), SCHEMAS[vector["kind"]])
        return
    with pytest.raises(NoteError) as caught:
        open_note(*arguments)
    assert caught.value.reason == vector["expect"]


@named(REPLAY)
def test_replay(vector: dict[str, Any]) -> None:
    seen: Seen | None = None
    for step in vector["steps"]:
        boot = Boot(step["boot"], bytes.fromhex(step["boot_id"]))
        try:
            seen, _ = advance(
                seen,
                Record(
                    Lane.UP, bytes.fromhex(step["sender"]), boot, step["epoch"], step["sequence"], (), b""
                ),
            )
            outcome = "ok"
        except WireError as error:
            outcome = error.reason
        assert outcome == step["expect"], step


def test_every_reason_has_its_vector() -> None:
    """A new way to refuse comes with a vector, so that others refuse it too."""
    records = {v["expect"] for v in RECORDS["records"]}
    steps = {step["expect"] for v in REPLAY for step in v["steps"]}
    assert records == {"ok", "body", *raised("wire.py")}
    assert steps == {"ok", *raised("replay.py")}
    assert {v["expect"] for v in NOTES} == {"ok", *raised("note_reading.py")}
    blocks = {v["expect"] for v in RELEASES["vectors"] if isinstance(v["expect"], str)}
    assert blocks == raised("release_wire.py") - {"body"}, (
        "what a unit with the right keys would have to make"
    )


def test_wire_md_explains_every_reason() -> None:
    for module in ("wire.py", "replay.py", "note_reading.py", "receiver.py", "bodies.py", "release_wire.py"):
        assert {reason for reason in raised(module) if f"`{reason}`" not in WIRE_MD} == set()


def test_wire_md_has_our_numbers() -> None:
    assert f"{wire.body_capacity(2):,} for two recipients, {wire.body_capacity(3):,} for three" in WIRE_MD
    assert f"`{wire.body_capacity(1) + 88} - 88 n` bytes" in WIRE_MD
    assert f"Exactly {wire.RECORD_BYTES:,} bytes" in WIRE_MD


def test_wire_md_has_every_field_of_every_body() -> None:
    """In the order in which they are sent."""
    bodies = (WIRE_MD.split("## Bodies")[1]).split("## Signed documents")[0]
    for schema in (Snapshot, Reading, Entry, *get_args(Event), DownBody, Body):
        names = [field.encode_name for field in msgspec.structs.fields(schema)]
        if tag := schema.__struct_config__.tag:
            row = next(line for line in bodies.splitlines() if line.startswith(f"| `{tag}` |"))
        else:
            row = next(line for line in bodies.splitlines() if f"`{names[0]}`" in line)
        places = [row.find(f"`{name}`") for name in names]
        assert -1 not in places and places == sorted(places), (schema.__name__, names)


def test_wire_md_has_every_key_of_every_document() -> None:
    """In the order in which they are signed."""
    rows = WIRE_MD.split("## Signed documents")[1].split("| kind | signed by | keys")[1]
    for schema, kind in KINDS.items():
        names = " ".join(field.encode_name for field in msgspec.structs.fields(schema))
        row = next(line for line in rows.splitlines() if line.startswith(f"| `{kind}` |"))
        assert f"`{names}`" in row, row


def test_wire_md_has_every_outcome_of_a_command() -> None:
    commands = WIRE_MD.split("### Commands")[1].split("## Signed documents")[0]
    source = "".join(
        (Path(wire.__file__).parent / "keeper" / module).read_text(encoding="utf-8")
        for module in ("commands.py", "asks.py")
    )
    outcomes = set(re.findall(r'Refusal\("([a-z-]+)"\)', source))
    assert len(outcomes) >= 8 and {one for one in outcomes if f"`{one}`" not in commands} == set()


def raised(module: str) -> set[str]:
    """First arguments of the errors that a module makes."""
    import ast

    source = (Path(wire.__file__).parent / module).read_text(encoding="utf-8")
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    errors = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id in {"WireError", "NoteError"}]
    return {node.value for c in errors for node in ast.walk(c.args[0]) if is_reason(node)}


def is_reason(node: Any) -> bool:
    return isinstance(getattr(node, "value", None), str) and "\\" not in node.value

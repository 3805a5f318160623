"""Each decoder under atheris: python tests/fuzz/targets.py NAME [libFuzzer options]

Whatever comes in: a value, or the decoder's own error. Any other exception, a second of work, or half a gigabyte
ends the run. What was refused has changed nothing.
"""

import socket
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent / "runtime"), str(TESTS.parent / "tools")]

with atheris.instrument_imports(include=["stillroom", "stillroom_tools", "msgspec", "tomllib"]):
    import parties as p
    from nacl import bindings

    from stillroom import (
        bodies,
        config,
        link,
        note_reading,
        notes,
        release_forms,
        release_wire,
        selftest_forms,
        wire,
    )
    from stillroom.chain import FIRST_HEAD, head_of, leaf_of, signed_part
    from stillroom.documents import KINDS
    from stillroom.errors import ConfigError, InputError, LinkError, StorageError, TrustError, WireError
    from stillroom.events import MAX_PART_BYTES, MAX_PARTS, Audited, Command
    from stillroom.keeper.parts import Parts
    from stillroom.keys import BoxKey, load_keys
    from stillroom.note_reading import NoteError
    from stillroom.phantom import load_phantom
    from stillroom.receiver import MemoryStore, Receiver
    from stillroom.replay import Seen, advance, given_up
    from stillroom.selftest_limits import SelfTestLimits, load_limits, named
    from stillroom.wire import Boot, Lane, Record
    from stillroom_tools.make import batch_csv, card, label_text
    from stillroom_tools.site import admit, audit_file, audit_page, audit_part, configure
    from stillroom_tools.site.audit_keys import Keys
    from stillroom_tools.site.gateway.cursor import Cursor
    from stillroom_tools.site.gateway.settings import FILE
    from stillroom_tools.site.gateway.store import Store
    from stillroom_tools.site.layout import SiteConfig
    from stillroom_tools.site.release import follow

UNDER = p.epoch()
GOOD = p.record(under=UNDER, sequence=1)
SIGNED_BYTES = len(GOOD) - p.SIGNATURE_BYTES
FOLDER = Path(
    tempfile.mkdtemp(prefix="stillroom-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
)
KINDS_IN_ORDER = sorted(KINDS.items(), key=lambda item: item[1])
UNIT_KEY = p.UNIT.signing.verify_key
AUTHORITY = notes.signer_of(p.AUTHORITY)
CUSTODIAN = BoxKey(bytes(range(32)))
EXPECTED = follow.Expected((UNIT_KEY,), b"R" * 16)


def recorded() -> bytes:
    """Three blocks, small ones: what is in them does not open."""
    found, before = b"", release_wire.FIRST_LINK
    for number, make in enumerate(
        (release_forms.chunk_head, release_forms.chunk_head, release_forms.end_head)
    ):
        body = bytes(200) if number < 2 else b"over"
        head = make(UNIT_KEY.id, b"R" * 16, b"r" * 16, number, len(body))
        block, before = release_wire.write_block(head, body, before, 0, p.UNIT.signing)
        found += block
    return found


RECORDED = recorded()


def receiver() -> tuple[Receiver, MemoryStore]:
    store = MemoryStore()
    made = Receiver([p.enrolment(p.UNIT)], p.GATEWAY.boxes, store)
    made.open(p.record(under=UNDER, sequence=0))
    return made, store


def open_or_refuse(record: bytes) -> None:
    made, store = receiver()
    before = store.load("u-1")
    try:
        made.open(record)
    except WireError as error:
        assert store.load("u-1") is before and sum(made.refusals.values()) == 1, error.reason


def record_as_it_is(data: bytes) -> None:
    open_or_refuse(data)


def record_signed_anew(data: bytes) -> None:
    """A good record with bytes changed here and there, under a right signature: past the signature, into the rest."""
    changed = bytearray(GOOD)
    for at in range(0, len(data) - 3, 4):
        place = int.from_bytes(data[at : at + 2], "big") % SIGNED_BYTES
        changed[place] = data[at + 2]
    open_or_refuse(p.resign(changed))


def body_of_a_record(data: bytes) -> None:
    """Whatever a unit with the right keys might seal."""
    open_or_refuse(p.record(data[: wire.body_capacity(2)] or b"\xc0", under=UNDER, sequence=2))


def padding_of_a_record(data: bytes) -> None:
    open_or_refuse(
        p.resealed(lambda plain: data[: len(plain)].ljust(len(plain), b"\0"), UNDER, b"x", sequence=3)
    )


def body(data: bytes) -> None:
    for decode in (bodies.decode_up, bodies.decode_down):
        try:
            assert bodies.encode(decode(data)) == data
        except WireError:
            pass


def note(data: bytes) -> None:
    for schema, kind in KINDS_IN_ORDER:
        try:
            note_reading.open_note(data, kind, schema, [AUTHORITY])
        except NoteError:
            pass


def document(data: bytes) -> None:
    """As if the authority had signed it."""
    schema, kind = KINDS_IN_ORDER[len(data) % len(KINDS_IN_ORDER)]
    text = f"stillroom/1 {kind}\n".encode() + data
    try:
        assert note_reading.encode(kind, note_reading.decode(text, kind, schema)) == text
    except NoteError:
        pass


def parts_of_commands(data: bytes) -> None:
    """Commands in whatever order and parts: bounded, and what comes out is what went in under one number."""
    parts, given = Parts(), {}
    for at in range(0, len(data) - 4, 5):
        number, part, count = data[at] % 3 + 1, data[at + 1] % MAX_PARTS + 1, data[at + 2] % MAX_PARTS + 1
        if part > count:
            continue
        note = data[at + 3 : at + 5] * (data[at + 3] * 3)
        given[number, count, part] = note
        whole = parts.take(Command(number, part, count, note[:MAX_PART_BYTES]))
        assert sum(map(len, parts._held.values())) <= MAX_PARTS * MAX_PART_BYTES
        if whole is not None:
            assert whole == b"".join(
                given[number, count, one][:MAX_PART_BYTES] for one in range(1, count + 1)
            )


def setting(data: bytes) -> None:
    """What a person types after `--set`."""
    for key in ("room.bed_dwell_s", "zones.bed", "outbox.summary_s"):
        try:
            configure._parsed(key, data.decode("utf-8", "replace"))
        except ConfigError as error:
            assert "\n" not in str(error)


def audit(data: bytes) -> None:
    """A file that a facility hands over, and what is shown of it."""
    path = written("u-1.audit", data)
    key = UNIT_KEY
    try:
        head, links = audit_file.read(path)
        part = audit_part.part_that_verifies(links, Keys.of(links, key))
        if part.links:
            audit_page.page(head, part, "a word")
        audit_file.verify(path, head, links, key.fingerprint)
    except (InputError, TrustError) as error:
        assert "\n" not in str(error)
        return
    assert part.links == links and not part.outside


def verifier_key(data: bytes) -> None:
    try:
        note_reading.parse_signer(data.decode("utf-8", "replace"))
    except TrustError:
        pass


def key_file(data: bytes) -> None:
    path = written("unit.key", b"stillroom/1 secret\n" + data)
    try:
        load_keys(path, "unit")
    except TrustError:
        pass


def unit_configuration(data: bytes) -> None:
    try:
        config.load(written("unit.toml", data))
    except ConfigError:
        pass


def site_configuration(data: bytes) -> None:
    path = written("site.toml", data)
    try:
        config.convert(path, config.read_toml(path), SiteConfig)
    except ConfigError:
        pass


def of_a_selftest(data: bytes) -> None:
    """A report, a phantom's file, limits."""
    try:
        selftest_forms.open_report(data)
    except TrustError:
        pass
    for load in (load_phantom, load_limits):
        try:
            load(written("selftest.toml", data))
        except ConfigError:
            pass


def link_message(data: bytes) -> None:
    for hears in (link.EyeSays, link.EyeHears, link.CourierSays, link.CourierHears):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            theirs.send(data or b"\xc1")
            try:
                link.Link(ours, hears).receive()
            except LinkError:
                pass


def replay_state(data: bytes) -> None:
    """A damaged state is refused; whatever is accepted as one takes a next record or refuses it."""
    try:
        seen = Seen.from_bytes(data)
    except StorageError:
        return
    for step in (-200, -1, 0, 1, 40, 200):
        head = Record(
            Lane.UP,
            bytes(8),
            Boot(seen.boot, seen.boot_id),
            seen.epoch_index,
            max(seen.top + step, 0),
            (),
            b"",
        )
        try:
            after, _ = advance(seen, head)
        except WireError:
            continue
        assert given_up(seen, after) >= -1


def gateway_store(data: bytes) -> None:
    """The two columns of the gateway's database that are not plain numbers and texts."""
    cut = data[0] % len(data) if data else 0
    database = sqlite3.connect(FOLDER / FILE)
    with database:
        state = (
            "INSERT OR REPLACE INTO units(unit, room, contiguous, ranges, seen) VALUES('u-1', 'r', 5, ?, ?)"
        )
        database.execute(state, (data[1:cut], data[cut:]))
    database.close()
    try:
        store = Store(FOLDER)
    except StorageError:
        return
    assert isinstance(store.cursor("u-1"), Cursor)
    store.close()


def recording(data: bytes) -> None:
    """A file as it may have been changed, or as an eye that was taken over has it signed: a block is told or shown."""
    changed = bytearray(RECORDED)
    for at in range(0, len(data) - 3, 4):
        changed[int.from_bytes(data[at : at + 2], "big") % len(changed)] = data[at + 2]
    told: list[str] = []
    follower = follow.Follower(written("r-1-0001.stlc", bytes(changed)), EXPECTED, told.append)
    for block in follower.chunks():
        open_or_say(block)
    assert follower.findings == len(told)
    open_or_say(release_wire.Block(RECORDED[:56], sealed_to_custodian(data), bytes(32), 0, b""))


def sealed_to_custodian(plain: bytes) -> bytes:
    box = CUSTODIAN.public.seal(bytes(32))
    return box + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
        plain, RECORDED[:56] + box, bytes(24), bytes(32)
    )


def open_or_say(block: release_wire.Block) -> None:
    try:
        release_wire.open_chunk(block, CUSTODIAN)
    except WireError:
        pass


def of_a_batch(data: bytes) -> None:
    """What comes to a maker's machine: lists of units, answers of cards, public parts, what a label's square holds."""
    written("answer.json", data)
    text = data.decode("utf-8", "replace")
    for read in (
        lambda: batch_csv.read(written("units.csv", data)),
        lambda: card.read_answer(FOLDER),
        lambda: admit.read_request(data),
        lambda: label_text.parse(text),
    ):
        try:
            read()
        except (InputError, TrustError) as error:
            assert "\n" not in str(error)


def written(name: str, data: bytes) -> Path:
    path = FOLDER / name
    path.write_bytes(data)
    path.chmod(0o600)
    return path


TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one
    for one in (
        record_as_it_is,
        record_signed_anew,
        body_of_a_record,
        padding_of_a_record,
        body,
        note,
        document,
        parts_of_commands,
        setting,
        audit,
        verifier_key,
        key_file,
        unit_configuration,
        site_configuration,
        link_message,
        replay_state,
        gateway_store,
        recording,
        of_a_batch,
        of_a_selftest,
    )
}


def audit_of_a_unit() -> bytes:
    """Two links of a chain, as a file."""
    head, links = FIRST_HEAD, []
    for index, body in enumerate((b'{"what":"start","site":"demo","unit":"u-1"}', b'{"what":"stop"}'), 1):
        head = head_of(head, index, 0, leaf_of(bytes(16), body))
        signature = p.UNIT.signing.sign(signed_part(index, head))
        links.append(audit_file.link_of(Audited(index, 0, body, bytes(16), head, signature)))
    first = audit_file.Head(audit_file.KIND, "demo", "u-1", UNIT_KEY.raw.hex())
    return audit_file.write(first, links)


def report_of_a_selftest() -> bytes:
    """One check, signed."""
    row = selftest_forms.Check("camera", "stand", "", "any that has a name", None, True)
    report = selftest_forms.Report(
        "u-1", "demo", UNIT_KEY.fingerprint, UNIT_KEY.raw, "0.1.0", {}, "lab", "stand", "nobody has it yet",
        p.NOON, 0.0, None, named(SelfTestLimits()), (row,), True,
    )  # fmt: skip
    return selftest_forms.sign_report(report, p.UNIT)


def seeds(name: str) -> list[bytes]:
    """Where to begin: good ones of each kind."""
    good_note = notes.sign_note("roster", p.roster(), [p.AUTHORITY])
    text = note_reading.encode("roster", p.roster()).split(b"\n", 1)[1]
    packed = p.packed(p.body())
    return {
        "record_as_it_is": [GOOD],
        "body_of_a_record": [packed],
        "padding_of_a_record": [len(packed).to_bytes(2, "big") + packed],
        "body": [packed, p.packed(p.DOWN)],
        "note": [good_note],
        "document": [text + b" " * n for n in range(len(KINDS))],
        "parts_of_commands": [bytes([1, part, 3, 9, 9]) for part in range(4)],
        "setting": [b"4.5", b"[[0, 0], [1, 0], [1, 1]]", b"nan", b"1e400"],
        "audit": [audit_of_a_unit()],
        "verifier_key": [AUTHORITY.text.encode()],
        "unit_configuration": [(TESTS.parent / "config" / "unit.toml").read_bytes()],
        "site_configuration": [(TESTS.parent / "config" / "site.toml").read_bytes()],
        "link_message": [
            p.packed(link.Down(GOOD)),
            p.packed(link.Fault("camera-failed", "b")),
            p.packed(link.Network(True, "c")),
        ],
        "of_a_selftest": [
            report_of_a_selftest(),
            (TESTS.parent / "config" / "selftest.toml").read_bytes(),
            (TESTS.parent / "config" / "phantom.toml").read_bytes(),
        ],
        "of_a_batch": [
            b"serial,model,unit\nSN-1,M,u-1\nSN-2,M,\n",
            notes.sign_note("enrolment", p.enrolment(p.UNIT), [p.UNIT]),
            b"STILLROOM/1 M SN-1 " + UNIT_KEY.fingerprint.upper().encode(),
        ],
        "replay_state": [Seen(1, b"B" * 16, 0, 5, b"\0" * 15 + b"\3").to_bytes()],
    }.get(name, [b"\0" * 64])


def main() -> None:
    name, *options = sys.argv[1:]
    if name == "gateway_store":
        Store(FOLDER).close()
    corpus = FOLDER / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds(name)):
        (corpus / str(number)).write_bytes(seed)
        TARGETS[name](seed)
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()

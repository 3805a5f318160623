"""Key files: private, whole, never replaced; what cannot be used is refused in one line that shows no secret."""

import os
import re
import traceback
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parties import AUTHORITY, GATEWAY, UNIT

from stillroom.errors import StillroomError, StorageError, TrustError
from stillroom.files import MAX_FILE_BYTES, read_bounded, replace_file, write_new
from stillroom.keys import (
    BoxKey,
    KeyRing,
    SigningKey,
    forget_boxes,
    load_keys,
    load_unit_keys,
    replace_boxes,
    save_keys,
)
from stillroom.public_keys import VerifyKey, fingerprint


def same_keys(left: KeyRing, right: KeyRing) -> bool:
    secrets = [(k.signing.seed(), [box.secret() for box in k.boxes]) for k in (left, right)]
    return secrets[0] == secrets[1] and left.note_name == right.note_name and left.role == right.role


@pytest.mark.parametrize("ring", [AUTHORITY, GATEWAY, UNIT], ids=["no box", "two boxes", "one box"])
def test_a_key_file_comes_back(tmp_path: Path, ring: KeyRing) -> None:
    path = tmp_path / "some.key"
    save_keys(path, ring)
    assert path.stat().st_mode & 0o777 == 0o600
    assert same_keys(load_keys(path, ring.role), ring)
    assert [p.name for p in tmp_path.iterdir()] == ["some.key"]


def test_the_umask_does_not_matter(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        save_keys(tmp_path / "some.key", UNIT)
        write_new(tmp_path / "public", b"x", 0o644)
    finally:
        os.umask(before)
    assert (tmp_path / "some.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "public").stat().st_mode & 0o777 == 0o644


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "unit.key"
    save_keys(path, UNIT)
    with pytest.raises(TrustError, match="never replaced"):
        save_keys(path, KeyRing.generate("demo", "unit", "u-9"))
    assert same_keys(load_unit_keys(tmp_path), UNIT)
    assert [p.name for p in tmp_path.iterdir()] == ["unit.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o777])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "unit.key"
    save_keys(path, UNIT)
    path.chmod(mode)
    with pytest.raises(TrustError, match=f"mode {mode:04o}.*chmod 600"):
        load_unit_keys(tmp_path)
    path.chmod(0o400)
    assert same_keys(load_unit_keys(tmp_path), UNIT)


def test_the_wrong_role_is_refused(tmp_path: Path) -> None:
    save_keys(tmp_path / "unit.key", GATEWAY)
    with pytest.raises(TrustError, match="a key for the role gateway, where one for unit is needed"):
        load_unit_keys(tmp_path)


def whole(tmp_path: Path) -> bytes:
    save_keys(tmp_path / "whole.key", UNIT)
    return (tmp_path / "whole.key").read_bytes()


def private(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def test_every_cut_is_refused_without_showing_the_key(tmp_path: Path) -> None:
    data = whole(tmp_path)
    for size in range(len(data) - 2):
        with pytest.raises(TrustError, match="not a key file, or damaged") as caught:
            load_keys(private(tmp_path / "cut.key", data[:size]), "unit")
        shown = "".join(traceback.format_exception(caught.value, chain=False))
        assert not re.search(r"[A-Za-z0-9+/]{32,}", str(caught.value).replace(str(tmp_path), ""))
        assert data[60:80].decode() not in shown


DAMAGE = [
    ("empty", lambda data: b""),
    ("another kind", lambda data: data.replace(b"secret", b"roster", 1)),
    ("another version", lambda data: data.replace(b"stillroom/1", b"stillroom/2", 1)),
    ("an unknown field", lambda data: data.replace(b'{"site"', b'{"x":1,"site"')),
    ("a short key", lambda data: data.replace(b'"boxes":["', b'"boxes":["AAAA')),
    ("junk", lambda data: b"\xff" * 200),
    ("deep", lambda data: b"stillroom/1 secret\n" + b"[" * 10_000),
]


@pytest.mark.parametrize("change", [row[1] for row in DAMAGE], ids=[row[0] for row in DAMAGE])
def test_damage_is_one_line(tmp_path: Path, change) -> None:
    path = private(tmp_path / "damaged.key", change(whole(tmp_path)))
    with pytest.raises(TrustError, match="not a key file, or damaged") as caught:
        load_keys(path, "unit")
    assert str(caught.value).startswith(f"{path}: ")


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    data = whole(tmp_path)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "link").symlink_to(tmp_path / "whole.key")
    private(tmp_path / "enormous", data + b" " * MAX_FILE_BYTES)
    for name, text in {
        "absent": "No such file",
        "folder": "not a plain file",
        "pipe": "not a plain file",
        "link": "cannot be read",
        "enormous": "larger than",
    }.items():
        with pytest.raises(TrustError, match=text):
            load_keys(tmp_path / name, "unit")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_key_is_one_line(tmp_path: Path) -> None:
    save_keys(tmp_path / "unit.key", UNIT)
    (tmp_path / "unit.key").chmod(0)
    with pytest.raises(TrustError, match="Permission denied"):
        load_unit_keys(tmp_path)


def test_size_is_bounded_at_its_edge(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * MAX_FILE_BYTES)
    assert len(read_bounded(path)) == MAX_FILE_BYTES
    path.write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    with pytest.raises(TrustError, match="larger than"):
        read_bounded(path)


def test_forgetting_destroys_only_what_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gateway.key"
    save_keys(path, GATEWAY)
    old, new = GATEWAY.boxes
    assert forget_boxes(path, GATEWAY, {old.public.raw}) == 1
    left = load_keys(path, "gateway")
    assert [box.secret() for box in left.boxes] == [new.secret()]
    assert left.signing.seed() == GATEWAY.signing.seed()
    assert path.stat().st_mode & 0o777 == 0o600
    assert forget_boxes(path, left, {old.public.raw}) == 0


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path) -> None:
    for write in (write_new, replace_file):
        with pytest.raises(StorageError, match="cannot be written: No such file"):
            write(tmp_path / "nowhere" / "file", b"x")


def test_replacing_leaves_old_or_new_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"old")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        replace_file(tmp_path / "folder", b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_fingerprints_are_for_people() -> None:
    text = UNIT.signing.verify_key.fingerprint
    assert re.fullmatch(r"([a-z2-7]{4}-){7}[a-z2-7]{4}", text)
    assert text == fingerprint(UNIT.signing.verify_key.raw) != GATEWAY.signing.verify_key.fingerprint


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_signature_is_over_one_message_by_one_key(message: bytes, other: bytes) -> None:
    signature = UNIT.signing.sign(message)
    assert UNIT.signing.verify_key.verifies(message, signature)
    assert not GATEWAY.signing.verify_key.verifies(message, signature)
    if message != other:
        assert not UNIT.signing.verify_key.verifies(other, signature)


@pytest.mark.parametrize("size", [0, 1, 63, 65, 128])
def test_a_signature_of_another_length_is_none(size: int) -> None:
    message = b"message" * 10
    data = (UNIT.signing.sign(message) + message)[:size]
    assert not UNIT.signing.verify_key.verifies(message, data)
    assert not UNIT.signing.verify_key.verifies(message[max(0, size - 64) :], data)


def test_rfc_8032_test_1() -> None:
    """Ed25519 as the RFC has it, so that others can verify."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    key = SigningKey(seed)
    assert key.verify_key == VerifyKey(public)
    expected = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert key.sign(b"").hex() == expected


def test_errors_are_ones_that_people_can_put_right() -> None:
    assert issubclass(TrustError, StillroomError)
    assert (TrustError.exit_code, StorageError.exit_code) == (6, 8)


def test_a_key_file_that_could_not_be_read_again_is_never_written(tmp_path: Path) -> None:
    path = tmp_path / "gateway.key"
    save_keys(path, GATEWAY)
    with pytest.raises(TrustError, match="65 box keys: at most 64"):
        replace_boxes(path, GATEWAY, [BoxKey.generate() for _ in range(65)])
    assert same_keys(load_keys(path, "gateway"), GATEWAY)
    replace_boxes(path, GATEWAY, [BoxKey.generate() for _ in range(64)])
    assert len(load_keys(path, "gateway").boxes) == 64

"""Keys of makers and installers: locked, and nothing opens them without the passphrase."""

import stat
from pathlib import Path

import pytest
from making import PASSPHRASE, batch_of, passphrase_file, refused, stillroom
from tests.rig import Rig

from stillroom.errors import TrustError
from stillroom.keys import KeyRing, load_keys
from stillroom.note_reading import parse_signer
from stillroom_tools.make import sealed_key


def test_a_key_is_locked_and_the_passphrase_opens_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = passphrase_file(tmp_path)
    assert (
        stillroom(
            *("make", "key", tmp_path / "k", "--of", "acme", "--role", "maker", "--name", "line-1"),
            *("--passphrase-file", given),
        )
        == 0
    )
    fingerprint = capsys.readouterr().out.strip()
    path = tmp_path / "k/line-1.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    ring = sealed_key.load(path, PASSPHRASE, "maker")
    assert ring.signing.seed() not in path.read_bytes()
    assert (
        parse_signer((tmp_path / "k/line-1.pub").read_text().splitlines()[0]).fingerprint
        == ring.signing.verify_key.fingerprint
        == fingerprint
    )
    with pytest.raises(TrustError, match="not a key file"):
        load_keys(path, "maker")
    with pytest.raises(TrustError, match="where it is lost, make a new key"):
        sealed_key.load(path, PASSPHRASE + "!", "maker")
    with pytest.raises(TrustError, match="a key for the role maker"):
        sealed_key.load(path, PASSPHRASE, "installer")
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(TrustError, match="damaged"):
        sealed_key.load(path, PASSPHRASE, "maker")


@pytest.mark.parametrize("what", ["maker", "installer"])
def test_a_wrong_key_is_told_before_a_passphrase_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    """Nobody sits at a terminal here: whoever asks says that one is needed."""
    passphrase = passphrase_file(tmp_path)
    for role in ("maker", "installer"):
        made = ("make", "key", tmp_path / "k", "--of", "test", "--role", role, "--name", role)
        stillroom(*made, "--passphrase-file", passphrase)
    stillroom("site", "signer", "new", tmp_path / "k", "--site", "test", "--name", "eve", "--role", "viewer")
    if what == "maker":
        use: tuple[object, ...] = ("make", "batch", "run", batch_of(tmp_path, 1), "--key")
    else:
        unit = Rig(tmp_path).folder
        use = ("make", "accept", "check", unit, "--distance-m", 2, "--out", tmp_path / "a", "--key")
    other = "installer" if what == "maker" else "maker"
    for name, says in (
        (f"{other}.key", f"a key for the role {other}, where one for {what} is needed"),
        ("eve.key", f"a key for the role viewer, where one for {what} is needed"),
        (f"{what}.pub", "a public file, which signs nothing: name the key that was made with it"),
    ):
        assert says in refused(capsys, 6, *use, tmp_path / "k" / name)


def test_what_a_key_tells_without_its_passphrase_is_not_believed(tmp_path: Path) -> None:
    path, ring = tmp_path / "k", KeyRing.generate("test", "installer", "ida", 0)
    sealed_key.save(path, ring, PASSPHRASE)
    clear = b',"site":"test","role":"installer"'
    for told in (b"", clear.replace(b"installer", b"maker")):  # of an earlier version; of a liar
        other = tmp_path / f"k-{len(told)}"
        other.write_bytes(path.read_bytes().replace(clear, told))
        other.chmod(0o600)
        assert sealed_key.look(other, "maker").role == ((told and "maker") or None)
        with pytest.raises(TrustError, match="a key for the role installer"):
            sealed_key.load(other, PASSPHRASE, "maker")


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = ("make", "key", tmp_path / "k", "--of", "acme", "--role", "maker", "--name", "line-1")
    short = passphrase_file(tmp_path, "short")
    assert "12 to 256 are needed" in refused(capsys, 3, *new, "--passphrase-file", short)
    assert "a terminal" in refused(capsys, 3, *new)
    short.chmod(0o644)
    assert "others may read this secret" in refused(capsys, 6, *new, "--passphrase-file", short)
    assert not (tmp_path / "k").exists() or not any((tmp_path / "k").iterdir())

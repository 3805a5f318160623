"""Keys of makers and installers: locked, and nothing opens them without the passphrase."""

import stat
from pathlib import Path

import pytest
from making import PASSPHRASE, passphrase_file, refused, stillroom

from stillroom.errors import TrustError
from stillroom.keys import load_keys
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


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = ("make", "key", tmp_path / "k", "--of", "acme", "--role", "maker", "--name", "line-1")
    short = passphrase_file(tmp_path, "short")
    assert "12 to 256 are needed" in refused(capsys, 3, *new, "--passphrase-file", short)
    assert "a terminal" in refused(capsys, 3, *new)
    short.chmod(0o644)
    assert "others may read this secret" in refused(capsys, 6, *new, "--passphrase-file", short)
    assert not (tmp_path / "k").exists() or not any((tmp_path / "k").iterdir())

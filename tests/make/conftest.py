"""Passphrases cost nothing here: what they cost is libsodium's, and no test is about that."""

import pytest
from nacl import pwhash

from stillroom_tools.make import sealed_key


@pytest.fixture(autouse=True)
def cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_key, "_OPS", pwhash.argon2id.OPSLIMIT_MIN)
    monkeypatch.setattr(sealed_key, "_MEMORY", pwhash.argon2id.MEMLIMIT_MIN)

"""Passwords: argon2id through libsodium, 64 MiB for each try; no rules about kinds of characters, only about length.

What is compared is the password in Unicode's form NFKC, so that one keyboard's `é` is another's.
"""

import unicodedata
from functools import cache

from nacl import exceptions, pwhash

LEAST, MOST = 12, 128
_LEAST_DIFFERENT = 5
COST = {"opslimit": pwhash.argon2id.OPSLIMIT_INTERACTIVE, "memlimit": pwhash.argon2id.MEMLIMIT_INTERACTIVE}


def fault(password: str, name: str) -> str:
    """Why it cannot be one, or nothing."""
    plain = _plain(password)
    if not LEAST <= len(plain) <= MOST:
        return f"A password has {LEAST} to {MOST} characters: four or five words that do not belong together do well."
    if len(set(plain)) < _LEAST_DIFFERENT:
        return f"This password has fewer than {_LEAST_DIFFERENT} different characters."
    if name in plain.casefold() and len(plain) < LEAST + len(name):
        return "This password is little more than your name."
    return ""


def hashed(password: str) -> str:
    """What is kept. Takes a tenth of a second."""
    return pwhash.argon2id.str(_plain(password).encode(), **COST).decode()


def is_right(kept: str, password: str) -> bool:
    """Takes as long where there is nobody of that name (`kept` empty), and where the password is far too long."""
    try:
        return pwhash.verify((kept or _nobody()).encode(), _plain(password[:MOST]).encode()) and bool(kept)
    except exceptions.InvalidkeyError:
        return False


@cache
def _nobody() -> str:
    return hashed("nobody has this password")


def _plain(password: str) -> str:
    return unicodedata.normalize("NFKC", password)

"""Codes of six digits that a phone shows (RFC 6238: HMAC-SHA-1, 30 s), each taken once."""

import base64
import hmac
import secrets

STEP_S = 30
DIGITS = 6
SECRET_BYTES = 20
_DRIFT = 1
"""A code of the step before or after will do: clocks differ, and people type slowly."""


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def code_at(secret: bytes, step: int) -> str:
    """The code of a step (RFC 4226, 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = mac[-1] & 15
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: bytes, code: str, utc_s: int, after: int) -> int | None:
    """The step whose code this is; None where it is none of now, or not later than the step `after`."""
    now = utc_s // STEP_S
    steps = range(max(now - _DRIFT, after + 1), now + _DRIFT + 1)
    given = code.strip().replace(" ", "").encode()
    return next((step for step in steps if hmac.compare_digest(code_at(secret, step).encode(), given)), None)


def address(secret: bytes, name: str, site: str) -> str:
    """What a phone reads from the square: otpauth://..."""
    return f"otpauth://totp/Stillroom%20{site}:{name}?secret={shown(secret)}&issuer=Stillroom%20{site}"


def shown(secret: bytes) -> str:
    """As people type it: base32."""
    return base64.b32encode(secret).decode()

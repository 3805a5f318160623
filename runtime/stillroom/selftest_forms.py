"""The report of a self-test: what was measured, against which limit, and signed by the unit that was tested.

One JSON object. The signature is over the report's text as a document of kind `self-test` (`note_reading.encode`): no
report passes for another document, and none of another unit for this one's.
"""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from stillroom import note_reading
from stillroom.document_forms import Code, Time
from stillroom.errors import InputError, TrustError
from stillroom.keys import KeyRing
from stillroom.public_keys import PlainName, RawKey, VerifyKey, can_sign

KIND = "self-test"
CAMERA = "camera"
"""The check that the camera is there; not tested, it was not opened."""
MAX_REPORT_BYTES = 64 * 1024

Words = Annotated[str, Meta(max_length=240)]


class Check(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that was looked at."""

    check: Code
    value: float | str | None
    """None: it was not tested."""
    unit: Annotated[str, Meta(max_length=16)]
    limit: Annotated[str, Meta(max_length=80)]
    """In words: `at least 0.1`."""
    margin: float | None
    """How far inside the limit, in the check's unit; negative: outside. None: yes or no, or not tested."""
    passed: bool | None
    """None: not tested, and `why` says why; with profile `care` that is not enough."""
    why: Words = ""


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Which limits it was held to."""

    limits_of: Words
    sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    """Of all limits as JSON, defaults too."""


class Report(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole self-test."""

    unit: PlainName
    site: PlainName
    fingerprint: Annotated[str, Meta(max_length=48)]
    """Of `key`, as it stands on the unit's label."""
    key: RawKey
    """What the unit signs with."""
    software: Annotated[str, Meta(max_length=120)]
    """Version, and SHA-256 over the program's own files."""
    models: dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]]
    """File of weights to its SHA-256; those that were found."""
    profile: Literal["care", "lab"]
    camera: Annotated[str, Meta(pattern=r"\A[a-z0-9]{1,16}\Z")]
    """Its kind: anything but `picamera2` is a camera of the lab."""
    allowed: Words
    """Why the camera could be opened, or why not."""
    at: Time
    hours: Annotated[float, Meta(ge=0.0, le=1000.0)]
    """Of the soak; 0: there was none."""
    phantom: Annotated[str, Meta(max_length=64)] | None
    """SHA-256 of its description; None: nothing stood in front of the camera."""
    limits: Limits
    checks: Annotated[tuple[Check, ...], Meta(min_length=1, max_length=64)]
    passed: bool


class SignedReport(Report, frozen=True, forbid_unknown_fields=True):
    """A report with the unit's signature, as it is written to a file."""

    signature: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9+/]{86}==\Z")]


def verdict(profile: str, checks: Sequence[Check]) -> bool:
    """Whether a unit has passed: its camera was open, and nothing failed; with `care` nothing is left untested."""
    return camera_tested(checks) and not failed(profile, checks)


def camera_tested(checks: Sequence[Check]) -> bool:
    """Whether it was opened at all, or should have been: without that no unit has passed, whatever its profile."""
    return any(one.check == CAMERA and one.passed is not None for one in checks)


def failed(profile: str, checks: Sequence[Check]) -> list[str]:
    """Checks that keep a unit from passing: what failed, a camera not tested, with `care` all that was not."""
    return [
        one.check
        for one in checks
        if one.passed is False or (one.passed is None and (profile == "care" or one.check == CAMERA))
    ]


def sign_report(report: Report, ring: KeyRing) -> bytes:
    """The report's file. `ring`: the keys of the unit that it is of."""
    signature = ring.signing.sign(note_reading.encode(KIND, report))
    signed = SignedReport(**_fields(report), signature=base64.b64encode(signature).decode())
    return msgspec.json.format(msgspec.json.encode(signed), indent=2) + b"\n"


def open_report(data: bytes, fingerprint: str | None = None) -> SignedReport:
    """A report that its unit has signed, and whose verdict is that of its checks.

    fingerprint: of the unit's label; None: whoever signed it. Raises TrustError: cut short, altered, another unit's.
    """
    if len(data) > MAX_REPORT_BYTES:
        raise TrustError(f"larger than {MAX_REPORT_BYTES >> 10} KiB, which no report of a self-test is")
    try:
        report = msgspec.json.decode(data, type=SignedReport, strict=True)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise TrustError(f"not a report of a self-test, or cut short: {error}") from None
    if not can_sign(report.key) or VerifyKey(report.key).fingerprint != report.fingerprint:
        raise TrustError("its key does not have the fingerprint that it names: altered")
    if fingerprint is not None and fingerprint != report.fingerprint:
        raise TrustError(
            f"signed by the unit {report.fingerprint}, not by {fingerprint}: another unit's report"
        )
    text = note_reading.encode(KIND, Report(**_fields(report)))
    if not VerifyKey(report.key).verifies(text, base64.b64decode(report.signature)):
        raise TrustError("altered: the signature of the unit is not over this report")
    if report.passed != verdict(report.profile, report.checks):
        raise TrustError("it says of itself what its own checks do not say: the unit is not to be believed")
    return report


def read_report(path: Path, fingerprint: str | None = None) -> SignedReport:
    """The same from a file. Raises TrustError that names it, InputError where it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_REPORT_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return open_report(data, fingerprint)
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from None


def _fields(report: Report) -> dict[str, Any]:
    return {name: getattr(report, name) for name in Report.__struct_fields__}

"""The manifest of a batch: which units there are, what runs on them, how they were tested. Signed by whoever made them.

It vouches for nothing but the maker's word; what it names can be checked: each unit signed its own public part and its
own report. Its folder is what a facility gets, and holds nothing secret.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from stillroom.document_forms import Time, whole_seconds_utc
from stillroom.documents import Enrolment, Sha256, read_signer
from stillroom.errors import InputError, StillroomError, TrustError
from stillroom.files import read_bounded
from stillroom.keys import KeyRing
from stillroom.note_reading import Signer, encode, open_note
from stillroom.notes import add_signature
from stillroom.public_keys import PlainName, RawKey, VerifyKey
from stillroom.selftest_forms import Check, SignedReport, read_report
from stillroom_tools.make.card import Model, Serial
from stillroom_tools.site.admit import read_request

KIND = "manifest"
FILE, MAKER = "manifest.note", "maker.pub"
MAX_BYTES = 16 * 1024 * 1024


class Made(Struct, frozen=True, forbid_unknown_fields=True):
    """One unit."""

    serial: Serial
    model: Model
    unit: PlainName
    fingerprint: str
    sign: RawKey
    request: Sha256
    """Of `units/UNIT.note`, what the unit says of itself."""
    certificate_request: Sha256
    profile: Literal["care", "lab"]
    """lab: never to hang in a resident's room; the simulated units of a batch are such."""
    camera: str
    software: str
    models: dict[str, Sha256]
    selftest: Sha256
    """Of `selftests/UNIT.json`, signed by the unit."""
    passed: bool
    checks: tuple[Check, ...]

    @property
    def is_of_the_lab(self) -> bool:
        """Simulated, or not made for a resident's room."""
        return self.profile != "care" or self.camera != "picamera2"


class LeftOut(Struct, frozen=True, forbid_unknown_fields=True):
    """A unit of the batch that is not handed over."""

    serial: Serial
    why: Annotated[str, Meta(max_length=240)]


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole batch."""

    site: PlainName
    made: Time
    units: tuple[Made, ...]
    left_out: tuple[LeftOut, ...]

    def __post_init__(self) -> None:
        whole_seconds_utc(self.made)
        for name in ("serial", "unit", "sign"):
            if len({getattr(one, name) for one in self.units}) != len(self.units):
                raise ValueError(f"two units with one '{name}'")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def name_of(manifest: Manifest) -> str:
    """By which one batch is told from another, in file names."""
    return f"{manifest.made:%Y%m%dT%H%M%S}-{sha256(encode(KIND, manifest))[:8]}"


def line_of(folder: Path, serial: str, model: str, unit: str) -> Made:
    """One unit, from what it has signed, which lies in the folder to hand over. Raises TrustError, StorageError."""
    request, asked, report, said = parts(folder, unit)
    return Made(
        serial=serial,
        model=model,
        unit=unit,
        fingerprint=VerifyKey(said.sign).fingerprint,
        sign=said.sign,
        request=sha256(request),
        certificate_request=sha256(asked),
        profile=report.profile,
        camera=report.camera,
        software=report.software,
        models=report.models,
        selftest=sha256(files_of(folder, unit)[2].read_bytes()),
        passed=report.passed,
        checks=report.checks,
    )


def parts(folder: Path, unit: str) -> tuple[bytes, bytes, SignedReport, Enrolment]:
    """Public part, request for a certificate, report, what the public part says. Raises TrustError, StorageError."""
    request, said = request_of(folder, unit)
    _, asked, report = files_of(folder, unit)
    return request, read_bounded(asked), read_report(report, VerifyKey(said.sign).fingerprint), said


def request_of(folder: Path, unit: str) -> tuple[bytes, Enrolment]:
    """A unit's public part, and what it says. Raises TrustError that names the file."""
    path = files_of(folder, unit)[0]
    request = read_bounded(path)
    try:
        said = read_request(request)
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from None
    if said.unit != unit:
        raise TrustError(f"{path}: of unit '{said.unit}'")
    return request, said


def files_of(folder: Path, unit: str) -> tuple[Path, Path, Path]:
    """What is handed over of one unit: its public part, its request for a certificate, its report."""
    units = folder / "units"
    return units / f"{unit}.note", units / f"{unit}.csr", folder / "selftests" / f"{unit}.json"


def sign(manifest: Manifest, maker: KeyRing) -> bytes:
    """Raises TrustError: too large."""
    return add_signature(encode(KIND, manifest), maker, MAX_BYTES)


def read(folder: Path, fingerprint: str) -> tuple[Manifest, Signer]:
    """`open_signed`, and every file that it names. Raises InputError, TrustError: all that is wrong with the files."""
    manifest, maker = open_signed(folder, fingerprint)
    found = [text for one in manifest.units for text in wrong(folder, one)]
    if found:
        raise TrustError("; ".join(found))
    return manifest, maker


def wrong(folder: Path, one: Made) -> list[str]:
    """All that is wrong with the files of one unit, each with the file's name."""
    found = []
    sums = (one.request, one.certificate_request, one.selftest)
    for path, wanted in zip(files_of(folder, one.unit), sums, strict=True):
        try:
            _check(folder, path, one, wanted)
        except StillroomError as error:
            found.append(str(error))
    if not found and line_of(folder, one.serial, one.model, one.unit) != one:
        found.append(
            f"{folder}: the manifest says of unit '{one.unit}' what its files do not: ask for them again"
        )
    return found


def _check(folder: Path, path: Path, one: Made, wanted: str) -> None:
    """Raises TrustError, StorageError."""
    if path.suffix == ".note":
        request_of(folder, one.unit)
    if path.suffix == ".json":
        read_report(path, VerifyKey(one.sign).fingerprint)
    _named(path, path.read_bytes() if path.suffix == ".json" else read_bounded(path), wanted)


def handed(folder: Path, one: Made) -> tuple[bytes, bytes]:
    """A unit's public part and its request for a certificate, each read once: what is checked here is what is returned.

    Raises TrustError: not those that the manifest names, whatever lay there when `wrong` looked.
    """
    note, asked, _ = files_of(folder, one.unit)
    return (
        _named(note, read_bounded(note), one.request),
        _named(asked, read_bounded(asked), one.certificate_request),
    )


def _named(path: Path, data: bytes, wanted: str) -> bytes:
    if sha256(data) != wanted:
        raise TrustError(f"{path}: not the file that the manifest names: ask for it again")
    return data


def open_signed(folder: Path, fingerprint: str) -> tuple[Manifest, Signer]:
    """A manifest and its maker, who must be the one with this fingerprint; its files are not looked at.

    Raises InputError, TrustError: absent, another maker's, altered.
    """
    maker = read_signer(folder / MAKER)
    if maker.fingerprint != fingerprint:
        raise TrustError(
            f"{folder / MAKER}: its fingerprint is {maker.fingerprint}, not {fingerprint}: ask the maker, by telephone"
        )
    path = folder / FILE
    try:
        with path.open("rb") as file:
            note = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return open_note(note, KIND, Manifest, [maker], limit=MAX_BYTES), maker
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from None

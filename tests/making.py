"""What the tests of making units share: a site, cards, a passphrase, and commands as they are typed."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stillroom import cli
from stillroom.keys import load_unit_keys
from stillroom.selftest_forms import Check, Limits, Report, sign_report
from stillroom_tools.make import card, key_place
from stillroom_tools.make.card import Ticket

PASSPHRASE = "four words that stay"


def stillroom(*arguments: object) -> int:
    """A command as the command line runs it: errors are one line and a code."""
    return cli.main([str(argument) for argument in arguments])


def refused(capsys: pytest.CaptureFixture[str], code: int, *arguments: object) -> str:
    """The one line of an error, of a command that must end with this code."""
    capsys.readouterr()
    assert stillroom(*arguments) == code
    error = capsys.readouterr().err
    said = [line for line in error.splitlines() if line.startswith("stillroom: ")]
    assert len(said) == 1 and "Traceback" not in error, error
    return said[0]


def write_card(
    place: Path, serial: str = "SN-1", unit: str = "u-1", site: str = "ward-7", **more: str
) -> str:
    """A card's ticket; its token."""
    token = card.new_token()
    ticket = Ticket("ticket/1", site, unit, serial, "ROOM-1", token, **more)  # type: ignore[arg-type]
    place.mkdir(parents=True, exist_ok=True)
    card.write(place, card.TICKET, ticket, 0o600)
    return token


def passphrase_file(folder: Path, text: str = PASSPHRASE) -> Path:
    path = folder / "passphrase"
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def batch_of(folder: Path, count: int = 3, site: str = "ward-7") -> Path:
    """A batch of real units, taken from a CSV."""
    rows = "".join(f"SN-{number},ROOM-1\n" for number in range(1, count + 1))
    (folder / "units.csv").write_text("serial,model\n" + rows)
    import_batch(folder, site)
    return folder / "batch"


def import_batch(folder: Path, site: str = "ward-7") -> None:
    assert (
        stillroom(
            "make", "batch", "import", folder / "units.csv", "--batch", folder / "batch", "--site", site
        )
        == 0
    )


def maker_key(folder: Path) -> tuple[object, ...]:
    """Options by which `batch run` signs."""
    given = passphrase_file(folder)
    if not (folder / "maker/line-1.key").exists():
        new = ("make", "key", folder / "maker", "--of", "acme", "--role", "maker", "--name", "line-1")
        assert stillroom(*new, "--passphrase-file", given) == 0
    return ("--key", folder / "maker/line-1.key", "--passphrase-file", given)


def start_units(batch: Path, units: Path, *, passed: bool = True) -> None:
    """What boards do with their cards: first start, and a report that each signs itself."""
    for place in sorted((batch / "cards").iterdir()):
        unit = units / card.read_ticket(place).unit
        assert stillroom("make", "unit", unit, "--card", place) == 0
        (place / card.REPORT).write_bytes(report_of(unit, passed=passed))


def report_of(unit: Path, *, passed: bool = True, camera: str = "picamera2", shut: bool = False) -> bytes:
    """A report with this unit's signature; what it says is made up. shut: its camera was never opened."""
    ring = load_unit_keys(unit / "keys")
    checks = tuple(Check(name, 1.0, "1", "at least 1", 0.0, passed) for name in ("camera", "clock"))
    if shut:
        checks = (Check("camera", None, "", "", None, None, "not authorised"), checks[1])
    report = Report(
        unit=ring.name,
        site=ring.site,
        fingerprint=ring.signing.verify_key.fingerprint,
        key=ring.signing.verify_key.raw,
        software="0.1.0 " + "a" * 64,
        models={"face.tflite": "b" * 64},
        profile="care" if camera == "picamera2" else "lab",
        camera=camera,
        allowed="a test",
        at=datetime(2026, 11, 25, tzinfo=UTC),
        hours=0.0,
        phantom=None,
        limits=Limits("a test", "c" * 64),
        checks=checks,
        passed=passed and not shut,
    )
    return sign_report(report, ring)


def made_batch(folder: Path, count: int = 3, site: str = "ward-7") -> Path:
    """A batch that is whole, with its manifest."""
    batch = batch_of(folder, count, site)
    stillroom("make", "batch", "run", batch)
    start_units(batch, folder / "boards")
    assert stillroom("make", "batch", "run", batch, *maker_key(folder)) == 0
    return batch


CREDS = """#!{python}
import pathlib, sys
act, name, source, target = sys.argv[1:]
data = sys.stdin.buffer.read() if source == "-" else pathlib.Path(source).read_bytes()
mark = b"for this machine: " + name.encode() + b"\\n"
if act == "decrypt" and not data.startswith(mark):
    sys.exit("not of this machine, or under another name")
sys.stdout.buffer.write(mark + data[::-1] if act == "encrypt" else data[len(mark):][::-1])
"""
"""What `systemd-creds` is asked for, without its cipher."""


def placed(folder: Path, monkeypatch: pytest.MonkeyPatch, unit: str = "unit") -> tuple[Path, Path]:
    """A unit as `stillroom-place-unit` leaves it: its home and the store of its credentials."""
    tool = folder / "bin/systemd-creds"
    tool.parent.mkdir()
    tool.write_text(CREDS.format(python=sys.executable))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    home, store = folder / "home", folder / "store"
    monkeypatch.setattr(key_place, "HOME", home)
    monkeypatch.setattr(key_place, "STORE", store)
    shutil.copytree(folder / unit, home)
    store.mkdir()
    for name in ("keys/unit.key", "tls/unit-key.pem"):
        key_place._encrypt(Path(name).name, (home / name).read_bytes())
        (home / name).unlink()
    (home / "keys").rmdir()
    return home, store


def secrets_in(*folders: Path) -> list[Path]:
    """Files with a secret key in the clear."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if b"secret" in path.read_bytes() or b"PRIVATE" in path.read_bytes()]

"""What the tests of making units share: a site, cards, a passphrase, and commands as they are typed."""

from pathlib import Path

import pytest

from stillroom import cli
from stillroom_tools.make import card
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

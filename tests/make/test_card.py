"""A unit's first start from its card: keys that stay on it, an answer that proves its card, papers that are its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from making import contents, refused, stillroom, write_card

from stillroom import config
from stillroom.errors import TrustError
from stillroom.keys import load_unit_keys
from stillroom_tools.make import card, first_boot
from stillroom_tools.make.card import is_proven
from stillroom_tools.site import admit


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "card"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "unit"


def test_the_public_part_proves_card_and_key_and_holds_no_secret(place: Path, folder: Path) -> None:
    token = write_card(place)
    assert stillroom("make", "unit", folder, "--card", place) == 0
    ring, answer = load_unit_keys(folder / "keys"), card.read_answer(place)
    assert answer is not None and is_proven(answer, token)
    assert not is_proven(answer, card.new_token()) and not is_proven(answer, "")
    said = admit.read_request(answer.enrolment.encode())
    assert (said.site, said.unit, said.sign) == ("ward-7", "u-1", ring.signing.verify_key.raw)
    asked = x509.load_pem_x509_csr(answer.request.encode())
    assert asked.is_signature_valid and asked.subject.rfc4514_string() == "CN=u-1"
    secrets = [ring.signing.seed(), ring.boxes[0].secret(), (folder / "tls/unit-key.pem").read_bytes()[28:88]]
    written = b"".join(contents(place).values())
    assert not any(secret in written or secret.hex().encode() in written for secret in secrets)
    assert card.read_ticket(place).token == "", "used, and gone from the card"
    assert config.load(folder / "unit.toml").profile == "care"


def test_started_again_nothing_changes(place: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_card(place)
    stillroom("make", "unit", folder, "--card", place)
    before, first = (contents(place), contents(folder)), capsys.readouterr()
    assert stillroom("make", "unit", folder, "--card", place) == 0
    second = capsys.readouterr()
    assert (contents(place), contents(folder)) == before
    assert first.out == second.out
    assert "keys: again" in second.err and "public part: again" in second.err


def test_cut_off_before_the_answer_the_keys_stay(
    place: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = write_card(place)
    with monkeypatch.context() as patch:
        patch.setattr(first_boot, "_answer", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert stillroom("make", "unit", folder, "--card", place) == 130
    key = load_unit_keys(folder / "keys").signing.verify_key
    assert stillroom("make", "unit", folder, "--card", place) == 0
    answer = card.read_answer(place)
    assert answer is not None and is_proven(answer, token)
    assert admit.read_request(answer.enrolment.encode()).sign == key.raw


def test_a_new_card_for_a_unit_that_answered_before(place: Path, folder: Path) -> None:
    write_card(place)
    stillroom("make", "unit", folder, "--card", place)
    key = load_unit_keys(folder / "keys").signing.verify_key
    token = write_card(place)
    assert stillroom("make", "unit", folder, "--card", place) == 0
    answer = card.read_answer(place)
    assert answer is not None and is_proven(answer, token)
    assert load_unit_keys(folder / "keys").signing.verify_key == key


def test_what_is_refused(place: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, 4, "make", "unit", folder, "--card", place)
    assert "no ticket here" in said and "batch run" in said
    write_card(place, unit="u-2")
    assert "this card is for unit 'u-2'" in refused(
        capsys, 3, "make", "unit", folder, "--card", place, "--unit", "u-1"
    )
    stillroom("make", "unit", folder, "--card", place)
    (place / card.ANSWER).unlink()
    assert "make batch card" in refused(capsys, 6, "make", "unit", folder, "--card", place)
    write_card(place, unit="u-3")
    assert "the unit 'u-2' is here" in refused(capsys, 3, "make", "unit", folder, "--card", place)
    (place / card.TICKET).write_text("{}")
    assert "copy it again" in refused(capsys, 4, "make", "unit", folder, "--card", place)


def test_a_card_that_was_used_makes_no_second_unit(
    place: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_card(place)
    stillroom("make", "unit", folder, "--card", place)
    first, second = load_unit_keys(folder / "keys").signing.verify_key, folder.with_name("other-board")
    said = refused(capsys, 6, "make", "unit", second, "--card", place)
    assert f"the answer on it is another unit's ({first.fingerprint})" in said and "batch card" in said
    assert not second.exists(), "no keys for an id that another unit has"
    (place / card.ANSWER).unlink()
    assert "the answer is gone" in refused(capsys, 6, "make", "unit", second, "--card", place)
    assert not second.exists()
    write_card(place)
    stillroom("make", "unit", second, "--card", place)
    assert f"another unit's ({load_unit_keys(second / 'keys').signing.verify_key.fingerprint})" in refused(
        capsys, 6, "make", "unit", folder, "--card", place
    )


def test_an_answer_that_was_changed_proves_nothing(place: Path, folder: Path) -> None:
    token = write_card(place)
    stillroom("make", "unit", folder, "--card", place)
    said = json.loads((place / card.ANSWER).read_text())
    for name in ("serial", "enrolment", "request"):
        changed = {**said, name: said[name].replace("1", "2", 1)}
        (place / card.ANSWER).write_text(json.dumps(changed))
        answer = card.read_answer(place)
        assert answer is not None and not is_proven(answer, token), name
    with pytest.raises(TrustError):
        admit.read_request(said["enrolment"].replace("u-1", "u-2", 1).encode())


def test_a_first_start_needs_nothing_that_a_unit_has_not(place: Path, folder: Path) -> None:
    """The tools' packages are not installed on a unit."""
    write_card(place)
    code = (
        "import sys\n"
        "for name in ('cryptography', 'rich', 'av', 'segno', 'sqlalchemy', 'starlette', 'jinja2', 'zxingcpp'):\n"
        "    sys.modules[name] = None\n"
        "from stillroom import cli\n"
        f"sys.exit(cli.main(['make', 'unit', {str(folder)!r}, '--card', {str(place)!r}]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (place / card.ANSWER).exists()

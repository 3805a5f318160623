"""The attacks that a demo shows: refused here, done where nothing stands in their way."""

import threading
from collections import Counter
from pathlib import Path

import pytest
from tests.rig import run as command

from stillroom import guard_files
from stillroom_tools.lab import attacks


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    command("site", "new", tmp_path / "site", "--site", "test", "--no-tls")
    command(
        "make", "unit", tmp_path / "unit", "--site", tmp_path / "site", "--unit", "u-1", "--profile", "lab"
    )
    return tmp_path / "unit"


def test_from_inside_all_are_refused_and_all_are_done_without_guards(unit):
    found = {attack.name: attack for attack in attacks.inside(unit)}
    assert list(found) == ["camera", "socket", "core-dump"]
    expected = dict.fromkeys(found, "refused")
    if not guard_files.version():
        expected["camera"] = "done"
        assert "no Landlock" in found["camera"].answer
    assert {name: attack.outcome for name, attack in found.items()} == expected
    assert found["camera"].control == found["socket"].control == "without guards: done"


def test_without_its_guards_a_process_is_said_to_be_done_for(unit, monkeypatch):
    real = attacks.take_over
    monkeypatch.setattr(attacks, "take_over", lambda unit, _name, tries: real(unit, None, tries))
    found = {attack.name: attack.outcome for attack in attacks.inside(unit)}
    assert found["camera"] == found["socket"] == "done"


class Gateway:
    """Refuses by the first byte: what it says comes a moment after what was published."""

    def __init__(self, reasons: dict[bytes, str]) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._reasons, self._count = reasons, Counter[str]()

    def publish(self, topic: str, data: bytes) -> bool:
        self.heard.append((topic, data))
        if why := self._reasons.get(data):
            threading.Timer(0.2, lambda: self._count.update([why])).start()
        return True

    def refusals(self) -> Counter[str]:
        return self._count.copy()


def test_at_the_broker_a_bit_is_flipped_and_a_record_said_again():
    gateway = Gateway({b"abbd": "signature", b"abcd": "replayed"})
    found = attacks.at_broker("t", b"abcd", gateway.publish, gateway.refusals)
    assert gateway.heard == [("t", b"abbd"), ("t", b"abcd")]
    assert [attack.outcome for attack in found] == ["refused", "refused"]
    assert "signature" in found[0].answer and "replayed" in found[1].answer


def test_who_hears_no_refusal_says_so(monkeypatch):
    monkeypatch.setattr(attacks, "ANSWER_WITHIN_S", 0.3)
    silent = Gateway({})
    assert [a.outcome for a in attacks.at_broker("t", b"abcd", silent.publish, silent.refusals)] == [
        "done"
    ] * 2
    cut = [a.outcome for a in attacks.at_broker("t", b"abcd", lambda *_: False, silent.refusals)]
    assert cut == ["untried"] * 2

"""What the keeper says last leaves the unit before its courier ends."""

import threading
from pathlib import Path

import pytest

from stillroom.courier import main as module
from stillroom.courier.main import Courier
from stillroom.link import Up
from tests.rig import Recorder, Rig


class Session:
    """In the place of a broker's."""

    def __init__(self, connected: bool) -> None:
        self.connected = connected
        self.order: list[str] = []

    def publish(self, _topic: str, _record: bytes) -> int:
        self.order.append("given")
        return 1

    def stop(self) -> None:
        self.order.append("disconnected")


def speaking(folder: Path, connected: bool) -> tuple[Courier, Session]:
    """A courier that has handed over one record."""
    courier = Courier(Rig(folder).settings, Recorder())  # type: ignore[arg-type]
    session = Session(connected)
    courier._session = session  # type: ignore[assignment]
    courier._forward(Up(7, b"sealed", 0))
    return courier, session


def test_it_disconnects_when_the_broker_has_the_last_record(tmp_path: Path) -> None:
    courier, session = speaking(tmp_path, connected=True)

    def acknowledge() -> None:
        session.order.append("acknowledged")
        courier._acknowledged(1)

    later = threading.Timer(0.1, acknowledge)
    later.start()
    courier.stop()
    later.join()
    assert session.order == ["given", "acknowledged", "disconnected"]


@pytest.mark.parametrize("connected", [False, True])
def test_a_broker_that_is_gone_or_says_nothing_keeps_it_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connected: bool
) -> None:
    monkeypatch.setattr(module, "LAST_WORDS_S", 0.1 if connected else 3600.0)
    courier, session = speaking(tmp_path, connected)
    courier.stop()
    assert session.order == ["given", "disconnected"]

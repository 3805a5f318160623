"""What the keeper writes to the card in a day, counted by the kernel."""

from pathlib import Path

import pytest

from stillroom.errors import SetupError
from stillroom.keeper.outbox import Outbox
from stillroom_tools.lab import bench_card

MOST_MB_A_DAY = {"quiet": 20, "busy": 60}


def measured(room: str, folder: Path) -> dict[str, float]:
    try:
        return bench_card.megabytes_a_day(room, 0.5, folder)
    except SetupError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("room", MOST_MB_A_DAY)
def test_a_day_of_a_room_writes_little(room: str, tmp_path: Path):
    found = measured(room, tmp_path)
    assert found["entries_a_day"] >= 1440 + bench_card.CHANGES[room] * 0.9
    assert 0 < found["mb_a_day"] <= MOST_MB_A_DAY[room]


def test_a_flush_each_slot_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The control: what was settled and heard goes to the card with the next entry, not by itself."""
    monkeypatch.setattr(Outbox, "_flush_deletions", lambda self, _utc_ms: self._database.commit())
    assert measured("quiet", tmp_path)["mb_a_day"] > 2 * MOST_MB_A_DAY["quiet"]

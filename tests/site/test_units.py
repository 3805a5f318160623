"""`site units` in a terminal: whole, or a paragraph for each unit where that is too narrow for the table."""

import pytest

from stillroom.events import Telemetry
from stillroom_tools.site.gateway.versions import DIFFERS
from stillroom_tools.site.units import COLUMNS, Line, cells, show

NOW_MS = 1_800_000_000_000
TOLD = Telemetry(
    from_ms=NOW_MS - 900_000, until_ms=NOW_MS, celsius=51.0, throttled=0, frames_per_s=29.9, frames_dropped=2,
    look_ms=240.0, waiting=0, free_mb=12_000, card_worn=0.1, software="0.1.0", software_ms=NOW_MS - 9 * 86_400_000,
    configuration=3, configuration_hash=None, roster=1,
)  # fmt: skip
UNITS = [
    Line("a-unit-of-a-long-name-in-ward-7-1", NOW_MS, TOLD, 4, (DIFFERS,)),
    Line("a-unit-of-a-long-name-in-ward-7-2", None, None, 0, ()),
]


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_no_width_cuts_a_name_or_a_number(capsys: pytest.CaptureFixture[str], width: int) -> None:
    show(UNITS, NOW_MS, width)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width and "…" not in out
    words = " ".join(out.split())
    for one in UNITS:
        for cell in cells(one, NOW_MS):
            assert cell in words, cell
    assert all((name if width == 200 else name.lower()) in words for name in COLUMNS[1:])
